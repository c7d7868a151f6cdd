"""Clauses: normative statements with keys that do not depend on where in a file they stand."""

from __future__ import annotations

import re
from functools import lru_cache

from virtspec.chapters import slug
from virtspec.latex.document import Section
from virtspec.link.facts import Facts
from virtspec.model import Clause, Skipped
from virtspec.read.clauses import listed_labels, read_clauses
from virtspec.read.prose import Prose

_REQUIREMENTS = re.compile(r"^(?:Driver|Device) Requirements: ")


def clauses(prose: Prose, facts: Facts) -> tuple[Clause, ...]:
    """The normative statements of a document. A key ends in the digest of the sentence: what moves keeps its key."""
    labels = listed_labels(prose)
    found: dict[str, Clause] = {}
    titles: dict[Section, str] = {}
    numbers: dict[str, int] = {}
    for statement in read_clauses(prose):
        section = statement.section
        if statement.outside:
            facts.skip(Skipped(what="clause", reason="stands outside the normative sections", place=statement.place))
            continue
        facts.count("clauses", read=True)
        if section not in titles:
            titles[section] = _title(section.title)
        base = f"{statement.module}/clause/{statement.role}/{titles[section]}/{statement.digest}"
        numbers[base] = number = numbers.get(base, 0) + 1
        key = base if number == 1 else f"{base}#{number}"
        found[key] = Clause(
            key=key,
            role=statement.role,
            level=statement.level,
            module=statement.module,
            section=section.label or section.title,
            digest=statement.digest,
            names=statement.names,
            listed=None if labels is None else section.label in labels,
            place=statement.place,
        )
    return tuple(found.values())


@lru_cache(maxsize=4096)
def _title(title: str) -> str:
    """A section's title as a part of a key."""
    return slug(_REQUIREMENTS.sub("", title))
