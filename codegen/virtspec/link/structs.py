"""Structs: the parser's bodies as linked types, with lengths, bit positions, directions and conditions resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from virtspec.diagnostics import Diagnostic, Sink, at
from virtspec.expressions import Expr, Name, Number, Unknown, evaluate, expression_text
from virtspec.link.constants import Constants
from virtspec.link.siblings import resolve_siblings, sibling_names
from virtspec.listing.syntax import (
    BitGroup,
    Body,
    Declaration,
    Dimension,
    Elision,
    Remark,
    TypeName,
    field_called,
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
    linker = _Linker(scope, environment)
    match item:
        case Body():
            linker.add_body(item)
        case Declaration():
            linker.add_field(item)
        case BitGroup():
            linker.add_group(item)
    return tuple(linker.found), tuple(linker.sink.diagnostics)


class _Linker:
    """Turns an item of a listing into structs. Tags defined anywhere in the document are known from the start."""

    def __init__(self, scope: Scope, environment: Environment) -> None:
        self.scope = scope
        self.constants = environment.constants
        self.tags = environment.tags
        self.sink = Sink()
        self.found: list[Struct] = []
        self.subject = ""
        self.tag = ""

    def add_body(self, body: Body) -> None:
        """Add the struct that a body with a tag defines, after those nested in it."""
        outer = self.subject, self.tag
        self.subject, self.tag = f"{body.kind} {body.name}", body.name
        members = self._members(body)
        if body.kind == "struct":
            members = resolve_siblings(members)
        self._check_names(members, body)
        self.subject, self.tag = outer
        self.found.append(
            Struct(
                key=f"{self.scope.module}/struct/{body.name}",
                name=body.name,
                kind=body.kind,
                module=self.scope.module,
                members=members,
                packed=body.packed,
                parent=self.tag,
                place=self.place(body.start),
            )
        )

    def add_field(self, declaration: Declaration) -> None:
        """Add a field, or a named group of bit-fields, that stands outside any struct."""
        self.subject = declaration.name
        member = self._member(declaration, None)
        if member:
            self._add_bare("bits" if isinstance(member.type, Bits) else "field", declaration.name, member)

    def add_group(self, group: BitGroup) -> None:
        """Add a group of bit-fields without a name; it is called after its listing's file."""
        self.subject = self.scope.listing
        bits = self._group(group)
        if bits:
            self._add_bare("bits", self.scope.listing, Member(name="", type=bits, place=self.place(group.start)))

    def _add_bare(self, kind: Literal["field", "bits"], name: str, member: Member) -> None:
        module = self.scope.module
        key = f"{module}/{kind}/{name}"
        self.found.append(Struct(key=key, name=name, kind=kind, module=module, members=(member,), place=member.place))

    def place(self, start: int) -> Place:
        return self.scope.file.place(start)

    def error(self, rule: str, start: int, message: str) -> None:
        self.sink.error(rule, at(self.scope.file, start), message, subject=self.subject)

    def fatal(self, rule: str, start: int, message: str) -> None:
        self.sink.fatal(rule, at(self.scope.file, start), message, subject=self.subject)

    # --- members ---

    def _members(self, body: Body) -> tuple[Member, ...]:
        members: list[Member] = []
        run = _BitRun(self, members)
        side: Direction | None = None
        pending: When | None = None
        for item in body.items:
            if isinstance(item, Elision):
                run.end()
                elided = Array(element=Integer(bits=8, order="little", spelling="u8"), length=Elided())
                members.append(Member(name="", type=elided, direction=side, place=self.place(item.start)))
            if not isinstance(item, Declaration):
                continue
            if item.before or item.after:
                side = direction(item.before, side)
                pending = when(item.before) or when(item.after) or pending
            if item.bit_field:
                run.add(item, side)
                pending = None
                continue
            if run.container is not None:
                run.end()
            member = self._member(item, side)
            if member is None:
                continue
            if pending is not None:
                member = replace(member, condition=pending.condition, optional=pending.optional)
                pending = replace(pending, members=pending.members - 1) if pending.members > 1 else None
            members.append(member)
        run.end()
        return tuple(members)

    def _member(self, item: Declaration, side: Direction | None) -> Member | None:
        type_ = self._type(item)
        if type_ is None:
            return None
        for dimension in reversed(item.dimensions):
            type_ = Array(element=type_, length=self._length(dimension, item.name))
        return Member(name=item.name, type=type_, direction=side, place=self.place(item.start))

    def _type(self, item: Declaration) -> Type | None:
        """The type of a member, its dimensions aside; None where it declares none."""
        match item.type:
            case TypeName():
                return self._named(item.type)
            case Body(name=""):
                return Aggregate(kind=item.type.kind, members=self._members(item.type))
            case Body(name=name):
                self.add_body(item.type)
                return StructRef(name=name) if item.name else None
            case BitGroup():
                return self._group(item.type)

    def _named(self, type_: TypeName) -> Type:
        if type_.tag == "":
            found = integer(type_.name)
            if found is None and type_.name in self.tags:
                return StructRef(name=type_.name)  # of a `typedef`
            return found or External(name=type_.name, tag="")
        if type_.name in self.tags:
            return StructRef(name=type_.name)
        if type_.tag == "enum":
            self.sink.error(
                "VS022",
                at(self.scope.file, type_.start),
                f"'enum {type_.name}' says nothing of the bytes that a member takes",
                subject=self.subject,
                hint=f"write the integer that holds it: 'le32 …; /* enum {type_.name} */'",
            )
            return External(name=type_.name, tag="enum")
        message = f"{type_.tag} '{type_.name}' is not defined by the specification"
        if type_.name.startswith(("virt", "pvirt", "vq_")):
            self.error("VS102", type_.start, message)
        else:
            where, hint = at(self.scope.file, type_.start), "a struct of another project has no size here"
            self.sink.note("VS102", where, message, subject=self.subject, hint=hint)
        return External(name=type_.name, tag=type_.tag)

    def _check_names(self, members: tuple[Member, ...], body: Body) -> None:
        names = sibling_names(members)
        if len(set(names)) == len(names):
            return
        seen: set[str] = set()
        for name in names:
            if name in seen:
                self.error("VS105", body.start, f"two members are called '{name}'")
            seen.add(name)

    # --- lengths ---

    def _length(self, dimension: Dimension, name: str) -> Length:
        expr = dimension.expr
        if expr is None:
            return ExternalLength(name=dimension.text) if dimension.text else Rest()
        try:
            value = self.value(expr)
        except Unknown:
            if isinstance(expr, Name):
                return ExternalLength(name=expr.name)
            return Expression(text=expression_text(expr))
        if not 0 <= value <= MAX_COUNT:
            self.fatal("VS104", dimension.start, f"'{name}' has {value} elements")
            value = 0
        plain = isinstance(expr, Number) and expr.text == str(value)
        return Count(value=value, text="" if plain else expression_text(expr))

    def value(self, expr: Expr) -> int:
        """The value of a constant expression. Raises `Unknown`."""
        return evaluate(expr, self.constants.lookup, self.constants.call)

    # --- bit-fields ---

    def _group(self, group: BitGroup) -> Bits | None:
        container = integer(group.container.name)
        if container is None:
            return None
        bits: list[Bit] = []
        offset = 0
        for entry in group.entries:
            arms = entry if isinstance(entry, list) else [entry]
            widths = [self.width(arm.width, arm.name, arm.start) for arm in arms]
            for arm, width in zip(arms, widths, strict=True):
                if width and arm.name:
                    bits.append(Bit(name=arm.name, offset=offset, width=width, condition=_condition(arm.remarks)))
            offset += max(widths, default=0)
        self.check_bits(container, offset, group.start)
        return Bits(container=container, fields=tuple(bits))

    def width(self, expr: Expr | None, name: str, start: int) -> int:
        """The width of a bit-field; 0, and a finding, where it has none: what is behind it has no known place then."""
        if expr is None:
            return 0  # the parser has told it, and it counts as lost
        try:
            width = self.value(expr)
        except Unknown as error:
            self.fatal("VS106", start, f"width of {field_called(name)}: {error}")
            return 0
        if not 0 < width <= 64:
            self.fatal("VS106", start, f"{field_called(name)} cannot have {width} bits")
            return 0
        return width

    def check_bits(self, container: Integer, used: int, start: int) -> None:
        """Report bit-fields that their container has no room for."""
        if used > container.bits:
            message = f"the bit-fields need {used} bits, their container '{container.spelling}' has {container.bits}"
            self.fatal("VS106", start, message)


