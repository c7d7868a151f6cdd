"""Macros of the specification's own that stand for names are read as what they stand for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from virtspec.cli import main
from virtspec.diagnostics import Sink
from virtspec.inputs import open_source
from virtspec.latex.document import read_document
from virtspec.latex.shorthands import MAX_GROWTH, expanded, shorthands_in
from virtspec.link import link_document
from virtspec.model import Feature, Spec
from virtspec.source import SourceFile

MACROS = r"""\newcommand{\toy}[1]{\texttt{VIRTIO\_TOY\_#1}}
\newcommand\featbit[2]{\item[\texttt{#1} (#2)]}
\providecommand{\fld}[1]{\field{#1}}
"""
CHAPTER = r"""\section{Toy Device}\label{sec:Device Types / Toy Device}
\subsection{Feature bits}\label{sec:Device Types / Toy Device / Feature bits}
\begin{description}
\item[\toy{F_LIGHT} (0)] It shines.
\featbit{VIRTIO_TOY_F_SOUND}{1} It sings.
\end{description}
\subsection{Device configuration layout}\label{sec:Device Types / Toy Device / Device configuration layout}
\begin{lstlisting}
struct virtio_toy_config { u8 light; u8 sound; };
\end{lstlisting}
The field \fld{sound} only exists if \toy{F_SOUND} is set. % \toy{X}
The \fld{light} is one of:

\begin{tabular}{ll}
Value & Name \\
0 & \toy{DARK} \\
1 & \toy{BRIGHT} \\
\end{tabular}
"""


def expand(text: str) -> SourceFile:
    return expanded(SourceFile("a.tex", text), shorthands_in(text))


def read(folder: Path, chapter: str) -> tuple[Spec, Sink]:
    (folder / "virtio.tex").write_text("\\input{macros}\n\\input{toy}\n", "utf-8")
    (folder / "macros.tex").write_text(MACROS, "utf-8")
    (folder / "toy.tex").write_text(chapter, "utf-8")
    sink = Sink()
    return link_document(read_document(open_source(str(folder)), sink), sink, "1.5", ()), sink


def test_facts_in_macros_of_their_own(tmp_path: Path) -> None:
    spec, _ = read(tmp_path, CHAPTER)
    assert {(f.name, f.bit, f.place.line) for f in spec.features} == {
        ("VIRTIO_TOY_F_LIGHT", 0, 4),
        ("VIRTIO_TOY_F_SOUND", 1, 5),
    }
    assert [m.condition for m in spec.structs[0].members] == [None, Feature(name="VIRTIO_TOY_F_SOUND")]
    (values,) = [r for r in spec.registries if r.fields == ("virtio_toy_config.light",)]
    assert [e.name for e in values.entries] == ["VIRTIO_TOY_DARK", "VIRTIO_TOY_BRIGHT"]


def test_the_same_facts_as_written_out(tmp_path: Path) -> None:
    plain = CHAPTER.replace("\\fld{", "\\field{").replace(
        "\\featbit{VIRTIO_TOY_F_SOUND}{1}", "\\item[VIRTIO_TOY_F_SOUND (1)]"
    )
    for name in ("F_LIGHT", "F_SOUND", "DARK", "BRIGHT"):
        plain = plain.replace(f"\\toy{{{name}}}", f"VIRTIO_TOY_{name}")
    assert read(tmp_path, CHAPTER)[0] == read(tmp_path, plain)[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\\toy{A} b", "VIRTIO_TOY_A b"),
        ("\\toy {A}", "VIRTIO_TOY_A"),
        ("\\toy{A\nB} c", "VIRTIO_TOY_A B\n c"),  # a line stays a line
        ("\\fld{\\toy{A}}", "\\field{VIRTIO_TOY_A}"),
        ("\\toys{A} \\toy", "\\toys{A} \\toy"),  # another macro; no argument
        ("\\\\toy{A} % \\toy{B}", "\\\\toy{A} % \\toy{B}"),
        ("\\begin{lstlisting}\n\\toy{A}\n\\end{lstlisting}", "\\begin{lstlisting}\n\\toy{A}\n\\end{lstlisting}"),
        ("\\verb|\\toy{A}|", "\\verb|\\toy{A}|"),
        ("\\renewcommand{\\toy}[1]{\\texttt{#1}}", "\\renewcommand{\\toy}[1]{\\texttt{#1}}"),
    ],
)
def test_what_is_expanded(text: str, shown: str) -> None:
    file = SourceFile("a.tex", text)
    assert expanded(file, shorthands_in(MACROS)).text == shown


@pytest.mark.parametrize(
    "definition",
    [
        "\\newcommand{\\field}[1]{\\emph{#1}}",  # the reader's own
        "\\newcommand{\\row}[2]{#1 & #2\\\\}",
        "\\newcommand{\\old}[1]{\\label{#1}}",
        "\\newcommand{\\year}{2015}",
        "\\newcommand{\\two}[1]{#1 #2}",
        "\\newcommand{\\default}[2][x]{#1}",
        "\\newcommand{\\unclosed}[1]{#1",
        "% \\newcommand{\\commented}[1]{\\field{#1}}",
        "\\begin{lstlisting}\n\\newcommand{\\shown}[1]{\\field{#1}}\n\\end{lstlisting}",
    ],
)
def test_what_is_no_shorthand(definition: str) -> None:
    assert shorthands_in(definition) == ()


def test_places_are_those_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(tmp_path, CHAPTER.replace("only exists if \\toy{F_SOUND}", "only exists if \\toy{F_LIGHT} and \\toy{F_SOND}"))
    main(["lint", str(tmp_path)])
    told = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(told) if "VS205" in line)
    line, shown, caret = told[at : at + 3]
    assert line.startswith("toy.tex:11:") and "'VIRTIO_TOY_F_SOND' is not defined" in line
    assert shown.strip().startswith("The field \\fld{sound}")
    assert shown[caret.index("^") :].startswith("\\toy{F_SOND}")


def test_repairs_are_made_in_the_file_itself(tmp_path: Path) -> None:
    clause = "\\drivernormative{\\subsection}{Toy}{Toy}\n\\toy{X} \\toy{Y}: the driver MUST not stop.\n"
    read(tmp_path, CHAPTER + clause)
    main(["lint", str(tmp_path), "--fix", str(tmp_path / "fix.patch")])
    added = [
        x for x in (tmp_path / "fix.patch").read_text("utf-8").splitlines() if x.startswith(("+", "-")) and "MUST" in x
    ]
    assert added == ["-\\toy{X} \\toy{Y}: the driver MUST not stop.", "+\\toy{X} \\toy{Y}: the driver MUST NOT stop."]


def test_growth_is_bounded() -> None:
    macros = "".join(f"\\newcommand{{\\x{c}}}[1]{{\\texttt{{{'#1' * 200}}}}}\n" for c in "abcd")
    start = time.monotonic()
    file = expand(macros + "\\xa{\\xb{\\xc{\\xd{_long_name_}}}}\n" * 500)
    assert len(file.text) < 8 * MAX_GROWTH and time.monotonic() - start < 10
    many = "".join(f"\\newcommand{{\\m{'abcdefghij'[i % 10]}{'x' * (i // 10)}}}[1]{{A_#1}}\n" for i in range(2000))
    assert "A_1" in expand(many + "\\ma{1}\n" * 1000).text and time.monotonic() - start < 20
