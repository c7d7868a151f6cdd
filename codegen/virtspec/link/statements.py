"""Which normative statements the model's facts rest on: what limits, relates or orders values is stated by a clause.

A fact comes from a stretch of the text. The clause is the one there that names all that the fact is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    by_file: dict[str, list[Statement]] = {}
    for statement in statements:
        by_file.setdefault(statement.file, []).append(statement)
    return tuple(
        (
            replace(clause, states=states)
            if clause.place.file in by_file and (states := tuple(_states(clause, by_file[clause.place.file])))
            else clause
        )
        for clause in clauses
    )


def _states(clause: Clause, statements: Sequence[Statement]) -> Iterator[str]:
    first = clause.place.line
    last = first + clause.words.strip().count("\n")
    names = {name.rpartition(".")[2] for name in clause.names}
    found = {
        s.key
        for s in statements
        if s.first <= last and first <= s.last and s.names <= names and s.digest in ("", clause.digest)
    }
    return iter(sorted(found) if clause.level in _BINDING else ())
