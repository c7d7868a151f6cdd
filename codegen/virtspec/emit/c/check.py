"""The C self-check: a program that holds the headers against the layout and the constants of the model.

Where a member lies is taken from `virtspec.layout`, not from the definitions that the headers were made of; so the
program proves that both say the same. It reads every integer through its accessor and with arithmetic of its own, and
writes it through its accessor into nothing but its own bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from virtspec.emit.c.constants import Constants
from virtspec.emit.c.names import Names
from virtspec.emit.c.structs import bit_fields, order_word
from virtspec.emit.c.types import Catalogue, Field, Inline, Record, dimensions
from virtspec.emit.engine import render
from virtspec.layout import Layouts, Slot
from virtspec.model import Integer

MAX_SIZE = 1 << 16
"""The largest struct that the program checks, since it puts them on the stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerCheck:
    """An integer member, or the first or last of an array of them."""

    type: str
    member: str
    word: str
    ctype: str
    order: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BitsCheck:
    """A bit-field: the integer at `offset`, of which `width` bits from `shift` on are its."""

    type: str
    stem: str
    name: str
    ctype: str
    order: str
    offset: int
    size: int
    shift: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCheck:
    """A constant."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StructChecks:
    """The checks of one struct: a function, since compilers take their time with long ones."""

    tag: str
    integers: tuple[IntegerCheck, ...]
    bits: tuple[BitsCheck, ...]


def render_check(catalogue: Catalogue, constants: Constants, names: Names, layouts: Layouts) -> str:
    """The text of the program."""
    structs = []
    for key in layouts:
        record = catalogue.of(key)
        if record is None or not 0 < record.lead <= MAX_SIZE:
            continue
        slots = {(s.path, s.bit_offset is not None): s for s in layouts[key].slots}
        integers: list[IntegerCheck] = []
        for path, member, f, type_ in _leaves(record.leading(), "", ""):
            if isinstance(type_, Integer):
                integers += _integers(record, member, f, type_, slots.get((path, False)))
        bits = tuple(_bits(record, names, slots, "", 0))
        if integers or bits:
            structs.append(StructChecks(tag=record.tag, integers=tuple(integers), bits=bits))
    values = tuple(
        ValueCheck(name=macro.name, value=f"0x{(constant.value or 0) & 0xFFFFFFFFFFFFFFFF:x}ULL")
        for constant, macro in constants.values()
    )
    return render("c/selfcheck.c.jinja", structs=structs, values=values, p=names.lower, u=names.upper)


def _leaves(fields: tuple[Field, ...], path: str, member: str) -> Iterator[tuple[str, str, Field, object]]:
    """Every integer that the C struct can name: path in the specification, expression in C."""
    for f in fields:
        if isinstance(f.type, Inline):
            yield from _leaves(f.type.fields, path, member)
        elif isinstance(f.type, Record):
            yield from _leaves(f.type.leading(), f"{path}{f.path}.", f"{member}{f.name}.")
        elif f.size:
            yield path + f.path, member + f.name, f, dimensions(f.type)[0]


def _integers(record: Record, member: str, f: Field, integer: Integer, slot: Slot | None) -> list[IntegerCheck]:
    if slot is None or slot.offset is None or integer.spelling == "char":
        return []
    _, lengths = dimensions(f.type)
    count = 1
    for length in lengths:
        count *= length
    places = {0: "[0]" * len(lengths), count - 1: "".join(f"[{n - 1}]" for n in lengths)}
    return [
        IntegerCheck(
            type=record.type,
            member=member + index,
            word=order_word(integer),
            ctype=f"uint{integer.bits}_t",
            order=integer.order.upper(),
            offset=slot.offset + at * integer.size,
            size=integer.size,
        )
        for at, index in places.items()
    ]


def _bits(
    record: Record, names: Names, slots: dict[tuple[str, bool], Slot], path: str, base: int
) -> Iterator[BitsCheck]:
    """The bit-fields of a struct, and of the unnamed structs inside it: these lie `base` bytes behind its start."""
    # names of macros do not matter here, so they need not be the ones that the headers were given
    for field in bit_fields(record, Names(names.lower)):
        slot = slots.get((path + field.path, True))
        if field.name and slot is not None and slot.offset is not None:
            yield BitsCheck(
                type=record.type,
                stem=record.tag,
                name=field.name,
                ctype=field.ctype,
                order=field.order.upper(),
                offset=slot.offset - base,
                size=slot.size or 0,
                shift=slot.bit_offset or 0,
                width=slot.bit_size or 0,
            )
    for f in record.leading():
        slot = slots.get((path + f.path, False))
        if isinstance(f.type, Record) and not f.type.name and slot is not None and slot.offset is not None:
            yield from _bits(f.type, names, slots, f"{path}{f.path}.", slot.offset)
