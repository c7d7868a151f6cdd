"""Several models as one: a release together with chapters that are drafts for the next."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from virtspec.diagnostics import SpecError
from virtspec.link.rewrite import with_types
from virtspec.model import Coverage, External, Place, Spec, StructRef, Tally, Type


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

    def defined(type_: Type) -> Type:
        return StructRef(name=type_.name) if isinstance(type_, External) and type_.name in tags else type_

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
        structs=tuple(replace(s, members=with_types(s.members, defined)) for s in structs.values()),
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
    known = {key: (meaning, place) for key, _, meaning, place in _definitions(one)}
    for key, name, meaning, place in _definitions(other):
        same, first = known.get(key, (meaning, place))
        if same != meaning:
            raise SpecError(f"{place}: '{name}' is defined differently at {first}")


def _definitions(spec: Spec) -> Iterator[tuple[tuple[str, str], str, Hashable, Place]]:
    """What a model defines: by what one thing is told from another, its name, what it means, and its place."""
    yield from ((("struct", s.name), s.name, s.members, s.place) for s in spec.structs)
    yield from ((("constant", c.key), c.name, (c.value, c.parameters), c.place) for c in spec.constants)
    yield from ((("feature", f.key), f.name, f.bit, f.place) for f in spec.features)
    yield from ((("device", d.module), d.title, d.id, d.place) for d in spec.devices)
    yield from ((("registry", r.key), r.name, (r.entries, r.ranges), r.place) for r in spec.registries)
