"""Recursive descent over the tokens of an expression.

expr    := operand (operator operand)*          operators by precedence: | ^ & (<< >>) (+ -) (* / %)
operand := ('-' | '~' | '+' | '!') operand | '(' expr ')' | number | character
         | 'sizeof' '(' … ')' | name (('.' | '->') name)* | name '(' [expr (',' expr)*] ')'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from virtspec.expressions.tree import Binary, Call, Expr, ExpressionError, Name, Number, SizeOf, Unary

PRECEDENCE = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
"""How strongly operators bind, in C and in Python alike; all of them to the left."""

MAX_DEPTH = 64
"""How deep operands may nest."""

MAX_OPERANDS = 128
"""How many operands an expression may have, and so how deep its tree may be: whoever walks through it may recurse."""

MAX_DIGITS = 40
"""The longest number, in characters: 64 bits need twenty."""

MAX_TEXT = 400
"""The longest text of an expression by itself."""

_TOKEN = re.compile(
    r"[ \t\n]*(?:"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>(?:0[xX][0-9A-Fa-f]+|[0-9]+)[uUlL]*(?![A-Za-z0-9_]))"
    r"|(?P<string>'[^'\\\n]')"
    r"|(?P<op><<|>>|->|[<>=!]=|[-+*/%&|^~!().,<>])"
    r"|(?P<end>\Z))"
)


class Token(NamedTuple):
    """`kind` is one of name, number, string, op and end; a listing has more kinds.

    `start` is where it stands; `fresh` says that the token is the first of its line, and `comments` how many comments
    of a listing stand in front of it.
    """

    kind: str
    text: str
    start: int
    fresh: bool
    comments: int = 0


class NoExpression(ExpressionError):
    """The tokens do not begin an expression."""


def tokens_of(text: str) -> list[Token]:
    """The tokens of an expression by itself; the last one is its end. Raises `NoExpression`."""
    if len(text) > MAX_TEXT:
        raise NoExpression("an expression of so many characters")
    tokens: list[Token] = []
    position = 0
    while not tokens or tokens[-1].kind != "end":
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise NoExpression(f"'{text[position:].strip()}' has no place in an expression")
        tokens.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup), False))
        position = match.end()
    return tokens


def parse(text: str) -> Expr:
    """The expression that a text is. Raises `NoExpression`."""
    tokens = tokens_of(text)
    expr, after = parse_expression(tokens, 0)
    if tokens[after].kind != "end":
        raise NoExpression(f"'{text[tokens[after].start :]}' goes on behind the expression")
    return expr


def parse_expression(tokens: Sequence[Token], position: int) -> tuple[Expr, int]:
    """The longest expression that begins at `position`, and the position behind it. Raises `NoExpression`."""
    return _Parser(tokens).binary(position, 1, 0)


def number(text: str) -> int:
    """The value of a C integer: decimal, hexadecimal, or octal where it begins with 0."""
    digits = text.rstrip("uUlL")
    if len(digits) > MAX_DIGITS:
        raise NoExpression("a number of so many digits")
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    if digits[0] == "0" and len(digits) > 1:
        try:
            return int(digits, 8)
        except ValueError:
            raise NoExpression(f"'{digits}' is no octal number") from None
    return int(digits)


class TooLarge(NoExpression):
    """An expression of more operands than `MAX_OPERANDS`, or of deeper ones than `MAX_DEPTH`."""


class _Parser:
    """The tokens around an expression, and how many operands of it have been read.

    Each method takes a position, and gives what begins there with the position behind it.
    """

    __slots__ = ("operands", "tokens")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.operands = 0

    def binary(self, position: int, floor: int, depth: int) -> tuple[Expr, int]:
        """Operands joined by operators that bind at least as strongly as `floor`."""
        left, position = self.operand(position, depth)
        while True:
            token = self.tokens[position]
            precedence = PRECEDENCE.get(token.text, 0) if token.kind == "op" else 0
            if precedence < floor or not precedence:
                return left, position
            try:
                right, after = self.binary(position + 1, precedence + 1, depth + 1)
            except TooLarge:
                raise
            except NoExpression:
                # `1 - see below`: what follows the operator is prose
                return left, position
            left, position = Binary(token.text, left, right), after

    def operand(self, position: int, depth: int) -> tuple[Expr, int]:
        self.operands += 1
        if depth > MAX_DEPTH or self.operands > MAX_OPERANDS:
            raise TooLarge("operands nest too deep" if depth > MAX_DEPTH else "too many operands")
        token = self.tokens[position]
        if token.kind == "number":
            return Number(number(token.text), token.text), position + 1
        if token.kind == "string" and token.text[0] == "'" and len(token.text) == 3:
            return Number(ord(token.text[1]), token.text), position + 1
        if token.kind == "op" and token.text in ("-", "~", "+", "!"):
            operand, after = self.operand(position + 1, depth + 1)
            return Unary(token.text, operand), after
        if token.kind == "op" and token.text == "(":
            inner, after = self.binary(position + 1, 1, depth + 1)
            if self.tokens[after].text != ")":
                raise NoExpression("no ')'")
            return inner, after + 1
        if token.kind == "name":
            return self.named(position, depth)
        raise NoExpression(f"'{token.text}' begins no operand")

    def named(self, position: int, depth: int) -> tuple[Expr, int]:
        """A name, the path of a member, `sizeof` of a type, or the use of a macro."""
        tokens = self.tokens
        name = tokens[position].text
        end = tokens[position].start + len(name)
        position += 1
        if name == "sizeof" and tokens[position].text == "(":
            return self.size(position + 1)
        if tokens[position].kind == "op" and tokens[position].text == "(":
            try:
                return self.call(name, position + 1, depth)
            except NoExpression:
                if tokens[position].start == end:
                    raise
                # `FOO (only for bar)`: a name with prose behind it
                return Name(name), position
        while tokens[position].text in (".", "->") and tokens[position + 1].kind == "name":
            name += f".{tokens[position + 1].text}"
            position += 2
        return Name(name), position

    def size(self, position: int) -> tuple[Expr, int]:
        """The type of a `sizeof`, behind its parenthesis."""
        words: list[str] = []
        while self.tokens[position].kind == "name":
            words.append(self.tokens[position].text)
            position += 1
        if not words or self.tokens[position].text != ")":
            raise NoExpression("'sizeof' of no type")
        return SizeOf(" ".join(words)), position + 1

    def call(self, name: str, position: int, depth: int) -> tuple[Expr, int]:
        """The arguments of a macro, behind their parenthesis."""
        arguments: list[Expr] = []
        if self.tokens[position].text == ")":
            return Call(name, ()), position + 1
        while True:
            argument, position = self.binary(position, 1, depth + 1)
            arguments.append(argument)
            closing = self.tokens[position].text
            if closing not in (",", ")"):
                raise NoExpression("no ')'")
            position += 1
            if closing == ")":
                return Call(name, tuple(arguments)), position
