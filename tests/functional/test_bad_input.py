"""Input that cannot be used: one clear message with its place, exit code 2, nothing written, never a traceback."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from virtspec.cli import main

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


@pytest.mark.parametrize(
    ("body", "way"),
    [
        ("struct a { struct a x; };", "a -> a"),
        ("struct a { struct b x; };\nstruct b { struct a y; };", "a -> b -> a"),
        ("struct a { struct a x[2]; };", "a -> a"),
        ("struct a { le32 n; struct a x[n]; };", "a -> a"),
        ("struct a { le32 n; struct a x[]; };", "a -> a"),
        ("union a { union { u8 n; struct { union a x; } y; } z; };", "a -> a"),
    ],
    ids=["directly", "another", "array", "counted array", "rest", "without tags"],
)
def test_struct_that_contains_itself(virtspec: Run, tmp_path: Path, body: str, way: str) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing(body))
    refuses(virtspec, path, tmp_path, "chapter.tex:3", "contains itself", way)


def test_no_command_follows_a_struct_that_contains_itself(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing("struct a { struct b x; };\nstruct b { struct a y[2]; };"))
    header = tmp_path / "a.h"
    header.write_text("struct a { unsigned char x; };\n")
    for arguments in (
        ["extract", path, "-o", tmp_path / "model.json"],
        ["diff", path, path],
        ["atlas", path, "-o", tmp_path / "atlas"],
        ["drift", path, header],
    ):
        done = virtspec(*arguments)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("error:") == 1 and "chapter.tex:3: struct 'a' contains itself" in done.stderr
    done = virtspec("lint", path)
    assert done.returncode == 1 and done.stdout.count("VS103") == 1 and "Traceback" not in done.stderr


@pytest.mark.parametrize("order", [1, -1], ids=["inner first", "outer first"])
def test_structs_that_nest_through_one_another(virtspec: Run, tmp_path: Path, order: int) -> None:
    def chain(levels: int) -> Path:
        path = tmp_path / "chapter.tex"
        lines = ["struct s1 { u8 x; };", *(f"struct s{i} {{ struct s{i - 1} x; }};" for i in range(2, levels + 1))]
        path.write_text(listing("\n".join(lines[::order])))
        return path

    refuses(virtspec, chain(65), tmp_path, "struct 's65' nests deeper than 64 levels")
    refuses(virtspec, chain(3000), tmp_path, "nests deeper than 64 levels")
    done = virtspec("lint", chain(65))
    assert done.returncode == 1 and done.stdout.count("VS104") == 1
    done = virtspec("generate", chain(64), "-o", tmp_path / "output")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "\n".join(f"struct virtio_tiny_m{i} {{ le32 a; }};" for i in range(60_000)),
        "enum virtio_tiny_code {\n" + "\n".join(f"VIRTIO_TINY_M{i} = {i}," for i in range(200_000)) + "\n};",
    ],
    ids=["structs", "codes"],
)
def test_more_than_can_be_rendered(virtspec: Run, tmp_path: Path, body: str) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing(body))
    done = virtspec("generate", path, "-o", tmp_path / "output")
    assert done.returncode == 2 and not (tmp_path / "output").exists()
    assert done.stderr.count("error:") == 1 and "chapter.tex:" in done.stderr
    assert "are not rendered at once" in done.stderr


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


def test_structs_that_each_hold_the_one_before_twice(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "chapter.tex"
    doubled = (f"struct s{i} {{ struct s{i - 1} a; struct s{i - 1} b; }};" for i in range(1, 30))
    path.write_text(listing("struct s0 { u8 x; };\n" + "\n".join(doubled)))
    refuses(virtspec, path, tmp_path, "chapter.tex:", "members in all")


@pytest.mark.parametrize(
    "body",
    [
        "#define A A\n#define B C\n#define C B\nstruct s { u8 x[A]; u8 y[B]; };",
        "\n".join(f"#define A{i} A{i + 1}" for i in range(5000)) + "\n#define A5000 1\nstruct s { u8 x[A0]; };",
        "#define A0(x) ((x)+(x))\n"
        + "\n".join(f"#define A{i}(x) A{i - 1}(A{i - 1}(x))" for i in range(1, 40))
        + "\n#define Z A39(1)",
        "#define A0 1\n"
        + "\n".join(f"#define A{i} (A{i - 1}+A{i - 1}+A{i - 1})" for i in range(1, 60))
        + "\nstruct s { u8 x[A59]; };",
        "#define A (1 << 100000000000)\n#define B (1 << (1 << 62))\nstruct s { u8 x[A]; };",
        "/* " * 50_000,
        "struct " + "a" * 1_000_000 + " { u8 x; };",
        "#define A " + "-" * 50_000 + "1",
        "struct s { " + "u8 x;" * 20_000 + " };",
    ],
    ids=[
        "circular",
        "chain",
        "macros that double",
        "constants that double",
        "shifts",
        "comments",
        "name",
        "signs",
        "members",
    ],
)
def test_what_could_take_for_ever(virtspec: Run, tmp_path: Path, body: str) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(listing(body))
    done = virtspec("layout", path, timeout=20)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr


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


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc on this system")
def test_output_where_not_even_root_may_write(virtspec: Run, chapter: Path) -> None:
    for arguments in (["generate", chapter, "-o", "/proc/virtspec"], ["extract", chapter, "-o", "/proc/model.json"]):
        done = virtspec(*arguments)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert str(arguments[-1]) in done.stderr


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


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One output directory for all hostile inputs: what does not depend on them is rendered once."""
    return tmp_path_factory.mktemp("hostile") / "output"


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
def test_hostile_names_reach_no_code(
    tmp_path: Path, rendered: Path, compiler: str, form: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands where a name belongs: it ends up in comments and strings, or nowhere.

    In this process and not in one of its own: there are many cases, and any exception fails the test here, too.
    """
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "chapter.tex"
    path.write_text(listing(form % name) + f"\\section{{{name}}}\n", encoding="utf-8")
    code = main(["generate", str(path), "-o", str(rendered), "--only", "python,c"])
    if code == 2:
        return
    assert code == 0
    for file in [f for f in rendered.rglob("*") if f.is_file() and "__pycache__" not in f.parts]:
        text = file.read_text(encoding="utf-8")
        assert "a49b" not in text, "a template has computed it"
        assert "\u202e" not in text, "the text reads otherwise than it runs"
        if file.suffix == ".py" and not file.stem.startswith("_"):
            check_python(text, file)
    check_c(rendered / "c" / "include" / "virtwire" / "virtwire.h", compiler)
    modules = ", ".join(f"virtwire.{m.stem}" for m in (rendered / "python" / "virtwire").glob("[a-z]*.py"))
    command = [sys.executable, "-B", "-c", f"import virtwire, {modules}"]
    run = subprocess.run(command, cwd=rendered / "python", capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert not list(tmp_path.rglob("OWNED"))
    assert not list(rendered.rglob("OWNED"))


def check_python(text: str, file: Path) -> None:
    tree = ast.parse(text, str(file))
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not named & {"__import__", "eval", "exec"}
    assert "system" not in used


def check_c(file: Path, compiler: str) -> None:
    """What is left of a header after its comments are gone."""
    command = [compiler, "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "-x", "c", str(file)]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    preprocessed = subprocess.run([compiler, "-E", "-P", str(file)], capture_output=True, text=True, check=True).stdout
    code = re.sub(r'"(?:\\.|[^"\\])*"', "", preprocessed)
    assert not re.search(r"\bmain\b|\bsystem\b|root:", code)


def test_nothing_is_rendered_over_what_is_there_from_an_input_without_definitions(
    virtspec: Run, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader,\n")
    done = virtspec("generate", tmp_path / "letter.txt", "-o", tmp_path / "out")
    assert done.returncode == 2 and "no structure and no constant to render" in done.stderr
    assert not (tmp_path / "out").exists()
