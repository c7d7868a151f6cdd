"""One edition as a whole, and how much of its text was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from operator import attrgetter
from typing import Literal, TypeAlias

from virtspec.frozen import dataclass
from virtspec.model.conditions import features_of
from virtspec.model.definitions import Clause, Constant, Device, FeatureBit, Registry, Struct
from virtspec.model.types import Aggregate, bits_of, members_in
from virtspec.source import Place

STALE = "the text that states it has changed"
"""Ends the reason of a `Skipped` annotation whose paragraph is not there as it was reviewed."""

UNPLACED = "no such member, registry or entry"
"""Ends the reason of a `Skipped` annotation that is about nothing in the model."""

LOST = "lost in part"
"""Begins the reason of a `Skipped` listing whose definitions are in the model, but not with all that they hold."""

Block: TypeAlias = Literal[
    "listing", "table", "item", "binding", "condition", "requirement", "clause", "annotation", "file"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that was not understood, where it stands, and why."""

    what: Block
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many there are of a kind of block, how many of them gave facts, and how many hold none."""

    total: int
    read: int
    opaque: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What became of every block of the specification."""

    tallies: tuple[tuple[str, Tally], ...] = ()
    skipped: tuple[Skipped, ...] = ()


_by_place = attrgetter("place", "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One edition of a specification, linked: all names resolved, every definition once.

    `paragraphs` is given where it was read from LaTeX: by the key and kind of a fact that only prose states, the
    paragraph that states it, or those that could have become it.
    """

    edition: str
    structs: tuple[Struct, ...]
    constants: tuple[Constant, ...]
    devices: tuple[Device, ...] = ()
    features: tuple[FeatureBit, ...] = ()
    registries: tuple[Registry, ...] = ()
    clauses: tuple[Clause, ...] = ()
    coverage: Coverage = field(default=Coverage(), compare=False)
    paragraphs: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def in_order(self) -> Spec:
        """The same model with everything in the order of the sources: files by path, then lines, then keys.

        A model that was read from LaTeX and one that was loaded from JSON are the same after this.
        """
        return replace(
            self,
            structs=tuple(sorted(self.structs, key=_by_place)),
            constants=tuple(sorted(self.constants, key=_by_place)),
            devices=tuple(sorted(self.devices, key=lambda d: d.module)),
            features=tuple(sorted(self.features, key=_by_place)),
            registries=tuple(sorted(self.registries, key=_by_place)),
            clauses=tuple(sorted(self.clauses, key=_by_place)),
        )

    def struct(self, name: str) -> Struct | None:
        """The struct of that name (its first variant), or None."""
        return next((s for s in self.structs if s.name == name), None)

    def without_examples(self) -> tuple[Spec, tuple[str, ...]]:
        """The model without what the text only uses to explain something, and the keys of that."""
        structs = tuple(s for s in self.structs if not s.example)
        constants = tuple(c for c in self.constants if not c.example)
        names = {(c.module, c.name) for c in self.constants if c.example}

        def explains(registry: Registry) -> bool:
            return bool(registry.entries) and all((registry.module, e.name) in names for e in registry.entries)

        left = (
            *(s.key for s in self.structs if s.example),
            *(c.key for c in self.constants if c.example),
            *(r.key for r in self.registries if explains(r)),
        )
        registries = tuple(r for r in self.registries if not explains(r))
        return replace(self, structs=structs, constants=constants, registries=registries), left

    def bit_numbers(self) -> dict[tuple[str, str, int], tuple[str, ...]]:
        """The codes that number bits, by module, name and number: the members, as `tag.path`, whose bits they are."""
        return {(r.module, e.name, e.code): r.bits for r in self.registries if r.bits for e in r.entries}

    def gated(self) -> dict[str, tuple[str, ...]]:
        """What depends on each feature: members as `tag.path`, and the names of commands and other codes."""
        found: dict[str, dict[str, None]] = {}
        for struct in self.structs:
            for path, member in members_in(struct.members, struct.name):
                # what holds for a union or struct without a name holds for the members in it
                named = member.type.members if isinstance(member.type, Aggregate) and not member.name else ()
                for feature in features_of(member.condition):
                    for subject in (f"{path}.{m.name}" for m in named if m.name) if named else (path,):
                        found.setdefault(feature, {}).setdefault(subject)
                for bit in bits_of(member):
                    for feature in features_of(bit.condition):
                        found.setdefault(feature, {}).setdefault(f"{path}.{bit.name}")
        for registry in self.registries:
            for entry in registry.entries:
                for feature in features_of(entry.condition):
                    found.setdefault(feature, {}).setdefault(entry.name)
        return {feature: tuple(found[feature]) for feature in sorted(found)}
