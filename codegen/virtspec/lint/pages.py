"""The prose of a document, page by page: its text without listings and comments, every position under its section.

Offsets stay those of the file, so that whatever a rule finds has its place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from virtspec.chapters import module_of
from virtspec.latex.blocks import Listing
from virtspec.latex.document import Document, Section
from virtspec.source import SourceFile

_HIDDEN = re.compile(
    r"\\begin\{(?P<environment>lstlisting|verbatim|Verbatim|minted|comment)\}"
    r"|\\(?:(?:re)?new|provide)command\*?\s*\{?\\[A-Za-z]+\}?(?:\[[0-9]\])?\{[^\n]*"
    r"|\\def\s*\\[A-Za-z]+[#0-9]*\{[^\n]*"
    r"|(?P<label>\\(?:label|[A-Za-z]*ref)\*?\s*[\[{][^{}\[\]%]*[\]}])"
    r"|(?P<blank>~|\\[ \t,;:])|\\[\\%~]|(?P<comment>%[^\n]*)"
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n|\\item\b|\\(?:begin|end)\{|\\(?:sub)*(?:section|paragraph)\b|\\\\")
_SENTENCE_END = re.compile(r"[.;](?=\s)")
_NOT_BLANK = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One file. `text` has the length of the file's; listings, comments and macro definitions in it are blank, and so
    is what LaTeX prints as a blank: `~`, `\\ `, `\\,`."""

    file: SourceFile
    text: str
    _starts: list[int]
    _sections: list[Section | None]

    def section(self, offset: int) -> Section | None:
        """The innermost section that a position belongs to."""
        index = bisect_right(self._starts, offset) - 1
        return self._sections[index]

    @property
    def opens(self) -> Section | None:
        """The first section that the file opens; without any, the one that it stands in."""
        return next((s for s in self._sections if s is not None and s.file is self.file), self._sections[0])

    def title(self, offset: int) -> str:
        """The title of the section that a position belongs to; "" before the first one."""
        section = self.section(offset)
        return section.title if section else ""

    def extent(self, offset: int) -> tuple[int, int]:
        """The bounds of the section around a position, up to the next heading of any level."""
        index = bisect_right(self._starts, offset) - 1
        stop = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.text)
        return self._starts[index], stop

    def module(self, offset: int) -> str:
        """The device type or chapter that a position belongs to."""
        section = self.section(offset)
        return module_of(section.path if section else (), self.file.path)

    def sentence(self, offset: int) -> tuple[int, int]:
        """The bounds of the sentence around a position; it ends with its paragraph, item or table row."""
        first, last = self.paragraph(offset)
        for match in _SENTENCE_END.finditer(self.text, first, last):
            if match.end() > offset:
                return first, match.end()
            first = match.end()
        return first, last

    def paragraph(self, offset: int) -> tuple[int, int]:
        """The bounds of the paragraph, item or table row around a position."""
        first = max(0, offset - 4000)
        for match in _PARAGRAPH.finditer(self.text, first, offset):
            first = match.end()
        following = _PARAGRAPH.search(self.text, offset, offset + 4000)
        return first, following.start() if following else min(len(self.text), offset + 4000)


def read_pages(document: Document) -> tuple[Page, ...]:
    """The prose of every file of a document, in reading order."""
    # a file begins in the section that it is included in
    marks: dict[str, tuple[list[int], list[Section | None]]] = {
        path: ([0], [inclusion.section]) for path, inclusion in document.inclusions.items()
    }
    for located in document.blocks:
        if isinstance(located.block, Listing) and located.block.path:
            continue
        starts, sections = marks[located.file.path]
        if located.block.start < starts[-1]:
            continue  # the file is included a second time
        if sections[-1] is not located.section:
            starts.append(located.block.start)
            sections.append(located.section)
    return tuple(Page(file, hide(file.text), *marks[path]) for path, file in document.files.items())


@lru_cache(maxsize=1024)
def hide(text: str) -> str:
    """A text with blanks for listings, comments, macro definitions and commands that print one; every offset stays."""
    pieces: list[str] = []
    done = position = 0
    unclosed: set[str] = set()
    while match := _HIDDEN.search(text, position):
        position = match.end()
        environment = match["environment"]
        if environment:
            closing = f"\\end{{{environment}}}"
            end = -1 if environment in unclosed else text.find(closing, position)
            if end < 0:
                unclosed.add(environment)
                continue
            position = end + len(closing)
        elif match["label"] or match[0] in ("\\\\", "\\%", "\\~"):
            continue
        pieces += [text[done : match.start()], _NOT_BLANK.sub(" ", text[match.start() : position])]
        done = position
    return "".join(pieces) + text[done:]
