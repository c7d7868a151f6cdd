"""The model as a JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from virtspec.compat import assert_never
from virtspec.model import (
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
    Prose,
    Range,
    Registry,
    Relation,
    Rest,
    Spec,
    Struct,
    StructRef,
    Type,
)
from virtspec.model_json.places import Places, Row, chain_places

Json: TypeAlias = dict[str, Any]

MODEL_SCHEMA = "virtspec.model/1"

WIDTH = 118


def dump(spec: Spec) -> str:
    """A model as a JSON document."""
    return render(document_of(spec))


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


def document_of(spec: Spec) -> Json:
    """A model as what a JSON document is made of."""
    places = chain_places(spec)
    document: Json = {"schema": MODEL_SCHEMA, "edition": spec.edition}
    document["structs"] = {s.key: _struct(s, places) for s in sorted(spec.structs, key=lambda s: s.key)}
    document["constants"] = {c.key: _constant(c) for c in sorted(spec.constants, key=lambda c: c.key)}
    document["devices"] = {d.module: _device(d) for d in sorted(spec.devices, key=lambda d: d.module)}
    document["features"] = {f.key: _feature(f) for f in sorted(spec.features, key=lambda f: f.key)}
    document["registries"] = {r.key: _registry(r) for r in sorted(spec.registries, key=lambda r: r.key)}
    document["clauses"] = {c.key: _clause(c) for c in sorted(spec.clauses, key=lambda c: c.key)}
    document["coverage"] = _coverage(spec.coverage)
    document["places"] = places.files
    return document


def _coverage(coverage: Coverage) -> Json:
    return {
        "tallies": {what: {"total": t.total, "read": t.read, "opaque": t.opaque} for what, t in coverage.tallies},
        "skipped": [{"what": s.what, "file": s.place.file, "reason": s.reason} for s in coverage.skipped],
    }


def _struct(struct: Struct, places: Places) -> Json:
    out: Json = {"name": struct.name, "kind": struct.kind, "module": struct.module}
    if struct.packed:
        out["packed"] = True
    if struct.parent:
        out["parent"] = struct.parent
    if struct.variant > 1:
        out["variant"] = struct.variant
    if struct.example:
        out["example"] = True
    rows = iter(places.rows.get(struct.key, ()))
    out["members"] = [_member(m, rows) for m in struct.members]
    if struct.relations:
        out["relations"] = [_relation(r) for r in struct.relations]
    below = places.below.get(struct.key)
    if below:
        out["below"] = below
    return out


def _relation(relation: Relation) -> Json:
    out: Json = {"holds": relation.text}
    if relation.condition is not None:
        out["if"] = condition_json(relation.condition)
    return out


def _member(member: Member, rows: Iterator[Row]) -> Json:
    row = next(rows, Row())
    out: Json = {"name": member.name, **_type(member.type, rows)}
    if member.allowed is not None:
        out["allowed"] = {"first": member.allowed.first, "last": member.allowed.last}
        if member.allowed.condition is not None:
            out["allowed"]["if"] = condition_json(member.allowed.condition)
    if member.condition is not None:
        out["if"] = condition_json(member.condition)
    if member.optional:
        out["optional"] = True
    if member.direction is not None:
        out["direction"] = member.direction
    if row.distance != 1:
        out["line"] = row.distance
    if row.above:
        out["above"] = row.above
    return out


def _type(type_: Type, rows: Iterator[Row]) -> Json:
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
            return {kind: [_member(m, rows) for m in members]}
        case Array():
            lengths: list[Json] = []
            inner: Type = type_
            while isinstance(inner, Array):
                lengths.append(length_json(inner.length))
                inner = inner.element
            return {**_type(inner, rows), "array": lengths}
        case _:
            assert_never(type_)


def _bit(bit: Bit) -> Json:
    out: Json = {"name": bit.name, "offset": bit.offset, "width": bit.width}
    if bit.condition is not None:
        out["if"] = condition_json(bit.condition)
    return out


def length_json(length: Length) -> Json:
    """A length as a JSON object."""
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


def condition_json(condition: Condition) -> Json:
    """A condition as a JSON object."""
    match condition:
        case Feature(name=name):
            return {"feature": name}
        case FieldIs(path=path, value=value):
            return {"field": path, "is": value}
        case AllOf(terms=terms):
            return {"all": [condition_json(t) for t in terms]}
        case AnyOf(terms=terms):
            return {"any": [condition_json(t) for t in terms]}
        case Not(term=term):
            return {"not": condition_json(term)}
        case Prose(digest=digest):
            return {"prose": digest}
        case _:
            assert_never(condition)


def _constant(constant: Constant) -> Json:
    out: Json = {"name": constant.name, "kind": constant.kind, "module": constant.module, "value": constant.value}
    if constant.expression:
        out["expression"] = constant.expression
    if constant.reason:
        out["reason"] = constant.reason
    if constant.owner:
        out["owner"] = constant.owner
    if constant.parameters is not None:
        out["parameters"] = list(constant.parameters)
    if constant.example:
        out["example"] = True
    return out


def _device(device: Device) -> Json:
    out: Json = {"title": device.title, "id": device.id}
    if device.config:
        out["config"] = device.config
    return out


def _feature(feature: FeatureBit) -> Json:
    out: Json = {"name": feature.name, "bit": feature.bit, "module": feature.module}
    if feature.legacy:
        out["legacy"] = True
    if feature.requires is not None:
        out["requires"] = condition_json(feature.requires)
    return out


def _registry(registry: Registry) -> Json:
    out: Json = {"name": registry.name, "tag": registry.tag, "module": registry.module}
    if registry.fields:
        out["fields"] = list(registry.fields)
    if registry.flags:
        out["flags"] = True
    if registry.bits:
        out["bits"] = list(registry.bits)
    if registry.under:
        out["under"] = registry.under
    if registry.ascending:
        out["ascending"] = True
    out["entries"] = [_entry(e) for e in registry.entries]
    if registry.ranges:
        out["ranges"] = [_range(r) for r in registry.ranges]
    return out


def _range(range_: Range) -> Json:
    return {"first": range_.first, "last": range_.last, "meaning": range_.meaning}


def _entry(entry: Entry) -> Json:
    out: Json = {"code": entry.code, "name": entry.name}
    if entry.bindings:
        out["bindings"] = [_binding(b) for b in entry.bindings]
    if entry.condition is not None:
        out["if"] = condition_json(entry.condition)
    if entry.access is not None:
        out["access"] = entry.access
    return out


def _binding(binding: Binding) -> Json:
    out: Json = {"role": binding.role, "struct": binding.struct}
    if binding.many:
        out["many"] = True
    if binding.behind:
        out["behind"] = True
    if binding.member:
        out["member"] = binding.member
    if binding.condition is not None:
        out["if"] = condition_json(binding.condition)
    return out


def _clause(clause: Clause) -> Json:
    out: Json = {"role": clause.role, "level": clause.level, "module": clause.module, "section": clause.section}
    out["digest"] = clause.digest
    if clause.names:
        out["names"] = list(clause.names)
    if clause.listed is not None:
        out["listed"] = clause.listed
    if clause.states:
        out["states"] = list(clause.states)
    return out
