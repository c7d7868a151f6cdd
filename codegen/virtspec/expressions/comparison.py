"""Comparisons of two expressions: `addr % block_size == 0`.

comparison := expr ('==' | '!=' | '<' | '<=' | '>' | '>=') expr

It compares what stands on its two sides, whatever the operators there: `&` binds more strongly than `==`, as in Python
and unlike in C. The text that is made of a comparison has parentheses, and reads the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

from virtspec.expressions.parse import NoExpression, parse_expression, tokens_of
from virtspec.expressions.tree import Expr, expression_text, names
from virtspec.frozen import dataclass

Relational: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two expressions and how their values compare."""

    op: Relational
    left: Expr
    right: Expr

    def __str__(self) -> str:
        """It as normalised C."""
        left, right = map(expression_text, (self.left, self.right))
        return f"{_operand(left)} {self.op} {_operand(right)}"

    def names(self) -> Iterator[str]:
        """The names and paths on both sides."""
        yield from names(self.left)
        yield from names(self.right)


def _operand(text: str) -> str:
    """A side of a comparison, in parentheses where C would take it apart."""
    return f"({text})" if any(f" {op} " in text for op in "&|^") else text


def parse_comparison(text: str) -> Comparison:
    """The comparison that a text is. Raises `NoExpression`."""
    tokens = tokens_of(text)
    left, position = parse_expression(tokens, 0)
    op = next((op for op in get_args(Relational) if tokens[position].text == op), None)
    if op is None:
        raise NoExpression("no comparison: write ==, !=, <, <=, > or >= between two expressions")
    right, position = parse_expression(tokens, position + 1)
    if tokens[position].kind != "end":
        raise NoExpression(f"'{text[tokens[position].start :]}' goes on behind the comparison")
    return Comparison(op, left, right)
