"""The structs of a model as Rust sees them.

A struct of fixed size is a plain value, and so is a union of fixed size. A struct whose size depends on data or on
features is a message: it borrows its parts from the bytes it was read from. Structs without a tag become items of their
own, named after what they stand in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from virtspec.compat import assert_never
from virtspec.emit.formulas import parse_formula
from virtspec.emit.rust import lengths
from virtspec.emit.rust.items import Field, Item, Listed, Nested, Plain, Recorded, Shape, Slice, integer_type
from virtspec.emit.rust.names import TAKEN_CONSTANTS, TAKEN_TYPES, Scope, module_name
from virtspec.expressions import ExpressionError, evaluate
from virtspec.layout import LayoutError, Layouts
from virtspec.model import (
    Aggregate,
    AllOf,
    AnyOf,
    Array,
    Bits,
    Condition,
    Count,
    Direction,
    Expression,
    External,
    Feature,
    Integer,
    Length,
    Member,
    Not,
    Spec,
    Struct,
    StructRef,
    Type,
)
from virtspec.names import rust_field, rust_type

FEATURE_BITS = 128
"""How many features a set holds."""


class Catalogue:
    """All items of a model, in an order in which each comes behind those it holds."""

    def __init__(self, spec: Spec, layouts: Layouts) -> None:
        self.spec = spec
        self.layouts = layouts
        self.constants = {c.name: c.value for c in reversed(spec.constants) if c.value is not None}
        self.feature_bits = {f.name: f.bit for f in reversed(spec.features) if 0 <= f.bit < FEATURE_BITS}
        self.items: list[Item] = []
        self.not_rendered = [
            (f.key, f"bit {f.bit}: sets of features have {FEATURE_BITS}")
            for f in spec.features
            if f.bit >= FEATURE_BITS
        ]
        self.scopes: dict[str, Scope] = {}
        self._by_name: dict[str, Struct] = {s.name: s for s in reversed(spec.structs)}
        self._by_key: dict[str, Item | None] = {}
        # tags have their names before anything without a tag gets one
        self._names = {s.key: self._claim(s.module, _type_name(s)) for s in spec.structs}
        for struct in spec.structs:
            self._enter(struct)

    def scope(self, module: str) -> Scope:
        """The types and constants of a module."""
        name = module_name(module)
        if name not in self.scopes:
            self.scopes[name] = Scope(TAKEN_TYPES | TAKEN_CONSTANTS)
        return self.scopes[name]

    def named(self, tag: str) -> Item | None:
        """The item of the struct with that tag."""
        struct = self._by_name.get(tag)
        return None if struct is None else self._by_key.get(struct.key)

    def of(self, struct: Struct) -> Item | None:
        """The item of a struct of the model."""
        return self._by_key.get(struct.key)

    def size_of(self, tag: str) -> int | None:
        """The size of a struct of the model, if it is fixed."""
        item = self.named(tag)
        return None if item is None else item.size

    def constant(self, name: str) -> int:
        """The value of a constant. Raises `ExpressionError` where there is none of that name."""
        if name not in self.constants:
            raise ExpressionError(f"'{name}' is no constant")
        return self.constants[name]

    def decides(self, condition: Condition | None) -> bool:
        """Whether features alone decide a condition."""
        match condition:
            case Feature(name=name):
                return name in self.feature_bits
            case Not(term=term):
                return self.decides(term)
            case AllOf(terms=terms) | AnyOf(terms=terms):
                return bool(terms) and all(map(self.decides, terms))
            case _:
                return False

    # --- items --------------------------------------------------------------------------------------------

    def _halves(self, whole: Item) -> None:
        """Items for the two parts of a request, which lie in different buffers."""
        members: dict[Direction, list[Member]] = {"readable": [], "writable": []}
        direction = next((m.direction for m in whole.members if m.direction), None)
        for member in whole.members:
            direction = member.direction or direction
            if direction is not None:
                members[direction].append(member)
        if not all(members.values()):
            return
        for direction, part in members.items():
            item = Item(
                key=f"{whole.key}/{direction}",
                name=self._claim(whole.struct.module, whole.name + direction.capitalize()),
                tag=whole.tag,
                module=whole.module,
                kind="fixed",
                struct=whole.struct,
                tagged=False,
                members=tuple(part),
                half=direction,
            )
            self._fill(item, union=False)

    def _claim(self, module: str, name: str) -> str:
        return self.scope(module).claim_type(name)

    def _enter(self, struct: Struct) -> Item | None:
        if struct.key in self._by_key:
            return self._by_key[struct.key]
        self._by_key[struct.key] = None
        try:
            self.layouts.sizes.struct(struct)
        except LayoutError as error:
            self.not_rendered.append((struct.key, str(error)))
            return None
        item = Item(
            key=struct.key,
            name=self._names[struct.key],
            tag=struct.name,
            module=module_name(struct.module),
            kind="fixed",
            struct=struct,
            tagged=True,
            members=struct.members,
        )
        self._fill(item, union=struct.kind == "union")
        self._by_key[struct.key] = item
        if struct.kind != "union":
            self._halves(item)
        return item

    def _inner(self, owner: Item, name: str, members: tuple[Member, ...], *, union: bool) -> Item:
        """An item for a struct or union without a tag."""
        item = Item(
            key=owner.key,
            name=self._claim(owner.struct.module, owner.name + rust_type(name)),
            tag=f"{owner.tag}.{name}",
            module=owner.module,
            kind="fixed",
            struct=owner.struct,
            tagged=False,
            members=members,
        )
        self._fill(item, union=union)
        return item

    def _fill(self, item: Item, *, union: bool) -> None:
        if union:
            item.size = self.layouts.sizes.members(item.members, union=True)
            item.kind = "union"
            item.fields = tuple(self._fields(item, self._arms(item.members)))
        else:
            item.fields = tuple(self._fields(item, item.members))
            sizes = [f.shape.size if isinstance(f.shape, Plain) and not f.optional else None for f in item.fields]
            known = [size for size in sizes if size is not None]
            item.size = sum(known) if len(known) == len(sizes) else None
            item.kind = "message" if item.size is None else "fixed"
        self.items.append(item)

    def _arms(self, members: tuple[Member, ...]) -> tuple[Member, ...]:
        """The arms of a union; those of unnamed unions inside it are its own."""
        arms: list[Member] = []
        for member in members:
            if not member.name and isinstance(member.type, Aggregate) and member.type.kind == "union":
                arms += self._arms(member.type.members)
            elif isinstance(member.type, Bits):
                struct = Aggregate(kind="struct", members=(replace(member, name=""),))
                arms.append(replace(member, type=struct))
            else:
                arms.append(member)
        return tuple(arms)

    def _fields(self, item: Item, members: tuple[Member, ...]) -> Iterator[Field]:
        for member in members:
            type_ = member.type
            if not member.name and isinstance(type_, Aggregate) and type_.kind == "struct" and item.kind != "union":
                yield from self._fields(item, tuple(_inherited(member, inner) for inner in type_.members))
                continue
            yield self._field(item, member)

    def _field(self, item: Item, member: Member) -> Field:
        type_ = member.type
        path = member.name
        stem = rust_field(path).strip("_") or _stem(type_)
        name = item.scope.claim(rust_field(path) if rust_field(path).strip("_") else stem)
        shape = self._shape(item, path or stem, type_)
        optional = member.optional and self.decides(member.condition)
        if member.optional and not optional:
            self.not_rendered.append(
                (f"{item.key}/{path}", "whether it is there is not told by features: taken for always")
            )
        bits = type_ if isinstance(type_, Bits) else None
        return Field(name=name, path=path, member=member, shape=shape, optional=optional, bits=bits)

    # --- shapes -------------------------------------------------------------------------------------------

    def _shape(self, owner: Item, name: str, type_: Type) -> Shape:
        match type_:
            case Integer():
                return Plain(integer_type(type_), type_.size, integer=type_)
            case Bits(container=container):
                return Plain(integer_type(container), container.size, integer=container)
            case StructRef(name=tag):
                struct = self._by_name.get(tag)
                return self._of_item(owner, None if struct is None else self._enter(struct))
            case External():
                return Slice()
            case Aggregate(kind=kind, members=members):
                return self._of_item(owner, self._inner(owner, name, members, union=kind == "union"))
            case Array(element=element, length=length):
                return self._array(owner, name, element, length)
            case _:
                assert_never(type_)

    def _of_item(self, owner: Item, item: Item | None) -> Shape:
        if item is None:
            return Slice()
        if item.kind == "message":
            return Nested(item)
        if item.size is None:
            return Slice(arms=item)
        return Plain(item.path(owner.module), item.size, item=item)

    def _array(self, owner: Item, name: str, type_: Type, length: Length) -> Shape:
        if isinstance(type_, Bits):
            type_ = Aggregate(kind="struct", members=(Member(name="", type=type_),))
        element = self._shape(owner, name, type_)
        count = self.fixed_count(length)
        match element:
            case Plain() if element.size == 0:
                return self._opaque(owner, name, "its elements have no size")
            case Plain() if count is not None:
                return Plain(f"[{element.text}; {count}]", count * element.size, item=element.item)
            case Plain(text="u8"):
                return Slice()
            case Plain():
                return Listed(element)
            case Nested(item=item) if self.delimited(item):
                return Recorded(item)
            case Nested():
                return self._opaque(owner, name, "its elements do not tell their own size")
            case _:
                return self._opaque(owner, name, "the size of its elements is not known")

    def _opaque(self, owner: Item, name: str, why: str) -> Slice:
        self.not_rendered.append((f"{owner.key}/{name}", f"{why}: kept as bytes"))
        return Slice()

    def fixed_count(self, length: Length) -> int | None:
        """The number of elements, where it is always the same."""
        match length:
            case Count(value=value):
                return value
            case Expression(text=text):
                try:
                    return evaluate(parse_formula(text), self.constant, size_of=self.size_of)
                except ExpressionError:
                    return None
            case _:
                return None

    def delimited(self, item: Item) -> bool:
        """Whether the bytes of a message tell where it ends, and there is at least one."""
        least = sum(f.shape.size for f in item.fields if isinstance(f.shape, Plain) and not f.optional)
        return least > 0 and all(self._told(item, f) for f in item.fields)

    def _told(self, item: Item, f: Field) -> bool:
        match f.shape:
            case Plain():
                return True
            case Nested(item=inner):
                return all(self._told(inner, g) for g in inner.fields)
            case _:
                return self.counted(item, f)

    def counted(self, item: Item, f: Field) -> bool:
        """Whether members before an array state how long it is."""
        if isinstance(f.shape, Slice) and not f.octets:
            return False
        before = takewhile(lambda other: other is not f, item.fields)
        try:
            lengths.count(self, item, f, {other.name: other.name for other in before})
        except ExpressionError:
            return False
        return True


def _type_name(struct: Struct) -> str:
    return rust_type(struct.name) + (str(struct.variant) if struct.variant > 1 else "")


def _inherited(outer: Member, inner: Member) -> Member:
    """A member of an unnamed struct, which is there only if that is."""
    return replace(inner, condition=inner.condition or outer.condition, optional=inner.optional or outer.optional)


def _stem(type_: Type) -> str:
    """What a member without a name is called."""
    match type_:
        case Bits():
            return "bits"
        case Aggregate(kind=kind):
            return "union" if kind == "union" else "body"
        case _:
            return "elided"
