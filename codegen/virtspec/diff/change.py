"""A finding of a comparison, and the result of a whole one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal, TypeAlias

from virtspec.model import NOWHERE, Coverage, Place

Class: TypeAlias = Literal["wire", "source", "normative", "editorial"]
Threshold: TypeAlias = Literal["breaking", "source", "any"]

CLASSES: tuple[Class, ...] = ("wire", "source", "normative", "editorial")
"""What a change touches: the bytes that peers exchange, the names that programs use, what implementations must do, or
only how the text says it."""


class Verdict(IntEnum):
    """What a change means for implementations of the old text; the larger, the worse."""

    NONE = 0
    COMPATIBLE = 1
    UNDECIDED = 2
    BREAKING = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of two layouts side by side. An empty side has no text; `mark` tells what became of the member."""

    mark: Literal["same", "added", "removed", "moved", "changed", "renamed"]
    old: Cell | None
    new: Cell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A member of a layout: position and size in bytes (None where they depend on data), bits, declaration."""

    offset: int | None
    size: int | None
    bit_offset: int | None
    bit_size: int | None
    depth: int
    type: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutPair:
    """A struct's layout before and after. A size is None where it depends on data; a title is "" on an absent side."""

    old_title: str
    new_title: str
    old_size: int | None
    new_size: int | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value's bytes before and after: a test vector. A side that has no such bytes is None; `note` says why."""

    value: tuple[tuple[str, str], ...]
    old: bytes | None
    new: bytes | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One finding. `old` and `new` are the facts that differ, ready for JSON; they hold no line numbers, so that the
    fingerprint of a finding survives edits elsewhere. `evidence` says why two names were taken for the same thing."""

    rule: str
    name: str
    class_: Class
    verdict: Verdict
    subject: str
    message: str
    old: Any = None
    new: Any = None
    old_place: Place = field(default=NOWHERE, compare=False)
    new_place: Place = field(default=NOWHERE, compare=False)
    evidence: tuple[str, ...] = ()
    why: str = ""
    layout: LayoutPair | None = None
    sample: Sample | None = None
    fingerprint: str = ""

    @property
    def place(self) -> Place:
        """Where a reader of the new text looks; where the thing is gone, its old place."""
        return self.new_place if self.new_place.file else self.old_place

    @property
    def file(self) -> str:
        return self.place.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All findings about two models, worst first within each place's order, and what could not be compared."""

    old_name: str
    new_name: str
    changes: tuple[Change, ...]
    old_coverage: Coverage = field(default_factory=Coverage)
    new_coverage: Coverage = field(default_factory=Coverage)
    gaps: tuple[Gap, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all findings that are more than editorial."""
        return max((c.verdict for c in self.changes if c.class_ != "editorial"), default=Verdict.NONE)

    def verdict_of(self, class_: Class) -> Verdict:
        """The worst verdict of the findings of one class."""
        return max((c.verdict for c in self.changes if c.class_ == class_), default=Verdict.NONE)

    def count(self, verdict: Verdict) -> int:
        """How many findings, the editorial ones aside, have a verdict."""
        return sum(c.verdict is verdict for c in self.changes if c.class_ != "editorial")

    def exceeds(self, threshold: Threshold) -> bool:
        """Whether a finding is at or above a threshold."""
        match threshold:
            case "breaking":
                return self.verdict is Verdict.BREAKING
            case "source":
                return any(c.class_ == "source" or c.verdict is Verdict.BREAKING for c in self.changes)
            case "any":
                return bool(self.changes)

    @property
    def complete(self) -> bool:
        """Whether the result can be trusted: nothing that one side lacks could hide a difference.

        A gap that only adds to the new text (a file that it includes and does not bring) leaves what was found true;
        but then "nothing found" would be a claim about text that nobody has read.
        """
        if any(gap.hides for gap in self.gaps):
            return False
        return not self.gaps or self.verdict is not Verdict.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that was read on one side only. `hides`: facts of the other side have no counterpart because of it."""

    side: Literal["old", "new"]
    place: Place
    reason: str
    hides: bool


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def finish(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The findings in the order of the text, each with its fingerprint."""
    ordered = sorted(changes, key=lambda c: (c.place, c.rule, c.subject, c.message))
    seen: Counter[str] = Counter()
    done: list[Change] = []
    for change in ordered:
        print_ = fingerprint(change)
        seen[print_] += 1
        if seen[print_] > 1:
            print_ = _digest((print_, seen[print_]))
        done.append(replace(change, fingerprint=print_))
    return tuple(done)


def fingerprint(change: Change) -> str:
    """What stays the same when lines move and a patch is sent again: the rule, the subject and the facts."""
    return _digest((change.rule, change.subject, _facts(change.old), _facts(change.new)))


def _facts(value: Any) -> Any:
    # an offset depends on what other findings did before this member
    if isinstance(value, dict):
        return sorted((k, _facts(v)) for k, v in value.items() if k not in ("offset", "source"))
    return value


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]
