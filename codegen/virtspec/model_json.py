"""The model as JSON and back: name-keyed, sorted, flat, one line for what is small.

A textual diff of two models reads like a diff of the facts. Line numbers, which an edit anywhere above shifts, therefore
stand apart from the facts: under `places`, one line of text for each source file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from virtspec.compat import assert_never
from virtspec.diagnostics import SpecError
from virtspec.link.structs import integer
from virtspec.model import (
    MODEL_SCHEMA,
    NOWHERE,
    Aggregate,
    AllOf,
    AnyOf,
    Array,
    Binding,
    Bit,
    Bits,
    Clause,
    Condition,
    ConfigRef,
    Constant,
    Count,
    Coverage,
    Device,
    Elided,
    Entry,
    Expression,
    External,
    ExternalLength,
    Feature,
    FeatureBit,
    FieldIs,
    FieldRef,
    Integer,
    Length,
    Member,
    Not,
    Place,
    Prose,
    Range,
    Registry,
    Rest,
    Skipped,
    Spec,
    Struct,
    StructRef,
    Tally,
    Type,
)

Json: TypeAlias = dict[str, Any]

MAX_MODEL_BYTES = 64 << 20
WIDTH = 118


# --- writing ----------------------------------------------------------------------------------------------


def dump(spec: Spec) -> str:
    """A model as a JSON document."""
    return render(_spec(spec))


def render(value: object) -> str:
    """JSON with every object or list that fits on a line on one line."""
    return _pretty(value, 0) + "\n"


def _pretty(value: object, indent: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or len(line) + indent <= WIDTH:
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [f"{pad}{json.dumps(k, ensure_ascii=False)}: {_pretty(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [pad + _pretty(v, indent + 1) for v in value]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"


class _Places:
    """Line numbers by file and key."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, int]] = {}

    def add(self, key: str, place: Place) -> str:
        if place.file:
            self.files.setdefault(place.file, {})[key] = place.line
        return place.file

    def rendered(self) -> dict[str, str]:
        """For each file one line: its keys with their line numbers, in the order of the lines."""
        return {
            file: " ".join(f"{key}:{line}" for key, line in sorted(keys.items(), key=lambda kv: (kv[1], kv[0])))
            for file, keys in sorted(self.files.items())
        }


def _spec(spec: Spec) -> Json:
    places = _Places()
    document: Json = {"schema": MODEL_SCHEMA, "edition": spec.edition}
    document["structs"] = {s.key: _struct(s, places) for s in sorted(spec.structs, key=lambda s: s.key)}
    document["constants"] = {c.key: _constant(c, places) for c in sorted(spec.constants, key=lambda c: c.key)}
    document["devices"] = {d.module: _device(d, places) for d in sorted(spec.devices, key=lambda d: d.module)}
    document["features"] = {f.key: _feature(f, places) for f in sorted(spec.features, key=lambda f: f.key)}
    document["registries"] = {r.key: _registry(r, places) for r in sorted(spec.registries, key=lambda r: r.key)}
    document["clauses"] = {c.key: _clause(c, places) for c in sorted(spec.clauses, key=lambda c: c.key)}
    document["coverage"] = {
        "tallies": {what: {"total": t.total, "read": t.read, "opaque": t.opaque} for what, t in spec.coverage.tallies},
        "skipped": [
            {"what": s.what, "file": places.add(f"skipped/{i}", s.place), "reason": s.reason}
            for i, s in enumerate(spec.coverage.skipped)
        ],
    }
    document["places"] = places.rendered()
    return document


def _struct(struct: Struct, places: _Places) -> Json:
    out: Json = {"name": struct.name, "kind": struct.kind, "module": struct.module}
    out["file"] = places.add(struct.key, struct.place)
    if struct.packed:
        out["packed"] = True
    if struct.parent:
        out["parent"] = struct.parent
    if struct.variant > 1:
        out["variant"] = struct.variant
    if struct.also:
        out["also"] = [places.add(f"{struct.key}@{i}", p) for i, p in enumerate(struct.also)]
    out["members"] = [_member(m, struct.place) for m in struct.members]
    return out


