"""Expressions that codecs compute: those over members, constants and sizes.

An expression comes from an untrusted text, and only its tree becomes code. Shifts take a constant distance, so that no
field's value can ask for a huge number; divisors are constants other than zero.
"""

from __future__ import annotations

from collections.abc import Callable

from virtspec.expressions import (
    Binary,
    Call,
    Expr,
    ExpressionError,
    Name,
    Number,
    SizeOf,
    Unary,
    evaluate,
    expression_text,
    parse,
)

MAX_SHIFT = 63


def parse_formula(text: str) -> Expr:
    """The tree of an expression that can be computed from bytes. Raises `ExpressionError`."""
    tree = parse(text)
    _check(tree)
    return tree


def _check(expr: Expr) -> None:
    match expr:
        case Binary(op="<<" | ">>", right=right) if not isinstance(right, Number) or right.value > MAX_SHIFT:
            raise ExpressionError(f"a shift by '{expression_text(right)}'")
        case Binary(op="/" | "%", right=(Name() | Binary() | Number(value=0)) as right):
            raise ExpressionError(f"a division by '{expression_text(right)}'")
        case Binary(left=left, right=right):
            _check(left)
            _check(right)
        case Call() | Unary():
            raise ExpressionError(f"'{expression_text(expr)}' is more than members, constants and sizes")
        case _:
            pass


def count_of(expr: Expr, lookup: Callable[[str], int], size_of: Callable[[str], int | None], low: bool = False) -> int:
    """The number of elements that a formula gives. Raises `ExpressionError` where it has none, or where a part of it is
    negative: lengths are unsigned. With `low`, only its low bits count."""
    match expr:
        case Binary(op=op, left=left, right=right):
            below = low_bits(expr, low)
            sides = [count_of(side, lookup, size_of, below) for side in (left, right)]
            value = evaluate(Binary(op, *[Number(side, str(side)) for side in sides]), lookup)
            if op == "%" and below:
                value %= sides[1]
            if value < 0 and not low:
                raise ExpressionError(f"'{expression_text(expr)}' is negative")
            return value
        case _:
            return evaluate(expr, lookup, size_of=size_of)


def low_bits(expr: Binary, wanted: bool) -> bool:
    """Whether only the low bits of the operands count, of an expression of which they are `wanted` alone or not.

    Such a difference may be negative: `(4 - n) % 4` is what fills up a word, for every `n`.
    """
    match expr:
        case Binary(op="%", right=Number(value=value)):
            return value & (value - 1) == 0
        case Binary(op="&", left=Number()) | Binary(op="&", right=Number()):
            return True
        case Binary(op="/" | "%" | ">>"):
            return False
        case _:
            return wanted


def known_size(expr: SizeOf, size_of: Callable[[str], int | None]) -> int:
    """The size that an expression asks for. Raises `ExpressionError` where it is not fixed."""
    size = size_of(expr.tag)
    if size is None:
        raise ExpressionError(f"the size of struct '{expr.tag}' is not fixed")
    return size
