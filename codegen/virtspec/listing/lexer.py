"""Tokens of a listing.

Comments are kept beside the tokens, because they carry facts (which part the device reads, which feature a member
needs). A `#define` with its continuation lines is one token. Characters that belong to no token become tokens too: text
that a mail archive has damaged must be reported at its place. To the kinds of tokens that expressions have come define,
directive, elision and junk; comments are of the kind comment.
"""

from __future__ import annotations

import re
from string import ascii_letters

from virtspec.diagnostics import Sink, at
from virtspec.expressions import Token
from virtspec.source import SourceFile

_FORMS = (
    ("name", r"[A-Za-z_][A-Za-z0-9_]*"),
    # one in which another begins was never closed
    ("comment", r"/\*[^*/]*(?:(?:\*(?!/)|/(?!\*))[^*/]*)*\*/|//[^\n]*"),
    ("unclosed", r"/\*[^\n]*"),
    ("define", r"\#[ \t]*define\b(?:[^\n\\/]|\\\n|\\(?!\n)|/\*.*?\*/|/(?!\*))*"),
    ("directive", r"\#[^\n]*"),
    ("number", r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)[uUlL]*(?![A-Za-z0-9_])"),
    ("string", r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""),
    ("elision", r"\.\.\.|…|\x1a"),
    ("op", r"<<|>>|->|\+\+|--|[=!<>]=|&&|\|\||::=|[{}()\[\];:,<>=+\-*/%&|^~!?.@]"),
    ("junk", r"[0-9][A-Za-z0-9_]*|."),
)
_TOKEN = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _FORMS), re.DOTALL)
_BLANK_AND_TOKEN = re.compile(rf"([ \t\f\v\n]*)({'|'.join(form for _, form in _FORMS)}|\Z)", re.DOTALL)

_KINDS = {**dict.fromkeys(f"{ascii_letters}_", "name"), **dict.fromkeys("{}()[];:,=", "op")}
"""The kinds of nearly all tokens, by their first character."""

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
    passed = 0
    start = base
    for blank, word in _BLANK_AND_TOKEN.findall(text):
        if blank:
            fresh = fresh or "\n" in blank
            start += len(blank)
        if not word:
            break
        kind = _KINDS.get(word[0]) or _kind(word)
        if kind == "unclosed":
            sink.warning(
                "VS014",
                at(file, start),
                "comment is not closed; read to the end of its line",
                hint="close it with '*/'",
            )
            kind = "comment"
        if kind == "comment":
            # what follows it on its line is the first token of the line, too
            comments.append(Token(kind, word, start, fresh))
            passed += 1
        else:
            add(make(Token, (kind, word, start, fresh, passed)))
            fresh = kind == "define"
        start += len(word)
    add(Token("end", "", base + len(text), True, passed))
    return tokens, comments


def _kind(word: str) -> str:
    match = _TOKEN.match(word)
    assert match is not None and match.lastgroup is not None
    return match.lastgroup


def _blank_escapes(text: str, escape: str) -> str:
    """The body with each escaped piece of LaTeX blanked out, an ellipsis marked; every offset stays."""
    pattern = re.compile(re.escape(escape) + r"[^\n]*?" + re.escape(escape))

    def blank(match: re.Match[str]) -> str:
        if _ELLIPSIS.search(match[0]):
            return "\x1a" + " " * (len(match[0]) - 1)
        return " " * len(match[0])

    return pattern.sub(blank, text)
