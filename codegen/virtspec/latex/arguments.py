"""The arguments of a LaTeX command: where they begin and end, and their words."""

from __future__ import annotations

import re

MAX_ARGUMENT = 1 << 13
MAX_OPTION = 1 << 10
"""The longest argument in braces and in brackets, in characters: an unclosed one must not swallow a file, and a
thousand unclosed ones must not cost the square of it."""

_FLAT = re.compile(rf"[ \t\n]*\{{((?:\\[A-Za-z]{{1,20}})?[^{{}}\\%]{{0,{MAX_ARGUMENT - 23}}})\}}")
_FLAT_OPTION = re.compile(rf"\[([^][{{}}\\%]{{0,{MAX_OPTION - 2}}})\]")
# one set of characters comes first: it is all that the engine looks for
_BRACES = re.compile(r"[{}\\%](?:(?<=\\).|(?<=%)[^\n]*)?", re.DOTALL)
_BRACKETS = re.compile(r"[][{}\\%](?:(?<=\\).|(?<=%)[^\n]*)?", re.DOTALL)
# blanks and comments may stand in front of an argument
_OPEN = re.compile(r"(?:[ \t\n]|%[^\n]*\n)*\{")
_OPEN_OPTION = re.compile(r"(?:[ \t\n]|%[^\n]*\n)*\[")


def argument(text: str, start: int) -> tuple[int, int] | None:
    """The content of the balanced `{…}` that begins at or, after blanks and comments, behind `start`, as offsets.

    None where there is no such argument or it does not end within `MAX_ARGUMENT` characters.
    """
    # nearly every argument is words, or begins with its only command: no need to look at every character of it
    if flat := _FLAT.match(text, start):
        return flat.span(1)
    begin = _OPEN.match(text, start)
    if begin is None:
        return None
    depth = 0
    for match in _BRACES.finditer(text, begin.end() - 1, begin.end() - 1 + MAX_ARGUMENT):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if not depth:
                return begin.end(), match.start()
    return None


def option(text: str, start: int) -> tuple[int, int] | None:
    """The same for the balanced `[…]` of an optional argument and `MAX_OPTION`; brackets in braces do not count."""
    begin = _OPEN_OPTION.match(text, start)
    if begin is None:
        return None
    if flat := _FLAT_OPTION.match(text, begin.end() - 1):
        return flat.span(1)
    depth = braces = 0
    for match in _BRACKETS.finditer(text, begin.end() - 1, begin.end() - 1 + MAX_OPTION):
        token = match[0]
        braces += (token == "{") - (token == "}")
        if braces < 0:
            return None
        if not braces:
            depth += (token == "[") - (token == "]")
            if token == "]" and not depth:
                return begin.end(), match.start()
    return None


def squeeze(text: str) -> str:
    """A label or title with every run of white space as one blank: both break across lines in the sources."""
    return " ".join(text.split())
