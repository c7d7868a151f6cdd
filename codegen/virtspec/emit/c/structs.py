"""Records → C definitions: the members as C declares them, what is asserted of them, and the bit-fields."""

from __future__ import annotations

from virtspec.compat import assert_never
from virtspec.emit.c.message_views import Message, Reserved
from virtspec.emit.c.names import Names, Scope
from virtspec.emit.c.types import (
    CType,
    Field,
    Inline,
    Missing,
    Record,
    Vector,
    dimensions,
    flat,
)
from virtspec.emit.c.views import BitField, Declaration, Definition, Offset
from virtspec.model import (
    Bit,
    Bits,
    Elided,
    Integer,
    Rest,
    condition_text,
    length_text,
    relation_text,
)
from virtspec.names import plain
from virtspec.since import load_since


def definition(
    record: Record, names: Names, messages: tuple[Message, ...] = (), reserved: Reserved | None = None
) -> Definition:
    """The view of a record."""
    leading = record.leading()
    lead = record.lead
    return Definition(
        keyword=record.keyword,
        tag=record.tag,
        source=_source(record),
        heading=(*_heading(record), *(f"Required: {relation_text(relation)}" for relation in record.relations)),
        size=lead,
        declarations=tuple(_declaration(record, f, names, 0) for f in leading if f.size != 0) if lead else (),
        offsets=tuple(
            Offset(name=f.name, offset=offset)
            for f, offset in flat(leading)
            if lead and f.size != 0 and offset is not None
        ),
        bits=tuple(bit_fields(record, names)) if lead else (),
        messages=messages,
        reserved=reserved,
    )


def integer_type(integer: Integer, names: Names) -> str:
    """The type of a member that is an integer."""
    if integer.bits == 8:
        return "char" if integer.spelling == "char" else "uint8_t"
    return f"{names.lower}virtio_{order_word(integer)}"


def order_word(integer: Integer) -> str:
    """How accessors call an integer: `le16`, `be32`, `u64`; `u8` for a byte."""
    if integer.bits == 8:
        return "u8"
    return f"{ {'little': 'le', 'big': 'be', 'native': 'u'}[integer.order] }{integer.bits}"


def _heading(record: Record) -> list[str]:
    """What stands in memory behind the C struct, member by member."""
    following = record.following()
    if record.size is not None or not following:
        return []
    if record.keyword == "union":
        return [f"one of: {', '.join(f.name for f in record.fields)}"]
    return [("Followed by " if record.lead else "Made of ") + ", ".join(map(shown, following))]


def shown(f: Field) -> str:
    """A member as the specification writes it, without its type."""
    text, type_ = f.path, f.type
    while isinstance(type_, Vector):
        if isinstance(type_.length, Elided):
            return "..."
        text += "[]" if isinstance(type_.length, Rest) else f"[{length_text(type_.length)}]"
        type_ = type_.element
    return text


def _source(record: Record) -> str:
    """Where a record is defined, and the first release that has it."""
    since = load_since().struct(record.name)
    return ", ".join([*map(str, (record.place, *record.also)), *([f"since {since}"] if since else [])])


def _declaration(record: Record, f: Field, names: Names, base: int) -> Declaration:
    offset = base + (f.offset or 0)
    note = str(offset)
    since = load_since().member(record.name, f.path)
    if since and since != load_since().struct(record.name):
        note += f", since {since}"
    if f.member.condition is not None:
        note += f", if {condition_text(f.member.condition) or 'a condition stated in words'}"
    if isinstance(f.type, Inline):
        members = tuple(_declaration(record, inner, names, offset) for inner in f.type.fields if inner.size != 0)
        return Declaration(keyword=f.type.keyword, members=members, note=note)
    element, lengths = dimensions(f.type)
    return Declaration(
        type=type_name(element, names), name=f.name, dimensions="".join(f"[{n}]" for n in lengths), note=note
    )


def type_name(type_: CType, names: Names) -> str:
    """The C type of a member, or of the elements of one that is an array."""
    match type_:
        case Integer():
            return integer_type(type_, names)
        case Bits(container=container):
            return integer_type(container, names)
        case Record():
            return type_.type
        case Vector() | Inline() | Missing():
            raise AssertionError("a type of variable size has no C name")
        case _:
            assert_never(type_)


def bit_fields(record: Record, names: Names) -> list[BitField]:
    """The bit-fields of a record's integers. Integers in an array of such are left to their masks."""
    found = []
    scope = Scope()
    for f, _ in flat(record.leading()):
        element, lengths = dimensions(f.type)
        if isinstance(element, Bits):
            stem = f"{f.name}_" if f.member.name else ""
            for bit in element.fields:
                name = scope.claim(stem + (plain(bit.name).strip("_") or "bit"))
                found.append(_bit_field(record, f, element.container, bit, name, bool(lengths), names))
    return found


def _bit_field(
    record: Record, f: Field, container: Integer, bit: Bit, name: str, in_array: bool, names: Names
) -> BitField:
    macro = f"{record.tag.removeprefix(names.lower)}_{name}".upper()
    suffix = "ULL" if container.bits == 64 else "U"
    mask = (1 << bit.width) - 1
    keep = ((1 << container.bits) - 1) & ~(mask << bit.offset)
    word = order_word(container)
    return BitField(
        path=f"{f.member.name}.{bit.name}".lstrip("."),
        name="" if in_array else name,
        order=container.order,
        mask_macro=names.macro(f"{macro}_MASK"),
        shift_macro=names.macro(f"{macro}_SHIFT"),
        mask=f"0x{mask:x}{suffix}",
        keep=f"0x{keep:0{container.bits // 4}x}{suffix}",
        shift=bit.offset,
        ctype=f"uint{container.bits}_t",
        wide="(uint32_t)" if container.bits < 32 else "",
        container=f.name,
        load=f"{names.lower}virtio_{word}_to_cpu",
        store=f"{names.lower}virtio_cpu_to_{word}",
    )
