"""Structs: the parser's bodies as linked types, with lengths, bit positions, directions and conditions resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from virtspec.diagnostics import Diagnostic, Sink, at
from virtspec.expressions import Expr, Name, Number, Unknown, evaluate, expression_text
from virtspec.link.constants import Constants
from virtspec.listing.syntax import (
    BitEntry,
    BitGroup,
    Body,
    Declaration,
    Dimension,
    Elision,
    TypeName,
)
from virtspec.model import (
    Aggregate,
    Array,
    Bit,
    Bits,
    Condition,
    Count,
    Direction,
    Elided,
    Expression,
    External,
    ExternalLength,
    FieldRef,
    Integer,
    Length,
    Member,
    Place,
    Rest,
    Struct,
    StructRef,
    Type,
    integer,
)
from virtspec.read.remarks import When, direction, when
from virtspec.source import SourceFile

MAX_COUNT = 1 << 40
"""The largest number of elements that is taken over; `virtspec.layout` bounds the size."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a listing stands."""

    file: SourceFile
    module: str
    listing: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the structs of a listing depend on besides their own text: what names mean, and the tags that are defined
    anywhere in the document."""

    meanings: frozenset[tuple[str, object]]
    tags: frozenset[str]
    constants: Constants = field(compare=False, repr=False)


@lru_cache(maxsize=8)
def one_of(environment: Environment) -> Environment:
    """The first of several equal environments: what is kept by it is then found without comparing them again."""
    return environment


Item: TypeAlias = Body | Declaration | BitGroup


def link_structs(
    items: Iterable[tuple[Item, Scope]], constants: Constants, tags: frozenset[str], sink: Sink
) -> list[Struct]:
    """The structs, fields and groups of bit-fields of a document."""
    environment = one_of(Environment(constants.meanings(), tags, constants))
    found: list[Struct] = []
    for item, scope in items:
        structs, findings = _link(item, scope, environment)
        found += structs
        sink.diagnostics += findings
    return found


@lru_cache(maxsize=4096)
def _link(item: Item, scope: Scope, environment: Environment) -> tuple[tuple[Struct, ...], tuple[Diagnostic, ...]]:
    """What one item of a listing defines, and what is wrong with it; most revisions of a document leave it as it is."""
    sink = Sink()
    structs = Structs(environment.constants, environment.tags, sink)
    match item:
        case Body():
            structs.add_body(item, scope)
        case Declaration():
            structs.add_field(item, scope)
        case BitGroup():
            structs.add_group(item, scope)
    return tuple(structs.found), tuple(sink.diagnostics)


class Structs:
    """Turns bodies into structs. Tags defined anywhere in the document are known from the start."""

    def __init__(self, constants: Constants, tags: frozenset[str], sink: Sink) -> None:
        self.constants = constants
        self.tags = tags
        self.sink = sink
        self.found: list[Struct] = []

    def add_body(self, body: Body, scope: Scope, parent: str = "") -> None:
        """Add the struct that a body with a tag defines, after those nested in it."""
        kind: Literal["struct", "union"] = body.kind
        subject = f"{kind} {body.name}"
        members = self._members(body, scope, subject, body.name)
        if kind == "struct":
            members = resolve_siblings(members)
        self._check_names(members, body, scope, subject)
        self.found.append(
            Struct(
                key=f"{scope.module}/struct/{body.name}",
                name=body.name,
                kind=kind,
                module=scope.module,
                members=members,
                packed=body.packed,
                parent=parent,
                place=self._place(scope, body.start),
            )
        )

    def add_field(self, declaration: Declaration, scope: Scope) -> None:
        """Add a field, or a named group of bit-fields, that stands outside any struct."""
        member = self._member(declaration, scope, declaration.name, "", None)
        if member:
            kind: Literal["field", "bits"] = "bits" if isinstance(member.type, Bits) else "field"
            self._add_bare(kind, declaration.name, member, scope, declaration.start)

    def add_group(self, group: BitGroup, scope: Scope) -> None:
        """Add a group of bit-fields without a name; it is called after its listing's file."""
        bits = self._group(group, scope, scope.listing)
        if bits:
            member = Member(name="", type=bits, place=self._place(scope, group.start))
            self._add_bare("bits", scope.listing, member, scope, group.start)

    def _add_bare(self, kind: Literal["field", "bits"], name: str, member: Member, scope: Scope, start: int) -> None:
        self.found.append(
            Struct(
                key=f"{scope.module}/{kind}/{name}",
                name=name,
                kind=kind,
                module=scope.module,
                members=(member,),
                place=self._place(scope, start),
            )
        )

    def _place(self, scope: Scope, start: int) -> Place:
        return scope.file.place(start)

    # --- members ---

    def _members(self, body: Body, scope: Scope, subject: str, tag: str) -> tuple[Member, ...]:
        members: list[Member] = []
        run = _BitRun(self, scope, subject)
        side: Direction | None = None
        pending: When | None = None
        for item in body.items:
            if isinstance(item, Elision):
                run.flush(members)
                elided = Array(element=Integer(bits=8, order="little", spelling="u8"), length=Elided())
                members.append(Member(name="", type=elided, direction=side, place=self._place(scope, item.start)))
            if not isinstance(item, Declaration):
                continue
            side = direction(item.before, side)
            own = when(item.before) or when(item.after)
            pending = own or pending
            if item.bits is not None:
                run.add(item, members, side)
                pending = None
                continue
            run.flush(members)
            member = self._member(item, scope, subject, tag, side)
            if member is None:
                continue
            if pending is not None:
                member = replace(member, condition=pending.condition, optional=pending.optional)
                pending = replace(pending, members=pending.members - 1) if pending.members > 1 else None
            members.append(member)
        run.flush(members)
        return tuple(members)

    def _member(self, item: Declaration, scope: Scope, subject: str, tag: str, side: Direction | None) -> Member | None:
        type_: Type | None
        match item.type:
            case TypeName():
                type_ = self._named(item.type, scope, subject)
            case Body(name=""):
                kind = item.type.kind
                type_ = Aggregate(kind=kind, members=self._members(item.type, scope, subject, tag))
            case Body(name=name):
                self.add_body(item.type, scope, parent=tag)
                if not item.name:
                    return None
                type_ = StructRef(name=name)
            case BitGroup():
                type_ = self._group(item.type, scope, subject)
        if type_ is None:
            return None
        for dimension in reversed(item.dimensions):
            type_ = Array(element=type_, length=self._length(dimension, scope, subject, item.name))
        return Member(name=item.name, type=type_, direction=side, place=self._place(scope, item.start))

    def _named(self, type_: TypeName, scope: Scope, subject: str) -> Type:
        if type_.tag == "":
            found = integer(type_.name)
            if found is None and type_.name in self.tags:
                return StructRef(name=type_.name)  # of a `typedef`
            return found or External(name=type_.name, tag="")
        if type_.name in self.tags:
            return StructRef(name=type_.name)
        where = at(scope.file, type_.start)
        message = f"{type_.tag} '{type_.name}' is not defined by the specification"
        if type_.name.startswith(("virt", "pvirt", "vq_")):
            self.sink.error("VS102", where, message, subject=subject)
        else:
            self.sink.note(
                "VS102", where, message, subject=subject, hint="a struct of another project has no size here"
            )
        return External(name=type_.name, tag=type_.tag)

    def _check_names(self, members: tuple[Member, ...], body: Body, scope: Scope, subject: str) -> None:
        seen: set[str] = set()
        for name in sibling_names(members):
            if name in seen:
                self.sink.error(
                    "VS105", at(scope.file, body.start), f"two members are called '{name}'", subject=subject
                )
            seen.add(name)

    # --- lengths ---

    def _length(self, dimension: Dimension, scope: Scope, subject: str, name: str) -> Length:
        expr = dimension.expr
        if expr is None:
            return ExternalLength(name=dimension.text) if dimension.text else Rest()
        try:
            value = evaluate(expr, self.constants.lookup, self.constants.call)
        except Unknown:
            if isinstance(expr, Name):
                return ExternalLength(name=expr.name)
            return Expression(text=expression_text(expr))
        if not 0 <= value <= MAX_COUNT:
            self.sink.fatal("VS104", at(scope.file, dimension.start), f"'{name}' has {value} elements", subject=subject)
            value = 0
        plain = isinstance(expr, Number) and expr.text == str(value)
        return Count(value=value, text="" if plain else expression_text(expr))

    # --- bit-fields ---

    def _group(self, group: BitGroup, scope: Scope, subject: str) -> Bits | None:
        container = integer(group.container.name)
        if container is None:
            return None
        bits: list[Bit] = []
        offset = 0
        for entry in group.entries:
            arms = entry if isinstance(entry, list) else [entry]
            widths = [self._width(arm.width, scope, subject, arm.name, arm.start) for arm in arms]
            for arm, width in zip(arms, widths, strict=True):
                if width:
                    bits.append(Bit(name=arm.name, offset=offset, width=width, condition=_bit_condition(arm)))
            offset += max(widths, default=0)
        self._check_bits(container, offset, scope, group.start, subject)
        return Bits(container=container, fields=tuple(bits))

    def _width(self, expr: Expr | None, scope: Scope, subject: str, name: str, start: int) -> int:
        if expr is None:
            return 0
        try:
            width = evaluate(expr, self.constants.lookup, self.constants.call)
        except Unknown as error:
            self.sink.error("VS106", at(scope.file, start), f"width of '{name}': {error}", subject=subject)
            return 0
        if not 0 < width <= 64:
            self.sink.error("VS106", at(scope.file, start), f"'{name}' cannot have {width} bits", subject=subject)
            return 0
        return width

    def _check_bits(self, container: Integer, used: int, scope: Scope, start: int, subject: str) -> None:
        if used > container.bits:
            self.sink.fatal(
                "VS106",
                at(scope.file, start),
                f"the bit-fields need {used} bits, their container '{container.spelling}' has {container.bits}",
                subject=subject,
            )


