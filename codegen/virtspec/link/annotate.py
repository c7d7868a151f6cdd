"""Annotations given to the model's elements, and a report of those that do not hold any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from virtspec.annotations import Annotation, Evidence, Paragraph, describe, edition_of
from virtspec.diagnostics import Sink
from virtspec.link.facts import Facts
from virtspec.link.statements import Statement
from virtspec.model import (
    STALE,
    UNPLACED,
    Aggregate,
    Array,
    Bits,
    ConfigRef,
    Constant,
    Count,
    Entry,
    FieldRef,
    Integer,
    Member,
    Place,
    Registry,
    Relation,
    Rest,
    Skipped,
    Struct,
    StructRef,
    Type,
)

Change = Callable[[Member], Member]


def annotate(
    annotations: Sequence[Annotation],
    structs: Sequence[Struct],
    registries: Sequence[Registry],
    constants: Sequence[Constant],
    evidence: Evidence,
    facts: Facts,
    sink: Sink,
    edition: str = "",
    lone: Mapping[str, Registry] | None = None,
) -> tuple[tuple[Struct, ...], tuple[Registry, ...], tuple[Constant, ...]]:
    """The structs, registries and constants with the annotations that the document's text bears out.

    `lone` are codes in no list; one that a fact is about makes a registry.
    """
    work = _Work(structs, registries, constants, lone or {})
    numbers = edition_of(edition)
    groups: dict[tuple[str, ...], list[Annotation]] = {}
    for annotation in annotations:
        groups.setdefault(annotation.group, []).append(annotation)
    for group in groups.values():
        expected = any(annotation.expected(numbers) for annotation in group)
        if numbers and not expected:
            continue
        first, said = next(((a, said) for a in group if (said := evidence.find(a))), (group[0], None))
        if said is not None and work.apply(first, said.place):
            facts.count("annotations", read=True)
            facts.paragraphs[first.subject, first.kind] = (said.text,)
            facts.statements += _statements(first, said)
            continue
        if said is None and not expected:
            continue
        sections = dict.fromkeys(annotation.section for annotation in group)
        if said is not None:
            _report("VS261", first, said.place, UNPLACED, "", facts, sink)
        elif work.knows(first.key):
            _report("VS260", first, None, STALE, describe(evidence.under(first.section)), facts, sink)
        elif any(section in evidence.sections for section in sections):
            _report("VS261", first, None, UNPLACED, "", facts, sink)
        else:
            continue  # of another document
        now = (said.text,) if said is not None else tuple(p.text for s in sections for p in evidence.under(s))
        facts.paragraphs[first.subject, first.kind] = now
    return tuple(work.structs.values()), tuple(map(work.settled, work.registries)), tuple(work.constants.values())


def _report(
    rule: str, annotation: Annotation, place: Place | None, reason: str, now: str, facts: Facts, sink: Sink
) -> None:
    where = place or annotation.span.place
    facts.skip(Skipped(what="annotation", reason=f"{annotation.kind} of {annotation.subject}: {reason}", place=where))
    sink.warning(
        rule,
        annotation.span,
        f"{annotation.kind} of '{annotation.subject}' is not applied: {reason}",
        hint=f"review it; the paragraphs of '{annotation.section}' are {now}" if now else "",
    )


def _statements(annotation: Annotation, said: Paragraph) -> Iterator[Statement]:
    """Where a paragraph states what only clauses do: an order, or a relation."""
    if annotation.ascending or annotation.relation is not None:
        names = frozenset(path.rpartition(".")[2] for path in annotation.paths)
        first = said.place.line
        yield Statement(
            annotation.key, said.place.file, first, first + said.text.strip().count("\n"), names, annotation.clause
        )


class _Work:
    """The elements by key, while annotations change them."""

    def __init__(
        self,
        structs: Sequence[Struct],
        registries: Sequence[Registry],
        constants: Sequence[Constant],
        lone: Mapping[str, Registry],
    ) -> None:
        self.structs = {s.key: s for s in structs}
        self.constants = {c.key: c for c in constants}
        self.registries = {r.key: r for r in registries}
        self.lone = lone
        self.tags = {s.name for s in structs}
        self._entries: dict[str, tuple[list[Entry], dict[str, list[int]]]] = {}
        """The entries of registries of which some are changed, and where those of a name stand."""

    def entries_of(self, key: str) -> tuple[list[Entry], dict[str, list[int]]]:
        """The entries of a registry, to be changed, and where those of a name stand."""
        if key not in self._entries:
            entries = list(self.registries[key].entries)
            positions: dict[str, list[int]] = {}
            for position, entry in enumerate(entries):
                positions.setdefault(entry.name, []).append(position)
            self._entries[key] = entries, positions
        return self._entries[key]

    def settled(self, key: str) -> Registry:
        """A registry with the changes of its entries."""
        entries, _ = self._entries.pop(key, ((), {}))
        return replace(self.registries[key], entries=tuple(entries)) if entries else self.registries[key]

    def knows(self, key: str) -> bool:
        """Whether the model has the struct, member, registry or entry of a key."""
        known = self.registries.copy()
        try:
            same = self.apply_to(key, lambda m: m, lambda r: r, lambda e: e, lambda s: s)
            return same or key in self.constants
        finally:
            self.registries = known

    def apply(self, annotation: Annotation, place: Place) -> bool:
        """Apply an annotation; False where the model has no element of its key."""
        if annotation.example and annotation.key in self.constants:
            self.constants[annotation.key] = replace(self.constants[annotation.key], example=True)
            return True
        if annotation.relation is not None:
            return self.relate(annotation.key, replace(annotation.relation, evidence=place), annotation.paths)
        return self.apply_to(
            annotation.key,
            lambda member: _member(member, annotation, place, self.tags),
            lambda registry: _registry(registry, annotation, place, self.tags),
            lambda entry: _entry(entry, annotation, place, self.tags),
            lambda struct: _struct(struct, annotation, place),
        )

    def relate(self, key: str, relation: Relation, paths: Sequence[str]) -> bool:
        """Give a struct a relation; False where there is no such struct, or a path is neither a number in it nor a
        constant."""
        struct = self.structs.get(key)
        if struct is None:
            return False
        if relation not in struct.relations:
            for path in paths:
                if not self._is_number(struct.members, path.split(".")) and path not in self.constant_names():
                    return False
            self.structs[key] = replace(struct, relations=(*struct.relations, relation))
        return True

    def constant_names(self) -> frozenset[str]:
        return frozenset(c.name for c in self.constants.values())

    def _is_number(self, members: tuple[Member, ...], path: list[str]) -> bool:
        """Whether a path leads to an integer or a bit-field, through structs alone: what is in a union may be something
        else."""
        for member in members:
            inner = member.type
            rest = path[1:] if member.name == path[0] else path if not member.name else None
            if rest is None:
                continue
            if not rest:
                return isinstance(inner, Integer)
            if isinstance(inner, Bits) and len(rest) == 1:
                found = any(bit.name == rest[0] for bit in inner.fields)
            elif isinstance(inner, Aggregate) and inner.kind == "struct":
                found = self._is_number(inner.members, rest)
            elif isinstance(inner, StructRef) and member.name:
                struct = next((s for s in self.structs.values() if s.name == inner.name and s.kind == "struct"), None)
                found = struct is not None and self._is_number(struct.members, rest)
            else:
                found = False
            if found:
                return True
        return False

    def apply_to(
        self,
        key: str,
        member: Change,
        registry: Callable[[Registry], Registry],
        entry: Callable[[Entry], Entry],
        struct: Callable[[Struct], Struct],
    ) -> bool:
        """Change the element of a key, which is `module/struct/tag`, with `/path` for a member, a registry's, or a
        registry's with a name."""
        if key in self.structs:
            self.structs[key] = struct(self.structs[key])
            return True
        above, _, name = key.rpartition("/")
        for alone in (key, above):
            if alone in self.lone:
                self.registries.setdefault(alone, self.lone[alone])
        if key in self.registries:
            self.registries[key] = registry(self.settled(key))
            return True
        if above in self.registries:
            entries, positions = self.entries_of(above)
            for position in positions.get(name, ()):
                entries[position] = entry(entries[position])
            return name in positions
        whole = self.structs.get(above)
        if whole is None:
            return False
        members, found = _change(whole.members, name.split("."), member)
        if found:
            self.structs[above] = replace(whole, members=members)
        return found


