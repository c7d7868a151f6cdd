"""What became of the ranges of codes that a table keeps for a use, or for the future."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from virtspec.diff.change import Change, Verdict
from virtspec.diff.rules import change
from virtspec.model import Meaning, Range, Registry

OPEN = 1 << 64
"""The end of a range that has none."""

Run: TypeAlias = tuple[int, int]
"""The first and the last of some codes."""


def code_text(code: int) -> str:
    """A code as the reports give it."""
    return str(code) if code < 10 else f"{code} ({code:#x})"


def range_of(code: int, registry: Registry) -> Range | None:
    """The range of a table that a code is in; None where there is none."""
    return next((r for r in registry.ranges if r.first <= code <= _last(r)), None)


def compare_ranges(old: Sequence[Registry], new: Sequence[Registry]) -> Iterator[Change]:
    """The findings about the ranges of a table, given by its two sides; behind it on either side are the tables that
    have taken codes of it, and those that have given it some."""
    a, b = old[0], new[0]
    yield from _lost(a, b, _Kept(new))
    kept = _Kept(old)
    for range_ in b.ranges:
        for run in uncovered((range_.first, _last(range_)), kept.all):
            message = f"{b.tag} {_text(run)} is kept as {range_.meaning} now, and was not mentioned"
            subject = f"{b.name}: {range_.meaning}"
            yield change("VD155", subject, message, new=_facts(range_), new_place=range_.place)


def _lost(a: Registry, b: Registry, kept: _Kept) -> Iterator[Change]:
    for range_ in a.ranges:
        subject = f"{b.name}: {range_.meaning}"
        facts: dict[str, Any] = {"old": _facts(range_), "old_place": range_.place}
        reserved = range_.meaning in ("reserved", "other")
        for run in uncovered((range_.first, _last(range_)), kept.meaning(range_.meaning)):
            for part in uncovered(run, kept.ranges):
                message = f"{b.tag} {_text(part)} is not kept as {range_.meaning} any more, and has no entries"
                verdict = None if reserved else Verdict.BREAKING
                yield change("VD144", subject, message, verdict, **facts, new_place=b.place)
            for other in kept.others(run, range_.meaning):
                part = max(run[0], other.first), min(run[1], _last(other))
                message = f"{b.tag} {_text(part)} is kept as {other.meaning} and was {range_.meaning}"
                # space kept for the future has got a use
                verdict = Verdict.COMPATIBLE if reserved else None
                yield change("VD145", subject, message, verdict, **facts, new=_facts(other), new_place=other.place)


class _Kept:
    """What some tables keep codes for."""

    def __init__(self, registries: Sequence[Registry]) -> None:
        self._ranges = _joined(r for one in registries for r in one.ranges)
        self._named = [(e.code, e.code) for one in registries for e in one.entries]
        self.ranges = _merged((r.first, _last(r)) for r in self._ranges)
        self.all = _merged([*self.ranges, *self._named])
        self._meanings: dict[Meaning, list[Run]] = {}

    def meaning(self, meaning: Meaning) -> list[Run]:
        """The codes that have entries, or are kept for one use."""
        if meaning not in self._meanings:
            ranges = ((r.first, _last(r)) for r in self._ranges if r.meaning == meaning)
            self._meanings[meaning] = _merged([*ranges, *self._named])
        return self._meanings[meaning]

    def others(self, run: Run, meaning: Meaning) -> Iterator[Range]:
        """The ranges kept for another use that some codes are in."""
        return (r for r in self._ranges if r.meaning != meaning and r.first <= run[1] and run[0] <= _last(r))


def _merged(runs: Iterable[Run]) -> list[Run]:
    """Runs in their order, those that touch each other in one."""
    merged: list[Run] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in their order, those that touch each other and are kept for the same use in one."""
    joined: list[Range] = []
    for one in sorted(ranges, key=lambda r: (r.first, _last(r))):
        last = joined[-1] if joined else None
        if last is not None and last.meaning == one.meaning and one.first <= _last(last) + 1:
            if _last(one) > _last(last):
                joined[-1] = replace(last, last=one.last)
        else:
            joined.append(one)
    return joined


def uncovered(run: Run, covered: Sequence[Run]) -> Iterator[Run]:
    """The parts of a run that none of some merged runs covers."""
    position, last = run
    at = bisect_left(covered, (position,))
    for first, end in covered[max(0, at - 1) :]:
        if first > last:
            break
        if first > position:
            yield position, first - 1
        position = max(position, end + 1)
    if position <= last:
        yield position, last


def _last(range_: Range) -> int:
    return OPEN if range_.last is None else range_.last


def _text(run: Run) -> str:
    first, last = run
    if first == last:
        return code_text(first)
    return f"{code_text(first)} to {'the end' if last >= OPEN else code_text(last)}"


def _facts(range_: Range) -> dict[str, Any]:
    return {"first": range_.first, "last": range_.last, "meaning": range_.meaning}
