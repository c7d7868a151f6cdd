"""Several models as one: a release together with chapters that are drafts for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from virtspec.diagnostics import SpecError
from virtspec.model import Aggregate, Array, Coverage, External, Member, Spec, StructRef, Tally, Type


def merge_specs(specs: Sequence[Spec]) -> Spec:
    """One model with everything that the given ones define; its edition is that of the first.

    A use of a struct that only another of the models defines is resolved. Raises `SpecError` where two of them define
    the same thing differently.
    """
    if len(specs) == 1:
        return specs[0]
    first = specs[0]
    for index, spec in enumerate(specs):
        for other in specs[:index]:
            _check_disjoint(other, spec)
    tags = {s.name for spec in specs for s in spec.structs if s.kind in ("struct", "union")}
    structs = {s.key: s for spec in reversed(specs) for s in spec.structs}
    tallies: dict[str, Tally] = {}
    for spec in specs:
        for what, tally in spec.coverage.tallies:
            sum_ = tallies.get(what, Tally(total=0, read=0, opaque=0))
            tallies[what] = Tally(
                total=sum_.total + tally.total, read=sum_.read + tally.read, opaque=sum_.opaque + tally.opaque
            )
    return Spec(
        edition=first.edition,
        structs=tuple(replace(s, members=_resolve_all(s.members, tags)) for s in structs.values()),
        constants=tuple({c.key: c for spec in reversed(specs) for c in spec.constants}.values()),
        devices=tuple({d.module: d for spec in reversed(specs) for d in spec.devices}.values()),
        features=tuple({f.key: f for spec in reversed(specs) for f in spec.features}.values()),
        registries=tuple({r.key: r for spec in reversed(specs) for r in spec.registries}.values()),
        clauses=tuple({c.key: c for spec in reversed(specs) for c in spec.clauses}.values()),
        coverage=Coverage(
            tallies=tuple(sorted(tallies.items())),
            skipped=tuple(s for spec in specs for s in spec.coverage.skipped),
        ),
    ).in_order()


def _check_disjoint(one: Spec, other: Spec) -> None:
    known = {s.name: s for s in one.structs}
    for struct in other.structs:
        same = known.get(struct.name)
        if same is not None and same.members != struct.members:
            raise SpecError(f"{struct.place}: '{struct.name}' is defined differently at {same.place}")


def _resolve_all(members: tuple[Member, ...], tags: set[str]) -> tuple[Member, ...]:
    return tuple(replace(m, type=_resolve(m.type, tags)) for m in members)


def _resolve(type_: Type, tags: set[str]) -> Type:
    if isinstance(type_, External) and type_.name in tags:
        return StructRef(name=type_.name)
    if isinstance(type_, Array):
        return replace(type_, element=_resolve(type_.element, tags))
    if isinstance(type_, Aggregate):
        return replace(type_, members=_resolve_all(type_.members, tags))
    return type_
