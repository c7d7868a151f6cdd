"""What the blocks of a document say, before names are resolved, and a tally of every block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from virtspec.chapters import module_of
from virtspec.diagnostics import Diagnostic, Severity, Sink, at
from virtspec.expressions import Number
from virtspec.latex.blocks import Item, ListEdge, Listing, Table
from virtspec.latex.document import Document, Located, Segment
from virtspec.latex.text import digest
from virtspec.link.constants import Definition, of_define, of_enum
from virtspec.link.lists import Run
from virtspec.link.statements import Statement
from virtspec.link.structs import Scope
from virtspec.listing.parser import MANGLED, Parsed, parse_listing
from virtspec.listing.syntax import BitGroup, Body, BodyItem, Declaration, Define, Enum, Opaque
from virtspec.model import LOST, Place, Skipped
from virtspec.read.items import NumberedItem, announces_number, names_nothing, read_codes, read_item
from virtspec.read.tables import CodeEntry, CodeRange, CodeTable, NoCodes, read_table
from virtspec.source import SourceFile

_LOSSES = frozenset(("VS011", "VS021"))
"""The errors behind which a part of a definition is not in the model: a member, an enumerator, a width."""

_VIRTQUEUES = re.compile(r"virtqueues$", re.IGNORECASE)
_CONFIG_LAYOUT = re.compile(r"device configuration layout$", re.IGNORECASE)


@dataclass(slots=True)
class Facts:
    """Everything that was read, in the order of the document."""

    definitions: list[Definition] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    bodies: list[tuple[Body, Scope]] = field(default_factory=list)
    fields: list[tuple[Declaration, Scope]] = field(default_factory=list)
    groups: list[tuple[BitGroup, Scope]] = field(default_factory=list)
    features: list[tuple[NumberedItem, str, Located]] = field(default_factory=list)
    tables: list[tuple[CodeTable, str, Located]] = field(default_factory=list)
    listings: dict[tuple[str, int], tuple[Listing, tuple[str, ...]]] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)
    paragraphs: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    tallies: dict[str, list[int]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)

    def count(self, what: str, *, read: bool, number: int = 1) -> None:
        """Count a block (or several), and whether it gave facts."""
        if number:
            tally = self.tallies.setdefault(what, [0, 0])
            tally[0] += number
            tally[1] += number * read

    def skip(self, skipped: Skipped) -> None:
        """Count a statement that gave no fact, and keep its place and the reason."""
        self.count(f"{skipped.what}s", read=False)
        self.skipped.append(skipped)

    def add(self, other: Facts) -> None:
        """Add what was read further on in the document."""
        self.definitions += other.definitions
        self.runs += other.runs
        self.bodies += other.bodies
        self.fields += other.fields
        self.groups += other.groups
        self.features += other.features
        self.tables += other.tables
        self.listings.update(other.listings)
        for name, config in other.configs.items():
            self.configs.setdefault(name, config)
        self.skipped += other.skipped
        for what, (total, read) in other.tallies.items():
            tally = self.tallies.setdefault(what, [0, 0])
            tally[0] += total
            tally[1] += read
        self.findings += other.findings


def read_facts(document: Document, sink: Sink) -> Facts:
    """The facts of all blocks of a document."""
    facts = Facts()
    for segments in _with_whole_lists(document.segments):
        facts.add(_facts_of(segments))
    sink.diagnostics += facts.findings
    return facts


def _with_whole_lists(segments: Iterable[Segment]) -> Iterator[tuple[Segment, ...]]:
    """Segments once each, those together through which a list goes on. The same one comes again where a file without
    headings is included twice in one place."""
    together: list[Segment] = []
    seen: set[Segment] = set()
    depth = 0
    for segment in segments:
        if segment in seen:
            continue
        seen.add(segment)
        together.append(segment)
        for edge in segment.edges:
            depth = depth + 1 if edge.opens else max(0, depth - 1)
        if not depth:
            yield tuple(together)
            together.clear()
    if together:
        yield tuple(together)


@lru_cache(maxsize=2048)
def _facts_of(segments: tuple[Segment, ...]) -> Facts:
    """The facts of neighbouring segments; those of equal ones are read once per process."""
    facts = Facts()
    items = _ItemLists(facts)
    for segment in segments:
        for located in segment.blocks:
            match located.block:
                case Listing():
                    _read_listing(located, located.block, facts)
                case Table():
                    _read_table(located, located.block, facts)
                case ListEdge():
                    items.edge(located.block)
                case Item():
                    items.add(located)
                case _:
                    pass
    return facts


def module(located: Located) -> str:
    """The module that a block belongs to."""
    section = located.section
    return module_of(section.path if section else (), located.file.path)


# --- listings ---------------------------------------------------------------------------------------------


def _read_listing(located: Located, block: Listing, facts: Facts) -> None:
    file = located.file
    parsed, findings = parse_text(file.text, block.body, block.end, located.escape)
    facts.findings += [replace(d, span=at(file, d.span.start, d.span.end)) for d in findings]
    facts.count("listings", read=not parsed.opaque)
    name = module(located)
    stem = file.path.rpartition("/")[2].partition(".")[0].replace("-", "_")
    scope = Scope(file, name, stem if block.path else f"{name}_bits")
    if parsed.opaque:
        reason = parsed.opaque
        if reason == MANGLED:
            reason = f"{LOST}: {MANGLED} ({_mark(file.text[block.body : block.end])})"
        facts.skipped.append(Skipped(what="listing", reason=reason, place=located.place))
    else:
        facts.skipped += [_lost(d, file) for d in findings if d.rule in _LOSSES and d.severity is Severity.ERROR]
    section = located.section
    layout = section is not None and _CONFIG_LAYOUT.search(section.title) is not None and not section.legacy
    tags = tuple(item.name for item in parsed.items if isinstance(item, Body) and item.name)
    facts.listings[file.path, block.start] = (block, tags)
    _sort_items(parsed, scope, located, facts, config=layout)


def _lost(finding: Diagnostic, file: SourceFile) -> Skipped:
    """A part of a definition that was stepped over."""
    line = file.line(finding.span.start)
    where = f" in {finding.subject}" if finding.subject else ""
    reason = f"{LOST}: {finding.message}{where} ({_mark(file.line_text(line))})"
    return Skipped(what="listing", reason=reason, place=Place(file.path, line))


def _mark(text: str) -> str:
    """What stands for a text that is not read: as long as it is the same, so is what it may hide."""
    return f"text {digest(text)[:8]}"


@lru_cache(maxsize=4096)
def parse_text(text: str, start: int, end: int, escape: str) -> tuple[Parsed, tuple[Diagnostic, ...]]:
    """The definitions of a listing, and what is wrong with it; equal files are parsed once per process."""
    sink = Sink()
    parsed = parse_listing(SourceFile("", text), start, end, escape, sink)
    return parsed, tuple(sink.diagnostics)


def _sort_items(parsed: Parsed, scope: Scope, located: Located, facts: Facts, *, config: bool) -> None:
    file, name = scope.file, scope.module
    run: list[Definition] = []

    def end_run() -> None:
        if run:
            facts.runs.append(Run(definitions=tuple(run), located=located, module=name))
            run.clear()

    for item in parsed.items:
        if isinstance(item, Define):
            definition = of_define(item, name, "", file)
            facts.definitions.append(definition)
            run.append(definition)
            continue
        end_run()
        match item:
            case Enum():
                _add_enum(item, "", scope, located, facts)
            case Body(name=""):
                place = file.place(item.start)
                reason = f"a {item.kind} without a tag outside any struct"
                facts.skipped.append(Skipped(what="listing", reason=reason, place=place))
            case Body():
                facts.bodies.append((item, scope))
                _inner_definitions(item.items, item.name, scope, located, facts)
                if config and item.name.endswith("_config"):
                    facts.configs.setdefault(name, item.name)
            case Declaration():
                facts.fields.append((item, scope))
            case BitGroup():
                facts.groups.append((item, scope))
            case Opaque():
                if not parsed.opaque:
                    place = file.place(item.start)
                    reason = f"in part: {item.reason}"
                    if item.reason == MANGLED:
                        reason = f"{LOST}: {MANGLED} ({_mark(file.text[item.start : item.end])})"
                    facts.skipped.append(Skipped(what="listing", reason=reason, place=place))
    end_run()


def _add_enum(enum: Enum, owner: str, scope: Scope, located: Located, facts: Facts) -> None:
    definitions = of_enum(enum, scope.module, owner, scope.file)
    facts.definitions += definitions
    facts.runs.append(
        Run(definitions=tuple(definitions), located=located, module=scope.module, name=enum.name, owner=owner)
    )


def _inner_definitions(items: list[BodyItem], owner: str, scope: Scope, located: Located, facts: Facts) -> None:
    """The `#define`s and enums inside a struct, and inside those nested in it, with the members beside them."""
    leads = bool(items) and isinstance(items[0], Define)
    ahead = ""
    run: list[Definition] = []

    def end_run(behind: str) -> None:
        if run:
            fields = tuple(name for name in (behind, ahead) if name)
            facts.runs.append(
                Run(
                    definitions=tuple(run),
                    located=located,
                    module=scope.module,
                    owner=owner,
                    fields=fields,
                    leads=leads,
                    behind=behind,
                )
            )
            run.clear()

    for item in items:
        match item:
            case Define():
                run.append(of_define(item, scope.module, owner, scope.file))
                facts.definitions.append(run[-1])
            case Enum():
                end_run("")
                _add_enum(item, owner, scope, located, facts)
            case Declaration():
                if run:
                    end_run(item.name)
                ahead = item.name
                if isinstance(item.type, Body):
                    _inner_definitions(item.type.items, item.type.name or owner, scope, located, facts)
            case _:
                pass
    end_run("")


# --- tables and items -------------------------------------------------------------------------------------


def _read_table(located: Located, block: Table, facts: Facts) -> None:
    file, name = located.file, module(located)
    table = read_table(file, block)
    facts.count("tables", read=isinstance(table, CodeTable))
    if isinstance(table, NoCodes):
        facts.skipped.append(Skipped(what="table", reason=table.reason, place=located.place))
        return
    facts.tables.append((table, name, located))
    for lost in table.unread:
        line = file.line(lost.start)
        what = f"{LOST}: '{lost.name}' has no code that can be read" if lost.name else "in part: a row gives no code"
        reason = f"{what} ({_mark(file.line_text(line))})"
        facts.skipped.append(Skipped(what="table", reason=reason, place=Place(file.path, line)))
    if not table.named:
        return
    for entry in table.entries:
        facts.definitions.append(
            Definition(
                name=entry.name,
                kind="register" if table.register else "table",
                module=name,
                owner=table.tag,
                file=file,
                start=entry.start,
                expr=Number(entry.code, str(entry.code)),
            )
        )


@dataclass(slots=True)
class _Codes:
    """The codes that the items of one list give, and how many of its items give none."""

    entries: list[CodeEntry] = field(default_factory=list)
    ranges: list[CodeRange] = field(default_factory=list)
    first: Located | None = None
    others: int = 0


class _ItemLists:
    """Reads the items of lists; those of one list that are no feature bits make up a run."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.open: list[tuple[list[Definition], list[Located]]] = []
        self.codes: list[_Codes] = []

    def edge(self, block: ListEdge) -> None:
        """Begin or end a list."""
        if block.opens:
            self.open.append(([], []))
            self.codes.append(_Codes())
        elif self.open:
            self._end_codes(self.codes.pop())
            definitions, where = self.open.pop()
            if definitions:
                located = where[0]
                self.facts.runs.append(
                    Run(definitions=tuple(definitions), located=located, module=definitions[0].module)
                )

    def add(self, located: Located) -> None:
        """Read an item."""
        block, facts = located.block, self.facts
        assert isinstance(block, Item)
        if names_nothing(block, located.file.text):
            if self.codes:
                self.codes[-1].others += 1
            return
        item = read_item(located)
        if item is None:
            if self.codes and self._add_codes(located, self.codes[-1]):
                return
            if announces_number(located):
                place = located.place
                facts.skip(Skipped(what="item", reason="gives no number", place=place))
            return
        facts.count("items", read=True)
        name = module(located)
        if item.feature:
            facts.features.append((item, name, located))
        definition = Definition(
            name=item.name,
            kind="feature" if item.feature else "table",
            module=name,
            owner=located.section.title if located.section else "",
            file=located.file,
            start=item.start,
            expr=Number(item.number, str(item.number)),
        )
        facts.definitions.append(definition)
        if not item.feature and self.open:
            self.open[-1][0].append(definition)
            self.open[-1][1].append(located)

    def _add_codes(self, located: Located, codes: _Codes) -> bool:
        """Whether an item gives codes; it is counted when its list has ended."""
        entries, ranges = read_codes(located)
        if not entries and not ranges:
            codes.others += 1
            return False
        codes.first = codes.first or located
        codes.entries += entries
        codes.ranges += ranges
        return True

    def _end_codes(self, codes: _Codes) -> None:
        """A list gives codes where all its items do, but a queue's index may depend on the number of queues."""
        if codes.first is None:
            return
        section = codes.first.section
        queues = section is not None and _VIRTQUEUES.match(section.title) is not None
        if not queues and (codes.others or len(codes.entries) + len(codes.ranges) < 2):
            return
        for _ in range(len(codes.entries) + len(codes.ranges)):
            self.facts.count("items", read=True)
        tag = "virtqueue" if queues else "code"
        start = codes.first.block.start
        table = CodeTable(start, tag, False, tuple(codes.entries), tuple(codes.ranges))
        self.facts.tables.append((table, module(codes.first), codes.first))
