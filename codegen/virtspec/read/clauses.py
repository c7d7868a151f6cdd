"""Normative statements: every sentence with a keyword of RFC 2119, by who must do it and which names it speaks of.

What is written to a model is the sentence's digest, not the sentence itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple

from virtspec.latex.arguments import squeeze
from virtspec.latex.document import Section
from virtspec.latex.text import digest
from virtspec.read.prose import Pages, Phrase, Prose, hits_in, outline_of, sentence_end, sentence_start
from virtspec.source import line_starts_of

Who = Literal["driver", "device", "both"]

# one pattern for each first letter: looking for one letter takes half as long as for one of several; they are words of
# their own, not ends of a name
_KEYWORDS = (
    Phrase(r"M(?:UST|AY)\b(?<!\wMUST)(?<!\wMAY)"),
    Phrase(r"S(?:HOULD|HALL)\b(?<!\wSHOULD)(?<!\wSHALL)"),
    Phrase(r"R(?:EQUIRED|ECOMMENDED)\b(?<!\wREQUIRED)(?<!\wRECOMMENDED)"),
    Phrase(r"OPTIONAL\b(?<!\wOPTIONAL)"),
)
_NOT = re.compile(r"\s+NOT\b|\s+not\b")
_TITLE = re.compile(r"(Driver|Device) Requirements\b")
# three patterns that begin with something rare are several times faster than one that may begin anywhere
# `\field{device status}` is `device_status`; `\field{Table Size}` is a member of no struct of ours
_FIELD = re.compile(r"\\field\{\s*(?:struct\s+)?([A-Za-z_][A-Za-z0-9_.-]*(?:\s+[a-z]+\b)*)\s*(?![A-Za-z\s])")
_STRUCT = re.compile(r"struct\s+([a-z_][a-z0-9_]*)")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9a-z]+)+")
_LABEL = re.compile(r"\\(?:label|ref|nameref|hyperref)\s*(?:\{[^{}]*\}|\[[^\[\]]*\])")
_DRIVER = re.compile(r"\bdrivers?\b", re.IGNORECASE)
_DEVICE = re.compile(r"\bdevices?\b", re.IGNORECASE)
_REFERENCE = Phrase(r"\\ref\{([^{}]{1,400})\}")


class Sentence(NamedTuple):
    """What the text of its file alone says of a sentence with a keyword, and in which stretch of prose it stands."""

    stretch: int
    start: int
    keyword: int
    line: int
    level: str
    digest: str
    names: tuple[str, ...]
    words: str


@lru_cache(maxsize=1024)
def keywords_in(text: str) -> list[tuple[re.Match[str], int]]:
    """The keywords in the prose of a text, in their order, with the stretches in which they stand."""
    return sorted(chain.from_iterable(hits_in(text, _KEYWORDS)), key=lambda hit: hit[0].start())


@lru_cache(maxsize=1024)
def sentences_in(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text with a keyword, once each, with the first keyword as their level; equal texts are read
    once per process."""
    found: list[Sentence] = []
    outline, lines = outline_of(text), line_starts_of(text)
    end = 0
    make = tuple.__new__  # without the detour through the constructor, which is a function
    for match, stretch in keywords_in(text):
        keyword, behind = match.span()
        if keyword < end:
            continue  # another keyword of the sentence before
        start = sentence_start(text, max(end, outline.prose_start(stretch)), keyword)
        end = sentence_end(text, behind, outline.ends[stretch])
        words = text[start:end]
        first = end - len(words.lstrip())
        level = f"{match[0]} NOT" if _NOT.match(text, behind) else match[0]
        line = bisect_right(lines, first)
        names = names_in_sentence(words)
        found.append(make(Sentence, (stretch, start, keyword, line, level, digest(words), names, words)))
    return tuple(found)


def role_of(section: Section | None) -> Who | None:
    """Whom a normative section is about; None outside of such sections."""
    while section is not None:
        if section.role is not None:
            return section.role
        title = _TITLE.search(section.title)
        if title:
            return "driver" if title[1] == "Driver" else "device"
        section = section.parent
    return None


def subject(text: str, start: int, keyword: int) -> Who:
    """Whom a sentence outside the normative sections is about: what it names before its keyword."""
    driver, device = (word.search(text, start, keyword) is not None for word in (_DRIVER, _DEVICE))
    return "driver" if driver and not device else "device" if device and not driver else "both"


def names_in_sentence(text: str) -> tuple[str, ...]:
    """The members, structs and constants that a sentence names."""
    plain = _LABEL.sub(" ", text) if "ref" in text or "\\label" in text else text
    names: list[str] = []
    # most sentences name nothing; what names begin or go on with is found much faster than the names
    if "\\field" in plain:
        names += ["_".join(name.split()) for name in _FIELD.findall(plain)]
    if "_" in plain:
        names += _CONSTANT.findall(plain)
    if "struct" in plain:
        names += _STRUCT.findall(plain)
    return tuple(sorted(set(names))) if names else ()


def listed_labels(prose: Prose) -> frozenset[str] | None:
    """The labels of the sections that the conformance chapter lists; None where there is no such chapter."""
    found = [labels for pages in prose.pages.values() if (labels := _listed_in(pages))]
    return frozenset().union(*found) if found else None


@lru_cache(maxsize=1024)
def _listed_in(pages: Pages) -> frozenset[str]:
    if not any(section.path[0].startswith("Conformance") for section in pages.sections):
        return frozenset()
    sections = (
        (match[1], pages.blocks[stretch].section) for match, stretch in hits_in(pages.file.text, (_REFERENCE,))[0]
    )
    return frozenset(
        squeeze(label) for label, section in sections if section and section.path[0].startswith("Conformance")
    )
