"""What words make of the features that they name: a condition that is theirs, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.model import Prose, condition_text
from virtspec.pipeline import read_spec
from virtspec.read.features import stated

WORDS = [
    ("W_F_A is negotiated", "W_F_A"),
    ("W_F_A has not been negotiated", "not (W_F_A)"),
    ("W_F_A and W_F_B are negotiated", "W_F_A and W_F_B"),
    ("W_F_A, W_F_B or W_F_C is set", "W_F_A or W_F_B or W_F_C"),
    ("W_F_A along with W_F_B or W_F_C", "W_F_A and (W_F_B or W_F_C)"),
    ("neither W_F_A nor W_F_B is negotiated", "not (W_F_A or W_F_B)"),
    ("W_F_A is negotiated and W_F_B is not negotiated", ""),
    ("W_F_A and W_F_B are not negotiated", ""),
    ("W_F_A is negotiated and the queue is not set", ""),
    ("W_F_A and W_F_B or W_F_C is negotiated", ""),
    ("it is negotiated", ""),
]


@pytest.mark.parametrize(("words", "condition"), WORDS)
def test_conditions(words: str, condition: str) -> None:
    assert condition_text(stated(words)) == condition


def test_comments_and_sentences_are_read_alike(tmp_path: Path) -> None:
    chosen = [(words, condition) for words, condition in WORDS if "W_F_" in words and "along" not in words]
    members = "".join(f"le32 c{i}; // only if {words}\nle32 s{i};\n" for i, (words, _) in enumerate(chosen))
    sentences = "".join(f"\n\\field{{s{i}}} only exists if {words}.\n" for i, (words, _) in enumerate(chosen))
    path = tmp_path / "widget.tex"
    path.write_text(
        "\\section{Widget Device}\n\\subsection{Device configuration layout}\n\\begin{lstlisting}\n"
        f"struct widget_config {{\n{members}}};\n\\end{{lstlisting}}\n{sentences}"
    )
    found = {m.name: m.condition for m in read_spec(str(path)).structs[0].members}
    for i, (words, expected) in enumerate(chosen):
        for name in (f"c{i}", f"s{i}"):
            condition = found[name]
            text = "" if isinstance(condition, Prose) else condition_text(condition)
            assert (name, text) == (name, expected), words
