"""Flowed text (RFC 3676): lines that a mail program has broken, in one piece again.

A line that ends in a blank goes on in the next one. A blank at the start of a line was put there where the line would
else begin with a blank, a quote mark, or `From `; a patch has many of those.
"""

from __future__ import annotations

import re

_MARKS = re.compile(r">*")
_SIGNATURE = "-- "
"""What stands before a signature: a line by itself, in spite of its blank."""


def unfold(text: str, *, delete_blank: bool) -> str:
    """Flowed text with each line in one piece. With `delete_blank` (`DelSp`), the blank at which a line was broken is
    no part of it. Quoted lines have one blank between their marks and their text."""
    lines: list[list[str]] = []
    depth = -1
    for raw in text.replace("\r\n", "\n").split("\n"):
        marks = _MARKS.match(raw)[0]  # type: ignore[index]
        piece = raw.removeprefix(marks).removeprefix(" ")
        if depth == len(marks) and _is_open(lines[-1][-1]) and piece != _SIGNATURE:
            if delete_blank:
                lines[-1][-1] = lines[-1][-1][:-1]
            lines[-1].append(piece)
        else:
            lines.append([f"{marks} " if marks else "", piece])
        depth = len(marks)
    return "\n".join(map("".join, lines))


def _is_open(piece: str) -> bool:
    """Whether a line goes on. Nobody breaks a line of which there are only blanks so far: that is an empty line of the
    context of a patch."""
    return piece.endswith(" ") and piece != _SIGNATURE and not piece.isspace()
