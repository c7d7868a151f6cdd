"""A class of the catalogue as the view that its template renders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.former import FormerNames
from virtspec.emit.python.naming import Cls
from virtspec.emit.python.records import Records
from virtspec.emit.python.steps import Plan, Planner
from virtspec.emit.python.views import Attribute, ClassView, FieldView, SelectView, Step, ViewMember
from virtspec.layout import Layouts, Slot
from virtspec.model import (
    AnyOf,
    Condition,
    FieldIs,
    Spec,
    Struct,
    StructRef,
    condition_text,
    innermost,
    members_in,
    relation_text,
)
from virtspec.names import python_field
from virtspec.since import Since


class Classes:
    """Makes views of classes."""

    def __init__(
        self,
        spec: Spec,
        catalogue: Catalogue,
        layouts: Layouts,
        planner: Planner,
        records: Records,
        former: FormerNames,
        since: Since | None,
    ) -> None:
        self.catalogue = catalogue
        self.layouts = layouts
        self.former = former
        self.records = records
        self.planner = planner
        self.since = since
        self.configs = frozenset(_configurations(spec))

    def of_struct(self, struct: Struct) -> Iterator[ClassView]:
        """The classes for a struct: those of its untagged parts first."""
        for inner in self.catalogue.inner.get(struct.key, ()):
            yield self.view(inner)
        yield self.view(self.catalogue.classes[struct.key])

    def view(self, cls: Cls) -> ClassView:
        struct = cls.struct if cls.tagged else _untagged(cls)
        layout = self.layouts.of(struct)
        base = ClassView(
            kind="union",
            name=cls.name,
            c_name=cls.c_name,
            source=str(cls.struct.place) if cls.struct.place.file else "",
            since=(self.since.struct(cls.struct.name) or "") if self.since is not None else "",
            size=cls.size,
            fixed_size=layout.fixed_size,
            native=cls.native,
            summary=_summary(cls),
            fields=tuple(self._field(cls, slot) for slot in layout.slots),
            relations=tuple(map(relation_text, struct.relations)) if cls.tagged else (),
            featured=cls.featured,
            former=self.former.of_class(cls),
        )
        if cls.union:
            return replace(base, arms=cls.arms)
        readable = self.planner.boundary(cls)
        base = replace(
            base,
            view=tuple(self._view_members(cls)),
            iterated=cls.element,
            selects=tuple(self._selects(cls)),
            readable=readable,
            readable_size=None if readable is None else _sum(cls.attributes[:readable]),
        )
        if cls.flat:
            run = self.planner.run(cls, cls.attributes, f"_{cls.name}")
            attributes = tuple(self._declared(cls, cls.attributes))
            return replace(base, kind="flat", attributes=attributes, steps=(Step(index=0, run=run),))
        plan: Plan = self.planner.plan(cls)
        return replace(
            base,
            kind="stepped",
            record=self.records.record(cls),
            container=self.records.container(cls),
            attributes=tuple(self._declared(cls, plan.attributes)),
            steps=tuple(plan.steps),
            opens=tuple(plan.opens),
            conditions=tuple(plan.conditions),
            checks=tuple(plan.checks),
        )

    def _declared(self, cls: Cls, attributes: Iterable[Attribute]) -> Iterator[Attribute]:
        """Attributes with the types that they are declared to have.

        A member of a configuration may be absent, but only for who allows that it ends early. `| Any` asks nobody else
        to look for None, and type checkers do not take such a look for an idle one.
        """
        short = cls.flat and cls.struct.name in self.configs
        for attribute in attributes:
            if short and attribute.kind != "bits":
                yield replace(attribute, declared=f"{attribute.type} | Any")
            elif attribute.optional and attribute.kind in ("int", "bytes"):
                yield replace(attribute, declared=f"{attribute.type} | None")
            else:
                yield attribute

    # --- layout table -------------------------------------------------------------------------------------

    def _field(self, cls: Cls, slot: Slot) -> FieldView:
        since = ""
        if self.since is not None and cls.tagged:
            since = self.since.member(cls.struct.name, slot.path) or ""
            if since == self.since.struct(cls.struct.name):
                since = ""
        condition = condition_text(slot.member.condition)
        return FieldView(text=_line(slot, condition, since), row=_row(slot, condition, since))

    # --- unions -------------------------------------------------------------------------------------------

    def _selects(self, cls: Cls) -> Iterator[SelectView]:
        """The unions of a struct whose arms have conditions on one other member of it."""
        for attribute, member in zip(cls.attributes, cls.sources, strict=True):
            if attribute.kind not in ("union", "var_union") or member is None:
                continue
            inner = self.catalogue.target(cls, attribute.cls)
            arms: dict[int, str] = {}
            paths: set[str] = set()
            for arm in inner.members:
                view = next((a for a in inner.arms if a.arm == python_field(arm.name or "arm")), None)
                for path, value in _values(arm.condition):
                    number = self.planner.counts.value(value)
                    if view is not None and number is not None:
                        paths.add(path)
                        arms.setdefault(number, view.arm)
            names = {a.path: a.name for a in cls.attributes if a.kind == "int"}
            if len(paths) == 1 and (path := paths.pop()) in names:
                yield SelectView(union=attribute.name, member=names[path], arms=tuple(sorted(arms.items())))

    # --- zero-copy views ----------------------------------------------------------------------------------

    def _view_members(self, cls: Cls) -> Iterator[ViewMember]:
        """The members that lie at a fixed offset, as descriptors."""
        if cls.native:
            cls.notes.append("no zero-copy view: its fields have the guest's own byte order")
            return
        offset = 0
        for attribute in cls.attributes:
            if attribute.size is None or attribute.optional or attribute.kind.startswith("var_"):
                break
            if attribute.size:
                yield from self._view_member(attribute, offset)
            offset += attribute.size

    def _view_member(self, attribute: Attribute, at: int) -> Iterator[ViewMember]:
        name = attribute.name
        match attribute.kind:
            case "int":
                yield ViewMember(name=name, factory=f'Int({at}, "{attribute.format}")')
            case "bits":
                for bit in attribute.bits:
                    text = f'Bits({at}, "{attribute.format}", {bit.offset}, {bit.width})'
                    yield ViewMember(name=bit.name, factory=text)
            case "bytes":
                yield ViewMember(name=name, factory=f"Bytes({at}, {attribute.size})")
            case "ints":
                text = f"{attribute.format[0]}{attribute.count}{attribute.format[1:]}"
                yield ViewMember(name=name, factory=f'Ints({at}, "{text}")')
            case "pieces" | "rows":
                yield ViewMember(name=name, factory=f"Bytes({at}, {attribute.size})")
            case "struct":
                yield ViewMember(name=name, factory=f"Nested({at}, lambda: {attribute.cls}View)")
            case "structs":
                text = f"Array({at}, lambda: {attribute.cls}View, {attribute.unit}, {attribute.count})"
                yield ViewMember(name=name, factory=text)
            case "union":
                yield ViewMember(name=name, factory=f"Value({at}, lambda: {attribute.cls}, {attribute.size})")
            case _:
                raise AssertionError(f"{attribute.kind} has no fixed place")


def _configurations(spec: Spec) -> set[str]:
    """The tags of the devices' configuration structures, and of all structs in them."""
    found: set[str] = set()
    waiting = {device.config for device in spec.devices}
    while waiting:
        found |= waiting
        types = [innermost(m.type) for s in spec.structs if s.name in waiting for _, m in members_in(s.members)]
        waiting = {type_.name for type_ in types if isinstance(type_, StructRef)} - found
    return found


