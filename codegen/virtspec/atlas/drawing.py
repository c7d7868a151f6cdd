"""A struct as a drawing: rows of eight bytes, one box per member, and a strip for each set of bit-fields.

A drawing is a run of lanes. A lane starts a new row: at the start, behind a member of variable size, for each arm of
a union, for the elements of an array of structs, and where the buffer changes from what the device reads to what it
writes. Whatever is long is folded: a box never takes more than a few rows, however many bytes it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from virtspec.atlas.rows import Rows
from virtspec.atlas.shapes import (
    BAR,
    BYTE,
    COLUMNS,
    GUTTER,
    HEADING,
    ROW,
    RULER,
    SMALL_CHARACTER,
    Box,
    Drawing,
    Text,
    Tone,
    clip,
    is_reserved,
    wrap,
)
from virtspec.atlas.strips import Strip
from virtspec.layout import Layout, Layouts
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    External,
    Integer,
    Member,
    Rest,
    StructRef,
    Type,
    innermost,
    length_text,
    type_text,
)

MAX_DEPTH = 8
"""The depth of unnamed structs inside each other from which on they are drawn as one box."""

DIRECTIONS = {"readable": "the device reads", "writable": "the device writes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A member inside the lane that is being filled: its bytes from the lane's start."""

    path: str
    name: str
    start: int
    end: int
    type: str
    tone: Tone
    member: Member
    href: str


@dataclass(slots=True)
class _Lane:
    """The lane that is being filled. `base` is its offset in the struct, None where that depends on data."""

    base: int | None = 0
    prefix: str = ""
    size: int = 0
    pieces: list[_Piece] = field(default_factory=list)


def draw(layout: Layout, layouts: Layouts, struct_href: Callable[[str], str]) -> Drawing:
    """The drawing of a struct. `struct_href` gives the address of a struct by its tag, "" where it has none."""
    return _Canvas(layout, layouts, struct_href).draw()


