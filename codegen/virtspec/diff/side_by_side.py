"""Two layouts next to each other, row by row, with a mark on what differs."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher

from virtspec.diff.change import Cell, LayoutPair, Row
from virtspec.diff.respell import SAME, Inside
from virtspec.diff.shape import condition_text
from virtspec.layout import Layout, Slot

MAX_ROWS = 400
"""No struct of the specification has 200 members; a hostile one shall not fill the report."""


def side_by_side(old: Layout | None, new: Layout | None, inside: Inside = SAME) -> LayoutPair:
    """The rows of two layouts of one struct; `inside` gives old paths their new ones."""
    before = list(old.slots[:MAX_ROWS]) if old else []
    after = list(new.slots[:MAX_ROWS]) if new else []
    left = [inside.path(slot.path) for slot in before]
    right = [slot.path for slot in after]
    known = set(left) & set(right)
    rows: list[Row] = []
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for what, i, j, m, n in matcher.get_opcodes():
        if what == "equal":
            rows += [_row(a, b, inside) for a, b in zip(before[i:j], after[m:n], strict=True)]
            continue
        rows += [
            Row(mark="moved" if path in known else "removed", old=_cell(slot), new=None)
            for path, slot in zip(left[i:j], before[i:j], strict=True)
        ]
        rows += [
            Row(mark="moved" if path in known else "added", old=None, new=_cell(slot))
            for path, slot in zip(right[m:n], after[m:n], strict=True)
        ]
    return LayoutPair(
        old_title=_title(old),
        new_title=_title(new),
        old_size=old.size if old else None,
        new_size=new.size if new else None,
        rows=tuple(rows),
    )


def _title(layout: Layout | None) -> str:
    if layout is None:
        return ""
    kind = "union" if layout.struct.kind == "union" else "struct"
    return f"{kind} {layout.struct.name}"


def _row(old: Slot, new: Slot, inside: Inside) -> Row:
    a, b = _cell(old), _cell(new)
    if (a.type, a.size, a.bit_size, a.note) != (b.type, b.size, b.bit_size, b.note) or (
        _length(old, inside) != (new.count, new.length)
    ):
        mark = "changed"
    elif (a.offset, a.bit_offset) != (b.offset, b.bit_offset):
        mark = "moved"
    elif old.path.rpartition(".")[2] != new.path.rpartition(".")[2]:
        mark = "renamed"
    else:
        mark = "same"
    return Row(mark=mark, old=a, new=b)  # type: ignore[arg-type]


def _length(slot: Slot, inside: Inside) -> tuple[int | None, str | None]:
    return slot.count, slot.length and replace(inside, above=slot.path.rpartition(".")[0]).text(slot.length)


def _cell(slot: Slot) -> Cell:
    base, bracket, inner = slot.type.partition("[")
    name = slot.path.rpartition(".")[2].removesuffix("[]")
    if slot.count is not None:
        name += f"[{slot.count}]"
    elif slot.length is not None:
        name += "[]" if slot.length == "rest" else f"[{slot.length}]"
    name += f"[{inner}" if bracket else ""
    if slot.bit_size is not None:
        name += f":{slot.bit_size}"
    condition = slot.member.condition
    return Cell(
        offset=slot.offset,
        size=slot.size,
        bit_offset=slot.bit_offset,
        bit_size=slot.bit_size,
        depth=slot.depth,
        type=base,
        name=name,
        note="" if condition is None else f"if {condition_text(condition)}",
    )
