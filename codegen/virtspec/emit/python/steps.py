"""How an object is decoded and encoded: runs of fixed members, and the members of variable size between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from virtspec.emit.expressions import ExpressionError, Name, evaluate, parse, to_python
from virtspec.emit.python.naming import Cls
from virtspec.emit.python.runs import TAKEN_LOCALS, RunBuilder, is_run, merge_neutral
from virtspec.emit.python.shapes import Catalogue
from virtspec.emit.python.views import Attribute, Check, ConditionView, Open, Run, Step
from virtspec.model import (
    AllOf,
    AnyOf,
    Array,
    Condition,
    ConfigRef,
    Expression,
    ExternalLength,
    Feature,
    FieldRef,
    Length,
    Member,
    Not,
)
from virtspec.names import python_field

FLATTENED = 64
"""Nested structs with more members than this are decoded by themselves, not in the same unpack."""

MOST_DEFAULTS = 64
"""Up to how many elements a new object has in an array that must not be empty."""


@dataclass(slots=True)
class Plan:
    """The steps of one class."""

    steps: list[Step] = field(default_factory=list)
    opens: list[Open] = field(default_factory=list)
    conditions: list[ConditionView] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    """What is known beforehand of the bytes a member takes: a number, an expression over members and keywords, the
    keyword that it is left to, or nothing (all empty: its own content tells)."""

    size: int | None = None
    count: str = ""
    names: frozenset[str] = frozenset()
    keyword: str = ""
    unit: int = 1
    required: bool = False
    arguments: tuple[tuple[str, str], ...] = ()


class Planner:
    """Makes the steps for the classes of a catalogue. `features` are the bits of all known feature names."""

    def __init__(self, catalogue: Catalogue, features: dict[str, int]) -> None:
        self.catalogue = catalogue
        self.features = features
        self._keywords: dict[int, tuple[str, ...]] = {}

    # --- runs ---------------------------------------------------------------------------------------------

    def run(self, cls: Cls, attributes: Sequence[Attribute], codec: str, *, absent: bool = False) -> Run:
        """One unpack for consecutive attributes of fixed size; nested structs are filled by it too. `absent` tells
        that they may all be None."""
        builder = RunBuilder(self.catalogue, absent)
        for attribute in attributes:
            builder.add(cls, cls, attribute, "self", "self", "")
        order = next(iter(builder.orders - {"="}), "<")
        return Run(
            codec=codec,
            format=("" if "=" in builder.orders else order) + builder.format(),
            size=sum(a.size or 0 for a in attributes),
            native="=" in builder.orders,
            targets=tuple(builder.targets),
            sources=tuple(builder.sources),
            fresh=tuple(builder.fresh),
            conversions=tuple(builder.conversions),
            nested=tuple(builder.nested),
            lengths=tuple(builder.lengths),
        )

    # --- keywords -----------------------------------------------------------------------------------------

    def keywords(self, cls: Cls) -> tuple[str, ...]:
        """The keyword arguments for lengths that decoding this class takes."""
        known = self._keywords.get(id(cls))
        if known is None:
            known = tuple(dict.fromkeys(k for extent in self._extents(cls) for k in _keywords_of(extent)))
            self._keywords[id(cls)] = known
        return known

    def _extents(self, cls: Cls) -> list[_Extent]:
        used: list[str] = []
        extents: list[_Extent] = []
        earlier: set[str] = set()
        for attribute, member in zip(cls.attributes, cls.sources, strict=True):
            extent = self._extent(cls, attribute, member, earlier)
            if extent.keyword and extent.keyword in TAKEN_LOCALS | {a.name for a in cls.attributes}:
                extent = replace(extent, keyword=extent.keyword + "_")
            extents.append(extent)
            used += _keywords_of(extent)
            earlier.add(attribute.path)
        # a keyword that several members share cannot follow from what remains
        return [replace(e, required=True) if e.keyword and used.count(e.keyword) > 1 else e for e in extents]

    def _extent(self, cls: Cls, attribute: Attribute, member: Member | None, earlier: set[str]) -> _Extent:
        if attribute.kind == "var_struct":
            inner = self.catalogue.target(cls, attribute.cls)
            arguments = tuple((k, self._passed(attribute, k)) for k in self.keywords(inner))
            return _Extent(size=attribute.size, arguments=arguments)
        if attribute.size is not None:
            return _Extent(size=attribute.size)
        length = member.type.length if member is not None and isinstance(member.type, Array) else None
        if length is not None and member is not None:
            names = self.catalogue.count_names(member)
            if names is not None and all(n.split(".")[0] in earlier for n in names):
                return _Extent(count=self._count(cls, length), names=frozenset(names), unit=attribute.unit)
        return _Extent(keyword=_keyword(attribute, length), unit=attribute.unit)

    @staticmethod
    def _passed(attribute: Attribute, keyword: str) -> str:
        """The keyword under which a struct takes one of a nested struct's."""
        ambiguous = keyword.endswith(("_size", "_count")) and not keyword.startswith("queue_")
        return f"{attribute.name}_{keyword}" if ambiguous else keyword

    def _count(self, cls: Cls, length: Length) -> str:
        text = to_python(parse(_text(length)), lambda path: self._member(cls, path), self.catalogue.size_of)
        return text[1:-1] if isinstance(length, FieldRef) and text.startswith("(") else text

    def _member(self, cls: Cls, path: str) -> str:
        """A member's path as an attribute of `self`; a constant as its value."""
        parts = path.split(".")
        first = {a.path: a.name for a in cls.attributes} | {b.name: b.name for a in cls.attributes for b in a.bits}
        if parts[0] in first:
            text = ".".join(["self", first[parts[0]], *(python_field(p) for p in parts[1:])])
            absent = any(a.optional for a in cls.attributes if a.path == parts[0])
            return f"({text} or 0)" if absent else text
        if path in self.catalogue.constants:
            return str(self.catalogue.constants[path])
        raise ExpressionError(f"'{path}' is neither a member nor a constant")

    # --- steps --------------------------------------------------------------------------------------------

    def plan(self, cls: Cls) -> Plan:
        """The steps of a class that is not covered by one `struct.Struct`."""
        plan = Plan()
        extents = self._extents(cls)
        conditions = self._conditions(cls, plan)
        boundary = self.boundary(cls)
        position = 0
        groups = groupby(
            range(len(cls.attributes)),
            key=lambda i: (
                is_run(cls.attributes[i]),
                conditions[i],
                boundary is not None and i >= boundary,
                self._order(cls, cls.attributes[i]) if is_run(cls.attributes[i]) else i,
            ),
        )
        number = 0
        for (together, condition, writable, _), members in merge_neutral(groups):
            indices = list(members)
            attributes = [cls.attributes[i] for i in indices]
            position = indices[0]
            if together:
                number += 1
                run = self.run(cls, attributes, f"_{cls.name}_{number}", absent=attributes[0].optional)
                plan.steps.append(
                    Step(index=position, condition=condition, first=attributes[0].name, run=run, writable=writable)
                )
            else:
                step = self._variable(cls, position, extents, conditions, boundary, plan)
                plan.steps.append(replace(step, condition=condition, writable=writable))
        plan.attributes = [self._constructed(cls, i, extents) for i in range(len(cls.attributes))]
        plan.checks = list(self._checks(cls, extents))
        plan.conditions = [
            replace(c, members=tuple(a.name for a, n in zip(cls.attributes, conditions, strict=True) if n == c.name))
            for c in plan.conditions
        ]
        return plan

    def boundary(self, cls: Cls) -> int | None:
        """The number of the first device-writable member, where a request has both parts."""
        directions = [m.direction if m is not None else None for m in cls.sources]
        if "writable" not in directions:
            return None
        first = directions.index("writable")
        if not first or set(directions[:first]) != {"readable"} or set(directions[first:]) != {"writable"}:
            return None  # of a part that either may access, a program has to say in which buffer it is
        return first

    def _order(self, cls: Cls, attribute: Attribute) -> str:
        """The byte order of a member's integers; "" where it has none longer than a byte."""
        if attribute.kind == "struct":
            return next(iter(self.catalogue.target(cls, attribute.cls).orders), "")
        return attribute.format[:1] if attribute.format[-1:] not in ("", "B") else ""

    def _variable(
        self,
        cls: Cls,
        index: int,
        extents: list[_Extent],
        conditions: list[str],
        boundary: int | None,
        plan: Plan,
    ) -> Step:
        attribute = cls.attributes[index]
        extent = extents[index]
        unsigned = bool(extent.count) and "-" not in extent.count
        step = Step(index=index, first=attribute.name, attribute=attribute, count=extent.count, unsigned=unsigned)
        if attribute.kind == "var_struct":
            inner = self.catalogue.target(cls, attribute.cls)
            passed = [f"{k}={v}" for k, v in extent.arguments]
            context = ["byteorder=byteorder"] if inner.native else []
            context += ["features=features"] if inner.featured else []
            for own, outer in extent.arguments:
                if all(outer != o.keyword for o in plan.opens):
                    needed = any(o.required for o in self.plan(inner).opens if o.keyword == own)
                    plan.opens.append(Open(keyword=outer, required=needed))
            behind = self._behind(cls, index, len(extents), extents, conditions)
            restrict = behind[0] if behind and extent.arguments else ""
            arguments = "".join(f", {argument}" for argument in passed + context)
            return replace(step, arguments=arguments, passed=", ".join(context), restrict=restrict)
        if not extent.keyword:
            return step
        whole = self._behind(cls, index, len(extents), extents, conditions)
        part_end = boundary if boundary is not None and index < boundary else len(extents)
        part = self._behind(cls, index, part_end, extents, conditions)
        opened = Open(
            keyword=extent.keyword,
            whole=_remaining("len(buffer)", whole[0], extent.unit) if whole else "",
            ragged=f"(len(buffer) - at{whole[0]}) % {extent.unit}" if whole and whole[0] and extent.unit > 1 else "",
            others=whole[1] if whole else (),
            part=_remaining("split", part[0], extent.unit) if part else "",
            part_others=part[1] if part else (),
            required=extent.required or (whole is None and part is None),
            limited=boundary is not None and index < boundary,
        )
        if all(opened.keyword != o.keyword for o in plan.opens):
            plan.opens.append(opened)
        return replace(step, open=opened)

    def _behind(
        self, cls: Cls, index: int, end: int, extents: list[_Extent], conditions: list[str]
    ) -> tuple[str, tuple[str, ...]] | None:
        """The bytes behind a member, as what to subtract (` - 8 - self.length`) over members before it and keywords,
        with the keywords it takes; None where those bytes have to be decoded to know."""
        before = {a.path for a in cls.attributes[:index]}
        fixed = 0
        terms: list[str] = []
        keywords: list[str] = []
        for i in range(index + 1, end):
            extent = extents[i]
            if extent.size is not None:
                if not conditions[i]:
                    fixed += extent.size
                    continue
                term = str(extent.size)
            elif extent.count and all(n.split(".")[0] in before for n in extent.names):
                term = _times(extent.unit, extent.count)
            elif extent.keyword:
                term = _times(extent.unit, extent.keyword)
                keywords.append(extent.keyword)
            else:
                return None
            terms.append(f"({term} if {conditions[i]} else 0)" if conditions[i] else term)
        if fixed:
            terms.insert(0, str(fixed))
        return "".join(f" - {term}" for term in terms), tuple(dict.fromkeys(keywords))

    # --- conditions ---------------------------------------------------------------------------------------

    def _conditions(self, cls: Cls, plan: Plan) -> list[str]:
        """The local name of each member's condition, "" where it is always present."""
        names: dict[str, str] = {}
        result: list[str] = []
        for attribute, member in zip(cls.attributes, cls.sources, strict=True):
            condition = member.condition if member is not None else None
            expression = ""
            if attribute.optional and condition is not None:
                expression = self.truth(condition) or ""
            if not expression:
                result.append("")
                continue
            if expression not in names:
                names[expression] = f"has_{attribute.name.strip('_')}"
                plan.conditions.append(ConditionView(name=names[expression], expression=expression))
            result.append(names[expression])
        return result

    def truth(self, condition: Condition) -> str | None:
        """A condition over `bits`, the negotiated features; None where features do not decide it."""
        match condition:
            case Feature(name=name):
                bit = self.features.get(name)
                return None if bit is None else f"bits >> {bit} & 1 != 0"
            case Not(term=term):
                inner = self.truth(term)
                return None if inner is None else f"not ({inner})"
            case AllOf(terms=terms) | AnyOf(terms=terms):
                mask = self._mask(condition)
                if mask is not None:
                    return f"bits & {mask:#x} != 0"
                parts = [self.truth(term) for term in terms]
                word = " and " if isinstance(condition, AllOf) else " or "
                known = [f"({p})" for p in parts if p is not None]
                return word.join(known) if len(known) == len(parts) and known else None
            case _:
                return None

    def _mask(self, condition: Condition) -> int | None:
        """The bits of which any one makes the condition true."""
        if not isinstance(condition, AnyOf):
            return None
        mask = 0
        for term in condition.terms:
            bit = self.features.get(term.name) if isinstance(term, Feature) else None
            if bit is None:
                return None
            mask |= 1 << bit
        return mask

    # --- construction and checks --------------------------------------------------------------------------

    def _constructed(self, cls: Cls, index: int, extents: list[_Extent]) -> Attribute:
        """An attribute with what the constructor needs to know: lengths that follow from arrays, and the reverse."""
        attribute = cls.attributes[index]
        for other, member in zip(cls.attributes, cls.sources, strict=True):
            length = member.type.length if member is not None and isinstance(member.type, Array) else None
            if isinstance(length, FieldRef) and other.size is None and other.optional == attribute.optional:
                root, _, rest = length.path.partition(".")
                if root == attribute.path:
                    # a parameter named `len` hides the function
                    hidden = any(a.name == "len" for a in cls.attributes)
                    text = f"self.{other.name}.__len__()" if hidden else f"len(self.{other.name})"
                    if not rest and attribute.kind == "int":
                        if other.optional:
                            text = f"None if self.{other.name} is None else {text}"
                        return replace(attribute, derived=text)
                    if attribute.kind == "struct" and rest and "." not in rest and not other.optional:
                        return replace(attribute, derived=f"{python_field(rest)}={text}")
        if extents[index].count and attribute.kind.startswith("var_"):
            least = self._least_count(cls, index)
            return replace(attribute, filled=str(least)) if least > 0 else attribute
        return attribute

    def _least_count(self, cls: Cls, index: int) -> int:
        """How many elements an array has where all other members are zero (`mask + 1`)."""
        member = cls.sources[index]
        if member is None or not isinstance(member.type, Array):
            return 0
        constants = self.catalogue.constants
        try:
            tree = parse(_text(member.type.length))
            count = evaluate(tree, lambda name: constants.get(name, 0), self.catalogue.size_of)
        except ExpressionError:
            return 0
        return count if count <= MOST_DEFAULTS else 0

    def _checks(self, cls: Cls, extents: list[_Extent]) -> Iterator[Check]:
        for attribute, member, extent in zip(cls.attributes, cls.sources, extents, strict=True):
            if extent.count and member is not None and isinstance(member.type, Array):
                text = _text(member.type.length)
                yield Check(name=attribute.name, count=extent.count, text=text, optional=attribute.optional)


