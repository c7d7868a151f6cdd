"""The testee: a program that answers the conformance runner's questions with the headers.

It visits a struct member by member, through the accessors that users have, and either shows each value or, for structs
of fixed size, takes it from the question.
"""

from __future__ import annotations

from dataclasses import dataclass

from virtspec.emit.c.messages import Messages
from virtspec.emit.c.names import Names
from virtspec.emit.c.structs import bit_fields, order_word
from virtspec.emit.c.types import Catalogue, CType, Field, Inline, Missing, Record, Vector, dimensions
from virtspec.emit.c.views import BitField, Message
from virtspec.emit.engine import render
from virtspec.model import Bits, Integer, Spec
from virtspec.names import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A member to visit.

    `shape`: `number`, `bytes`, `bits`, `struct`, `records` (structs of variable size, one after the other), `arms` (a
    union of variable size). `at` points to it, `size` are its bytes. In an array there are `count` elements, of which
    `at`, `get` and `put` are about number `i`. Of the bytes, `need` have to be there, or all of them.
    """

    shape: str
    path: str
    at: str = ""
    size: str = ""
    need: str = ""
    count: str = ""
    get: str = ""
    put: str = ""
    limit: str = ""
    call: str = ""
    arguments: str = ""
    bits: tuple[BitField, ...] = ()
    arms: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Members that are there on one condition."""

    condition: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How a struct is visited."""

    tag: str
    type: str
    message: Message | None
    items: tuple[Item, ...]
    groups: tuple[Group, ...]

    @property
    def config(self) -> bool:
        """Whether it may hold the configuration of a device."""
        return self.message is not None and self.message.values is not None and bool(self.message.values.config)

    @property
    def typed(self) -> bool:
        """Whether anything is reached through the struct itself."""
        return any("s->" in f"{i.at}{i.get}" or i.bits for i in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A struct that questions may be about; `device` is the type of device whose configuration it is."""

    name: str
    tag: str
    size: int
    message: Message | None
    device: str

    @property
    def rest(self) -> bool:
        """Whether it has a part that takes what is left."""
        return self.message is not None and any(step.shape == "rest" for step in self.message.steps)


def render_testee(spec: Spec, catalogue: Catalogue, messages: Messages, names: Names) -> str:
    """The text of the program."""
    visits = tuple(_visit(record, messages, names) for record in catalogue.records if _shown(record))
    configs = {device.config: device.module for device in spec.devices if device.config}
    entries = []
    for struct in spec.structs:
        record = catalogue.of(struct.key)
        if record is not None and _shown(record) and struct.variant == 1:
            entries.append(
                Entry(
                    name=plain(struct.name),
                    tag=record.tag,
                    size=record.size or 0,
                    message=messages.of(record),
                    device=plain(configs.get(struct.name, "")),
                )
            )
    return render("c/testee.c.jinja", visits=visits, entries=entries, p=names.lower, u=names.upper)


def _shown(record: Record) -> bool:
    """Whether a record has members to show; a union of variable size is shown where it stands."""
    return bool(record.lead) or (record.varies and record.keyword == "struct")


def _visit(record: Record, messages: Messages, names: Names) -> Visit:
    message = messages.of(record)
    following = record.following() if message is not None else ()
    leading = record.fields[: len(record.fields) - len(following)]
    bits = {b.path: b for b in bit_fields(record, Names(names.lower))} if record.lead else {}
    items = [item for f in leading for item in _members(f, bits, names)]
    groups = []
    if message is not None:
        parts = iter(zip(following, message.steps, strict=True))
        for group in message.groups:
            found: list[Item] = []
            for _ in group.steps:
                f, step = next(parts)
                at = f"m + parts->{step.name}.offset"
                found += _part(f, at, f"parts->{step.name}.size", step.call, step.arguments, names)
            groups.append(Group(condition=group.condition, items=tuple(found)))
    return Visit(tag=record.tag, type=record.type, message=message, items=tuple(items), groups=tuple(groups))


