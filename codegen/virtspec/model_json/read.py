"""The model that a JSON document states. A document is untrusted: it is a model, or one error says why not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from virtspec.diagnostics import SpecError
from virtspec.model import (
    NOWHERE,
    Access,
    Aggregate,
    Allowed,
    Array,
    Binding,
    Bit,
    Bits,
    Block,
    Clause,
    Constant,
    ConstantKind,
    Coverage,
    Device,
    Direction,
    Entry,
    External,
    FeatureBit,
    Meaning,
    Member,
    Place,
    Range,
    Registry,
    Relation,
    Role,
    Skipped,
    Spec,
    Struct,
    StructKind,
    StructRef,
    Subject,
    Tag,
    Tally,
    Type,
)
from virtspec.model_json.places import (
    Lines,
    binding_keys,
    entry_keys,
    evidence_keys,
    first_places,
    range_keys,
    relation_keys,
    skipped_keys,
)
from virtspec.model_json.values import (
    Json,
    condition_of,
    flag,
    integer_of,
    items,
    length_of,
    number,
    one_of,
    rows,
    text,
    texts,
)
from virtspec.model_json.write import MODEL_SCHEMA

_TAGS = get_args(Tag)
_STRUCT_KINDS = get_args(StructKind)
_CONSTANT_KINDS = get_args(ConstantKind)
_DIRECTIONS = get_args(Direction)
_ROLES = get_args(Role)
_ACCESSES = get_args(Access)
_MEANINGS = get_args(Meaning)
_SUBJECTS = get_args(Subject)
_BLOCKS = get_args(Block)

MAX_MODEL_BYTES = 64 << 20

MAX_BIT = 1023
"""The highest feature bit; a model that names others would make its readers build huge numbers."""


def load(path: Path) -> Spec:
    """The model in a JSON file. Raises `SpecError` where there is none."""
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise SpecError(f"{path}: larger than {MAX_MODEL_BYTES} bytes, no model")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: not JSON: {error}") from None
    return parse(document, str(path))


def parse(document: object, name: str) -> Spec:
    """The model in a JSON document; `name` is how messages call it. Raises `SpecError`."""
    if not isinstance(document, dict) or document.get("schema") != MODEL_SCHEMA:
        raise SpecError(f'{name}: no model: its "schema" is not "{MODEL_SCHEMA}"')
    try:
        return _Reader(document).spec()
    except _Damaged as damaged:
        raise SpecError(f"{name}: the model is damaged: {damaged}") from None
    except _DAMAGE as error:
        raise SpecError(f"{name}: the model is damaged: {_damage(error)}") from None


_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)
"""What reading raises where something is missing or is another thing."""


class _Damaged(Exception):
    """Says what is damaged, and where."""


def _damage(error: Exception) -> str:
    """What is wrong, in words: that something is missing, or what was found instead."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