def _text(length: Length) -> str:
    """A length that is made of members, as the specification writes it."""
    match length:
        case FieldRef(path=path):
            return path
        case Expression(text=text):
            return text
        case _:
            return ""


def _keyword(attribute: Attribute, length: Length | None) -> str:
    """The keyword argument for a length that the struct does not carry."""
    match length:
        case ExternalLength(name=name):
            text = python_field("_".join(name.strip("<>").split()).lower())
        case ConfigRef(path=path):
            text = python_field(path.rpartition(".")[2])
        case Expression(text=text) if isinstance(_parsed(text), Name):
            text = python_field(text.rpartition(".")[2])
        case _:
            text = f"{attribute.name}_{'size' if attribute.unit == 1 else 'count'}"
    return f"{text}_" if text in TAKEN_LOCALS else text


def _parsed(text: str) -> object:
    try:
        return parse(text)
    except ExpressionError:
        return None


def _keywords_of(extent: _Extent) -> list[str]:
    return [extent.keyword] if extent.keyword else [outer for _, outer in extent.arguments]


def _times(unit: int, count: str) -> str:
    if unit == 1:
        return count if count.replace("_", "").replace(".", "").isalnum() else f"({count})"
    return f"{unit} * {count}" if count.replace("_", "").replace(".", "").isalnum() else f"{unit} * ({count})"


def _remaining(end: str, behind: str, unit: int) -> str:
    """How many elements there is room for up to `end`, with other members behind."""
    return f"{end} - at{behind}" if unit == 1 else f"({end} - at{behind}) // {unit}"
