"""From a document to the model: names resolved, keys given, duplicates and unknowns reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Literal

from virtspec.annotations import Annotation, Evidence
from virtspec.chapters import device_module, module_of
from virtspec.diagnostics import Sink, at
from virtspec.latex.document import Document
from virtspec.link.annotate import annotate
from virtspec.link.bindings import bind
from virtspec.link.clauses import clauses
from virtspec.link.conditions import Gates, require
from virtspec.link.constants import Constants
from virtspec.link.directions import direct, follow
from virtspec.link.facts import Facts, read_facts
from virtspec.link.owners import Owners
from virtspec.link.ranges import limit
from virtspec.link.registries import Registries, report_overlaps
from virtspec.link.rewrite import with_types
from virtspec.link.statements import attribute
from virtspec.link.structs import link_structs
from virtspec.link.wildcards import name_fields
from virtspec.listing.syntax import Body, Declaration
from virtspec.model import (
    Array,
    ConfigRef,
    Coverage,
    Device,
    External,
    ExternalLength,
    FeatureBit,
    Skipped,
    Spec,
    Struct,
    StructRef,
    Tally,
    Type,
    share_fields,
)
from virtspec.read.prose import Prose

_DEVICE_ID = re.compile(r"device id$", re.IGNORECASE)
_ID_TEXT = re.compile(r"\\(?:sub)*section\{[^}]*\}(?:\s*\\label\{[^}]*\})?\s*([0-9]+)\b")


def link_document(document: Document, sink: Sink, edition: str = "", annotations: Sequence[Annotation] = ()) -> Spec:
    """The linked model of a document, with the annotations that its text bears out."""
    facts = read_facts(document, sink)
    prose = Prose(document)
    constants = Constants(facts.definitions, sink)
    tags = frozenset(tag for body, _ in facts.bodies for tag in _tags(body))
    linked = link_structs(chain(facts.bodies, facts.fields, facts.groups), constants, tags, sink)
    found = _merge_structs(linked, document, sink)
    devices = _devices(document, facts)
    owners = Owners(found)
    found = limit(direct(_resolve_config(found, devices), prose, owners), facts.configs, prose, owners, facts)
    found = _keep_places(found, frozenset(device.config for device in devices))
    lists = _registries(facts, constants, prose, found, owners, sink)
    registries = name_fields(lists.finish(), found, prose, owners)
    registries = bind(registries, found, prose, owners, facts, sink)
    codes = frozenset(e.name for r in registries for e in r.entries)
    gates = Gates(prose, facts, found, owners, codes)
    found = tuple(map(gates.apply, found))
    registries = gates.gate_codes(registries)
    evidence = Evidence.of(document)
    found, registries, named = annotate(
        annotations, found, registries, constants.link(), evidence, facts, sink, edition, lists.lone
    )
    registries = share_fields(registries, found)
    found = follow(found, registries)
    gates.tally(found, facts)
    report_overlaps(registries, constants, document.files, sink)
    features = require(_features(facts), prose, facts)
    statements = attribute(clauses(prose, facts), facts.statements)
    for lost in document.lost:
        what: Literal["listing", "file"] = "listing" if lost.listing else "file"
        place = lost.file.place(lost.start)
        facts.skipped.append(Skipped(what=what, reason=f"'{lost.path}' is not there", place=place))
    return Spec(
        edition=edition,
        structs=found,
        constants=named,
        devices=devices,
        features=features,
        registries=registries,
        clauses=statements,
        paragraphs=facts.paragraphs,
        coverage=Coverage(
            tallies=tuple(
                (what, Tally(total=total, read=read, opaque=total - read))
                for what, (total, read) in sorted(facts.tallies.items())
            ),
            skipped=tuple(sorted(facts.skipped, key=lambda s: (s.place, s.reason))),
        ),
    ).in_order()


# --- structs ----------------------------------------------------------------------------------------------


def _tags(body: Body) -> list[str]:
    """The tags that a body defines: its own and those of the bodies in it."""
    tags = [body.name] if body.name else []
    for item in body.items:
        if isinstance(item, Declaration) and isinstance(item.type, Body):
            tags += _tags(item.type)
    return tags


def _merge_structs(found: list[Struct], document: Document, sink: Sink) -> tuple[Struct, ...]:
    """Every definition once: the same one in several places, several different ones of one name side by side."""
    merged: list[Struct] = []
    by_name: dict[tuple[str, str], list[int]] = {}
    for struct in found:
        variants = by_name.setdefault((struct.kind if struct.kind in ("field", "bits") else "", struct.name), [])
        for index in variants:
            known = merged[index]
            if known.members == struct.members and known.kind == struct.kind:
                if struct.place != known.place and struct.place not in known.also:
                    merged[index] = replace(known, also=(*known.also, struct.place))
                break
        else:
            if variants:
                number = len(variants) + 1
                first = merged[variants[0]]
                file = document.files.get(struct.place.file)
                if file is not None:
                    sink.warning(
                        "VS101",
                        at(file, file.line_starts[struct.place.line - 1]),
                        f"{struct.kind} '{struct.name}' is defined differently at {first.place}",
                    )
                struct = replace(struct, key=f"{struct.key}#{number}", variant=number)
            variants.append(len(merged))
            merged.append(struct)
    ambiguous = {merged[v[0]].name for (kind, _), v in by_name.items() if not kind and len(v) > 1}
    return _without(ambiguous, merged) if ambiguous else tuple(merged)


def _without(ambiguous: set[str], structs: Sequence[Struct]) -> tuple[Struct, ...]:
    """Structs with uses of one that is defined in several ways made external: none of them is preferred."""

    def hidden(type_: Type) -> Type:
        if isinstance(type_, StructRef) and type_.name in ambiguous:
            return External(name=type_.name)
        return type_

    return tuple(_with_types(struct, hidden) for struct in structs)


def _with_types(struct: Struct, change: Callable[[Type], Type]) -> Struct:
    members = with_types(struct.members, change)
    return struct if members is struct.members else replace(struct, members=members)


def _resolve_config(structs: tuple[Struct, ...], devices: tuple[Device, ...]) -> tuple[Struct, ...]:
    """Structs with every length that names a member of the device's configuration structure turned into that."""
    by_name = {s.name: s for s in structs}
    configs = {d.module: by_name[d.config] for d in devices if d.config in by_name}
    return tuple(
        _with_types(struct, _lengths_of(configs[struct.module])) if struct.module in configs else struct
        for struct in structs
    )


