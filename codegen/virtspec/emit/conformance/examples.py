"""Makes examples of structs from the model and nothing else.

This is an encoder of its own, independent of the generated code: conformance vectors are the truth that generated code
is held against. It lays members out one after the other, as the specification does, and writes down what it wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from virtspec.compat import assert_never
from virtspec.emit.conformance.lengths import fixed_count, further_count, open_arrays, solution, stated_count
from virtspec.emit.conformance.values import (
    MAX_EXAMPLE,
    RESERVED,
    Choice,
    Definitions,
    Example,
    NoExample,
)
from virtspec.emit.conformance.written import Written
from virtspec.emit.formulas import parse_formula
from virtspec.expressions import ExpressionError, names
from virtspec.model import (
    Aggregate,
    AllOf,
    AnyOf,
    Array,
    Bits,
    Condition,
    ConfigRef,
    Count,
    Elided,
    Expression,
    External,
    ExternalLength,
    Feature,
    FieldIs,
    FieldRef,
    Integer,
    Member,
    Not,
    Prose,
    Rest,
    Struct,
    StructRef,
    Type,
)
from virtspec.names import python_field

ALL_FEATURES = (1 << 128) - 1
"""All feature bits that any device type has."""


class Examples(Definitions):
    """Makes examples of the structs of one model."""

    def make(self, struct: Struct, choice: Choice) -> Example:
        """An example of a struct. Raises `NoExample`."""
        walk = _Walk(self, choice, struct)
        walk.members(struct.members, "", top=True, union=struct.kind == "union")
        arguments: dict[str, int | str] = dict(walk.arguments)
        if walk.featured:
            mask = sum({1 << self.bits[name] for name in choice.features if name in self.bits})
            if choice.others:
                mask |= ALL_FEATURES & ~sum({1 << self.bits[name] for name in self.features_of(struct)})
            arguments["features"] = f"{mask:#x}"
        if walk.native:
            arguments["byteorder"] = choice.order
        return Example(
            data=bytes(walk.out),
            leaves=tuple(walk.leaves),
            arguments=arguments,
            ends=tuple(walk.ends),
            counts=walk.counts,
            unions=walk.unions,
            unit=walk.unit,
            loose=walk.loose,
            slack=walk.slack,
            follows=dict(walk.follows()),
        )


class _Walk(Written):
    """One pass over the members of a struct."""

    def __init__(self, examples: Examples, choice: Choice, struct: Struct) -> None:
        super().__init__(choice)
        self.examples = examples
        self.struct = struct
        self.arguments: dict[str, int | str] = {}
        self.ends: list[int] = []
        self.counts: dict[str, bool] = {}
        self.unions: dict[str, int] = {}
        self.featured = False
        self.unit = 0
        self.loose = False
        self.slack = False
        self.shared = False
        self.given: dict[str, tuple[int, int]] = {}
        self.counted: list[tuple[str, int]] = []
        self._declared: set[str] = set()
        self._depth = 0
        self._visited = 0
        self._opens = open_arrays(struct.members)

    def follows(self) -> Iterator[tuple[str, int]]:
        """The arguments that follow from the size of the whole and the other arguments, since nothing behind such an
        array has a length that is stated only there; and the sizes of the elements."""
        at = {leaf.path: leaf.offset for leaf in self.leaves}
        for key, (start, unit) in self.given.items():
            if not self.shared and all(at.get(path, 0) < start for path, offset in self.counted if offset >= start):
                yield key, unit

    # --- members ------------------------------------------------------------------------------------------

    def members(self, members: tuple[Member, ...], prefix: str, *, union: bool, top: bool = False) -> None:
        if union:
            self._union(members, prefix, prefix.rstrip("."))
            return
        declared = list(self._flat(members))
        self._declared.update(prefix + m.name for m in declared)
        present = [m for m in declared if self._present(m)]
        self._solve(present, prefix)
        for member in present:
            self._member(member, prefix)
            if top:
                self.ends.append(len(self.out))

    def _flat(self, members: tuple[Member, ...]) -> Iterator[Member]:
        """The members, those of an unnamed struct in its place."""
        for member in members:
            inner = member.type
            if not member.name and isinstance(inner, Aggregate) and inner.kind == "struct":
                if self._present(member):
                    yield from self._flat(inner.members)
            else:
                yield member

    def _present(self, member: Member) -> bool:
        if not member.optional or member.condition is None:
            return True
        self.featured = True
        return self._holds(member.condition)

    def _holds(self, condition: Condition) -> bool:
        match condition:
            case Feature(name=name):
                if name not in self.examples.bits:
                    raise NoExample(f"feature '{name}' has no known bit")
                return name in self.choice.features
            case Not(term=term):
                return not self._holds(term)
            case AllOf(terms=terms):
                return all(self._holds(t) for t in terms)
            case AnyOf(terms=terms):
                return any(self._holds(t) for t in terms)
            case FieldIs() | Prose():
                raise NoExample("a member is there or not by a condition that features do not decide")
            case _:
                assert_never(condition)

    def _member(self, member: Member, prefix: str) -> None:
        self._depth += 1
        if self._depth > 32:
            raise NoExample("nests too deep")
        path = prefix + member.name
        reserved = RESERVED.fullmatch(member.name) is not None
        self._type(member.type, path, prefix, member, reserved)
        self._depth -= 1
        if len(self.out) > MAX_EXAMPLE:
            raise NoExample(f"has more than {MAX_EXAMPLE} bytes")

    def _type(self, type_: Type, path: str, prefix: str, member: Member, reserved: bool) -> None:
        self._visited += 1
        if self._visited > 4 * MAX_EXAMPLE:  # elements may be empty, so that bytes alone set no bound
            raise NoExample("has too many members")
        match type_:
            case Integer():
                self.integer(type_, path, reserved)
            case Bits():
                self.bits(type_, prefix if not member.name else f"{path}.")
            case StructRef(name=tag):
                struct = self.examples.structs.get(tag)
                if struct is None:
                    raise NoExample(f"'{path}' is a struct '{tag}' that is not defined")
                self.members(struct.members, f"{path}.", union=struct.kind == "union")
            case Array(element=External(name=name), length=Count() | FieldRef() | Expression()):
                # one asks for the size of an element, another for that of all of them
                raise NoExample(f"holds several of struct '{name}' of another project")
            case External() | Array(element=External()):
                # of another project: how long it is, its user knows
                data = self.take(self._given(path, 1, self.choice.open), reserved)
                self.leaf(path, data, data)
            case Aggregate(kind=kind, members=members):
                if kind == "union":
                    self._union(members, f"{path}." if member.name else prefix, path or prefix)
                else:
                    self.members(members, f"{path}." if member.name else prefix, union=False)
            case Array():
                self._array(type_, path, prefix, member, reserved)
            case _:
                assert_never(type_)

    def _union(self, members: tuple[Member, ...], prefix: str, key: str) -> None:
        """One arm of a union; the bytes behind it are zero. A value that the arms share is not told apart."""
        if not members:
            return
        key = re.sub(r"\[\d+\]", "[]", key)
        self.unions[key] = len(members)
        arm = members[min(self.choice.arms.get(key, 0), len(members) - 1)]
        if any(isinstance(m.type, External) for m in members):
            # as long as a struct of another project, whichever arm it is
            data = self.take(self._given(key or "union", 1, self.choice.open), reserved=False)
            self.leaf(prefix + arm.name, data, data)
            return
        sizes = [self.examples.layouts.sizes.type(m.type) for m in members]
        start = len(self.out)
        self._member(arm, prefix)
        known = [s for s in sizes if s is not None]
        if len(known) == len(sizes):
            rest = max(known) - (len(self.out) - start)
            self.slack = self.slack or rest > 0
            self.out += (b"\xa5" if self.choice.behind else b"\0") * rest
        else:
            self.loose = True

    # --- values -------------------------------------------------------------------------------------------

    # --- arrays -------------------------------------------------------------------------------------------

    def _array(self, array: Array, path: str, prefix: str, member: Member, reserved: bool) -> None:
        if path in self.choice.payload:
            data = self.choice.payload[path]
            self.leaf(path, data, data)
            return
        count = self._count(array, path, prefix)
        element = array.element
        if isinstance(element, Integer) and element.bits == 8:
            data = self.take(count, reserved)
            self.leaf(path, data, data, fixed=isinstance(array.length, Count))
            return
        if isinstance(element, Array) and self.examples.layouts.sizes.type(element) is None:
            # nobody can tell such rows apart: they are bytes
            if not isinstance(array.length, Rest):
                raise NoExample(f"'{path}' has rows whose size is not known")
            self.leaf(path, data := self.take(count, reserved), data)
            return
        if not self._delimits_itself(element):
            if isinstance(array.length, FieldRef):
                raise NoExample(f"'{path}' has a number of elements that do not tell their own size")
            self.leaf(path, data := self.take(count, reserved), data)
            return
        for i in range(count):
            self._type(element, f"{path}[{i}]", prefix, Member(name=f"{member.name}[{i}]", type=element), reserved)
            if len(self.out) > MAX_EXAMPLE:
                raise NoExample(f"has more than {MAX_EXAMPLE} bytes")

    def _delimits_itself(self, element: Type) -> bool:
        match element:
            case StructRef(name=tag):
                struct = self.examples.structs.get(tag)
                return struct is not None and struct.kind != "union" and self.examples.closed(struct.members)
            case Aggregate(kind=kind, members=members):
                return kind != "union" and self.examples.closed(members)
            case Array():
                return self.examples.layouts.sizes.type(element) is not None
            case External():
                raise NoExample(f"holds a struct '{element.name}' of another project")
            case _:
                return True

    def _count(self, array: Array, path: str, prefix: str) -> int:
        match array.length:
            case Count(value=value):
                if value > MAX_EXAMPLE:
                    raise NoExample(f"'{path}' has {value} elements")
                return value
            case FieldRef(path=other):
                known = self.forced.get(prefix + other)
                self.counted.append((prefix + other, len(self.out)))
                if known is None and prefix + other in self._declared:
                    return 0  # the member that states it is absent
                return self._argument(array, path, self.choice.counted) if known is None else known
            case Expression() as length:
                fixed = fixed_count(length, self.examples)
                if fixed is not None:
                    return fixed
                if self._members_only(length, prefix):
                    # members that several lengths share have the values that the first of them needs
                    return stated_count(length, lambda name: self.forced[prefix + name], self.examples)
                return self._argument(array, path, self.choice.counted)
            case ConfigRef() | ExternalLength():
                return self._argument(array, path, self.choice.counted)
            case Rest():
                self.unit = self.examples.layouts.sizes.type(array.element) or 2
                if not self._delimits_itself(array.element):
                    self.unit = 1
                if self._opens > 1:
                    return self._argument(array, path, self.choice.open)
                return self.choice.open
            case Elided():
                raise NoExample("the listing leaves a part of it out")
            case _:
                assert_never(array.length)

    def _argument(self, array: Array, path: str, count: int) -> int:
        """A length that the struct does not carry: its key is the name that the specification gives it."""
        size = self.examples.layouts.sizes.type(array.element) or 1
        match array.length:
            case ExternalLength(name=text):
                key = python_field("_".join(text.strip("<>").split()).lower())
            case ConfigRef(path=text) | FieldRef(path=text):
                key = python_field(text.rpartition(".")[2])
            case Expression(text=text) if text.isidentifier():
                key = python_field(text)
            case _:
                return self._given(path, size, count)
        return self._given(path, size, count, key)

    def _given(self, path: str, unit: int, count: int, key: str = "") -> int:
        """A length that is given as an argument, by default under the name of the member that has it."""
        if not key:
            name = python_field(path.replace("[", "_").replace("]", "").rpartition(".")[2])
            key = f"{name}_{'size' if unit == 1 else 'count'}"
        self.shared = self.shared or key in self.arguments or "." in path
        self.given.setdefault(key, (len(self.out), unit))
        if key not in self.arguments:
            self.arguments[key] = further_count(count, len(self.arguments))
        return int(self.arguments[key])

    def _members_only(self, length: Expression, prefix: str) -> bool:
        try:
            used = [n for n in names(parse_formula(length.text)) if n not in self.examples.constants]
        except ExpressionError:
            return False
        return bool(used) and all(prefix + name in self.forced for name in used)

    # --- lengths that members state -----------------------------------------------------------------------

    def _solve(self, members: list[Member], prefix: str) -> None:
        """Decide the values of the members that state lengths, before any of them is written."""
        roots = {m.name for m in members if not isinstance(m.type, External)}
        roots |= {b.name for m in members if isinstance(m.type, Bits) for b in m.type.fields}
        for member in members:
            length = member.type.length if isinstance(member.type, Array) else None
            match length:
                case FieldRef(path=path) if path.partition(".")[0] in roots:
                    self._force(prefix, {path: further_count(self.choice.counted, len(self.counts))}, member)
                case Expression() if fixed_count(length, self.examples) is None:
                    self._force(prefix, solution(length, roots, self.choice.counted, self.examples), member)
                case _:
                    pass

    def _force(self, prefix: str, values: Mapping[str, int], member: Member) -> None:
        for path, value in values.items():
            self.forced.setdefault(prefix + path, len(self.choice.payload.get(prefix + member.name, bytes(value))))
            self.counts[prefix + path] = isinstance(member.type, Array) and isinstance(member.type.length, FieldRef)
