"""Constants of a listing: `#define`s and enums.

enum    := 'enum' [name] '{' [name ['=' expr]] (',' …)* '}'
define  := '#define' name ['(' parameters ')'] [expr]
"""

from __future__ import annotations

import re

from virtspec.diagnostics import at
from virtspec.expressions import MAX_DIGITS, NoExpression, Number, Token, number, parse_expression
from virtspec.listing.cursor import Cursor
from virtspec.listing.lexer import lex
from virtspec.listing.syntax import Define, Enum, Enumerator

# nearly every definition is one of a number, and needs no tokens
_NUMBER = re.compile(
    r"#[ \t]*define[ \t]+([A-Za-z_][A-Za-z0-9_]*)[ \t]+((?:0[xX][0-9A-Fa-f]+|[1-9][0-9]*|0)[uUlL]*)[ \t]*$"
)
_DEFINE = re.compile(r"#[ \t]*define[ \t]+([A-Za-z_][A-Za-z0-9_]*)(\([^()]*\))?", re.DOTALL)


def parse_enum(cursor: Cursor) -> Enum:
    """The enum that begins at the cursor, up to and with its closing brace."""
    keyword = cursor.next()
    name = cursor.next().text if cursor.peek().kind == "name" else ""
    brace = cursor.next()
    enum = Enum(name, keyword.start)
    while True:
        token = cursor.next()
        if token.kind == "end":
            cursor.sink.fatal("VS019", at(cursor.file, brace.start), "'enum {' is not closed before the listing ends")
            return enum
        if token.text == "}":
            return enum
        if token.kind == "name":
            enum.enumerators.append(_enumerator(cursor, token))
            separator = cursor.peek()
            if separator.text not in (",", "}") and separator.kind != "end":
                cursor.error("VS013", separator.start, f"expected ',' behind '{token.text}'", hint="write ','")
                if separator.text == ";":
                    cursor.next()
        elif token.text != ",":
            cursor.error("VS011", token.start, f"unexpected '{token.text[:20]}' in an enum")


def _enumerator(cursor: Cursor, name: Token) -> Enumerator:
    """The enumerator of a name, with its value."""
    if not cursor.take("="):
        return Enumerator(name.text, None, name.start)
    value = cursor.peek()
    expr = cursor.expression(f"value of '{name.text}'")
    return Enumerator(name.text, expr, name.start, "" if expr else value.text or "nothing")


def parse_define(cursor: Cursor, token: Token) -> Define | None:
    """What a token of kind `define` defines; None where it has no name."""
    match = _NUMBER.match(token.text)
    if match and len(match[2]) <= MAX_DIGITS:
        return Define(match[1], None, Number(number(match[2]), match[2]), match[2], token.start)
    match = _DEFINE.match(token.text)
    if not match:
        cursor.error("VS011", token.start, "'#define' without a name")
        return None
    name = match[1]
    parameters = None
    if match[2] is not None:
        parameters = tuple(p.strip() for p in match[2][1:-1].split(",") if p.strip())
    base = token.start + match.end()
    body = token.text[match.end() :].replace("\\\n", "  ")
    tokens, _ = lex(body, cursor.file, base, cursor.sink)
    text = " ".join(t.text for t in tokens[:-1])
    if tokens[0].kind == "end":
        return Define(name, parameters, None, "", token.start)
    try:
        expr, after = parse_expression(tokens, 0)
    except NoExpression as error:
        if text[0].isdigit():
            cursor.error("VS021", tokens[0].start, f"value of '{name}' is no constant expression: {error}")
        return Define(name, parameters, None, text, token.start)
    rest = tokens[after]
    if rest.text == ";" and tokens[after + 1].kind == "end":
        cursor.warn("VS018", rest.start, f"';' belongs to the value of '{name}'", hint="remove the ';'")
    elif rest.kind != "end":
        cursor.sink.note(
            "VS015",
            at(cursor.file, rest.start),
            f"prose behind the value of '{name}'",
            hint="put it between '/*' and '*/'",
        )
    return Define(name, parameters, expr, text, token.start)
