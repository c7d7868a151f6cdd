"""The text between the blocks of a document, and what encloses each position of it.

Every pass over prose is a regular expression over whole files (`Prose.find`); only where it matches is the context
looked up: the section, the labels of the list items around, and whether the place is prose at all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from virtspec.chapters import module_of
from virtspec.latex.document import Document, Located, Section
from virtspec.latex.scan import Heading, Item, Label, ListEdge, Listing, Table, group
from virtspec.model import Place
from virtspec.source import SourceFile

MAX_LOOK = 2000
"""How far, in characters, the start of a paragraph is looked for."""

_LABEL = re.compile(r"\s*\\label(?=\{)")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:\[[^\[\]]*\])?")
_COMMENT = re.compile(r"(?<!\\)%")
_ODD_BREAK = re.compile(r"\n[ \t]+\n")
_STOP = re.compile(r"[.?!][)}]?(?=\s)")
_ABBREVIATED = frozenset({"e.g", "i.e", "etc", " vs"})


@lru_cache(maxsize=4096)
def behind_heading(text: str, start: int) -> int:
    """Where the text behind a heading begins: behind the heading's arguments, and behind its label."""
    position = start
    while command := (_COMMAND if position == start else _LABEL).match(text, position):
        position = command.end()
        while text[position : position + 1] == "{" and (argument := group(text, position)):
            position = argument[1] + 1
    return position


@dataclass(slots=True)
class Context:
    """What encloses the text from a block to the next: `items` are labels of list items, the innermost last."""

    start: int
    located: Located
    items: tuple[str, ...]
    module: str

    def prose_start(self) -> int:
        """Where the text begins: behind the arguments of a heading, and behind its label."""
        block = self.located.block
        if self.start == block.start and isinstance(block, Heading):
            self.start = behind_heading(self.located.file.text, block.start)
        return self.start

    @property
    def section(self) -> Section | None:
        return self.located.section


@dataclass(slots=True)
class Pages:
    """One file with the contexts of its text, in order."""

    file: SourceFile
    starts: list[int] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    items: tuple[str, ...] = ()

    def add(self, located: Located, module: str) -> None:
        """Add the next block."""
        block = located.block
        start, mask = block.start, 0
        if isinstance(block, Item):
            start = block.body
            if self.open:
                self.open[-1] = block.label or ""
                self.items = tuple(filter(None, self.open))
        elif isinstance(block, ListEdge):
            if block.opens:
                self.open.append("")
            elif self.open:
                self.open.pop()
                self.items = tuple(filter(None, self.open))
        elif isinstance(block, Heading):
            self.open.clear()
            self.items = ()
        elif isinstance(block, (Listing, Table)):
            # what is no prose: everything from here up to the end of a listing or table
            mask = block.end
        self.starts.append(start)
        self.masks.append(mask)
        self.contexts.append(Context(mask or start, located, self.items, module))


@dataclass(slots=True)
class Hit:
    """A match in prose with its context."""

    match: re.Match[str]
    pages: Pages
    index: int

    @property
    def context(self) -> Context:
        return self.pages.contexts[self.index]

    @property
    def file(self) -> SourceFile:
        return self.pages.file

    @property
    def start(self) -> int:
        return self.match.start()

    @property
    def place(self) -> Place:
        return Place(self.file.path, self.file.line(self.match.start()))

    @property
    def end(self) -> int:
        """Where the next block begins, or the file ends."""
        contexts, following = self.pages.contexts, self.index + 1
        return contexts[following].located.block.start if following < len(contexts) else len(self.file.text)

    def paragraph_start(self) -> int:
        """Where the paragraph of the match begins: behind a blank line or a block."""
        return paragraph_start(self.file.text, self.context.prose_start(), self.match.start())

    def sentence_start(self) -> int:
        """Where the sentence of the match begins."""
        return sentence_start(self.file.text, self.context.prose_start(), self.match.start())

    def sentence_end(self) -> int:
        """Where the sentence of the match ends: at its full stop, a blank line or the next block."""
        return sentence_end(self.file.text, self.match.end(), self.end)


