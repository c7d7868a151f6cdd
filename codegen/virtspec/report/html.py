"""A diff report as one self-contained page: no script, no network, every text escaped by the template engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from virtspec import __version__, rendering
from virtspec.diagnostics import printable
from virtspec.diff.change import CLASSES, Cell, Change, LayoutPair, Sample, Verdict, counted
from virtspec.model import Place
from virtspec.report.diff_view import MARKS, grouped, shown_starts, size_text, summary, visible
from virtspec.report.drawing import Picture, pictures
from virtspec.report.findings import Finding
from virtspec.report.outcome import Report, Step

if TYPE_CHECKING:
    from jinja2 import Environment

BYTES_PER_LINE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a row of two layouts, as text."""

    offset: str
    size: str
    type: str
    name: str
    note: str
    indent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRow:
    mark: str
    sign: str
    old: Side | None
    new: Side | None
    hidden: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Byte:
    text: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteLine:
    side: str
    offset: str
    bytes: tuple[Byte, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A finding."""

    id: str
    rule: str
    name: str
    verdict: str
    class_: str
    subject: str
    message: str
    old_place: str
    new_place: str
    evidence: str
    why: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The findings about one thing, with its layouts, drawings and bytes."""

    items: tuple[Item, ...]
    verdicts: str
    classes: str
    rows: tuple[LayoutRow, ...] = ()
    both: bool = False
    old_size: str = ""
    new_size: str = ""
    old_pictures: tuple[Picture, ...] = ()
    new_pictures: tuple[Picture, ...] = ()
    bytes: tuple[ByteLine, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintLine:
    word: str
    place: str
    severity: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One comparison: a patch, or the whole."""

    id: str
    title: str
    subtitle: str
    headline: str
    verdict: str
    complete: bool
    notes: tuple[str, ...]
    prose: tuple[str, ...]
    cards: tuple[Card, ...]
    lint: tuple[LintLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    group: str
    name: str
    count: str


def diff_html(report: Report) -> str:
    """The report as an HTML page."""
    parts = tuple(_parts(report))
    items = [item for part in parts for card in part.cards for item in card.items]
    view = {
        "title": report.total.title,
        "verdict": str(report.verdict) if report.complete else "incomplete",
        "headline": _headline(report.total),
        "parts": parts,
        "filters": tuple(_filters(items)),
        "gone": tuple(f"{g['rule']} {g['name']}: {g['message']}" for g in report.gone),
        "stale": report.stale,
        "version": __version__,
    }
    return _environment().get_template("diff.html.jinja").render(**view)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return rendering.environment("report", escape=True, finalize=_shown)


def _shown(value: object) -> object:
    """What a template may write of a value: escaped markup as it is, of a text what can be seen."""
    return printable(value) if type(value) is str else value


def _filters(items: list[Item]) -> Iterator[Filter]:
    for verdict in (Verdict.BREAKING, Verdict.UNDECIDED, Verdict.COMPATIBLE):
        number = sum(item.verdict == str(verdict) for item in items)
        yield Filter(group="verdict", name=str(verdict), count=str(number))
    for class_ in CLASSES:
        number = sum(item.class_ == class_ for item in items)
        yield Filter(group="class", name=class_, count=str(number))


def _parts(report: Report) -> Iterator[Part]:
    if not report.steps:
        yield _part(report.total, report, "all", report.total.comparison.changes)
        return
    for number, step in enumerate(report.steps, 1):
        yield _part(step, report, f"p{number}", step.comparison.changes)
    told = {c.fingerprint for s in report.steps for c in s.comparison.changes}
    rest = [c for c in report.total.comparison.changes if c.fingerprint not in told]
    yield _part(report.total, report, "all", rest)


def _headline(step: Step) -> str:
    comparison = step.comparison
    if step.complete:
        return summary(comparison)
    found = summary(comparison) if comparison.changes else "nothing found in what was compared"
    return f"incomplete, not a verdict: {found}"


def _part(step: Step, report: Report, id_: str, changes: Iterable[Change]) -> Part:
    comparison = step.comparison
    notes = [f"Not applied: {r.path} {r.header}: {r.reason}" for r in step.rejected]
    notes += [f"Cut short: {r.path} {r.header}: {r.reason}" for r in step.cut]
    notes += [f"Missing: {missing}" for missing in step.missing]
    notes += [f"Not compared: {g.place} ({g.side} text): {g.reason}" for g in comparison.gaps]
    notes += [f"Suppressed: {s.change.rule} {s.change.subject}: {s.reason}" for s in step.suppressed]
    prose = tuple(f"Editorial: no fact has changed in {path}" for path in step.prose)
    lint = [_lint("introduced", f) for f in step.introduced] + [_lint("mended", f) for f in step.mended]
    mail = step.mail
    return Part(
        id=id_,
        title=step.title,
        subtitle=f"{mail.author}, {mail.date}" if mail is not None and mail.author else "",
        headline=_headline(step),
        verdict=str(comparison.verdict) if step.complete else "incomplete",
        complete=step.complete,
        notes=tuple(notes),
        prose=prose,
        cards=tuple(_card(group.changes, report, id_) for group in grouped(changes)),
        lint=tuple(lint),
    )


def _lint(word: str, finding: Finding) -> LintLine:
    return LintLine(
        word=word,
        place=f"{finding.file}:{finding.line}",
        severity=finding.severity.label,
        rule=f"{finding.rule} {finding.name}",
        message=finding.message,
    )


def _card(changes: tuple[Change, ...], report: Report, part: str) -> Card:
    items = tuple(_item(change, report, part) for change in changes)
    first = changes[0]
    sample = first.sample
    layout = first.layout
    card = Card(
        items=items,
        verdicts=" ".join(sorted({f"v-{item.verdict}" for item in items})),
        classes=" ".join(sorted({f"c-{item.class_}" for item in items})),
        bytes=tuple(_bytes(sample)) if sample is not None else (),
        note=sample.note if sample is not None else "",
    )
    if layout is None:
        return card
    return replace(
        card,
        rows=tuple(_rows(layout)),
        both=bool(layout.old_title and layout.new_title),
        old_size=size_text(layout.old_size) if layout.old_title else "",
        new_size=size_text(layout.new_size) if layout.new_title else "",
        old_pictures=pictures(layout, "old"),
        new_pictures=pictures(layout, "new"),
    )


def _item(change: Change, report: Report, part: str) -> Item:
    return Item(
        id=f"{part}-{change.fingerprint}",
        rule=change.rule,
        name=change.name,
        verdict=str(change.verdict),
        class_=change.class_,
        subject=change.subject,
        message=change.message,
        old_place=_place(change.old_place),
        new_place=_place(change.new_place),
        evidence=", ".join(change.evidence),
        why=change.why,
        status=report.status.get(change.fingerprint, ""),
    )


def _place(place: Place) -> str:
    return str(place) if place.file else ""


def _rows(layout: LayoutPair) -> Iterator[LayoutRow]:
    for row in visible(layout):
        if isinstance(row, int):
            yield LayoutRow(mark="hidden", sign="", old=None, new=None, hidden=counted(row, "unchanged member"))
        else:
            sign = MARKS[row.mark].strip()
            yield LayoutRow(mark=row.mark, sign=sign, old=_side(row.old), new=_side(row.new))


def _side(cell: Cell | None) -> Side | None:
    if cell is None:
        return None
    offset = "?" if cell.offset is None else str(cell.offset)
    if cell.bit_offset is not None:
        offset += f".{cell.bit_offset}"
    size = "" if cell.bit_offset is not None else "?" if cell.size is None else str(cell.size)
    return Side(offset=offset, size=size, type=cell.type, name=cell.name, note=cell.note, indent=cell.depth)


def _bytes(sample: Sample) -> Iterator[ByteLine]:
    old, new = sample.old, sample.new
    for start in shown_starts(sample, BYTES_PER_LINE):
        for side, data, against in (("before", old, new), ("after", new, old)):
            if data is None:
                continue
            piece = data[start : start + BYTES_PER_LINE]
            if not piece and start:
                continue
            yield ByteLine(
                side=side,
                offset=str(start),
                bytes=tuple(
                    Byte(
                        text=f"{value:02x}",
                        differs=against is not None and against[start + i : start + i + 1] != bytes([value]),
                    )
                    for i, value in enumerate(piece)
                ),
            )
