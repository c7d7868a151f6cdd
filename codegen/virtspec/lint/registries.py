"""Rules about tables of codes: order, gaps, and ranges that meet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from virtspec.diagnostics import Severity
from virtspec.latex.blocks import Item
from virtspec.latex.document import Section
from virtspec.latex.text import plain_text
from virtspec.lint.draft import Draft, ancestors
from virtspec.lint.registry import Hit, rule
from virtspec.model import Constant, Place, Range, Registry
from virtspec.read.tables import Code, parse_code

_ALIAS = re.compile(r"[A-Za-z]\w*_")
_PART = re.compile(r"\s*(?:,|\band\b)\s*")
_DEVICE = re.compile(r"device[- ](?:type )?specific|specific (?:to|device)", re.IGNORECASE)

UNBOUNDED = 1 << 64

FAR = 4096
"""A code that is so much higher than the one before it begins another part of a table that reserves nothing."""


def _tables(draft: Draft) -> Iterator[Registry]:
    """The tables of codes, without those of registers and PCI ids, whose codes need not follow each other."""
    for registry in draft.spec.registries:
        if registry.place in draft.table_sections and not any(word in registry.tag for word in ("offset", "pci")):
            yield registry


@rule("VS250", "overlapping-codes", Severity.WARNING)
def overlapping_codes(draft: Draft) -> Iterator[Hit]:
    r"""A code stands for one name, and a code that has one is not in a range that reserves it.

    Bad:
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x1 & PORT_OPEN \\
        0x1 & PORT_CLOSE \\
        \hline
        \end{tabular}

    Good:
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x1 & PORT_OPEN \\
        0x2 & PORT_CLOSE \\
        \hline
        \end{tabular}
    """
    # the reader looks at tables and lists of codes; what repeats itself may not have been taken for one
    seen: dict[int, Constant] = {}
    last: Place | None = None
    for constant in sorted((c for c in draft.spec.constants if c.kind == "define"), key=lambda c: c.place):
        place = constant.place
        if last is None or (place.file, place.line) != (last.file, last.line + 1):
            seen = {}
        last = place
        if constant.value is None or _ALIAS.search(constant.expression):
            continue
        other = seen.setdefault(constant.value, constant)
        where = draft.offset(place)
        if where is None or not _siblings(other.name, constant.name):
            continue
        if not draft.is_reported("VS250", *where, f"'{constant.name}'"):
            message = f"code {constant.value:#x} is '{constant.name}' here and '{other.name}' at {other.place}"
            yield Hit(at=where, message=message)


def _siblings(name: str, other: str) -> bool:
    """Whether two names begin alike and none is what the other one begins with: `…_CTRL_RX` and `…_CTRL_RX_PROMISC`."""
    words, others = name.split("_"), other.split("_")
    shorter = min(len(words), len(others))
    return words[:2] == others[:2] and words[:shorter] != others[:shorter]


@rule("VS212", "code-order", Severity.WARNING)
def code_order(draft: Draft) -> Iterator[Hit]:
    r"""The codes of a table ascend, so that a missing or a doubled one is seen.

    Bad:
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x2 & PORT_CLOSE \\
        0x1 & PORT_OPEN \\
        \hline
        \end{tabular}

    Good:
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x1 & PORT_OPEN \\
        0x2 & PORT_CLOSE \\
        \hline
        \end{tabular}
    """
    for registry in _tables(draft):
        for before, entry in zip(registry.entries, registry.entries[1:], strict=False):
            if entry.code < before.code:
                message = f"{entry.code:#x} '{entry.name}' stands behind {before.code:#x} '{before.name}'"
                yield Hit(at=entry.place, message=message, subject=registry.name)


@rule("VS213", "code-gap", Severity.WARNING)
def code_gap(draft: Draft) -> Iterator[Hit]:
    r"""A table that reserves the codes it does not use leaves none out.

    A gap in a table that reserves nothing is a note.

    Bad:
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x0 & PORT_OPEN \\
        0x1 & PORT_CLOSE \\
        0x3 - 0xff & reserved \\
        \hline
        \end{tabular}

    Good:
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x0 & PORT_OPEN \\
        0x1 & PORT_CLOSE \\
        0x2 - 0xff & reserved \\
        \hline
        \end{tabular}
    """
    for registry in _tables(draft):
        if any(r.meaning == "other" and r.first == 0 for r in registry.ranges):
            continue  # "other" stands for all that is left
        runs = sorted(
            [(e.code, e.code, e.place) for e in registry.entries]
            + [(r.first, _last(r), r.place) for r in registry.ranges]
        )
        reserves = any(r.last != r.first for r in registry.ranges)
        reached = runs[0][1] if runs else 0
        for first, last, place in runs[1:]:
            if first > reached + 1 and reached < UNBOUNDED and (reserves or first - reached < FAR):
                lost = f"{reached + 1:#x}" if first == reached + 2 else f"{reached + 1:#x} to {first - 1:#x}"
                yield Hit(
                    at=place,
                    message=f"the table says nothing about {lost}",
                    subject=registry.name,
                    severity=None if reserves else Severity.NOTE,
                )
            reached = max(reached, last)


@rule("VS214", "overlapping-ranges", Severity.ERROR)
def overlapping_ranges(draft: Draft) -> Iterator[Hit]:
    r"""Ranges of codes do not overlap: not within a table, nor across the parts into which the text divides the codes.

    Bad:
        \begin{tabular}{|l|l|l|}
        \hline
        Code & Name & Meaning \\
        \hline
        0x0 & PORT_OPEN & the port opens \\
        0x1 - 0x8 & - & reserved \\
        0x8 - 0xf & - & reserved for vendors \\
        \hline
        \end{tabular}

    Good:
        \begin{tabular}{|l|l|l|}
        \hline
        Code & Name & Meaning \\
        \hline
        0x0 & PORT_OPEN & the port opens \\
        0x1 - 0x7 & - & reserved \\
        0x8 - 0xf & - & reserved for vendors \\
        \hline
        \end{tabular}
    """
    for registry in _tables(draft):
        ranges = sorted(
            (r for r in registry.ranges if r.meaning != "other" or r.first), key=lambda r: (r.first, _last(r))
        )
        for run, widest in zip(ranges[1:], accumulate(ranges, _wider), strict=False):
            earlier, later = sorted((run, widest), key=lambda r: r.place)
            if run.first <= _last(widest):
                message = f"{_text(later)} overlaps {_text(earlier)}"
                yield Hit(at=later.place, message=message, subject=registry.name)
    yield from _across(draft)


def _wider(first: Range, second: Range) -> Range:
    return second if _last(second) > _last(first) else first


def _last(run: Range) -> int:
    return UNBOUNDED if run.last is None else run.last


def _text(run: Range) -> str:
    if run.last is None:
        return f"{run.first:#x} and above"
    return f"{run.first:#x}" if run.first == run.last else f"{run.first:#x} - {run.last:#x}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of codes that a division gives to one kind: to device types (`device`), to all devices, to nobody yet."""

    codes: Code
    device: bool


