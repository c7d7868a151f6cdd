"""Expressions as Python, with the values that C gives them.

Python rounds a quotient down, C towards zero. Lengths are unsigned: in all languages, one in which a difference is
negative is too long for any buffer, unless only its low bits count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from virtspec.emit.formulas import known_size, low_bits
from virtspec.expressions import PRECEDENCE, Binary, Expr, ExpressionError, Name, Number, SizeOf, expression_text

_OPERAND = 1 + max(PRECEDENCE.values())


def to_python(
    expr: Expr, resolve: Callable[[str], str], size_of: Callable[[str], int | None], *, signed: bool = False
) -> str:
    """An expression as Python; the names in it have values that may be negative if `signed`. Raises `ExpressionError`
    where a size is not known.

    What Python has no operator for are functions: `quotient` and `remainder` of what may be negative, and `remainder`
    by what is no constant, which takes 0 too.
    """
    return _Writer(resolve, size_of, signed=signed, length=False).text(expr)[0]


def length_to_python(expr: Expr, resolve: Callable[[str], str], size_of: Callable[[str], int | None]) -> str:
    """A length as Python: negative or, by the function `difference`, far too large where a difference is negative."""
    return _Writer(resolve, size_of, signed=False, length=True).text(expr)[0]


@dataclass(frozen=True, slots=True)
class _Writer:
    resolve: Callable[[str], str]
    size_of: Callable[[str], int | None]
    signed: bool
    length: bool

    def text(self, expr: Expr, inside: bool = False, low: bool = False) -> tuple[str, int]:
        """An expression, or an operand `inside` of one, as Python, and how strongly its outermost operator binds. With
        `low`, only its low bits count."""
        match expr:
            case Number(value=value):
                return str(value), _OPERAND
            case Name(name=name):
                return self.resolve(name), _OPERAND
            case SizeOf():
                return str(known_size(expr, self.size_of)), _OPERAND
            case Binary(op=op, left=left, right=right):
                function = self._function(expr, inside and not low)
                below = low_bits(expr, low)
                return self._binary(op, self.text(left, True, below), self.text(right, True, below), function)
            case _:
                raise ExpressionError(f"'{expression_text(expr)}' is no formula")

    def _binary(self, op: str, left: tuple[str, int], right: tuple[str, int], function: str) -> tuple[str, int]:
        (left_text, left_binds), (right_text, right_binds) = left, right
        if function:
            return f"{function}({left_text}, {right_text})", _OPERAND
        own = PRECEDENCE[op]
        if left_binds < own:
            left_text = f"({left_text})"
        if right_binds <= own:
            right_text = f"({right_text})"
        return f"{left_text} {'//' if op == '/' else op} {right_text}", own

    def _function(self, expr: Binary, inside: bool) -> str:
        """The function that stands for an operator; "" where Python's own does what C's does."""
        if expr.op == "-" and self.length and inside:
            return "difference"
        if expr.op == "/" and self._negative(expr.left):
            return "quotient"
        if expr.op == "%" and (not isinstance(expr.right, Number) or self._negative(expr.left)):
            return "remainder"
        return ""

    def _negative(self, expr: Expr) -> bool:
        """Whether a value may be negative."""
        match expr:
            case Name():
                return self.signed
            case Binary(op=op, left=left, right=right):
                return (op == "-" and not self.length) or self._negative(left) or self._negative(right)
            case _:
                return False
