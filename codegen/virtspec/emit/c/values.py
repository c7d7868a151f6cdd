"""Values of records: what a registry says of the bytes behind a type and a length.

A record whose type has a struct bound to it is right only if its value is such a struct; a value of a type that nobody
knows is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.emit.c.lengths import find
from virtspec.emit.c.names import Names
from virtspec.emit.c.structs import order_word
from virtspec.emit.c.types import Catalogue, Record, Vector
from virtspec.emit.c.views import ValueCase, ValueTable
from virtspec.emit.conformance.records import Container, containers_of
from virtspec.model import DEVICE_CONFIG, Entry, Spec


class Values:
    """The registries that say what the values of records are."""

    def __init__(self, spec: Spec, catalogue: Catalogue, names: Names) -> None:
        self._catalogue = catalogue
        self._names = names
        self._containers: dict[str, Container] = {}
        for container in containers_of(spec):
            self._containers.setdefault(container.record.key, container)

    def bound(self, record: Record) -> list[Record]:
        """The records that the values of a record may be."""
        return [value for _, value in self._bindings(record)]

    def table(self, record: Record) -> ValueTable | None:
        """What the values of a record are; None for a struct that is no record."""
        container = self._containers.get(record.key)
        if container is None:
            return None
        leaf = find(record.leading(), container.tag.split("."))
        part = next((f for f in record.fields if f.member.name == container.payload), None)
        if leaf is None or leaf.bit is not None or leaf.field.offset is None or part is None:
            return None
        offset = leaf.field.offset + leaf.offset
        at = f"bytes + {offset}" if offset else "bytes"
        cases = [self._case(entry, value, record.module) for entry, value in self._bindings(record)]
        config = next((e.code for e in container.registry.entries if _binds(e, DEVICE_CONFIG)), None)
        return ValueTable(
            part=part.name,
            tag=f"{self._names.lower}virtio_get_{order_word(leaf.integer)}({at})",
            cases=tuple(cases),
            config="" if config is None else str(config),
        )

    def _bindings(self, record: Record) -> Iterator[tuple[Entry, Record]]:
        container = self._containers.get(record.key)
        seen: set[int] = set()
        for entry in container.registry.entries if container is not None else ():
            values = [b for b in entry.bindings if b.role == "value"]
            if len(values) != 1 or values[0].many or not 0 <= entry.code < 1 << 64 or entry.code in seen:
                continue
            value = self._catalogue.named(values[0].struct)
            # a record inside its own value would let a message choose how deep its reader goes
            if value is not None and value.keyword == "struct" and not self._reaches(value, record, set()):
                seen.add(entry.code)
                yield entry, value

    def _reaches(self, start: Record, goal: Record, seen: set[str]) -> bool:
        """Whether reading one struct leads to reading another."""
        if start is goal:
            return True
        if start.key in seen:
            return False
        seen.add(start.key)
        container = self._containers.get(start.key)
        names = [b.struct for e in (container.registry.entries if container else ()) for b in e.bindings]
        values = [r for r in map(self._catalogue.named, names) if r is not None]
        return any(self._reaches(r, goal, seen) for r in (*inside(start), *values))

    def _case(self, entry: Entry, value: Record, module: str) -> ValueCase:
        code = self._catalogue.code(entry.name, entry.code, module)
        note = value.type if code == entry.name else f"{entry.name}: {value.type}"
        return ValueCase(code=code, note=note, size="" if value.varies else str(value.lead), call=value.tag)


def _binds(entry: Entry, struct: str) -> bool:
    return any(b.role == "value" and b.struct == struct for b in entry.bindings)


def inside(record: Record) -> list[Record]:
    """The records that stand inside a record."""
    found = []
    for f in record.fields:
        type_ = f.type
        while isinstance(type_, Vector):
            type_ = type_.element
        if isinstance(type_, Record):
            found.append(type_)
    return found
