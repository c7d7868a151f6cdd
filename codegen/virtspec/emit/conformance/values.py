"""What an example of a struct is: bytes together with the values that they hold, and what was chosen to make it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from virtspec.compat import assert_never
from virtspec.emit.formulas import parse_formula
from virtspec.expressions import ExpressionError, names
from virtspec.layout import Layouts
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    Count,
    Expression,
    External,
    FieldRef,
    Integer,
    Member,
    Spec,
    Struct,
    StructRef,
    Type,
    features_of,
    innermost,
    members_in,
)

Value: TypeAlias = int | bytes
Fill: TypeAlias = Literal["pattern", "zeros", "ones", "high"]

RESERVED = re.compile(r"_*(reserved|padding|pad|unused)[0-9]*(_.*)?", re.IGNORECASE)
"""Names of members that carry nothing yet; a sender sets them to zero."""

MAX_EXAMPLE = 4096
"""The largest example in bytes; what is larger by itself gets none."""


class NoExample(Exception):
    """A struct that no example can be made of; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is left open by a struct's definition, decided for one example.

    `counted` is the number of elements of an array whose length is stated somewhere, `open` that of one that takes
    what room there is; with more than one, each further array has one more, so that they cannot be confused. `arms`
    gives the number of a union's arm by its path, `behind` fills the bytes behind it. `features` is what was
    negotiated, `others` says that so were all features that make no difference. `forced` are integers and `payload`
    arrays of bytes with a content of their own, by path.
    """

    fill: Fill = "pattern"
    counted: int = 2
    open: int = 2
    arms: Mapping[str, int] = field(default_factory=dict)
    behind: bool = False
    features: frozenset[str] = frozenset()
    others: bool = False
    reserved: bool = False
    order: Literal["little", "big"] = "little"
    forced: Mapping[str, int] = field(default_factory=dict)
    payload: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value of an example, and which bytes it takes.

    `bits` is its width, 0 for bytes; `order` that of an integer's bytes, "" for a bit-field; `fixed` says of bytes that
    there are always as many.
    """

    path: str
    value: Value
    offset: int
    size: int
    bits: int
    order: Literal["little", "big", ""] = ""
    fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Bytes, their values, and the arguments that reading them takes.

    `ends` are the offsets behind the struct's own members, `counts` the paths of members that state a number of
    elements (true) or go into an expression for one (false), `unions` the numbers of arms by path. `unit` is the size
    of the elements that fill what room there is, 0 where there are none; `loose` says that a union may end anywhere,
    `slack` that bytes of one lie behind the arm. `follows` are the arguments that may be left out, one
    at a time, with the sizes of the elements that they count.
    """

    data: bytes
    leaves: tuple[Leaf, ...]
    arguments: Mapping[str, int | str]
    ends: tuple[int, ...]
    counts: Mapping[str, bool]
    unions: Mapping[str, int]
    unit: int
    loose: bool
    slack: bool
    follows: Mapping[str, int]

    @property
    def values(self) -> dict[str, Value]:
        """The values by path."""
        return {leaf.path: leaf.value for leaf in self.leaves}


class Definitions:
    """What is defined in one model, by name."""

    def __init__(self, spec: Spec, layouts: Layouts) -> None:
        self.spec = spec
        self.layouts = layouts
        self.structs = {s.name: s for s in reversed(spec.structs)}
        self.constants = {c.name: c.value for c in reversed(spec.constants) if c.value is not None}
        self.bits = {f.name: f.bit for f in reversed(spec.features)}

    def features_of(self, struct: Struct) -> list[str]:
        """The features on which the presence of a struct's members depends, in the order of the listing."""
        members = self._all_members(struct.members, ())
        return list(dict.fromkeys(name for m in members if m.optional for name in features_of(m.condition)))

    def _all_members(self, members: tuple[Member, ...], above: tuple[str, ...]) -> Iterator[Member]:
        for _, member in members_in(members):
            yield member
            type_ = innermost(member.type)
            if isinstance(type_, StructRef) and type_.name in self.structs and type_.name not in above:
                yield from self._all_members(self.structs[type_.name].members, (*above, type_.name))

    def constant(self, name: str) -> int:
        """The value of a constant. Raises `ExpressionError`."""
        if name not in self.constants:
            raise ExpressionError(f"'{name}' is no constant")
        return self.constants[name]

    def size_of(self, tag: str) -> int | None:
        """The size of a struct by its tag."""
        struct = self.structs.get(tag)
        return None if struct is None else self.layouts.sizes.struct(struct)

    def closed(self, members: tuple[Member, ...]) -> bool:
        """Whether the bytes of these members tell by themselves where they end."""
        return all(self._closed(m.type, {x.name for x in members}) for m in members)

    def _closed(self, type_: Type, siblings: set[str]) -> bool:
        match type_:
            case Integer() | Bits():
                return True
            case StructRef(name=tag):
                return tag in self.structs and self.closed(self.structs[tag].members)
            case External():
                return False
            case Aggregate(kind="union"):
                return self.layouts.sizes.type(type_) is not None
            case Aggregate(members=members):
                return self.closed(members)
            case Array(element=element, length=Count()):
                return self._closed(element, siblings)
            case Array(element=element, length=FieldRef(path=path)):
                return path.partition(".")[0] in siblings and self._closed(element, siblings)
            case Array(element=element, length=Expression(text=text)):
                try:
                    used = {n.partition(".")[0] for n in names(parse_formula(text)) if n not in self.constants}
                except ExpressionError:
                    return False
                return used <= siblings and self._closed(element, siblings)
            case Array():
                return False
            case _:
                assert_never(type_)