def _struct(struct: Struct, annotation: Annotation, place: Place) -> Struct:
    if annotation.example:
        return replace(struct, example=True)
    return replace(struct, members=tuple(_member(m, annotation, place, set()) for m in struct.members))


def _member(member: Member, annotation: Annotation, place: Place, tags: set[str]) -> Member:
    if annotation.length is not None:
        if not isinstance(member.type, Array) or isinstance(member.type.length, Count):
            return member  # a number that the listing states goes before
        length = annotation.length
        if isinstance(length, FieldRef) and length.path.partition(".")[0] in tags:
            struct, _, path = length.path.partition(".")
            length = ConfigRef(struct=struct, path=path)
        element = member.type.element
        if isinstance(element, Array) and isinstance(element.length, Rest):
            element = element.element  # rows that do not tell where they end: it is the length of all of them
        return replace(member, type=Array(element=element, length=length))
    if annotation.condition is not None:
        return replace(member, condition=annotation.condition, evidence=place)
    if annotation.direction is not None:
        return replace(member, direction=annotation.direction)
    return replace(member, optional=True) if annotation.optional else member


def _registry(registry: Registry, annotation: Annotation, place: Place, tags: set[str]) -> Registry:
    if annotation.fields:
        return replace(registry, fields=annotation.fields, tag=annotation.fields[0].rpartition(".")[2])
    if annotation.bits:
        fields = tuple(field for field in registry.fields if field not in annotation.bits)
        return replace(registry, fields=fields, bits=tuple(dict.fromkeys((*registry.bits, *annotation.bits))))
    if annotation.ascending:
        return replace(registry, ascending=True)
    # what is stated of a whole list holds for every code that has nothing of its own
    if annotation.bind:
        entries = (e if e.bindings else _entry(e, annotation, place, tags) for e in registry.entries)
    elif annotation.condition is not None:
        entries = (e if e.condition is not None else _entry(e, annotation, place, tags) for e in registry.entries)
    else:
        return registry
    return replace(registry, entries=tuple(entries))


