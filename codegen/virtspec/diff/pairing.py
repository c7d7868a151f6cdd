"""Two models side by side: which definition is which, what became of the structs, and what is called otherwise now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from virtspec.diff.align import renamed_members
from virtspec.diff.change import Change, counted
from virtspec.diff.constants import example_turned
from virtspec.diff.context import Context, Side
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
from virtspec.model import Constant, FeatureBit, Registry, Spec, Struct, StructRef, innermost, members_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two models with all definitions paired, and what of the old one is called otherwise in the new one."""

    context: Context
    structs: Matched[Struct]
    constants: Matched[Constant]
    features: Matched[FeatureBit]
    registries: Matched[Registry]

    def over(self, old: Spec, new: Spec) -> Paired:
        """The same over models whose definitions have been given more facts."""
        one, other = self.context.old, self.context.new
        if old is one.spec and new is other.spec:
            return self
        spelling = self.context.spelling
        more = len(old.registries) - len(one.spec.registries) + len(new.registries) - len(other.spec.registries)
        return Paired(
            context=Context(Side(old, spelling.structs), Side(new, {}), spelling),
            structs=self.structs.over({s.key: s for s in old.structs}, {s.key: s for s in new.structs}),
            constants=self.constants.over({c.key: c for c in old.constants}, {c.key: c for c in new.constants}),
            features=self.features,
            # a fact makes a table where there was none but a list of constants
            registries=(
                match_registries(old.registries, new.registries)
                if more
                else self.registries.over({r.key: r for r in old.registries}, {r.key: r for r in new.registries})
            ),
        )


def pair_specs(old: Spec, new: Spec) -> Paired:
    """Pair the definitions of two models: first all that stand by themselves, then what is in the structs."""
    one, other = Side(old, {}), Side(new, {})
    structs = match_structs(one.layouts, other.layouts)
    constants = match_constants(_plain_constants(old, new), _plain_constants(new, old))
    features = match_features(old.features, new.features)
    registries = match_registries(old.registries, new.registries)
    names = Respelling(
        keys=_keys(structs.pairs) | _keys(registries.pairs),
        structs=_renamed(structs.pairs),
        codes={**_codes(registries.pairs), **_renamed(constants.pairs), **_renamed(features.pairs)},
        added=frozenset(feature.name for feature in features.added),
    )
    one.shapes.rename = names.structs
    context = Context(one, other, names)
    members: dict[str, dict[str, str]] = {}
    for match in structs.pairs:
        renamed = renamed_members(match.old, match.new, context)
        if renamed:
            members.setdefault(match.new.name, {}).update(renamed)
    if members:
        names = replace(names, members=members, parts=_parts(old), configs=_configs(old))
    return Paired(
        context=replace(context, spelling=names),
        structs=structs,
        constants=constants,
        features=features,
        registries=registries,
    )


def _renamed(
    pairs: Sequence[Match[Struct]] | Sequence[Match[Constant]] | Sequence[Match[FeatureBit]],
) -> dict[str, str]:
    return {m.old.name: m.new.name for m in pairs if m.old.name != m.new.name}


def _keys(pairs: Sequence[Match[Struct]] | Sequence[Match[Registry]]) -> dict[str, str]:
    return {m.old.key: m.new.key for m in pairs if m.old.key != m.new.key}


def _parts(spec: Spec) -> dict[str, dict[str, str]]:
    """The tags of the members that are structs themselves, by the tag of the struct that they are in, and by path."""
    found: dict[str, dict[str, str]] = {}
    for struct in spec.structs:
        for path, member in members_in(struct.members):
            if isinstance(inner := innermost(member.type), StructRef):
                found.setdefault(struct.name, {})[path] = inner.name
    return found


def _configs(spec: Spec) -> dict[str, str]:
    """The configuration of the device that a struct belongs to."""
    by_module = {device.module: device.config for device in spec.devices if device.config}
    return {s.name: by_module[s.module] for s in spec.structs if s.module in by_module}


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


def compare_definitions(matched: Matched[Struct], context: Context) -> Iterator[Change]:
    """The findings about structs, with their layouts and a sample of their bytes."""
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
            layout=side_by_side(None, layout),
            sample=sample_of(None, (context.new, struct)),
        )
    for struct in matched.removed:
        layout = context.old.layouts[struct.key]
        yield change(
            "VD124",
            struct.name,
            f"{_kind(struct)} '{struct.name}' is gone",
            old=_facts(struct, layout.size),
            old_place=struct.place,
            layout=side_by_side(layout, None),
            sample=sample_of((context.old, struct), None),
        )


def _kind(struct: Struct) -> str:
    return {"field": "field", "bits": "bit-fields"}.get(struct.kind, struct.kind)


def _facts(struct: Struct, size: int | None) -> dict[str, Any]:
    return {"name": struct.name, "kind": struct.kind, "size": size}


def _struct(match: Match[Struct], context: Context) -> Iterator[Change]:
    a, b = match.old, match.new
    found = list(compare_structs(a, b, context))
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
    inside = context.spelling.inside(a.name)
    layout = side_by_side(context.old.layouts[a.key], context.new.layouts[b.key], inside)
    sample = sample_of((context.old, a), (context.new, b), inside)
    for one in found:
        before = one.old_place if one.old_place.file else a.place
        after = one.new_place if one.new_place.file else b.place
        one = replace(one, old_place=before, new_place=after)
        yield replace(one, layout=layout, sample=sample) if one.class_ in ("wire", "source") else one
