"""Prose: sentences and what encloses them; and no text makes reading slow."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

import virtspec
from virtspec.diagnostics import Sink, SpecError
from virtspec.inputs import open_source
from virtspec.latex.document import read_document
from virtspec.pipeline import read_spec
from virtspec.read.prose import MAX_NEAR, MAX_WORD, Hit, Phrase, Prose


def hits(tmp_path: Path, text: str, pattern: str = "HERE") -> list[Hit]:
    path = tmp_path / "chapter.tex"
    path.write_text(text, "utf-8")
    return list(Prose(read_document(open_source(str(path)), Sink())).find(Phrase(pattern)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One. Two HERE three. Four.", " Two HERE three."),
        ("One.\n\nTwo\nHERE.\n\nThree.", "Two\nHERE."),
        ("One.\n \t\nTwo HERE", "Two HERE"),
        ("\\section{A. b}\\label{c. d}\nTwo HERE.", "\nTwo HERE."),
        ("\\drivernormative{\\section}{A. b}{c. d}\nTwo HERE.", "\nTwo HERE."),
        ("Use e.g. HERE or i.e. there, etc. and so on. End.", "Use e.g. HERE or i.e. there, etc. and so on."),
        ("One? (Two HERE.) Three", " (Two HERE.)"),
        ("v1.5 is HERE in x.y too. End", "v1.5 is HERE in x.y too."),
        ("\\begin{lstlisting}\nx. y\n\\end{lstlisting}\nTwo HERE.", "\\end{lstlisting}\nTwo HERE."),
        ("One \\begin{itemize}\n\\item Two HERE\n\\item Three\n\\end{itemize}", " Two HERE\n"),
        ("A \\label{x} HERE b. C", "A \\label{x} HERE b."),
    ],
)
def test_sentences(text: str, sentence: str, tmp_path: Path) -> None:
    (hit,) = hits(tmp_path, text)
    assert hit.file.text[hit.sentence_start() : hit.sentence_end()] == sentence


def test_only_prose_is_found(tmp_path: Path) -> None:
    text = (
        "% HERE 1\nHERE 2 100\\% HERE 3 % HERE 4\n"
        "\\begin{lstlisting}\nHERE 5\n\\end{lstlisting}\n\\begin{tabular}{l}HERE 6\\\\\\end{tabular}\nHERE 7\n"
    )
    assert [h.match[1] for h in hits(tmp_path, text, r"HERE (\d)")] == ["2", "3", "7"]


def spans(matches: Iterable[re.Match[str]]) -> list[tuple[int, int]]:
    return [match.span() for match in matches]


@pytest.mark.parametrize(
    "text", ["", "b", "ab b ab", f"a{' ' * 200}b a{' ' * 260}b", "aab a b aba" * 50, "b" * 40 + "a b"]
)
def test_looking_near_a_word_finds_the_same(text: str) -> None:
    every = spans(Phrase(r"a\s*b").matches(text))
    found = spans(Phrase(r"a\s*b", "a", "b").matches(text))
    assert set(found) <= set(every)
    assert [span for span in found if span[1] - span[0] <= MAX_NEAR] == [
        span for span in every if span[1] - span[0] <= MAX_NEAR
    ]


def phrases() -> list[Phrase]:
    """Every phrase that a module of virtspec looks for."""
    found: list[Phrase] = []
    for info in pkgutil.walk_packages(virtspec.__path__, "virtspec."):
        if info.name.startswith(("virtspec.read.", "virtspec.link.")):
            for value in vars(importlib.import_module(info.name)).values():
                found += [p for p in (value if isinstance(value, tuple) else (value,)) if isinstance(p, Phrase)]
    return found


def test_the_words_of_a_phrase_stand_in_every_match(releases: Path) -> None:
    """What a phrase is found by is no condition of its own: the pattern alone finds the same."""
    texts = [path.read_text("utf-8") for path in sorted(releases.glob("v*/**/*.tex"))]
    some = [p for p in phrases() if p.word]
    assert len(some) > 10
    for phrase in some:
        assert len(phrase.word) <= MAX_WORD
        for text in texts:
            assert spans(phrase.matches(text)) == spans(phrase.pattern.finditer(text)), phrase.pattern.pattern


def test_what_encloses_a_place(tmp_path: Path) -> None:
    text = (
        "\\section{Widget Device}\n\\subsection{Parts}\n\\begin{description}\n\\item[A] HERE\n"
        "\\begin{itemize}\n\\item HERE\n\\end{itemize}\nHERE\n\\item[B] HERE\n\\end{description}\nHERE\n"
    )
    found = hits(tmp_path, text)
    assert [h.context.items for h in found] == [("A",), ("A",), ("A",), ("B",), ()]
    assert {h.context.section.title for h in found if h.context.section} == {"Parts"}
    assert {h.context.module for h in found} == {"widget"}


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (f"struct a {{ u8 x{'[2]' * 5000}; }};", "dimensions nest deeper than 24 levels"),
        (f"struct a {{ {'struct {' * 5000}", "braces nest deeper than 24 levels"),
    ],
)
def test_what_nests_too_deep_is_told_with_its_place(tmp_path: Path, listing: str, message: str) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(f"\\begin{{lstlisting}}\n{listing}\n\\end{{lstlisting}}\n", "utf-8")
    sink = Sink()
    read_spec(str(path), sink)
    found = [(d.rule, d.message, d.span.line) for d in sink.diagnostics if d.rule == "VS006"]
    assert found == [("VS006", message, 2)]


@pytest.mark.parametrize("expression", ["1+" * 50_000 + "1", "(" * 50_000 + "1" + ")" * 50_000, "~" * 50_000 + "1"])
def test_an_endless_expression_is_none(tmp_path: Path, expression: str) -> None:
    path = tmp_path / "chapter.tex"
    path.write_text(f"\\begin{{lstlisting}}\n#define A {expression}\n\\end{{lstlisting}}\n", "utf-8")
    (constant,) = read_spec(str(path)).constants
    assert constant.value is None and constant.reason


def test_files_that_include_each_other_without_end(tmp_path: Path) -> None:
    (tmp_path / "virtio.tex").write_text("\\input{a0}\n", "utf-8")
    for number in range(80):
        (tmp_path / f"a{number}.tex").write_text(f"\\input{{a{number + 1}}}\n", "utf-8")
    with pytest.raises(SpecError, match=r"^a62\.tex:1: .* nest deeper than 64 levels"):
        read_spec(str(tmp_path))


MANY = 6000
HEAD = "\\section{Widget Device}\n\\subsection{Feature bits}\n"
NORMATIVE = "\\drivernormative{\\section}{W}{W}\n"


def listing(text: str) -> str:
    return f"\\begin{{lstlisting}}\n{text}\n\\end{{lstlisting}}\n"


HOSTILE = {
    "one line": NORMATIVE + "driver MUST a. " * MANY,
    "no full stop": NORMATIVE + "MUST " * MANY,
    "labels": NORMATIVE + "MUST. " * MANY + "\\label{x}" * MANY,
    "capitals": f"{NORMATIVE}MUST {'A' * 400_000}",
    "underscores": f"{NORMATIVE}MUST {'A_' * 200_000}",
    "one sentence again and again": NORMATIVE + "The driver MUST go.\n\n" * MANY,
    "bindings": HEAD
    + listing("struct w { u8 a; };\n#define W_CMD_A 1\n#define W_CMD_B 2")
    + "".join(f"W_CMD_A: \\field{{value}} is in the format of \\field{{struct w{i}}}. " for i in range(MANY)),
    "requirements": f"{HEAD}\\begin{{description}}\n"
    + "".join(f"\\item[VIRTIO_W_F_A{i} ({i})] Requires VIRTIO_W_F_A{i + 1}.\n" for i in range(MANY))
    + "\\end{description}",
    "one feature, many bits": f"{HEAD}\\begin{{description}}\n"
    + "".join(f"\\item[VIRTIO_W_F_A ({i})] x\n" for i in range(MANY))
    + "\\end{description}",
    "one member in many structs": HEAD
    + listing("".join(f"struct s{i} {{ u8 a; }};\n" for i in range(MANY)))
    + "\\field{a} only exists if VIRTIO_W_F_A is set. " * MANY,
    "one enum in many versions": HEAD
    + listing("".join(f"enum e {{ E_{i} = {i}, F_{i} = {i + 1} }};\n" for i in range(MANY))),
    "names that begin each other": HEAD + listing("".join(f"#define {'A_' * (i + 1)}X {i % 2}\n" for i in range(600))),
    "definitions in a struct": HEAD
    + listing("struct s {" + "".join(f"\n#define W_{i} {i}" for i in range(MANY)) + "\nu8 a;\n};"),
    "unknown names": HEAD + listing("".join(f"#define W_{i} NOT_KNOWN_{i}\n" for i in range(MANY))),
    "names of names": HEAD
    + listing("#define W_A0 1\n" + "".join(f"#define W_A{i + 1} W_A{i}\n" for i in range(2 * MANY))),
    "one comment": f"{NORMATIVE}% {'MUST ' * 1_600_000}",
    "rows whose space is left open": "\\begin{tabular}{l}" + "1&2\\\\[" * 300_000 + "\\end{tabular}",
    "lists in lists": HEAD + "\\begin{itemize}\n" * MANY + "\\item[0 to 3] x\n" * MANY,
    "blanks": f"{HEAD}MUST{' ' * 200_000}{chr(10)}{' ' * 9}{chr(10) * 200_000}request data {' ' * 200_000}x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_makes_reading_slow(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.tex"
    path.write_text(HOSTILE[name], "utf-8")
    start = time.process_time()
    read_spec(str(path), Sink())
    # what takes time in proportion to the text takes well under a second; what is quadratic takes minutes
    assert time.process_time() - start < 20


def test_what_is_included_amidst_a_table_is_no_prose(tmp_path: Path) -> None:
    (tmp_path / "virtio.tex").write_text(
        "\\section{Log}\n\\begin{longtable}{l}\n\\input{log}\n\\end{longtable}\n\\section{Part}\n\\input{part}\n",
        "utf-8",
    )
    (tmp_path / "log.tex").write_text("1 & HERE \\\\\n\\input{more}\n", "utf-8")
    (tmp_path / "more.tex").write_text("\\begin{itemize}\n\\item HERE\n\\end{itemize}\n", "utf-8")
    (tmp_path / "part.tex").write_text("HERE, without a heading.\n", "utf-8")
    found = list(Prose(read_document(open_source(str(tmp_path)), Sink())).find(Phrase("HERE")))
    assert [(hit.place, hit.context.section and hit.context.section.title) for hit in found] == [
        (("part.tex", 1), "Part")
    ]


def test_a_file_of_nothing_but_prose_states_clauses(tmp_path: Path) -> None:
    (tmp_path / "virtio.tex").write_text("\\drivernormative{\\section}{Part}{Part}\n\\input{part}\n", "utf-8")
    (tmp_path / "part.tex").write_text("The driver MUST NOT write.\n", "utf-8")
    (clause,) = read_spec(str(tmp_path)).clauses
    assert (clause.level, clause.role, str(clause.place)) == ("MUST NOT", "driver", "part.tex:1")
