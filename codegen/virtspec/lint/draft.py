"""What the rules look at: a document, its pages of prose and its model, and indexes that are computed once."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from virtspec.chapters import module_of
from virtspec.diagnostics import Diagnostic
from virtspec.latex.arguments import squeeze
from virtspec.latex.blocks import Heading, Listing, Table
from virtspec.latex.document import Document, Located, Section
from virtspec.layout import LayoutError, Layouts, TooDeep
from virtspec.lint.pages import Page, read_pages
from virtspec.lint.spelling import Names
from virtspec.model import (
    Place,
    Spec,
    Struct,
    Type,
    names_in,
)
from virtspec.source import SourceFile

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UPPER = re.compile(r"[A-Z](?:[A-Za-z0-9_]|\\_)+")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]+(?:\\?_[A-Z0-9]+)+")
_BEFORE_CONSTANT = re.compile(r"[^A-Za-z0-9_\\-]")
_KEYWORD = re.compile(r"\b(?:MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL|must|shall)\b")
_TAG = re.compile(r"\b(struct|union|enum)\s+([A-Za-z_]\w*)\s*\{")
_LISTING_LABEL = re.compile(r"\blabel\s*=\s*(?:\{([^{}]*)\}|([^,\]]+))")
_REFERENCE = re.compile(
    r"\\(?:(?P<several>[cC]ref|[cC]pageref)|(?:name|auto|Auto|page|hyper|[vV]|vpage|eq)?ref)\*?\s*"
    r"(?:\{(?P<braced>[^{}]*)\}|\[(?P<optional>[^\[\]]*)\])"
)
_LABEL = re.compile(r"\\label\s*\{([^{}]*)\}")
_HISTORY = re.compile(r"revision history|change ?log|acknowledg", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Code:
    """A listing: where its body lies, and the section and module it belongs to."""

    file: SourceFile
    start: int
    end: int
    section: Section | None
    module: str

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]

    @property
    def bare(self) -> str:
        """The body with its comments blanked out; offsets stay."""
        return _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), self.text)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A requirement keyword, and the section it stands in."""

    page: Page
    start: int
    word: str
    section: Section | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a label."""

    file: SourceFile
    start: int
    label: str


class Draft:
    """A specification under review. `whole` says that it is a complete document, not a chapter out of one."""

    def __init__(self, document: Document, spec: Spec, layouts: Layouts, reported: Sequence[Diagnostic] = ()) -> None:
        self.document = document
        self.spec = spec
        self.layouts = layouts
        self.reported = reported
        self.files = document.files
        self.whole = any(file.path == "virtio.tex" for file in document.files.values())

    # --- text ---

    @cached_property
    def all_pages(self) -> tuple[Page, ...]:
        return read_pages(self.document)

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The prose of the specification proper: without the history of its revisions."""
        return tuple(p for p in self.all_pages if not _is_history(p))

    @cached_property
    def listings(self) -> tuple[Code, ...]:
        found: dict[tuple[str, int], Code] = {}
        for located in self.document.blocks:
            block = located.block
            if isinstance(block, Listing):
                code = Code(located.file, block.body, block.end, located.section, _module(located))
                found.setdefault((located.file.path, block.body), code)
        return tuple(found.values())

    def listing_at(self, file: SourceFile, offset: int) -> Code | None:
        """The listing that a position stands in."""
        found = self._listings_of.get(file, [])
        index = bisect_right(found, offset, key=lambda code: code.start) - 1
        return found[index] if index >= 0 and offset <= found[index].end else None

    @cached_property
    def _listings_of(self) -> dict[SourceFile, list[Code]]:
        found: dict[SourceFile, list[Code]] = {}
        for code in sorted(self.listings, key=lambda code: code.start):
            found.setdefault(code.file, []).append(code)
        return found

    def offset(self, place: Place) -> tuple[SourceFile, int] | None:
        """The file and the offset of the first word of a line; None for a place in no file of the document."""
        file = self.files.get(place.file) or self._listed.get(place.file)
        if file is None or not 1 <= place.line <= len(file.line_starts):
            return None
        start = file.line_starts[place.line - 1]
        text = file.text[start : file.text.find("\n", start) + 1 or None]
        return file, start + len(text) - len(text.lstrip())

    @cached_property
    def _listed(self) -> dict[str, SourceFile]:
        return {code.file.path: code.file for code in self.listings}

    @cached_property
    def layout_errors(self) -> tuple[tuple[Struct, str], ...]:
        """The structures that cannot be laid out, and why."""
        found: list[tuple[Struct, str]] = []
        for struct in self.spec.structs:
            try:
                self.layouts.check_depth(struct)
            except TooDeep as error:
                found.append((struct, str(error)))
                break  # it would be said of each that holds this one
            except LayoutError as error:
                if error.key == struct.key:
                    found.append((struct, str(error)))
            except RecursionError:
                found.append((struct, f"{struct.kind} '{struct.name}' nests too deep to be laid out"))
                break  # each of those in it would take as long, and say the same
        return tuple(found)

    def size(self, type_: Type) -> int | None:
        """The size of a type in bytes; None where it depends on data, or has none."""
        try:
            return self.layouts.sizes.type(type_)
        except LayoutError:
            return None

    def is_reported(self, rule: str, file: SourceFile, start: int, text: str) -> bool:
        """Whether the reader has reported the same thing, at most three lines away: it is told once."""
        line = file.line(start)
        return any(
            d.span.file is file and abs(d.span.line - line) <= 3 and text in d.message
            for d in self._reported.get(rule, ())
        )

    @cached_property
    def _reported(self) -> dict[str, list[Diagnostic]]:
        found: dict[str, list[Diagnostic]] = {}
        for diagnostic in self.reported:
            found.setdefault(diagnostic.rule, []).append(diagnostic)
        return found

    # --- words ---

    @cached_property
    def keywords(self) -> tuple[Keyword, ...]:
        """The requirement keywords of the prose, `must` and `shall` in small letters among them."""
        return tuple(
            Keyword(page, match.start(), match[0], page.section(match.start()))
            for page in self.pages
            for match in _KEYWORD.finditer(page.text)
        )

    @cached_property
    def names(self) -> tuple[tuple[Page, tuple[re.Match[str], ...]], ...]:
        """The names of the prose that are written like a constant's, page by page."""
        return tuple((page, tuple(constants_in(page.text))) for page in self.pages)

    @cached_property
    def words(self) -> dict[str, Counter[str]]:
        """How often each identifier occurs in prose, by module."""
        found: dict[str, Counter[str]] = {}
        for page in self.pages:
            text = page.text.replace("\\_", "_")
            found.setdefault(page.module(len(page.text)), Counter()).update(_WORD.findall(text))
        return found

    @cached_property
    def all_words(self) -> Counter[str]:
        """How often each identifier occurs, in prose or in a listing."""
        found: Counter[str] = Counter()
        for counted in self.words.values():
            found.update(counted)
        for code in self.listings:
            found.update(_WORD.findall(code.text))
        return found

    # --- names ---

    @cached_property
    def constants(self) -> frozenset[str]:
        """Every name that has a value, or is a macro."""
        return frozenset(c.name for c in self.spec.constants) | self.features

    @cached_property
    def constant_names(self) -> Names:
        return Names(self.constants)

    @cached_property
    def feature_names(self) -> Names:
        return Names(self.features)

    def field_names(self, module: str) -> Names:
        """The names of the members that the structures of a module have."""
        if module not in self._field_names:
            self._field_names[module] = Names(self.fields.get(module, frozenset()))
        return self._field_names[module]

    @cached_property
    def _field_names(self) -> dict[str, Names]:
        return {}

    @cached_property
    def features(self) -> frozenset[str]:
        return frozenset(f.name for f in self.spec.features)

    @cached_property
    def structs(self) -> dict[str, Struct]:
        """Structs and unions by tag; the first one where a tag is defined in several ways."""
        found: dict[str, Struct] = {}
        for struct in self.spec.structs:
            if struct.kind in ("struct", "union"):
                found.setdefault(struct.name, struct)
        return found

    @cached_property
    def tags(self) -> dict[str, str]:
        """The tags of structs, unions and enums, with the word before them."""
        found: dict[str, str] = {}
        for code in self.listings:
            if "{" in code.text:
                for match in _TAG.finditer(code.bare):
                    found.setdefault(match[2], match[1])
        return found

    @cached_property
    def tag_names(self) -> Names:
        return Names(self.tags)

    @cached_property
    def fields(self) -> dict[str, frozenset[str]]:
        """The names of members and bit-fields, by module."""
        found: dict[str, set[str]] = {}
        for struct in self.spec.structs:
            names = found.setdefault(struct.module, set())
            names.update(names_in(struct.members))
            if struct.kind in ("field", "bits"):
                names.add(struct.name)
        for constant in self.spec.constants:
            if constant.kind == "register":
                found.setdefault(constant.module, set()).add(constant.name)
        return {module: frozenset(names) for module, names in found.items()}

    @cached_property
    def all_fields(self) -> frozenset[str]:
        return frozenset().union(*self.fields.values())

    @cached_property
    def listing_words(self) -> dict[str, frozenset[str]]:
        """Every identifier in the code of a listing, by module."""
        found: dict[str, set[str]] = {}
        for code in self.listings:
            found.setdefault(code.module, set()).update(_WORD.findall(code.bare))
        return {module: frozenset(words) for module, words in found.items()}

    # --- sections, labels, references ---

    @cached_property
    def normative(self) -> tuple[Section, ...]:
        """The sections of requirements, each once."""
        seen: dict[str, Section] = {}
        for section in self.document.sections:
            if section.role is not None:
                seen.setdefault(section.label, section)
        return tuple(seen.values())

    @cached_property
    def table_sections(self) -> dict[Place, Section | None]:
        """The section of each table, by its place."""
        return {located.place: located.section for located in self.document.blocks if isinstance(located.block, Table)}

    @cached_property
    def parents(self) -> frozenset[int]:
        """The sections that have sections below them, by identity."""
        return frozenset(id(section.parent) for section in self.document.sections if section.parent is not None)

    @cached_property
    def labels(self) -> dict[str, list[tuple[SourceFile, int]]]:
        """Where each label is set."""
        found: dict[str, list[tuple[SourceFile, int]]] = {}
        seen: set[tuple[str, int]] = set()

        def add(name: str, file: SourceFile, start: int) -> None:
            if (file.path, start) not in seen:
                seen.add((file.path, start))
                found.setdefault(name, []).append((file, start))

        for located in self.document.blocks:
            block = located.block
            if isinstance(block, Heading) and block.label:
                add(block.label, located.file, block.start)
            elif isinstance(block, Listing) and "label" in block.options:
                match = _LISTING_LABEL.search(block.options)
                if match:
                    add(squeeze(match[1] or match[2]), located.file, block.start)
        # all others, those of captions too
        for page in self.all_pages:
            for match in _LABEL.finditer(page.text):
                if "#" not in match[1]:
                    add(squeeze(match[1]), page.file, match.start())
        return found

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        found: list[Reference] = []
        for page in self.all_pages:
            for match in _REFERENCE.finditer(page.text):
                label = match["braced"] if match["braced"] is not None else match["optional"]
                if "#" not in label and "\\" not in label:
                    labels = label.split(",") if match["several"] else (label,)
                    found += (Reference(page.file, match.start(), squeeze(one)) for one in labels)
        return tuple(found)

    @cached_property
    def conformance_entries(self) -> tuple[tuple[Page, Reference], ...]:
        """The references that the conformance chapter makes, with the prose they stand in."""
        pages = {page.file: page for page in self.pages}
        found: list[tuple[Page, Reference]] = []
        for reference in self.references:
            page = pages.get(reference.file)
            if page and any(s.heading.conformance for s in ancestors(page.section(reference.start))):
                found.append((page, reference))
        return tuple(found)

    @cached_property
    def conformance(self) -> frozenset[str]:
        """The labels that the conformance chapter lists; none where the document has no such chapter."""
        return frozenset(reference.label for _, reference in self.conformance_entries)


def _is_history(page: Page) -> bool:
    first = page.opens
    while first is not None and first.parent is not None:
        first = first.parent
    return page.file.path.rpartition("/")[2].startswith("cl-") or (
        first is not None and _HISTORY.search(first.title) is not None
    )


def _module(located: Located) -> str:
    section = located.section
    return module_of(section.path if section else (), located.file.path)


def constants_in(text: str, start: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
    """The names in a text, or in a part of it, that are written like a constant's."""
    # whole words first: the time is linear whatever the text
    for match in _UPPER.finditer(text, start, len(text) if end is None else end):
        if not _CONSTANT.fullmatch(match[0]):
            continue
        if not match.start() or _BEFORE_CONSTANT.match(text, match.start() - 1):
            yield match


def ancestors(section: Section | None) -> Iterator[Section]:
    """A section and those around it, from the inside out."""
    while section is not None:
        yield section
        section = section.parent
