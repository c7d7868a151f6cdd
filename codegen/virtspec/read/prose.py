"""The text between the blocks of a document, and what encloses each position of it.

Every pass over prose is a regular expression over whole files (`Phrase`, `Prose.find`); only where it matches is the
context looked up: the section, the labels of the list items around, and whether the place is prose at all. What follows
from the text of a file alone (`Outline`, `hits_in`) is worked out once for equal texts; a document adds the sections.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from virtspec.chapters import module_of
from virtspec.latex.arguments import argument
from virtspec.latex.blocks import Heading, Input, Item, Label, ListEdge, Listing, Settings, Table
from virtspec.latex.document import Document, Located, Section, Segment
from virtspec.latex.scan import scan_text
from virtspec.model import Place
from virtspec.source import SourceFile

MAX_LOOK = 2000
"""How far, in characters, the start of a paragraph is looked for."""

MAX_NEAR = 240
"""How many characters before a word what is near it begins."""

MAX_WORD = 16
"""The longest word, in characters, that is looked for near another."""

_LABEL = re.compile(r"\s*\\label(?=\{)")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:\[[^\[\]]*\])?")
_ODD_BREAK = re.compile(r"\n[ \t]+\n")
# a full stop, or a blank line; it begins with a set of characters, for which the engine looks first
_SENTENCE_END = re.compile(r"[.?!\n](?:(?<=\n)[ \t]*\n|(?<!\n)[)}]?(?=\s))")
_ABBREVIATED = frozenset({"e.g", "i.e", "etc", " vs"})


@lru_cache(maxsize=4096)
def behind_heading(text: str, start: int) -> int:
    """Where the text behind a heading begins: behind the heading's arguments, and behind its label."""
    position = start
    while command := (_COMMAND if position == start else _LABEL).match(text, position):
        position = command.end()
        while text[position : position + 1] == "{" and (found := argument(text, position)):
            position = found[1] + 1
    return position


