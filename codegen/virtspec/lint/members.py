"""What members hold: those inside them, their names, and the features they depend on."""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.model import Aggregate, AllOf, AnyOf, Array, Bits, Condition, Feature, Member, Not


def all_members(members: tuple[Member, ...]) -> Iterator[Member]:
    """Members, and those of the unnamed types in them."""
    for member in members:
        yield member
        type_ = member.type
        while isinstance(type_, Array):
            type_ = type_.element
        if isinstance(type_, Aggregate):
            yield from all_members(type_.members)


def member_names(members: tuple[Member, ...]) -> Iterator[str]:
    """The names of members and bit-fields, those of nested unnamed types too."""
    for member in members:
        if member.name:
            yield member.name
        type_ = member.type
        while isinstance(type_, Array):
            type_ = type_.element
        if isinstance(type_, Aggregate):
            yield from member_names(type_.members)
        elif isinstance(type_, Bits):
            yield from (bit.name for bit in type_.fields)


def condition_features(member: Member) -> frozenset[str]:
    """The features that a member's condition speaks of."""
    names = features_in(member.condition)
    if isinstance(member.type, Bits):
        names = names.union(*(features_in(bit.condition) for bit in member.type.fields))
    return names


def features_in(condition: Condition | None) -> frozenset[str]:
    """The features that a condition speaks of."""
    match condition:
        case Feature(name=name):
            return frozenset((name,))
        case AllOf(terms=terms) | AnyOf(terms=terms):
            return frozenset().union(*map(features_in, terms))
        case Not(term=term):
            return features_in(term)
        case _:
            return frozenset()
