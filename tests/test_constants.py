"""The values of constants: in any order of appearance, never by it, and with bounded work."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import Sink
from virtspec.link import constants
from virtspec.pipeline import read_spec


def values(tmp_path: Path, lines: list[str]) -> dict[str, int | str]:
    """The constants of a listing: their values, or why they have none."""
    path = tmp_path / "chapter.tex"
    text = "\n".join(("\\chapter{Widget}", "\\begin{lstlisting}", *lines, "\\end{lstlisting}", ""))
    path.write_text(text, "utf-8")
    spec = read_spec(str(path), Sink())
    return {c.name: c.reason if c.value is None else c.value for c in spec.constants if c.parameters is None}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_may_be_long_and_begin_at_either_end(tmp_path: Path, backwards: bool) -> None:
    chain = [f"#define WIDGET_{i} (WIDGET_{i + 1} + 1)" for i in range(3000)]
    lines = [*chain, "#define WIDGET_3000 5"]
    found = values(tmp_path, lines[::-1] if backwards else lines)
    assert found == {f"WIDGET_{i}": 3005 - i for i in range(3001)}


def test_what_goes_through_itself_has_no_value(tmp_path: Path) -> None:
    lines = ["#define A B", "#define B (A + 1)", "#define C (B + 1)", "#define D D", "#define E 7"]
    assert values(tmp_path, lines) == {**dict.fromkeys("ABCD", "goes through itself"), "E": 7}


def test_macros_that_use_each_other_twice_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "MAX_CALLS", 1000)
    doubling = [f"#define M{i}(x) (M{i + 1}(x) + M{i + 1}(x))" for i in range(30)]
    found = values(tmp_path, [*doubling, "#define M30(x) x", "#define FEW M22(1)", "#define MANY M0(1)"])
    assert found["FEW"] == 256
    assert str(found["MANY"]).endswith("goes through too many macros, or through itself")


def test_a_macro_with_two_bodies_is_not_resolved_by_order(tmp_path: Path) -> None:
    lines = ["#define P(x) (x + 1)", "#define P(x) (x + 2)", "#define Q(x) (x + 1)", "#define Q(x) (x + 1)"]
    found = values(tmp_path, [*lines, "#define A P(1)", "#define B Q(1)"])
    assert found == {"A": "macro 'P' is defined in several ways: chapter.tex:3, chapter.tex:4", "B": 2}


def test_an_enumerator_with_a_value_that_cannot_be_read(tmp_path: Path) -> None:
    found = values(tmp_path, ["enum widget { A = 1, B = @, C, D, E = 7, F };"])
    unread = {"B": "'@' is no expression", "C": "'@ + 1' is no expression", "D": "'@ + 2' is no expression"}
    assert found == {"A": 1, **unread, "E": 7, "F": 8}


def test_a_deep_expression_has_no_value_and_stops_nothing(tmp_path: Path) -> None:
    deep = "1"
    for _ in range(30):
        deep = f"({deep}{'+1' * 200})"
    found = values(tmp_path, [f"#define DEEP {deep}", "#define NEXT 2"])
    assert found["NEXT"] == 2
    assert str(found["DEEP"]).endswith("is no expression")
