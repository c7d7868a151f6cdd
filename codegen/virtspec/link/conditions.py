"""Conditions that prose puts on members and commands, and what features require, given to the model's elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from virtspec.link.facts import Facts
from virtspec.link.owners import Owners
from virtspec.link.siblings import sibling_names
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    Condition,
    FeatureBit,
    Member,
    Prose,
    Registry,
    Skipped,
    Struct,
    Type,
)
from virtspec.read.conditions import Gate, read_gates, read_requirements
from virtspec.read.prose import Prose as Text


def require(features: Sequence[FeatureBit], text: Text, facts: Facts) -> tuple[FeatureBit, ...]:
    """The features with what each requires."""
    names = {f.name for f in features}
    found: dict[str, Condition] = {}
    for requirement in read_requirements(text):
        if requirement.feature not in names:
            reason = f"of {requirement.feature}, no feature bit"
        elif isinstance(requirement.condition, Prose):
            reason = "its features are not joined clearly"
        else:
            facts.count("requirements", read=True)
            found.setdefault(requirement.feature, requirement.condition)
            continue
        facts.skip(Skipped(what="requirement", reason=reason, place=requirement.place))
    return tuple(replace(f, requires=found[f.name]) if f.name in found else f for f in features)


class Gates:
    """The conditions of a document by what they are on."""

    def __init__(
        self, text: Text, facts: Facts, structs: Sequence[Struct], owners: Owners, codes: frozenset[str]
    ) -> None:
        self.members: dict[tuple[str, str], Gate] = {}
        self.codes: dict[tuple[str, str], Gate] = {}
        tags = {s.name: s for s in structs if s.kind in ("struct", "union")}
        self.configs = {
            module: (config, frozenset(sibling_names(tags[config].members)))
            for module, config in facts.configs.items()
            if config in tags
        }
        self.owners = owners
        features = [(item.name, located, module) for item, module, located in facts.features]
        gates = sorted(read_gates(text, features), key=lambda gate: gate.rank)
        for gate in gates:
            targets = [self._target(name, gate) for name in gate.names]
            members = [target for target in targets if target]
            code = gate.names[0]
            if len(gate.names) == 1 and code in codes and (not gate.rank or code.isupper()):
                self.codes.setdefault((gate.module, code), gate)
            elif not members:
                continue
            for target in members:
                known = self.members.get(target)
                if known is None or (isinstance(known.condition, Prose) and not isinstance(gate.condition, Prose)):
                    self.members[target] = gate
        self.tags = {tag for tag, _ in self.members}

    def tally(self, structs: Sequence[Struct], facts: Facts) -> None:
        """Count the conditions, and report those that neither the text nor a reviewed fact makes an expression."""
        for _ in self.codes:
            facts.count("conditions", read=True)
        unclear = {(s.name, m.name) for s in structs for m in s.members if isinstance(m.condition, Prose)}
        for (tag, name), gate in self.members.items():
            if isinstance(gate.condition, Prose) and (tag, name) in unclear:
                facts.skip(Skipped(what="condition", reason=f"on {tag}.{name}: no expression", place=gate.place))
            else:
                facts.count("conditions", read=True)

    def _target(self, name: str, gate: Gate) -> tuple[str, str] | None:
        """The member that a sentence means: of the device's configuration, else of the nearest struct before it."""
        config, members = self.configs.get(gate.module, ("", frozenset()))
        member = name.removeprefix(f"{config}.")
        if member in members:
            return config, member
        if gate.rank:
            return None  # a feature's item and the initialisation speak of the configuration
        owner = self.owners.nearest(name, gate.place)
        return (owner, name) if owner else None

    def apply(self, struct: Struct) -> Struct:
        """A struct with the conditions that prose puts on its members; those of its listing stay."""
        if struct.name not in self.tags:
            return struct
        return replace(struct, members=self._members(struct.name, struct.members))

    def _members(self, tag: str, members: tuple[Member, ...]) -> tuple[Member, ...]:
        changed: list[Member] = []
        for member in members:
            gate = self.members.get((tag, member.name)) if member.name else None
            if gate is not None and member.condition is None:
                member = replace(member, condition=gate.condition, evidence=gate.place)
            changed.append(member if member.name else replace(member, type=self._inside(tag, member.type)))
        return tuple(changed)

    def _inside(self, tag: str, type_: Type) -> Type:
        match type_:
            case Aggregate():
                return replace(type_, members=self._members(tag, type_.members))
            case Bits():
                fields = tuple(
                    (
                        replace(bit, condition=gate.condition)
                        if bit.condition is None and (gate := self.members.get((tag, bit.name))) is not None
                        else bit
                    )
                    for bit in type_.fields
                )
                return replace(type_, fields=fields)
            case Array():
                return replace(type_, element=self._inside(tag, type_.element))
            case _:
                return type_

    def gate_codes(self, registries: Sequence[Registry]) -> tuple[Registry, ...]:
        """The registries with the conditions on their entries."""
        return tuple(map(self._gate, registries))

    def _gate(self, registry: Registry) -> Registry:
        gates = [self.codes.get((registry.module, entry.name)) for entry in registry.entries]
        if not any(gates):
            return registry
        return replace(
            registry,
            entries=tuple(
                entry if gate is None else replace(entry, condition=gate.condition)
                for entry, gate in zip(registry.entries, gates, strict=True)
            ),
        )
