"""What is known beforehand of the bytes that each member takes, and the keyword arguments for what is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from virtspec.emit.arithmetic import length_to_python
from virtspec.emit.formulas import parse_formula
from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.counts import Counts
from virtspec.emit.python.naming import TAKEN_LOCALS, Cls
from virtspec.emit.python.views import Attribute
from virtspec.expressions import ExpressionError, Name
from virtspec.model import Array, ConfigRef, Expression, ExternalLength, FieldRef, Length, Member
from virtspec.names import python_field


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What is known beforehand of the bytes a member takes: a number, an expression over members and keywords, the
    keyword that it is left to, or nothing (all empty: its own content tells)."""

    size: int | None = None
    count: str = ""
    names: frozenset[str] = frozenset()
    keyword: str = ""
    unit: int = 1
    required: bool = False
    arguments: tuple[tuple[str, str], ...] = ()

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keyword arguments of the struct that determine it."""
        return (self.keyword,) if self.keyword else tuple(outer for _, outer in self.arguments)


class Extents:
    """Finds the extents of the members of classes."""

    def __init__(self, catalogue: Catalogue, counts: Counts) -> None:
        self.catalogue = catalogue
        self.counts = counts
        self._keywords: dict[int, tuple[str, ...]] = {}

    def keywords(self, cls: Cls) -> tuple[str, ...]:
        """The keyword arguments for lengths that decoding this class takes."""
        known = self._keywords.get(id(cls))
        if known is None:
            known = tuple(dict.fromkeys(k for extent in self.of(cls) for k in extent.keywords))
            self._keywords[id(cls)] = known
        return known

    def of(self, cls: Cls) -> list[Extent]:
        """The extents of the members, in their order."""
        used: list[str] = []
        extents: list[Extent] = []
        earlier: set[str] = set()
        for attribute, member in zip(cls.attributes, cls.sources, strict=True):
            extent = self._extent(cls, attribute, member, earlier)
            if extent.keyword and extent.keyword in TAKEN_LOCALS | {a.name for a in cls.attributes}:
                extent = replace(extent, keyword=extent.keyword + "_")
            extents.append(extent)
            used += extent.keywords
            earlier |= {attribute.path, *(bit.path for bit in attribute.bits)}
        # a keyword that several members share cannot follow from what remains
        return [replace(e, required=True) if e.keyword and used.count(e.keyword) > 1 else e for e in extents]

    def _extent(self, cls: Cls, attribute: Attribute, member: Member | None, earlier: set[str]) -> Extent:
        if attribute.kind == "var_struct":
            inner = self.catalogue.target(cls, attribute.cls)
            arguments = tuple((k, self._passed(attribute, k)) for k in self.keywords(inner))
            return Extent(size=attribute.size, arguments=arguments)
        if attribute.size is not None:
            return Extent(size=attribute.size)
        length = member.type.length if member is not None and isinstance(member.type, Array) else None
        unit = attribute.unit
        if attribute.kind == "var_items":  # of which each tells its own size, if they do not all have one
            inner = self.catalogue.target(cls, attribute.cls)
            unit = inner.size or 0 if inner.fixed else 0
            if attribute.count:
                return Extent(count=str(attribute.count), unit=unit)
        if length is not None and member is not None and not attribute.opaque:
            names = self.counts.names(member)
            if names is not None and all(n.split(".")[0] in earlier for n in names):
                return Extent(count=self._count(cls, length), names=frozenset(names), unit=unit)
        return Extent(keyword=_keyword(attribute, length), unit=attribute.unit)

    @staticmethod
    def _passed(attribute: Attribute, keyword: str) -> str:
        """The keyword under which a struct takes one of a nested struct's."""
        ambiguous = keyword.endswith(("_size", "_count")) and not keyword.startswith("queue_")
        return f"{_stem(attribute)}_{keyword}" if ambiguous else keyword

    def _count(self, cls: Cls, length: Length) -> str:
        tree = parse_formula(length_text(length))
        text = length_to_python(tree, lambda path: self._member(cls, path), self.counts.size_of)
        return text[1:-1] if isinstance(length, FieldRef) and text.startswith("(") else text

    def _member(self, cls: Cls, path: str) -> str:
        """A member's path as an attribute of `self`; a constant as its value."""
        parts = path.split(".")
        first = {a.path: a.name for a in cls.attributes} | {b.path: b.name for a in cls.attributes for b in a.bits}
        if parts[0] in first:
            text = ".".join(["self", first[parts[0]], *(python_field(p) for p in parts[1:])])
            absent = any(a.optional for a in cls.attributes if a.path == parts[0])
            return f"({text} or 0)" if absent else text
        if path in self.counts.constants:
            return str(self.counts.constants[path])
        raise ExpressionError(f"'{path}' is neither a member nor a constant")


def behind(
    cls: Cls, index: int, end: int, extents: list[Extent], conditions: list[str]
) -> tuple[str, tuple[str, ...]] | None:
    """The bytes behind a member, as what to subtract (` - 8 - self.length`) over members before it and keywords,
    with the keywords it takes; None where those bytes have to be decoded to know."""
    before = {path for a in cls.attributes[:index] for path in (a.path, *(bit.path for bit in a.bits))}
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
        elif extent.count and extent.unit and all(n.split(".")[0] in before for n in extent.names):
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


def length_text(length: Length) -> str:
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
            text = f"{_stem(attribute)}_{'size' if attribute.unit == 1 else 'count'}"
    return f"{text}_" if text in TAKEN_LOCALS else text


def _stem(attribute: Attribute) -> str:
    """How lengths call an attribute: as the vectors do, whatever else a class has of its name (`raw_`: `raw_size`)."""
    plain = python_field(attribute.path)
    return plain if attribute.name == f"{plain}_" else attribute.name


def _parsed(text: str) -> object:
    try:
        return parse_formula(text)
    except ExpressionError:
        return None


def _times(unit: int, count: str) -> str:
    if unit == 1:
        return count if count.replace("_", "").replace(".", "").isalnum() else f"({count})"
    return f"{unit} * {count}" if count.replace("_", "").replace(".", "").isalnum() else f"{unit} * ({count})"