class _Canvas:
    """Places members from top to bottom; `y` is the edge below what is placed already."""

    def __init__(self, layout: Layout, layouts: Layouts, struct_href: Callable[[str], str]) -> None:
        self._layout = layout
        self._sizes = layouts.sizes
        self._href = struct_href
        self._top = 0
        self._y: float = RULER
        self._depth = 0
        self._lane = _Lane()
        self._boxes: list[Box] = []
        self._offsets: list[Text] = []
        self._headings: list[Text] = []
        self._brackets: list[str] = []
        self._strips: list[tuple[str, Bits]] = []
        self._columns = 0

    def draw(self) -> Drawing:
        struct = self._layout.struct
        self._members(struct.members, "", union=struct.kind == "union")
        self._flush()
        columns = self._columns or COLUMNS
        empty = self._y == self._top + RULER
        strip = Strip(self._y)
        for path, bits in self._strips:
            strip.add(path, bits)
        return Drawing(
            width=GUTTER + BAR + 2,
            height=int(strip.bottom) + 2,
            title=f"Layout of {struct.name}",
            description=self._description(),
            ruler=tuple(
                Text(x=GUTTER + (i + 0.5) * BYTE, y=self._top + RULER - 6, text=f"+{i}")
                for i in range(0 if empty else columns)
            ),
            ruler_y=self._top + RULER - 4,
            ruler_lines=tuple(float(GUTTER + i * BYTE) for i in range(0 if empty else columns + 1)),
            offsets=tuple(self._offsets),
            headings=(*self._headings, *strip.headings),
            brackets=tuple(self._brackets),
            boxes=tuple(self._boxes),
            bits=tuple(strip.boxes),
            bit_numbers=tuple(strip.numbers),
        )

    def _description(self) -> str:
        size = self._layout.size
        total = (
            f"{size} bytes" if size is not None else f"{self._layout.fixed_size} bytes and a part that depends on data"
        )
        names = [slot.path for slot in self._layout.slots if slot.depth == 0]
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        return f"{total}: {', '.join(names[:12])}{more}. The table that follows has every offset."

    # --- walking the members ------------------------------------------------------------------------------

    def _members(self, members: tuple[Member, ...], prefix: str, *, union: bool) -> None:
        if union:
            self._union(members, prefix)
            return
        direction: str | None = None
        for member in members:
            if member.direction and member.direction != direction:
                direction = member.direction
                self._flush()
                self._heading(DIRECTIONS[direction])
            self._member(member, prefix)

    def _member(self, member: Member, prefix: str) -> None:
        type_ = member.type
        path = prefix + member.name
        match type_:
            case Aggregate(kind=kind, members=members) if self._depth < MAX_DEPTH:
                inner = f"{path}." if member.name else prefix
                if kind == "union":
                    self._union(members, inner)
                else:
                    self._members(members, inner, union=False)
            case Array(element=Aggregate(kind=kind, members=members)) if self._depth < MAX_DEPTH:
                self._box(member, path)
                lane, self._lane = self._flush(), _Lane(base=0, prefix="+")
                self._heading(f"each element of {member.name}")
                self._bracketed(lambda: self._members(members, f"{path}[].", union=kind == "union"), "")
                self._lane = lane
            case _:
                self._box(member, path)

    def _union(self, arms: tuple[Member, ...], prefix: str) -> None:
        after = self._flush()
        sizes = [self._sizes.type(arm.type) for arm in arms]
        for number, arm in enumerate(arms):
            self._lane = _Lane(base=after.base, prefix=after.prefix)
            self._bracketed(partial(self._member, arm, prefix), "one of" if number == 0 else "or")
        whole = [size for size in sizes if size is not None]
        if len(whole) < len(sizes) or after.base is None:
            self._lane = _Lane(base=None, prefix="…")
        else:
            self._lane = _Lane(base=after.base + max(whole, default=0), prefix=after.prefix)

    def _bracketed(self, place: Callable[[], None], word: str) -> None:
        """Place members under a bracket at the left, with a word beside its upper end."""
        top = self._y
        self._depth += 1
        if word:
            self._headings.append(Text(x=0, y=top + 21, text=word))
        self._y += 4
        place()
        self._flush()
        x = GUTTER - max(2, 10 - 2 * self._depth)  # the outer one at the left
        self._brackets.append(f"M{GUTTER} {top + 2:g}H{x}V{self._y:g}H{GUTTER}")
        self._depth -= 1
        self._y += 4

    def _heading(self, text: str) -> None:
        if not self._boxes:  # above the ruler then
            self._headings.append(Text(x=GUTTER, y=self._top + 12, text=text))
            self._top += HEADING
            self._y += HEADING
            return
        self._headings.append(Text(x=GUTTER, y=self._y + 15, text=text))
        self._y += HEADING

    def _box(self, member: Member, path: str) -> None:
        """Add a member to the lane, or draw it as a bar of its own where its size depends on data."""
        type_ = member.type
        size = self._sizes.type(type_)
        name = member.name or ("" if isinstance(type_, Bits) else "…")
        if isinstance(type_, Bits):
            shown = ", ".join(b.name for b in type_.fields)
            name = name or (shown if len(shown) < 40 else "bits")
            path = path or (type_.fields[0].name if type_.fields else name)
            self._strips.append((path if member.name else "", type_))
        label = name + _dimensions(type_)
        tone = _tone(member.name or (name if isinstance(type_, Bits) else ""), type_)
        if size is None:
            self._variable(member, path, label, tone)
            return
        if size == 0:
            return
        lane = self._lane
        lane.pieces.append(
            _Piece(
                path=path,
                name=label,
                start=lane.size,
                end=lane.size + size,
                type=type_text(type_).partition("[")[0],
                tone=tone,
                member=member,
                href=self._href_of(type_),
            )
        )
        lane.size += size

    def _href_of(self, type_: Type) -> str:
        inner = innermost(type_)
        return self._href(inner.name) if isinstance(inner, StructRef) else ""

    # --- placing ------------------------------------------------------------------------------------------

    def _variable(self, member: Member, path: str, label: str, tone: Tone) -> None:
        """A bar whose lower edge is torn: nobody knows how long it is."""
        lane = self._flush()
        top, bottom = self._y, self._y + ROW
        left, right = GUTTER, GUTTER + BAR
        teeth = "".join(
            f"L{x} {bottom - (0 if i % 2 else 6):g}" for i, x in enumerate(range(right, left - 1, -BYTE // 2))
        )
        self._columns = COLUMNS
        self._boxes.append(
            Box(
                path=path,
                outline=f"M{left} {top:g}H{right}{teeth}Z",
                tone=tone,
                label=(Text(x=(left + right) / 2, y=top + 20, text=clip(label, BAR)),),
                detail=Text(x=(left + right) / 2, y=top + 35, text=type_text(member.type).partition("[")[0]),
                note=f"{path}: size depends on data",
                href=self._href_of(member.type),
                conditional=member.condition is not None,
                variable=True,
            )
        )
        self._offset_label(lane, 0, top)
        self._y = bottom + 4
        self._lane = _Lane(base=None, prefix="…")

    def _offset_label(self, lane: _Lane, start: int, top: float) -> None:
        if lane.base is None:
            text = "…" if start == 0 else f"…+{start}"
        else:
            text = f"{lane.prefix}{lane.base + start}"
        self._offsets.append(Text(x=GUTTER - 12, y=top + 17, text=text))

    def _flush(self) -> _Lane:
        """Draw what the lane holds; returns the new one, which goes on at the next offset in a row of its own."""
        lane = self._lane
        if not lane.pieces:
            return lane
        self._columns = max(self._columns, min(COLUMNS, lane.size))
        rows = Rows([(piece.start, piece.end) for piece in lane.pieces], self._y)
        for start, top in rows.labels():
            self._offset_label(lane, start, top)
        for piece in lane.pieces:
            self._boxes.append(self._piece_box(piece, rows, lane))
        self._y = rows.bottom
        self._lane = _Lane(base=None if lane.base is None else lane.base + lane.size, prefix=lane.prefix)
        return self._lane

    def _piece_box(self, piece: _Piece, rows: Rows, lane: _Lane) -> Box:
        shape = rows.shape(piece.start, piece.end)
        lines = wrap(piece.name, shape.width - 8, 2)
        if lines[-1].endswith("…"):  # the whole name goes before the type
            lines = wrap(piece.name, shape.width - 8, 3)
        typed = len(lines) < 3
        middle = shape.x + shape.width / 2
        first = shape.y + (shape.height - 14 * len(lines) - (13 if typed else 0)) / 2 + 11
        size = piece.end - piece.start
        where = "" if lane.base is None else f" at offset {lane.prefix}{lane.base + piece.start}"
        return Box(
            path=piece.path,
            outline=shape.outline,
            tone=piece.tone,
            label=tuple(Text(x=middle, y=first + 14 * i, text=line) for i, line in enumerate(lines)),
            detail=(
                Text(x=middle, y=first + 14 * len(lines), text=clip(piece.type, shape.width - 6, SMALL_CHARACTER))
                if typed
                else None
            ),
            note=f"{piece.path}: {size} byte{'s' if size != 1 else ''}{where}",
            href=piece.href,
            conditional=piece.member.condition is not None,
            folds=shape.folds,
        )


def _dimensions(type_: Type) -> str:
    text = ""
    while isinstance(type_, Array):
        text += "[]" if isinstance(type_.length, Rest) else f"[{length_text(type_.length)}]"
        type_ = type_.element
    return text


def _tone(name: str, type_: Type) -> Tone:
    if is_reserved(name):
        return "reserved"
    match innermost(type_):
        case Integer(bits=8) if isinstance(type_, Array):
            return "bytes"
        case Integer():
            return "integer"
        case Bits():
            return "bits"
        case External():
            return "foreign"
        case _:
            return "struct"


def size_text(layout: Layout) -> str:
    """The size of a struct in words."""
    if layout.size is not None:
        return f"{layout.size} byte{'' if layout.size == 1 else 's'}"
    return f"{layout.fixed_size} bytes + data" if layout.fixed_size else "depends on data"
