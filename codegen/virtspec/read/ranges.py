"""Which values a member may have: "MUST set x to between 1 and 65535 inclusive, if it offers F"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from virtspec.model import Condition, Place
from virtspec.read.clauses import keywords_in
from virtspec.read.features import combine
from virtspec.read.numbers import number
from virtspec.read.prose import Hit, Prose

_NUMBER = r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)"
_SET = re.compile(
    r"MUST\s+set\s+(?:\\field\{(?P<member>\w+)\}\s+to\s+(?:"
    rf"between\s+(?P<first>{_NUMBER})\s+and\s+(?P<last>{_NUMBER})\s+inclusive"
    rf"|at\s+least\s+(?P<least>{_NUMBER})"
    rf"|(?P<or_more>{_NUMBER})\s+or\s+(?:greater|more)\b)"
    r"|(?P<bits>at\s+least\s+one\s+bit\s+in)\s+\\field\{(?P<mask>\w+)\})"
)
_OFFERS = re.compile(r",?\s*if\s+it\s+offers\s+(?P<features>[^.]{1,300})")


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values of a member, which a module's device has to give; `last` is None where there is no limit."""

    member: str
    first: int
    last: int | None
    condition: Condition | None
    module: str
    place: Place


def _statements(prose: Prose) -> Iterator[Hit]:
    """Every statement on a member's values: all begin with a keyword."""
    for pages in prose.pages.values():
        text = pages.file.text
        for keyword, stretch in keywords_in(text):
            if match := _SET.match(text, keyword.start()):
                yield Hit(match, pages, stretch)


def read_ranges(prose: Prose) -> Iterator[ValueRange]:
    """Every range that a normative sentence gives."""
    for hit in _statements(prose):
        match = hit.match
        first = number(match["first"] or match["least"] or match["or_more"] or "1")
        last = number(match["last"]) if match["last"] else None
        if first is None or (match["last"] and last is None):
            continue
        offers = _OFFERS.match(hit.file.text, match.end(), hit.sentence_end())
        yield ValueRange(
            member=match["member"] or match["mask"],
            first=first,
            last=last,
            condition=combine(offers["features"]) if offers else None,
            module=hit.context.module,
            place=hit.place,
        )
