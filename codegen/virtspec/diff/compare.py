"""The comparison of two models: every definition paired, every pair compared, every finding shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from virtspec.diff.change import Change, Comparison, Gap, finish
from virtspec.diff.clauses import compare_clauses
from virtspec.diff.constants import compare_constants, compare_devices, compare_features
from virtspec.diff.context import Context, Names, Side
from virtspec.diff.match import (
    Match,
    Matched,
    match_constants,
    match_features,
    match_registries,
    match_structs,
)
from virtspec.diff.registries import compare_registries
from virtspec.diff.rules import change
from virtspec.diff.sample import sample_of
from virtspec.diff.side_by_side import side_by_side
from virtspec.diff.structs import compare_structs
from virtspec.model import NOWHERE, Aggregate, Array, Bits, Constant, Member, Place, Skipped, Spec, Struct, Type


def compare_specs(old: Spec, new: Spec, old_name: str = "old", new_name: str = "new") -> Comparison:
    """All differences between two models."""
    one, other = Side(old, {}), Side(new, {})
    structs = match_structs(old, new, one.layouts, other.layouts)
    constants = match_constants(_plain_constants(old, new), _plain_constants(new, old))
    names = Names(
        structs={m.old.name: m.new.name for m in structs.pairs if m.old.name != m.new.name},
        constants={m.old.name: m.new.name for m in constants.pairs if m.old.name != m.new.name},
    )
    one.shapes.rename = names.structs
    context = Context(one, other, names)
    told = {c.name for spec in (old, new) for c in spec.constants if c.kind in ("define", "enum")}
    added = _names(new) - _names(old)
    changes = [
        *_structs(structs, context),
        *compare_constants(constants),
        *compare_features(match_features(old.features, new.features)),
        *compare_devices(old.devices, new.devices),
        *compare_registries(match_registries(old.registries, new.registries), context, told),
        *compare_clauses(old.clauses, new.clauses, added),
    ]
    return Comparison(
        old_name=old_name,
        new_name=new_name,
        changes=finish(changes),
        old_coverage=old.coverage,
        new_coverage=new.coverage,
        gaps=tuple(find_gaps(old, new)),
    )


def _plain_constants(spec: Spec, other: Spec) -> list[Constant]:
    """The constants that are told as such: neither feature bits nor codes of a table, which have rules of their own."""
    listed = {e.name for s in (spec, other) for r in s.registries for e in r.entries}
    return [
        c for c in spec.constants if c.kind != "feature" and not (c.kind in ("table", "register") and c.name in listed)
    ]


# --- structs ----------------------------------------------------------------------------------------------


def _structs(matched: Matched[Struct], context: Context) -> Iterator[Change]:
    for match in matched.pairs:
        yield from _struct(match, context)
    for struct in matched.added:
        layout = context.new.layouts[struct.key]
        size = "of variable size" if layout.size is None else f"with {layout.size} bytes"
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
    if not found:
        return
    layout = side_by_side(context.old.layouts[a.key], context.new.layouts[b.key], renames)
    sample = sample_of((context.old, a), (context.new, b), renames)
    for one in found:
        one = replace(
            one,
            old_place=one.old_place if one.old_place.file else (NOWHERE if one.new_place.file else a.place),
            new_place=one.new_place if one.new_place.file else b.place,
        )
        if not one.old_place.file:
            one = replace(one, old_place=a.place)
        yield replace(one, layout=layout, sample=sample) if one.class_ in ("wire", "source") else one


# --- names ------------------------------------------------------------------------------------------------


def _names(spec: Spec) -> set[str]:
    """Everything that a statement can speak of by name."""
    names = {s.name for s in spec.structs} | {c.name for c in spec.constants} | {f.name for f in spec.features}
    for struct in spec.structs:
        names.update(_member_names(struct.members))
    return names


def _member_names(members: Iterable[Member]) -> Iterator[str]:
    for member in members:
        yield member.name
        type_: Type = member.type
        while isinstance(type_, Array):
            type_ = type_.element
        if isinstance(type_, Aggregate):
            yield from _member_names(type_.members)
        elif isinstance(type_, Bits):
            yield from (bit.name for bit in type_.fields)


# --- gaps -------------------------------------------------------------------------------------------------


def find_gaps(old: Spec, new: Spec) -> Iterator[Gap]:
    """What only one side could be read of, where that can hide a difference.

    Both releases of a specification include files that are not published, and hold formulas that are no definitions:
    what is missing on both sides alike hides nothing.
    """
    old_files, new_files = _files(old), _files(new)
    for skipped in _only(new, old):
        if _unreadable(skipped):
            yield Gap(side="new", place=skipped.place, reason=skipped.reason, hides=_named(skipped) in old_files)
        elif _lost(skipped, old, new):
            yield Gap(side="new", place=skipped.place, reason=skipped.reason, hides=True)
    for skipped in _only(old, new):
        if _unreadable(skipped):
            yield Gap(side="old", place=skipped.place, reason=skipped.reason, hides=_named(skipped) in new_files)
        elif _lost(skipped, new, old):
            yield Gap(side="old", place=skipped.place, reason=skipped.reason, hides=True)


def _only(one: Spec, other: Spec) -> list[Skipped]:
    """What one side skipped more often than the other."""
    known = Counter((s.what, s.reason) for s in other.coverage.skipped)
    found: list[Skipped] = []
    for skipped in one.coverage.skipped:
        mark = (skipped.what, skipped.reason)
        if known[mark]:
            known[mark] -= 1
        elif skipped.what in ("listing", "file", "table"):
            found.append(skipped)
    return found


def _unreadable(skipped: Skipped) -> bool:
    """Whether there is text that was not read: a file that is not there, or a part of a listing."""
    return skipped.reason.endswith("is not there") or skipped.reason.startswith("in part:")


def _named(skipped: Skipped) -> str:
    quoted = skipped.reason.split("'")
    name = quoted[1] if len(quoted) > 2 else ""
    return name if "." in name.rpartition("/")[2] else f"{name}.tex"


def _files(spec: Spec) -> set[str]:
    places: list[Place] = [s.place for s in spec.structs]
    places += [c.place for c in spec.constants]
    places += [f.place for f in spec.features]
    places += [r.place for r in spec.registries]
    places += [c.place for c in spec.clauses]
    return {p.file for p in places if p.file}


def _lost(skipped: Skipped, full: Spec, lacking: Spec) -> bool:
    """Whether definitions of the same file, and of the kind that was skipped, are on the other side only."""
    file = skipped.place.file
    if skipped.what == "table":
        here = {r.name for r in lacking.registries}
        return any(r.place.file == file and r.name not in here for r in full.registries)
    structs = {s.name for s in lacking.structs}
    constants = {c.name for c in lacking.constants}
    return any(s.place.file == file and s.name not in structs for s in full.structs) or any(
        c.place.file == file and c.name not in constants for c in full.constants if c.kind in ("define", "enum")
    )
