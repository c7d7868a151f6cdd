"""What TeX passes over is not read: `\\iffalse … \\fi`, and the environment `comment`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import diff_patches as patches
import diff_texts as texts
import pytest

from virtspec.comparison import review
from virtspec.diagnostics import Sink, SpecError
from virtspec.diff.compare import compare_specs
from virtspec.latex.document import read_document
from virtspec.latex.hidden import passed_over, visible
from virtspec.latex.scan import scan_text
from virtspec.source import SourceFile

CHAPTER = """\\section{{Toy Device}}\\label{{sec:Toy Device}}

\\devicenormative{{\\subsection}}{{Toy}}{{Toy Device}}
The device MUST be there.
{0}
\\begin{{lstlisting}}
struct virtio_toy_config {{
        le32 a;
}};
\\end{{lstlisting}}
{1}
\\begin{{tabular}}{{|l|l|}}
\\hline
Opcode & Name \\\\
\\hline
1 & VIRTIO_TOY_A \\\\
{2}
\\end{{tabular}}
"""
FACTS = """\\subsection{Hidden}\\label{sec:Hidden}
The device MUST set \\field{a} to between 1 and 9 inclusive. The driver MUST NOT look.
\\begin{lstlisting}
struct virtio_toy_hidden { le32 b; };
#define VIRTIO_TOY_HIDDEN 9
\\end{lstlisting}
\\begin{itemize}
\\item[VIRTIO_TOY_F_HIDDEN (3)] Hidden.
\\end{itemize}
\\begin{tabular}{|l|l|}
\\hline
Opcode & Name \\\\
\\hline
7 & VIRTIO_TOY_SEVEN \\\\
\\end{tabular}
\\input{hidden}
"""
ROW = "2 & VIRTIO_TOY_B \\\\"
HIDDEN = {
    "iffalse": "\\iffalse\n{}\n\\fi",
    "on one line": "\\iffalse {} \\fi",
    "nested": "\\iffalse\n\\ifx\\a\\b {} \\else x \\fi\n\\fi",
    "nested twice": "\\iffalse \\iffalse x \\fi {} \\ifdefined\\x \\ifnum 1<2 \\fi\\fi \\fi",
    "macro with cases": "\\iffalse\n\\ifthenelse{{\\equal{{a}}{{b}}}}{{x}}{{y}} $a \\iff b$ {}\n\\fi",
    "end in a comment": "\\iffalse\n% \\fi\n{} \\% \\fi",
    "else": "\\iffalse\n{}\\else\n\\fi",
    "environment": "\\begin{{comment}}\n{}\n\\end{{comment}}",
}


@pytest.mark.parametrize("how", HIDDEN)
def test_nothing_hidden_is_read(how: str) -> None:
    plain = texts.reading(CHAPTER.format("", "", "")).spec
    shown = texts.reading(CHAPTER.format(FACTS, FACTS, ROW), hidden="\\section{X}").spec
    assert len(compare_specs(plain, shown).changes) > 5
    hide = HIDDEN[how].format
    spec = texts.reading(CHAPTER.format(hide(FACTS), hide(FACTS), hide(ROW))).spec
    assert not compare_specs(plain, spec).changes
    assert not [s for s in spec.coverage.skipped if s.what == "file"]
    # the lines are those of the file
    at = CHAPTER.format(hide(FACTS), hide(FACTS), hide(ROW)).split("\n").index("struct virtio_toy_config {") + 1
    assert spec.structs[0].place.line == at


SHOWN = {
    "in a comment": "% \\iffalse",
    "behind an escaped backslash": "a \\\\iffalse",
    "in a listing": "\\begin{lstlisting}\n\\iffalse\n\\end{lstlisting}",
    "in a word of code": "\\verb|\\iffalse| and \\lstinline!\\iffalse!",
    "given a name": "\\let\\draft\\iffalse \\let\\x=\\iffalse",
    "given a name in braces": "\\newcommand{\\draft}{\\iffalse}",
    "another word": "\\iffalsely",
}


@pytest.mark.parametrize("how", SHOWN)
def test_what_hides_nothing(how: str) -> None:
    text = f"{SHOWN[how]}\n\\section{{A}}\n\\fi"
    assert passed_over(text) == ([], None)
    assert [b for b in scan_text(text).blocks if type(b).__name__ == "Heading"]


def test_lines_and_offsets_stay() -> None:
    file = SourceFile("x.tex", "a \\iffalse b\n\tc\n\\fi d")
    assert visible(file).text == "a           \n\t \n    d"
    assert visible(file).written == file.text and visible(file).line_text(1) == "a \\iffalse b"
    assert visible(visible(file)).text == visible(file).text
    plain = SourceFile("x.tex", "a")
    assert visible(plain) is plain


@pytest.mark.parametrize("text", ["\\iffalse x", "\\iffalse \\ifx a \\fi", "\\iffalse \\begin{itemize} \\end{itemize}"])
def test_an_end_that_is_not_there_is_told_once(text: str) -> None:
    assert [(p.rule, p.start, p.message) for p in scan_text(text).problems] == [
        ("VS005", 0, "'\\iffalse' has no '\\fi'")
    ]
    with pytest.raises(SpecError, match="iffalse"):
        texts.reading(f"\\section{{A}}\n{text}\n")


def test_many_that_nothing_ends_cost_little() -> None:
    for text in ("\\iffalse" * 100_000, "\\iffalse\\fi " * 50_000, "\\let\\a\\iffalse" * 50_000, "\\verb|" * 50_000):
        read_document(texts.Texts({"virtio.tex": text}), Sink())


def shown(text: str) -> str:
    """The text with a struct where something was hidden."""
    return text.replace("\\iffalse\nNot yet.\n\\fi", "\\begin{lstlisting}\nstruct a { u8 b; };\n\\end{lstlisting}")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text.replace("Not yet", "Never"), []),
        (lambda text: patches.grown(text.replace("Not yet", "Never")), [("VD101", "virtio_toy_config.mask")]),
        (shown, [("VD125", "a")]),
    ],
)
def test_a_patch_changes_what_is_hidden(
    change: Callable[[str], str], expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    base = patches.spec_directory(tmp_path)
    (base / "toy.tex").write_text("\\iffalse\nNot yet.\n\\fi\n" + patches.CHAPTER, "utf-8")
    report = review(patches.mails(patches.edit(base, change)), str(base))
    assert report.complete
    assert [(c.rule, c.subject) for c in report.total.comparison.changes] == expected


def test_a_repair_leaves_what_is_hidden(virtspec: patches.Run, tmp_path: Path) -> None:
    listing = "\\begin{lstlisting}\nstruct a {\n        u8 b\n        u8 c;\n};\n\\end{lstlisting}\n"
    text = f"\\section{{A}}\n\\iffalse\nNot yet.\n\\fi\n{listing}"
    (tmp_path / "a.tex").write_text(text, "utf-8")
    patch = tmp_path / "fix.patch"
    virtspec("lint", str(tmp_path / "a.tex"), "--fix", str(patch))
    subprocess.run(["git", "apply", patch.name], cwd=tmp_path, check=True)
    assert (tmp_path / "a.tex").read_text("utf-8") == text.replace("u8 b", "u8 b;")