def _values(condition: Condition | None) -> Iterator[tuple[str, str]]:
    """The members and values that a condition names; nothing where it is of another kind."""
    match condition:
        case FieldIs(path=path, value=value):
            yield path, value
        case AnyOf(terms=terms) if all(isinstance(term, FieldIs) for term in terms):
            for term in terms:
                yield from _values(term)


def _untagged(cls: Cls) -> Struct:
    return Struct(
        key=f"{cls.struct.key}/{cls.name}",
        name=cls.c_name,
        kind="union" if cls.union else "struct",
        module=cls.struct.module,
        members=cls.members,
        place=cls.struct.place,
    )


def _sum(attributes: tuple[Attribute, ...]) -> int | None:
    sizes = [a.size for a in attributes if not a.optional]
    known = [s for s in sizes if s is not None]
    return sum(known) if len(known) == len(attributes) else None


def _summary(cls: Cls) -> str:
    kind = "union" if cls.union else "struct"
    what = f"{kind} {cls.c_name}" if cls.tagged else f"unnamed {kind} {cls.c_name}"
    if cls.struct.kind in ("field", "bits") and cls.tagged:
        what = cls.c_name
    if cls.size is None:
        return f"{what}, of variable size"
    return f"{what}, {'up to ' if cls.featured else ''}{cls.size} byte{'s' if cls.size != 1 else ''}"


def _line(slot: Slot, condition: str, since: str) -> str:
    """A line of the layout table in a docstring: offset, size, type, path."""
    offset = "?" if slot.offset is None else str(slot.offset)
    size = "?" if slot.size is None else str(slot.size)
    if slot.bit_offset is not None and slot.bit_size is not None:
        last = slot.bit_offset + slot.bit_size - 1
        size = f"{size}:{slot.bit_offset}" + (f"-{last}" if last != slot.bit_offset else "")
    count = f"[{slot.count}]" if slot.count is not None else f"[{slot.length}]" if slot.length is not None else ""
    text = f"{offset:>4} {size:>6}  {slot.type} {slot.path}{count}"
    text += f", if {condition}" if condition else ""
    return f"{text}, since {since}" if since else text


def _row(slot: Slot, condition: str, since: str) -> str:
    """The same for `Layout`: columns apart by `|`, empty where there is nothing to say."""
    bits = "" if slot.bit_offset is None else f"{slot.bit_offset}:{slot.bit_size}"
    count = "" if slot.count is None else str(slot.count)
    columns = [slot.path, slot.type, slot.offset, slot.size, count, slot.length or "", bits, condition, since]
    return "|".join("" if c is None else str(c).replace("|", "/") for c in columns).rstrip("|")
