"""From a document to the model: names resolved, keys given, duplicates and unknowns reported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from virtspec.chapters import device_module, module_of
from virtspec.diagnostics import Sink, at
from virtspec.latex.document import Document, Located, Section
from virtspec.latex.scan import Item, Listing, Table
from virtspec.link.constants import Constants, Definition, of_define, of_enum
from virtspec.link.structs import Scope, Structs
from virtspec.listing.parser import Parsed, parse_listing
from virtspec.listing.syntax import BitGroup, Body, BodyItem, Declaration, Define, Enum, Number, Opaque
from virtspec.model import (
    Aggregate,
    Array,
    ConfigRef,
    Coverage,
    Device,
    Entry,
    External,
    ExternalLength,
    FeatureBit,
    Member,
    Place,
    Range,
    Registry,
    Skipped,
    Spec,
    Struct,
    StructRef,
    Tally,
    Type,
)
from virtspec.read.items import NumberedItem, read_item
from virtspec.read.tables import CodeTable, NoCodes, read_table

_DEVICE_ID = re.compile(r"device id$", re.IGNORECASE)
_CONFIG_LAYOUT = re.compile(r"device configuration layout$", re.IGNORECASE)
_ID_TEXT = re.compile(r"\\(?:sub)*section\{[^}]*\}(?:\s*\\label\{[^}]*\})?\s*([0-9]+)\b")


@dataclass(slots=True)
class _Facts:
    """What the blocks of a document say, before names are resolved."""

    definitions: list[Definition] = field(default_factory=list)
    bodies: list[tuple[Body, Scope]] = field(default_factory=list)
    fields: list[tuple[Declaration, Scope]] = field(default_factory=list)
    groups: list[tuple[BitGroup, Scope]] = field(default_factory=list)
    features: list[tuple[NumberedItem, str, Place]] = field(default_factory=list)
    tables: list[tuple[CodeTable, str, Located]] = field(default_factory=list)
    configs: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    tallies: dict[str, list[int]] = field(default_factory=dict)

    def count(self, what: str, *, read: bool) -> None:
        tally = self.tallies.setdefault(what, [0, 0])
        tally[0] += 1
        tally[1] += read


def link_document(document: Document, sink: Sink, edition: str = "") -> Spec:
    """The linked model of a document."""
    facts = _read_blocks(document, sink)
    constants = Constants(facts.definitions, sink)
    tags = frozenset(tag for body, _ in facts.bodies for tag in _tags(body))
    structs = Structs(constants, tags, sink)
    for body, scope in facts.bodies:
        structs.add_body(body, scope)
    for declaration, scope in facts.fields:
        structs.add_field(declaration, scope)
    for group, scope in facts.groups:
        structs.add_group(group, scope)
    found = _merge_structs(structs.found, document, sink)
    devices = _devices(document, facts)
    found = _resolve_config(found, devices)
    for lost in document.lost:
        what = "listing" if lost.listing else "file"
        place = Place(lost.file.path, lost.file.line(lost.start))
        facts.skipped.append(Skipped(what=what, reason=f"'{lost.path}' is not there", place=place))
    return Spec(
        edition=edition,
        structs=found,
        constants=constants.link(),
        devices=devices,
        features=_features(facts),
        registries=_registries(facts),
        coverage=Coverage(
            tallies=tuple(
                (what, Tally(total=total, read=read, opaque=total - read))
                for what, (total, read) in sorted(facts.tallies.items())
            ),
            skipped=tuple(sorted(facts.skipped, key=lambda s: (s.place, s.reason))),
        ),
    ).in_order()


# --- blocks -----------------------------------------------------------------------------------------------


def _read_blocks(document: Document, sink: Sink) -> _Facts:
    facts = _Facts()
    seen: set[tuple[str, int, Section | None]] = set()
    for located in document.blocks:
        block = located.block
        mark = (located.file.path, block.start, located.section)
        if mark in seen:
            continue  # the same file is included twice in the same place
        seen.add(mark)
        if isinstance(block, Listing):
            _read_listing(located, block, facts, sink)
        elif isinstance(block, Table):
            _read_table(located, block, facts)
        elif isinstance(block, Item):
            _read_item(located, facts)
    return facts


def _module(located: Located) -> str:
    section = located.section
    return module_of(section.path if section else (), located.file.path)


def _read_listing(located: Located, block: Listing, facts: _Facts, sink: Sink) -> None:
    file = located.file
    parsed = parse_listing(file, block.body, block.end, located.escape, sink)
    facts.count("listings", read=not parsed.opaque)
    module = _module(located)
    stem = file.path.rpartition("/")[2].partition(".")[0].replace("-", "_")
    scope = Scope(file, module, stem if block.path else f"{module}_bits")
    if parsed.opaque:
        facts.skipped.append(Skipped(what="listing", reason=parsed.opaque, place=Place(file.path, located.line)))
    section = located.section
    layout = section is not None and _CONFIG_LAYOUT.search(section.title) is not None and not section.legacy
    _sort_items(parsed, scope, facts, config=layout)


def _sort_items(parsed: Parsed, scope: Scope, facts: _Facts, *, config: bool) -> None:
    file, module = scope.file, scope.module
    owner = ""
    for item in parsed.items:
        match item:
            case Define():
                facts.definitions.append(of_define(item, module, "", file))
            case Enum():
                facts.definitions += of_enum(item, module, owner, file)
            case Body(name=""):
                place = Place(file.path, file.line(item.start))
                reason = f"a {item.kind} without a tag outside any struct"
                facts.skipped.append(Skipped(what="listing", reason=reason, place=place))
            case Body():
                facts.bodies.append((item, scope))
                _inner_definitions(item.items, module, item.name, scope, facts)
                if config and item.name.endswith("_config"):
                    facts.configs.setdefault(module, item.name)
            case Declaration():
                facts.fields.append((item, scope))
            case BitGroup():
                facts.groups.append((item, scope))
            case Opaque():
                if not parsed.opaque:
                    place = Place(file.path, file.line(item.start))
                    facts.skipped.append(Skipped(what="listing", reason=f"in part: {item.reason}", place=place))


def _inner_definitions(items: list[BodyItem], module: str, owner: str, scope: Scope, facts: _Facts) -> None:
    """The `#define`s and enums inside a struct, also those of the structs nested in it."""
    for item in items:
        if isinstance(item, Define):
            facts.definitions.append(of_define(item, module, owner, scope.file))
        elif isinstance(item, Enum):
            facts.definitions += of_enum(item, module, owner, scope.file)
        elif isinstance(item, Declaration) and isinstance(item.type, Body):
            _inner_definitions(item.type.items, module, item.type.name or owner, scope, facts)


def _read_table(located: Located, block: Table, facts: _Facts) -> None:
    file, module = located.file, _module(located)
    table = read_table(file, block)
    facts.count("tables", read=isinstance(table, CodeTable))
    if isinstance(table, NoCodes):
        facts.skipped.append(Skipped(what="table", reason=table.reason, place=Place(file.path, located.line)))
        return
    facts.tables.append((table, module, located))
    if not table.named:
        return
    for entry in table.entries:
        facts.definitions.append(
            Definition(
                name=entry.name,
                kind="register" if table.register else "table",
                module=module,
                owner=table.tag,
                file=file,
                start=entry.start,
                expr=Number(entry.code, str(entry.code)),
            )
        )


def _read_item(located: Located, facts: _Facts) -> None:
    item = read_item(located)
    if item is None:
        return
    facts.count("items", read=True)
    file, module = located.file, _module(located)
    if item.feature:
        facts.features.append((item, module, Place(file.path, located.line)))
    facts.definitions.append(
        Definition(
            name=item.name,
            kind="feature" if item.feature else "table",
            module=module,
            owner=located.section.title if located.section else "",
            file=file,
            start=item.start,
            expr=Number(item.number, str(item.number)),
        )
    )


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
    if ambiguous:
        merged = [replace(s, members=_hide(s.members, ambiguous)) for s in merged]
    return tuple(merged)


def _hide(members: tuple[Member, ...], ambiguous: set[str]) -> tuple[Member, ...]:
    """Members with uses of a struct that is defined in several ways made external: none of them is preferred."""

    def hide(type_: Type) -> Type:
        if isinstance(type_, StructRef) and type_.name in ambiguous:
            return External(name=type_.name)
        if isinstance(type_, Array):
            return replace(type_, element=hide(type_.element))
        if isinstance(type_, Aggregate):
            return replace(type_, members=_hide(type_.members, ambiguous))
        return type_

    return tuple(replace(m, type=hide(m.type)) for m in members)


def _resolve_config(structs: tuple[Struct, ...], devices: tuple[Device, ...]) -> tuple[Struct, ...]:
    """Structs with every length that names a member of the device's configuration structure turned into that."""
    by_name = {s.name: s for s in structs}
    configs = {d.module: by_name[d.config] for d in devices if d.config in by_name}

    def resolve(type_: Type, config: Struct, names: set[str]) -> Type:
        if isinstance(type_, Array):
            length = type_.length
            if isinstance(length, ExternalLength) and length.name in names:
                length = ConfigRef(struct=config.name, path=length.name)
            return Array(element=resolve(type_.element, config, names), length=length)
        if isinstance(type_, Aggregate):
            members = tuple(replace(m, type=resolve(m.type, config, names)) for m in type_.members)
            return replace(type_, members=members)
        return type_

    resolved: list[Struct] = []
    for struct in structs:
        config = configs.get(struct.module)
        if config is None:
            resolved.append(struct)
            continue
        names = {m.name for m in config.members}
        members = tuple(replace(m, type=resolve(m.type, config, names)) for m in struct.members)
        resolved.append(replace(struct, members=members))
    return tuple(resolved)