def _member(member: Member, parent: Place) -> Json:
    out: Json = {"name": member.name, **_type(member.type, parent)}
    if member.condition is not None:
        out["if"] = _condition(member.condition)
    if member.optional:
        out["optional"] = True
    if member.direction is not None:
        out["direction"] = member.direction
    if member.place.file == parent.file and member.place.line != parent.line:
        # relative to the struct, so that text above it shifts nothing
        out["line"] = member.place.line - parent.line
    return out


def _type(type_: Type, parent: Place) -> Json:
    match type_:
        case Integer(spelling=spelling):
            return {"type": spelling}
        case StructRef(name=name):
            return {"type": f"struct {name}"}
        case External(name=name, tag=tag):
            return {"external": f"{tag} {name}".lstrip()}
        case Bits(container=container, fields=fields):
            return {"bits": container.spelling, "fields": [_bit(bit) for bit in fields]}
        case Aggregate(kind=kind, members=members):
            return {kind: [_member(m, parent) for m in members]}
        case Array():
            lengths: list[Json] = []
            inner: Type = type_
            while isinstance(inner, Array):
                lengths.append(_length(inner.length))
                inner = inner.element
            return {**_type(inner, parent), "array": lengths}
        case _:
            assert_never(type_)


def _bit(bit: Bit) -> Json:
    out: Json = {"name": bit.name, "offset": bit.offset, "width": bit.width}
    if bit.condition is not None:
        out["if"] = _condition(bit.condition)
    return out


def _length(length: Length) -> Json:
    match length:
        case Count(value=value, text=text):
            return {"count": value, "text": text} if text else {"count": value}
        case FieldRef(path=path):
            return {"field": path}
        case ConfigRef(struct=struct, path=path):
            return {"config": path, "of": struct}
        case Expression(text=text):
            return {"expression": text}
        case ExternalLength(name=name):
            return {"named": name}
        case Rest():
            return {"rest": True}
        case Elided():
            return {"elided": True}
        case _:
            assert_never(length)


def _condition(condition: Condition) -> Json:
    match condition:
        case Feature(name=name):
            return {"feature": name}
        case FieldIs(path=path, value=value):
            return {"field": path, "is": value}
        case AllOf(terms=terms):
            return {"all": [_condition(t) for t in terms]}
        case AnyOf(terms=terms):
            return {"any": [_condition(t) for t in terms]}
        case Not(term=term):
            return {"not": _condition(term)}
        case Prose(digest=digest):
            return {"prose": digest}
        case _:
            assert_never(condition)


def _constant(constant: Constant, places: _Places) -> Json:
    out: Json = {"name": constant.name, "kind": constant.kind, "module": constant.module, "value": constant.value}
    if constant.expression:
        out["expression"] = constant.expression
    if constant.reason:
        out["reason"] = constant.reason
    if constant.owner:
        out["owner"] = constant.owner
    if constant.parameters is not None:
        out["parameters"] = list(constant.parameters)
    out["file"] = places.add(constant.key, constant.place)
    if constant.also:
        out["also"] = [places.add(f"{constant.key}@{i}", p) for i, p in enumerate(constant.also)]
    return out


def _device(device: Device, places: _Places) -> Json:
    out: Json = {"title": device.title, "id": device.id}
    if device.config:
        out["config"] = device.config
    out["file"] = places.add(f"{device.module}/device", device.place)
    return out


def _feature(feature: FeatureBit, places: _Places) -> Json:
    out: Json = {"name": feature.name, "bit": feature.bit, "module": feature.module}
    if feature.legacy:
        out["legacy"] = True
    if feature.requires is not None:
        out["requires"] = _condition(feature.requires)
    out["file"] = places.add(feature.key, feature.place)
    return out


def _registry(registry: Registry, places: _Places) -> Json:
    out: Json = {"name": registry.name, "tag": registry.tag, "module": registry.module}
    out["file"] = places.add(registry.key, registry.place)
    out["entries"] = [_entry(e, f"{registry.key}/{i}", places) for i, e in enumerate(registry.entries)]
    if registry.ranges:
        out["ranges"] = [
            {"first": r.first, "last": r.last, "meaning": r.meaning, "file": places.add(f"{registry.key}/r{i}", r.place)}
            for i, r in enumerate(registry.ranges)
        ]
    return out


def _entry(entry: Entry, key: str, places: _Places) -> Json:
    out: Json = {"code": entry.code, "name": entry.name}
    if entry.bindings:
        out["bindings"] = [
            {"role": b.role, "struct": b.struct, "file": places.add(f"{key}/b{i}", b.place)}
            for i, b in enumerate(entry.bindings)
        ]
    out["file"] = places.add(key, entry.place)
    return out


