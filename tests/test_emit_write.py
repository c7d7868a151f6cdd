from __future__ import annotations

import json
from pathlib import Path

import pytest

from virtspec.diagnostics import SpecError
from virtspec.emit import write
from virtspec.emit.write import MANIFEST, inputs_digest, unchanged_since, write_files

FILES = {"python/p/a.py": "x   =  1\n", "c/a.h": "int x;\n"}


def tree(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


def test_writes_formats_and_leaves_alone_what_has_not_changed(tmp_path: Path) -> None:
    first = write_files(FILES, tmp_path, check=False)
    assert first.written == ("c/a.h", "python/p/a.py")
    assert (tmp_path / "python/p/a.py").read_text() == "x = 1\n"
    stamp = (tmp_path / "c/a.h").stat().st_mtime_ns
    second = write_files(FILES, tmp_path, check=False)
    assert second.written == () and second.unchanged == ("c/a.h", "python/p/a.py")
    assert (tmp_path / "c/a.h").stat().st_mtime_ns == stamp


def test_black_runs_only_for_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(FILES, tmp_path, check=False)
    formatted: list[str] = []
    original = write._blacken
    monkeypatch.setattr(write, "_blacken", lambda path, text: formatted.append(path) or original(path, text))
    write_files({**FILES, "python/p/b.py": "y=2\n"}, tmp_path, check=False)
    assert formatted == ["python/p/b.py"]
    (tmp_path / "python/p/a.py").write_text("edited\n")
    write_files({**FILES, "python/p/b.py": "y=2\n"}, tmp_path, check=False)
    assert formatted == ["python/p/b.py", "python/p/a.py"]
    assert (tmp_path / "python/p/a.py").read_text() == "x = 1\n"


def test_check_changes_nothing_and_tells_what_would_change(tmp_path: Path) -> None:
    write_files(FILES, tmp_path, check=False)
    (tmp_path / "c/a.h").write_text("int y;\n")
    before = tree(tmp_path)
    report = write_files(
        {"python/p/a.py": FILES["python/p/a.py"], "c/new.h": "\n", "c/a.h": "int x;\n"}, tmp_path, check=True
    )
    assert report.differing == ("c/a.h", "c/new.h") and report.drifted
    assert tree(tmp_path) == before
    assert write_files({"c/a.h": "int y;\n"}, tmp_path, check=True).stale == ("python/p/a.py",)


def test_check_does_not_trust_what_was_formatted_before(tmp_path: Path) -> None:
    write_files(FILES, tmp_path, check=False)
    forged = "x = 2\n"
    (tmp_path / "python/p/a.py").write_text(forged)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["files"]["python/p/a.py"][0] = write._digest(forged.encode())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert write_files(FILES, tmp_path, check=True).differing == ("python/p/a.py",)


def test_stale_files_go_with_their_directories(tmp_path: Path) -> None:
    write_files(FILES, tmp_path, check=False)
    report = write_files({"c/a.h": "int x;\n"}, tmp_path, check=False)
    assert report.stale == ("python/p/a.py",)
    assert not (tmp_path / "python").exists()


def test_a_stale_file_that_was_edited_is_kept(tmp_path: Path) -> None:
    write_files(FILES, tmp_path, check=False)
    (tmp_path / "python/p/a.py").write_text("# mine now\n")
    report = write_files({"c/a.h": "int x;\n"}, tmp_path, check=False)
    assert report.kept == ("python/p/a.py",) and report.stale == ()
    assert (tmp_path / "python/p/a.py").read_text() == "# mine now\n"


def test_files_of_other_parts_stay(tmp_path: Path) -> None:
    write_files(FILES, tmp_path, check=False)
    report = write_files({"c/b.h": "\n"}, tmp_path, check=False, parts=["c"])
    assert report.stale == ("c/a.h",)
    assert (tmp_path / "python/p/a.py").exists()


def test_somebody_elses_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c/a.h").write_text("handwritten\n")
    with pytest.raises(SpecError, match=r"c/a\.h: this file was not generated"):
        write_files(FILES, tmp_path, check=False)
    assert tree(tmp_path) == {"c/a.h": "handwritten\n"}


def test_a_file_with_the_right_content_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c/a.h").write_text(FILES["c/a.h"])
    assert write_files(FILES, tmp_path, check=False).unchanged == ("c/a.h",)


@pytest.mark.parametrize("path", ["../out.py", "/etc/x", "a/../../b", "a\\b", "", "./a"])
def test_no_path_leaves_the_output(tmp_path: Path, path: str) -> None:
    with pytest.raises(SpecError, match="inside the output"):
        write_files({path: "x"}, tmp_path / "root", check=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": "x"}', '{"schema": "virtspec.manifest/1", "files": {"../x": "y"}}'],
)
def test_a_damaged_manifest_is_an_error_not_a_guess(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(SpecError, match="damaged"):
        write_files(FILES, tmp_path, check=False)


def test_a_failing_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(FILES, tmp_path, check=False)
    before = tree(tmp_path)
    original = Path.write_bytes

    def full_disk(self: Path, data: bytes) -> int:
        if "new" in self.name:
            original(self, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return original(self, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(SpecError, match="No space left on device; nothing was changed"):
        write_files({**FILES, "c/a.h": "changed\n", "d/e/new.h": "12345\n"}, tmp_path, check=False)
    assert tree(tmp_path) == before
    assert not (tmp_path / "d").exists()


def test_an_output_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(SpecError, match="cannot be written"):
        write_files(FILES, tmp_path / "out", check=False)


def test_text_that_is_no_python_is_reported_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"python/p/a\.py"):
        write_files({"python/p/a.py": "def (\n"}, tmp_path, check=False)
    assert list(tmp_path.iterdir()) == []


def test_unchanged_since_sees_inputs_and_outputs(tmp_path: Path) -> None:
    write_files(FILES, tmp_path, check=False, parts=["c", "python"], inputs="digest")
    assert unchanged_since(tmp_path, "digest", ["c", "python"])
    assert not unchanged_since(tmp_path, "other", ["c", "python"])
    assert not unchanged_since(tmp_path, "digest", ["c", "python", "conformance"])
    (tmp_path / "c/a.h").write_text("edited\n")
    assert not unchanged_since(tmp_path, "digest", ["c", "python"])
    assert unchanged_since(tmp_path, "digest", ["python"])
    (tmp_path / "python/p/a.py").unlink()
    assert not unchanged_since(tmp_path, "digest", ["python"])


def test_inputs_digest_depends_on_contents_and_options(tmp_path: Path) -> None:
    spec = tmp_path / "spec.tex"
    spec.write_text("one")
    first = inputs_digest([spec], {"targets": ["c"]})
    assert first == inputs_digest([spec], {"targets": ["c"]})
    assert first != inputs_digest([spec], {"targets": ["c", "python"]})
    spec.write_text("two")
    assert first != inputs_digest([spec], {"targets": ["c"]})


def test_a_very_long_file_is_not_formatted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MAX_FORMATTED", len("x   =  1\n"))
    files = {"python/p/a.py": "x   =  1\n", "python/p/b.py": "xy   =  1\n"}
    write_files(files, tmp_path, check=False)
    assert (tmp_path / "python/p/a.py").read_text() == "x = 1\n"
    assert (tmp_path / "python/p/b.py").read_text() == "xy   =  1\n"
    assert not write_files(files, tmp_path, check=True).drifted
