"""One value of a struct as bytes, before and after.

Every member gets a value that tells it apart: the first one consists of the bytes 11 12 13 …, the second of 21 22 23 …,
so that a dump shows which member lies where, and in which byte order. Reserved space is zero; a member that counts the
elements of an array has their number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from virtspec.compat import assert_never
from virtspec.diff.change import Sample
from virtspec.diff.context import Side
from virtspec.diff.likeness import is_reserved
from virtspec.diff.respell import SAME, Inside
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    Count,
    Elided,
    External,
    FieldRef,
    Integer,
    Member,
    Struct,
    StructRef,
    Type,
    length_text,
)

MAX_BYTES = 512
ELEMENTS = 2
"""How many elements an array of variable length has."""


class NoSample(Exception):
    """A struct that has no bytes to show; the message says why."""


@dataclass(slots=True)
class _Encoder:
    side: Side
    ordinals: dict[str, int]
    inside: Inside
    counts: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    size: int = 0

    def members(self, members: Iterable[Member], path: str, *, union: bool) -> bytes:
        members = list(members)
        for member in members:
            self._count(member.type, path)
        if union:
            return self._union(members, path)
        return b"".join(self.type(m.type, f"{path}{m.name}", m.name) for m in members)

    def _count(self, type_: Type, path: str) -> None:
        while isinstance(type_, Array):
            if isinstance(type_.length, FieldRef):
                self.counts.add(path + type_.length.path)
            type_ = type_.element

    def _union(self, members: list[Member], path: str) -> bytes:
        sizes = self.side.layouts.sizes
        known = [sizes.type(m.type) for m in members]
        arm = max(members, key=lambda m: sizes.type(m.type) or 0, default=None)
        if arm is None:
            return b""
        data = self.type(arm.type, f"{path}{arm.name}", arm.name)
        full = max((size for size in known if size is not None), default=0)
        return data.ljust(full, b"\0")

    def ordinal(self, path: str) -> int:
        return self.ordinals.setdefault(self.inside.path(path), len(self.ordinals) + 1)

    def pattern(self, path: str, start: int, count: int) -> list[int]:
        high = (self.ordinal(path) - 1) % 15 + 1
        return [high << 4 | (start + i) % 15 + 1 for i in range(count)]

    def type(self, type_: Type, path: str, name: str, start: int = 0) -> bytes:
        match type_:
            case Integer():
                return self._integer(type_, path, name, start)
            case Bits():
                return self._bits(type_, path)
            case StructRef(name=tag):
                struct = self.side.shapes.struct(tag)
                if struct is None:
                    raise NoSample(f"struct '{tag}' is not defined")
                return self.members(struct.members, f"{path}.", union=struct.kind == "union")
            case External(name=tag):
                raise NoSample(f"struct '{tag}' is not defined by the specification, or in several ways")
            case Aggregate(kind=kind, members=members):
                inner = f"{path}." if name else path
                return self.members(members, inner, union=kind == "union")
            case Array(element=element, length=length):
                if isinstance(length, Elided):
                    raise NoSample("a part of it is left out of the text")
                number = length.value if isinstance(length, Count) else ELEMENTS
                if not isinstance(length, Count):
                    shown = length_text(length)
                    self.notes.add(f"{path} has {ELEMENTS} elements" + ("" if shown == "rest" else f" ({shown})"))
                return self._array(element, number, path, name)
            case _:
                assert_never(type_)

    def _array(self, element: Type, number: int, path: str, name: str) -> bytes:
        size = self.side.layouts.sizes.type(element)
        if number * (size or 1) + self.size > MAX_BYTES:
            raise NoSample(f"'{path}' alone has {number} elements")
        parts: list[bytes] = []
        for index in range(number):
            inner = path if isinstance(element, (Integer, Array)) else f"{path}[{index}]"
            start = index * element.size if isinstance(element, Integer) else 0
            parts.append(self.type(element, inner, name, start))
        return b"".join(parts)

    def _integer(self, type_: Integer, path: str, name: str, start: int) -> bytes:
        self.size += type_.size
        if self.size > MAX_BYTES:
            raise NoSample(f"it has more than {MAX_BYTES} bytes")
        if is_reserved(name):
            value = 0
        elif path in self.counts:
            self.ordinal(path)
            value = ELEMENTS
        else:
            value = int.from_bytes(bytes(self.pattern(path, start, type_.size)), "big")
        text = f"0x{value:0{2 * type_.size}x}"
        self.values[path] = f"{self.values[path]} {text}" if path in self.values else text
        # an order that is left open is shown as virtio has it everywhere else
        return value.to_bytes(type_.size, "big" if type_.order == "big" else "little")

    def _bits(self, type_: Bits, path: str) -> bytes:
        self.size += type_.container.size
        word = 0
        taken = 0
        prefix = f"{path}." if path and not path.endswith(".") else path
        for bit in type_.fields:
            mask = (1 << bit.width) - 1
            if is_reserved(bit.name) or taken & mask << bit.offset:
                continue
            taken |= mask << bit.offset
            value = (self.ordinal(prefix + bit.name) & mask) or mask & 1
            self.values[prefix + bit.name] = f"0x{value:x}"
            word |= value << bit.offset
        order = "big" if type_.container.order == "big" else "little"
        return (word & (1 << type_.container.bits) - 1).to_bytes(type_.container.size, order)  # type: ignore[arg-type]


def sample_of(old: tuple[Side, Struct] | None, new: tuple[Side, Struct] | None, inside: Inside = SAME) -> Sample:
    """The bytes of one value in the old and in the new layout; a member keeps its value on both sides. `inside` gives
    old paths their new ones."""
    ordinals: dict[str, int] = {}
    values: dict[str, str] = {}
    notes: dict[str, None] = {}
    encoded: list[bytes | None] = []
    for given, names in ((old, inside), (new, SAME)):
        if given is None:
            encoded.append(None)
            continue
        side, struct = given
        encoder = _Encoder(side, ordinals, names)
        try:
            encoded.append(encoder.members(struct.members, "", union=struct.kind == "union"))
        except NoSample as reason:
            encoded.append(None)
            notes[str(reason)] = None
        values.update({names.path(path): value for path, value in encoder.values.items()})
        notes.update(dict.fromkeys(sorted(encoder.notes)))
    return Sample(value=tuple(values.items()), old=encoded[0], new=encoded[1], note="; ".join(notes))