def _entry(entry: Entry, annotation: Annotation, place: Place, tags: set[str]) -> Entry:
    if annotation.condition is not None:
        return replace(entry, condition=annotation.condition)
    bound = {b.slot for b in annotation.bind if b.first}
    # what the text states stays, unless the struct that it names does not exist
    kept = tuple(b for b in entry.bindings if b.slot not in bound or not b.first or b.tag in tags)
    added = tuple(replace(b, place=place) for b in annotation.bind)
    return replace(entry, bindings=(*kept, *(b for b in added if b not in kept)))


def _change(members: tuple[Member, ...], path: list[str], change: Change) -> tuple[tuple[Member, ...], bool]:
    """Members with the one at a path changed; a path goes through unnamed members without a word for them."""
    changed: list[Member] = []
    found = False
    for member in members:
        inner = member.type.element if isinstance(member.type, Array) else member.type
        if not found and member.name == path[0] and len(path) == 1:
            member, found = change(member), True
        elif not found and isinstance(inner, Aggregate) and member.name in ("", path[0]):
            rest = path if not member.name else path[1:]
            nested, found = _change(inner.members, rest, change)
            if found:
                member = replace(member, type=_with(member.type, replace(inner, members=nested)))
        elif not found and not member.name and isinstance(inner, Bits) and len(path) == 1:
            bits = next((bit for bit in inner.fields if bit.name == path[0]), None)
            if bits is not None:
                found = True
                probe = change(Member(name=bits.name, type=inner.container, condition=bits.condition))
                fields = tuple(replace(b, condition=probe.condition) if b is bits else b for b in inner.fields)
                member = replace(member, type=_with(member.type, replace(inner, fields=fields)))
        changed.append(member)
    return tuple(changed), found


def _with(type_: Type, inner: Type) -> Type:
    """A type with what it is made of replaced, below its dimensions."""
    return replace(type_, element=_with(type_.element, inner)) if isinstance(type_, Array) else inner
