"""Registries: every table, enum, list and run of `#define`s that gives codes a meaning, with the structs bound to them.

A run is what the specification lists together. Where it would give a code twice it holds several lists, told apart by
the beginnings of their names; a name that begins those of its successors is a class, and they are its commands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from virtspec.chapters import slug
from virtspec.diagnostics import Sink, at
from virtspec.latex.document import Located, Section
from virtspec.latex.text import plain_text
from virtspec.link.constants import Constants, Definition
from virtspec.link.owners import Owners
from virtspec.listing.syntax import Binary, Number
from virtspec.model import Entry, Place, Range, Registry
from virtspec.read.prose import Prose
from virtspec.read.tables import CodeTable
from virtspec.source import SourceFile

MAX_WORDS = 12
"""How many words at the beginning of names may tell lists apart; no published name has more."""

MAX_UNITED = 512
"""How many codes a list may have to which another place adds some."""

_FIELD_MENTION = re.compile(r"\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ITEM_FIELD = re.compile(r"\s*\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ANNOUNCED = re.compile(r"\b(?:following table|valid values?|possible|documented as follows)\b")
_PARAGRAPH = re.compile(r"\n[ \t]*\n|\\begin\{[a-z]+\}[^\n]*|\\(?:caption|label|hline)[^\n]*")
_SENTENCE = re.compile(r"(?<=[.?!])\s")
_CAPTION = re.compile(r"\\caption\{([^{}]{1,120})\}")
_LEGACY = re.compile(r"^legacy interfaces?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Definitions that stand together.

    `name` is an enum's tag; `fields` are the members beside which they stand, the one behind them first, and with
    `leads` definitions stand before their member in that struct.
    """

    definitions: tuple[Definition, ...]
    located: Located
    module: str
    name: str = ""
    title: str = ""
    owner: str = ""
    fields: tuple[str, ...] = ()
    leads: bool = False


@dataclass(slots=True, kw_only=True)
class _Row:
    """A definition with its value."""

    definition: Definition
    code: int
    words: list[str]


