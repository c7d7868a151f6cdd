"""Members that live side by side in a struct: their names, and the lengths that name one of them."""

from __future__ import annotations

from dataclasses import replace

from virtspec.model import Aggregate, Array, Bits, ExternalLength, FieldRef, Member, Type


def sibling_names(members: tuple[Member, ...]) -> list[str]:
    """The names that live side by side in a struct, through anonymous members."""
    names: list[str] = []
    for member in members:
        if member.name:
            names.append(member.name)
        elif isinstance(member.type, Aggregate):
            names += sibling_names(member.type.members)
        elif isinstance(member.type, Bits):
            names += [bit.name for bit in member.type.fields]
    return names


def resolve_siblings(members: tuple[Member, ...], outer: frozenset[str] = frozenset()) -> tuple[Member, ...]:
    """Members with every length that names another member of the struct, or of one around it, turned into its path.
    `outer` are the members around."""
    known = outer.union(sibling_names(members))
    types = [_resolve(m.type, known) for m in members]
    return tuple(m if type_ is m.type else replace(m, type=type_) for type_, m in zip(types, members, strict=True))


def _resolve(type_: Type, known: frozenset[str]) -> Type:
    if isinstance(type_, Array):
        length = type_.length
        if isinstance(length, ExternalLength) and length.name.split(".")[0] in known:
            length = FieldRef(path=length.name)
        element = _resolve(type_.element, known)
        same = length is type_.length and element is type_.element
        return type_ if same else Array(element=element, length=length)
    if isinstance(type_, Aggregate):
        return Aggregate(kind=type_.kind, members=resolve_siblings(type_.members, known))
    return type_
