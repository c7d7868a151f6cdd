"""Which normative statements the model's facts rest on: what limits, relates or orders values is stated by a clause.

A fact comes from a stretch of the text. The clause is the one there that names all that the fact is about.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from virtspec.model import Clause

_BINDING = frozenset(("MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQUIRED"))


class Statement(NamedTuple):
    """Where the text states a fact about the element of a key: between two lines, in a clause that names these members,
    and has this digest if one is given."""

    key: str
    file: str
    first: int
    last: int
    names: frozenset[str]
    digest: str = ""


def attribute(clauses: Sequence[Clause], statements: Sequence[Statement]) -> tuple[Clause, ...]:
    """The clauses, each with the keys of what it states facts about."""
    files = {statement.file for statement in statements}
    by_file: dict[str, list[tuple[int, int]]] = {}
    for index, clause in enumerate(clauses):
        if clause.place.file in files and clause.level in _BINDING:
            by_file.setdefault(clause.place.file, []).append((clause.place.line, index))
    keys: dict[int, set[str]] = {}
    for lines in by_file.values():
        lines.sort()
    for statement in statements:
        lines = by_file.get(statement.file, [])
        # sentences do not overlap: of those that begin before the stretch, the last one may reach into it
        first = max(bisect_left(lines, (statement.first, 0)) - 1, 0)
        for _, index in lines[first : bisect_left(lines, (statement.last + 1, 0))]:
            if _states(clauses[index], statement):
                keys.setdefault(index, set()).add(statement.key)
    attributed = list(clauses)
    for index, states in keys.items():
        attributed[index] = replace(clauses[index], states=tuple(sorted(states)))
    return tuple(attributed)


def _states(clause: Clause, statement: Statement) -> bool:
    if statement.digest not in ("", clause.digest):
        return False
    names = {name.rpartition(".")[2] for name in clause.names}
    return clause.place.line + clause.words.strip().count("\n") >= statement.first and statement.names <= names
