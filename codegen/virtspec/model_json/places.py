"""Line numbers that an edit elsewhere does not shift: each thing's distance from the one before it in its file.

Absolute lines would change for everything below an edit. Here the things of a file form a chain: a row of text
"distance key" for each. A struct's members are links of the chain too, and so is what stands among them; those links
are kept with the members. A field more in a struct thus changes that struct's lines of the model and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from virtspec.model import Constant, Entry, Member, Place, Registry, Spec, Struct, members_in
from virtspec.model_json.values import Json, items, number, rows, text

MAX_LINE = (1 << 31) - 1
"""Beyond that, no file has lines."""


@dataclass(slots=True)
class Row:
    """What the chain says at a member: the things above it, and its distance from the last of them."""

    above: list[str] = field(default_factory=list)
    distance: int = 1


@dataclass(slots=True)
class Places:
    """The chains of all files, and the rows of the members of each struct, in the order of `walk`."""

    files: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)


def walk(members: tuple[Member, ...]) -> Iterator[Member]:
    """Members with those of unnamed structs and unions among them, in the order of the listing."""
    return (member for _, member in members_in(members))


# --- keys ---------------------------------------------------------------------------------------------------


def numbered(keys: Iterable[str]) -> Iterator[str]:
    """Keys with a number behind those that occur again."""
    seen: dict[str, int] = {}
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        yield key if seen[key] == 1 else f"{key}#{seen[key]}"


def entry_keys(registry: Registry) -> list[str]:
    """A key for each entry."""
    return list(numbered(f"{registry.key}/{entry.name}" for entry in registry.entries))


def binding_keys(key: str, entry: Entry) -> list[str]:
    """A key for each binding of the entry that has a key."""
    return list(numbered(f"{key}/{b.slot}/{b.struct}" for b in entry.bindings))


def range_keys(registry: Registry) -> list[str]:
    """A key for each range."""
    return list(numbered(f"{registry.key}/{r.first}-{'' if r.last is None else r.last}" for r in registry.ranges))


def skipped_keys(spec: Spec) -> list[str]:
    """A key for each thing that was skipped."""
    skipped = spec.coverage.skipped
    return list(numbered(f"skipped/{s.what}/{s.place.file}/{s.reason[:80]}" for s in skipped))


def evidence_keys(struct: Struct) -> list[str]:
    """A key for the evidence of each member, in the order of `walk`."""
    return list(numbered(f"{struct.key}/{member.name}/if" for member in walk(struct.members)))


def relation_keys(struct: Struct) -> list[str]:
    """A key for the evidence of each relation."""
    return list(numbered(f"{struct.key}/relation/{relation.text}" for relation in struct.relations))


def first_places(constants: Iterable[Constant]) -> dict[str, Place]:
    """Where each name is defined: what feature bits, and registries that are made of constants, need not repeat."""
    return {c.name: c.place for c in sorted(constants, key=lambda c: c.key, reverse=True)}


def _things(spec: Spec) -> Iterator[tuple[str, Place]]:
    for struct in spec.structs:
        yield struct.key, struct.place
        yield from _also(struct.key, struct.also)
        for key, member in zip(evidence_keys(struct), walk(struct.members), strict=True):
            yield key, member.evidence
        yield from zip(relation_keys(struct), (r.evidence for r in struct.relations), strict=True)
    for constant in spec.constants:
        yield constant.key, constant.place
        yield from _also(constant.key, constant.also)
    yield from ((f"{device.module}/device", device.place) for device in spec.devices)
    defined = first_places(spec.constants)
    for feature in spec.features:
        if feature.place != defined.get(feature.name):
            yield f"{feature.key}/bit", feature.place
    for registry in spec.registries:
        first = registry.entries[0].place if registry.entries else None
        if registry.place != first:
            yield registry.key, registry.place
        for key, entry in zip(entry_keys(registry), registry.entries, strict=True):
            if entry.place != defined.get(entry.name):
                yield key, entry.place
            yield from zip(binding_keys(key, entry), (b.place for b in entry.bindings), strict=True)
        yield from zip(range_keys(registry), (r.place for r in registry.ranges), strict=True)
    yield from ((clause.key, clause.place) for clause in spec.clauses)
    yield from zip(skipped_keys(spec), (s.place for s in spec.coverage.skipped), strict=True)


def _also(key: str, places: Sequence[Place]) -> Iterator[tuple[str, Place]]:
    return ((f"{key}@{index}", place) for index, place in enumerate(places))


# --- lines to chains ----------------------------------------------------------------------------------------


def chain_places(spec: Spec) -> Places:
    """The chains of a model."""
    files: dict[str, list[tuple[int, str]]] = {}
    for key, place in _things(spec):
        if place.file:
            files.setdefault(place.file, []).append((place.line, key))
    places = Places()
    structs = {s.key: s for s in spec.structs}
    owners = {c.key: c.owner for c in spec.constants}
    for file, things in sorted(files.items()):
        chain = _Chain(file, sorted(things), structs, owners, places)
        places.files[file] = chain.links()
    return places


class _Chain:
    """One file, from its first line to its last."""

    def __init__(
        self,
        file: str,
        things: list[tuple[int, str]],
        structs: Mapping[str, Struct],
        owners: Mapping[str, str],
        places: Places,
    ) -> None:
        self.file = file
        self.things = things
        self.structs = structs
        self.owners = owners
        self.places = places
        self.next = 0
        self.line = 0

    def links(self) -> list[str]:
        links: list[str] = []
        while self.next < len(self.things):
            links += self.link()
        return links

    def link(self) -> list[str]:
        """The next thing; a struct takes what stands among its members along."""
        line, key = self.things[self.next]
        self.next += 1
        text = f"{line - self.line} {key}"
        self.line = line
        struct = self.structs.get(key)
        if struct is not None:
            self.struct(struct)
        return [text]

    def struct(self, struct: Struct) -> None:
        rows: list[Row] = []
        for member in walk(struct.members):
            row = Row()
            if member.place.file == self.file:
                while self.next < len(self.things) and self.things[self.next][0] <= member.place.line:
                    row.above += self.link()
                row.distance = member.place.line - self.line
                self.line = member.place.line
            else:
                row.distance = 0
            rows.append(row)
        below: list[str] = []
        while self.next < len(self.things) and self.owners.get(self.things[self.next][1]) == struct.name:
            below += self.link()
        self.places.rows[struct.key] = rows
        self.places.below[struct.key] = below


# --- chains to lines ----------------------------------------------------------------------------------------


class Lines:
    """The places that the chains of a document give."""

    def __init__(self, chains: Mapping[str, Sequence[str]], structs: Mapping[str, Json]) -> None:
        self.structs = structs
        self.files: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self.members: dict[str, list[int]] = {}
        for file, links in chains.items():
            line = 0
            try:
                for link in items(links):
                    line = self._link(text(file), text(link), line)
            except (TypeError, ValueError) as error:
                raise ValueError(f"places: {file[:120]!r}: {error}") from None

    def _link(self, file: str, link: str, line: int) -> int:
        distance, _, key = link.partition(" ")
        line += number(int(distance), -MAX_LINE, MAX_LINE)
        if key in self.lines:
            raise ValueError(f"two places for '{key[:80]}'")
        self.lines[key] = line
        self.files[key] = file
        struct = self.structs.get(key)
        if struct is None:
            return line
        lines = self.members[key] = []
        for row in _rows(struct["members"]):
            for above in rows(row, "above"):
                line = self._link(file, text(above), line)
            line += number(row.get("line", 1), -MAX_LINE, MAX_LINE)
            lines.append(line)
        for below in rows(struct, "below"):
            line = self._link(file, text(below), line)
        return line

    def place(self, key: str, default: Place) -> Place:
        """The place of a key; `default` where it has none."""
        line = self.lines.get(key)
        return Place(self.files[key], line) if line is not None else default

    def also(self, key: str) -> tuple[Place, ...]:
        """The further places of a key."""
        places: list[Place] = []
        while (line := self.lines.get(f"{key}@{len(places)}")) is not None:
            places.append(Place(self.files[f"{key}@{len(places)}"], line))
        return tuple(places)


def _rows(members: Sequence[Json]) -> Iterator[Json]:
    for row in members:
        yield row
        inner = row.get("struct") or row.get("union")
        if inner:
            yield from _rows(inner)
