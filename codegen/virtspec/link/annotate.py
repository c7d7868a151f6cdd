"""Annotations given to the model's elements, and a report of those that do not hold any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from virtspec.annotations import Annotation, Evidence, describe, edition_of
from virtspec.diagnostics import Sink
from virtspec.link.facts import Facts
from virtspec.model import Aggregate, Array, Binding, Bits, Entry, Member, Place, Registry, Skipped, Struct, Type

Change = Callable[[Member], Member]


def annotate(
    annotations: Sequence[Annotation],
    structs: Sequence[Struct],
    registries: Sequence[Registry],
    evidence: Evidence,
    facts: Facts,
    sink: Sink,
    edition: str = "",
) -> tuple[tuple[Struct, ...], tuple[Registry, ...]]:
    """The structs and registries with the annotations that the document's text bears out."""
    work = _Work(structs, registries)
    numbers = edition_of(edition)
    groups: dict[tuple[str, str], list[Annotation]] = {}
    for annotation in annotations:
        groups.setdefault((annotation.key, annotation.kind), []).append(annotation)
    for group in groups.values():
        if edition and all(numbers < annotation.since for annotation in group):
            continue
        stated = [(a, place) for a in group if (place := evidence.find(a)) is not None]
        known = work.knows(group[0].key)
        if stated and work.apply(*stated[0]):
            facts.count("annotations", read=True)
        elif stated:
            _report("VS261", group[0], stated[0][1], "no such member, registry or entry", "", facts, sink)
        elif known:
            first = group[0]
            now = describe(evidence.paragraphs(first.section))
            _report("VS260", first, None, "the text that states it has changed", now, facts, sink)
    return tuple(work.structs.values()), tuple(work.registries.values())


def _report(
    rule: str, annotation: Annotation, place: Place | None, reason: str, now: str, facts: Facts, sink: Sink
) -> None:
    where = place or Place(annotation.span.file.path, annotation.span.line)
    facts.skip(Skipped(what="annotation", reason=f"{annotation.key}: {reason}", place=where))
    sink.warning(
        rule,
        annotation.span,
        f"{annotation.kind} of '{annotation.key}' is not applied: {reason}",
        hint=f"review it; the paragraphs of '{annotation.section}' are {now}" if now else "",
    )


class _Work:
    """The elements by key, while annotations change them."""

    def __init__(self, structs: Sequence[Struct], registries: Sequence[Registry]) -> None:
        self.structs = {s.key: s for s in structs}
        self.registries = {r.key: r for r in registries}
        self.tags = {s.name for s in structs}

    def knows(self, key: str) -> bool:
        """Whether the model has the member, registry or entry of a key."""
        return self.apply_to(key, lambda m: m, lambda r: r, lambda e: e)

    def apply(self, annotation: Annotation, place: Place) -> bool:
        """Apply an annotation; False where the model has no element of its key."""
        return self.apply_to(
            annotation.key,
            lambda member: _member(member, annotation, place),
            lambda registry: (
                replace(
                    registry,
                    fields=annotation.fields,
                    tag=annotation.fields[0].rpartition(".")[2],
                )
                if annotation.fields
                else registry
            ),
            lambda entry: _entry(entry, annotation, place, self.tags),
        )

    def apply_to(
        self,
        key: str,
        member: Change,
        registry: Callable[[Registry], Registry],
        entry: Callable[[Entry], Entry],
    ) -> bool:
        """Change the element of a key, which is `module/struct/tag/path`, a registry's, or a registry's with a name."""
        if key in self.registries:
            self.registries[key] = registry(self.registries[key])
            return True
        above, _, name = key.rpartition("/")
        known = self.registries.get(above)
        if known is not None:
            entries = tuple(entry(e) if e.name == name else e for e in known.entries)
            self.registries[above] = replace(known, entries=entries)
            return any(e.name == name for e in known.entries)
        struct = self.structs.get(above)
        if struct is None:
            return False
        members, found = _change(struct.members, name.split("."), member)
        if found:
            self.structs[above] = replace(struct, members=members)
        return found


def _member(member: Member, annotation: Annotation, place: Place) -> Member:
    if annotation.length is not None:
        if not isinstance(member.type, Array):
            return member
        return replace(member, type=replace(member.type, length=annotation.length))
    if annotation.condition is not None:
        return replace(member, condition=annotation.condition, evidence=place)
    if annotation.direction is not None:
        return replace(member, direction=annotation.direction)
    return replace(member, optional=True) if annotation.optional else member


def _entry(entry: Entry, annotation: Annotation, place: Place, tags: set[str]) -> Entry:
    if annotation.condition is not None:
        return replace(entry, condition=annotation.condition)
    bound = {role for role, _, _ in annotation.bind}
    # what the text states stays, unless the struct that it names does not exist
    kept = tuple(b for b in entry.bindings if b.role not in bound or b.struct.partition(".")[0] in tags)
    added = tuple(Binding(role=role, struct=struct, many=many, place=place) for role, struct, many in annotation.bind)
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
