"""Rules about lists of records, as data: what is reserved, and what each record is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from virtspec.emit.containers import is_idle
from virtspec.emit.rust.items import Field, Item, Listed, Nested, Plain, Recorded, Slice
from virtspec.emit.rust.names import module_name
from virtspec.emit.rust.registries import Registries
from virtspec.emit.rust.rule_views import (
    DeviceView,
    OwnTypes,
    RecordView,
    ReservedMember,
    ReservedView,
    RulesView,
    SelectorsView,
    ValuesView,
)
from virtspec.emit.rust.types import Catalogue
from virtspec.emit.rust.values import Record, Values
from virtspec.model import Device, Integer, innermost


class Rules:
    """The rules of a model's lists. They are about records, what these hold, lists of them, and configurations."""

    def __init__(self, catalogue: Catalogue, values: Values, registries: Registries) -> None:
        self._catalogue = catalogue
        self._values = values
        self._registries = registries
        self._reserved: dict[int, ReservedView] = {}
        self._records = {key: self._record(record) for key, record in values.records.items()}
        self._own = {module_name(d.module): tuple(self._own_types(d)) for d in catalogue.spec.devices}
        for item in [*self._records_and_lists(), *self._configs()]:
            self._judge(item)
        for types in self._own.values():
            for own in types:
                self._judge_values(own.values)

    def of(self, item: Item) -> RulesView:
        """What the rules make of a struct."""
        view = self._records.get(item.key, RulesView()) if item.tagged else RulesView()
        return replace(view, name=item.name, reserved=self._reserved.get(id(item)), records=self._list(item))

    def own(self, module: str) -> tuple[ValuesView | SelectorsView, ...]:
        """What the values and selectors of records are by the types that a device type defines."""
        return tuple(
            view for own in self._own.get(module, ()) for view in (own.values, own.selectors) if view is not None
        )

    def device(self, device: Device) -> DeviceView:
        """A device type."""
        module = module_name(device.module)
        config = self._catalogue.named(device.config) if device.config else None
        return DeviceView(
            name=module,
            id=device.id or 0,
            config=config.path(module) if config is not None and config.kind == "fixed" else "",
            types=self._own[module],
        )

    # --- records and lists --------------------------------------------------------------------------------

    def _record(self, record: Record) -> RulesView:
        values = self._values.values(record, record.registry)
        selectors = self._values.selectors(record, record.registry)
        self._judge_values(values)
        view = RecordView(
            name=record.item.name,
            tag=record.tag,
            code=record.code,
            types=self._registries.path(record.registry, record.item.module),
            values=values.name,
            config=any(case.config for case in values.cases),
            queues=tuple(case for case in values.cases if case.queue),
            selector=f"record.{record.selector}" if record.union is not None else "",
            selector_size=record.union.size or 0 if record.union is not None else 0,
            selectors=selectors.name if selectors is not None else "",
            ascending=record.registry.ascending,
        )
        return RulesView(record=view, values=values, selectors=selectors)

    def _own_types(self, device: Device) -> Iterator[OwnTypes]:
        module = module_name(device.module)
        for record, registry in self._values.own(module):
            values = self._values.values(record, registry)
            yield OwnTypes(
                record=record.item.tag,
                registry=self._registries.path(registry, module),
                values=values if values.cases else None,
                selectors=self._values.selectors(record, registry),
            )

    def _list(self, item: Item) -> str:
        """The member of a list that is its records; "" for a struct that is no list."""
        container = self._values.containers.get(item.key) if item.tagged else None
        record = self._catalogue.of(container.record) if container is not None else None
        if container is None or record is None or self._values.record(record) is None:
            return ""
        found = (f for f in item.fields if f.path == container.member and not f.optional)
        return next((f.name for f in found if isinstance(f.shape, Recorded)), "")

    def _records_and_lists(self) -> Iterator[Item]:
        for record in self._values.records.values():
            yield record.item
        for container in self._values.containers.values():
            item = self._catalogue.of(container.struct)
            if item is not None and self._list(item):
                yield item

    def _configs(self) -> Iterator[Item]:
        for device in self._catalogue.spec.devices:
            config = self._catalogue.named(device.config) if device.config else None
            if config is not None and config.kind == "fixed":
                yield config

    # --- reserved members ---------------------------------------------------------------------------------

    def _judge_values(self, values: ValuesView | None) -> None:
        for case in values.cases if values is not None else ():
            if case.item is not None:
                self._judge(case.item)

    def _judge(self, item: Item) -> bool:
        """Whether anything in a struct is reserved."""
        if id(item) not in self._reserved:
            rows = tuple(self._rows(item))
            self._reserved[id(item)] = ReservedView(
                name=item.name, life="<'_>" if item.borrows else "", tag=item.tag, members=rows
            )
        return bool(self._reserved[id(item)].members)

    def _rows(self, item: Item) -> Iterator[ReservedMember]:
        records = self._list(item)
        for f in item.fields:
            if f.name == records:
                continue  # each of them is judged by itself
            if _is_number(f) and is_idle(f.path):
                yield ReservedMember(rule="zero", member=f.name, path=f.path)
            elif (inner := _struct(f)) is not None and self._judge(inner):
                yield ReservedMember(rule="inside", member=f.name, path=f.path)


def _is_number(f: Field) -> bool:
    """Whether a member is an integer, or an array of them."""
    return isinstance(innermost(f.member.type), Integer)


def _struct(f: Field) -> Item | None:
    """The struct that a member is, or that its elements are. In a union, another arm may be in force."""
    match f.shape:
        case Plain(item=item) | Listed(element=Plain(item=item)):
            return item if item is not None and item.kind == "fixed" else None
        case Recorded(item=item) | Nested(item=item):
            return item
        case Slice():
            return None
