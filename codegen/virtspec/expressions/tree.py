"""Expressions over numbers and names as trees: written as C, and computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from virtspec.compat import assert_never
from virtspec.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier, or the path of a member such as `out.len`."""

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

    @property
    def tag(self) -> str:
        """The type's name alone."""
        return self.type.rpartition(" ")[2]


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
            # `--x` would be something else
            return f"{op}({inner})" if isinstance(operand, Binary) or inner.startswith(op) else f"{op}{inner}"
        case Binary(op=op, left=left, right=right):
            sides = [f"({expression_text(e)})" if isinstance(e, Binary) else expression_text(e) for e in (left, right)]
            return f"{sides[0]} {op} {sides[1]}"
        case _:
            assert_never(expr)


def names(expr: Expr) -> Iterator[str]:
    """The names and paths in an expression; not those of macros and types."""
    match expr:
        case Name(name=name):
            yield name
        case Call(arguments=operands):
            for operand in operands:
                yield from names(operand)
        case Unary(operand=operand):
            yield from names(operand)
        case Binary(left=left, right=right):
            yield from names(left)
            yield from names(right)
        case Number() | SizeOf():
            pass
        case _:
            assert_never(expr)


class ExpressionError(Exception):
    """A text that is no expression, or an expression that is not of use where it stands."""


class Unknown(ExpressionError):
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


def _no_macro(name: str, _arguments: tuple[int, ...]) -> int:
    raise Unknown(f"'{name}' is no macro here", name)


def _no_size(_tag: str) -> int | None:
    return None


def evaluate(
    expr: Expr,
    lookup: Callable[[str], int],
    call: Callable[[str, tuple[int, ...]], int] = _no_macro,
    size_of: Callable[[str], int | None] = _no_size,
) -> int:
    """The value of an expression. Raises `Unknown` where it has none, and what `lookup` and `call` raise.

    `lookup` gives the values of names, `call` those of macros, `size_of` the size of a struct where that is fixed.
    """
    match expr:
        case Number(value=value):
            return value
        case Name(name=name):
            return lookup(name)
        case Call(name=name, arguments=arguments):
            return call(name, tuple(evaluate(a, lookup, call, size_of) for a in arguments))
        case SizeOf(type=type_, tag=tag):
            size = size_of(tag)
            if size is None:
                raise Unknown(f"sizeof({type_}) is no constant here", type_)
            return size
        case Unary(op=op, operand=operand):
            value = evaluate(operand, lookup, call, size_of)
            if op == "~" and (bits := _unsigned_bits(operand)):
                return ~value & ((1 << bits) - 1)
            return {"-": -value, "~": ~value, "+": value, "!": int(not value)}[op]
        case Binary(op=op, left=left, right=right):
            result = _applied(op, evaluate(left, lookup, call, size_of), evaluate(right, lookup, call, size_of))
            if result.bit_length() > MAX_BITS:
                raise Unknown(f"value of more than {MAX_BITS} bits")
            return result
        case _:
            assert_never(expr)


def _applied(op: str, left: int, right: int) -> int:
    """What C computes: a quotient is rounded towards zero, not down as in Python."""
    match op:
        case "<<" | ">>":
            if not 0 <= right < MAX_BITS:
                raise Unknown(f"shift by {right} bits")
            return left << right if op == "<<" else left >> right
        case "/" | "%":
            if not right:
                raise Unknown("division by zero")
            quotient = abs(left) // abs(right)
            quotient = -quotient if (left < 0) != (right < 0) else quotient
            return quotient if op == "/" else left - quotient * right
        case _:
            return _OPERATIONS[op](left, right)
