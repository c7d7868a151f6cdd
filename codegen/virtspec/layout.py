"""Sizes, offsets and bit positions of every member of every struct.

The specification lays structures out without any implicit padding, and allocates bit-fields from the least
significant bit of their container; so every offset is the sum of the sizes before it. A member behind one whose size
depends on data has no fixed offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from virtspec.compat import assert_never
from virtspec.model import (
    Aggregate,
    AllOf,
    Array,
    Bits,
    Condition,
    Count,
    External,
    Integer,
    Member,
    Spec,
    Struct,
    StructRef,
    Type,
    length_text,
    type_text,
)

MAX_SIZE = 1 << 31
"""The largest size in bytes that a struct may have; no virtqueue buffer can be longer than 32 bits say."""

MAX_SLOTS = 1 << 16
"""The largest number of members, those of nested structs included; real structs have less than 200. Twenty structs
that each hold the one before twice have a million."""

MAX_LEVELS = 64
"""How deep structs may nest; real ones have 6 levels. Whoever follows them from one to the next may recurse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where one member lies.

    `offset` and `size` are bytes from the start of the outermost struct; None where they depend on data. `count` is
    the number of elements of an array of fixed length, `length` the text of a variable one (`rest`, `entries`).
    Bit-fields have `bit_offset` and `bit_size`, counted from the least significant bit of the container that lies at
    `offset`. `depth` is the nesting depth; a slot with `leaf` false is followed by those of its own members. A path
    goes through an array of unnamed structs as `stats[].vq_index`; its offset is that in the first element. It ends
    in `...` for members that the listing leaves out.
    """

    path: str
    type: str
    depth: int
    member: Member
    offset: int | None
    size: int | None
    count: int | None = None
    length: str | None = None
    bit_offset: int | None = None
    bit_size: int | None = None
    leaf: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of a struct: its size (None where it depends on data), the bytes before the first member of
    variable size, and the slots in the order of the listing."""

    struct: Struct
    size: int | None
    fixed_size: int
    slots: tuple[Slot, ...]

    def leaves(self) -> Iterator[Slot]:
        """The slots that hold data themselves, not through members."""
        return (slot for slot in self.slots if slot.leaf)