def _condition(remarks: tuple[Remark, ...]) -> Condition | None:
    """The condition that remarks put on a bit-field."""
    found = when(remarks)
    return found.condition if found else None


class _BitRun:
    """Consecutive `le32 name:width;` members share a container until it is full or the type changes."""

    def __init__(self, linker: _Linker, members: list[Member]) -> None:
        self.linker = linker
        self.members = members
        self.container: Integer | None = None
        self.bits: list[Bit] = []
        self.used = 0
        self.start = 0
        self.side: Direction | None = None

    def add(self, item: Declaration, side: Direction | None) -> None:
        """Add a bit-field, to the container of those before it if that has room."""
        container = integer(item.type.name) if isinstance(item.type, TypeName) else None
        if container is None or item.dimensions:
            message = f"bit-{field_called(item.name)} needs an integer type and no dimension"
            self.linker.error("VS106", item.start, message)
            self.end()
            if isinstance(item.type, TypeName):  # how many bytes it takes is not known, nor where the next ones are
                unknown = External(name=item.type.name, tag=item.type.tag)
                place = self.linker.place(item.start)
                self.members.append(Member(name=item.name, type=unknown, direction=side, place=place))
            return
        if not item.name and isinstance(item.bits, Number) and item.bits.value == 0:
            self.end()  # as in C, what follows begins a container
            return
        width = self.linker.width(item.bits, item.name, item.start)
        if self.container != container or self.used + width > container.bits:
            self.end()
            self.container, self.start, self.side = container, item.start, side
        self.linker.check_bits(container, width, item.start)
        if not 0 < width <= container.bits:
            return
        if item.name:
            condition = _condition((*item.before, *item.after))
            self.bits.append(Bit(name=item.name, offset=self.used, width=width, condition=condition))
        self.used += width
        if self.used == container.bits:
            self.end()

    def end(self) -> None:
        """End the container."""
        if self.container is not None and self.used:
            type_ = Bits(container=self.container, fields=tuple(self.bits))
            place = self.linker.place(self.start)
            self.members.append(Member(name="", type=type_, direction=self.side, place=place))
        self.container, self.bits, self.used = None, [], 0
