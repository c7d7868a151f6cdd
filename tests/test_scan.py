"""The scanner: what it finds in LaTeX, what it steps over, and that nothing it is fed costs much."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from virtspec.diagnostics import Sink
from virtspec.latex.arguments import argument, option
from virtspec.latex.blocks import Heading, Input, Item, Label, Listing, Settings, Table
from virtspec.latex.document import read_document
from virtspec.latex.hidden import VERBATIM, passed_over
from virtspec.latex.scan import scan_text
from virtspec.latex.text import plain_text
from virtspec.source import DirectoryTree


def kinds(text: str) -> list[str]:
    return [type(block).__name__ for block in scan_text(text).blocks]


def test_structure_is_found() -> None:
    text = r"""\section{A \field{b}}\label{sec:A /
  b} \subsection*{C}\input{x}\lstset{escapechar=\$}
\begin{description}\item[X (1)] x\item y\end{description}
\begin{lstlisting}[escapechar=|]
\section{no} % no comment
\end{lstlisting}
\begin{tabularx}{\textwidth}{ |l|X| }a & b \\ \end{tabularx}"""
    assert kinds(text) == [
        *("Heading", "Label", "Heading", "Input", "Settings"),
        *("ListEdge", "Item", "Item", "ListEdge", "Listing", "Table"),
    ]
    blocks = scan_text(text).blocks
    assert [b.title for b in blocks if isinstance(b, Heading)] == [r"A \field{b}", "C"]
    assert [b.name for b in blocks if isinstance(b, Label)] == ["sec:A / b"]
    assert [b.path for b in blocks if isinstance(b, Input)] == ["x"]
    assert [b.label for b in blocks if isinstance(b, Item)] == ["X (1)", None]
    listing = next(b for b in blocks if isinstance(b, Listing))
    assert text[listing.body : listing.end] == "\n\\section{no} % no comment\n"
    table = next(b for b in blocks if isinstance(b, Table))
    assert text[table.body : table.end] == r"a & b \\ "
    assert next(b for b in blocks if isinstance(b, Settings)).options == r"escapechar=\$"


def test_own_commands_of_the_specification() -> None:
    text = r"\drivernormative{\subsection}{Title}{a / b}\devicenormative{\paragraph}{T}{c}"
    text += r"\conformance{\section}{X}\label{y}"
    headings = [b for b in scan_text(text).blocks if isinstance(b, Heading)]
    assert [(h.level, h.title, h.label, h.role) for h in headings] == [
        (2, "Driver Requirements: Title", "drivernormative:a / b", "driver"),
        (4, "Device Requirements: T", "devicenormative:c", "device"),
        (1, "X", "", None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        r"% \section{A}",
        r"\newcommand{\drivernormative}[3]{#1{Driver Requirements: #2}\label{x:#3}}",
        r"\newcommand{\conformance}[2]{#1{Clause: #2}}",
        r"\sectionmark{A}\itemsep\labelsep\inputencoding",
        "\\begin{verbatim}\n\\section{A}\n\\end{verbatim}",
        r"a line break \\% \section{A}",
    ],
)
def test_what_is_stepped_over(text: str) -> None:
    assert not [b for b in scan_text(text).blocks if isinstance(b, (Heading, Item, Input))]


def test_an_escaped_percent_sign_begins_no_comment() -> None:
    assert kinds("100\\% \\section{A}") == ["Heading"]
    assert kinds("a \\\\ \\section{A}") == ["Heading"]


def test_a_comment_in_an_option() -> None:
    text = "\\item[a % b] \\item[c]\nd] e % \\item f"
    assert [(block.label, text[block.body :]) for block in scan_text(text).blocks if isinstance(block, Item)] == [
        ("a % b] \\item[c]\nd", " e % \\item f")
    ]


@pytest.mark.parametrize(
    ("text", "comments"),
    [
        ("a % b\n%c\n\\%d \\\\% e\n", [2, 6, 15]),
        ("% \\item % a\n\\item % b", [0, 18]),
        ("\\begin{lstlisting}\n% no comment\n\\end{lstlisting} % one", [49]),
        ("\\section{A % in an argument\nB} % behind", [11, 31]),
        ("\\label{a%b\n}\n%c", [8, 13]),
        ("100\\% of it", []),
        ("\\item[a % b]\n\\item c] \\label{d} % \\item e", [8, 32]),
    ],
)
def test_where_comments_begin(text: str, comments: list[int]) -> None:
    begins, ends = scan_text(text).comments[::2], scan_text(text).comments[1::2]
    assert list(begins) == comments
    assert all(text[start] == "%" for start in begins)
    assert [text.find("\n", start) % (len(text) + 1) for start in begins] == list(ends)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (r"x \begin{lstlisting} y", 2),
        (r"\begin{itemize} \item x", 0),
        (r"\begin{tabular}{l} x", 0),
        (r"\end{itemize}", 0),
        (r"\begin{itemize}\end{description}\end{itemize}", 15),
        ("\\begin{lstlisting} x \\begin{lstlisting} y \\end{lstlisting}", 0),
    ],
)
def test_environments_that_do_not_match(text: str, where: int) -> None:
    problems = scan_text(text).problems
    assert [(p.rule, p.start) for p in problems] == [("VS005", where)]


def test_balanced_arguments() -> None:
    assert argument("{a{b}c}", 0) == (1, 6)
    assert argument(" % x\n {a}", 0) == (7, 8)
    assert argument(r"{a\}b}", 0) == (1, 5)
    assert argument("{a", 0) is None
    assert argument("x", 0) is None
    assert option("[a[b]{]}]", 0) == (1, 8)


@pytest.mark.parametrize(
    "text",
    [
        "\\begin{itemize}" * 20_000,
        "\\section{" * 20_000,
        "{" * 100_000,
        "\\item[" * 20_000,
        "\\begin{lstlisting}" * 20_000,
        "\\label{a" * 20_000,
        "\\section{" * 20_000 + "}",
        "\\section{" * 20_000 + "x" * 1_000_000 + "}",
        "%" * 200_000,
        "\\\\" * 100_000,
    ],
)
def test_hostile_texts_are_survived(text: str) -> None:
    """Each takes a moment; where the time grew with the square of the length, one would take hours."""
    scan = scan_text(text)
    assert len(scan.blocks) <= 20_000


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("plain  text\n here", "plain text here"),
        (r"\field{struct x_y} \& more", "struct x_y & more"),
        (r"\hyperref[par:A / B]{VIRTIO_NET_FF}", "VIRTIO_NET_FF"),
        (r"\texttt{x}\textbf{\field{a}}", "xa"),
        (r"a~b\_c", "a b_c"),
        (r"\multirow{3}{*}{\ldots}", "…"),
        ("{" * 1000 + "x" + "}" * 1000, "x"),
    ],
)
def test_fragments_as_plain_text(fragment: str, text: str) -> None:
    assert plain_text(fragment) == text


def test_random_damage_is_survived(releases: Path) -> None:
    """Bytes cut out of and put into a real chapter: the scanner reports, and never fails."""
    chance = random.Random(1)
    original = (releases / "v1.4" / "device-types" / "blk" / "description.tex").read_text("utf-8")
    for _ in range(40):
        text = original
        for _ in range(10):
            at = chance.randrange(len(text))
            piece = chance.choice(["{", "}", "[", "]", "\\", "%", "\\end{lstlisting}", "\\begin{itemize}", ""])
            text = text[:at] + piece + text[at + chance.randrange(40) :]
        scan_text(text)


def test_listings_and_tables_against_an_independent_count(releases: Path) -> None:
    """As many listings and tables as a plain search for their beginnings finds."""
    for edition in ("v1.0", "v1.1", "v1.2", "v1.3", "v1.4"):
        for path in (releases / edition).rglob("*.tex"):
            text = path.read_text("utf-8")
            blocks = scan_text(text).blocks
            uncommented = re.sub(
                r"(?m)(?<!\\)%.*$", "", re.sub(r"(?s)(\\begin\{lstlisting\}).*?\\end\{lstlisting\}", r"\1", text)
            )
            included = len(re.findall(r"\\lstinputlisting\b", uncommented))
            listings = uncommented.count("\\begin{lstlisting}") + included
            assert sum(isinstance(b, Listing) for b in blocks) == listings, path
            tables = len(re.findall(r"\\begin\{(?:tabular\*?|tabularx|longtable)\}", uncommented))
            assert sum(isinstance(b, Table) for b in blocks) == tables, path


@pytest.mark.parametrize("environment", sorted(VERBATIM - {"comment"}))
def test_nothing_in_a_listing_is_a_command(environment: str) -> None:
    text = f"\\begin{{{environment}}}\\section{{x}} \\iffalse\\end{{{environment}}}\\section{{y}}"
    assert kinds(text) == ["Listing", "Heading"]
    assert passed_over(text) == ([], None)


@pytest.mark.parametrize(
    ("content", "rule"), [(b"caf\xe9", "VS001 not UTF-8"), (b"\\input{b}", "VS003 goes in a circle")]
)
def test_a_file_beside_its_chapter_that_cannot_be_used(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "virtio.tex").write_text("\\input{part/a}")
    (tmp_path / "part/a.tex").write_text("\\input{b}")
    (tmp_path / "part/b.tex").write_bytes(content)
    sink = Sink()
    read_document(DirectoryTree(tmp_path), sink)
    assert [d.rule for d in sink.diagnostics] == rule.split()[:1]
    assert rule.partition(" ")[2] in sink.diagnostics[0].message
