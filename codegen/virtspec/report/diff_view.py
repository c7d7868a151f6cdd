"""What the writers of diff reports share: layouts side by side as text, bytes with marks, and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from virtspec.diagnostics import printable
from virtspec.diff.change import Cell, Change, Comparison, LayoutPair, Row, Sample, Verdict, counted

MARKS = {"same": " ", "added": "+", "removed": "-", "moved": ">", "changed": "~", "renamed": "="}
"""What stands before a row: added, removed, moved, changed, renamed."""

CONTEXT = 2
"""How many unchanged rows are shown around a changed one."""

MAX_SHOWN = 96
"""How many bytes of a sample the reports for people show."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that are about one struct and share its layouts, or one other finding."""

    changes: tuple[Change, ...]

    @property
    def layout(self) -> LayoutPair | None:
        return self.changes[0].layout

    @property
    def sample(self) -> Sample | None:
        return self.changes[0].sample


def grouped(changes: Iterable[Change]) -> list[Group]:
    """The findings in their order, those about one struct together."""
    groups: dict[object, list[Change]] = {}
    for index, change in enumerate(changes):
        mark = ("layout", id(change.layout)) if change.layout is not None else ("single", index)
        groups.setdefault(mark, []).append(change)
    return [Group(tuple(found)) for found in groups.values()]


def visible(pair: LayoutPair) -> Iterator[Row | int]:
    """The rows to show; a number stands for so many unchanged ones. A struct on one side only is shown whole."""
    rows = pair.rows
    if not pair.old_title or not pair.new_title:
        yield from rows
        return
    near = [
        any(rows[k].mark != "same" for k in range(max(0, i - CONTEXT), min(len(rows), i + CONTEXT + 1)))
        for i in range(len(rows))
    ]
    hidden = 0
    for row, shown in zip(rows, near, strict=True):
        if not shown:
            hidden += 1
            continue
        if hidden:
            yield hidden
            hidden = 0
        yield row
    if hidden:
        yield hidden


def cell_text(cell: Cell | None, width: int) -> str:
    """One side of a row: offset, size, declaration."""
    if cell is None:
        return " " * width
    offset = "?" if cell.offset is None else str(cell.offset)
    size = "?" if cell.size is None else str(cell.size)
    if cell.bit_offset is not None:
        offset += f".{cell.bit_offset}"
        size = ""
    text = f"{offset:>7} {size:>4} {'  ' * cell.depth}{cell.type} {cell.name}"
    return clip(text, width)


def clip(text: str, width: int) -> str:
    """A text in exactly so many columns."""
    text = printable(text)
    return f"{text:<{width}}" if len(text) <= width else text[: width - 1] + "…"


def layout_lines(pair: LayoutPair, width: int) -> list[str]:
    """Two layouts side by side, or the only one there is."""
    both = bool(pair.old_title) and bool(pair.new_title)
    half = (width - 5) // 2 if both else width - 2
    lines: list[str] = []
    head = f"{' offset':>7} {'size':>4} "
    if both:
        lines.append(f"  {clip(head + 'before', half)} | {clip(head + 'after', half).rstrip()}")
    else:
        lines.append(f"  {clip(head + ('before' if pair.old_title else 'after'), half).rstrip()}")
    for row in visible(pair):
        if isinstance(row, int):
            lines.append(f"  {clip('        … ' + counted(row, 'unchanged member'), half).rstrip()}")
        elif both:
            left, right = cell_text(row.old, half), cell_text(row.new, half)
            lines.append(f"{MARKS[row.mark]} {left} | {right}".rstrip())
        else:
            lines.append(f"{MARKS[row.mark]} {cell_text(row.old or row.new, half)}".rstrip())
    sizes = [size_text(s) for s, t in ((pair.old_size, pair.old_title), (pair.new_size, pair.new_title)) if t]
    cells = [clip(f"        size: {s}", half) for s in sizes]
    lines.append(f"  {' | '.join(cells)}".rstrip())
    return lines


def size_text(size: int | None) -> str:
    """A size as the reports show it."""
    return "depends on data" if size is None else counted(size, "byte")


def shown_starts(sample: Sample, width: int) -> list[int]:
    """Where the shown lines of a sample start: all lines, or of a long one those that differ, as many as are shown."""
    one, other = sample.old or b"", sample.new or b""
    starts = list(range(0, max(len(one), len(other)), width))
    if len(starts) * width > MAX_SHOWN and None not in (sample.old, sample.new):
        starts = [start for start in starts if one[start : start + width] != other[start : start + width]] or starts
    return starts[: MAX_SHOWN // width]


def sample_lines(sample: Sample, width: int = 16) -> list[str]:
    """The bytes before and after, `width` to a line, with marks under those that differ."""
    sides = [("before", sample.old), ("after", sample.new)]
    given = [(name, data) for name, data in sides if data is not None]
    if not given:
        return [f"bytes: none to show: {sample.note}"] if sample.note else []
    lines: list[str] = []
    longest = max(len(data) for _, data in given)
    starts = shown_starts(sample, width)
    first = starts[0] if starts else 0
    for start in starts:
        for name, data in given:
            piece = data[start : start + width]
            label = f"{name:<6}" if start == first else " " * 6
            if piece or start == first:
                lines.append(f"{label} {start:>4}: {piece.hex(' ')}".rstrip())
        if len(given) == 2:
            one, other = given[0][1], given[1][1]
            marks = "".join(
                "^^ " if one[i : i + 1] != other[i : i + 1] else "   "
                for i in range(start, min(start + width, max(len(one), len(other))))
            )
            if marks.strip():
                lines.append(f"{' ' * 13}{marks}".rstrip())
    if longest > MAX_SHOWN:
        lines.append(f"       … {longest} bytes in all")
    if sample.note:
        lines.append(f"       ({sample.note})")
    return lines


def summary(comparison: Comparison) -> str:
    """The verdict and how many findings it comes from."""
    counts = [
        f"{comparison.count(v)} {v}"
        for v in (Verdict.BREAKING, Verdict.UNDECIDED, Verdict.COMPATIBLE)
        if comparison.count(v)
    ]
    editorial = sum(c.class_ == "editorial" for c in comparison.changes)
    if editorial:
        counts.append(f"{editorial} editorial")
    if not counts:
        return "no changes that the model can see"
    wire = comparison.verdict_of("wire")
    apart = "" if wire is comparison.verdict else f"; on the wire: {wire}"
    return f"{comparison.verdict} ({', '.join(counts)}){apart}"
