"""What prose says about who accesses a struct or a member: "the request contains the following device-readable fields".

Such a sentence is about the struct that it names, else about the one before it; a list item, about its member.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from virtspec.model import Direction, Place
from virtspec.read.prose import Hit, Phrase, Prose

_SIDE = Phrase(r"device-(?P<side>readable|writable)(?:\s+(?P<fields>fields?)\b|\))", "device-")
_ANNOUNCED = re.compile(r"\b(?:following|only)\s+$")
_SET_BY = Phrase(r"structure\s+(?:are|is)\s+(?:set|filled)\s+by\s+the\s+(?P<by>driver|device)\b", "structure", "struct")
_THIS = re.compile(r"\b[Tt]his\s+$")
_NAMED = re.compile(r"\b(?:struct\s+|structure\s+)?((?:[a-z0-9]+_){2,}[a-z0-9]+)\b")
_LISTED = re.compile(r"\s*:\s*\\begin\{description\}\s*\\item\s*\[\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CONTAINING = re.compile(r"\bcontaining\s+(?:the\s+)?$")
_ITEM_FIELD = re.compile(r"\s*\\field\{([A-Za-z_][A-Za-z0-9_]*)\}\s*$")


@dataclass(frozen=True, slots=True)
class Access:
    """Who accesses a member, or a `whole` struct: one of the `named`, else the nearest before the place that has the
    member."""

    direction: Direction
    place: Place
    named: tuple[str, ...] = ()
    member: str = ""
    whole: bool = True


def read_directions(prose: Prose) -> Iterator[Access]:
    """Everything that prose says about directions."""
    for hit in prose.find(_SIDE):
        if access := _of_fields(hit) if hit.match["fields"] else _of_item(hit):
            yield access
    for hit in prose.find(_SET_BY):
        if _THIS.search(hit.file.text, max(0, hit.start - 40), hit.start):
            yield Access(_side(hit.match["by"] == "driver"), hit.place)


def _of_fields(hit: Hit) -> Access | None:
    """ "The following device-readable fields": of a struct, or the member that the list behind begins with."""
    announced = _ANNOUNCED.search(hit.file.text, max(0, hit.start - 40), hit.start)
    if announced is None:
        return None
    before = hit.file.text[hit.sentence_start() : announced.start()]
    named = tuple(_NAMED.findall(before))
    if not named and _CONTAINING.search(before):
        return None
    listed = _LISTED.match(hit.file.text, hit.match.end())
    return Access(_side(hit.match["side"] == "readable"), hit.place, named, listed[1] if listed else "")


def _of_item(hit: Hit) -> Access | None:
    """ "(device-writable)", with which the item of a member begins."""
    label = _ITEM_FIELD.match(hit.items[-1]) if hit.items else None
    if label is None or hit.file.text[hit.context.start : hit.start].strip() != "(":
        return None
    return Access(_side(hit.match["side"] == "readable"), hit.place, member=label[1], whole=False)


def _side(readable: bool) -> Direction:
    return "readable" if readable else "writable"
