"""Values and selectors of records: enumerations of what the bytes behind a type and a length are, and of what tells
records of one type apart. Device types have such types of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from virtspec.emit.containers import Container, containers_of, device_registries
from virtspec.emit.rust.constants import Constants
from virtspec.emit.rust.documents import code
from virtspec.emit.rust.items import Field, Item, Plain, Slice
from virtspec.emit.rust.messages import Messages
from virtspec.emit.rust.names import Scope, module_name
from virtspec.emit.rust.rule_views import SelectorsView, TypedCase, ValuesView
from virtspec.emit.rust.structs import union
from virtspec.emit.rust.types import Catalogue
from virtspec.model import DEVICE_CONFIG, Binding, Entry, Registry
from virtspec.names import rust_type

_TAKEN = frozenset({"Self", "DeviceConfig", "Unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A struct that states the type and the length of its value. `code` is the expression for the type, of the integer
    type `code_type`; `selector` is where the union lies that tells records of one type apart, `selector_path` the same
    in the specification's words, and `union` that union."""

    item: Item
    registry: Registry
    tag: str
    code: str
    code_type: str
    value: str
    selector: str
    selector_path: str
    union: Item | None


class Values:
    """The records of a model, and the registries that say what is in them."""

    def __init__(self, catalogue: Catalogue, constants: Constants, messages: Messages) -> None:
        self.catalogue = catalogue
        self.constants = constants
        self.messages = messages
        self.containers: dict[str, Container] = {}
        self.records: dict[str, Record] = {}
        for container in containers_of(catalogue.spec):
            self.containers[container.struct.key] = container
            record = self._record(container)
            if record is not None:
                self.records.setdefault(record.item.key, record)

    def _record(self, container: Container) -> Record | None:
        item = self.catalogue.of(container.record)
        if item is None or item.featured or item.kind != "message":
            return None
        tag = _inside(item, container.tag.split("."))
        value = next((f for f in item.fields if f.path == container.payload and isinstance(f.shape, Slice)), None)
        integer = tag[1].integer if tag is not None else None
        if tag is None or integer is None or integer.order == "native" or value is None or value.optional:
            return None
        selector, path, held = _selector(item) or ("", "", None)
        return Record(
            item=item,
            registry=container.registry,
            tag=container.tag,
            code=f"record.{tag[0]}" + (".get()" if integer.bits > 8 else ""),
            code_type=f"u{integer.bits}",
            value=value.name,
            selector=selector,
            selector_path=path,
            union=held,
        )

    def record(self, item: Item) -> Record | None:
        """What a struct is as a record; None for one that is none."""
        return self.records.get(item.key) if item.tagged else None

    def own(self, module: str) -> Iterator[tuple[Record, Registry]]:
        """The registries in which a device type defines types of its own, and the records that these are of."""
        for record in self.records.values():
            for registry in device_registries(self.catalogue.spec, record.registry):
                if module_name(registry.module) == module:
                    yield record, registry
                    break

    # --- values -------------------------------------------------------------------------------------------

    def values(self, record: Record, registry: Registry) -> ValuesView:
        """What the values of records are by the types of one registry."""
        module = module_name(registry.module)
        cases: list[TypedCase] = []
        places: set[str] = set()
        scope = Scope(_TAKEN)
        for entry, name in self._codes(record, registry):
            bound = [b for b in entry.bindings if b.role == "value"]
            if not bound:
                continue
            if bound[0].struct == DEVICE_CONFIG and not any(case.config for case in cases):
                doc = "The configuration of whatever device it is about"
                cases.append(TypedCase(variant="DeviceConfig", code=name, type="&'a [u8]", doc=doc, config=True))
                continue
            variant = scope.claim_type(_variant(entry, registry, record))
            case = None
            if len(bound) == 1 and bound[0].first:
                case = TypedCase(variant=variant, code=name, doc=code(entry.name))
                case = self._value(record, module, bound[0], case)
            if case is None or len({*places, case.at} - {""}) > 1:
                self.catalogue.not_rendered.append((f"{record.item.key}/{entry.name}", "its value is left as bytes"))
                continue
            places.add(case.at)
            cases.append(case)
        return ValuesView(
            name=self.catalogue.scope(registry.module).claim_type(f"{record.item.name}Value"),
            record=record.item.path(module),
            borrows=record.item.borrows,
            what=_what(record, record.value, module),
            code=record.code,
            code_type=record.code_type,
            value=f"record.{record.value}",
            at="".join(places),
            cases=tuple(cases),
        )

    def _value(self, record: Record, module: str, binding: Binding, case: TypedCase) -> TypedCase | None:
        """What the value of a type is: a struct, an integer of the type that a member has, or some member."""
        tag, at, place = binding.struct.partition("@")
        tag, _, path = tag.partition(".")
        inner = self.catalogue.named(tag)
        if inner is None or inner.kind == "union" or inner is record.item:
            return None
        if at:
            offset = self._place(record, place)
            integers = all(isinstance(f.shape, Plain) and f.shape.integer and not f.bits for f in inner.fields)
            if offset is None or inner.kind != "fixed" or not integers:
                return None
            return replace(case, type="MemberValue<'a>", whole=inner.path(module), at=offset)
        if path:
            found = _inside(inner, path.split("."))
            integer = found[1].integer if found is not None else None
            if found is None or integer is None or integer.order == "native":
                return None
            return replace(case, type=found[1].text)
        if inner.kind == "message" and self.messages.needs_context(inner):
            return None
        type_ = inner.path(module) + ("<'a>" if inner.borrows else "")
        return replace(case, type=type_, item=inner, message=inner.kind == "message", queue=_queue(inner))

    def _place(self, record: Record, path: str) -> str | None:
        """The expression for a member of the record, which may lie in an arm of its selector."""
        arm, _, member = path.removeprefix(f"{record.selector_path}.").partition(".")
        if record.union is None or not path.startswith(f"{record.selector_path}."):
            found = _inside(record.item, path.split("."))
            text = f"record.{found[0]}" if found is not None else ""
        else:
            chosen = next((f for f in record.union.fields if f.path == arm), None)
            inner = _plain_item(chosen) if chosen is not None else None
            found = _inside(inner, member.split(".")) if inner is not None and member else None
            getter = next((view.get for view in union(record.union).arms if view.path == arm), "")
            text = f"record.{record.selector}.{getter}().{found[0]}" if found is not None else ""
        integer = found[1].integer if found is not None else None
        if integer is None or integer.order == "native":
            return None
        return text if integer.bits == 8 else f"{text}.get()"

    # --- selectors ----------------------------------------------------------------------------------------

    def selectors(self, record: Record, registry: Registry) -> SelectorsView | None:
        """What the selectors of records are by the types of one registry; None where nothing says it."""
        union = record.union
        module = module_name(registry.module)
        if union is None or union.size is None:
            return None
        cases: list[TypedCase] = []
        scope = Scope(_TAKEN)
        for entry, name in self._codes(record, registry):
            bound = [b for b in entry.bindings if b.role == "selector"]
            shape = self._selected(bound[0]) if len(bound) == 1 and bound[0].first else None
            if shape is None or shape.item is None or shape.size > union.size:
                continue
            variant = scope.claim_type(_variant(entry, registry, record))
            type_ = shape.item.path(module)
            cases.append(TypedCase(variant=variant, code=name, type=type_, doc=code(entry.name)))
        if not cases:
            return None
        return SelectorsView(
            name=self.catalogue.scope(registry.module).claim_type(f"{record.item.name}Selector"),
            record=record.item.path(module) + ("<'_>" if record.item.borrows else ""),
            what=_what(record, record.selector, module),
            code=record.code,
            selector=f"record.{record.selector}",
            union=union.path(module),
            cases=tuple(cases),
        )

    def _selected(self, binding: Binding) -> Plain | None:
        """The struct that a selector is: one with a tag, or an arm."""
        tag, _, path = binding.struct.partition(".")
        item = self.catalogue.named(tag)
        if item is None or item.size is None:
            return None
        if not path:
            return Plain(item.name, item.size, item=item) if item.kind == "fixed" else None
        found = _inside(item, path.split("."), arms=True)
        return found[1] if found is not None and not found[1].text.startswith("[") else None

    def _codes(self, record: Record, registry: Registry) -> Iterator[tuple[Entry, str]]:
        """The entries of a registry whose codes the record can have, each code once, and what names it in a module."""
        seen: set[int] = set()
        for entry in registry.entries:
            if entry.code not in seen and 0 <= entry.code < 1 << int(record.code_type[1:]):
                seen.add(entry.code)
                path = self.constants.path(entry.name, entry.code, module_name(registry.module), record.code_type)
                yield entry, path or f"{entry.code:#x}"


