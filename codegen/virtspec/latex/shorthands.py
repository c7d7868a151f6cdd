"""Macros of the specification's own that stand for names: `\\newcommand{\\feature}[2]{\\item[\\texttt{#1} (#2)]}`.

A use becomes the words that TeX makes of it, without their type face, before anything else looks at a text, so that no
pass has to know of it; every line stays where it is. Only a macro that says nothing but words, in the commands for
names, is a shorthand; the others, and the reader's own (`\\field`, `\\drivernormative`), stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from virtspec.latex.arguments import MAX_ARGUMENT, argument
from virtspec.latex.scan import scan_text
from virtspec.source import Expansion, SourceFile

MAX_BODY = 500
"""The longest body of a shorthand, in characters."""

MAX_LEVELS = 4
"""How deep shorthands may stand in each other's arguments."""

MAX_GROWTH = 1 << 20
"""How many characters the uses in a file may add; the further ones stay as they are written."""

_DEFINITION = re.compile(
    r"\\(?:(?:re)?new|provide)command\*?[ \t]*(?:\{[ \t]*\\(?P<braced>[A-Za-z]+)[ \t]*\}|\\(?P<bare>[A-Za-z]+))"
    r"[ \t]*(?:\[(?P<count>[1-9])\])?[ \t\n]*(?=\{)"
)
_OWN = frozenset({"field", "drivernormative", "devicenormative", "conformance", "mmioreg", "mmiodreg"})
_COMMAND = re.compile(r"\\(?:field|emph|texttt|textbf|textit|text|mbox|item|ldots|dots)(?![A-Za-z])|\\[_%,#]|\\ ")
_FACE = re.compile(r"\\(?:emph|texttt|textbf|textit|text|mbox)\{([^{}]*)\}")
_NAMES = re.compile(r"#|\\?_|\\field|\\item")
_PARAMETER = re.compile(r"#([1-9])")
_STEP = re.compile(
    r"\\begin\{(?P<verbatim>lstlisting\*?|[vV]erbatim\*?|minted|comment)\}"
    r"|\\(?:verb|lstinline)\*?(?P<mark>[^A-Za-z0-9\s*{\[@])[^\n]*?(?P=mark)"
    r"|(?P<definition>\\(?:(?:re)?newcommand|providecommand|def)(?![A-Za-z]))"
    r"|\\(?P<use>[A-Za-z]+)|\\[\\%]|%[^\n]*"
)

Shorthands = Mapping[str, tuple[int, str]]
"""The number of parameters and the body of each, by name."""


@lru_cache(maxsize=256)
def shorthands_in(text: str) -> tuple[tuple[str, tuple[int, str]], ...]:
    """The shorthands that a text defines."""
    found: list[tuple[str, tuple[int, str]]] = []
    for start in scan_text(text).definitions:
        match = _DEFINITION.match(text, start)
        if match is None:
            continue
        name = match["braced"] or match["bare"]
        body = argument(text, match.end())
        if name not in _OWN and body is not None and _is_words(text[slice(*body)], count := int(match["count"] or 0)):
            found.append((name, (count, _FACE.sub(r"\1", text[slice(*body)]).replace("\\_", "_"))))
    return tuple(found)


def _is_words(body: str, count: int) -> bool:
    rest = _COMMAND.sub("", body)
    numbers = {int(number) for number in _PARAMETER.findall(body)}
    return (
        len(body) <= MAX_BODY
        and _NAMES.search(body) is not None
        and not any(character in rest for character in "\\&%$~^\n")
        and all(number <= count for number in numbers)
        and rest.count("#") == len(_PARAMETER.findall(rest))
    )


@lru_cache(maxsize=64)
def expanded(file: SourceFile, shorthands: tuple[tuple[str, tuple[int, str]], ...]) -> SourceFile:
    """A file with every use of a shorthand as what it stands for; `written` is its text as it was."""
    known = dict(shorthands)
    text = file.text
    pieces: list[str] = []
    expansions: list[Expansion] = []
    done = position = length = 0
    while match := _STEP.search(text, position):
        position = match.end()
        if match["verbatim"]:
            closing = text.find(f"\\end{{{match['verbatim']}}}", position)
            position = closing if closing >= 0 else len(text)
        elif match["definition"]:
            body = _DEFINITION.match(text, match.start())
            span = argument(text, body.end()) if body else None
            position = span[1] if span else position
        elif match["use"] in known and length - done <= MAX_GROWTH:
            made = _expand(text, position, match["use"], known)
            if made is None:
                continue
            words, position = made
            words += "\n" * text.count("\n", match.start(), position)
            pieces += [text[done : match.start()], words]
            length += match.start() - done + len(words)
            expansions.append(Expansion(length - len(words), length, match.start(), position))
            done = position
    if not expansions:
        return file
    return SourceFile(file.path, "".join(pieces) + text[done:], file.written, tuple(expansions))


def _expand(text: str, position: int, name: str, known: Shorthands, level: int = 0) -> tuple[str, int] | None:
    """What a use stands for, on one line, and where it ends; None where an argument is missing."""
    count, body = known[name]
    arguments: list[str] = []
    for _ in range(count):
        span = argument(text, position)
        if span is None:
            return None
        words = text[slice(*span)].replace("\n", " ").replace("\\_", "_")
        arguments.append(_within(words, known, level + 1))
        position = span[1] + 1
    return _PARAMETER.sub(lambda match: arguments[int(match[1]) - 1], body), position


def _within(text: str, known: Shorthands, level: int) -> str:
    """An argument with the shorthands in it expanded."""
    if level > MAX_LEVELS:
        return text
    pieces: list[str] = []
    done = position = 0
    while match := _STEP.search(text, position):
        position = match.end()
        made = _expand(text, position, match["use"], known, level) if match["use"] in known else None
        if made is not None:
            pieces += [text[done : match.start()], made[0]]
            done = position = made[1]
    words = "".join(pieces) + text[done:]
    return words if len(words) <= MAX_ARGUMENT else text
