"""Containers: structs that are lists of records, which state their own type and length.

A record is a struct with an integer `length` and, at its end, as many bytes of payload; a registry says which struct
the payload of each type is. A container is a struct with an array of such records at its end, and perhaps their number.
The device context and lists of device parts are of this kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from virtspec.model import Array, FieldRef, Integer, Member, Registry, Rest, Spec, Struct, StructRef
from virtspec.names import plain

TYPE_MEMBERS = ("type", "part_type")
"""What the member is called that holds a record's type."""

_IDLE = frozenset({"reserved", "padding", "unused", "pad"})


def is_idle(name: str) -> bool:
    """Whether a member of that name is zero: a reserved one, or padding. Digits and underscores around do not count."""
    return name.strip("_0123456789") in _IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A struct that is a list of records. `tag` and `length` are paths inside a record, `count` one in the struct
    ("" where the list goes to the end)."""

    struct: Struct
    member: str
    record: Struct
    tag: str
    length: str
    payload: str
    count: str
    registry: Registry


def containers_of(spec: Spec) -> Iterator[Container]:
    """The containers of a model."""
    structs = {s.name: s for s in reversed(spec.structs)}
    for struct in spec.structs:
        if struct.kind != "struct" or not struct.members or struct.variant > 1:
            continue
        last = struct.members[-1]
        if not isinstance(last.type, Array) or not isinstance(last.type.element, StructRef):
            continue
        record = structs.get(last.type.element.name)
        if record is None or not record.members:
            continue
        leaves = dict(integers_in(record.members, structs, ""))
        tag = next((path for path in leaves if path.rpartition(".")[2] in TYPE_MEMBERS), None)
        length = next((path for path in leaves if path.rpartition(".")[2] == "length"), None)
        payload = record.members[-1]
        registry = _registry(spec, record, structs)
        if tag and length and registry is not None and _is_payload(payload, length):
            yield Container(
                struct=struct,
                member=last.name,
                record=record,
                tag=tag,
                length=length,
                payload=payload.name,
                count=_count(struct, last),
                registry=registry,
            )


def device_registries(spec: Spec, registry: Registry) -> list[Registry]:
    """The registries in which device types define codes of their own: their sections have the title of the registry's,
    or of its chapter."""
    titles = {plain(registry.name).lower(), registry.module}
    devices = {d.module for d in spec.devices}
    return [
        other
        for other in spec.registries
        if other.module in devices and other.module != registry.module and plain(other.name).lower() in titles
    ]


def integers_in(
    members: Sequence[Member], structs: Mapping[str, Struct], prefix: str = ""
) -> Iterator[tuple[str, Integer]]:
    """The integers of a struct and of the structs in it, with their paths."""
    for member in members:
        if isinstance(member.type, Integer):
            yield prefix + member.name, member.type
        elif isinstance(member.type, StructRef) and not prefix and member.type.name in structs:
            yield from integers_in(structs[member.type.name].members, structs, f"{member.name}.")


def _is_payload(member: Member, length: str) -> bool:
    match member.type:
        case Array(element=Integer(bits=8), length=Rest()):
            return True
        case Array(element=Integer(bits=8), length=FieldRef(path=path)):
            return path == length
        case _:
            return False


def _count(struct: Struct, records: Member) -> str:
    assert isinstance(records.type, Array)
    match records.type.length:
        case FieldRef(path=path):
            return path
        case _:
            names = [m.name for m in struct.members if isinstance(m.type, Integer)]
            return next((name for name in names if name == "count" or name.endswith("_count")), "")


def _registry(spec: Spec, record: Struct, structs: Mapping[str, Struct]) -> Registry | None:
    """The registry of a record's types: that of its chapter which binds structs to them."""
    inside = {m.type.name for m in record.members if isinstance(m.type, StructRef) and m.type.name in structs}
    for registry in spec.registries:
        if registry.module == record.module and registry.tag in TYPE_MEMBERS and _bound(registry):
            holders = {field.partition(".")[0] for field in registry.fields}
            if not holders or holders & {record.name, *inside}:
                return registry
    return None


def _bound(registry: Registry) -> bool:
    return any(b.role == "value" for entry in registry.entries for b in entry.bindings)
