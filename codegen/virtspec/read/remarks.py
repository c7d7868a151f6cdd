"""What the comments (and stray prose) beside a member say: who accesses a part, and when a member is present."""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtspec.latex.text import digest
from virtspec.listing.syntax import Remark
from virtspec.model import Condition, Direction, FieldIs, Prose
from virtspec.read.features import FEATURE_NAME, stated

_DIRECTION = re.compile(
    r"\W*(?:start of\s+)?device[- ](?:(?P<read>readable|read only)|writable|write only|(?P<both>read && write))"
    r"(?:\s+(?:part|portion|section|data))?\W*$",
    re.IGNORECASE,
)
_LINE = re.compile(r"\n\s*\*+")
_CUE = re.compile(r"\b(?:only|if|when)\b", re.IGNORECASE)
_ONLY = re.compile(r"\bonly\b", re.IGNORECASE)
_NEGOTIATED = re.compile(r"\b(?:negotiated|set|present|offered|exists?)\b", re.IGNORECASE)
_FIELD_IS = re.compile(r"\bif ([a-z][a-z0-9_]*) (?:is |== ?)?(?:set to )?([A-Z][A-Z0-9_]+_[A-Z0-9_]+)\b", re.IGNORECASE)
_NEXT_FIELDS = re.compile(r"\bthe next (\w+ )?fields?\b", re.IGNORECASE)
_COUNTS = {"": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}


@dataclass(frozen=True, slots=True)
class When:
    """A condition, whether the bytes are absent otherwise, and to how many members from here on it applies."""

    condition: Condition
    optional: bool
    members: int = 1


def plain_remark(remark: Remark) -> str:
    """The words of a comment without its marks, on one line."""
    text = remark.text
    if remark.comment:
        text = text.removeprefix("//").removeprefix("/*").removesuffix("*/")
        text = _LINE.sub(" ", text) if "\n" in text else text
    return " ".join(text.split())


def direction(remarks: tuple[Remark, ...], before: Direction | None) -> Direction | None:
    """The part of the request that a member is in: of the one `before` it, unless a remark says that another begins
    here. A part that is both is neither."""
    found = before
    for remark in remarks:
        match = _DIRECTION.match(plain_remark(remark))
        if match:
            found = None if match["both"] else "readable" if match["read"] else "writable"
    return found


def when(remarks: tuple[Remark, ...]) -> When | None:
    """The condition that remarks put on the member they stand at. Neighbouring `//` lines are one sentence."""
    if not remarks:
        return None
    text = " ".join(plain_remark(r) for r in remarks)
    if not _CUE.search(text):
        return None
    if not FEATURE_NAME.search(text):
        return _field_condition(text)
    if not (_NEGOTIATED.search(text) or _ONLY.search(text)):
        return None
    condition = stated(text)
    if condition is None:
        return When(Prose(digest=digest(text)), False)
    run = _NEXT_FIELDS.search(text)
    members = _COUNTS.get((run[1] or "").strip().lower(), 1) if run else 1
    return When(condition, _ONLY.search(text) is not None, members)


def _field_condition(text: str) -> When | None:
    match = _FIELD_IS.search(text)
    if not match:
        return None
    return When(FieldIs(path=match[1], value=match[2]), False)
