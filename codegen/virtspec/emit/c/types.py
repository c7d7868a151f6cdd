"""The structs of a model as C sees them.

C knows no struct of variable size, so a `Record` says which of its fields make the C struct (the leading ones of fixed
size) and which follow in memory. Structs that stand inside others become records of their own at file scope: C++ would
bury their names otherwise. Records refer to each other; the catalogue holds them in an order in which each comes after
those it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from virtspec.compat import assert_never
from virtspec.emit.c.names import Names, Scope, field_name, header_name, struct_tag
from virtspec.layout import LayoutError, Layouts
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    Count,
    External,
    Integer,
    Length,
    Member,
    Place,
    Relation,
    Spec,
    Struct,
    StructRef,
    Type,
)

DIRECTIONS = ("readable", "writable")

INT_MAX = (1 << 31) - 1

FEATURE_BITS = 128
"""How many features a set holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A struct that the specification does not define."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """An array."""

    element: CType
    length: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """An unnamed struct or union of fixed size: its fields are used as if they stood outside of it."""

    keyword: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A member. `offset` is None where it depends on data; `path` is the specification's name."""

    name: str
    path: str
    type: CType
    size: int | None
    offset: int | None
    member: Member

    @property
    def varies(self) -> bool:
        """Whether the size depends on data, or on features."""
        return self.size is None or self.member.optional or (isinstance(self.type, Record) and self.type.varies)


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """A struct or union at file scope; `name` is its tag in the specification, if it has one.

    `lead` counts the bytes before anything of variable size.
    """

    key: str
    name: str
    tag: str
    keyword: str
    module: str
    place: Place
    also: tuple[Place, ...] = ()
    relations: tuple[Relation, ...] = ()
    fields: tuple[Field, ...] = ()
    size: int | None = None
    lead: int = 0

    @property
    def type(self) -> str:
        return f"{self.keyword} {self.tag}"

    def leading(self) -> tuple[Field, ...]:
        """The fields that make the C struct. The last of them may go on behind it."""
        if self.keyword == "union":
            return self.fields if self.size is not None else ()
        taken = []
        for f in self.fields:
            if f.size is None:
                if isinstance(f.type, Record) and f.type.lead:
                    taken.append(f)
                break
            taken.append(f)
        return tuple(taken)

    def following(self) -> tuple[Field, ...]:
        """The fields from the first on whose place or presence is not the same in every message."""
        first = next((i for i, f in enumerate(self.fields) if f.varies), len(self.fields))
        return self.fields[first:]

    @property
    def varies(self) -> bool:
        """Whether the size depends on data, or on features."""
        return self.size is None or any(f.varies for f in self.fields)


CType: TypeAlias = Integer | Bits | Record | Missing | Vector | Inline


