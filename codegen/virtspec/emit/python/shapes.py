"""Members of structs as attributes of classes: which kind of value each holds, and which class stands for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from virtspec.compat import assert_never
from virtspec.emit.expressions import ExpressionError, evaluate, names, parse, to_python
from virtspec.emit.python.naming import Cls, class_name, code, module_of, unique
from virtspec.emit.python.views import ArmView, Attribute, AttributeKind, BitView
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
    Length,
    Member,
    Spec,
    StructRef,
)
from virtspec.names import python_class, python_field


class Catalogue:
    """All classes of a model: their names, which never collide, and the shape of their attributes."""

    def __init__(self, spec: Spec, layouts: Layouts, reserved: frozenset[str] = frozenset()) -> None:
        self.spec = spec
        self.reserved = reserved
        self.layouts = layouts
        self.constants = {c.name: c.value for c in reversed(spec.constants) if c.value is not None}
        self.classes: dict[str, Cls] = {}
        self.inner: dict[str, list[Cls]] = {}
        self._by_tag: dict[str, Cls] = {}
        self._names: dict[str, set[str]] = {}
        self._references: dict[tuple[str, str], Cls] = {}
        for struct in spec.structs:
            module = module_of(struct.module)
            base = class_name(struct.name) + (f"_{struct.variant}" if struct.variant > 1 else "")
            cls = Cls(
                name=self.claim(module, base),
                c_name=struct.name,
                module=module,
                union=struct.kind == "union",
                members=struct.members,
                struct=struct,
                tagged=True,
            )
            self.classes[struct.key] = cls
            self._by_tag.setdefault(struct.name, cls)

    def claim(self, module: str, name: str) -> str:
        """A name that nothing else in the module has; with the name of its view it is taken from now on."""
        taken = self._names.setdefault(module, set())
        while name in taken or name in self.reserved or f"{name}View" in taken:
            name += "_"
        taken.update((name, f"{name}View"))
        return name

    def by_tag(self, tag: str) -> Cls | None:
        """The class for a tag, planned; None where the model does not define it."""
        cls = self._by_tag.get(tag)
        if cls is not None and not cls.planned:
            self.plan(cls)
        return cls

    def size_of(self, tag: str) -> int | None:
        cls = self.by_tag(tag)
        return None if cls is None else cls.size

    # --- planning -----------------------------------------------------------------------------------------

    def plan(self, cls: Cls) -> None:
        """Fill in the attributes and everything that follows from them."""
        if cls.planned or cls.busy:
            return
        cls.busy = True
        used: set[str] = set()
        if cls.union:
            cls.arms = tuple(self._arms(cls, cls.members, used))
            cls.size = self.layouts.sizes.members(cls.members, union=True)
            cls.leaves = 1
        else:
            pairs = list(self._attributes(cls, cls.members, used))
            cls.attributes = tuple(a for a, _ in pairs)
            cls.sources = tuple(m for _, m in pairs)
            sizes = [a.size for a in cls.attributes]
            known = [s for s in sizes if s is not None]
            cls.size = sum(known) if len(known) == len(sizes) else None
            nested = [self.target(cls, a.cls) for a in cls.attributes if a.cls]
            own = {a.format[0] for a in cls.attributes if a.format and a.format[-1] != "B"}
            cls.orders = frozenset(own).union(*(c.orders for c in nested))
            cls.featured = any(a.optional for a in cls.attributes) or any(c.featured for c in nested)
            cls.leaves = sum(self.target(cls, a.cls).leaves if a.kind == "struct" else 1 for a in cls.attributes)
        cls.busy = False
        cls.planned = True

    def reference(self, user: Cls, used: Cls) -> str:
        """How the code of one class names another."""
        text = used.name if used.module == user.module else f"_{used.module}.{used.name}"
        self._references[user.module, text] = used
        return text

    def target(self, user: Cls, reference: str) -> Cls:
        """The class that `reference` gave this name."""
        return self._references[user.module, reference]

    def _inner(self, cls: Cls, name: str, members: tuple[Member, ...], *, union: bool) -> Cls:
        """A class for a struct or union without a tag."""
        stem = python_class(name or ("union" if union else "struct"))
        inner = Cls(
            name=self.claim(cls.module, cls.name + stem),
            c_name=f"{cls.c_name}.{name}" if name else cls.c_name,
            module=cls.module,
            union=union,
            members=members,
            struct=cls.struct,
            tagged=False,
        )
        self.plan(inner)
        self.inner.setdefault(cls.struct.key, []).append(inner)
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
            yield self._attribute(cls, member, used), member

    def _attribute(self, cls: Cls, member: Member, used: set[str]) -> Attribute:
        type_ = member.type
        optional = member.optional
        if isinstance(type_, Bits) and not member.name:
            return self._bits(type_, used, optional)
        path = member.name or ("union" if isinstance(type_, Aggregate) else "elided")
        name = unique(python_field(path), used)
        match type_:
            case Integer():
                return Attribute(
                    name=name, path=path, kind="int", type="int", size=type_.size, format=code(type_), optional=optional
                )
            case Bits():
                anonymous = Member(name="", type=type_, place=member.place)
                return self._nested(cls, name, path, self._inner(cls, path, (anonymous,), union=False), optional)
            case StructRef(name=tag):
                found = self.by_tag(tag)
                if found is None:
                    return self._opaque(name, path, optional)
                return self._nested(cls, name, path, found, optional)
            case External():
                return self._opaque(name, path, optional)
            case Aggregate(kind=kind, members=members):
                inner = self._inner(cls, member.name, members, union=kind == "union")
                attribute = self._nested(cls, name, path, inner, optional)
                if member.name:
                    return attribute
                arms = tuple(replace(arm, name=unique(arm.name, used)) for arm in inner.arms)
                return replace(attribute, arms=arms)
            case Array():
                return self._array(cls, name, path, type_, optional)
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
        text = self.reference(cls, inner)
        size = None if inner.featured else inner.size  # with optional members inside, it depends on what is there
        return Attribute(name=name, path=path, kind=kind, type=text, cls=text, size=size, optional=optional)

    def _opaque(self, name: str, path: str, optional: bool) -> Attribute:
        return Attribute(name=name, path=path, kind="var_bytes", type="bytes", size=None, optional=optional)

    def _array(self, cls: Cls, name: str, path: str, array: Array, optional: bool) -> Attribute:
        """An array; its size is known or not, and so is that of its elements."""
        count = self._fixed_count(array.length)
        element = array.element
        if isinstance(element, Array):
            return self._two_dimensional(cls, name, path, array, count, optional)
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
                return replace(base, kind="var_bytes")
            case StructRef(name=tag) if (found := self.by_tag(tag)) is not None:
                inner = found
            case Aggregate(kind=kind, members=members):
                inner = self._inner(cls, path, members, union=kind == "union")
            case _:
                return replace(base, kind="var_bytes")
        return self._struct_array(cls, base, inner, count)

    def _struct_array(self, cls: Cls, base: Attribute, inner: Cls, count: int | None) -> Attribute:
        if inner.union or (not inner.flat and self._has_open(inner)):
            cls.notes.append(f"{base.path}: elements do not tell their own size: kept as bytes")
            return replace(base, kind="var_bytes")
        if inner.native:
            cls.notes.append(f"{base.path}: elements have the guest's own byte order: kept as bytes")
            return (
                replace(base, kind="var_bytes")
                if count is None or inner.size is None
                else replace(base, size=count * inner.size, count=count * inner.size)
            )
        text = self.reference(cls, inner)
        if not inner.flat:
            if self._least(inner) == 0 or inner.featured:
                cls.notes.append(f"{base.path}: elements may be empty: kept as bytes")
                return replace(base, kind="var_bytes")
            return replace(base, kind="var_items", type=f"list[{text}]", cls=text, count=count or 0)
        inner.element = True
        unit = inner.size or 0
        if unit == 0:
            return replace(base, kind="var_bytes")
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

    def _two_dimensional(
        self, cls: Cls, name: str, path: str, array: Array, count: int | None, optional: bool
    ) -> Attribute:
        """Rows of a fixed number of bytes are pieces; any other array of arrays is kept as bytes."""
        row = self.layouts.sizes.type(array.element)
        element = array.element.element if isinstance(array.element, Array) else array.element
        base = Attribute(name=name, path=path, kind="bytes", type="bytes", size=None, optional=optional)
        if row and isinstance(element, Integer) and element.bits == 8:
            if count is None:
                return replace(base, kind="var_pieces", type="list[bytes]", unit=row)
            return replace(base, kind="pieces", type="tuple[bytes, ...]", unit=row, count=count, size=count * row)
        cls.notes.append(f"{path}: an array of arrays: kept as bytes")
        if row is not None and count is not None:
            return replace(base, size=row * count, count=row * count)
        return replace(base, kind="var_bytes")

    def _fixed_count(self, length: Length) -> int | None:
        match length:
            case Count(value=value):
                return value
            case Expression(text=text):
                try:
                    return evaluate(parse(text), self._constant, self.size_of)
                except ExpressionError:
                    return None
            case _:
                return None

    def _constant(self, name: str) -> int:
        if name not in self.constants:
            raise ExpressionError(f"'{name}' is no constant")
        return self.constants[name]

    def value_of(self, text: str) -> int | None:
        """The value of a constant's name or a number; None where it is neither."""
        try:
            return evaluate(parse(text), self._constant, self.size_of)
        except ExpressionError:
            return None

    def _has_open(self, inner: Cls) -> bool:
        """Whether an object's bytes alone do not tell where it ends."""
        for attribute, member in zip(inner.attributes, inner.sources, strict=True):
            if attribute.kind in ("var_struct", "var_items", "struct"):
                if attribute.cls and self._has_open(self.target(inner, attribute.cls)):
                    return True
            elif attribute.kind == "var_union" or (
                attribute.size is None and member is not None and not self.counted(inner, member)
            ):
                return True
        return False

    def counted(self, cls: Cls, member: Member) -> bool:
        """Whether an array's length follows from members before it."""
        roots = set()
        for attribute, other in zip(cls.attributes, cls.sources, strict=True):
            if other is member:
                break
            roots.add(attribute.path)
        used = self.count_names(member)
        return used is not None and all(name.split(".")[0] in roots for name in used)

    def count_names(self, member: Member) -> set[str] | None:
        """The names of members that an array's length is made of; None where it needs more than members."""
        length = member.type.length if isinstance(member.type, Array) else None
        match length:
            case FieldRef(path=path):
                return {path}
            case Expression(text=text):
                try:
                    tree = parse(text)
                    to_python(tree, str, self.size_of)
                except ExpressionError:
                    return None
                return {name for name in names(tree) if name not in self.constants}
            case _:
                return None

    def _least(self, inner: Cls) -> int:
        """The least number of bytes an object takes."""
        return sum(a.size or 0 for a in inner.attributes if not a.optional)

    # --- arms of unions -----------------------------------------------------------------------------------

    def _arms(self, cls: Cls, members: Sequence[Member], used: set[str], offset: int = 0) -> Iterator[ArmView]:
        for member in members:
            type_ = member.type
            if isinstance(type_, Aggregate) and not member.name:
                at = offset
                for inner in type_.members:
                    yield from self._arms(cls, (inner,), used, at)
                    if type_.kind == "struct":
                        size = self.layouts.sizes.type(inner.type)
                        if size is None:
                            break
                        at += size
                continue
            if isinstance(type_, Bits) and not member.name:
                inner_cls = self._inner(cls, "bits", (member,), union=False)
                text = self.reference(cls, inner_cls)
                name = unique("bits", used)
                yield ArmView(name=name, arm=name, factory=f"struct_arm(lambda: {text}{_at(offset)})", type=text)
                continue
            name = unique(python_field(member.name or "arm"), used, arm=True)
            factory, annotation = self._arm(cls, member, offset)
            yield ArmView(name=name, arm=name, factory=factory, type=annotation)

    def _arm(self, cls: Cls, member: Member, offset: int) -> tuple[str, str]:
        attribute = self._attribute(cls, replace(member, optional=False), set())
        at = _at(offset)
        match attribute.kind:
            case "int":
                return f'int_arm("{attribute.format.replace("=", "<")}"{at})', "int"
            case "ints":
                text = f"{attribute.format[0].replace('=', '<')}{attribute.count}{attribute.format[1:]}"
                return f'ints_arm("{text}"{at})', attribute.type
            case "struct":
                return f"struct_arm(lambda: {attribute.cls}{at})", attribute.cls
            case "var_struct" if not self._needs_arguments(self.target(cls, attribute.cls)):
                return f"struct_arm(lambda: {attribute.cls}{at})", attribute.cls
            case _:
                return f"bytes_arm({attribute.size}{at})", "bytes"

    def _needs_arguments(self, inner: Cls) -> bool:
        opens = sum(
            a.size is None and m is not None and not self.counted(inner, m)
            for a, m in zip(inner.attributes, inner.sources, strict=True)
        )
        return opens > 1


def _at(offset: int) -> str:
    return f", {offset}" if offset else ""