class _Reader:
    """Rebuilds a model; the places come from the chains under `places`."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.lines = Lines(document["places"], document["structs"])
        self.defined: dict[str, Place] = {}

    def spec(self) -> Spec:
        document = self.document
        coverage = document["coverage"]
        constants: tuple[Constant, ...] = self._all("constants", self.constant)
        self.defined = first_places(constants)
        spec = Spec(
            edition=text(document["edition"]),
            structs=self._all("structs", self.struct),
            constants=constants,
            devices=self._all("devices", self.device),
            features=self._all("features", self.feature),
            registries=self._all("registries", self.registry),
            clauses=self._all("clauses", self.clause),
            coverage=Coverage(
                tallies=tuple((text(what), _tally(t)) for what, t in coverage["tallies"].items()),
                skipped=tuple(
                    Skipped(what=one_of(s["what"], _BLOCKS), reason=text(s["reason"]), place=Place(text(s["file"]), 0))
                    for s in items(coverage["skipped"])
                ),
            ),
        )
        skipped = tuple(
            replace(s, place=self.lines.place(key, s.place))
            for key, s in zip(skipped_keys(spec), spec.coverage.skipped, strict=True)
        )
        return replace(spec, coverage=replace(spec.coverage, skipped=skipped)).in_order()

    def place(self, key: str) -> Place:
        return self.lines.place(key, NOWHERE)

    def _all(self, section: str, build: Callable[[str, Json], Any]) -> tuple[Any, ...]:
        """The things of a section, by key."""
        entries: Mapping[str, Json] = self.document[section]
        found: list[Any] = []
        for key, entry in entries.items():
            try:
                found.append(build(text(key), entry))
            except _DAMAGE as error:
                raise _Damaged(f"{section}: {key[:120]!r}: {_damage(error)}") from None
        return tuple(found)

    # --- structs ---

    def struct(self, key: str, entry: Json) -> Struct:
        place = self.place(key)
        lines = iter(self.lines.members.get(key, ()))
        struct = Struct(
            key=key,
            name=text(entry["name"]),
            kind=one_of(entry["kind"], _STRUCT_KINDS),
            module=text(entry["module"]),
            members=tuple(self.member(m, place.file, lines) for m in items(entry["members"])),
            packed=flag(entry.get("packed", False)),
            parent=text(entry.get("parent", "")),
            variant=number(entry.get("variant", 1)),
            example=flag(entry.get("example", False)),
            relations=tuple(map(_relation, rows(entry, "relations"))),
            place=place,
            also=self.lines.also(key),
        )
        keys = evidence_keys(struct)
        if any(k in self.lines.lines for k in keys):
            struct = replace(struct, members=self._evidence(struct.members, iter(keys)))
        if struct.relations:
            stated = zip(relation_keys(struct), struct.relations, strict=True)
            struct = replace(struct, relations=tuple(replace(r, evidence=self.place(k)) for k, r in stated))
        return struct

    def _evidence(self, members: tuple[Member, ...], keys: Iterator[str]) -> tuple[Member, ...]:
        changed: list[Member] = []
        for member in members:
            place = self.place(next(keys))
            changed.append(replace(member, evidence=place, type=self._evidence_inside(member.type, keys)))
        return tuple(changed)

    def _evidence_inside(self, type_: Type, keys: Iterator[str]) -> Type:
        if isinstance(type_, Array):
            return replace(type_, element=self._evidence_inside(type_.element, keys))
        if isinstance(type_, Aggregate):
            return replace(type_, members=self._evidence(type_.members, keys))
        return type_

    def member(self, entry: Json, file: str, lines: Iterator[int]) -> Member:
        line = next(lines, 0)
        condition = entry.get("if")
        return Member(
            name=text(entry["name"]),
            type=self.type(entry, file, lines),
            condition=condition_of(condition) if condition is not None else None,
            optional=flag(entry.get("optional", False)),
            direction=one_of(entry["direction"], _DIRECTIONS) if "direction" in entry else None,
            allowed=_allowed(entry["allowed"]) if "allowed" in entry else None,
            place=Place(file, line) if line else NOWHERE,
        )

    def type(self, entry: Json, file: str, lines: Iterator[int]) -> Type:
        type_: Type
        if "bits" in entry:
            type_ = Bits(container=integer_of(entry["bits"]), fields=tuple(map(_bit, items(entry["fields"]))))
        elif "external" in entry:
            tag, _, name = text(entry["external"]).rpartition(" ")
            type_ = External(name=name, tag=one_of(tag, _TAGS))
        elif "struct" in entry or "union" in entry:
            kind = "struct" if "struct" in entry else "union"
            members = tuple(self.member(m, file, lines) for m in items(entry[kind]))
            type_ = Aggregate(kind="struct" if kind == "struct" else "union", members=members)
        elif text(entry["type"]).startswith("struct "):
            type_ = StructRef(name=entry["type"].removeprefix("struct "))
        else:
            type_ = integer_of(entry["type"])
        for length in reversed(rows(entry, "array")):
            type_ = Array(element=type_, length=length_of(length))
        return type_

    # --- the others ---

    def constant(self, key: str, entry: Json) -> Constant:
        return Constant(
            key=key,
            name=text(entry["name"]),
            kind=one_of(entry["kind"], _CONSTANT_KINDS),
            module=text(entry["module"]),
            value=None if entry["value"] is None else number(entry["value"], -(1 << 63)),
            expression=text(entry.get("expression", "")),
            reason=text(entry.get("reason", "")),
            owner=text(entry.get("owner", "")),
            parameters=texts(entry, "parameters") if "parameters" in entry else None,
            example=flag(entry.get("example", False)),
            place=self.place(key),
            also=self.lines.also(key),
        )

    def device(self, module: str, entry: Json) -> Device:
        return Device(
            module=module,
            title=text(entry["title"]),
            id=None if entry["id"] is None else number(entry["id"]),
            config=text(entry.get("config", "")),
            place=self.place(f"{module}/device"),
        )

    def feature(self, key: str, entry: Json) -> FeatureBit:
        requires = entry.get("requires")
        return FeatureBit(
            key=key,
            name=text(entry["name"]),
            bit=number(entry["bit"], most=MAX_BIT),
            module=text(entry["module"]),
            legacy=flag(entry.get("legacy", False)),
            requires=condition_of(requires) if requires is not None else None,
            place=self.lines.place(f"{key}/bit", self.defined.get(entry["name"], NOWHERE)),
        )

    def registry(self, key: str, entry: Json) -> Registry:
        registry = Registry(
            key=key,
            name=text(entry["name"]),
            tag=text(entry["tag"]),
            module=text(entry["module"]),
            entries=tuple(map(_entry, items(entry["entries"]))),
            ranges=tuple(
                Range(
                    first=number(r["first"]),
                    last=None if r["last"] is None else number(r["last"]),
                    meaning=one_of(r["meaning"], _MEANINGS),
                )
                for r in rows(entry, "ranges")
            ),
            fields=texts(entry, "fields"),
            flags=flag(entry.get("flags", False)),
            bits=texts(entry, "bits"),
            under=text(entry.get("under", "")),
            ascending=flag(entry.get("ascending", False)),
        )
        entries = tuple(
            replace(
                e,
                place=self.lines.place(k, self.defined.get(e.name, NOWHERE)),
                bindings=tuple(
                    replace(b, place=self.place(bound)) for bound, b in zip(binding_keys(k, e), e.bindings, strict=True)
                ),
            )
            for k, e in zip(entry_keys(registry), registry.entries, strict=True)
        )
        return replace(
            registry,
            entries=entries,
            ranges=tuple(
                replace(r, place=self.place(k)) for k, r in zip(range_keys(registry), registry.ranges, strict=True)
            ),
            place=self.lines.place(key, entries[0].place if entries else NOWHERE),
        )

    def clause(self, key: str, entry: Json) -> Clause:
        return Clause(
            key=key,
            role=one_of(entry["role"], _SUBJECTS),
            level=text(entry["level"]),
            module=text(entry["module"]),
            section=text(entry["section"]),
            digest=text(entry["digest"]),
            names=texts(entry, "names"),
            listed=flag(entry["listed"]) if entry.get("listed") is not None else None,
            states=texts(entry, "states"),
            place=self.place(key),
        )


def _entry(entry: Json) -> Entry:
    condition = entry.get("if")
    return Entry(
        code=number(entry["code"]),
        name=text(entry["name"]),
        bindings=tuple(map(_binding, rows(entry, "bindings"))),
        access=one_of(entry["access"], _ACCESSES) if "access" in entry else None,
        condition=condition_of(condition) if condition is not None else None,
    )


def _allowed(entry: Json) -> Allowed:
    return Allowed(
        first=number(entry["first"]),
        last=number(entry["last"]),
        condition=condition_of(entry["if"]) if "if" in entry else None,
    )


def _relation(entry: Json) -> Relation:
    return Relation(text=text(entry["holds"]), condition=condition_of(entry["if"]) if "if" in entry else None)


def _binding(entry: Json) -> Binding:
    return Binding(
        role=one_of(entry["role"], _ROLES),
        struct=text(entry["struct"]),
        many=flag(entry.get("many", False)),
        behind=flag(entry.get("behind", False)),
        member=text(entry.get("member", "")),
        condition=condition_of(entry["if"]) if "if" in entry else None,
    )


def _bit(entry: Json) -> Bit:
    return Bit(
        name=text(entry["name"]),
        offset=number(entry["offset"], most=63),
        width=number(entry["width"], 1, most=64),
        condition=condition_of(entry["if"]) if "if" in entry else None,
    )


def _tally(entry: Json) -> Tally:
    return Tally(total=number(entry["total"]), read=number(entry["read"]), opaque=number(entry["opaque"]))