def _clause(clause: Clause, places: _Places) -> Json:
    out: Json = {"role": clause.role, "level": clause.level, "module": clause.module, "section": clause.section}
    out["digest"] = clause.digest
    if clause.names:
        out["names"] = list(clause.names)
    if clause.listed is not None:
        out["listed"] = clause.listed
    out["file"] = places.add(clause.key, clause.place)
    return out


# --- reading ----------------------------------------------------------------------------------------------


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
        raise SpecError(f"{name}: no model: its \"schema\" is not \"{MODEL_SCHEMA}\"")
    try:
        return _Loader(document).spec()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SpecError(f"{name}: the model is damaged: {type(error).__name__}: {error}") from None


class _Loader:
    """Rebuilds a model; the places come from the lines under `places`."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.lines: dict[tuple[str, str], int] = {}
        for file, text in document["places"].items():
            for word in text.split(" ") if text else ():
                key, _, line = word.rpartition(":")
                self.lines[file, key] = int(line)

    def place(self, file: str, key: str) -> Place:
        line = self.lines.get((file, key))
        return Place(file, line) if line is not None else NOWHERE

    def also(self, key: str, files: list[str]) -> tuple[Place, ...]:
        return tuple(self.place(file, f"{key}@{i}") for i, file in enumerate(files))

    def spec(self) -> Spec:
        document = self.document
        coverage = document["coverage"]
        return Spec(
            edition=_text(document["edition"]),
            structs=self._in_order("structs", self.struct),
            constants=self._in_order("constants", self.constant),
            devices=tuple(self.device(module, d) for module, d in document["devices"].items()),
            features=self._in_order("features", self.feature),
            registries=self._in_order("registries", self.registry),
            clauses=self._in_order("clauses", self.clause),
            coverage=Coverage(
                tallies=tuple((what, Tally(**t)) for what, t in coverage["tallies"].items()),
                skipped=tuple(
                    Skipped(what=s["what"], reason=s["reason"], place=self.place(s["file"], f"skipped/{i}"))
                    for i, s in enumerate(coverage["skipped"])
                ),
            ),
        ).in_order()

    def _in_order(self, section: str, build: Callable[[str, Json], Any]) -> tuple[Any, ...]:
        """The things of a section, by key."""
        entries = cast(Mapping[str, Json], self.document[section])
        return tuple(build(_text(key), entry) for key, entry in entries.items())

    def struct(self, key: str, entry: Json) -> Struct:
        place = self.place(entry["file"], key)
        return Struct(
            key=key,
            name=_text(entry["name"]),
            kind=entry["kind"],
            module=_text(entry["module"]),
            members=tuple(self.member(m, place) for m in entry["members"]),
            packed=entry.get("packed", False),
            parent=entry.get("parent", ""),
            variant=entry.get("variant", 1),
            place=place,
            also=self.also(key, entry.get("also", [])),
        )

    def member(self, entry: Json, parent: Place) -> Member:
        condition = entry.get("if")
        return Member(
            name=_text(entry["name"]),
            type=self.type(entry, parent),
            condition=condition_of(condition) if condition is not None else None,
            optional=entry.get("optional", False),
            direction=entry.get("direction"),
            place=Place(parent.file, parent.line + entry.get("line", 0)),
        )

    def type(self, entry: Json, parent: Place) -> Type:
        type_: Type
        if "bits" in entry:
            fields = tuple(
                Bit(
                    name=_text(b["name"]),
                    offset=b["offset"],
                    width=b["width"],
                    condition=condition_of(b["if"]) if "if" in b else None,
                )
                for b in entry["fields"]
            )
            type_ = Bits(container=_integer(entry["bits"]), fields=fields)
        elif "external" in entry:
            tag, _, name = _text(entry["external"]).rpartition(" ")
            type_ = External(name=name, tag=tag)  # type: ignore[arg-type]
        elif "struct" in entry or "union" in entry:
            kind = "struct" if "struct" in entry else "union"
            members = tuple(self.member(m, parent) for m in entry[kind])
            type_ = Aggregate(kind="struct" if kind == "struct" else "union", members=members)
        elif entry["type"].startswith("struct "):
            type_ = StructRef(name=entry["type"].removeprefix("struct "))
        else:
            type_ = _integer(entry["type"])
        for length in reversed(entry.get("array", [])):
            type_ = Array(element=type_, length=_length_of(length))
        return type_

    def constant(self, key: str, entry: Json) -> Constant:
        parameters = entry.get("parameters")
        return Constant(
            key=key,
            name=_text(entry["name"]),
            kind=entry["kind"],
            module=_text(entry["module"]),
            value=entry["value"],
            expression=entry.get("expression", ""),
            reason=entry.get("reason", ""),
            owner=entry.get("owner", ""),
            parameters=None if parameters is None else tuple(parameters),
            place=self.place(entry["file"], key),
            also=self.also(key, entry.get("also", [])),
        )

    def device(self, module: str, entry: Json) -> Device:
        return Device(
            module=_text(module),
            title=entry["title"],
            id=entry["id"],
            config=entry.get("config", ""),
            place=self.place(entry["file"], f"{module}/device"),
        )

    def feature(self, key: str, entry: Json) -> FeatureBit:
        requires = entry.get("requires")
        return FeatureBit(
            key=key,
            name=_text(entry["name"]),
            bit=entry["bit"],
            module=_text(entry["module"]),
            legacy=entry.get("legacy", False),
            requires=condition_of(requires) if requires is not None else None,
            place=self.place(entry["file"], key),
        )

    def registry(self, key: str, entry: Json) -> Registry:
        return Registry(
            key=key,
            name=_text(entry["name"]),
            tag=entry["tag"],
            module=_text(entry["module"]),
            entries=tuple(self.entry(f"{key}/{i}", e) for i, e in enumerate(entry["entries"])),
            ranges=tuple(
                Range(
                    first=r["first"],
                    last=r["last"],
                    meaning=r["meaning"],
                    place=self.place(r["file"], f"{key}/r{i}"),
                )
                for i, r in enumerate(entry.get("ranges", []))
            ),
            place=self.place(entry["file"], key),
        )

    def entry(self, key: str, entry: Json) -> Entry:
        bindings = tuple(
            Binding(role=b["role"], struct=_text(b["struct"]), place=self.place(b["file"], f"{key}/b{i}"))
            for i, b in enumerate(entry.get("bindings", []))
        )
        return Entry(
            code=entry["code"], name=_text(entry["name"]), bindings=bindings, place=self.place(entry["file"], key)
        )

    def clause(self, key: str, entry: Json) -> Clause:
        return Clause(
            key=key,
            role=entry["role"],
            level=entry["level"],
            module=_text(entry["module"]),
            section=entry["section"],
            digest=entry["digest"],
            names=tuple(entry.get("names", [])),
            listed=entry.get("listed"),
            place=self.place(entry["file"], key),
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.40}")
    return value


def _integer(spelling: str) -> Integer:
    found = integer(_text(spelling))
    if found is None:
        raise ValueError(f"'{spelling[:40]}' is no integer type")
    return found


def _length_of(entry: Json) -> Length:
    match entry:
        case {"count": int(value)}:
            return Count(value=value, text=entry.get("text", ""))
        case {"field": str(path)}:
            return FieldRef(path=path)
        case {"config": str(path), "of": str(struct)}:
            return ConfigRef(struct=struct, path=path)
        case {"expression": str(text)}:
            return Expression(text=text)
        case {"named": str(name)}:
            return ExternalLength(name=name)
        case {"rest": True}:
            return Rest()
        case {"elided": True}:
            return Elided()
        case _:
            raise ValueError(f"{entry!r:.60} is no length")


def condition_of(entry: Json) -> Condition:
    """The condition that a JSON object states."""
    match entry:
        case {"feature": str(name)}:
            return Feature(name=name)
        case {"field": str(path), "is": str(value)}:
            return FieldIs(path=path, value=value)
        case {"all": list(terms)}:
            return AllOf(terms=tuple(map(condition_of, terms)))
        case {"any": list(terms)}:
            return AnyOf(terms=tuple(map(condition_of, terms)))
        case {"not": dict(term)}:
            return Not(term=condition_of(term))
        case {"prose": str(digest)}:
            return Prose(digest=digest)
        case _:
            raise ValueError(f"{entry!r:.60} is no condition")
