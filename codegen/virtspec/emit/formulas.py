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


def count_of(expr: Expr, lookup: Callable[[str], int], size_of: Callable[[str], int | None]) -> int:
    """The number of elements that a formula gives. Raises `ExpressionError` where it has none, or where a part of it is
    negative: lengths are unsigned."""
    match expr:
        case Binary(op=op, left=left, right=right):
            sides = [count_of(side, lookup, size_of) for side in (left, right)]
            value = evaluate(Binary(op, *[Number(side, str(side)) for side in sides]), lookup)
            if value < 0:
                raise ExpressionError(f"'{expression_text(expr)}' is negative")
            return value
        case _:
            return evaluate(expr, lookup, size_of=size_of)


def known_size(expr: SizeOf, size_of: Callable[[str], int | None]) -> int:
    """The size that an expression asks for. Raises `ExpressionError` where it is not fixed."""
    size = size_of(expr.tag)
    if size is None:
        raise ExpressionError(f"the size of struct '{expr.tag}' is not fixed")
    return size
