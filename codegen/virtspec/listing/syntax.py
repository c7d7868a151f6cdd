"""Unresolved nodes of a listing: what is written, before any name is looked up.

Every node knows the offset where it starts; expressions are trees that `evaluate` computes against an environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from virtspec.compat import assert_never
from virtspec.frozen import dataclass

# --- expressions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier, or a path such as `out.len`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A use of a function-like macro."""

    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class SizeOf:
    """`sizeof(struct x)`; `type` is the text between the parentheses."""

    type: str


@dataclass(frozen=True, slots=True)
class Unary:
    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: Expr
    right: Expr


Expr: TypeAlias = Number | Name | Call | SizeOf | Unary | Binary


def expression_text(expr: Expr) -> str:
    """An expression as normalised C, with the parentheses it needs."""
    match expr:
        case Number(text=text):
            return text
        case Name(name=name):
            return name
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(expression_text, arguments))})"
        case SizeOf(type=type_):
            return f"sizeof({type_})"
        case Unary(op=op, operand=operand):
            inner = expression_text(operand)
            return f"{op}({inner})" if isinstance(operand, Binary) else f"{op}{inner}"
        case Binary(op=op, left=left, right=right):
            sides = [f"({expression_text(e)})" if isinstance(e, Binary) else expression_text(e) for e in (left, right)]
            return f"{sides[0]} {op} {sides[1]}"
        case _:
            assert_never(expr)


class Unknown(Exception):
    """An expression that cannot be computed; the message says why, `name` which name is unknown."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


MAX_BITS = 64
"""Values have at most this many bits: the standard has no wider constant."""


def _unsigned_bits(operand: Expr) -> int:
    """The width of a number that is written as unsigned (`0u`, `0ULL`); 0 for another operand."""
    suffix = operand.text.lower() if isinstance(operand, Number) else ""
    return 0 if "u" not in suffix else 64 if "l" in suffix else 32


_OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    "|": int.__or__,
    "^": int.__xor__,
    "&": int.__and__,
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
}


def evaluate(expr: Expr, lookup: Callable[[str], int], call: Callable[[str, tuple[int, ...]], int]) -> int:
    """The value of a constant expression. Raises `Unknown`, also from `lookup` and `call`, where it has none."""
    match expr:
        case Number(value=value):
            return value
        case Name(name=name):
            return lookup(name)
        case Call(name=name, arguments=arguments):
            return call(name, tuple(evaluate(a, lookup, call) for a in arguments))
        case SizeOf(type=type_):
            raise Unknown(f"sizeof({type_}) is no constant here", type_)
        case Unary(op=op, operand=operand):
            value = evaluate(operand, lookup, call)
            if op == "~" and (bits := _unsigned_bits(operand)):
                return ~value & ((1 << bits) - 1)
            return {"-": -value, "~": ~value, "+": value, "!": int(not value)}[op]
        case Binary(op=op, left=left, right=right):
            a, b = evaluate(left, lookup, call), evaluate(right, lookup, call)
            if op in ("<<", ">>"):
                if not 0 <= b < MAX_BITS:
                    raise Unknown(f"shift by {b} bits")
                result = a << b if op == "<<" else a >> b
            elif op in ("/", "%"):
                if not b:
                    raise Unknown("division by zero")
                result = a // b if op == "/" else a % b
            else:
                result = _OPERATIONS[op](a, b)
            if result.bit_length() > MAX_BITS:
                raise Unknown(f"value of more than {MAX_BITS} bits")
            return result
        case _:
            assert_never(expr)


# --- declarations -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment's text, or prose that stands outside a comment, with what it belongs to."""

    text: str
    start: int
    comment: bool = True


@dataclass(frozen=True, slots=True)
class Dimension:
    """What stands between `[` and `]`: an expression, or else the text that is none ("" for nothing)."""

    expr: Expr | None
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type by name: `tag` is "struct", "union", "enum", or "" for a plain one."""

    tag: Literal["", "struct", "union", "enum"]
    name: str
    start: int


@dataclass(slots=True, eq=False)
class Body:
    """A struct or union with its members."""

    kind: Literal["struct", "union"]
    name: str
    start: int
    items: list[BodyItem] = field(default_factory=list)
    packed: bool = False


@dataclass(slots=True, eq=False)
class BitGroup:
    """`le16 { type : 12; reserved : 4; }`: bit-fields of one container; a nested list holds the arms of a union."""

    container: TypeName
    start: int
    entries: list[BitEntry | list[BitEntry]] = field(default_factory=list)


@dataclass(slots=True)
class BitEntry:
    name: str
    width: Expr | None
    start: int
    remarks: tuple[Remark, ...] = ()


@dataclass(slots=True, eq=False)
class Declaration:
    """One member, or a field outside any struct. `bits` is the width of a bit-field."""

    name: str
    type: TypeName | Body | BitGroup
    start: int
    dimensions: tuple[Dimension, ...] = ()
    bits: Expr | None = None
    before: tuple[Remark, ...] = ()
    after: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Elision:
    """Members that the listing leaves out."""

    start: int


@dataclass(frozen=True, slots=True)
class Define:
    """`#define`. `expr` is None where the body is no expression; `text` is the body as written on one line."""

    name: str
    parameters: tuple[str, ...] | None
    expr: Expr | None
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Enumerator:
    name: str
    expr: Expr | None
    start: int


@dataclass(slots=True)
class Enum:
    name: str
    start: int
    enumerators: list[Enumerator] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A stretch of a listing that holds no definition, and why."""

    start: int
    end: int
    reason: str


BodyItem: TypeAlias = Declaration | Define | Enum | Elision
Item: TypeAlias = Declaration | Body | BitGroup | Define | Enum | Opaque
