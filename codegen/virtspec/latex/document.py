"""A whole specification in reading order: files joined at their `\\input`s, every block under its section.

The result is one flat sequence of blocks, as a reader of the printed document would meet them. Settings that LaTeX
carries from file to file (the escape character of listings) are carried along here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from virtspec.compat import assert_never
from virtspec.diagnostics import Sink, SpecError, at
from virtspec.latex.scan import (
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
    scan_text,
)
from virtspec.latex.text import plain_text
from virtspec.source import MissingFile, OutsideTree, SourceError, SourceFile, SourceTree

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


@dataclass(frozen=True, slots=True)
class Lost:
    """A file that an `\\input` or `\\lstinputlisting` names and that is not there."""

    file: SourceFile
    start: int
    path: str
    listing: bool


@dataclass(slots=True)
class Document:
    """All blocks in reading order, all sections, and the files in the order of their first use."""

    name: str
    blocks: list[Located] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    files: dict[str, SourceFile] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)


def read_document(tree: SourceTree, sink: Sink) -> Document:
    """Read a tree from its root. Raises `SpecError` where the root cannot be read."""
    try:
        root = tree.read(tree.root)
    except SourceError as error:
        raise SpecError(f"{tree.name}: {error}" if isinstance(error, MissingFile) else str(error)) from None
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
        self.sections: list[Section] = []
        self.escape = ""
        self.inputs = 0

    def read(self, file: SourceFile) -> None:
        self.stack.append(file.path)
        first = file.path not in self.document.files
        self.document.files.setdefault(file.path, file)
        scan = scan_text(file.text)
        if first:
            for problem in scan.problems:
                self.sink.fatal(problem.rule, at(file, problem.start), problem.message)
        blocks = scan.blocks
        for index, block in enumerate(blocks):
            match block:
                case Label() | Item() | ListEdge() | Table():
                    pass
                case Heading():
                    following = blocks[index + 1] if index + 1 < len(blocks) else None
                    self.open_section(file, block, following.name if isinstance(following, Label) else "")
                case Input():
                    self.follow(file, block)
                    continue
                case Settings():
                    found = _ESCAPE.search(block.options)
                    if found:
                        self.escape = found[1]
                    continue
                case Listing():
                    self.listing(file, block)
                    continue
                case _:
                    assert_never(block)
            section = self.sections[-1] if self.sections else None
            self.document.blocks.append(Located(file, block, section))
        self.stack.pop()

    def open_section(self, file: SourceFile, heading: Heading, label: str) -> None:
        while self.sections and self.sections[-1].heading.level >= heading.level:
            self.sections.pop()
        parent = self.sections[-1] if self.sections else None
        title = plain_text(heading.title)
        section = Section(
            heading=heading,
            file=file,
            title=title,
            label=heading.label or label,
            parent=parent,
            role=heading.role,
            legacy=(parent is not None and parent.legacy) or title.startswith("Legacy Interface"),
            path=(*parent.path, title) if parent is not None else (title,),
        )
        self.sections.append(section)
        self.document.sections.append(section)

    def listing(self, file: SourceFile, block: Listing) -> None:
        section = self.sections[-1] if self.sections else None
        own = _ESCAPE.search(block.options)
        escape = own[1] if own else self.escape
        if not block.path:
            self.document.blocks.append(Located(file, block, section, escape))
            return
        listed = self.fetch(file, block.start, block.path, listing=True)
        if listed:
            whole = Listing(0, 0, len(listed.text), block.options, listed.path)
            self.document.blocks.append(Located(listed, whole, section, escape))

    def follow(self, file: SourceFile, block: Input) -> None:
        path = block.path if block.path.endswith(".tex") else f"{block.path}.tex"
        self.inputs += 1
        if self.inputs > MAX_INPUTS:
            raise SpecError(f"{file.path}:{file.line(block.start)}: more than {MAX_INPUTS} '\\input's are not followed")
        if path in self.stack:
            chain = " -> ".join([*self.stack[self.stack.index(path) :], path])
            self.sink.fatal("VS003", at(file, block.start), f"'\\input' goes in a circle: {chain}")
            return
        included = self.fetch(file, block.start, path, listing=False)
        if not included:
            return
        if included.path in self.stack:
            chain = " -> ".join([*self.stack[self.stack.index(included.path) :], included.path])
            self.sink.fatal("VS003", at(file, block.start), f"'\\input' goes in a circle: {chain}")
            return
        self.read(included)

    def fetch(self, file: SourceFile, start: int, path: str, *, listing: bool) -> SourceFile | None:
        """A file by the path that LaTeX would use, or None with a diagnostic.

        LaTeX looks from the root's folder; a chapter that is read alone may name its files from its own as well.
        """
        try:
            return self.tree.read(path)
        except OutsideTree as error:
            self.sink.fatal("VS004", at(file, start), str(error))
        except MissingFile:
            folder = file.path.rpartition("/")[0]
            if folder:
                try:
                    return self.tree.read(f"{folder}/{path}")
                except SourceError:
                    pass
            what = "listing" if listing else "file"
            self.sink.warning("VS002", at(file, start), f"{what} '{path}' is not there")
            self.document.lost.append(Lost(file, start, path, listing))
        except SourceError as error:
            self.sink.fatal("VS001", at(file, start), str(error))
        return None
