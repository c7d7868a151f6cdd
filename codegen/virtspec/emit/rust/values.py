"""Values of records: an enumeration of what the bytes behind a type and a length are."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from virtspec.emit.containers import Container, containers_of
from virtspec.emit.rust.constants import Constants
from virtspec.emit.rust.documents import code
from virtspec.emit.rust.items import Item, Plain, Slice
from virtspec.emit.rust.messages import Messages
from virtspec.emit.rust.names import Scope
from virtspec.emit.rust.types import Catalogue
from virtspec.emit.rust.views import TypedCase, TypedView
from virtspec.model import DEVICE_CONFIG, Entry
from virtspec.names import rust_type


class Values:
    """The registries that say what the values of records are."""

    def __init__(self, catalogue: Catalogue, constants: Constants, messages: Messages) -> None:
        self.catalogue = catalogue
        self.constants = constants
        self.messages = messages
        self._containers: dict[str, Container] = {}
        for container in containers_of(catalogue.spec):
            self._containers.setdefault(container.record.key, container)

    def typed(self, item: Item) -> TypedView | None:
        """What the values of a record are; None for a struct that is no record."""
        container = self._containers.get(item.key) if item.tagged else None
        if container is None or item.featured:
            return None
        tag = _integer(item, container.tag.split("."))
        value = next((f for f in item.fields if f.path == container.payload and isinstance(f.shape, Slice)), None)
        if tag is None or value is None or value.optional:
            return None
        code_of, type_ = tag
        prefix = _prefix([entry.name for entry in container.registry.entries])
        scope = Scope(frozenset({"Self", "DeviceConfig", "Unknown"}))
        cases: list[TypedCase] = []
        config = ""
        seen: set[int] = set()
        ordered: list[str] = []
        for entry in container.registry.entries:
            if entry.code in seen or not 0 <= entry.code < 1 << int(type_[1:]):
                continue
            seen.add(entry.code)
            name = self.constants.path(entry.name, entry.code, item.module, type_) or f"{entry.code:#x}"
            ordered.append(name)
            bound = [b for b in entry.bindings if b.role == "value"]
            if len(bound) != 1 or not bound[0].first:
                continue
            if bound[0].struct == DEVICE_CONFIG:
                config = name
                continue
            variant = scope.claim_type(rust_type(entry.name.removeprefix(prefix).lower()))
            case = self._case(item, entry, bound[0].struct, variant, name)
            if case is None:
                self.catalogue.not_rendered.append((f"{item.key}/{entry.name}", "its value is left as bytes"))
            else:
                cases.append(case)
        ascending = tuple(ordered) if container.registry.ascending else ()
        claimed = self.catalogue.scope(item.struct.module).claim_type(f"{item.name}Value")
        return TypedView(
            name=claimed,
            code=code_of,
            code_type=type_,
            value=value.name,
            cases=tuple(cases),
            config=config,
            selector=_selector(item),
            ascending=ascending,
        )

    def _case(self, item: Item, entry: Entry, bound: str, variant: str, code_: str) -> TypedCase | None:
        """What the value of a type is: a struct, or an integer of the type that a member has."""
        tag, _, path = bound.partition(".")
        inner = self.catalogue.named(tag)
        if inner is None or inner.kind == "union" or inner is item:
            return None
        if inner.kind == "message" and self.messages.needs_context(inner):
            return None
        case = TypedCase(
            variant=variant,
            code=code_,
            type=inner.path(item.module) + ("<'a>" if inner.borrows else ""),
            message=inner.kind == "message",
            queue=_queue(inner),
            doc=code(entry.name),
        )
        if not path:
            return case
        f = next((f for f in inner.fields if f.path == path and f.bits is None), None)
        if f is None or not isinstance(f.shape, Plain) or f.shape.integer is None:
            return None
        return replace(case, type=f.shape.text, message=False, queue="")


def _integer(item: Item, path: list[str]) -> tuple[str, str] | None:
    """The value of an integer member and its type."""
    names: list[str] = []
    inner: Item | None = item
    shape = None
    for name in path:
        f = next((f for f in inner.fields if f.path == name), None) if inner is not None else None
        if f is None or f.optional or not isinstance(f.shape, Plain) or f.bits is not None:
            return None
        shape = f.shape
        names.append(f.name)
        inner = shape.item
    if shape is None or shape.integer is None or shape.integer.order == "native":
        return None
    return ".".join(names), f"u{shape.integer.bits}"


def _selector(item: Item, *, inside: bool = False) -> str:
    """The path of the union that tells records of one type apart; "" where there is none."""
    for f in item.fields:
        inner = f.shape.item if isinstance(f.shape, Plain) and not f.optional else None
        if inner is not None and inner.kind == "union":
            return f.name
        if inner is not None and not inside and (found := _selector(inner, inside=True)):
            return f"{f.name}.{found}"
    return ""


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
