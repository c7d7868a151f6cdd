"""Arithmetic of the specification: expressions over numbers, names and sizes, as they are read, written and computed.

Listings hold them among other tokens, the model as the text that `expression_text` gives; one parser reads both.
"""

from __future__ import annotations

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
    "Expr",
    "ExpressionError",
    "Name",
    "NoExpression",
    "Number",
    "SizeOf",
    "Token",
    "Unary",
    "Unknown",
    "evaluate",
    "expression_text",
    "names",
    "number",
    "parse",
    "parse_expression",
]