def paragraph_start(text: str, start: int, position: int) -> int:
    """Where the paragraph of a position begins, in prose that begins at `start`."""
    start = max(start, position - MAX_LOOK)
    blank = text.rfind("\n\n", start, position)
    start = blank + 2 if blank >= 0 else start
    for odd in _ODD_BREAK.finditer(text, start, position):
        start = odd.end()
    return start


@lru_cache(maxsize=8192)
def sentence_start(text: str, start: int, position: int) -> int:
    """Where the sentence of a position begins, in prose that begins at `start`."""
    start = paragraph_start(text, start, position)
    for stop in _STOP.finditer(text, start, position):
        if text[stop.start() - 3 : stop.start()] not in _ABBREVIATED:
            start = stop.end()
    return start


@lru_cache(maxsize=8192)
def sentence_end(text: str, position: int, limit: int) -> int:
    """Where the sentence of a position ends, in prose that ends at `limit`."""
    limit = min(limit, position + MAX_LOOK)
    blank = text.find("\n\n", position, limit)
    limit = blank if blank >= 0 else limit
    odd = _ODD_BREAK.search(text, position, limit)
    limit = odd.start() if odd else limit
    for stop in _STOP.finditer(text, position, limit):
        if text[stop.start() - 3 : stop.start()] not in _ABBREVIATED:
            return stop.end()
    return max(position, limit)


class Prose:
    """The prose of a document. A file that is included several times counts once, where it comes first."""

    def __init__(self, document: Document) -> None:
        self.pages: dict[str, Pages] = {}
        self.titles = {section.label: section.title for section in document.sections if section.label}
        done: set[str] = set()
        modules: dict[tuple[Section | None, str], str] = {}
        current, around, name = "", None, ""

        def module(section: Section | None, path: str) -> str:
            known = modules.get((section, path))
            if known is None:
                known = modules[section, path] = module_of(section.path if section else (), path)
            return known

        for located in document.blocks:
            path, section = located.file.path, located.section
            # a label stands amidst the text that it labels
            if path in done or isinstance(located.block, Label):
                continue
            pages = self.pages.get(path)
            if pages is None:
                pages = self._open(located.file, around, module(around, path))
            elif path != current and located.block.start < pages.starts[-1]:
                done.add(path)
                continue
            if section is not around or path != current:
                current, around, name = path, section, module(section, path)
            pages.add(located, name)
        for path, file in document.files.items():
            if path not in self.pages:
                self._open(file, None, module(None, path))

    def _open(self, file: SourceFile, section: Section | None, module: str) -> Pages:
        """A file that begins with text, which belongs to the section that includes it."""
        pages = self.pages[file.path] = Pages(file)
        pages.add(Located(file, Label(0, ""), section), module)
        return pages

    def find(self, pattern: re.Pattern[str], word: str = "") -> Iterator[Hit]:
        """Every match of a pattern in prose: not in a listing, a table or a comment.

        `word` is what every match begins with: looking for it first is several times faster.
        """
        for pages in self.pages.values():
            starts, masks = pages.starts, pages.masks
            for match in matches_in(pages.file.text, pattern, word):
                position = match.start()
                index = bisect_right(starts, position) - 1
                if position >= masks[index]:
                    yield Hit(match, pages, index)

    def context(self, path: str, position: int) -> Context | None:
        """What encloses a position of a file."""
        pages = self.pages.get(path)
        return pages.contexts[bisect_right(pages.starts, position) - 1] if pages else None


@lru_cache(maxsize=4096)
def matches_in(text: str, pattern: re.Pattern[str], word: str) -> tuple[re.Match[str], ...]:
    """The matches of a pattern outside of comments; equal texts are searched once per process."""
    found: list[re.Match[str]] = []
    for match in _beginning(pattern, word, text) if word else pattern.finditer(text):
        position = match.start()
        begin = max(0, position - MAX_LOOK)
        line = text.rfind("\n", begin, position) + 1 or begin
        if text.find("%", line, position) < 0 or not _COMMENT.search(text, line, position):
            found.append(match)
    return tuple(found)


def _beginning(pattern: re.Pattern[str], word: str, text: str) -> Iterator[re.Match[str]]:
    """The matches of a pattern that begin with a word."""
    position = text.find(word)
    while position >= 0:
        match = pattern.match(text, position)
        if match:
            yield match
        position = text.find(word, match.end() if match else position + 1)
