"""Two layouts next to each other, row by row, with a mark on what differs."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from virtspec.diff.change import Cell, LayoutPair, Row
from virtspec.diff.shape import condition_text
from virtspec.layout import Layout, Slot

MAX_ROWS = 400
"""No struct of the specification has 200 members; a hostile one shall not fill the report."""


def side_by_side(old: Layout | None, new: Layout | None, renames: Mapping[str, str]) -> LayoutPair:
    """The rows of two layouts of one struct; `renames` gives old paths their new ones."""
    before = list(old.slots[:MAX_ROWS]) if old else []
    after = list(new.slots[:MAX_ROWS]) if new else []
    left = [_renamed(slot.path, renames) for slot in before]
    right = [slot.path for slot in after]
    known = set(left) & set(right)
    rows: list[Row] = []
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for what, i, j, m, n in matcher.get_opcodes():
        if what == "equal":
            rows += [_row(a, b, renames) for a, b in zip(before[i:j], after[m:n], strict=True)]
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


def _renamed(path: str, renames: Mapping[str, str]) -> str:
    """A path of the old struct in the new names."""
    if not renames:
        return path
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        head = ".".join(parts[:count])
        if head in renames:
            return ".".join([renames[head], *parts[count:]])
        bare = head.removesuffix("[]")
        if bare != head and bare in renames:
            return ".".join([renames[bare] + "[]", *parts[count:]])
    return path


def _row(old: Slot, new: Slot, renames: Mapping[str, str]) -> Row:
    a, b = _cell(old), _cell(new)
    if (a.type, a.size, a.bit_size, a.note) != (b.type, b.size, b.bit_size, b.note) or _length(old, renames) != _length(
        new, {}
    ):
        mark = "changed"
    elif (a.offset, a.bit_offset) != (b.offset, b.bit_offset):
        mark = "moved"
    elif old.path.rpartition(".")[2] != new.path.rpartition(".")[2]:
        mark = "renamed"
    else:
        mark = "same"
    return Row(mark=mark, old=a, new=b)  # type: ignore[arg-type]


def _length(slot: Slot, renames: Mapping[str, str]) -> tuple[int | None, str | None]:
    return slot.count, slot.length and renames.get(slot.length, slot.length)


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
