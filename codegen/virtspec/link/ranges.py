"""The values that members may have, given to the members that normative sentences mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from virtspec.link.facts import Facts
from virtspec.link.owners import Owners
from virtspec.link.statements import Statement
from virtspec.model import Allowed, Integer, Member, Struct
from virtspec.read.prose import Prose
from virtspec.read.ranges import ValueRange, read_ranges


def limit(
    structs: Sequence[Struct], configs: Mapping[str, str], prose: Prose, owners: Owners, facts: Facts
) -> tuple[Struct, ...]:
    """The structs with the ranges of their members. A sentence means the configuration, else what is before."""
    named = set(configs.values())
    names = {s.name: {m.name for m in s.members} for s in structs if s.name in named}
    found: dict[tuple[str, str], ValueRange] = {}
    for stated in read_ranges(prose):
        config = configs.get(stated.module, "")
        tag = config if stated.member in names.get(config, ()) else owners.nearest(stated.member, stated.place)
        if tag:
            found.setdefault((tag, stated.member), stated)
    tags = {tag for tag, _ in found}
    return tuple(_limited(s, found, facts) if s.name in tags else s for s in structs)


def _limited(struct: Struct, found: Mapping[tuple[str, str], ValueRange], facts: Facts) -> Struct:
    members = []
    for member in struct.members:
        stated = found.get((struct.name, member.name))
        allowed = _allowed(member, stated) if stated is not None else None
        if stated is not None and allowed is not None:
            member = replace(member, allowed=allowed)
            place = stated.place
            names = frozenset((member.name,))
            facts.statements.append(Statement(struct.key, place.file, place.line, place.line, names))
        members.append(member)
    return replace(struct, members=tuple(members))


def _allowed(member: Member, stated: ValueRange) -> Allowed | None:
    if not isinstance(member.type, Integer):
        return None
    largest = (1 << member.type.bits) - 1
    last = largest if stated.last is None else stated.last
    if not 0 < stated.first <= last <= largest and not stated.first == 0 < last < largest:
        return None  # every value is allowed, or none
    return Allowed(first=stated.first, last=last, condition=stated.condition)