@dataclass(slots=True)
class Outline:
    """The stretches of one text, each from a block to the next; the first one begins with the text.

    A stretch begins at one of `starts`, its prose at one of `begins` (behind a listing or table), and it ends at one of
    `ends`. `items` are the labels of the list items around it, the innermost last; `titled` says that a heading begins
    it. `comments` are where comments begin and end, in turn.
    """

    text: str
    starts: tuple[int, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    items: tuple[tuple[str, ...], ...]
    titled: tuple[bool, ...]
    comments: tuple[int, ...]

    def prose_start(self, index: int) -> int:
        """Where the prose of a stretch begins: behind the arguments of a heading, and behind its label."""
        begin = self.begins[index]
        return behind_heading(self.text, begin) if self.titled[index] else begin

    def at(self, position: int) -> int:
        """The stretch of a position."""
        return bisect_right(self.starts, position) - 1

    def hit(self, match: re.Match[str]) -> tuple[re.Match[str], int] | None:
        """A match with its stretch; None where it is not in prose, but in a listing, a table or a comment."""
        position = match.start()
        index = bisect_right(self.starts, position) - 1
        if position < self.begins[index]:
            return None
        return None if bisect_right(self.comments, position) % 2 else (match, index)


@lru_cache(maxsize=1024)
def outline_of(text: str) -> Outline:
    """The stretches of a LaTeX text: one for every block of its segments, save labels."""
    scan = scan_text(text)
    # of each stretch: its start, where its prose begins, where the one before ends, the items around, whether titled
    found: list[tuple[int, int, int, tuple[str, ...], bool]] = [(0, 0, 0, (), False)]
    open_: list[str] = []
    items: tuple[str, ...] = ()
    for block in scan.blocks:
        start = begin = block.start
        titled = False
        match block:
            case Item():
                start = begin = block.body
                if open_:
                    open_[-1] = block.label or ""
                    items = tuple(filter(None, open_))
            case ListEdge():
                if block.opens:
                    open_.append("")
                elif open_:
                    open_.pop()
                    items = tuple(filter(None, open_))
            case Heading():
                open_.clear()
                items = ()
                titled = True
            case Label() | Input() | Settings():
                continue  # these stand amidst the text
            case Listing() | Table():
                if isinstance(block, Listing) and block.path:
                    continue  # the listing stands in a file of its own
                begin = block.end
        found.append((start, begin, block.start, items, titled))
    starts, begins, ends, around, headed = zip(*found, strict=True)
    return Outline(text, starts, begins, (*ends[1:], len(text)), around, headed, scan.comments)


class Phrase:
    """A form of words that is looked for in prose.

    `word` is what every match begins with: looking for it first is faster where it begins with a frequent letter.
    `near` is a rarer word that stands in every match, at most `MAX_NEAR` characters behind its beginning: only what is
    near it is then looked through.
    """

    __slots__ = ("near", "needed", "pattern", "word")

    def __init__(self, pattern: str, word: str = "", near: str = "") -> None:
        self.pattern = re.compile(pattern)
        self.word = word
        self.near = near
        self.needed = near or word

    def matches(self, text: str) -> Iterable[re.Match[str]]:
        """The matches in a text, one behind the other."""
        if not self.word:
            return self.pattern.finditer(text)
        return self._near(text, gist_of(text, self.near)) if self.near else self._beginning(text)

    def _beginning(self, text: str) -> Iterator[re.Match[str]]:
        position = text.find(self.word)
        while position >= 0:
            match = self.pattern.match(text, position)
            if match:
                yield match
            position = text.find(self.word, match.end() if match else position + 1)

    def _near(self, text: str, gist: Gist) -> Iterator[re.Match[str]]:
        end = 0
        position = gist.text.find(self.word)
        while position >= 0:
            start = gist.origin(position)
            match = self.pattern.match(text, start) if start >= end else None
            if match:
                end = match.end()
                yield match
            position = gist.text.find(self.word, position + 1)


@dataclass(frozen=True, slots=True)
class Gist:
    """What of a text stands near a word: the pieces as one text, where each begins in it, and where in the text."""

    text: str
    begins: list[int]
    origins: list[int]

    def origin(self, position: int) -> int:
        """Where in the whole text a position of the gist lies."""
        piece = bisect_right(self.begins, position) - 1
        return self.origins[piece] + position - self.begins[piece]


@lru_cache(maxsize=1024)
def gist_of(text: str, word: str) -> Gist:
    """The pieces of a text from `MAX_NEAR` characters before each occurrence of a word to a little behind it."""
    pieces: list[str] = []
    begins: list[int] = []
    origins: list[int] = []
    size = end = 0
    position = text.find(word)
    while position >= 0:
        start = max(end, position - MAX_NEAR)
        end = position + MAX_WORD
        begins.append(size)
        origins.append(start)
        pieces.append(text[start:end])
        size += end - start
        position = text.find(word, position + len(word))
    return Gist("".join(pieces), begins, origins)


@dataclass(slots=True)
class Context:
    """What encloses the text from a block to the next: `items` are labels of list items, the innermost last."""

    start: int
    located: Located
    items: tuple[str, ...]
    module: str

    @property
    def section(self) -> Section | None:
        return self.located.section


@dataclass(slots=True, eq=False)
class Pages:
    """One file of a document: its outline, the block with which each stretch begins, and the sections of the file.
    Documents that have the same file in the same sections share them."""

    file: SourceFile
    outline: Outline
    blocks: list[Located]
    sections: list[Section]

    def context(self, index: int) -> Context:
        """What encloses a stretch."""
        located = self.blocks[index]
        section, outline = located.section, self.outline
        module = module_of(section.path if section else (), self.file.path)
        return Context(outline.begins[index], located, outline.items[index], module)


@dataclass(slots=True)
class Hit:
    """A match in prose with its context."""

    match: re.Match[str]
    pages: Pages
    index: int

    @property
    def context(self) -> Context:
        return self.pages.context(self.index)

    @property
    def section(self) -> Section | None:
        return self.pages.blocks[self.index].section

    @property
    def items(self) -> tuple[str, ...]:
        """The labels of the list items around the match, the innermost last."""
        return self.pages.outline.items[self.index]

    @property
    def file(self) -> SourceFile:
        return self.pages.file

    @property
    def start(self) -> int:
        return self.match.start()

    @property
    def place(self) -> Place:
        return self.file.place(self.match.start())

    @property
    def end(self) -> int:
        """Where the next block begins, or the file ends."""
        return self.pages.outline.ends[self.index]

    def paragraph_start(self) -> int:
        """Where the paragraph of the match begins: behind a blank line or a block."""
        return paragraph_start(self.file.text, self.pages.outline.prose_start(self.index), self.match.start())

    def sentence_start(self) -> int:
        """Where the sentence of the match begins."""
        return _sentence_start(self.file.text, self.pages.outline.prose_start(self.index), self.match.start())

    def sentence_end(self) -> int:
        """Where the sentence of the match ends: at its full stop, a blank line or the next block."""
        return _sentence_end(self.file.text, self.match.end(), self.end)


def paragraph_start(text: str, start: int, position: int) -> int:
    """Where the paragraph of a position begins, in prose that begins at `start`."""
    start = max(start, position - MAX_LOOK)
    blank = text.rfind("\n\n", start, position)
    start = blank + 2 if blank >= 0 else start
    for odd in _ODD_BREAK.finditer(text, start, position):
        start = odd.end()
    return start


def sentence_start(text: str, start: int, position: int) -> int:
    """Where the sentence of a position begins, in prose that begins at `start`."""
    start = max(start, position - MAX_LOOK)
    blank = text.rfind("\n\n", start, position)
    end = start = blank + 2 if blank >= 0 else start
    while stop := _SENTENCE_END.search(text, end, position):
        end = stop.end()
        if text[stop.start() - 3 : stop.start()] not in _ABBREVIATED:
            start = end
    return start


def sentence_end(text: str, position: int, limit: int) -> int:
    """Where the sentence of a position ends, in prose that ends at `limit`."""
    limit = min(limit, position + MAX_LOOK)
    end = position
    while stop := _SENTENCE_END.search(text, end, limit):
        first, end = stop.span()
        if text[first] == "\n":
            return first
        if text[first - 3 : first] not in _ABBREVIATED:
            return end
    return max(position, limit)


# a match is often looked at from several sides, and again in the next revision
_sentence_start = lru_cache(maxsize=8192)(sentence_start)
_sentence_end = lru_cache(maxsize=8192)(sentence_end)


class Prose:
    """The prose of a document. A file that is included several times counts once, where it comes first.

    What is included amidst a table, as the logs of changes are, is a part of the table, and no prose.
    """

    def __init__(self, document: Document) -> None:
        self.titles = {section.label: section.title for section in document.sections if section.label}
        self.pages = {
            path: _pages(inclusion.file, inclusion.section, tuple(inclusion.segments))
            for path, inclusion in document.inclusions.items()
            if not inclusion.tabled
        }
        self._listed = document.listed

    def find(self, phrase: Phrase) -> Iterator[Hit]:
        """Every match of a phrase in prose: not in a listing, a table or a comment."""
        return (hit for _, hit in self.find_all((phrase,)))

    def find_all(self, phrases: tuple[Phrase, ...]) -> Iterator[tuple[Phrase, Hit]]:
        """Every match of each of some phrases in prose, one phrase after the other."""
        found = [(pages, hits_in(pages.file.text, phrases)) for pages in self.pages.values()]
        for number, phrase in enumerate(phrases):
            for pages, hits in found:
                for match, index in hits[number]:
                    yield phrase, Hit(match, pages, index)

    def context(self, path: str, position: int) -> Context | None:
        """What encloses a position of a file."""
        if pages := self.pages.get(path):
            return pages.context(pages.outline.at(position))
        located = self._listed.get(path)
        if located is None:
            return None
        section = located.section
        return Context(located.block.start, located, (), module_of(section.path if section else (), path))


@lru_cache(maxsize=1024)
def _pages(file: SourceFile, around: Section | None, segments: tuple[Segment, ...]) -> Pages:
    blocks = [b for segment in segments for b in segment.blocks]
    sections = [*((around,) if around else ()), *(s for segment in segments for s in segment.sections)]
    return Pages(file, outline_of(file.text), [Located(file, Label(0, ""), around), *blocks], sections)


@lru_cache(maxsize=4096)
def hits_in(text: str, phrases: tuple[Phrase, ...]) -> tuple[Sequence[tuple[re.Match[str], int]], ...]:
    """The matches of each phrase in the prose of a text, with their stretches; equal texts are searched once."""
    hit = outline_of(text).hit
    return tuple(
        # most texts lack most phrases: to see that is most of the work
        [found for match in phrase.matches(text) if (found := hit(match))] if phrase.needed in text else ()
        for phrase in phrases
    )
