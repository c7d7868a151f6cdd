"""Records and containers: structs whose value has a type that a registry explains, and structs that hold these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from virtspec.emit.containers import device_registries
from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.naming import Cls, module_of
from virtspec.emit.python.views import Attribute
from virtspec.model import Array, FieldRef, Registry, Spec
from virtspec.names import python_field


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """A record: attribute paths of type, value and selector; format and offset of the length in the fixed part."""

    registry: str
    device_registries: tuple[tuple[str, str], ...]
    type: str
    length: str
    length_format: str
    length_offset: int
    value: str
    selector: str
    ordered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """A container: the attribute with the records, their class, format and offset of their count if it has one."""

    records: str
    record: str
    count: str
    count_format: str
    count_offset: int


class Records:
    """Finds the records of a model. `variable` gives the name of the variable that holds a registry."""

    def __init__(self, spec: Spec, catalogue: Catalogue, variable: Callable[[Registry], str]) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.variable = variable
        self._records: dict[int, RecordView] = {}
        for cls in catalogue.classes.values():
            if not cls.union and not cls.flat:
                record = self._record(cls)
                if record is not None:
                    self._records[id(cls)] = record

    def record(self, cls: Cls) -> RecordView | None:
        """How a class is a record; None where it is not."""
        return self._records.get(id(cls))

    def container(self, cls: Cls) -> ContainerView | None:
        """How a class holds records as its last member; None where it does not."""
        if not cls.attributes or cls.attributes[-1].kind != "var_items":
            return None
        attribute = cls.attributes[-1]
        if self.record(self.catalogue.target(cls, attribute.cls)) is None:
            return None
        if any(a.size is None for a in cls.attributes[:-1]):
            return None
        path = self._counted_by(cls, len(cls.attributes) - 1)
        found = next((f for f in _integers(self.catalogue, cls) if f[0] == path), None)
        return ContainerView(
            records=attribute.name,
            record=attribute.cls,
            count=found[0] if found else "",
            count_format=found[1] if found else "",
            count_offset=found[2] if found else 0,
        )

    def _record(self, cls: Cls) -> RecordView | None:
        if len(cls.attributes) < 2 or cls.attributes[-1].kind != "var_bytes" or cls.native or cls.featured:
            return None
        if any(a.name == "code" for a in cls.attributes):  # what records call their type
            return None
        value = cls.attributes[-1]
        length = self._counted_by(cls, len(cls.attributes) - 1)
        integers = {path: (format_, offset) for path, format_, offset in _integers(self.catalogue, cls)}
        if length not in integers:
            return None
        for registry in self.spec.registries:
            if module_of(registry.module) != cls.module or not any(
                b.role == "value" for e in registry.entries for b in e.bindings
            ):
                continue
            tag = python_field(registry.tag.replace(" ", "_"))
            for path in integers:
                name = path.rpartition(".")[2]
                held = not registry.fields or self._held(cls, path) in registry.fields
                if held and (name == tag or name.endswith(f"_{tag}")):
                    return RecordView(
                        registry=self.variable(registry),
                        device_registries=tuple(self._device_registries(registry)),
                        type=path,
                        length=length,
                        length_format=integers[length][0],
                        length_offset=integers[length][1],
                        value=value.name,
                        selector=self._selector(cls, value),
                        ordered=registry.ascending,
                    )
        return None

    def _held(self, cls: Cls, path: str) -> str:
        """The member that an attribute path leads to, as `tag.member` of the struct that it is in."""
        name, _, rest = path.partition(".")
        if not rest:
            return f"{cls.c_name}.{name}"
        return self._held(self.catalogue.target(cls, next(a.cls for a in cls.attributes if a.name == name)), rest)

    def _counted_by(self, cls: Cls, index: int) -> str:
        """The attribute path of the member that gives an array's length."""
        member = cls.sources[index]
        if member is None or not isinstance(member.type, Array) or not isinstance(member.type.length, FieldRef):
            return ""
        return ".".join(python_field(part) for part in member.type.length.path.split("."))

    def _selector(self, cls: Cls, value: Attribute) -> str:
        """The path of the union that tells records of one type apart."""
        for attribute in cls.attributes:
            if attribute.kind == "struct":
                inner = self.catalogue.target(cls, attribute.cls)
                for nested in inner.attributes:
                    if nested.kind == "union":
                        return f"{attribute.name}.{nested.name}"
            elif attribute.kind == "union" and attribute is not value:
                return attribute.name
        return ""

    def _device_registries(self, registry: Registry) -> Iterator[tuple[str, str]]:
        """The registries in which device types define codes of their own, by module."""
        for other in device_registries(self.spec, registry):
            yield module_of(other.module), self.variable(other)


def _integers(catalogue: Catalogue, cls: Cls) -> Iterator[tuple[str, str, int]]:
    """The integers of the leading fixed part, also those of nested structs: attribute path, format, offset."""
    offset = 0
    for attribute in cls.attributes:
        if attribute.size is None or attribute.optional:
            return
        if attribute.kind == "int":
            yield attribute.name, attribute.format, offset
        elif attribute.kind == "struct":
            for path, format_, at in _integers(catalogue, catalogue.target(cls, attribute.cls)):
                yield f"{attribute.name}.{path}", format_, offset + at
        offset += attribute.size
