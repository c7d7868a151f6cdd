"""Members of structs as attributes of classes: which kind of value each holds, and which class stands for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from virtspec.compat import assert_never
from virtspec.emit.python.arms import arms_of
from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.counts import Counts
from virtspec.emit.python.naming import Cls, code, unique
from virtspec.emit.python.views import Attribute, AttributeKind, BitView
from virtspec.layout import Layouts
from virtspec.model import Aggregate, Array, Bits, External, Integer, Member, Spec, StructRef, Type
from virtspec.names import python_field


class Shapes:
    """Gives the classes of a catalogue their attributes or arms."""

    def __init__(self, spec: Spec, layouts: Layouts, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.layouts = layouts
        constants = {c.name: c.value for c in reversed(spec.constants) if c.value is not None}
        self.counts = Counts(constants, self.size_of)

    def by_tag(self, tag: str) -> Cls | None:
        """The class for a tag, planned; None where the model does not define it."""
        cls = self.catalogue.by_tag(tag)
        if cls is not None and not cls.planned:
            self.plan(cls)
        return cls

    def size_of(self, tag: str) -> int | None:
        """The size of the struct of a tag."""
        cls = self.by_tag(tag)
        return None if cls is None else cls.size

    def plan(self, cls: Cls) -> None:
        """Fill in the attributes and everything that follows from them."""
        if cls.planned or cls.busy:
            return
        cls.busy = True
        used: set[str] = set()
        if cls.union:
            cls.arms = tuple(arms_of(self, cls, cls.members, used))
            cls.size = self.layouts.sizes.members(cls.members, union=True)
            cls.leaves = 1
        else:
            pairs = list(self._attributes(cls, cls.members, used))
            cls.attributes = tuple(a for a, _ in pairs)
            cls.sources = tuple(m for _, m in pairs)
            sizes = [a.size for a in cls.attributes]
            known = [s for s in sizes if s is not None]
            cls.size = sum(known) if len(known) == len(sizes) else None
            nested = [self.catalogue.target(cls, a.cls) for a in cls.attributes if a.cls]
            own = {a.format[0] for a in cls.attributes if a.format and a.format[-1] not in "Bs"}
            cls.orders = frozenset(own).union(*(c.orders for c in nested))
            cls.featured = any(a.optional for a in cls.attributes) or any(c.featured for c in nested)
            cls.leaves = sum(
                self.catalogue.target(cls, a.cls).leaves if a.kind == "struct" else 1 for a in cls.attributes
            )
        cls.busy = False
        cls.planned = True

    def inner(self, cls: Cls, name: str, members: tuple[Member, ...], *, union: bool) -> Cls:
        """A class for a struct or union without a tag."""
        inner = self.catalogue.untagged(cls, name, members, union=union)
        self.plan(inner)
        self.catalogue.keep(inner)
        return inner

    # --- members of structs -------------------------------------------------------------------------------

    def _attributes(
        self, cls: Cls, members: Sequence[Member], used: set[str]
    ) -> Iterator[tuple[Attribute, Member | None]]:
        for member in members:
            type_ = member.type
            if isinstance(type_, Aggregate) and type_.kind == "struct" and not member.name:
                inherited = [
                    replace(m, condition=m.condition or member.condition, optional=m.optional or member.optional)
                    for m in type_.members
                ]
                yield from self._attributes(cls, inherited, used)
                continue
            yield self.attribute(cls, member, used), member

    def attribute(self, cls: Cls, member: Member, used: set[str]) -> Attribute:
        """The attribute for a member; `used` are the names that are taken."""
        type_ = member.type
        optional = member.optional
        if isinstance(type_, Bits) and not member.name:
            return self._bits(type_, used, optional)
        path = member.name or ("union" if isinstance(type_, Aggregate) else "elided")
        name = python_field(path)
        while self.catalogue.is_claimed(cls.module, name):  # a class that methods use, and an argument would hide
            name += "_"
        name = unique(name, used)
        match type_:
            case Integer():
                return Attribute(
                    name=name, path=path, kind="int", type="int", size=type_.size, format=code(type_), optional=optional
                )
            case Bits():
                anonymous = Member(name="", type=type_, place=member.place)
                return self._nested(cls, name, path, self.inner(cls, path, (anonymous,), union=False), optional)
            case StructRef(name=tag):
                found = self.by_tag(tag)
                if found is None:
                    return self._opaque(name, path, optional)
                return self._nested(cls, name, path, found, optional)
            case External():
                return self._opaque(name, path, optional)
            case Aggregate(kind=kind, members=members):
                inner = self.inner(cls, member.name, members, union=kind == "union")
                attribute = self._nested(cls, name, path, inner, optional)
                if member.name:
                    return attribute
                arms = tuple(replace(arm, name=unique(arm.name, used)) for arm in inner.arms)
                return replace(attribute, arms=arms)
            case Array():
                return self._array(cls, name, path, type_, used, optional)
            case _:
                assert_never(type_)

    def _bits(self, type_: Bits, used: set[str], optional: bool) -> Attribute:
        name = unique("_bits", used)
        taken = 0
        fields: list[BitView] = []
        for bit in type_.fields:
            mask = ((1 << bit.width) - 1) << bit.offset
            fields.append(
                BitView(
                    name=unique(python_field(bit.name or "unnamed"), used),
                    path=bit.name,
                    offset=bit.offset,
                    width=bit.width,
                    overlaps=bool(taken & mask),
                )
            )
            taken |= mask
        return Attribute(
            name=name,
            path=name,
            kind="bits",
            type="int",
            size=type_.container.size,
            format=code(type_.container),
            bits=tuple(fields),
            optional=optional,
        )

    def _nested(self, cls: Cls, name: str, path: str, inner: Cls, optional: bool) -> Attribute:
        kind: AttributeKind
        if inner.union:
            kind = "var_union" if inner.size is None else "union"
        else:
            kind = "struct" if inner.flat else "var_struct"
        text = self.catalogue.reference(cls, inner)
        size = None if inner.featured else inner.size  # with optional members inside, it depends on what is there
        return Attribute(name=name, path=path, kind=kind, type=text, cls=text, size=size, optional=optional)

    def _opaque(self, name: str, path: str, optional: bool) -> Attribute:
        return Attribute(name=name, path=path, kind="var_bytes", type="bytes", size=None, optional=optional)

    # --- arrays -------------------------------------------------------------------------------------------

    def _array(self, cls: Cls, name: str, path: str, array: Array, used: set[str], optional: bool) -> Attribute:
        """An array; its size is known or not, and so is that of its elements."""
        count = self.counts.fixed(array.length)
        element = array.element
        if isinstance(element, Array):
            base = Attribute(name=name, path=path, kind="bytes", type="bytes", size=None, optional=optional)
            return self._rows(cls, base, array, count, used)
        if isinstance(element, Bits):
            element = Aggregate(kind="struct", members=(Member(name="", type=element),))
        base = Attribute(name=name, path=path, kind="bytes", type="bytes", size=None, optional=optional)
        match element:
            case Integer(bits=8):
                return replace(base, kind="var_bytes") if count is None else replace(base, size=count, count=count)
            case Integer():
                text = code(element)
                if count is None:
                    return replace(base, kind="var_ints", type="list[int]", format=text, unit=element.size)
                return replace(
                    base,
                    kind="ints",
                    type="tuple[int, ...]",
                    format=text,
                    unit=element.size,
                    count=count,
                    size=count * element.size,
                )
            case External():
                cls.notes.append(f"{path}: elements are of another project: kept as bytes")
                return replace(base, kind="var_bytes", opaque=True)
            case StructRef(name=tag) if (found := self.by_tag(tag)) is not None:
                inner = found
            case Aggregate(kind=kind, members=members):
                inner = self.inner(cls, path, members, union=kind == "union")
            case _:
                return replace(base, kind="var_bytes", opaque=True)
        return self._struct_array(cls, base, inner, count)

    def _struct_array(self, cls: Cls, base: Attribute, inner: Cls, count: int | None) -> Attribute:
        if inner.union or (not inner.flat and self._has_open(inner)):
            cls.notes.append(f"{base.path}: elements do not tell their own size: kept as bytes")
            return replace(base, kind="var_bytes", opaque=True)
        text = self.catalogue.reference(cls, inner)
        if not inner.flat:
            if self._least(inner) == 0:
                cls.notes.append(f"{base.path}: elements may be empty: kept as bytes")
                return replace(base, kind="var_bytes", opaque=True)
            return replace(base, kind="var_items", type=f"list[{text}]", cls=text, count=count or 0)
        inner.element = True
        unit = inner.size or 0
        if unit == 0:
            return replace(base, kind="var_bytes", opaque=True)
        if count is None:
            return replace(base, kind="var_structs", type=f"list[{text}]", cls=text, unit=unit)
        return replace(
            base,
            kind="structs",
            type=f"tuple[{text}, ...]",
            cls=text,
            unit=unit,
            count=count,
            size=count * unit,
        )

    def _rows(self, cls: Cls, base: Attribute, array: Array, count: int | None, used: set[str]) -> Attribute:
        """An array of arrays: rows of a fixed number of bytes are pieces; others have elements. What has no fixed size
        is kept as bytes."""
        row = self.layouts.sizes.type(array.element)
        counts: list[int] = []
        element: Type = array.element
        while isinstance(element, Array):
            counts.append(self.counts.fixed(element.length) or 0)
            element = element.element
        if not row or 0 in counts:
            cls.notes.append(f"{base.path}: an array of arrays: kept as bytes")
            return replace(base, kind="var_bytes", opaque=True)
        base = replace(base, unit=row, count=count or 0, size=None if count is None else count * row)
        if isinstance(element, Integer) and element.bits == 8:
            size = counts.pop()
            base = replace(base, type="bytes", row=f'"{size}s"', format=f"{size}s")
        elif isinstance(element, Integer):
            base = replace(base, type="int", row=f'"{code(element)}"', format=code(element))
        elif (inner := self._element(cls, base.path, element)) is not None:
            text = self.catalogue.reference(cls, inner)
            base = replace(base, type=text, row=f"lambda: {text}", cls=text)
        else:
            cls.notes.append(f"{base.path}: an array of arrays: its rows are kept as bytes")
            counts, base = [], replace(base, format=f"{row}s")
        if not counts:
            base = replace(base, row="", format="")
            if count is None:
                return replace(base, kind="var_pieces", type="list[bytes]")
            return replace(base, kind="pieces", type="tuple[bytes, ...]")
        item = base.type
        for _ in counts:
            item = f"tuple[{item}, ...]"
        return replace(
            base,
            kind="var_rows" if count is None else "rows",
            type=f"list[{item}]" if count is None else f"tuple[{item}, ...]",
            element=item,
            rows=unique(f"_rows_{base.name}", used),
            row=", ".join([base.row, *map(str, counts)]),
        )

    def _element(self, cls: Cls, path: str, type_: Type) -> Cls | None:
        """The class of the elements of rows, where that is a struct that stands for itself."""
        match type_:
            case StructRef(name=tag):
                inner = self.by_tag(tag)
            case Aggregate(kind="struct", members=members):
                inner = self.inner(cls, path, members, union=False)
            case Bits():
                inner = self.inner(cls, path, (Member(name="", type=type_),), union=False)
            case _:
                return None
        if inner is None or inner.union or not inner.flat or not inner.size:
            return None
        inner.element = True
        return inner

    def _has_open(self, inner: Cls) -> bool:
        """Whether an object's bytes alone do not tell where it ends."""
        for attribute, member in zip(inner.attributes, inner.sources, strict=True):
            if attribute.kind in ("var_struct", "var_items", "struct"):
                if attribute.cls and self._has_open(self.catalogue.target(inner, attribute.cls)):
                    return True
            elif attribute.kind == "var_union" or (
                attribute.size is None and member is not None and not self.counts.counted(inner, member)
            ):
                return True
        return False

    def _least(self, inner: Cls) -> int:
        """The least number of bytes an object takes."""
        return sum(a.size or 0 for a in inner.attributes if not a.optional)
