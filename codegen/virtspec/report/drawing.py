"""Drawings of layouts: which rectangle stands where. The numbers are units of the picture, ready for a template."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from virtspec.diff.change import Cell, LayoutPair
from virtspec.report.diff_view import MARKS

COLUMNS = 16
"""Bytes to a row."""

WIDTH, HEIGHT = 44, 36
"""Of one byte, in units of the picture."""

RULER = 16
LABEL = 34
LONGEST = 3 * COLUMNS
"""A member of more bytes than this is drawn shorter, and says its size."""

BIT = 22
MAX_CELLS = 2400
MAX_BLOCKS = 600

Side: TypeAlias = Literal["old", "new"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with its text. `open_` marks a part of variable size, `title` is the whole description."""

    x: int
    y: int
    width: int
    height: int
    mark: str
    text: str
    title: str
    open_: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and numbers, and the size of the whole."""

    name: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    ticks: tuple[Tick, ...]


@dataclass(slots=True)
class _Block:
    """A member as it is drawn: so many columns from a position on."""

    names: list[str]
    mark: str
    title: str
    offset: int | None
    size: int | None
    bits: list[tuple[Cell, str]]


_STRENGTH = {"same": 0, "renamed": 1, "moved": 2, "changed": 3, "removed": 4, "added": 4}


def pictures(pair: LayoutPair, side: Side) -> tuple[Picture, ...]:
    """The bytes of one side of a layout, and the bits of each divided integer in it."""
    blocks = _blocks(_leaves(pair, side)[:MAX_CELLS])[:MAX_BLOCKS]
    if not blocks:
        return ()
    name = pair.old_title if side == "old" else pair.new_title
    words = [_bits(block) for block in blocks if block.bits]
    return (_bytes(blocks, f"{name}, bytes"), *words)


def _leaves(pair: LayoutPair, side: Side) -> list[tuple[Cell, str]]:
    """The cells of one side that hold data themselves, with their marks."""
    cells: list[tuple[Cell, str]] = []
    for row in pair.rows:
        cell = row.old if side == "old" else row.new
        if cell is not None:
            cells.append((cell, row.mark))
    following = [cell for cell, _ in cells[1:]]
    return [
        (cell, mark)
        for index, (cell, mark) in enumerate(cells)
        if index >= len(following) or following[index].depth <= cell.depth
    ]


def _blocks(cells: Sequence[tuple[Cell, str]]) -> list[_Block]:
    """A block for every member; arms of a union and bit-fields of one integer, which share bytes, share a block."""
    blocks: list[_Block] = []
    for cell, mark in cells:
        bits = [(cell, mark)] if cell.bit_offset is not None else []
        shown = "changed" if bits and mark != "same" else mark
        block = _Block([cell.name], shown, _title(cell), cell.offset, cell.size, bits)
        # an arm may begin anywhere before the end of what is placed already
        behind: list[_Block] = []
        while blocks and block.offset is not None and block.offset < _end(blocks[-1]):
            last = blocks.pop()
            if last.offset is not None and last.offset < _end(block):
                block = _both(last, block)
            else:
                behind.append(last)
        blocks += [block, *reversed(behind)]
    return blocks


def _end(block: _Block) -> float:
    """The offset behind a block: infinite for one of variable size, none behind those whose place depends on data."""
    if block.offset is None:
        return -math.inf
    return math.inf if block.size is None else block.offset + block.size


def _both(first: _Block, second: _Block) -> _Block:
    """Two blocks that share bytes as one; its mark is the stronger one."""
    assert first.offset is not None and second.offset is not None
    offset, end = min(first.offset, second.offset), max(_end(first), _end(second))
    return _Block(
        first.names + second.names,
        max(first.mark, second.mark, key=_STRENGTH.__getitem__),
        f"{first.title} | {second.title}",
        offset,
        None if math.isinf(end) else int(end) - offset,
        first.bits + second.bits,
    )


def _title(cell: Cell) -> str:
    where = "" if cell.offset is None else f" at {cell.offset}"
    if cell.bit_offset is not None and cell.bit_size is not None:
        last = cell.bit_offset + cell.bit_size - 1
        bits = f"bit {last}" if cell.bit_size == 1 else f"bits {cell.bit_offset} to {last}"
        return f"{cell.type} {cell.name}{where}, {bits}"
    size = "of variable size" if cell.size is None else f"{cell.size} byte{'' if cell.size == 1 else 's'}"
    note = f", {cell.note}" if cell.note else ""
    return f"{cell.type} {cell.name}{where}, {size}{note}"


def _bytes(blocks: list[_Block], name: str) -> Picture:
    boxes: list[Box] = []
    ticks: list[Tick] = []
    position = 0
    for block in blocks:
        size = block.size
        long = size is not None and size > LONGEST
        columns = COLUMNS // 2 if size is None else 2 * COLUMNS if long else size
        text = " | ".join(block.names) if len(block.names) <= 3 else f"{block.names[0]} … {block.names[-1]}"
        if long:
            text += f" ({size} bytes)"
        text = f"{MARKS[block.mark]} {text}".strip()
        label = "?" if block.offset is None else str(block.offset)
        ticks.append(Tick(LABEL + position % COLUMNS * WIDTH + 2, position // COLUMNS * (HEIGHT + RULER) + 11, label))
        remaining = max(columns, 1) if size != 0 else 0
        pieces: list[tuple[int, int]] = []
        while remaining:
            run = min(remaining, COLUMNS - position % COLUMNS)
            pieces.append((position, run))
            position += run
            remaining -= run
        widest = max(pieces, key=lambda p: p[1], default=(0, 0))
        for start, run in pieces:
            boxes.append(
                Box(
                    x=LABEL + start % COLUMNS * WIDTH,
                    y=start // COLUMNS * (HEIGHT + RULER) + RULER,
                    width=run * WIDTH,
                    height=HEIGHT,
                    mark=block.mark,
                    text=_fitting(text, run * WIDTH) if (start, run) == widest else "",
                    title=block.title,
                    open_=size is None or long,
                )
            )
    rows = max(1, -(-position // COLUMNS))
    return Picture(name, LABEL + COLUMNS * WIDTH + 2, rows * (HEIGHT + RULER) + 2, tuple(boxes), tuple(ticks))


def _bits(block: _Block) -> Picture:
    """An integer's bits, the most significant one on the left."""
    bits = 8 * (block.size or 1)
    width = BIT if bits > 16 else 2 * BIT
    boxes: list[Box] = []
    ticks: list[Tick] = []
    for cell, mark in sorted(block.bits, key=lambda b: -(b[0].bit_offset or 0)):
        assert cell.bit_offset is not None and cell.bit_size is not None
        last = cell.bit_offset + cell.bit_size - 1
        if last >= bits:
            continue
        x = LABEL + (bits - 1 - last) * width
        boxes.append(
            Box(
                x=x,
                y=RULER,
                width=cell.bit_size * width,
                height=HEIGHT,
                mark=mark,
                text=_fitting(f"{MARKS[mark]} {cell.name.partition(':')[0]}".strip(), cell.bit_size * width),
                title=_title(cell),
            )
        )
        ticks.append(Tick(x + 2, 11, str(last)))
    offset = "?" if block.offset is None else str(block.offset)
    return Picture(
        f"bits of the {bits // 8}-byte integer at {offset}",
        LABEL + bits * width + 2,
        RULER + HEIGHT + 2,
        tuple(boxes),
        tuple(ticks),
    )


def _fitting(text: str, width: int) -> str:
    """As much of a text as fits into a box; about 7 units to a character."""
    room = max(0, (width - 6) // 7)
    return text if len(text) <= room else text[: room - 1] + "…" if room > 2 else ""
