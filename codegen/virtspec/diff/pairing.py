"""Two models side by side: which definition is which, what became of the structs, and what is called otherwise now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from virtspec.diff.change import Change, counted
from virtspec.diff.constants import example_turned
from virtspec.diff.context import Context, Names, Side
from virtspec.diff.match import (
    Match,
    Matched,
    match_constants,
    match_features,
    match_registries,
    match_structs,
)
from virtspec.diff.respell import Respelling
from virtspec.diff.rules import change
from virtspec.diff.sample import sample_of
from virtspec.diff.side_by_side import side_by_side
from virtspec.diff.structs import compare_structs
from virtspec.model import Constant, FeatureBit, Registry, Spec, Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two models with all definitions paired. `inside` are the findings about structs, `members` the names of members
    that have changed, whichever struct they are in."""

    context: Context
    structs: Matched[Struct]
    constants: Matched[Constant]
    features: Matched[FeatureBit]
    registries: Matched[Registry]
    inside: tuple[Change, ...]
    members: dict[str, str]
    spelling: Respelling


def pair_specs(old: Spec, new: Spec) -> Paired:
    """Pair the definitions of two models."""
    one, other = Side(old, {}), Side(new, {})
    structs = match_structs(one.layouts, other.layouts)
    constants = match_constants(_plain_constants(old, new), _plain_constants(new, old))
    features = match_features(old.features, new.features)
    registries = match_registries(old.registries, new.registries)
    names = Names(
        structs=_renamed(structs.pairs),
        constants={**_codes(registries.pairs), **_renamed(constants.pairs)},
        features=_renamed(features.pairs),
    )
    one.shapes.rename = names.structs
    context = Context(one, other, names)
    inside = tuple(_structs(structs, context))
    # names of members are those that the findings tell: in the text they have no namespace of their own
    respelled = [c for c in inside if c.rule in ("VD202", "VD209")]
    paths = {f"{c.subject.rpartition('.')[0]}.{c.old['name']}": c.subject for c in respelled}
    return Paired(
        context=replace(context, names=replace(names, members=paths)),
        structs=structs,
        constants=constants,
        features=features,
        registries=registries,
        inside=inside,
        members={c.old["name"]: c.new["name"] for c in respelled},
        spelling=Respelling(
            keys=_keys(structs.pairs) | _keys(registries.pairs),
            structs=names.structs,
            codes=names.in_conditions(),
            members=_members(paths),
        ),
    )


def _renamed(
    pairs: Sequence[Match[Struct]] | Sequence[Match[Constant]] | Sequence[Match[FeatureBit]],
) -> dict[str, str]:
    return {m.old.name: m.new.name for m in pairs if m.old.name != m.new.name}


def _keys(pairs: Sequence[Match[Struct]] | Sequence[Match[Registry]]) -> dict[str, str]:
    return {m.old.key: m.new.key for m in pairs if m.old.key != m.new.key}


def _codes(pairs: Sequence[Match[Registry]]) -> dict[str, str]:
    """The codes of tables that have another name now."""
    found: dict[str, str] = {}
    for match in pairs:
        before, after = ({e.code: e.name for e in r.entries} for r in (match.old, match.new))
        kept = set(before.values()) & set(after.values())
        for code, name in before.items():
            if after.get(code, name) != name and not {name, after[code]} & kept:
                found[name] = after[code]
    return found


def _members(subjects: dict[str, str]) -> dict[str, dict[str, str]]:
    """Renamed members by the tag of their struct."""
    found: dict[str, dict[str, str]] = {}
    for old, new in subjects.items():
        (tag, _, before), (_, _, after) = (path.replace("[]", "").partition(".") for path in (old, new))
        found.setdefault(tag, {})[before] = after
    return found


def _plain_constants(spec: Spec, other: Spec) -> list[Constant]:
    """The constants that are told as such: neither feature bits nor codes of a table, which have rules of their own. A
    code of a table that the other model has from a listing is a constant that was defined by other means."""
    listed = {e.name for s in (spec, other) for r in s.registries for e in r.entries}
    told = listed - (_defined(other) - _defined(spec))
    return [
        c for c in spec.constants if c.kind != "feature" and not (c.kind in ("table", "register") and c.name in told)
    ]


def _defined(spec: Spec) -> set[str]:
    """The names of the constants of listings."""
    return {c.name for c in spec.constants if c.kind in ("define", "enum")}


# --- structs ----------------------------------------------------------------------------------------------


def _structs(matched: Matched[Struct], context: Context) -> Iterator[Change]:
    for match in matched.pairs:
        yield from _struct(match, context)
    for struct in matched.added:
        layout = context.new.layouts[struct.key]
        size = "of variable size" if layout.size is None else f"with {counted(layout.size, 'byte')}"
        yield change(
            "VD125",
            struct.name,
            f"{_kind(struct)} '{struct.name}' is new, {size}",
            new=_facts(struct, layout.size),
            new_place=struct.place,
            layout=side_by_side(None, layout, {}),
            sample=sample_of(None, (context.new, struct), {}),
        )
    for struct in matched.removed:
        layout = context.old.layouts[struct.key]
        yield change(
            "VD124",
            struct.name,
            f"{_kind(struct)} '{struct.name}' is gone",
            old=_facts(struct, layout.size),
            old_place=struct.place,
            layout=side_by_side(layout, None, {}),
            sample=sample_of((context.old, struct), None, {}),
        )


def _kind(struct: Struct) -> str:
    return {"field": "field", "bits": "bit-fields"}.get(struct.kind, struct.kind)


def _facts(struct: Struct, size: int | None) -> dict[str, Any]:
    return {"name": struct.name, "kind": struct.kind, "size": size}


def _struct(match: Match[Struct], context: Context) -> Iterator[Change]:
    a, b = match.old, match.new
    found, renames = compare_structs(a, b, context)
    if a.name != b.name and b.kind != "bits":
        message = f"{_kind(b)} '{a.name}' is called '{b.name}' now"
        sizes = context.old.layouts.sizes.struct(a), context.new.layouts.sizes.struct(b)
        facts: dict[str, Any] = {"old": _facts(a, sizes[0]), "new": _facts(b, sizes[1])}
        found.append(change("VD201", b.name, message, evidence=match.evidence, **facts))
    elif a.module != b.module:
        message = f"{_kind(b)} '{b.name}' belongs to the chapter '{b.module}' now, and did to '{a.module}'"
        found.append(change("VD221", b.name, message, old=a.module, new=b.module))
    if a.example != b.example:
        found.append(example_turned(f"{_kind(b)} '{b.name}'", b.name, example=b.example))
    if not found:
        return
    layout = side_by_side(context.old.layouts[a.key], context.new.layouts[b.key], renames)
    sample = sample_of((context.old, a), (context.new, b), renames)
    for one in found:
        before = one.old_place if one.old_place.file else a.place
        after = one.new_place if one.new_place.file else b.place
        one = replace(one, old_place=before, new_place=after)
        yield replace(one, layout=layout, sample=sample) if one.class_ in ("wire", "source") else one
