"""Tokens of a listing.

Comments are kept beside the tokens, because they carry facts (which part the device reads, which feature a member
needs). A `#define` with its continuation lines is one token. Characters that belong to no token become tokens too: text
that a mail archive has damaged must be reported at its place. To the kinds of tokens that expressions have come define,
directive, elision and junk; comments are of the kind comment.
"""

from __future__ import annotations

import re

from virtspec.diagnostics import Sink, at
from virtspec.expressions import Token
from virtspec.source import SourceFile

# blanks in front of a token are part of its match: half as many matches; a comment in which another begins was never
# closed
_TOKEN = re.compile(
    r"[ \t\f\v\n]*(?:"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<comment>/\*[^*/]*(?:(?:\*(?!/)|/(?!\*))[^*/]*)*\*/|//[^\n]*)"
    r"|(?P<unclosed>/\*[^\n]*)"
    r"|(?P<define>\#[ \t]*define\b(?:[^\n\\/]|\\\n|\\(?!\n)|/\*.*?\*/|/(?!\*))*)"
    r"|(?P<directive>\#[^\n]*)"
    r"|(?P<number>(?:0[xX][0-9A-Fa-f]+|[0-9]+)[uUlL]*(?![A-Za-z0-9_]))"
    r"|(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<elision>\.\.\.|…|\x1a)"
    r"|(?P<op><<|>>|->|\+\+|--|[=!<>]=|&&|\|\||::=|[{}()\[\];:,<>=+\-*/%&|^~!?.@])"
    r"|(?P<junk>[0-9][A-Za-z0-9_]*|.)"
    r"|(?P<end>\Z))",
    re.DOTALL,
)

_ELLIPSIS = re.compile(r"\\[lcv]?dots\b")


def tokenize(file: SourceFile, start: int, end: int, escape: str, sink: Sink) -> tuple[list[Token], list[Token]]:
    """The tokens of a listing's body, closed by one of kind `end`, and its comments. `escape` is the listing's escape
    character or ""."""
    text = file.text[start:end]
    if escape and escape in text:
        text = _blank_escapes(text, escape)
    return lex(text, file, start, sink)


def lex(text: str, file: SourceFile, base: int, sink: Sink) -> tuple[list[Token], list[Token]]:
    """The tokens of a text that stands at offset `base` of a file, closed by one of kind `end`, and its comments."""
    tokens: list[Token] = []
    comments: list[Token] = []
    add, make = tokens.append, tuple.__new__  # without the detour through the constructor, which is a function
    fresh = True
    position = passed = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        if kind == "end":
            break
        begin, behind = match.span(kind)
        if begin > position and text.find("\n", position, begin) >= 0:
            fresh = True
        position = behind
        if kind == "unclosed":
            sink.warning(
                "VS014",
                at(file, base + begin),
                "comment is not closed; read to the end of its line",
                hint="close it with '*/'",
            )
            kind = "comment"
        if kind == "comment":
            # what follows it on its line is the first token of the line, too
            comments.append(Token(kind, text[begin:behind], base + begin, fresh))
            passed += 1
        else:
            add(make(Token, (kind, text[begin:behind], base + begin, fresh, passed)))
            fresh = kind == "define"
    add(Token("end", "", base + len(text), True, passed))
    return tokens, comments


def _blank_escapes(text: str, escape: str) -> str:
    """The body with each escaped piece of LaTeX blanked out, an ellipsis marked; every offset stays."""
    pattern = re.compile(re.escape(escape) + r"[^\n]*?" + re.escape(escape))

    def blank(match: re.Match[str]) -> str:
        if _ELLIPSIS.search(match[0]):
            return "\x1a" + " " * (len(match[0]) - 1)
        return " " * len(match[0])

    return pattern.sub(blank, text)