def _lengths_of(config: Struct) -> Callable[[Type], Type]:
    """Resolves the lengths of arrays that are members of a configuration structure."""
    names = frozenset(m.name for m in config.members)

    def resolved(type_: Type) -> Type:
        match type_:
            case Array(length=ExternalLength(name=name)) if name in names:
                return replace(type_, length=ConfigRef(struct=config.name, path=name))
            case _:
                return type_

    return resolved


def _keep_places(structs: tuple[Struct, ...], configs: frozenset[str]) -> tuple[Struct, ...]:
    """Structs with the members of configuration structures always there: without its feature one is only not valid."""
    return tuple(
        (
            replace(s, members=tuple(replace(m, optional=False) if m.optional else m for m in s.members))
            if s.name in configs
            else s
        )
        for s in structs
    )


# --- devices, features, registries ------------------------------------------------------------------------


def _devices(document: Document, facts: Facts) -> tuple[Device, ...]:
    devices: dict[str, Device] = {}
    for section in document.sections:
        parent = section.parent
        if not _DEVICE_ID.match(section.title) or parent is None or not device_module(parent.title):
            continue
        match = _ID_TEXT.match(section.file.text, section.heading.start, section.heading.start + 400)
        module = module_of(parent.path, parent.file.path)
        devices.setdefault(
            module,
            Device(
                module=module,
                title=parent.title,
                id=int(match[1]) if match else None,
                config=facts.configs.get(module, ""),
                place=parent.place,
            ),
        )
    return tuple(devices.values())


def _features(facts: Facts) -> tuple[FeatureBit, ...]:
    """The feature bits; one name with two numbers is kept as two."""
    features: dict[str, FeatureBit] = {}
    numbers: dict[str, set[int]] = {}
    for item, module, located in facts.features:
        key = f"{module}/feature/{item.name}"
        known = numbers.setdefault(key, set())
        if item.number in known:
            continue
        known.add(item.number)
        key = key if len(known) == 1 else f"{key}#{len(known)}"
        place = located.place
        features[key] = FeatureBit(
            key=key, name=item.name, bit=item.number, module=module, legacy=item.legacy, place=place
        )
    return tuple(features.values())


def _registries(
    facts: Facts, constants: Constants, prose: Prose, structs: tuple[Struct, ...], owners: Owners, sink: Sink
) -> Registries:
    registries = Registries(constants, prose, structs, owners, sink)
    for table, module, located in facts.tables:
        registries.add_table(table, module, located)
    for run in facts.runs:
        registries.add_run(run)
    return registries