class Registries:
    """Collects registries and gives them keys."""

    def __init__(self, constants: Constants, prose: Prose, owners: Owners, sink: Sink) -> None:
        self.constants = constants
        self.prose = prose
        self.sink = sink
        self.found: dict[str, Registry] = {}
        self._single: dict[str, list[tuple[_Row, Run]]] = {}
        self._above: dict[str, list[tuple[_Row, Run]]] = {}
        self._numbers: dict[str, int] = {}
        self._owners = owners

    # --- tables ---

    def add_table(self, table: CodeTable, module: str, located: Located) -> None:
        """Add the registry that a table states."""
        file, section = located.file, located.section
        fields = () if table.register else self._fields_of_table(located)
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
                    Entry(code=e.code, name=e.name, place=Place(file.path, file.line(e.start))) for e in table.entries
                ),
                ranges=tuple(
                    Range(first=r.first, last=r.last, meaning=r.meaning, place=Place(file.path, file.line(r.start)))
                    for r in table.ranges
                ),
                fields=fields,
                place=Place(file.path, located.line),
            )
        )

    # --- runs ---

    def add_run(self, run: Run) -> None:
        """Add the registries that a run of definitions makes up."""
        rows: list[_Row] = []
        for definition in run.definitions:
            code = self.constants.known(definition)
            if isinstance(code, int):
                rows.append(_Row(definition=definition, code=code, words=definition.name.split("_")))
        if run.name or run.title:
            if len(rows) > 1:
                self._add_rows(rows, run, run.name or run.title)
            return
        before, above, commands = _classes(rows)
        for group in _distinct(before):
            if len(group) > 1:
                self._add_rows(group, run, _prefix(group))
            else:
                self._single.setdefault(run.module, []).append((group[0], run))
        if above is not None:
            self._above.setdefault(run.module, []).append((above, run))
            under = above.definition.name
            for group in _distinct(commands):
                self._add_rows(group, run, _prefix(group) if len(group) > 1 else under, under)

    def finish(self) -> tuple[Registry, ...]:
        """The registries, with those of classes and of definitions which stand by themselves."""
        for classes in self._above.values():
            rows = [row for row, _ in classes]
            beginnings = Counter("_".join(row.words[:-1]) for row in rows)
            name = min(beginnings, key=lambda words: (-beginnings[words], words))
            if len(rows) > 1:
                self._add_rows(rows, classes[0][1], name)
        for singles in self._single.values():
            groups: dict[str, list[tuple[_Row, Run]]] = {}
            for row, run in singles:
                groups.setdefault("_".join(row.words[:3]), []).append((row, run))
            for name, members in groups.items():
                rows = [row for row, _ in members]
                if len({row.code for row in rows}) == len(rows) > 1 and all(len(row.words) > 3 for row in rows):
                    self._add_rows(rows, members[0][1], name)
        return tuple(self.found.values())

    def _add_rows(self, rows: Sequence[_Row], run: Run, name: str, under: str = "") -> None:
        first = rows[0].definition
        fields = self._fields_of_run(run, name, first.place)
        taken = f"{run.module}/registry/{slug(name)}" in self.found and fields
        if (taken or _says_nothing(name)) and not (run.name or run.title):
            name = fields[0].replace(".", "_") if fields else _heading(run.located.section) or name
        flags = _are_flags(rows)
        self._add(
            Registry(
                key=f"{run.module}/registry/{slug(name)}",
                name=name,
                tag=fields[0].rpartition(".")[2] if fields else "flags" if flags else "code",
                module=run.module,
                entries=tuple(Entry(code=r.code, name=r.definition.name, place=r.definition.place) for r in rows),
                fields=fields,
                flags=flags,
                under=under,
                place=first.place,
            )
        )

    def _add(self, registry: Registry) -> None:
        """Add a registry; the same one stated twice counts once, and another of its key goes beside it."""
        known = self.found.get(registry.key)
        if known is None:
            self.found[registry.key] = registry
            return
        if (known.entries, known.ranges) == (registry.entries, registry.ranges):
            return
        merged = _united(known, registry)
        if merged is not None:
            self.found[registry.key] = merged
            return
        self._numbers[registry.key] = number = self._numbers.get(registry.key, 1) + 1
        key = f"{registry.key}#{number}"
        self.found[key] = replace(registry, key=key)

    # --- the members that hold the codes ---

    def _fields_of_run(self, run: Run, name: str, place: Place) -> tuple[str, ...]:
        """The member beside which definitions stand in a struct, or which the list item around them is about."""
        beside = [field for field in run.fields if _fits(field, name)]
        beside = beside or list(run.fields[: run.leads or len(run.fields) == 1])
        if beside:
            return (f"{run.owner}.{beside[0]}",)
        context = self.prose.context(run.located.file.path, run.located.block.start)
        labels = context.items if context is not None else ()
        field = next((m[1] for label in reversed(labels) if (m := _ITEM_FIELD.match(label))), "")
        if not field:
            mentions = _FIELD_MENTION.findall(_sentence_before(run.located, context.start if context else 0))
            field = next((mention for mention in mentions if _fits(mention, name)), "")
        owner = self._owners.nearest(field, place)
        return (f"{owner}.{field}",) if owner else ()

    def _fields_of_table(self, located: Located) -> tuple[str, ...]:
        """The member whose values the sentence before a table announces."""
        sentence = _sentence_before(located, 0)
        if not _ANNOUNCED.search(sentence):
            return ()
        mentions = _FIELD_MENTION.findall(sentence)
        place = Place(located.file.path, located.line)
        owner = self._owners.nearest(mentions[0], place) if mentions else ""
        return (f"{owner}.{mentions[0]}",) if owner else ()


def _sentence_before(located: Located, floor: int) -> str:
    """The sentence that leads to a block; "" where there is none."""
    text = located.file.text
    start = max(0, located.block.start - 600, floor if floor < located.block.start else 0)
    paragraphs = [p for p in _PARAGRAPH.split(text[start : located.block.start]) if p.strip()]
    sentences = [s for s in _SENTENCE.split(paragraphs[-1]) if s.strip()] if paragraphs else []
    return sentences[-1] if sentences else ""


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


# --- telling lists apart ------------------------------------------------------------------------------------


