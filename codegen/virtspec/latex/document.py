"""A whole specification in reading order: files joined at their `\\input`s, every block under its section.

The result is one flat sequence of blocks, as a reader of the printed document would meet them. Settings that LaTeX
carries from file to file (the escape character of listings) are carried along here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from virtspec.compat import assert_never
from virtspec.diagnostics import Sink, SpecError, at
from virtspec.latex.blocks import (
    Block,
    Heading,
    Input,
    Item,
    Label,
    ListEdge,
    Listing,
    Role,
    Settings,
    Table,
)
from virtspec.latex.hidden import visible
from virtspec.latex.scan import scan_text
from virtspec.latex.shorthands import expanded, shorthands_in
from virtspec.latex.text import plain_text
from virtspec.source import MissingFile, OutsideTree, Place, SourceError, SourceFile, SourceTree

MAX_LEVELS = 64
"""How deep files may include each other."""

MAX_INPUTS = 4000
"""How often `\\input` is followed in one document: files that include others twice must not multiply without bound."""

_ESCAPE = re.compile(r"escapechar\s*=\s*\{?\s*\\?(.)")


@dataclass(slots=True, eq=False)
class Section:
    """A heading with its place in the hierarchy.

    `legacy` holds for everything below a "Legacy Interface" heading; `path` are the titles from the outermost section
    to this one.
    """

    heading: Heading
    file: SourceFile
    title: str
    label: str
    parent: Section | None
    role: Role | None
    legacy: bool
    path: tuple[str, ...]

    @property
    def line(self) -> int:
        return self.file.line(self.heading.start)

    @property
    def place(self) -> Place:
        return self.file.place(self.heading.start)


@dataclass(slots=True, eq=False)
class Located:
    """A block, the file it stands in, the section it belongs to, and for a listing its escape character."""

    file: SourceFile
    block: Block
    section: Section | None
    escape: str = ""

    @property
    def line(self) -> int:
        return self.file.line(self.block.start)

    @property
    def place(self) -> Place:
        return self.file.place(self.block.start)


@dataclass(slots=True, eq=False)
class Segment:
    """The blocks of one file from one inclusion to the next, with the sections that they open. Labels and settings are
    not among them: they stand amidst the prose that is between blocks.

    `stack` are the sections open at its end, `escape` the listings' escape character there, and `end` is where the scan
    of the file goes on. `edges` are the beginnings and ends of its lists.
    """

    file: SourceFile
    blocks: tuple[Located, ...]
    sections: tuple[Section, ...]
    edges: tuple[ListEdge, ...]
    stack: tuple[Section, ...]
    escape: str
    end: int


@dataclass(slots=True, eq=False)
class Inclusion:
    """One file where it is first included: the section around, whether that is amidst a table, and its segments."""

    file: SourceFile
    section: Section | None
    tabled: bool
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lost:
    """A file that an `\\input` or `\\lstinputlisting` names and that is not there."""

    file: SourceFile
    start: int
    path: str
    listing: bool


@dataclass(slots=True)
class Document:
    """All blocks in reading order, but for labels and settings, whole and in segments, all sections, and the files in
    the order of their first use;
    `listed` has the files that are listings, by path."""

    name: str
    blocks: list[Located] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    files: dict[str, SourceFile] = field(default_factory=dict)
    inclusions: dict[str, Inclusion] = field(default_factory=dict)
    listed: dict[str, Located] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)


def read_document(tree: SourceTree, sink: Sink) -> Document:
    """Read a tree from its root. Raises `SpecError` where the root cannot be read."""
    try:
        root = tree.read(tree.root)
    except MissingFile:
        raise SpecError(f"{tree.name}: no {tree.root} there; name the directory of the LaTeX sources") from None
    except SourceError as error:
        raise SpecError(str(error)) from None
    document = Document(tree.name)
    _Reader(tree, document, sink).read(root)
    return document


class _Reader:
    """The state of reading: where we are in the hierarchy of sections and of files."""

    def __init__(self, tree: SourceTree, document: Document, sink: Sink) -> None:
        self.tree = tree
        self.document = document
        self.sink = sink
        self.stack: list[str] = []
        self.sections: tuple[Section, ...] = ()
        self.escape = ""
        self.shorthands: dict[str, tuple[int, str]] = {}
        self.inputs = 0

    def read(self, file: SourceFile, *, tabled: bool = False) -> None:
        document = self.document
        scan = scan_text(file.text)
        if scan.hides:
            file = visible(file)
            scan = scan_text(file.text)
        self.shorthands.update(shorthands_in(file.text))
        if self.shorthands:
            file = expanded(file, tuple(self.shorthands.items()))
            scan = scan_text(file.text)
        self.stack.append(file.path)
        inclusion = Inclusion(file, self.sections[-1] if self.sections else None, tabled)
        if file.path not in document.files:
            document.files[file.path] = file
            document.inclusions[file.path] = inclusion
            for problem in scan.problems:
                self.sink.fatal(problem.rule, at(file, problem.start), problem.message)
        index = table = 0
        while index < len(scan.blocks):
            # sections that end where the segment begins are none of its context
            segment = _segment(file, index, _around(self.sections, scan.blocks[index]), self.escape)
            inclusion.segments.append(segment)
            self.add(segment)
            begun, index = scan.blocks[index : segment.end], segment.end
            if index < len(scan.blocks):
                block = scan.blocks[index]
                # where the last table ends that has begun
                table = max((b.end for b in begun if isinstance(b, Table)), default=table)
                self.include(file, block, tabled=tabled or block.start < table)
                index += 1
        self.stack.pop()

    def add(self, segment: Segment) -> None:
        self.document.segments.append(segment)
        self.document.blocks += segment.blocks
        self.document.sections += segment.sections
        self.sections, self.escape = segment.stack, segment.escape

    def include(self, file: SourceFile, block: Block, *, tabled: bool) -> None:
        """What an inclusion stands for: the blocks of another file, or a listing."""
        if isinstance(block, Input):
            self.follow(file, block, tabled=tabled)
            return
        assert isinstance(block, Listing)
        listed = self.fetch(file, block.start, block.path, listing=True)
        if listed:
            whole = Listing(0, 0, len(listed.text), block.options, listed.path)
            own = _ESCAPE.search(block.options)
            section = self.sections[-1] if self.sections else None
            located = Located(listed, whole, section, own[1] if own else self.escape)
            self.add(Segment(listed, (located,), (), (), self.sections, self.escape, 0))
            self.document.listed.setdefault(listed.path, located)

    def follow(self, file: SourceFile, block: Input, *, tabled: bool) -> None:
        path = block.path if block.path.endswith(".tex") else f"{block.path}.tex"
        self.inputs += 1
        if self.inputs > MAX_INPUTS:
            raise SpecError(f"{file.path}:{file.line(block.start)}: more than {MAX_INPUTS} '\\input's are not followed")
        if len(self.stack) >= MAX_LEVELS:
            raise SpecError(f"{file.path}:{file.line(block.start)}: '\\input's nest deeper than {MAX_LEVELS} levels")
        included = self.fetch(file, block.start, path, listing=False)
        if not included:
            return
        if included.path in self.stack:
            chain = " -> ".join([*self.stack[self.stack.index(included.path) :], included.path])
            self.sink.fatal("VS003", at(file, block.start), f"'\\input' goes in a circle: {chain}")
            return
        self.read(included, tabled=tabled)

    def fetch(self, file: SourceFile, start: int, path: str, *, listing: bool) -> SourceFile | None:
        """A file by the path that LaTeX would use, or None with a diagnostic.

        LaTeX looks from the root's folder; a chapter that is read alone may name its files from its own as well.
        """
        folder = file.path.rpartition("/")[0]
        for candidate in (path, f"{folder}/{path}") if folder else (path,):
            try:
                return self.tree.read(candidate)
            except MissingFile:
                continue
            except SourceError as error:
                rule = "VS004" if isinstance(error, OutsideTree) else "VS001"
                self.sink.fatal(rule, at(file, start), str(error))
                return None
        what = "listing" if listing else "file"
        self.sink.warning("VS002", at(file, start), f"{what} '{path}' is not there")
        self.document.lost.append(Lost(file, start, path, listing))
        return None


@lru_cache(maxsize=2048)
def _segment(file: SourceFile, first: int, sections: tuple[Section, ...], escape: str) -> Segment:
    """The segment that begins with a block of a file, in the given sections.

    Revisions of a document share most of their files: an equal segment is the same object, so that whatever follows
    from it alone can be kept by it.
    """
    blocks = scan_text(file.text).blocks
    found: list[Located] = []
    opened: list[Section] = []
    edges: list[ListEdge] = []
    within = sections[-1] if sections else None
    index = first
    for index in range(first, len(blocks)):
        block = blocks[index]
        match block:
            case Item() | Table():
                found.append(Located(file, block, within))
            case ListEdge():
                found.append(Located(file, block, within))
                edges.append(block)
            case Heading():
                following = blocks[index + 1] if index + 1 < len(blocks) else None
                label = following.name if isinstance(following, Label) else ""
                sections = _around(sections, block)
                within = _section(file, block, label, sections[-1] if sections else None)
                sections = (*sections, within)
                opened.append(within)
                found.append(Located(file, block, within))
            case Label():
                pass
            case Settings():
                own = _ESCAPE.search(block.options)
                escape = own[1] if own else escape
            case Listing(path=""):
                own = _ESCAPE.search(block.options)
                found.append(Located(file, block, within, own[1] if own else escape))
            case Input() | Listing():
                break
            case _:
                assert_never(block)
    else:
        index = len(blocks)
    return Segment(file, tuple(found), tuple(opened), tuple(edges), sections, escape, index)


def _around(sections: tuple[Section, ...], block: Block) -> tuple[Section, ...]:
    """The sections that are open at a block, given those before it: a heading ends all but the ones above it."""
    while isinstance(block, Heading) and sections and sections[-1].heading.level >= block.level:
        sections = sections[:-1]
    return sections


def _section(file: SourceFile, heading: Heading, label: str, parent: Section | None) -> Section:
    title = plain_text(heading.title)
    return Section(
        heading=heading,
        file=file,
        title=title,
        label=heading.label or label,
        parent=parent,
        role=heading.role,
        legacy=(parent is not None and parent.legacy) or title.startswith("Legacy Interface"),
        path=(*parent.path, title) if parent is not None else (title,),
    )