# --- devices, features, registries ------------------------------------------------------------------------


def _devices(document: Document, facts: _Facts) -> tuple[Device, ...]:
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
                place=Place(parent.file.path, parent.line),
            ),
        )
    return tuple(devices.values())


def _features(facts: _Facts) -> tuple[FeatureBit, ...]:
    features: dict[str, FeatureBit] = {}
    for item, module, place in facts.features:
        key = f"{module}/feature/{item.name}"
        while key in features and features[key].bit != item.number:
            key += "#2"
        features.setdefault(
            key,
            FeatureBit(key=key, name=item.name, bit=item.number, module=module, legacy=item.legacy, place=place),
        )
    return tuple(features.values())


def _registries(facts: _Facts) -> tuple[Registry, ...]:
    registries: dict[str, Registry] = {}
    for table, module, located in facts.tables:
        file, section = located.file, located.section
        name = section.title if section else table.tag
        key = f"{module}/registry/{_slug(name)}"
        number = 1
        while key in registries:
            number += 1
            key = f"{module}/registry/{_slug(name)}#{number}"
        registries[key] = Registry(
            key=key,
            name=name,
            tag=table.tag.lower(),
            module=module,
            entries=tuple(
                Entry(code=e.code, name=e.name, place=Place(file.path, file.line(e.start))) for e in table.entries
            ),
            ranges=tuple(
                Range(first=r.first, last=r.last, meaning=r.meaning, place=Place(file.path, file.line(r.start)))
                for r in table.ranges
            ),
            place=Place(file.path, located.line),
        )
    return tuple(registries.values())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "table"
