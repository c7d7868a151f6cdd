"""The arguments of a LaTeX command: where they begin and end, and their words."""

from __future__ import annotations

import re

MAX_ARGUMENT = 1 << 13
MAX_OPTION = 1 << 10
"""The longest argument in braces and in brackets, in characters: an unclosed one must not swallow a file, and a
thousand unclosed ones must not cost the square of it."""

_FLAT = re.compile(rf"[ \t\n]*\{{([^{{}}\\%]{{0,{MAX_ARGUMENT - 2}}})\}}")
_FLAT_OPTION = re.compile(rf"[ \t\n]*\[([^][{{}}\\]{{0,{MAX_OPTION - 2}}})\]")
_BRACES = re.compile(r"[{}]|\\.|%[^\n]*", re.DOTALL)
_BRACKETS = re.compile(r"[][{}]|\\.", re.DOTALL)
# blanks and comments may stand in front of an argument
_OPEN = re.compile(r"(?:[ \t\n]|%[^\n]*\n)*\{")
_OPEN_OPTION = re.compile(r"(?:[ \t\n]|%[^\n]*\n)*\[")


def group(text: str, start: int, opening: str = "{", closing: str = "}") -> tuple[int, int] | None:
    """The content of the balanced `{…}` (or `[…]`) that begins at or, after blanks, behind `start`, as offsets.

    None where there is no such argument or it does not end within `MAX_ARGUMENT` or `MAX_OPTION` characters.
    """
    braces = opening == "{"
    # nearly every argument is flat: no need to look at every character of it
    if flat := (_FLAT if braces else _FLAT_OPTION).match(text, start):
        return flat.span(1)
    begin = (_OPEN if braces else _OPEN_OPTION).match(text, start)
    return _nested(text, begin.end() - 1, opening, closing) if begin else None


def _nested(text: str, position: int, opening: str, closing: str) -> tuple[int, int] | None:
    """The content of an argument that begins at a position, and has others in it."""
    if opening == "{":
        depth = 0
        for match in _BRACES.finditer(text, position, position + MAX_ARGUMENT):
            token = match[0]
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
                if not depth:
                    return position + 1, match.start()
        return None
    depth = braces = 0
    for match in _BRACKETS.finditer(text, position, position + MAX_OPTION):
        token = match[0]
        if token == "{":
            braces += 1
        elif token == "}":
            braces -= 1
            if braces < 0:
                return None
        elif not braces and token == opening:
            depth += 1
        elif not braces and token == closing:
            depth -= 1
            if not depth:
                return position + 1, match.start()
    return None


def squeeze(text: str) -> str:
    """A label or title with every run of white space as one blank: both break across lines in the sources."""
    return " ".join(text.split())
