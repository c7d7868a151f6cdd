"""Arithmetic of the specification: expressions over numbers, names and sizes, as they are read, written and computed,
and comparisons of them.

Listings hold them among other tokens, the model as the text that `expression_text` gives; one parser reads both.
"""

from __future__ import annotations

from virtspec.expressions.comparison import Comparison, Relational, parse_comparison
from virtspec.expressions.parse import (
    MAX_DIGITS,
    PRECEDENCE,
    NoExpression,
    Token,
    number,
    parse,
    parse_expression,
)
from virtspec.expressions.tree import (
    Binary,
    Call,
    Expr,
    ExpressionError,
    Name,
    Number,
    SizeOf,
    Unary,
    Unknown,
    evaluate,
    expression_text,
    names,
)

__all__ = [
    "MAX_DIGITS",
    "PRECEDENCE",
    "Binary",
    "Call",
    "Comparison",
    "Expr",
    "ExpressionError",
    "Name",
    "NoExpression",
    "Number",
    "Relational",
    "SizeOf",
    "Token",
    "Unary",
    "Unknown",
    "evaluate",
    "expression_text",
    "names",
    "number",
    "parse",
    "parse_comparison",
    "parse_expression",
]
