"""Clauses: normative statements with keys that do not depend on where in a file they stand."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from virtspec.chapters import module_of, slug
from virtspec.latex.document import Section
from virtspec.link.facts import Facts
from virtspec.model import Clause, Place, Skipped
from virtspec.read.clauses import listed_labels, role_of, sentences_in, subject
from virtspec.read.prose import Pages, Prose

_REQUIREMENTS = re.compile(r"^(?:Driver|Device) Requirements: ")


def clauses(prose: Prose, facts: Facts) -> tuple[Clause, ...]:
    """The normative statements of a document. A key ends in the digest of the sentence: what moves keeps its key."""
    labels = _one_of(listed_labels(prose))
    found: dict[str, Clause] = {}
    numbers: dict[str, int] = {}
    for pages in prose.pages.values():
        stated, skipped = _clauses_in(pages, labels)
        for clause in stated:
            if clause.key in found:
                numbers[clause.key] = number = numbers.get(clause.key, 1) + 1
                clause = replace(clause, key=f"{clause.key}#{number}")
            found[clause.key] = clause
        facts.count("clauses", read=True, number=len(stated))
        for skip in skipped:
            facts.skip(skip)
    return tuple(found.values())


@lru_cache(maxsize=8)
def _one_of(labels: frozenset[str] | None) -> frozenset[str] | None:
    """The first of several equal sets: what is kept by it is then found without comparing them again."""
    return labels


@lru_cache(maxsize=1024)
def _clauses_in(pages: Pages, labels: frozenset[str] | None) -> tuple[tuple[Clause, ...], tuple[Skipped, ...]]:
    """The statements of one file, and those that stand outside the normative sections."""
    file = pages.file
    found: list[Clause] = []
    skipped: list[Skipped] = []
    around: Section | None = None
    make = tuple.__new__  # without the detour through the constructor, which is a function
    for sentence in sentences_in(file.text):
        section = pages.blocks[sentence.stretch].section
        if section is None or section.heading.conformance:
            continue
        if section is not around:
            around, whose, module, title = (
                section,
                role_of(section),
                module_of(section.path, file.path),
                _title(section),
            )
        place = make(Place, (file.path, sentence.line))
        if whose is None and not section.legacy:
            skipped.append(Skipped(what="clause", reason="stands outside the normative sections", place=place))
            continue
        role = whose or subject(file.text, sentence.start, sentence.keyword)
        found.append(
            Clause(
                key=f"{module}/clause/{role}/{title}/{sentence.digest}",
                role=role,
                level=sentence.level,
                module=module,
                section=section.label or section.title,
                digest=sentence.digest,
                names=sentence.names,
                listed=None if labels is None else section.label in labels,
                words=sentence.words,
                place=place,
            )
        )
    return tuple(found), tuple(skipped)


def _title(section: Section) -> str:
    """A section's title as a part of a key."""
    return slug(_REQUIREMENTS.sub("", section.title))
