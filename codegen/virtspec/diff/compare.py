"""The comparison of two models: every definition paired, every pair compared, every finding shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from virtspec.diff.change import Change, Comparison, finish
from virtspec.diff.clauses import compare_clauses
from virtspec.diff.constants import compare_constants, compare_features, example_turned
from virtspec.diff.context import Context, Names, Side
from virtspec.diff.devices import compare_devices
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
from virtspec.diff.stale import take_over
from virtspec.diff.structs import compare_structs
from virtspec.diff.unread import find_gaps
from virtspec.model import NOWHERE, Constant, Place, Spec, Struct, names_in


def compare_specs(old: Spec, new: Spec, old_name: str = "old", new_name: str = "new") -> Comparison:
    """All differences between two models."""
    (new, restated), (old, others) = take_over(old, new), take_over(new, old)
    one, other = Side(old, {}), Side(new, {})
    structs = match_structs(old, new, one.layouts, other.layouts)
    constants = match_constants(_plain_constants(old, new), _plain_constants(new, old))
    features = match_features(old.features, new.features)
    names = Names(
        structs={m.old.name: m.new.name for m in structs.pairs if m.old.name != m.new.name},
        constants={m.old.name: m.new.name for m in constants.pairs if m.old.name != m.new.name},
        features={m.old.name: m.new.name for m in features.pairs if m.old.name != m.new.name},
    )
    one.shapes.rename = names.structs
    context = Context(one, other, names)
    added = _names(new) - _names(old)
    inside = list(_structs(structs, context))
    # names of members are those that the findings tell: in the text they have no namespace of their own
    respelled = [c for c in inside if c.rule in ("VD202", "VD209")]
    members = {c.old["name"]: c.new["name"] for c in respelled}
    paths = {f"{c.subject.rpartition('.')[0]}.{c.old['name']}": c.subject for c in respelled}
    context = replace(context, names=replace(names, members=paths))
    renamed = {**members, **names.structs, **names.in_conditions()}
    clauses = list(compare_clauses(old.clauses, new.clauses, added, renamed))
    changes = [
        *_with_statements(inside, clauses),
        *compare_constants(constants, context.names),
        *compare_features(features, names.in_conditions()),
        *compare_devices(old.devices, new.devices, context.names),
        *compare_registries(match_registries(old.registries, new.registries), context),
        *clauses,
        *(_restated(r.kind, r.subject, r.old_place, r.new_place) for r in restated if r.in_other_words(renamed)),
        *(_restated(r.kind, r.subject, r.new_place, r.old_place) for r in others if r.in_other_words(renamed)),
    ]
    done = finish(changes)
    return Comparison(
        old_name=old_name,
        new_name=new_name,
        changes=done,
        old_coverage=old.coverage,
        new_coverage=new.coverage,
        gaps=tuple(find_gaps(old, new, done)),
    )


def _restated(kind: str, subject: str, old_place: Place, new_place: Place) -> Change:
    message = f"the text that states the {_FACTS.get(kind, kind)} of '{subject}' has changed"
    return change("VD315", subject, message, old_place=old_place, new_place=new_place)


def _with_statements(changes: Iterable[Change], clauses: Sequence[Change]) -> Iterator[Change]:
    """The findings about members; those about their limits at the statement that was changed. A limit that the reader
    only finds on one side, while the statement is written in another way, is the same: he does not know all wordings.
    """
    for one in changes:
        if one.rule in ("VD316", "VD317", "VD318"):
            name = one.new["name"]
            stated = next((c for c in clauses if name in (c.new or c.old)["names"] and c.file == one.file), None)
            if stated is not None and stated.rule == "VD227" and not ("allowed" in one.old and "allowed" in one.new):
                continue
            if stated is not None:
                one = replace(one, old_place=stated.old_place, new_place=stated.new_place)
        yield one


_FACTS = {"bind": "payload", "fields": "place", "optional": "presence"}
"""What the kinds of facts that only prose states are called, where it is not their name."""


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
    if a.example != b.example:
        found.append(example_turned(f"{_kind(b)} '{b.name}'", b.name, example=b.example))
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
        names.update(names_in(struct.members))
    return names
