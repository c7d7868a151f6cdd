"""Bindings: what prose and headings say about the structs of a code, given to the entries of the registries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

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
from virtspec.read.prose import Prose

_LINK = re.compile(r"\\hyperref\[([^\[\]{}]{1,400})\]\{([A-Z][A-Z0-9_]+)\}")

MAX_SUGGESTIONS = 1000
"""How many findings a text may have before no more names are suggested: each compares with all names."""

Found: TypeAlias = dict[str, dict[Binding, None]]
"""The bindings of each code, every one once and in the order of the text."""


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
    tags = {s.name: s for s in structs if s.kind in ("struct", "union")}
    found: Found = {}
    sizes: list[Statement] = []
    told: set[tuple[str, int]] = set()

    def structs_at(path: str, position: int) -> tuple[str, ...]:
        listing = facts.listings.get((path, position))
        return listing[1] if listing else ()

    for statement in read_bindings(prose, names, structs_at):
        member = ""
        if statement.member:
            member = f"{owners.nearest(statement.member, statement.hit.place)}.{statement.member}"
        problem = statement.problem or ("" if statement.code in names else f"{statement.code} is no code")
        if member.startswith("."):
            problem = f"no struct has a member '{statement.member}'"
        if problem:
            facts.skip(Skipped(what="binding", reason=problem, place=statement.hit.place))
            continue
        if (statement.hit.file.path, statement.hit.start) not in told:
            told.add((statement.hit.file.path, statement.hit.start))
            _report_unknown(statement, tags, sink, whole=bool(facts.configs))
        facts.count("bindings", read=True)
        if statement.compared:
            sizes.append(statement)
            continue
        struct = f"{statement.struct}.{statement.path}" if statement.path else statement.struct
        binding = Binding(
            role=statement.role,
            struct=struct,
            many=statement.many,
            member=member,
            condition=statement.condition,
            place=statement.hit.place,
        )
        # the same one stated again says nothing new
        found.setdefault(statement.code, {}).setdefault(binding)
    _bind_namesakes(found, names, tags, prose, facts)
    _bind_linked(found, names, prose, facts)
    _report_contradictions(found, prose, sink)
    for statement in sizes:
        _compare(statement, found, sink)
    return tuple(
        (
            r
            if found.keys().isdisjoint(e.name for e in r.entries)
            else replace(
                r,
                entries=tuple(replace(e, bindings=tuple(found[e.name])) if e.name in found else e for e in r.entries),
            )
        )
        for r in registries
    )


def _report_unknown(statement: Statement, tags: Mapping[str, Struct], sink: Sink, *, whole: bool) -> None:
    """Report a struct that is not defined. A chapter may bind those of the rest of the specification."""
    struct = tags.get(statement.struct)
    where = at(statement.hit.file, statement.hit.start)
    if struct is None and statement.struct != DEVICE_CONFIG:
        near = closest(statement.struct, tags, 0.75) if len(sink.diagnostics) < MAX_SUGGESTIONS else ""
        meant = closest(statement.struct, filter(None, (near,)), 0.85)
        message = f"{statement.code} is bound to 'struct {statement.struct}', which is not defined here"
        if whole or near:
            sink.error("VS251", where, message, hint=f"did it mean 'struct {meant}'?" if meant else "")
        else:
            sink.note("VS251", where, message)
    elif struct is not None and statement.path and all(m.name != statement.path for m in struct.members):
        sink.error("VS251", where, f"'{statement.path}' is no member of 'struct {statement.struct}'")


def _bind_namesakes(
    found: Found,
    names: frozenset[str],
    tags: Mapping[str, Struct],
    prose: Prose,
    facts: Facts,
) -> None:
    """Bind the structs that a listing defines under the heading or item of a code with their name."""
    namesakes = Namesakes(prose, names)
    arms = _arms(tags.values())
    for (path, start), (_, structs) in facts.listings.items():
        for tag in structs:
            code, role = namesakes.find(path, start, tag)
            if not code:
                continue
            if tag in arms:
                # `virtio_mem_req_plug` is an arm of the request, not the request
                role = "data" if role == "request" else "result"
            bound = found.get(code, ())
            if any(b.slot == role and b.first for b in bound):
                continue
            facts.count("bindings", read=True)
            struct = tags.get(tag)
            binding = Binding(role=role, struct=tag, place=struct.place if struct else Place(path, 1))
            found.setdefault(code, {}).setdefault(binding)


def _bind_linked(found: Found, names: frozenset[str], prose: Prose, facts: Facts) -> None:
    """Bind what a table links to the description of another code, as that one is bound."""
    titles = prose.titles
    for pages in prose.pages.values():
        for label, name in links_in(pages.file.text):
            title = titles.get(label, "")
            if name == title or name in found or name not in names or title not in found:
                continue
            found[name] = dict(found[title])
            facts.count("bindings", read=True)


@lru_cache(maxsize=1024)
def links_in(text: str) -> tuple[tuple[str, str], ...]:
    """The links of a text that show a constant's name: the label they lead to, and the name."""
    return tuple((squeeze(match[1]), match[2]) for match in _LINK.finditer(text))


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


def _report_contradictions(found: Found, prose: Prose, sink: Sink) -> None:
    for code, bindings in found.items():
        first: dict[tuple[str, Condition | None], Binding] = {}
        for binding in bindings:
            if not binding.first:
                continue
            other = first.setdefault((binding.slot, binding.condition), binding)
            if other.struct != binding.struct:
                pages = prose.pages.get(binding.place.file)
                if pages is not None:
                    where = at(pages.file, pages.file.line_starts[binding.place.line - 1])
                    sink.warning(
                        "VS252",
                        where,
                        f"the {binding.slot} of {code} is 'struct {binding.struct}' here and"
                        f" 'struct {other.struct}' at {other.place}",
                    )


def _compare(statement: Statement, found: Found, sink: Sink) -> None:
    """Report where the struct whose size a length is said to be is not the struct of the value."""
    for binding in found.get(statement.code, ()):
        if binding.role == statement.role and binding.struct.partition(".")[0] != statement.struct:
            sink.warning(
                "VS252",
                at(statement.hit.file, statement.hit.start),
                f"the length of {statement.code} is that of 'struct {statement.struct}', but its {binding.role} is"
                f" 'struct {binding.struct}' at {binding.place}",
            )
