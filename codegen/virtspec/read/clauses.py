"""Normative statements: every sentence with a keyword of RFC 2119, by who must do it and which names it speaks of.

The sentence itself is not kept, only its digest.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from virtspec.latex.document import Section
from virtspec.latex.scan import squeeze
from virtspec.latex.text import digest
from virtspec.model import Place
from virtspec.read.prose import Prose, sentence_end, sentence_start
from virtspec.source import line_starts_of

Who = Literal["driver", "device", "both"]

_KEYWORD = re.compile(r"(?:MUST|SHOULD|SHALL|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b")
_NOT = re.compile(r"\s+NOT\b|\s+not\b")
_TITLE = re.compile(r"(Driver|Device) Requirements\b")
# three patterns that begin with something rare are several times faster than one that may begin anywhere
_FIELD = re.compile(r"\\field\{\s*(?:struct\s+)?([A-Za-z_][A-Za-z0-9_.-]*)")
_STRUCT = re.compile(r"struct\s+([a-z_][a-z0-9_]*)")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9a-z]+)+")
_LABEL = re.compile(r"\\(?:label|ref|nameref|hyperref)\s*(?:\{[^{}]*\}|\[[^\[\]]*\])")
_DRIVER = re.compile(r"\bdrivers?\b", re.IGNORECASE)
_DEVICE = re.compile(r"\bdevices?\b", re.IGNORECASE)
_REFERENCE = re.compile(r"\\ref\{([^{}]{1,400})\}")


@dataclass(slots=True)
class Statement:
    """One sentence. `outside` says that it stands in no normative section."""

    role: Who
    level: str
    module: str
    section: Section
    digest: str
    names: tuple[str, ...]
    place: Place
    outside: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the text of its file alone says of a sentence with a keyword."""

    start: int
    end: int
    line: int
    level: str
    digest: str
    names: tuple[str, ...]


def read_clauses(prose: Prose) -> Iterator[Statement]:
    """All sentences with a keyword, once each, with the first keyword of the sentence as their level."""
    last: tuple[str, int] = ("", -1)
    roles: dict[Section, Who | None] = {}
    for hit in prose.find(_KEYWORD):
        file, context = hit.file, hit.context
        section = context.section
        if section is None or section.heading.conformance or (file.path == last[0] and hit.start < last[1]):
            continue
        sentence = sentence_of(file.text, *hit.match.span(), context.prose_start(), hit.end)
        last = (file.path, sentence.end)
        if section not in roles:
            roles[section] = _role_of(section)
        role = roles[section]
        yield Statement(
            role=role or subject(file.text[sentence.start : sentence.end]),
            level=sentence.level,
            module=context.module,
            section=section,
            digest=sentence.digest,
            names=sentence.names,
            place=Place(file.path, sentence.line),
            outside=role is None and not section.legacy,
        )


@lru_cache(maxsize=8192)
def sentence_of(text: str, keyword: int, behind: int, start: int, limit: int) -> Sentence:
    """The sentence of the keyword from `keyword` to `behind`, in prose from `start` to `limit`."""
    start, end = sentence_start(text, start, keyword), sentence_end(text, behind, limit)
    words = text[start:end]
    level = text[keyword:behind]
    first = start
    while first < keyword and text[first].isspace():
        first += 1
    return Sentence(
        start=start,
        end=end,
        line=bisect_right(line_starts_of(text), first),
        level=f"{level} NOT" if _NOT.match(text, behind) else level,
        digest=digest(words),
        names=names_in_sentence(words),
    )


def _role_of(section: Section | None) -> Who | None:
    """Whom a normative section is about; None outside of such sections."""
    while section is not None:
        if section.role is not None:
            return section.role
        title = _TITLE.search(section.title)
        if title:
            return "driver" if title[1] == "Driver" else "device"
        section = section.parent
    return None


@lru_cache(maxsize=8192)
def subject(text: str) -> Who:
    """Whom a sentence outside the normative sections is about: what it names before its keyword."""
    keyword = _KEYWORD.search(text)
    before = text[: keyword.start()] if keyword else text
    driver, device = _DRIVER.search(before) is not None, _DEVICE.search(before) is not None
    return "driver" if driver and not device else "device" if device and not driver else "both"


@lru_cache(maxsize=16384)
def names_in_sentence(text: str) -> tuple[str, ...]:
    """The members, structs and constants that a sentence names."""
    plain = _LABEL.sub(" ", text) if "ref" in text or "\\label" in text else text
    names = {*_FIELD.findall(plain), *_CONSTANT.findall(plain)}
    if "struct" in plain:
        names.update(_STRUCT.findall(plain))
    return tuple(sorted(names))


def listed_labels(prose: Prose) -> frozenset[str] | None:
    """The labels of the sections that the conformance chapter lists; None where there is no such chapter."""
    found: set[str] = set()
    chapter = False
    for hit in prose.find(_REFERENCE, "\\ref{"):
        section = hit.context.section
        if section is not None and section.path[0].startswith("Conformance"):
            chapter = True
            found.add(squeeze(hit.match[1]))
    return frozenset(found) if chapter else None
