"""What TeX passes over: `\\iffalse … \\fi`, and what the environment `comment` leaves out.

It becomes blank before anything else looks at a text, so that no pass has to know of it; every line and every offset
stays where it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from virtspec.source import SourceFile

VERBATIM = frozenset("lstlisting lstlisting* verbatim verbatim* Verbatim Verbatim* minted comment".split())
"""The environments in which nothing is a command but their end."""

_START = re.compile(
    r"\\(?:"
    r"(?P<iffalse>iffalse(?![A-Za-z@]))"
    rf"|begin\{{(?P<verbatim>{'|'.join(map(re.escape, sorted(VERBATIM)))})\}}"
    r"|(?:verb|lstinline)\*?(?P<mark>[^A-Za-z0-9\s*{\[@])[^\n]*?(?P=mark)"
    r"|[%\\])"
    r"|%[^\n]*"
)
_WORD = re.compile(r"\\(?:(?P<name>[A-Za-z@]+)|.)|%[^\n]*", re.DOTALL)
_LET = re.compile(r"\\let\s*\\[A-Za-z@]{1,80}\s*=?\s*$")
_NOT_BLANK = re.compile(r"[^\s]")


@lru_cache(maxsize=64)
def visible(file: SourceFile) -> SourceFile:
    """A file with what TeX passes over as blanks; `written` is its text as it was."""
    text = file.text
    hidden, _ = passed_over(text)
    if not hidden:
        return file
    pieces: list[str] = []
    done = 0
    for start, end in hidden:
        pieces += [text[done:start], _NOT_BLANK.sub(" ", text[start:end])]
        done = end
    return SourceFile(file.path, "".join(pieces) + text[done:], text)


def passed_over(text: str) -> tuple[list[tuple[int, int]], int | None]:
    """The stretches that TeX passes over, and the `\\iffalse` that nothing ends, if there is one: TeX would pass over
    all that follows, which is no help to a reader."""
    found: list[tuple[int, int]] = []
    position = 0
    while match := _START.search(text, position):
        start, position = match.span()
        if environment := match["verbatim"]:
            closing = f"\\end{{{environment}}}"
            closed = text.find(closing, position)
            if closed < 0:
                break  # the scan tells it
            position = closed + len(closing)
            if environment == "comment":
                found.append((start, position))
        elif match["iffalse"] and not _is_named(text, start, position):
            end = _end(text, position)
            if end is None:
                return found, start
            found.append((start, end))
            position = end
    return found, None


def _is_named(text: str, start: int, end: int) -> bool:
    """Whether an `\\iffalse` only gets another name: `\\let\\draft\\iffalse`, `\\def\\draft{\\iffalse}`."""
    braced = text[start - 1 : start] == "{" and text[end : end + 1] == "}"
    return braced or _LET.search(text, max(0, start - 100), start) is not None


def _end(text: str, position: int) -> int | None:
    """Where what an `\\iffalse` hides ends: behind its `\\fi` or its `\\else`. TeX knows conditionals by their meaning;
    here it is their name, save `\\iff`, and macros that take their cases in braces (`\\ifthenelse{`)."""
    depth = 0
    for match in _WORD.finditer(text, position):
        name = match["name"] or ""
        if name == "fi":
            if not depth:
                return match.end()
            depth -= 1
        elif name == "else" and not depth:
            return match.end()
        elif name.startswith("if") and name != "iff" and text[match.end() : match.end() + 1] != "{":
            depth += 1
    return None