def _what(record: Record, member: str, module: str) -> str:
    name, home = f"[`{record.item.name}`]", record.item.path(module)
    link = name if home == record.item.name else f"{name}({home})"
    return f"What the `{member}` of a {link} is, by its {code(record.tag)}"


def _variant(entry: Entry, registry: Registry, record: Record) -> str:
    """The name of a type without what all of them begin with: those of a device, with its name."""
    own = registry.key != record.registry.key
    prefix = f"VIRTIO_{registry.module.upper()}_" if own else _prefix([e.name for e in registry.entries])
    return rust_type(entry.name.removeprefix(prefix).lower())


def _inside(item: Item, path: list[str], *, arms: bool = False) -> tuple[str, Plain] | None:
    """A member of a struct or of what is in it, as a Rust path, and its shape. With `arms`, it may be that of a union,
    for which the path does not lead to a value."""
    names: list[str] = []
    inner: Item | None = item
    shape = None
    for name in path:
        f = next((f for f in inner.fields if f.path == name), None) if inner is not None else None
        if f is None or f.optional or not isinstance(f.shape, Plain) or f.bits is not None:
            return None
        if inner is not None and inner.kind == "union" and not arms:
            return None
        shape = f.shape
        names.append(f.name)
        inner = shape.item
    return (".".join(names), shape) if shape is not None else None


def _selector(item: Item, *, inside: bool = False) -> tuple[str, str, Item] | None:
    """Where the union lies that tells records of one type apart, and the union; None where there is none."""
    for f in item.fields:
        inner = _plain_item(f)
        if inner is not None and inner.kind == "union":
            return f.name, f.path, inner
        if inner is not None and not inside and (found := _selector(inner, inside=True)):
            return f"{f.name}.{found[0]}", f"{f.path}.{found[1]}", found[2]
    return None


def _plain_item(f: Field) -> Item | None:
    return f.shape.item if isinstance(f.shape, Plain) and not f.optional else None


def _queue(item: Item) -> str:
    """The member by which a struct says which virtqueue it is about."""
    for f in item.fields:
        integer = f.shape.integer if isinstance(f.shape, Plain) and not f.optional and f.bits is None else None
        if f.path == "vq_index" and integer is not None and integer.bits == 16 and integer.order != "native":
            return f.name
    return ""


def _prefix(names: list[str]) -> str:
    """The words that all names begin with."""
    words = [name.split("_") for name in names]
    same = takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))
    return "".join(f"{column[0]}_" for column in same)
