"""Types with others in their place, however deep these stand in arrays and in structs without a tag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from virtspec.model import Aggregate, Array, Member, Type


def with_types(members: tuple[Member, ...], change: Callable[[Type], Type]) -> tuple[Member, ...]:
    """Members whose types, and all types within these, `change` has replaced; the same tuple where it replaces none."""
    types = [_changed(member.type, change) for member in members]
    if all(type_ is member.type for type_, member in zip(types, members, strict=True)):
        return members
    return tuple(replace(member, type=type_) for type_, member in zip(types, members, strict=True))


def _changed(type_: Type, change: Callable[[Type], Type]) -> Type:
    match type_:
        case Array(element=element):
            inner = _changed(element, change)
            return change(type_ if inner is element else replace(type_, element=inner))
        case Aggregate(members=members):
            others = with_types(members, change)
            return change(type_ if others is members else replace(type_, members=others))
        case _:
            return change(type_)
