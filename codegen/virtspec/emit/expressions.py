"""Length expressions of the model: parsed, computed, and as Python.

An expression comes from an untrusted text: it is parsed into a tree of numbers, names and operators, and only that tree
is turned into code. Shifts take a constant distance, so that no field's value can ask for a huge number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from virtspec.compat import assert_never

MAX_EXPRESSION = 400
MAX_SHIFT = 63


class ExpressionError(Exception):
    """Text that is no expression of the kinds understood here."""


@dataclass(frozen=True, slots=True)
class Number:
    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A member's path, a constant, or something that only the user knows."""

    path: str


@dataclass(frozen=True, slots=True)
class SizeOf:
    """`sizeof(struct x)`"""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Expression
    right: Expression


Expression: TypeAlias = Number | Name | SizeOf | Binary

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*\b"
    r"|(?P<sizeof>sizeof\s*\(\s*(?:struct\s+)?(?P<tag>[A-Za-z_]\w*)\s*\))"
    r"|(?P<name>[A-Za-z_]\w*(?:(?:\.|->)[A-Za-z_]\w*)*)"
    r"|(?P<operator><<|>>|[-+*/%|&()]))",
    re.ASCII,
)

# C's precedence; all of these bind to the left
_PRECEDENCE = {"|": 1, "&": 2, "<<": 3, ">>": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}


def parse(text: str) -> Expression:
    """The tree of an expression. Raises `ExpressionError`."""
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError("too long")
    tokens = list(_tokens(text))
    result, rest = _binary(tokens, 0, 1)
    if rest != len(tokens):
        raise ExpressionError(f"'{text}' goes on behind its end")
    return result


def names(expression: Expression) -> Iterator[str]:
    """The paths of all names in an expression."""
    match expression:
        case Name(path=path):
            yield path
        case Binary(left=left, right=right):
            yield from names(left)
            yield from names(right)


def to_python(expression: Expression, resolve: Callable[[str], str], size_of: Callable[[str], int | None]) -> str:
    """An expression as Python. Raises `ExpressionError` where a size is not known."""
    return _python(expression, resolve, size_of)[0]


def evaluate(expression: Expression, resolve: Callable[[str], int], size_of: Callable[[str], int | None]) -> int:
    """The value of an expression. Raises `ExpressionError` where it has none."""
    match expression:
        case Number(value=value):
            return value
        case Name(path=path):
            return resolve(path)
        case SizeOf(name=name):
            return _known_size(name, size_of)
        case Binary(operator=operator, left=left, right=right):
            return _apply(operator, evaluate(left, resolve, size_of), evaluate(right, resolve, size_of))
        case _:
            assert_never(expression)


def _apply(operator: str, left: int, right: int) -> int:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" | "%" if right == 0:
            raise ExpressionError("division by zero")
        case "/":
            return left // right
        case "%":
            return left % right
        case "<<" if 0 <= right <= MAX_SHIFT:
            return left << right
        case ">>" if 0 <= right <= MAX_SHIFT:
            return left >> right
        case "&":
            return left & right
        case "|":
            return left | right
        case _:
            raise ExpressionError(f"shift by {right}")


def _python(
    expression: Expression, resolve: Callable[[str], str], size_of: Callable[[str], int | None]
) -> tuple[str, int]:
    """An expression as Python, and how strongly its outermost operator binds."""
    match expression:
        case Number(value=value):
            return str(value), 9
        case Name(path=path):
            return resolve(path), 9
        case SizeOf(name=name):
            return str(_known_size(name, size_of)), 9
        case Binary(operator=operator, left=left, right=right):
            own = _PRECEDENCE[operator]
            left_text, left_binds = _python(left, resolve, size_of)
            right_text, right_binds = _python(right, resolve, size_of)
            if left_binds < own:
                left_text = f"({left_text})"
            if right_binds <= own:
                right_text = f"({right_text})"
            return f"{left_text} {'//' if operator == '/' else operator} {right_text}", own
        case _:
            assert_never(expression)


def _known_size(name: str, size_of: Callable[[str], int | None]) -> int:
    size = size_of(name)
    if size is None:
        raise ExpressionError(f"the size of struct '{name}' is not fixed")
    return size


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"'{text}' is no expression of members, constants and sizes")
        kind = match.lastgroup or ""
        if match["sizeof"]:
            yield "sizeof", match["tag"]
        elif match["name"]:
            yield "name", match["name"].replace("->", ".")
        else:
            yield kind, match[kind]
        at = match.end()


def _binary(tokens: list[tuple[str, str]], at: int, level: int) -> tuple[Expression, int]:
    left, at = _operand(tokens, at)
    while at < len(tokens) and tokens[at][0] == "operator" and _PRECEDENCE.get(tokens[at][1], 0) >= level:
        operator = tokens[at][1]
        right, at = _binary(tokens, at + 1, _PRECEDENCE[operator] + 1)
        if operator in ("<<", ">>") and not isinstance(right, Number):
            raise ExpressionError("a shift by what is no constant")
        if operator in ("<<", ">>") and isinstance(right, Number) and right.value > MAX_SHIFT:
            raise ExpressionError(f"a shift by {right.value}")
        if operator in ("/", "%") and (not isinstance(right, (Number, SizeOf)) or right == Number(0)):
            raise ExpressionError("a division by what is no constant")
        left = Binary(operator, left, right)
    return left, at


def _operand(tokens: list[tuple[str, str]], at: int) -> tuple[Expression, int]:
    if at >= len(tokens):
        raise ExpressionError("the expression ends too early")
    kind, text = tokens[at]
    match kind:
        case "number":
            return Number(int(text, 16) if text[:2] in ("0x", "0X") else int(text)), at + 1
        case "name":
            return Name(text), at + 1
        case "sizeof":
            return SizeOf(text), at + 1
        case _ if text == "(":
            inner, at = _binary(tokens, at + 1, 1)
            if at >= len(tokens) or tokens[at][1] != ")":
                raise ExpressionError("a parenthesis is not closed")
            return inner, at + 1
        case _:
            raise ExpressionError(f"'{text}' where an operand belongs")