def _bit_condition(entry: BitEntry) -> Condition | None:
    found = when(entry.remarks)
    return found.condition if found else None


class _BitRun:
    """Consecutive `le32 name:width;` members share a container until it is full or the type changes."""

    def __init__(self, structs: Structs, scope: Scope, subject: str) -> None:
        self.structs = structs
        self.scope = scope
        self.subject = subject
        self.container: Integer | None = None
        self.bits: list[Bit] = []
        self.used = 0
        self.start = 0
        self.side: Direction | None = None

    def add(self, item: Declaration, members: list[Member], side: Direction | None) -> None:
        container = integer(item.type.name) if isinstance(item.type, TypeName) else None
        if container is None or item.dimensions:
            self.structs.sink.error(
                "VS106",
                at(self.scope.file, item.start),
                f"bit-field '{item.name}' needs an integer type and no dimension",
                subject=self.subject,
            )
            return
        width = self.structs._width(item.bits, self.scope, self.subject, item.name, item.start)
        if self.container != container or self.used + width > container.bits:
            self.flush(members)
            self.container, self.start, self.side = container, item.start, side
        if width > container.bits:
            self.structs._check_bits(container, width, self.scope, item.start, self.subject)
            return
        found = when((*item.before, *item.after))
        condition = found.condition if found else None
        self.bits.append(Bit(name=item.name, offset=self.used, width=width, condition=condition))
        self.used += width
        if self.used == container.bits:
            self.flush(members)

    def flush(self, members: list[Member]) -> None:
        """End the container."""
        if self.container is not None and self.bits:
            type_ = Bits(container=self.container, fields=tuple(self.bits))
            place = self.structs._place(self.scope, self.start)
            members.append(Member(name="", type=type_, direction=self.side, place=place))
        self.container, self.bits, self.used = None, [], 0


