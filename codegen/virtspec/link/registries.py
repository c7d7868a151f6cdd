"""Registries: every table, enum, list and run of `#define`s that gives codes a meaning, and what holds the codes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from virtspec.chapters import slug
from virtspec.diagnostics import Sink, at
from virtspec.latex.document import Located, Section
from virtspec.latex.text import plain_text
from virtspec.link.constants import Constants
from virtspec.link.lists import Row, Run, are_flags, classes, distinct, fits, prefix, says_nothing, united
from virtspec.link.owners import Owners
from virtspec.model import (
    Aggregate,
    Array,
    Count,
    Entry,
    Expression,
    Integer,
    Member,
    Place,
    Range,
    Registry,
    Struct,
    innermost,
    members_in,
)
from virtspec.read.prose import Prose
from virtspec.read.tables import CodeTable
from virtspec.source import SourceFile

_FIELD_MENTION = re.compile(r"\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ITEM_FIELD = re.compile(r"\s*\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TABLE_ANNOUNCED = re.compile(r"\b(?:following table|valid values?|possible|documented as follows)\b")
_ANNOUNCED = re.compile(
    r"\b(?:(?:one|any|a combination) of|(?:following|these)(?:\s+\w+)?\s+(?:values?|codes?|bits|flags)"
    r"|values?\s+(?:of|for)\s+(?:the\s+)?\\field)\b[^.?!]{0,60}[.?!]?\s*\Z"
)
_COMBINED = re.compile(
    r"\b(?:a combination of|(?:following|these)(?:\s+\w+)?\s+(?:bits|flags))\b[^.?!]{0,60}[.?!]?\s*\Z"
)
_BIT = re.compile(r"bit\b", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n|\\begin\{[a-z]+\}[^\n]*|\\(?:caption|label|hline)[^\n]*")
_SENTENCE = re.compile(r"\s(?<=[.?!]\s)")
_CAPTION = re.compile(r"\\caption\{([^{}]{1,120})\}")
_LEGACY = re.compile(r"^legacy interfaces?\b", re.IGNORECASE)
_LIMIT = re.compile(r"_(?:MASK|MIN|MAX)$")
_CONSTANT = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Za-z0-9]+)+\b")
_COMMENT_ABOVE = re.compile(r"/\*([^*]{1,120})\*/\s*(?:#\s*define\s*)?\Z")
_WORD = re.compile(r"\b[a-z][a-z_]*\b")
_BITS = re.compile(r"\bbits\s+(?:\([^()]{1,40}\)\s+)?are\s+(?:currently\s+)?defined\b")


class Registries:
    """Collects registries and gives them keys."""

    def __init__(
        self, constants: Constants, prose: Prose, structs: Sequence[Struct], owners: Owners, sink: Sink
    ) -> None:
        self.constants = constants
        self.prose = prose
        self.sink = sink
        self.found: dict[str, Registry] = {}
        self.lone: dict[str, Registry] = {}
        """Definitions in no list, as registries of one code: a reviewed fact may say which member holds it."""
        self._single: dict[str, list[tuple[Row, Run]]] = {}
        self._above: dict[str, list[tuple[Row, Run]]] = {}
        self._numbers: dict[str, int] = {}
        self._owners = owners
        self._structs = {s.name: s for s in structs}
        self._sizes = frozenset(name for s in structs for name in _dimensions(s.members))

    # --- tables ---

    def add_table(self, table: CodeTable, module: str, located: Located) -> None:
        """Add the registry that a table states."""
        file, section = located.file, located.section
        fields = () if table.register else self._fields_of_table(located, table.field)
        name = _caption(located) or _heading(section)
        tag = fields[0].rpartition(".")[2] if fields else re.sub(r"\s*\(.*\)", "", table.tag)
        if not table.entries:
            tag = f"{tag} ranges"
        legacy = "legacy_" if section is not None and (section.legacy or _LEGACY.match(section.title)) else ""
        self._add(
            Registry(
                key=f"{module}/registry/{legacy}{slug(name or tag)}" + ("" if _caption(located) else f"/{slug(tag)}"),
                name=name or table.tag,
                tag=table.tag.lower(),
                module=module,
                entries=tuple(
                    Entry(code=e.code, name=e.name, access=e.access, place=file.place(e.start)) for e in table.entries
                ),
                ranges=tuple(
                    Range(first=r.first, last=r.last, meaning=r.meaning, place=file.place(r.start))
                    for r in table.ranges
                ),
                fields=() if _BIT.match(table.tag) else fields,
                bits=fields if _BIT.match(table.tag) else (),
                place=located.place,
            )
        )

    # --- runs ---

    def add_run(self, run: Run) -> None:
        """Add the registries that a run of definitions makes up."""
        rows: list[Row] = []
        for definition in run.definitions:
            if definition.name in self._sizes or _LIMIT.search(definition.name):
                continue  # how much of something there is, or which bits are used: no code
            code = self.constants.known(definition)
            if isinstance(code, int):
                rows.append(Row(definition=definition, code=code, words=definition.name.split("_")))
        if run.name or run.title:
            if len(rows) > 1:
                self._add_rows(rows, run, run.name or run.title)
            return
        before, above, commands = classes(rows)
        for group in distinct(before):
            if len(group) > 1:
                self._add_rows(group, run, prefix(group))
            elif field := self._field_behind(run):
                self._add_rows(group, run, field.replace(".", "_"), field=field)
            else:
                self._single.setdefault(run.module, []).append((group[0], run))
        if above is not None:
            self._above.setdefault(run.module, []).append((above, run))
            under = above.definition.name
            for group in distinct(commands):
                self._add_rows(group, run, prefix(group) if len(group) > 1 else under, under)

    def finish(self) -> tuple[Registry, ...]:
        """The registries, with those of classes and of definitions which stand by themselves."""
        for found in self._above.values():
            rows = [row for row, _ in found]
            beginnings = Counter("_".join(row.words[:-1]) for row in rows)
            name = min(beginnings, key=lambda words: (-beginnings[words], words))
            if len(rows) > 1:
                self._add_rows(rows, found[0][1], name)
            else:
                self._single.setdefault(found[0][1].module, []).insert(0, found[0])
        for singles in self._single.values():
            groups: dict[str, list[tuple[Row, Run]]] = {}
            for row, run in singles:
                groups.setdefault("_".join(row.words[:3]), []).append((row, run))
            for name, members in groups.items():
                self._add_singles(name, members)
        return tuple(self.found.values())

    def _add_singles(self, name: str, members: Sequence[tuple[Row, Run]]) -> None:
        """Add the list of definitions that stand by themselves: one, or one for each section if codes occur twice."""
        lists: Sequence[Sequence[tuple[Row, Run]]] = [members]
        if len({row.code for row, _ in members}) < len(members):
            sections: dict[Section | None, list[tuple[Row, Run]]] = {}
            for row, run in members:
                sections.setdefault(run.located.section, []).append((row, run))
            lists = list(sections.values())
        for index, part in enumerate(lists):
            rows = [row for row, _ in part]
            if len({row.code for row in rows}) == len(rows) > 1 and all(len(row.words) > 3 for row in rows):
                run = part[0][1]
                self._add_rows(rows, run, _heading(run.located.section) if index else name)
                continue
            for row, run in part:
                word = slug(row.definition.name)
                key = f"{run.module}/registry/{word}"
                self.lone.setdefault(key, self._registry([row], run, row.definition.name))

    def _add_rows(self, rows: Sequence[Row], run: Run, name: str, under: str = "", field: str = "") -> None:
        self._add(self._registry(rows, run, name, under, field))

    def _registry(self, rows: Sequence[Row], run: Run, name: str, under: str = "", field: str = "") -> Registry:
        first = rows[0].definition
        fields = (field,) if field else self._fields_of_run(run, name, first.place)
        known = self.found.get(f"{run.module}/registry/{slug(name)}")
        if ((known and fields) or says_nothing(name)) and not (run.name or run.title):
            name = fields[0].replace(".", "_") if fields else _heading(run.located.section) or name
        elif known and known.place.file != first.place.file:
            name = f"{_part(run.located.section)} {name}".lstrip()  # as the flags of two formats of descriptors
        flags = are_flags(rows) or (len(rows) == 1 and bool(fields) and fields[0].endswith(("flag", "flags")))
        bits: tuple[str, ...] = ()
        if not flags and len(rows) > 1:
            sentence = _sentence_before(run.located, 0)
            combined = _COMBINED.search(sentence) is not None and fields == self._announced(sentence, first.place)
            if all(row.code.bit_count() == 1 for row in rows):
                flags = combined or _BITS.search(sentence) is not None
            elif combined:
                fields, bits = (), fields
        return Registry(
            key=f"{run.module}/registry/{slug(name)}",
            name=name,
            tag=(fields or bits)[0].rpartition(".")[2] if fields or bits else "flags" if flags else "code",
            module=run.module,
            entries=tuple(Entry(code=r.code, name=r.definition.name, place=r.definition.place) for r in rows),
            fields=fields,
            flags=flags,
            bits=bits,
            under=under,
            place=first.place,
        )

    def _add(self, registry: Registry) -> None:
        """Add a registry; the same one stated twice counts once, and another of its key goes beside it."""
        known = self.found.get(registry.key)
        if known is None:
            self.found[registry.key] = registry
            return
        if (known.entries, known.ranges) == (registry.entries, registry.ranges):
            return
        merged = united(known, registry)
        if merged is not None:
            self.found[registry.key] = merged
            return
        self._numbers[registry.key] = number = self._numbers.get(registry.key, 1) + 1
        key = f"{registry.key}#{number}"
        self.found[key] = replace(registry, key=key)

    # --- the members that hold the codes ---

    def _fields_of_run(self, run: Run, name: str, place: Place) -> tuple[str, ...]:
        """The member beside which definitions stand in a struct, or which the list item around them is about."""
        beside = [field for field in run.fields if fits(field, name)]
        beside = beside or list(run.fields[: run.leads or len(run.fields) == 1])
        if beside:
            return (f"{run.owner}.{beside[0]}",)
        titled = self._field_of_comment(run, place)
        if titled:
            return (titled,)
        context = self.prose.context(run.located.file.path, run.located.block.start)
        labels = context.items if context is not None else ()
        field = next((m[1] for label in reversed(labels) if (m := _ITEM_FIELD.match(label))), "")
        if not field:
            sentence = _sentence_before(run.located, context.start if context else 0)
            field = next((m for m in _FIELD_MENTION.findall(sentence) if fits(m, name)), "")
            if not field and ";" not in run.located.file.text[run.located.block.start : run.definitions[0].start]:
                return self._announced(sentence, place)
        owner = self._owners.nearest(field, place)
        return (f"{owner}.{field}",) if owner else ()

    def _field_of_comment(self, run: Run, place: Place) -> str:
        """The member that the comment above definitions names: of a struct before them in the same listing."""
        first = min(run.definitions, key=lambda d: abs(d.place.line - place.line))
        begin = max(run.located.block.start, first.start - 200)
        comment = _COMMENT_ABOVE.search(first.file.text, begin, first.start)
        if run.owner or comment is None:
            return ""
        words = _WORD.findall(comment[1])
        for word in words if len(words) == 1 or "values" in words else ():
            owner = self._owners.nearest(word, place)
            struct = self._structs.get(owner)
            if struct is not None and run.located.line <= struct.place.line < place.line:
                return f"{owner}.{word}"
        return ""

    def _field_behind(self, run: Run) -> str:
        """The integer that follows a definition inside a struct, as `tag.path`."""
        struct = self._structs.get(run.owner) if run.behind else None
        found = next((m for m in struct.members if m.name == run.behind), None) if struct is not None else None
        return f"{run.owner}.{run.behind}" if found is not None and isinstance(found.type, Integer) else ""

    def _fields_of_table(self, located: Located, field: str) -> tuple[str, ...]:
        """The member that the heading of a table's codes names, or whose values the sentence before it announces."""
        if field:
            owner = self._owners.nearest(field, located.place)
            return (f"{owner}.{field}",) if owner else ()
        sentence = _sentence_before(located, 0)
        if _TABLE_ANNOUNCED.search(sentence) and (mention := _FIELD_MENTION.search(sentence)):
            owner = self._owners.nearest(mention[1], located.place)
            return (f"{owner}.{mention[1]}",) if owner else ()
        return self._announced(sentence, located.place)

    def _announced(self, sentence: str, place: Place) -> tuple[str, ...]:
        """The integer whose values a sentence ends by announcing, if it names no other member."""
        mentions = _FIELD_MENTION.findall(sentence)
        if len(mentions) != 1 or not _ANNOUNCED.search(sentence):
            return ()
        struct = self._structs.get(self._owners.nearest(mentions[0], place))
        members = members_in(struct.members) if struct is not None else ()
        found = any(path == mentions[0] and isinstance(innermost(m.type), Integer) for path, m in members)
        return (f"{struct.name}.{mentions[0]}",) if struct is not None and found else ()


