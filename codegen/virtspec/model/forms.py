"""Forms of one message: what holds for the members of one holds for those that another has in common with it.

Codes of one list choose between `virtio_blk_req` and `virtio_blk_req_za`, which is that with a member more: both hold
the codes in their `type`, and both end in a `status`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from virtspec.model.definitions import Registry, Struct
from virtspec.model.types import Type

Members = Mapping[str, Mapping[str, Type]]


def share_fields(registries: Sequence[Registry], structs: Sequence[Struct]) -> tuple[Registry, ...]:
    """The registries with the members of every form of a message that holds their codes."""
    members = {s.name: {m.name: m.type for m in s.members} for s in structs if s.kind == "struct"}
    forms: dict[str, dict[str, None]] = {}
    for registry in registries:
        messages = {b.struct: None for e in registry.entries for b in e.bindings if b.role in ("request", "response")}
        for tag in messages:
            base = _base(tag, messages)
            if base and {tag, base} <= members.keys() and members[tag].keys() >= members[base].keys():
                forms.setdefault(base, {})[tag] = None
    return tuple(_shared(registry, forms, members) for registry in registries) if forms else tuple(registries)


def _base(tag: str, messages: Mapping[str, None]) -> str:
    """The message whose tag begins that of another form of it; "" where there is none."""
    while (tag := tag.rpartition("_")[0]) and tag not in messages:
        pass
    return tag


def _shared(registry: Registry, forms: Mapping[str, Mapping[str, None]], members: Members) -> Registry:
    fields = dict.fromkeys(registry.fields)
    for field in registry.fields:
        tag, _, name = field.partition(".")
        for other in forms.get(tag, ()):
            if name in members[tag] and members[other][name] == members[tag][name]:
                fields.setdefault(f"{other}.{name}")
    return registry if len(fields) == len(registry.fields) else replace(registry, fields=tuple(fields))