def sibling_names(members: tuple[Member, ...]) -> list[str]:
    """The names that live side by side in a struct, through anonymous members."""
    names: list[str] = []
    for member in members:
        if member.name:
            names.append(member.name)
        elif isinstance(member.type, Aggregate):
            names += sibling_names(member.type.members)
        elif isinstance(member.type, Bits):
            names += [bit.name for bit in member.type.fields]
    return names


# --- lengths that name a sibling ----------------------------------------------------------------------------


def resolve_siblings(members: tuple[Member, ...], outer: dict[str, str] | None = None) -> tuple[Member, ...]:
    """Members with every length that names another member of the struct, or of one around it, turned into its path."""
    scope = dict(outer or {})
    for name in sibling_names(members):
        scope[name] = name
    types = [_resolve(m.type, scope) for m in members]
    return tuple(m if type_ is m.type else replace(m, type=type_) for type_, m in zip(types, members, strict=True))


def _resolve(type_: Type, scope: dict[str, str]) -> Type:
    if isinstance(type_, Array):
        length = type_.length
        if isinstance(length, ExternalLength) and length.name.split(".")[0] in scope:
            length = FieldRef(path=length.name)
        element = _resolve(type_.element, scope)
        same = length is type_.length and element is type_.element
        return type_ if same else Array(element=element, length=length)
    if isinstance(type_, Aggregate):
        return Aggregate(kind=type_.kind, members=resolve_siblings(type_.members, scope))
    return type_
