"""Lengths → C expressions: where the number of elements of a part comes from, and what its reader has to bring along.

All arithmetic saturates: a length that under- or overflows becomes the largest number, which no message is long enough
for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from virtspec.compat import assert_never
from virtspec.emit.c.message_views import Argument
from virtspec.emit.c.names import Names, Scope, field_name
from virtspec.emit.c.structs import order_word
from virtspec.emit.c.types import Catalogue, Field, Record, Vector, flat
from virtspec.emit.formulas import parse_formula
from virtspec.expressions import Binary, Expr, ExpressionError, Name, Number, SizeOf
from virtspec.model import (
    AllOf,
    AnyOf,
    Bit,
    Bits,
    Condition,
    ConfigRef,
    Count,
    Elided,
    Expression,
    ExternalLength,
    Feature,
    FieldIs,
    FieldRef,
    Integer,
    Length,
    Not,
    Rest,
)
from virtspec.names import plain, python_field

_FUNCTIONS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "<<": "shl", ">>": "shr"}
LOCALS = (
    "message",
    "size",
    "parts",
    "bytes",
    "at",
    "problem",
    "inner",
    "cursor",
    "writer",
    "head",
    "stored",
    "end",
    "features",
    "error",
    "content",
    "room",
    "count",
    "found",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """An integer inside a field: `offset` counts from the start of that field."""

    field: Field
    offset: int
    integer: Integer
    bit: Bit | None = None


def find(fields: tuple[Field, ...], path: list[str]) -> Leaf | None:
    """The integer at a path such as `hdr.length`."""
    name, rest = path[0], path[1:]
    for f, _ in flat(fields):
        if isinstance(f.type, Bits):
            within = f"{f.member.name}.".lstrip(".")
            bit = next((b for b in f.type.fields if within + b.name == ".".join(path)), None)
            if bit is not None:
                return Leaf(field=f, offset=0, integer=f.type.container, bit=bit)
        if f.path != name:
            continue
        if isinstance(f.type, Integer) and not rest:
            return Leaf(field=f, offset=0, integer=f.type)
        if isinstance(f.type, Record) and rest:
            inner = find(f.type.fields, rest)
            if inner is not None and (at := _offset_in(f.type, inner.field)) is not None:
                return Leaf(field=f, offset=at + inner.offset, integer=inner.integer, bit=inner.bit)
    return None


def _offset_in(record: Record, wanted: Field) -> int | None:
    return next((offset for f, offset in flat(record.fields) if f is wanted), None)


@dataclass(slots=True)
class Lengths:
    """The lengths of one message: `places` says where each field lies that can be read already."""

    catalogue: Catalogue
    names: Names
    module: str
    fields: tuple[Field, ...]
    constants: dict[str, int]
    places: dict[int, str] = field(default_factory=dict)
    arguments: dict[str, Argument] = field(default_factory=dict)
    features: bool = False
    _scope: Scope = field(default_factory=Scope)
    _given: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in LOCALS:
            self._scope.claim(name)

    def count(self, length: Length, part: str, element: str) -> str | None:
        """The number of elements as a C expression; None for all that there is room for."""
        match length:
            case Count(value=value):
                return str(value) if value < 1 << 31 else f"{value}ULL"
            case FieldRef(path=path):
                return self.value(path, f"elements in {part}")
            case ConfigRef(struct=struct, path=path):
                return self.argument(path, f"{path} of struct {struct}")
            case Expression(text=text):
                return self._expression(text) or self.elements(part, element, text)
            case ExternalLength(name=name):
                return self.argument(name, f"elements in {part}")
            case Rest() | Elided():
                return None
            case _:
                assert_never(length)

    def value(self, path: str, note: str) -> str:
        """The value of a member; an argument where the message does not hold it, or not yet."""
        return self.read(path) or self.argument(path, note)

    def read(self, path: str) -> str | None:
        """The value of a member that the message holds and whose place is known by now."""
        leaf = find(self.fields, path.split("."))
        place = None if leaf is None else self.places.get(id(leaf.field))
        if leaf is None or place is None:
            return None
        text = f"{self.names.lower}virtio_get_{order_word(leaf.integer)}({self.address(place, leaf.offset)})"
        if leaf.bit is not None:
            text = f"({text} >> {leaf.bit.offset} & 0x{(1 << leaf.bit.width) - 1:x}ULL)"
        if leaf.field.member.optional:
            text = f"({place.removesuffix('.offset')}.size == 0 ? 0 : {text})"
        return text

    @staticmethod
    def address(place: str, offset: int = 0) -> str:
        """The bytes at a place, or behind it."""
        if place.isdigit():
            place, offset = str(int(place) + offset), 0
        return " + ".join(["bytes", *(text for text in (place, str(offset)) if text != "0")])

    def argument(self, path: str, note: str, key: str = "") -> str:
        """A number that the caller gives, by the name that the specification has for it."""
        words = "_".join(re.findall(r"[a-z0-9_]+", path.lower())) or "length"
        if words not in self._given:
            name = self._scope.claim(field_name(words))
            self._given[words] = name
            self.arguments[name] = Argument(name=name, note=note, key=key)
        return self._given[words]

    def elements(self, part: str, element: str, text: str = "") -> str:
        """The number of elements of a part, for the caller to give; of bytes, where elements are bytes."""
        word, unit = ("size", "bytes") if element == "1" else ("count", "elements")
        return self.argument(f"{part.strip('_')}_{word}", f"{unit} in {part}" + (f": {text}" if text else ""))

    def holds(self, condition: Condition, part: str) -> str:
        """A condition as a C expression."""
        match condition:
            case Feature(name=name) if name in self.catalogue.feature_bits:
                self.features = True
                return f"{self.names.lower}virtwire_has(features, {self._feature(name)})"
            case FieldIs(path=path, value=value) if value in self.constants or value.isdigit():
                number = self.constants.get(value, value)
                return f"{self.value(path, f'a number that {part} depends on')} == {number}ULL"
            case AllOf(terms=terms) if terms:
                return " && ".join(self._held(t, part) for t in terms)
            case AnyOf(terms=terms) if terms:
                return " || ".join(self._held(t, part) for t in terms)
            case Not(term=term):
                return f"!({self.holds(term, part)})"
            case _:
                return f"{self.argument(f'has_{part}', f'other than 0 where {part} is present')} != 0"

    def _held(self, term: Condition, part: str) -> str:
        text = self.holds(term, part)
        return f"({text})" if isinstance(term, (AllOf, AnyOf)) else text

    def _feature(self, name: str) -> str:
        """A feature bit: by its macro where that stands in the same header, else its number, with the name."""
        code = self.catalogue.code(name, self.catalogue.feature_bits[name], self.module)
        return f"{code} /* {plain(name)} */" if code.isdigit() else code

    def size_of(self, struct: str, part: str = "") -> str:
        """The size of a struct; that of another project's is an argument."""
        key = f"{python_field(part)}_size" if part else ""
        return self.known_size(struct) or self.argument(f"{struct}_size", f"bytes of a struct {struct}", key)

    def known_size(self, struct: str) -> str | None:
        """The size of a struct of the model, if it is fixed."""
        record = self.catalogue.named(struct)
        return None if record is None or record.size is None else str(record.size)

    def scaled(self, count: str, size: str) -> str:
        """`count` elements of `size` bytes, in bytes."""
        return count if size == "1" else f"{self.names.lower}virtwire_mul({count}, {size})"

    def added(self, terms: list[str]) -> str:
        """A sum."""
        known = sum(int(t) for t in terms if t.isdigit())
        text = str(known)
        for term in (t for t in terms if not t.isdigit()):
            text = term if text == "0" else f"{self.names.lower}virtwire_add({text}, {term})"
        return text

    def _expression(self, text: str) -> str | None:
        """An expression over members, constants and sizes; None where it needs anything else."""
        try:
            return self._computed(parse_formula(text))
        except ExpressionError:
            return None

    def _computed(self, tree: Expr) -> str | None:
        match tree:
            case Number(value=value):
                return f"{value}ULL" if value < 1 << 64 else None
            case SizeOf(tag=name):
                return self.known_size(name)
            case Name(name=path) if path in self.constants:
                return f"{self.constants[path]}ULL"
            case Name(name=path):
                return self.read(path)
            case Binary(op=op, left=first, right=second):
                left, right, function = self._computed(first), self._computed(second), _FUNCTIONS.get(op)
                if left is None or right is None or function is None:
                    return None
                return f"{self.names.lower}virtwire_{function}({left}, {right})"
            case _:
                return None


def innermost(vector: Vector) -> tuple[object, list[Length]]:
    """The element of an array in all its dimensions, and their lengths from the outside in."""
    lengths: list[Length] = []
    element: object = vector
    while isinstance(element, Vector):
        lengths.append(element.length)
        element = element.element
    return element, lengths