@lru_cache(maxsize=2048)
def _sentence_before(located: Located, floor: int) -> str:
    """The sentence that leads to a block; "" where there is none."""
    text = located.file.text
    start = max(0, located.block.start - 600, floor if floor < located.block.start else 0)
    for paragraph in reversed(_PARAGRAPH.split(text[start : located.block.start])):
        if words := paragraph.rstrip():
            return _SENTENCE.split(words)[-1]
    return ""


def _caption(located: Located) -> str:
    """The caption of the float that a table stands in."""
    text = located.file.text
    begin = text.rfind("\\begin{table", max(0, located.block.start - 600), located.block.start)
    match = _CAPTION.search(text, begin, located.block.start) if begin >= 0 else None
    return plain_text(match[1]) if match else ""


def _heading(section: Section | None) -> str:
    """The heading that says what a list is about: not "Legacy Interface", nor that of a clause."""
    while section is not None and (_LEGACY.match(section.title) or section.role):
        section = section.parent
    return section.title if section else ""


def _part(section: Section | None) -> str:
    """The heading of the part of the document that a file is."""
    while section is not None and section.parent is not None and section.parent.file is section.file:
        section = section.parent
    return section.title if section else ""


def _dimensions(members: Iterable[Member]) -> Iterator[str]:
    """The constants that say how many elements members have."""
    for member in members:
        type_ = member.type
        while isinstance(type_, Array):
            match type_.length:
                case Count(text=text) | Expression(text=text) if text:
                    yield from _CONSTANT.findall(text)
            type_ = type_.element
        if isinstance(type_, Aggregate):
            yield from _dimensions(type_.members)


def report_overlaps(
    registries: Iterable[Registry], constants: Constants, files: Mapping[str, SourceFile], sink: Sink
) -> None:
    """Report codes that a registry gives twice, or gives and reserves; a name may be defined as another one."""
    for registry in registries:
        seen: dict[int, Entry] = {}
        # a range from 0 without an end stands for every other code
        ranges = [r for r in registry.ranges if r.first or r.last is not None]
        for entry in registry.entries:
            file = files.get(entry.place.file)
            if file is None:
                continue
            other = seen.setdefault(entry.code, entry)
            if other.name != entry.name and constants.meant(other.name) != constants.meant(entry.name):
                where = at(file, file.line_starts[entry.place.line - 1])
                sink.warning(
                    "VS250", where, f"code {entry.code:#x} is '{entry.name}' here and '{other.name}' at {other.place}"
                )
            run = next((r for r in ranges if r.first <= entry.code and (r.last is None or entry.code <= r.last)), None)
            if run is not None:
                where = at(file, file.line_starts[entry.place.line - 1])
                last = "…" if run.last is None else f"{run.last:#x}"
                message = f"code {entry.code:#x} of '{entry.name}' is in the {run.meaning} range {run.first:#x}-{last}"
                sink.warning("VS250", where, message)
