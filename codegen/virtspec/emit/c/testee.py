"""The testee: a program that answers the conformance runner's questions with the headers.

It visits a struct member by member, through the accessors that users have, and shows each value, compares it with the
question's, or, in a struct of fixed size, takes it from there. A message of variable size is built of such structs by
the function that writes it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import prod
from typing import TypeVar

from virtspec.emit.c.message_views import Message
from virtspec.emit.c.messages import Messages
from virtspec.emit.c.names import Names, header_name
from virtspec.emit.c.structs import bit_fields, order_word
from virtspec.emit.c.types import Catalogue, CType, Field, Inline, Missing, Record, Vector, dimensions
from virtspec.emit.c.views import BitField
from virtspec.emit.engine import render
from virtspec.model import Bits, Integer, Spec
from virtspec.names import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A member to visit.

    `shape`: `number`, `bytes`, `bits`, `struct`, `records` (structs of variable size, one after the other), `arms` (a
    union of variable size). `at` points to it, `size` are its bytes. In an array there are `count` elements, of which
    `at`, `get` and `put` are about number `i`; in an array of arrays, `rows` are its indices. Of the bytes, `need`
    have to be there, or all of them.
    """

    shape: str
    path: str
    at: str = ""
    size: str = ""
    need: str = ""
    count: str = ""
    rows: tuple[str, ...] = ()
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
class Gather:
    """How the bytes of a part come from a question.

    `shape`: `bytes`, `rows` (pieces of `unit` bytes), `numbers`, `struct` (one of `unit` bytes), `structs`, `message`
    (a struct of variable size), `messages`, `arms` (of which the question names one), or `nothing` that C can tell. In
    an array of arrays, `indices` are those of element number `i`.
    """

    shape: str
    part: str = ""
    path: str = ""
    unit: str = ""
    put: str = ""
    limit: str = ""
    call: str = ""
    typed: bool = False
    indices: tuple[str, ...] = ()
    arms: tuple[Gather, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How a struct is visited; `filled` are the members of the head and of the content of one that is built, `gathered`
    its other parts."""

    tag: str
    type: str
    message: Message | None
    items: tuple[Item, ...]
    groups: tuple[Group, ...]
    filled: tuple[Item, ...] = ()
    gathered: tuple[Gather, ...] = ()

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
    features: str

    @property
    def judged(self) -> bool:
        """Whether it is a list that rules are about."""
        return self.message is not None and self.message.list_rules is not None

    @property
    def parameters(self) -> str:
        """What a reader of the message brings along, as parameters."""
        if self.message is None:
            return ""
        numbers = "".join(f", size_t {argument.name}" for argument in self.message.arguments)
        return numbers + (f", const struct {self.features} *features" if self.message.features else "")

    @property
    def rest(self) -> bool:
        """Whether it has a part that takes what is left."""
        return self.message is not None and any(step.shape == "rest" for step in self.message.steps)


def render_testee(spec: Spec, catalogue: Catalogue, messages: Messages, names: Names, modules: Collection[str]) -> str:
    """The text of the program; `modules` are those that have a header."""
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
                    features=f"{names.lower}virtwire_features",
                )
            )
    # only the first struct of a name can be asked about
    others = [record for s in spec.structs if s.variant > 1 and (record := catalogue.of(s.key)) and _shown(record)]
    devices = {
        d.module: f"{names.lower}virtwire_device_{header_name(d.module)}"
        for d in spec.devices
        if header_name(d.module) in modules
    }
    return render(
        "c/testee.c.jinja",
        visits=visits,
        entries=entries,
        unasked=[(record.tag, messages.of(record) is not None) for record in others],
        devices=[(plain(module), function) for module, function in sorted(devices.items())],
        p=names.lower,
        u=names.upper,
    )


def _shown(record: Record) -> bool:
    """Whether a record is shown by itself; a union of variable size is shown where it stands."""
    return bool(record.lead) or record.keyword == "struct"


def _visit(record: Record, messages: Messages, names: Names) -> Visit:
    message = messages.of(record)
    following = record.following() if message is not None else ()
    leading = record.fields[: len(record.fields) - len(following)]
    bits = {b.path: b for b in bit_fields(record, Names(names.lower))} if record.lead else {}
    items = [item for f in leading for item in _members(f, bits, names)]
    groups = []
    filled: list[Item] = []
    gathered: list[Gather] = []
    if message is not None:
        fixed = {put.name: put for group in message.writer.groups for put in group.puts if put.fixed}
        given = {g.name for g in message.writer.given}
        for f, step in zip(following, message.steps, strict=True):
            if step.name not in given:
                filled += _members(f, bits, names)
            elif step.name in fixed:
                filled += _members(f, {}, names, f"content.{step.name}")
            else:
                typed = message.values is not None and message.values.part == step.name
                gathered.append(replace(_gathered(f, step.call, names), part=step.name, typed=typed))
        parts = iter(zip(following, message.steps, strict=True))
        for group in message.groups:
            found: list[Item] = []
            for _ in group.steps:
                f, step = next(parts)
                at = f"m + parts->{step.name}.offset"
                found += _part(f, at, f"parts->{step.name}.size", step.call, step.arguments, names)
            groups.append(Group(condition=group.condition, items=tuple(found)))
    return Visit(
        tag=record.tag,
        type=record.type,
        message=message,
        items=tuple(items),
        groups=tuple(groups),
        filled=tuple(filled),
        gathered=tuple(gathered),
    )


def _members(f: Field, bits: dict[str, BitField], names: Names, at: str = "") -> list[Item]:
    """The members of the C struct that a field gives."""
    if isinstance(f.type, Inline):
        return [item for inner in f.type.fields for item in _members(inner, bits, names)]
    element, lengths = dimensions(f.type)
    if f.size == 0:  # C has no such member; of bytes, it is shown
        if isinstance(element, Integer) and element.bits == 8 and len(lengths) == 1:
            return [Item(shape="bytes", path=f.path, at="(uint8_t *)v->end", size="0")]
        return []
    member, count, index = at or f"s->{f.name}", "", ""
    rows = 1 if isinstance(element, Integer) and element.bits == 8 else 0
    counts = lengths[: len(lengths) - rows]
    indices = _indices(counts[1:]) if len(counts) > 1 else ()
    if counts:
        count, index = str(prod(counts)), "".join(f"[{i}]" for i in indices) or "[i]"
    at, size = f"(uint8_t *)&{member}{index}", f"sizeof({member}{index})"
    path = f.path if f.member.name else ""
    match element:
        case Integer() if lengths and rows:
            return [Item(shape="bytes", path=path, at=at, size=size, count=count, rows=indices)]
        case Integer():
            suffix, order = ("_as", ", v->big") if element.order == "native" and element.bits > 8 else ("", "")
            word, ctype = order_word(element), f"uint{element.bits}_t"
            get = f"{names.lower}virtio_{word}_to_cpu{suffix}({member}{index}{order})"
            put = f"{member}{index} = {names.lower}virtio_cpu_to_{word}{suffix}(({ctype})v->number{order})"
            if element.spelling == "char":
                get, put = f"(uint8_t){member}", f"{member} = (char)v->number"
            limit = f"UINT{element.bits}_MAX"
            numbers = Item(shape="number", path=path, at=at, size=size, count=count, rows=indices)
            return [replace(numbers, get=get, put=put, limit=limit)]
        case Bits():
            prefix = f"{f.member.name}." if f.member.name else ""
            found = tuple(bits[prefix + b.name] for b in element.fields if prefix + b.name in bits)
            return [Item(shape="bits", path=path, at=at, size=size, bits=found)] if not lengths else []
        case Record():
            # of a configuration space that ends inside a struct, the members before the end are there
            call = element.tag
            return [Item(shape="struct", path=path, at=at, size=size, need="0", count=count, rows=indices, call=call)]
        case _:
            return []


_Reached = TypeVar("_Reached", Item, Gather)


def _inside(path: str, arm: _Reached) -> _Reached:
    """An arm of a union, as it is reached from outside."""
    return replace(arm, path=f"{path}.{arm.path}" if path else arm.path)


def _gathered(f: Field, call: str, names: Names) -> Gather:
    """How a part that is not of fixed size is made."""
    path = f.path if f.member.name else ""
    type_: CType = f.type
    match type_:
        case Record(keyword="union", fields=fields) if type_.varies:
            arms = tuple(_inside(path, _gathered(g, "", names)) for g in fields)
            return Gather(shape="arms", path=path, arms=arms)
        case Record() if type_.varies:
            return Gather(shape="message", path=path, call=call or type_.tag)
        case Record(size=int(size)):
            return Gather(shape="struct", path=path, unit=str(size), call=type_.tag)
        case Missing():
            return Gather(shape="bytes", path=path)
        case Integer(size=size):
            number = _number(type_, names)
            return replace(number, shape="number", path=path, unit=str(size))
        case Vector():
            return _elements(path, type_, call, names)
        case _:
            return Gather(shape="nothing", path=path)


def _elements(path: str, vector: Vector, call: str, names: Names) -> Gather:
    """How the elements of an array are made."""
    if call:
        return Gather(shape="messages", path=path, call=call)
    element, lengths = dimensions(vector.element)
    match element:
        case Integer(bits=8) if not lengths or dimensions(vector)[1]:
            return Gather(shape="bytes", path=path)
        case Integer(bits=8):
            return Gather(shape="rows", path=path, unit=str(lengths[-1]), indices=_indices(lengths[:-1]))
        case Integer(size=size):
            return replace(_number(element, names), path=path, unit=str(size), indices=_indices(lengths))
        case Record(size=int(size)) if size:
            unit, indices = str(size), _indices(lengths)
            return Gather(shape="structs", path=path, unit=unit, indices=indices, call=element.tag)
        case Vector() | Missing():
            return Gather(shape="bytes", path=path)
        case _:
            return Gather(shape="nothing", path=path)


def _indices(counts: tuple[int, ...]) -> tuple[str, ...]:
    """Where element number `i` stands in rows of so many elements, from the outside in; nothing for no rows."""
    below = [prod(counts[at:]) for at in range(len(counts) + 1)]
    inner = [
        f"i / {size} % {count}" if size > 1 else f"i % {count}" for size, count in zip(below[1:], counts, strict=True)
    ]
    return (f"i / {below[0]}", *inner) if counts else ()


def _number(integer: Integer, names: Names) -> Gather:
    suffix, order = ("_as", ", v->big") if integer.order == "native" and integer.bits > 8 else ("", "")
    put = f"{names.lower}virtio_put_{order_word(integer)}{suffix}(at, (uint{integer.bits}_t)v->number{order})"
    return Gather(shape="numbers", put=put, limit=f"UINT{integer.bits}_MAX")


def _part(f: Field, at: str, size: str, call: str, arguments: str, names: Names) -> list[Item]:
    """What stands in a part of a message."""
    type_: CType = f.type
    path = f.path if f.member.name else ""
    if isinstance(type_, Inline):
        return [_placed(arm, at, size, names) for arm in type_.fields]
    if isinstance(type_, Record) and type_.keyword == "union" and type_.varies:
        arms = tuple(_inside(path, arm) for g in type_.fields for arm in _part(g, at, size, "", "", names))
        return [Item(shape="arms", path=path, arms=arms)]
    if call and isinstance(type_, Vector):
        return [Item(shape="records", path=path, at=at, size=size, call=call, arguments=arguments)]
    if not isinstance(type_, Vector):
        return [_placed(f, at, size, names)]
    element, lengths = dimensions(type_.element)
    if isinstance(element, Vector):  # rows whose size is not known
        return [Item(shape="bytes", path=path, at=at, size=size)]
    unit, rows = getattr(element, "size", None), _indices(lengths)
    if isinstance(element, Integer) and element.bits == 8:
        if not lengths:
            return [Item(shape="bytes", path=path, at=at, size=size)]
        unit, rows = lengths[-1], _indices(lengths[:-1])
    if not unit:
        return []
    item = Item(shape="bytes", path=path, at=f"{at} + i * {unit}", size=str(unit), count=f"{size} / {unit}", rows=rows)
    match element:
        case Integer(bits=8):
            return [item]
        case Integer():
            return [replace(item, shape="number", get=_get(element, item.at, names))]
        case Record():
            return [replace(item, shape="struct", call=element.tag)]
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