@dataclass(frozen=True, slots=True)
class _Division:
    """How a section divides a space of codes: the parts in order, and where that is said."""

    title: str
    parts: tuple[_Part, ...]
    place: Place

    def part_of(self, code: int) -> _Part | None:
        return next((part for part in self.parts if _holds(part.codes, code)), None)


def _across(draft: Draft) -> Iterator[Hit]:
    """Tables against the division of their codes that a section of the same title makes."""
    divisions = {d.title: d for d in (*_listed_divisions(draft), *_tabled_divisions(draft))}
    devices = frozenset(device.module for device in draft.spec.devices)
    for registry in _tables(draft):
        if not registry.entries:
            continue
        for depth, section in enumerate(ancestors(draft.table_sections.get(registry.place))):
            division = divisions.get(section.title)
            # in another chapter the title must be that of the table's own section: below it stand other codes too
            if division is not None and (not depth or division.place.file == registry.place.file):
                yield from _against(registry, division, device=registry.module in devices)
                break


def _against(registry: Registry, division: _Division, *, device: bool) -> Iterator[Hit]:
    """Ranges that cross from one part into another, and codes in a part of another kind."""
    for run in registry.ranges:
        part = division.part_of(run.first)
        if part and run.last is not None and not _holds(part.codes, run.last):
            message = f"{_text(run)} goes beyond {part.codes.last:#x}, where {division.place} ends this kind of codes"
            yield Hit(at=run.place, message=message, subject=registry.name)
    for entry in registry.entries:
        part = division.part_of(entry.code)
        if part and part.device != device:
            kind = "for all devices" if device else "for device types"
            message = f"{entry.code:#x} '{entry.name}' is in a range that {division.place} keeps {kind}"
            yield Hit(at=entry.place, message=message, subject=registry.name)


def _holds(part: Code, code: int) -> bool:
    return part.first <= code <= (UNBOUNDED if part.last is None else part.last)


def _tabled_divisions(draft: Draft) -> Iterator[_Division]:
    """Tables that give nothing but ranges."""
    for registry in _tables(draft):
        section = draft.table_sections.get(registry.place)
        if not registry.entries and len(registry.ranges) > 1 and section is not None:
            parts = tuple(_Part(Code(r.first, r.last), r.meaning == "device") for r in registry.ranges)
            yield _Division(section.title, parts, registry.place)


def _listed_divisions(draft: Draft) -> Iterator[_Division]:
    """Lists whose items are ranges of hexadecimal codes."""
    found: dict[int, tuple[Section, list[_Part], Place]] = {}
    for located in draft.document.blocks:
        block = located.block
        if not isinstance(block, Item) or not block.label or "0x" not in block.label or located.section is None:
            continue
        codes = parse_code(plain_text(block.label))
        if codes is None or codes.first == codes.last:
            continue
        place = located.place
        _, parts, _ = found.setdefault(id(located.section), (located.section, [], place))
        text = located.file.text[block.body : block.body + 120]
        parts.append(_Part(codes, _DEVICE.search(text) is not None))
    for section, parts, place in found.values():
        if len(parts) > 1:
            yield _Division(section.title, tuple(parts), place)
