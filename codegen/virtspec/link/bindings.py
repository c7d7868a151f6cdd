"""Bindings: what prose and headings say about the structs of a code, given to the entries of the registries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from virtspec.diagnostics import Sink, at
from virtspec.latex.arguments import squeeze
from virtspec.link.facts import Facts
from virtspec.link.owners import Owners
from virtspec.link.suggest import closest
from virtspec.model import (
    DEVICE_CONFIG,
    Aggregate,
    Binding,
    Condition,
    Member,
    Place,
    Registry,
    Skipped,
    Struct,
    StructRef,
    innermost,
)
from virtspec.read.bindings import Namesakes, Statement, read_bindings
from virtspec.read.prose import Phrase, Prose

_LINK = Phrase(r"\\hyperref\[([^\[\]{}]{1,400})\]\{([A-Z][A-Z0-9_]+)\}", "\\hyperref")

MAX_SUGGESTIONS = 1000
"""How many findings a text may have before no more names are suggested: each compares with all names."""


def bind(
    registries: Sequence[Registry],
    structs: Sequence[Struct],
    prose: Prose,
    owners: Owners,
    facts: Facts,
    sink: Sink,
) -> tuple[Registry, ...]:
    """The registries with the structs that are bound to their entries."""
    names = frozenset(e.name for r in registries for e in r.entries)
    binder = _Binder(names, structs, prose, facts, sink)
    binder.bind_stated(owners)
    binder.bind_namesakes()
    binder.bind_linked()
    binder.report_contradictions()
    return tuple(_bound(registry, binder.found) for registry in registries)


def _bound(registry: Registry, found: Mapping[str, Iterable[Binding]]) -> Registry:
    if found.keys().isdisjoint(e.name for e in registry.entries):
        return registry
    entries = (replace(e, bindings=tuple(found[e.name])) if e.name in found else e for e in registry.entries)
    return replace(registry, entries=tuple(entries))


class _Binder:
    """The bindings of each code: every one once, in the order of the text. The codes are given by name."""

    def __init__(
        self, names: frozenset[str], structs: Sequence[Struct], prose: Prose, facts: Facts, sink: Sink
    ) -> None:
        self.names = names
        self.tags = {s.name: s for s in structs if s.kind in ("struct", "union")}
        self.prose = prose
        self.facts = facts
        self.sink = sink
        self.found: dict[str, dict[Binding, None]] = {}
        self.lengths: list[Statement] = []

    def add(self, code: str, binding: Binding) -> None:
        """Bind a struct to a code; the same one stated again says nothing new."""
        self.facts.count("bindings", read=True)
        self.found.setdefault(code, {}).setdefault(binding)

    # --- what prose states ---

    def bind_stated(self, owners: Owners) -> None:
        """Bind what sentences say."""
        told: set[tuple[str, int]] = set()
        for statement in read_bindings(self.prose, self.names, self._structs_at):
            hit, place = statement.hit, statement.hit.place
            tag = owners.nearest(statement.member, place) if statement.member else ""
            if problem := self._problem(statement, tag):
                self.facts.skip(Skipped(what="binding", reason=problem, place=place))
                continue
            if (hit.file.path, hit.start) not in told:
                told.add((hit.file.path, hit.start))
                self._report_unknown(statement)
            if statement.compared:
                self.facts.count("bindings", read=True)
                self.lengths.append(statement)
                continue
            binding = Binding(
                role=statement.role,
                struct=f"{statement.struct}.{statement.path}" if statement.path else statement.struct,
                many=statement.many,
                member=f"{tag}.{statement.member}" if statement.member else "",
                condition=statement.condition,
                place=place,
            )
            self.add(statement.code, binding)

    def _structs_at(self, path: str, position: int) -> tuple[str, ...]:
        listing = self.facts.listings.get((path, position))
        return listing[1] if listing else ()

    def _problem(self, statement: Statement, tag: str) -> str:
        """Why a statement cannot be used; "" where it can. `tag` is the struct whose member it is about."""
        if statement.member and not tag:
            return f"no struct has a member '{statement.member}'"
        return statement.problem or ("" if statement.code in self.names else f"{statement.code} is no code")

    def _report_unknown(self, statement: Statement) -> None:
        """Report a struct that is not defined. A chapter may bind those of the rest of the specification."""
        struct = self.tags.get(statement.struct)
        where = at(statement.hit.file, statement.hit.start)
        if struct is None and statement.struct != DEVICE_CONFIG:
            few = len(self.sink.diagnostics) < MAX_SUGGESTIONS
            near = closest(statement.struct, self.tags, 0.75) if few else ""
            meant = closest(statement.struct, filter(None, (near,)), 0.85)
            message = f"{statement.code} is bound to 'struct {statement.struct}', which is not defined here"
            if self.facts.configs or near:
                self.sink.error("VS251", where, message, hint=f"did it mean 'struct {meant}'?" if meant else "")
            else:
                self.sink.note("VS251", where, message)
        elif struct is not None and statement.path and all(m.name != statement.path for m in struct.members):
            self.sink.error("VS251", where, f"'{statement.path}' is no member of 'struct {statement.struct}'")

    # --- what follows from where things stand ---

    def bind_namesakes(self) -> None:
        """Bind the structs that a listing defines under the heading or item of a code with their name."""
        listed = self.facts.listings.items()
        namesakes = Namesakes(self.prose, self.names, (tag for _, (_, structs) in listed for tag in structs))
        arms = _arms(self.tags.values())
        for (path, start), (_, structs) in listed:
            for tag in structs:
                code, role = namesakes.find(path, start, tag)
                if not code:
                    continue
                if tag in arms:
                    # `virtio_mem_req_plug` is an arm of the request, not the request
                    role = "data" if role == "request" else "result"
                if any(b.slot == role and b.first for b in self.found.get(code, ())):
                    continue
                struct = self.tags.get(tag)
                self.add(code, Binding(role=role, struct=tag, place=struct.place if struct else Place(path, 1)))

    def bind_linked(self) -> None:
        """Bind what a table links to the description of another code, as that one is bound."""
        for pages in self.prose.pages.values():
            for label, name in links_in(pages.file.text):
                title = self.prose.titles.get(label, "")
                if name != title and name not in self.found and name in self.names and title in self.found:
                    self.found[name] = dict(self.found[title])
                    self.facts.count("bindings", read=True)

    # --- contradictions ---

    def report_contradictions(self) -> None:
        """Report codes whose payload is said to be one struct and another, or as long as another."""
        for code, bindings in self.found.items():
            first: dict[tuple[str, Condition | None], Binding] = {}
            for binding in bindings:
                if not binding.first:
                    continue
                other = first.setdefault((binding.slot, binding.condition), binding)
                pages = self.prose.pages.get(binding.place.file)
                if other.struct != binding.struct and pages is not None:
                    where = at(pages.file, pages.file.line_starts[binding.place.line - 1])
                    message = (
                        f"the {binding.slot} of {code} is 'struct {binding.struct}' here and"
                        f" 'struct {other.struct}' at {other.place}"
                    )
                    self.sink.warning("VS252", where, message)
        for statement in self.lengths:
            self._compare_length(statement)

    def _compare_length(self, statement: Statement) -> None:
        for binding in self.found.get(statement.code, ()):
            if binding.role == statement.role and binding.struct.partition(".")[0] != statement.struct:
                where = at(statement.hit.file, statement.hit.start)
                message = (
                    f"the length of {statement.code} is that of 'struct {statement.struct}', but its {binding.role} is"
                    f" 'struct {binding.struct}' at {binding.place}"
                )
                self.sink.warning("VS252", where, message)


@lru_cache(maxsize=1024)
def links_in(text: str) -> tuple[tuple[str, str], ...]:
    """The links of a text that show a constant's name: the label they lead to, and the name."""
    return tuple((squeeze(match[1]), match[2]) for match in _LINK.matches(text))


def _arms(structs: Iterable[Struct]) -> set[str]:
    """The tags of structs that are arms of a union."""
    arms: set[str] = set()
    for struct in structs:
        arms.update(_arms_in(struct.kind, struct.members))
    return arms


def _arms_in(kind: str, members: tuple[Member, ...]) -> Iterator[str]:
    for member in members:
        type_ = innermost(member.type)
        if isinstance(type_, StructRef) and kind == "union":
            yield type_.name
        elif isinstance(type_, Aggregate):
            yield from _arms_in(type_.kind, type_.members)
