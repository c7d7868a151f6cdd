"""Structs, constants, feature bits, registries and clauses as pages show them: frozen, with every link resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from virtspec.atlas.addresses import Addresses, Link
from virtspec.atlas.drawing import DIRECTIONS, draw, size_text
from virtspec.atlas.history import History, What
from virtspec.atlas.views import (
    ClauseRow,
    ClauseSection,
    CodeRow,
    ConstantRow,
    FeatureRow,
    MemberRow,
    Note,
    RegistryEntry,
    StructEntry,
)
from virtspec.compat import assert_never
from virtspec.layout import Slot
from virtspec.model import (
    DEVICE_CONFIG,
    Aggregate,
    AllOf,
    AnyOf,
    Array,
    Clause,
    Condition,
    Constant,
    Entry,
    Feature,
    FeatureBit,
    FieldIs,
    Member,
    Not,
    Prose,
    Range,
    Registry,
    Spec,
    Struct,
    StructRef,
    Type,
    relation_text,
)
from virtspec.since import load_since

MAX_DEPTH = 8
"""The deepest that the rows of a table are set in."""


class Entries:
    """Makes the entries of the newest edition; what refers to what is worked out once."""

    def __init__(self, history: History, addresses: Addresses) -> None:
        self._history = history
        self._to = addresses
        self.spec: Spec = history.newest.spec
        self._layouts = history.newest.layouts
        self._used: dict[str, list[Struct]] = {}
        self._carried: dict[str, list[Link]] = {}
        self._gates: dict[str, dict[str, Link]] = {}
        self._members: dict[tuple[str, str], list[str]] = {}
        for struct in self.spec.structs:
            self._note_references(struct)
        for registry in self.spec.registries:
            href = addresses.href(registry.module, registry.key)
            for entry in registry.entries:
                link = Link(text=entry.name, href=addresses.name(entry.name) or href)
                for binding in entry.bindings:
                    self._carried.setdefault(binding.tag, []).append(link)

    def _note_references(self, struct: Struct) -> None:
        """Note which structs this one uses, and which features its own members depend on."""
        for name in dict.fromkeys(_refers(struct.members)):
            self._used.setdefault(name, []).append(struct)
        for slot in self._layouts[struct.key].slots:
            if slot.depth and "." in slot.path:
                continue
            href = self._to.member(struct.name, slot.path)
            self._members.setdefault((struct.module, slot.path), []).append(href)
            path = f"{struct.name}.{slot.path}"
            for feature in _features(slot.member.condition):
                self._gates.setdefault(feature, {})[path] = Link(text=path, href=href)

    # --- structs ------------------------------------------------------------------------------------------

    def struct(self, struct: Struct) -> StructEntry:
        """A struct with its drawing, its table, its history, and what refers to it."""
        layout = self._layouts[struct.key]
        rows = tuple(self._member(struct, slot) for slot in layout.slots)
        return StructEntry(
            file=struct.place.file,
            anchor=self._to.anchor(struct.key),
            href=self._to.href(struct.module, struct.key),
            name=struct.name,
            kind={"bits": "bit-fields"}.get(struct.kind, struct.kind),
            module=struct.module,
            size=size_text(layout),
            since=self._since("struct", struct.name),
            source=str(struct.place),
            also=tuple(str(place) for place in struct.also),
            variant=struct.variant,
            drawing=draw(layout, self._layouts, self._to.struct),
            rows=rows,
            directed=any(row.direction for row in rows),
            conditional=any(row.condition for row in rows),
            relations=tuple(map(relation_text, struct.relations)),
            notes=self._notes("struct", struct.name),
            used_by=tuple(
                Link(text=s.name, href=self._to.href(s.module, s.key)) for s in self._used.get(struct.name, ())
            ),
            carried_by=tuple(dict.fromkeys(self._carried.get(struct.name, ()))),
        )

    def _member(self, struct: Struct, slot: Slot) -> MemberRow:
        offset = "–" if slot.offset is None else str(slot.offset)
        size = "–" if slot.size is None else str(slot.size)
        if slot.bit_offset is not None and slot.bit_size is not None:
            last = slot.bit_offset + slot.bit_size - 1
            size = f"bit {last}" if slot.bit_size == 1 else f"bits {last}:{slot.bit_offset}"
        member = slot.member
        bit = next((b for b in getattr(member.type, "fields", ()) if b.offset == slot.bit_offset), None)
        condition = member.condition or (bit.condition if bit else None)
        return MemberRow(
            anchor=self._to.anchor(f"{struct.key}/{slot.path}"),
            path=slot.path,
            name=_name(slot),
            depth=min(slot.depth, MAX_DEPTH),
            type=self._type(slot),
            offset=offset,
            size=size,
            condition=tuple(self.condition(condition)),
            optional=member.optional,
            direction=DIRECTIONS.get(member.direction or "", "") if slot.depth == 0 else "",
            since=self._member_since(struct.name, slot.path),
            source=str(member.place if member.place.line else struct.place),
            container=not slot.leaf,
        )

    def _type(self, slot: Slot) -> tuple[Link, ...]:
        base, bracket, inner = slot.type.partition("[")
        outer = ""
        if slot.count is not None:
            outer = f"[{slot.count}]"
        elif slot.length is not None:
            outer = "[]" if slot.length == "rest" else f"[{slot.length}]"
        word, _, name = base.partition(" ")
        if name:
            return (
                Link(text=f"{word} "),
                Link(text=name, href=self._to.struct(name)),
                Link(text=outer + bracket + inner),
            )
        return Link(text=base), Link(text=outer + bracket + inner)

    # --- the rest -----------------------------------------------------------------------------------------

    def constant(self, constant: Constant) -> ConstantRow:
        """A constant with its value, or the reason why it has none."""
        value = constant.value
        arguments = "" if constant.parameters is None else f"({', '.join(constant.parameters)})"
        return ConstantRow(
            anchor=self._to.anchor(constant.key),
            href=self._to.href(constant.module, constant.key),
            name=constant.name + arguments,
            module=constant.module,
            value="" if value is None else str(value),
            hexadecimal="" if value is None or value < 0 else f"{value:#x}",
            written=constant.expression or constant.reason,
            kind=constant.kind,
            owner=self._to.link(constant.owner),
            since=self._since("constant", constant.name),
            source=str(constant.place),
        )

    def feature(self, feature: FeatureBit) -> FeatureRow:
        """A feature bit, what it requires, and the members that depend on it."""
        return FeatureRow(
            anchor=self._to.anchor(feature.key),
            href=self._to.href(feature.module, feature.key),
            name=feature.name,
            module=feature.module,
            bit=feature.bit,
            legacy=feature.legacy,
            requires=tuple(self.condition(feature.requires)),
            gates=tuple(self._gates.get(feature.name, {}).values()),
            since=self._since("feature", feature.name),
            source=str(feature.place),
        )

    def registry(self, registry: Registry) -> RegistryEntry:
        """A registry with its codes and ranges in their order."""
        first = {e.code: e for e in reversed(registry.entries)}
        rows = [(e.code, self._code(registry, e, again=first[e.code] is not e)) for e in registry.entries]
        rows += [(r.first, _range(r)) for r in registry.ranges]
        return RegistryEntry(
            file=registry.place.file,
            anchor=self._to.anchor(registry.key),
            href=self._to.href(registry.module, registry.key),
            name=registry.name,
            tag=registry.tag,
            module=registry.module,
            fields=tuple(Link(text=path, href=self._to.member(*_split(path))) for path in registry.fields),
            flags=registry.flags,
            bits=tuple(Link(text=path, href=self._to.member(*_split(path))) for path in registry.bits),
            under=self._to.link(registry.under),
            source=str(registry.place),
            since=self._since("registry", registry.key),
            rows=tuple(row for _, row in sorted(rows, key=lambda r: r[0])),
            codes=len(registry.entries),
            payloads=any(row.payload for _, row in rows),
            conditional=any(row.condition for _, row in rows),
            notes=self._notes("registry", registry.key),
        )

    def _code(self, registry: Registry, entry: Entry, *, again: bool) -> CodeRow:
        return CodeRow(
            anchor="" if again else self._to.anchor(f"{registry.key}/{entry.code:#x}"),
            code=f"{entry.code:#x}",
            name=self._to.link(entry.name),
            range=False,
            payload=tuple((b.slot, self._payload(b.struct), b.many) for b in entry.bindings),
            condition=tuple(self.condition(entry.condition)),
            since=self._history.since("member", f"{registry.key}.{entry.name}"),
            source=str(entry.place),
        )

    def _payload(self, name: str) -> Link:
        if name == DEVICE_CONFIG:
            return Link(text="the device's configuration")
        return Link(text=name, href=self._to.member(*_split(name)))

    def clauses(self, clauses: Iterable[Clause]) -> tuple[ClauseSection, ...]:
        """Normative statements by section, in their order."""
        sections: dict[str, list[ClauseRow]] = {}
        for clause in clauses:
            sections.setdefault(_section_title(clause.section), []).append(
                ClauseRow(
                    anchor=self._to.anchor(clause.key),
                    href=self._to.href(clause.module, clause.key),
                    level=clause.level,
                    role=clause.role,
                    names=tuple(self._spoken_of(clause.module, name) for name in clause.names),
                    digest=clause.digest[:12],
                    source=str(clause.place),
                    since=self._history.since("clause", clause.digest),
                )
            )
        return tuple(
            ClauseSection(
                title=title,
                driver=sum(row.role in ("driver", "both") for row in rows),
                device=sum(row.role in ("device", "both") for row in rows),
                rows=tuple(rows),
            )
            for title, rows in sections.items()
        )

    def _spoken_of(self, module: str, name: str) -> Link:
        """What a statement means by a name: a thing of the model, or the one member of its module that is called so."""
        known = self._to.link(name)
        members = self._members.get((module, name), [])
        return Link(text=name, href=members[0]) if not known.href and len(members) == 1 else known

    def condition(self, condition: Condition | None) -> Iterator[Link]:
        """A condition as a run of words and links."""
        match condition:
            case None:
                return
            case Feature(name=name):
                yield Link(text=name, href=self._to.feature(name))
            case FieldIs(path=path, value=value):
                yield Link(text=f"{path} = ")
                yield self._to.link(value)
            case Not(term=term):
                yield Link(text="not ")
                yield from self._grouped(term)
            case AllOf(terms=terms):
                yield from self._joined(terms, " and ")
            case AnyOf(terms=terms):
                yield from self._joined(terms, " or ")
            case Prose(digest=digest):
                yield Link(text=f"stated in prose ({digest[:8]})")
            case _:
                assert_never(condition)

    def _joined(self, terms: tuple[Condition, ...], word: str) -> Iterator[Link]:
        for number, term in enumerate(terms):
            if number:
                yield Link(text=word)
            yield from self._grouped(term)

    def _grouped(self, term: Condition) -> Iterator[Link]:
        if isinstance(term, AllOf | AnyOf) and len(term.terms) > 1:
            yield Link(text="(")
            yield from self.condition(term)
            yield Link(text=")")
        else:
            yield from self.condition(term)

    # --- editions -----------------------------------------------------------------------------------------

    def _since(self, what: What, name: str) -> str:
        """The first edition with that name: of those that are shown, or by the table of all releases if it is one."""
        if len(self._history.editions) > 1:
            return self._history.since(what, name)
        table = load_since()
        match what:
            case "struct":
                return table.struct(name) or ""
            case "constant" | "feature":
                return table.constant(name) or ""
            case _:
                return ""

    def _member_since(self, struct: str, path: str) -> str:
        if len(self._history.editions) > 1:
            return self._history.since("member", f"{struct}.{path}")
        return load_since().member(struct, path) or self._since("struct", struct)

    def _notes(self, what: What, name: str) -> tuple[Note, ...]:
        return tuple(
            Note(edition=edition, text=text)
            for edition, change in self._history.of(what, name)
            for text in change.notes
        )


def _name(slot: Slot) -> str:
    """What a row calls its member; that of a bit-field names the integer that it is a part of, if that has a name."""
    name = slot.path.rpartition(".")[2]
    return f"{slot.member.name}.{name}" if slot.bit_size is not None and slot.member.name else name


def _section_title(label: str) -> str:
    """The label of a normative section without what says whose it is, which stands beside each statement."""
    return re.sub(r"^(?:device|driver)normative:", "", label)


def _range(range_: Range) -> CodeRow:
    if range_.last is None:
        code = f"{range_.first:#x} and up"
    elif range_.last == range_.first:
        code = f"{range_.first:#x}"
    else:
        code = f"{range_.first:#x} – {range_.last:#x}"
    meaning = {"reserved": "reserved", "device": "for the device type", "vendor": "for vendors", "generic": "generic"}
    return CodeRow(
        anchor="",
        code=code,
        name=Link(text=meaning.get(range_.meaning, "other")),
        range=True,
        payload=(),
        condition=(),
        since="",
        source=str(range_.place),
    )


def _split(path: str) -> tuple[str, str]:
    struct, at, _ = path.partition("@")
    if at:  # one of its members, which the record tells
        return struct, ""
    struct, _, member = path.partition(".")
    return struct, member


def _refers(members: tuple[Member, ...]) -> Iterator[str]:
    """The tags of the structs that members use."""
    for member in members:
        yield from _refers_type(member.type)


def _refers_type(type_: Type) -> Iterator[str]:
    match type_:
        case StructRef(name=name):
            yield name
        case Array(element=element):
            yield from _refers_type(element)
        case Aggregate(members=members):
            yield from _refers(members)
        case _:
            return


def _features(condition: Condition | None) -> Iterator[str]:
    """The feature bits that a condition names."""
    match condition:
        case Feature(name=name):
            yield name
        case AllOf(terms=terms) | AnyOf(terms=terms):
            for term in terms:
                yield from _features(term)
        case Not(term=term):
            yield from _features(term)
        case _:
            return