def _classes(rows: Sequence[_Row]) -> tuple[list[_Row], _Row | None, list[_Row]]:
    """The rows before a class, the class, and its commands: all names behind it begin with its own, and count anew."""
    for index, row in enumerate(rows[:-1]):
        beginning = f"{row.definition.name}_"
        if not rows[index + 1].definition.name.startswith(beginning):
            continue
        commands = list(rows[index + 1 :])
        begin = all(other.definition.name.startswith(beginning) for other in commands)
        if begin and min(other.code for other in commands) <= row.code:
            return list(rows[:index]), row, commands
    return list(rows), None, []


def _distinct(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Rows in lists that give no code twice, told apart by as few words at their beginning as it takes."""
    if len({row.code for row in rows}) == len(rows):
        if rows:
            yield rows
        return
    for length in range(2, min(MAX_WORDS, max(len(row.words) for row in rows))):
        groups: dict[tuple[str, ...], list[_Row]] = {}
        for row in rows:
            groups.setdefault(tuple(row.words[:length]), []).append(row)
        if all(len({row.code for row in group}) == len(group) for group in groups.values()):
            yield from groups.values()
            return
    yield rows


def _prefix(rows: Sequence[_Row]) -> str:
    """The words that all names begin with; without any, the first name."""
    words = rows[0].words
    for row in rows[1:]:
        length = 0
        for one, other in zip(words, row.words, strict=False):
            if one != other:
                break
            length += 1
        words = words[:length]
    return "_".join(words) or rows[0].definition.name


def _says_nothing(name: str) -> bool:
    """Whether the beginning of names is only that of all names of a device type (VIRTIO_CRYPTO), or less."""
    words = name.split("_")
    return len(words) < 2 or (len(words) == 2 and words[0].upper() == "VIRTIO")


def _fits(field: str, name: str) -> bool:
    """Whether a member's name is one of the words of a list's name (`gso_type`, VIRTIO_NET_HDR_GSO)."""
    words = set(name.lower().split("_"))
    return bool(words & set(field.lower().split("_"))) or ("f" in words and field.endswith("flags"))


def _are_flags(rows: Sequence[_Row]) -> bool:
    codes = [row.code for row in rows]
    if any(code & (code - 1) for code in codes) or not any(codes):
        return False  # with 0 among them, the values of VIRTIO_…_F_… are numbers of bits
    shifted = any(
        isinstance(row.definition.expr, Binary)
        and row.definition.expr.op == "<<"
        and row.definition.expr.left == Number(1, "1")
        for row in rows
    )
    return shifted or (0 not in codes and ("F" in _prefix(rows).split("_") or (max(codes) > 2 and len(codes) > 2)))


def _united(known: Registry, other: Registry) -> Registry | None:
    """Two lists of one name as one, where they agree on every code; None where they do not."""
    if len(known.entries) > MAX_UNITED:
        return None
    codes = {e.code: e.name for e in known.entries}
    names = {e.name: e.code for e in known.entries}
    if known.ranges or other.ranges or known.tag != other.tag or known.under != other.under:
        return None
    for entry in other.entries:
        if codes.get(entry.code, entry.name) != entry.name or names.get(entry.name, entry.code) != entry.code:
            return None
    return replace(known, entries=(*known.entries, *(e for e in other.entries if e.code not in codes)))


def report_overlaps(registries: Iterable[Registry], files: Mapping[str, SourceFile], sink: Sink) -> None:
    """Report codes that a registry gives twice, or gives and reserves."""
    for registry in registries:
        seen: dict[int, Entry] = {}
        for entry in registry.entries:
            file = files.get(entry.place.file)
            if file is None:
                continue
            other = seen.setdefault(entry.code, entry)
            if other is entry and not registry.ranges:
                continue
            where = at(file, file.line_starts[entry.place.line - 1])
            if other.name != entry.name:
                sink.warning(
                    "VS250", where, f"code {entry.code:#x} is '{entry.name}' here and '{other.name}' at {other.place}"
                )
            for run in registry.ranges:
                whole = run.first == 0 and run.last is None
                if not whole and run.first <= entry.code and (run.last is None or entry.code <= run.last):
                    last = "…" if run.last is None else f"{run.last:#x}"
                    sink.warning(
                        "VS250",
                        where,
                        f"code {entry.code:#x} of '{entry.name}' is in the {run.meaning} range {run.first:#x}-{last}",
                    )