def _members(f: Field, bits: dict[str, BitField], names: Names) -> list[Item]:
    """The members of the C struct that a field gives."""
    if isinstance(f.type, Inline):
        return [item for inner in f.type.fields for item in _members(inner, bits, names)]
    if f.size == 0:
        return []
    element, lengths = dimensions(f.type)
    member, count, index = f"s->{f.name}", "", ""
    rows = 1 if isinstance(element, Integer) and element.bits == 8 else 0
    if len(lengths) > rows + 1:
        return []
    if len(lengths) > rows:
        count, index = str(lengths[0]), "[i]"
    at, size = f"(uint8_t *)&{member}{index}", f"sizeof({member}{index})"
    path = f.path if f.member.name else ""
    match element:
        case Integer() if lengths and rows:
            return [Item(shape="bytes", path=path, at=at, size=size, count=count)]
        case Integer():
            suffix, order = ("_as", ", v->big") if element.order == "native" and element.bits > 8 else ("", "")
            word, ctype = order_word(element), f"uint{element.bits}_t"
            get = f"{names.lower}virtio_{word}_to_cpu{suffix}({member}{index}{order})"
            put = f"{member}{index} = {names.lower}virtio_cpu_to_{word}{suffix}(({ctype})v->number{order})"
            if element.spelling == "char":
                get, put = f"(uint8_t){member}", f"{member} = (char)v->number"
            limit = f"UINT{element.bits}_MAX"
            return [Item(shape="number", path=path, at=at, size=size, count=count, get=get, put=put, limit=limit)]
        case Bits():
            prefix = f"{f.member.name}." if f.member.name else ""
            found = tuple(bits[prefix + b.name] for b in element.fields if prefix + b.name in bits)
            return [Item(shape="bits", path=path, at=at, size=size, bits=found)] if not lengths else []
        case Record():
            # of a configuration space that ends inside a struct, the members before the end are there
            return [Item(shape="struct", path=path, at=at, size=size, need="0", count=count, call=element.tag)]
        case _:
            return []


def _part(f: Field, at: str, size: str, call: str, arguments: str, names: Names) -> list[Item]:
    """What stands in a part of a message."""
    type_: CType = f.type
    path = f.path if f.member.name else ""
    if isinstance(type_, Inline):
        return [_placed(arm, at, size, names) for arm in type_.fields]
    if isinstance(type_, Record) and type_.keyword == "union" and type_.varies:
        arms = tuple(arm for g in type_.fields for arm in _part(g, at, size, "", "", names))
        return [Item(shape="arms", path=path, arms=arms)]
    if call and isinstance(type_, Vector):
        return [Item(shape="records", path=path, at=at, size=size, call=call, arguments=arguments)]
    if not isinstance(type_, Vector):
        return [_placed(f, at, size, names)]
    element, rows = type_.element, 1
    while isinstance(element, Vector):
        inner, lengths = dimensions(element)
        if not lengths:
            element, rows = element.element, 0
            continue
        row = 1
        for length in lengths:
            row *= length
        if isinstance(inner, Integer) and inner.bits == 8 and len(lengths) == 1:
            return [Item(shape="bytes", path=path, at=f"{at} + i * {row}", size=str(row), count=f"{size} / {row}")]
        return []
    match element:
        case Integer(bits=8):
            return [Item(shape="bytes", path=path, at=at, size=size)]
        case Integer(size=unit):
            at, count = f"{at} + i * {unit}", f"{size} / {unit}"
            return [Item(shape="number", path=path, at=at, size=str(unit), count=count, get=_get(element, at, names))]
        case Record(size=int(unit)) if unit and rows:
            at, count = f"{at} + i * {unit}", f"{size} / {unit}"
            return [Item(shape="struct", path=path, at=at, size=str(unit), count=count, call=element.tag)]
        case _:
            return []


def _placed(f: Field, at: str, size: str, names: Names) -> Item:
    """One member, not an array of variable length, that stands at a place in the message."""
    path = f.path if f.member.name else ""
    element, lengths = dimensions(f.type)
    match element:
        case Integer(bits=8) if lengths:
            return Item(shape="bytes", path=path, at=at, size=str(f.size))
        case Integer() if not lengths:
            return Item(shape="number", path=path, at=at, size=str(f.size), get=_get(element, at, names))
        case Record() if not lengths:
            size = size if element.varies else str(f.size)
            return Item(shape="struct", path=path, at=at, size=size, call=element.tag)
        case Missing():
            return Item(shape="bytes", path=path, at=at, size=size)
        case _:
            return Item(shape="arms", path=path)


def _get(integer: Integer, at: str, names: Names) -> str:
    suffix, order = ("_as", ", v->big") if integer.order == "native" and integer.bits > 8 else ("", "")
    return f"{names.lower}virtio_get_{order_word(integer)}{suffix}({at}{order})"
