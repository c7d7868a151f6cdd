"""What a type looks like on the wire: two types with the same shape mean the same bytes, whatever they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from virtspec import model
from virtspec.compat import assert_never
from virtspec.layout import Layouts
from virtspec.model import (
    Aggregate,
    AllOf,
    Allowed,
    AnyOf,
    Array,
    Bits,
    Condition,
    Count,
    External,
    Feature,
    FieldIs,
    Integer,
    Member,
    Not,
    Prose,
    Struct,
    StructRef,
    Type,
    length_text,
)

Shape: TypeAlias = tuple[Any, ...]

MAX_DEPTH = 64
MAX_LEAVES = 4096


class Shapes:
    """The shapes of one model's types. `rename` gives structs the name that the other model knows them by."""

    def __init__(self, layouts: Layouts, rename: Mapping[str, str]) -> None:
        self.layouts = layouts
        self.rename = rename
        self._structs = {s.name: s for s in reversed(layouts.spec.structs)}

    def struct(self, name: str) -> Struct | None:
        return self._structs.get(name)

    def of(self, type_: Type, depth: int = 0) -> Shape:
        """The shape of a type: nested tuples of integers, arrays and unions."""
        if depth > MAX_DEPTH:
            return ("deep",)
        match type_:
            case Integer(bits=bits, order=order):
                return ("int", bits, order if bits > 8 else "")
            case Bits(container=container, fields=fields):
                return ("bits", self.of(container), tuple(sorted((f.offset, f.width) for f in fields)))
            case StructRef(name=name):
                struct = self._structs.get(name)
                if struct is None:
                    return ("external", name)
                return self.members(struct.members, union=struct.kind == "union", depth=depth + 1)
            case External(name=name):
                return ("external", self.rename.get(name, name))
            case Aggregate(kind=kind, members=members):
                return self.members(members, union=kind == "union", depth=depth + 1)
            case Array(element=element, length=length):
                inner = self.of(element, depth + 1)
                if not isinstance(length, Count):
                    return ("many", inner, length_text(length))
                if length.value == 1:
                    return inner
                if inner[:1] == ("times",):
                    return ("times", inner[1] * length.value, inner[2])
                return ("times", length.value, inner)
            case _:
                assert_never(type_)

    def members(self, members: tuple[Member, ...], *, union: bool, depth: int = 0) -> Shape:
        """The shape of a run of members; one member alone has the shape of its type."""
        shapes = [self.of(m.type, depth) for m in members]
        if union:
            return ("union", *sorted(shapes, key=repr))
        flat: list[Any] = []
        for shape in shapes:
            flat.extend(shape[1:] if shape[:1] == ("run",) else (shape,))
        return flat[0] if len(flat) == 1 else ("run", *flat)

    def leaves(self, members: Iterable[Member]) -> list[tuple[str, Shape, str]]:
        """Names, shapes and conditions of what lies at the bottom, nested structs opened: where two runs of members
        have the same leaves, the same names stand at the same bytes, however they are grouped."""
        found: list[tuple[str, Shape, str]] = []
        for member in members:
            inner = self._nested(member.type)
            if inner is None or len(found) > MAX_LEAVES:
                found.append((member.name, self.of(member.type), condition_text(member.condition)))
            else:
                found += self.leaves(inner)
        return found

    def arms(self, type_: Type) -> tuple[Member, ...]:
        """The arms of a union; none where a type is no union."""
        if isinstance(type_, Aggregate):
            return type_.members if type_.kind == "union" else ()
        struct = self._structs.get(type_.name) if isinstance(type_, StructRef) else None
        return struct.members if struct is not None and struct.kind == "union" else ()

    def _nested(self, type_: Type) -> tuple[Member, ...] | None:
        if isinstance(type_, Aggregate):
            return type_.members if type_.kind == "struct" else None
        struct = self._structs.get(type_.name) if isinstance(type_, StructRef) else None
        return struct.members if struct is not None and struct.kind == "struct" else None

    def is_bytes(self, type_: Type) -> bool:
        """Whether a type says nothing about its content: an array of single bytes."""
        match self.of(type_):
            case ("times", _, ("int", 8, "")):
                return True
            case ("many", ("int", 8, ""), _):
                return True
            case _:
                return False


def condition_text(condition: Condition | None) -> str:
    """A condition as the reports show and compare it, whatever the order of its terms."""
    return model.condition_text(_in_order(condition), digests=True) if condition is not None else ""


def _in_order(condition: Condition) -> Condition:
    match condition:
        case Not(term=term):
            return Not(term=_in_order(term))
        case AllOf(terms=terms) | AnyOf(terms=terms):
            return replace(condition, terms=tuple(sorted(map(_in_order, terms), key=condition_text)))
        case _:
            return condition


def allowed_text(allowed: Allowed | None) -> str:
    """The values that a member may have, as the reports show and compare them; "" where any will do."""
    if allowed is None:
        return ""
    values = str(allowed.first) if allowed.first == allowed.last else f"{allowed.first} to {allowed.last}"
    condition = condition_text(allowed.condition)
    return f"{values} if {condition}" if condition else values


def condition_names(condition: Condition | None) -> frozenset[str]:
    """The features and values that a condition names."""
    match condition:
        case None | Prose():
            return frozenset()
        case Feature(name=name):
            return frozenset((name,))
        case FieldIs(path=path, value=value):
            return frozenset((path, value))
        case Not(term=term):
            return condition_names(term)
        case _:
            return frozenset().union(*(condition_names(t) for t in condition.terms))
