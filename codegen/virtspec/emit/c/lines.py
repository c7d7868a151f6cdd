"""Lines of C that names have made too long, broken where a person would break them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

LINE = 110
"""The longest line, where the names in it allow that."""

_COMMENT = re.compile(r"(?P<before> *)(?P<start>/\* | \* )(?P<words>(?:(?!\*/).)*(?:\*/)?)")
_REMARK = re.compile(r"(?P<before> *)(?P<code>[^\s#].*[;,:]|#define \S+ \S+) (?P<comment>/\*(?:(?!\*/).)*\*/)")
_PIECE = re.compile(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"|, |(?<= )(?:\|\||&&|\|) |[()]|.')


def folded(text: str) -> str:
    """A text with its long lines broken; a macro's definition stays as it is."""
    # a directive is one line, whatever it goes on over
    lines = re.findall(r"(?m)^#(?:[^\n]|(?<=\\)\n)*$|^(?!#).*$", text)
    return "\n".join(part for line in lines for part in _folded(line))


def _folded(line: str) -> Iterator[str]:
    if len(line) <= LINE:
        yield line
    elif comment := _COMMENT.fullmatch(line):
        # what ends the comment stays with its last word
        lines = textwrap.wrap(
            comment["words"].replace(" */", "\N{NO-BREAK SPACE}*/"),
            LINE,
            initial_indent=comment["before"] + comment["start"],
            subsequent_indent=comment["before"] + " * ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in lines)
    elif remark := _REMARK.fullmatch(line):
        yield from _folded(remark["before"] + remark["comment"])
        yield from _folded(remark["before"] + remark["code"])
    elif line.startswith("#"):
        yield line
    else:
        before = line[: len(line) - len(line.lstrip(" "))]
        # what goes on from the line above is indented already
        further = before if _depth(line) < 0 or (line.endswith(",") and _depth(line) == 0) else before + "    "
        while len(line) > LINE and (at := _break(line)):
            yield line[:at].rstrip()
            line = further + line[at:]
        yield line


def _depth(line: str) -> int:
    """How many more parentheses a line opens than it closes."""
    pieces = [piece[0] for piece in _PIECE.finditer(line)]
    return pieces.count("(") - pieces.count(")")


def _break(line: str) -> int:
    """The last place in the fewest parentheses at which a line can end, else behind the first one; 0 for none."""
    best, fewest, depth = 0, LINE, 0
    begin = len(line) - len(line.lstrip(" "))
    for piece in _PIECE.finditer(line, begin):
        at = piece.start() if piece[0].endswith("| ") or piece[0] == "&& " else piece.end()
        if at > LINE + 1:
            break
        if at == begin:
            continue
        match piece[0]:
            case "(":
                depth += 1
                if not best:
                    best = at
            case ")":
                depth -= 1
            case ", " | "|| " | "&& " | "| " if depth <= fewest:
                best, fewest = at, depth
            case _:
                pass
    return best
