"""Values of records: what a registry says of the bytes behind a type and a length.

A record whose type has a struct bound to it is right only if its value is such a struct; a value of a type that nobody
knows is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.emit.c.lengths import find
from virtspec.emit.c.message_views import ValueCase, ValueTable
from virtspec.emit.c.names import Names
from virtspec.emit.c.structs import order_word
from virtspec.emit.c.types import Catalogue, Record, Vector, flat
from virtspec.emit.containers import Container, containers_of, device_registries
from virtspec.model import DEVICE_CONFIG, Entry, Integer, Registry, Spec


class Values:
    """The registries that say what the values of records are."""

    def __init__(self, spec: Spec, catalogue: Catalogue, names: Names) -> None:
        self.spec = spec
        self._catalogue = catalogue
        self._names = names
        self.containers = {container.struct.key: container for container in containers_of(spec)}
        self._containers: dict[str, Container] = {}
        for container in self.containers.values():
            self._containers.setdefault(container.record.key, container)

    def container(self, record: Record) -> Container | None:
        """A list that holds such records; None for a struct that is no record."""
        return self._containers.get(record.key)

    def bound(self, record: Record) -> list[Record]:
        """The records that the values of a record may be."""
        return [value for _, value in self.structs(record)]

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
        registry = container.registry
        cases = [*self.cases(record, registry), *self._placed(record)]
        config = next((e for e in _entries(registry) if _bound(e)[:1] == [(DEVICE_CONFIG, False)]), None)
        return ValueTable(
            part=part.name,
            tag=f"{self._names.lower}virtio_get_{order_word(leaf.integer)}({at})",
            cases=tuple(cases),
            config="" if config is None else self._catalogue.code(config.name, config.code, record.module),
        )

    def cases(self, record: Record, registry: Registry) -> tuple[ValueCase, ...]:
        """What the values of a record are by the types of one registry."""
        module = registry.module
        structs = (self._case(entry, value, module) for entry, value in self.structs(record, registry))
        return (*structs, *(self._sized(entry, test, module) for entry, test in self._sizes(registry)))

    def own(self, record: Record) -> dict[str, Registry]:
        """The registries in which device types define types of their own, by the device's module."""
        container = self._containers.get(record.key)
        found = device_registries(self.spec, container.registry) if container is not None else []
        return {registry.module: registry for registry in reversed(found)}

    def structs(self, record: Record, registry: Registry | None = None) -> Iterator[tuple[Entry, Record]]:
        """The types of a record whose value is one struct; those of all devices if no registry is given."""
        container = self._containers.get(record.key)
        for entry in _entries(registry or (container.registry if container is not None else None)):
            match _bound(entry):
                case [(struct, False)]:
                    value = self._catalogue.named(struct)
                    # a record inside its own value would let a message choose how deep its reader goes
                    if value is not None and value.keyword == "struct" and not self._reaches(value, record, set()):
                        yield entry, value
                case _:
                    pass

    def _sizes(self, registry: Registry) -> Iterator[tuple[Entry, str]]:
        """The types of a record whose value is one member of a struct, or any number of structs: what its size is."""
        for entry in _entries(registry):
            match _bound(entry):
                case [(name, False)] if "." in name:
                    tag, _, path = name.partition(".")
                    owner = self._catalogue.named(tag)
                    leaf = None if owner is None else find(owner.leading(), path.split("."))
                    if leaf is not None and leaf.bit is None and isinstance(leaf.integer, Integer):
                        yield entry, f"size == {leaf.integer.size}"
                case [(name, True)]:
                    if size := self._size(name):
                        yield entry, f"size % {size} == 0"
                case [(first, False), (name, True)]:
                    head, size = self._size(first), self._size(name)
                    if head and size:
                        yield entry, f"size >= {head} && (size - {head}) % {size} == 0"
                case _:
                    pass

    def _placed(self, record: Record) -> Iterator[ValueCase]:
        """The types of a record whose value is the member of a struct that lies where a member of the record says."""
        for entry in _entries(self._containers[record.key].registry):
            match _bound(entry):
                case [(name, False)] if "@" in name:
                    tag, _, path = name.partition("@")
                    owner = self._catalogue.named(tag)
                    leaf = find(record.leading(), path.split("."))
                    if owner is None or leaf is None or leaf.bit is not None or leaf.field.offset is None:
                        continue
                    sizes: dict[int, list[int]] = {}
                    for f, offset in flat(owner.leading()):
                        if isinstance(f.type, Integer) and offset is not None:
                            sizes.setdefault(f.type.size, []).append(offset)
                    at = f"bytes + {leaf.field.offset + leaf.offset}"
                    yield ValueCase(
                        code=self._catalogue.code(entry.name, entry.code, record.module),
                        note=f"the member of {owner.type} at {path}",
                        at=f"{self._names.lower}virtio_get_{order_word(leaf.integer)}({at})",
                        places=tuple((size, tuple(sorted(sizes[size]))) for size in sorted(sizes)),
                    )
                case _:
                    pass

    def _size(self, struct: str) -> int:
        record = self._catalogue.named(struct)
        return 0 if record is None else record.size or 0

    def _reaches(self, start: Record, goal: Record, seen: set[str]) -> bool:
        """Whether reading one struct leads to reading another."""
        if start is goal:
            return True
        if start.key in seen:
            return False
        seen.add(start.key)
        container = self._containers.get(start.key)
        registries = [container.registry, *self.own(start).values()] if container is not None else []
        names = [b.struct for registry in registries for e in _entries(registry) for b in e.bindings]
        values = [r for r in map(self._catalogue.named, names) if r is not None]
        return any(self._reaches(r, goal, seen) for r in (*inside(start), *values))

    def _case(self, entry: Entry, value: Record, module: str) -> ValueCase:
        size = "" if value.varies else str(value.lead)
        test = f"size == {size}" if size else f"{value.tag}_validate(value, size) == 0"
        code = self._catalogue.code(entry.name, entry.code, module)
        note = value.type if code == entry.name else f"{entry.name}: {value.type}"
        return ValueCase(code=code, note=note, test=test, size=size, call=value.tag)

    def _sized(self, entry: Entry, test: str, module: str) -> ValueCase:
        code = self._catalogue.code(entry.name, entry.code, module)
        names = " and ".join(f"{struct}[]" if many else struct for struct, many in _bound(entry))
        return ValueCase(code=code, note=names if code == entry.name else f"{entry.name}: {names}", test=test)


def _entries(registry: Registry | None) -> Iterator[Entry]:
    """The types of records; of two entries for one code, the first."""
    seen: set[int] = set()
    for entry in registry.entries if registry is not None else ():
        if 0 <= entry.code < 1 << 64 and entry.code not in seen:
            seen.add(entry.code)
            yield entry


def _bound(entry: Entry) -> list[tuple[str, bool]]:
    """What the value of a type is: one struct or member, or (the second of a pair says so) any number of structs,
    perhaps behind another."""
    values = sorted((b for b in entry.bindings if b.role == "value"), key=lambda b: b.many)
    return [(b.struct, b.many) for b in values[:1]] + [(b.struct, True) for b in values[1:] if b.many]


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