class LayoutError(Exception):
    """A struct that cannot be laid out. `key` names it; the message says why."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class TooDeep(LayoutError):
    """A struct that nests deeper than `MAX_LEVELS`."""

    def __init__(self, key: str) -> None:
        super().__init__(key, f"struct '{_name(key)}' nests deeper than {MAX_LEVELS} levels")


def _name(key: str) -> str:
    return key.rpartition("/")[2]


class Sizes:
    """Sizes of types within one model, computed once each.

    Raises `LayoutError` for a struct that contains itself, nests deeper than `MAX_LEVELS` or is larger than `MAX_SIZE`.
    """

    def __init__(self, spec: Spec) -> None:
        self._structs = {s.name: s for s in reversed(spec.structs)}
        self._sizes: dict[str, int | None] = {}
        self._open: list[str] = []

    def struct(self, struct: Struct) -> int | None:
        """Size of a struct in bytes; None where it depends on data."""
        if struct.key in self._sizes:
            return self._sizes[struct.key]
        if struct.key in self._open:
            names = map(_name, (*self._open, struct.key))
            raise LayoutError(struct.key, f"struct '{struct.name}' contains itself: {' -> '.join(names)}")
        if len(self._open) == MAX_LEVELS:
            raise TooDeep(self._open[0])
        self._open.append(struct.key)
        try:
            size = self.members(struct.members, union=struct.kind == "union")
        finally:
            self._open.pop()
        if size is not None and size > MAX_SIZE:
            raise LayoutError(struct.key, f"struct '{struct.name}' has {size} bytes; at most {MAX_SIZE} are laid out")
        self._sizes[struct.key] = size
        return size

    def members(self, members: tuple[Member, ...], *, union: bool) -> int | None:
        """Size of a run of members: their sum, or in a union their maximum."""
        sizes = [self.type(m.type) for m in members]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            return None
        return max(known, default=0) if union else sum(known)

    def type(self, type_: Type) -> int | None:
        """Size of a type in bytes; None where it depends on data or is not known."""
        match type_:
            case Integer(bits=bits):
                return bits // 8
            case Bits(container=container):
                return container.size
            case StructRef(name=name):
                struct = self._structs.get(name)
                return None if struct is None else self.struct(struct)
            case External():
                return None
            case Aggregate(kind=kind, members=members):
                return self.members(members, union=kind == "union")
            case Array(element=element, length=length):
                size = self.type(element)
                if size is None or not isinstance(length, Count):
                    return None
                return size * length.value
            case _:
                assert_never(type_)


class Layouts(Mapping[str, Layout]):
    """The layouts of a model's structs by key, each computed at its first use."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.sizes = Sizes(spec)
        self._by_key = {s.key: s for s in spec.structs}
        self._by_name = {s.name: s for s in reversed(spec.structs)}
        self._done: dict[str, Layout] = {}
        self._extents: dict[str, tuple[int, int]] = {}

    def __getitem__(self, key: str) -> Layout:
        if key not in self._done:
            self._done[key] = self.of(self._by_key[key])
        return self._done[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def named(self, name: str) -> Layout | None:
        """The layout of the struct with that C name."""
        struct = self._by_name.get(name)
        return None if struct is None else self[struct.key]

    def check(self, struct: Struct) -> None:
        """Raise `LayoutError` or `RecursionError` where a struct cannot be laid out; few must be laid out to tell."""
        self.check_depth(struct)
        if self.extent(struct)[0] > MAX_SLOTS:
            self[struct.key]

    def check_depth(self, struct: Struct) -> None:
        """Raise as `check` does, except for the number of a struct's members."""
        self.sizes.struct(struct)
        if self.extent(struct)[1] > MAX_LEVELS:
            raise TooDeep(struct.key)

    def extent(self, struct: Struct) -> tuple[int, int]:
        """How many slots a struct has at most, and in how many levels; it must not contain itself."""
        known = self._extents.get(struct.key)
        if known is None:
            known = self._extents[struct.key] = self._extent_of(struct.members)
        return known

    def _extent_of(self, members: tuple[Member, ...]) -> tuple[int, int]:
        slots, levels = len(members), 0
        for member in members:
            inner = member.type.element if isinstance(member.type, Array) else member.type
            match inner:
                case Bits(fields=fields):
                    more, below = len(fields), 0
                case Aggregate(members=nested):
                    more, below = self._extent_of(nested)
                case StructRef(name=name) if name in self._by_name:
                    more, below = self.extent(self._by_name[name])
                case _:
                    continue
            slots, levels = slots + more, max(levels, below)
        return slots, levels + 1

    def of(self, struct: Struct) -> Layout:
        """The layout of a struct that the model need not hold itself."""
        size = self.sizes.struct(struct)
        placer = _Placer(self, struct)
        fixed = placer.members(struct.members, _Level(), 0, union=struct.kind == "union")
        return Layout(struct=struct, size=size, fixed_size=fixed, slots=tuple(placer.slots))

    def inside(self, type_: Type) -> tuple[tuple[Member, ...], bool]:
        """The members that a type is made of, and whether they overlap; an array shows those of its elements only where
        these have no tag."""
        match type_:
            case Aggregate(kind=kind, members=members) | Array(element=Aggregate(kind=kind, members=members)):
                return members, kind == "union"
            case StructRef(name=name) if name in self._by_name:
                struct = self._by_name[name]
                return struct.members, struct.kind == "union"
            case _:
                return (), False


@dataclass(frozen=True, slots=True)
class _Level:
    """Where members stand: what their paths begin with, and how deep they are nested."""

    prefix: str = ""
    depth: int = 0


class _Placer:
    """Places the members of one struct, one after the other. Each method returns how many bytes of what it has placed
    come before the first part of variable size."""

    def __init__(self, layouts: Layouts, struct: Struct) -> None:
        self.layouts = layouts
        self.struct = struct
        self.slots: list[Slot] = []

    def members(self, members: tuple[Member, ...], level: _Level, base: int | None, *, union: bool) -> int:
        """Place members that begin at `base`, None where that depends on data."""
        sizes = self.layouts.sizes
        offset = base
        fixed = 0
        whole = True
        for member in members:
            inner = self._member(member, level, offset)
            size = sizes.type(member.type)
            if union:
                fixed = max(fixed, inner)
                continue
            if whole:
                fixed += inner
            if size is None:
                whole = False
                offset = None
            elif offset is not None:
                offset += size
        return 0 if union and sizes.members(members, union=True) is None else fixed

    def _member(self, member: Member, level: _Level, offset: int | None) -> int:
        type_ = member.type
        if isinstance(type_, Bits):
            return self._bits(member, type_, level, offset)
        size = self.layouts.sizes.type(type_)
        inside, union = self.layouts.inside(type_)
        path = level.prefix + (member.name or "...")
        # pahole shows an anonymous union by its arms; they carry its whole content
        if member.name or not inside:
            count, length = _dimension(type_)
            self._add(
                Slot(
                    path=path,
                    type=type_text(type_),
                    depth=level.depth,
                    member=member,
                    offset=offset,
                    size=size,
                    count=count,
                    length=length,
                    leaf=not inside,
                )
            )
        array = isinstance(type_, Array)
        if inside and member.name:
            below = _Level(f"{path}[]." if array else f"{path}.", level.depth + 1)
            fixed = self.members(inside, below, offset, union=union)
        else:
            inside = tuple(_under(inner, member.condition) for inner in inside)
            fixed = self.members(inside, level, offset, union=union)
        return size if size is not None else 0 if array else fixed

    def _bits(self, member: Member, type_: Bits, level: _Level, offset: int | None) -> int:
        """Place bit-fields: they have the offset of their container."""
        prefix = f"{level.prefix}{member.name}." if member.name else level.prefix
        for bit in type_.fields:
            self._add(
                Slot(
                    path=prefix + bit.name,
                    type=type_.container.spelling,
                    depth=level.depth,
                    member=_under(member, bit.condition),
                    offset=offset,
                    size=type_.container.size,
                    bit_offset=bit.offset,
                    bit_size=bit.width,
                )
            )
        return type_.container.size

    def _add(self, slot: Slot) -> None:
        if len(self.slots) == MAX_SLOTS:
            raise LayoutError(self.struct.key, f"struct '{self.struct.name}' has more than {MAX_SLOTS} members in all")
        self.slots.append(slot)


def _dimension(type_: Type) -> tuple[int | None, str | None]:
    """The outermost dimension of an array: a number, or the text of one that varies."""
    match type_:
        case Array(length=Count(value=value)):
            return value, None
        case Array(length=length):
            return None, length_text(length)
        case _:
            return None, None


def _under(member: Member, condition: Condition | None) -> Member:
    """A member that is there only on a further condition."""
    if condition is None or condition == member.condition:
        return member
    joined = condition if member.condition is None else AllOf(terms=(condition, member.condition))
    return replace(member, condition=joined)