def flat(fields: tuple[Field, ...], base: int = 0) -> Iterator[tuple[Field, int | None]]:
    """The fields that can be named inside a struct, those of unnamed members included, with their offsets."""
    for f in fields:
        offset = None if f.offset is None else base + f.offset
        if isinstance(f.type, Inline):
            yield from flat(f.type.fields, offset or 0)
        else:
            yield f, offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A constant that has a macro or enumerator, and the header that has it."""

    header: str
    macro: str
    value: int


@dataclass(slots=True)
class Catalogue:
    """All records of a model, in an order in which each comes after those it needs."""

    spec: Spec
    layouts: Layouts
    names: Names
    macros: dict[str, Named]
    records: list[Record] = field(default_factory=list)
    not_rendered: list[tuple[str, str]] = field(default_factory=list)
    feature_bits: dict[str, int] = field(default_factory=dict)
    _by_key: dict[str, Record | None] = field(default_factory=dict)
    _by_name: dict[str, Struct] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.feature_bits = {f.name: f.bit for f in self.spec.features if 0 <= f.bit < FEATURE_BITS}
        self.not_rendered += [
            (f.key, f"bit {f.bit}: sets of features have {FEATURE_BITS}, so that it decides about no member")
            for f in self.spec.features
            if f.bit >= FEATURE_BITS
        ]
        # the first of several variants is the one that others mean
        self._by_name = {s.name: s for s in reversed(self.spec.structs)}
        tags = {s.key: self.names.tag(struct_tag(s)) for s in self.spec.structs}
        for struct in self.spec.structs:
            self._enter(struct, tags)

    def code(self, name: str, value: int, module: str) -> str:
        """A number in a header: by its name, where that is defined there and means it."""
        named = self.macros.get(name)
        if named is not None and named.header == header_name(module) and named.value == value:
            return named.macro
        return str(value) if value <= INT_MAX else f"{value}ULL"

    def named(self, name: str) -> Record | None:
        """The record of a struct of the model."""
        struct = self._by_name.get(name)
        return None if struct is None else self._by_key.get(struct.key)

    def of(self, key: str) -> Record | None:
        """The record of the struct with that key."""
        return self._by_key.get(key)

    def _enter(self, struct: Struct, tags: dict[str, str]) -> Record | None:
        if struct.key in self._by_key:
            return self._by_key[struct.key]
        self._by_key[struct.key] = None
        try:
            size = self.layouts.sizes.struct(struct)
        except LayoutError as error:
            self.not_rendered.append((struct.key, str(error)))
            return None
        record = Record(
            key=struct.key,
            name=struct.name if struct.variant == 1 else "",
            tag=tags[struct.key],
            keyword="union" if struct.kind == "union" else "struct",
            module=struct.module,
            place=struct.place,
            also=struct.also,
            relations=struct.relations,
            size=size,
        )
        self._fill(record, struct.members, tags)
        self._by_key[struct.key] = record
        return record

    def _fill(self, record: Record, members: tuple[Member, ...], tags: dict[str, str]) -> None:
        scope = Scope()
        scope.claim(record.tag)
        record.fields = self._fields(record, members, record.keyword == "union", scope, tags)
        if record.size is not None:
            record.lead = record.size
        else:
            last = record.leading()[-1:]
            end = sum(f.size for f in record.leading() if f.size is not None)
            record.lead = end + sum(f.type.lead for f in last if f.size is None and isinstance(f.type, Record))
        self.records.append(record)

    def _fields(
        self,
        record: Record,
        members: tuple[Member, ...],
        union: bool,
        scope: Scope,
        tags: dict[str, str],
        base: int | None = 0,
    ) -> tuple[Field, ...]:
        fields: list[Field] = []
        offset = base
        for member in members:
            size = self.layouts.sizes.type(member.type)
            type_ = member.type
            if not member.name and size is None and isinstance(type_, Aggregate) and type_.kind == "struct":
                fields += self._fields(record, type_.members, union, scope, tags, offset)
                offset = None
                continue
            name = "" if _unnamed(member, size) else scope.claim(_member_name(member))
            fields.append(
                Field(
                    name=name,
                    path=member.name or name or "unnamed",
                    type=self._type(record, name, type_, size, scope, tags),
                    size=size,
                    offset=offset,
                    member=member,
                )
            )
            if not union and offset is not None:
                offset = None if size is None else offset + size
        return tuple(fields)

    def _type(
        self, record: Record, name: str, type_: Type, size: int | None, scope: Scope, tags: dict[str, str]
    ) -> CType:
        match type_:
            case Integer() | Bits():
                return type_
            case External(name=missing):
                return Missing(name=missing)
            case StructRef(name=referred):
                struct = self._by_name.get(referred)
                found = None if struct is None else self._enter(struct, tags)
                return found or Missing(name=referred)
            case Array(element=element, length=length):
                inner = self.layouts.sizes.type(element)
                return Vector(element=self._type(record, name, element, inner, scope, tags), length=length)
            case Aggregate(kind=kind, members=members):
                if not name:
                    return Inline(keyword=kind, fields=self._fields(record, members, kind == "union", scope, tags))
                nested = Record(
                    key=f"{record.key}/{name}",
                    name="",
                    tag=self.names.scope.claim(f"{record.tag}_{name.strip('_')}"),
                    keyword=kind,
                    module=record.module,
                    place=record.place,
                    size=size,
                )
                self._fill(nested, members, tags)
                return nested
            case _:
                assert_never(type_)


def _unnamed(member: Member, size: int | None) -> bool:
    """Whether a member is an unnamed struct or union that can stand in a C struct as such."""
    return not member.name and isinstance(member.type, Aggregate) and size is not None


def _member_name(member: Member) -> str:
    """The C name of a member. An integer divided into bit-fields and a variable union need one where the
    specification gives none."""
    if member.name.strip("._"):
        return field_name(member.name)
    match member.type:
        case Bits():
            return "bits"
        case Aggregate():
            return "body"
        case _:
            return "elided" if not member.name.strip(".") else "member_"


def dimensions(type_: CType) -> tuple[CType, tuple[int, ...]]:
    """The element of an array of fixed length in all its dimensions, and these; for other types the type itself."""
    lengths: list[int] = []
    while isinstance(type_, Vector) and isinstance(type_.length, Count):
        lengths.append(type_.length.value)
        type_ = type_.element
    return type_, tuple(lengths)
