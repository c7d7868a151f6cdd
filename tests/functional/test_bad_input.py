"""Input that cannot be used: one clear message with its place, exit code 2, nothing written, never a traceback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CHAPTER = r"""\section{Tiny Device}\label{sec:Device Types / Tiny Device}
\begin{lstlisting}
struct virtio_tiny_config {
        le32 a;
        u8 b[4];
};
\end{lstlisting}
"""


def listing(body: str) -> str:
    return f"\\section{{Tiny Device}}\n\\begin{{lstlisting}}\n{body}\n\\end{{lstlisting}}\n"


def refuses(virtspec: Run, spec: Path, tmp_path: Path, *said: str, timeout: float = 60) -> None:
    """Both `layout` and `generate` refuse the input, say these things, and leave nothing behind."""
    output = tmp_path / "output"
    for arguments in (["layout", spec], ["generate", spec, "-o", output]):
        done = virtspec(*arguments, timeout=timeout)
        assert done.returncode == 2, f"{arguments[0]} exits with {done.returncode}: {done.stderr}{done.stdout}"
        assert "Traceback" not in done.stderr
        assert not done.stdout, "a failed reading has no result"
        for part in said:
            assert part in done.stderr
        errors = [line for line in done.stderr.splitlines() if "error:" in line]
        assert len(errors) == 1, f"one clear message, not {len(errors)}:\n{done.stderr}"
    assert not output.exists() or not list(output.rglob("*"))


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    path = tmp_path / "chapter.tex"
    path.write_text(CHAPTER)
    return path


def test_the_chapter_itself_is_good(virtspec: Run, chapter: Path) -> None:
    done = virtspec("layout", chapter, "virtio_tiny_config")
    assert done.returncode == 0, done.stderr
    assert "virtio_tiny_config" in done.stdout


def test_nothing_there(virtspec: Run, tmp_path: Path) -> None:
    refuses(virtspec, tmp_path / "absent", tmp_path, "absent")


def test_directory_without_root(virtspec: Run, tmp_path: Path) -> None:
    (tmp_path / "spec").mkdir()
    refuses(virtspec, tmp_path / "spec", tmp_path, "virtio.tex")


def test_unknown_revision(virtspec: Run, tmp_path: Path) -> None:
    refuses(virtspec, Path(f"{tmp_path}@no-such-revision"), tmp_path, "no-such-revision")


def test_input_cycle(virtspec: Run, tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(CHAPTER + "\\input{b.tex}\n")
    (tmp_path / "b.tex").write_text("\\input{a.tex}\n")
    refuses(virtspec, tmp_path / "a.tex", tmp_path, "b.tex:1:", "VS003")


@pytest.mark.parametrize("path", ["../outside.tex", "/etc/passwd", "link.tex"])
def test_path_that_leaves_the_tree(virtspec: Run, tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.tex").write_text(listing("struct secret { le32 x; };"))
    spec = tmp_path / "spec"
    spec.mkdir()
    (spec / "link.tex").symlink_to(tmp_path / "outside.tex")
    (spec / "chapter.tex").write_text(f"{CHAPTER}\\input{{{path}}}\n")
    refuses(virtspec, spec / "chapter.tex", tmp_path, "chapter.tex:8:", "VS004")


def test_unclosed_environment(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(CHAPTER + "\\begin{lstlisting}\nstruct virtio_tail {\n        le32 x;\n};\n")
    refuses(virtspec, path, tmp_path, "chapter.tex:8:", "VS005")


def test_unclosed_brace(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing("struct virtio_tail {\n        le32 x;"))
    refuses(virtspec, path, tmp_path, "chapter.tex:3:", "VS019")


def test_struct_that_contains_itself(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing("struct a { struct b x; };\nstruct b { struct a y; };"))
    refuses(virtspec, path, tmp_path, "chapter.tex:3", "contains itself", "a -> b -> a")


def test_array_of_2_to_the_60(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing("struct a {\n        u8 x[1 << 60];\n};"))
    refuses(virtspec, path, tmp_path, "chapter.tex:4:", "VS104")


def test_ten_thousand_nested_braces(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing("struct a { " + "struct { " * 10_000 + "u8 x; " + "} y; " * 10_000 + "};"))
    refuses(virtspec, path, tmp_path, "chapter.tex:3:", "VS006")


def test_ten_thousand_nested_parentheses(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing(f"#define X {'(' * 10_000}1{')' * 10_000}"))
    done = virtspec("extract", path, "-o", "-")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2)
    # no value and the reason, where it does not refuse
    assert "chapter.tex" in done.stderr or '"reason"' in done.stdout


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 64])
def test_binary_rubbish(virtspec: Run, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "chapter.tex"
    path.write_bytes(data)
    refuses(virtspec, path, tmp_path, "chapter.tex:1")


def test_another_encoding(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_bytes(CHAPTER.encode() + "\nCaf\u00e9\n".encode("latin-1"))
    refuses(virtspec, path, tmp_path, "chapter.tex:9", "UTF-8")


def test_another_encoding_in_an_included_file(virtspec: Run, tmp_path: Path) -> None:
    (tmp_path / "chapter.tex").write_text(CHAPTER + "\\input{more.tex}\n")
    (tmp_path / "more.tex").write_bytes("\nCaf\u00e9\n".encode("latin-1"))
    refuses(virtspec, tmp_path / "chapter.tex", tmp_path, "more.tex:2", "UTF-8")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema": "virtspec.model/1"}', '{"schema": "other/9", "structs": []}', "[" * 50_000],
)
def test_broken_model(virtspec: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    refuses(virtspec, path, tmp_path, "model.json")


def test_full_disk(virtspec: Run, chapter: Path, tmp_path: Path) -> None:
    """A limit on the size of files makes writing fail in the middle, as a full disk does."""
    output = tmp_path / "output"
    model = tmp_path / "model.json"
    for arguments in (["generate", chapter, "-o", output], ["extract", chapter, "-o", model]):
        done = virtspec(*arguments, file_size=300)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert str(arguments[-1]) in done.stderr
    assert not model.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path != chapter]


def test_a_full_disk_leaves_what_was_there(virtspec: Run, chapter: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    assert virtspec("generate", chapter, "-o", output).returncode == 0
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert before
    chapter.write_text(CHAPTER.replace("le32 a", "le16 a"))
    assert virtspec("generate", chapter, "-o", output, file_size=300).returncode == 2
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before


def test_what_is_no_file_is_written_to_and_not_replaced(virtspec: Run, chapter: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/stdout")
    done = virtspec("extract", chapter, "-o", link)
    assert done.returncode == 0, done.stderr
    assert '"virtio_tiny_config"' in done.stdout
    assert link.is_symlink()


def test_output_that_cannot_be_a_directory(virtspec: Run, chapter: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    done = virtspec("generate", chapter, "-o", tmp_path / "taken")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "taken" in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only directories")
def test_read_only_output(virtspec: Run, chapter: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir(mode=0o555)
    done = virtspec("generate", chapter, "-o", output)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "output" in done.stderr
    assert not list(output.iterdir())


def test_usage(virtspec: Run) -> None:
    done = virtspec("generate", "--no-such-option")
    assert done.returncode == 2
    assert "usage:" in done.stderr


HOSTILE = [
    'x; } import os; os.system("touch OWNED"); struct y {',
    "__import__('os').system('touch OWNED')",
    'a"""\nimport os\nos.system("touch OWNED")\n"""',
    "a*/ int main(void) { return 0; } /*",
    "a{{ 7 * 7 }}b",
    "a\\\n#include </etc/passwd>",
    "</script><script>alert(1)</script>",
    "\u202eevil",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "form",
    [
        "struct %s { le32 a; };",
        "struct virtio_tiny_config { le32 %s; };",
        "#define %s 1",
        "#define VIRTIO_TINY %s",
        "struct virtio_tiny_config { u8 a[%s]; };",
        "enum { %s = 1 };",
    ],
)
def test_hostile_names_reach_no_code(virtspec: Run, tmp_path: Path, form: str, name: str) -> None:
    """Whatever stands where a name belongs: what is rendered is valid Python that does nothing, or nothing is."""
    path = tmp_path / "chapter.tex"
    path.write_text(listing(form % name) + f"\\section{{{name}}}\n", encoding="utf-8")
    output = tmp_path / "output"
    done = virtspec("generate", path, "-o", output, "--only", "python,c", cwd=tmp_path)
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr
    for file in output.rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            assert "touch OWNED" not in text
            assert "int main(void) { return 0; }" not in text or "selfcheck" in file.name
            assert "a49b" not in text
            assert "</script>" not in text
            assert "\u202e" not in text
            assert "#include </etc/passwd>" not in text
            if file.suffix == ".py":
                compile(text, str(file), "exec")
    assert not (tmp_path / "OWNED").exists()
