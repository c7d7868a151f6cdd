"""Who accesses which part of a message: what prose says, and what follows from what a struct fills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from virtspec.link.owners import Owners
from virtspec.model import Binding, Direction, Member, Registry, Role, Struct, StructRef, innermost, members_in
from virtspec.read.directions import Access, read_directions
from virtspec.read.prose import Prose


def direct(structs: Sequence[Struct], prose: Prose, owners: Owners) -> tuple[Struct, ...]:
    """The structs with the directions that prose states; those of their listings stay."""
    tags = {s.name for s in structs}
    whole: dict[str, Direction] = {}
    single: dict[str, dict[str, Direction]] = {}
    for access in read_directions(prose):
        name = _about(access, tags, owners)
        if name and access.whole:
            whole.setdefault(name, access.direction)
        elif name:
            single.setdefault(name, {}).setdefault(access.member, access.direction)
    return tuple(
        (
            _with(s, [single.get(s.name, {}).get(m.name, whole.get(s.name)) for m in s.members])
            if s.name in whole or s.name in single
            else s
        )
        for s in structs
    )


def _about(access: Access, tags: set[str], owners: Owners) -> str:
    if access.named:
        return next((name for name in reversed(access.named) if name in tags), "")
    if access.member:
        return owners.nearest(access.member, access.place)
    return owners.before(access.place)


def follow(structs: Sequence[Struct], registries: Iterable[Registry]) -> tuple[Struct, ...]:
    """The structs with the directions that follow from what they fill: a request is read by the device, a response is
    written by it, and what fills a member is accessed like that. One that fills parts of both kinds has none, as
    has a header that begins both requests and responses."""
    members = {f"{s.name}.{m.name}": m.direction for s in structs for m in s.members}
    sides: dict[str, set[Direction | None]] = {}
    for registry in registries:
        messages = {field.partition(".")[0] for field in registry.fields}
        for entry in registry.entries:
            roles = {b.role for b in entry.bindings}
            for binding in entry.bindings:
                sides.setdefault(binding.struct, set()).add(_side(binding, roles, messages, members))
    found = {name: side for name, some in sides.items() if (side := _only(some)) is not None}
    for struct in structs:
        for _, member in members_in(struct.members):
            inner = innermost(member.type)
            if isinstance(inner, StructRef) and inner.name in sides:
                sides[inner.name].add(member.direction or found.get(struct.name))
    found = {name: side for name, side in found.items() if len(sides[name] - {None}) == 1}
    return tuple(_with(s, [found[s.name]] * len(s.members)) if s.name in found else s for s in structs)


def _side(
    binding: Binding, roles: set[Role], messages: set[str], members: dict[str, Direction | None]
) -> Direction | None:
    if binding.member:
        return members.get(binding.member)
    if binding.role == "response":
        return "writable"
    if binding.role == "request":
        return "readable" if "response" in roles else None  # without one, the request may hold the answer too
    found = {
        members.get(f"{message}.{prefix}{sep}{binding.role}")
        for message in messages
        for prefix, sep in (("command_specific", "_"), ("command-specific", "-"))
    } - {None}
    return _only(found)


def _only(sides: set[Direction | None]) -> Direction | None:
    return next(iter(sides)) if len(sides) == 1 else None


def _with(struct: Struct, sides: Sequence[Direction | None]) -> Struct:
    """A struct with directions for the members that have none; one with a direction stays as its listing says."""
    if any(m.direction for m in struct.members):
        return struct
    members = tuple(_directed(m, side) for m, side in zip(struct.members, sides, strict=True))
    return replace(struct, members=members)


def _directed(member: Member, side: Direction | None) -> Member:
    return member if side is None else replace(member, direction=side)
