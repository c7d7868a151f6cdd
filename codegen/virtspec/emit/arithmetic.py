"""Expressions as Python."""

from __future__ import annotations

from collections.abc import Callable

from virtspec.emit.formulas import known_size
from virtspec.expressions import PRECEDENCE, Binary, Expr, ExpressionError, Name, Number, SizeOf, expression_text

_OPERAND = 1 + max(PRECEDENCE.values())


def to_python(expr: Expr, resolve: Callable[[str], str], size_of: Callable[[str], int | None]) -> str:
    """An expression as Python. Raises `ExpressionError` where a size is not known.

    A remainder by what is no constant is that of the function `remainder`, which takes 0 too.
    """
    return _python(expr, resolve, size_of)[0]


def _python(expr: Expr, resolve: Callable[[str], str], size_of: Callable[[str], int | None]) -> tuple[str, int]:
    """An expression as Python, and how strongly its outermost operator binds."""
    match expr:
        case Number(value=value):
            return str(value), _OPERAND
        case Name(name=name):
            return resolve(name), _OPERAND
        case SizeOf():
            return str(known_size(expr, size_of)), _OPERAND
        case Binary(op=op, left=left, right=right):
            own = PRECEDENCE[op]
            left_text, left_binds = _python(left, resolve, size_of)
            right_text, right_binds = _python(right, resolve, size_of)
            if op == "%" and not isinstance(right, Number):
                return f"remainder({left_text}, {right_text})", _OPERAND
            if left_binds < own:
                left_text = f"({left_text})"
            if right_binds <= own:
                right_text = f"({right_text})"
            return f"{left_text} {'//' if op == '/' else op} {right_text}", own
        case _:
            raise ExpressionError(f"'{expression_text(expr)}' is no formula")
