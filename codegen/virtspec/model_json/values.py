"""Single values of a JSON document, each checked: what is no such value raises `TypeError` or `ValueError`."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

from virtspec.model import (
    AllOf,
    AnyOf,
    Condition,
    ConfigRef,
    Count,
    Elided,
    Expression,
    ExternalLength,
    Feature,
    FieldIs,
    FieldRef,
    Integer,
    Length,
    Not,
    Prose,
    Rest,
    integer,
)

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")


def text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.40}")
    if not value.isascii():
        value.encode("utf-8")  # half a surrogate pair, which JSON can escape, is no text
    return value


def items(value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {value!r:.40}")
    return value


def rows(entry: Json, name: str) -> list[Any]:
    """The list under a name; empty where there is none."""
    return items(entry.get(name, []))


def texts(entry: Json, name: str) -> tuple[str, ...]:
    """The list of texts under a name."""
    return tuple(map(text, rows(entry, name)))


def number(value: object, least: int = 0, most: int = (1 << 64) - 1) -> int:
    """A number between these bounds."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"expected a number from {least} to {most}, found {value!r:.40}")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, found {value!r:.40}")
    return value


def one_of(value: object, known: tuple[T, ...]) -> T:
    """One of a few words."""
    for one in known:
        if value == one:
            return one
    raise ValueError(f"expected one of {', '.join(map(repr, known))}, found {value!r:.40}")


def integer_of(spelling: str) -> Integer:
    """The integer type of that name."""
    found = integer(text(spelling))
    if found is None:
        raise ValueError(f"'{spelling[:40]}' is no integer type")
    return found


def length_of(entry: Json) -> Length:
    """The length that a JSON object states."""
    match entry:
        case {"count": int(value)}:
            return Count(value=number(value), text=text(entry.get("text", "")))
        case {"field": str(path)}:
            return FieldRef(path=path)
        case {"config": str(path), "of": str(struct)}:
            return ConfigRef(struct=struct, path=path)
        case {"expression": str(written)}:
            return Expression(text=written)
        case {"named": str(name)}:
            return ExternalLength(name=name)
        case {"rest": True}:
            return Rest()
        case {"elided": True}:
            return Elided()
        case _:
            raise ValueError(f"{entry!r:.60} is no length")


def condition_of(entry: Json) -> Condition:
    """The condition that a JSON object states."""
    match entry:
        case {"feature": str(name)}:
            return Feature(name=name)
        case {"field": str(path), "is": str(value)}:
            return FieldIs(path=path, value=value)
        case {"all": list(terms)}:
            return AllOf(terms=tuple(map(condition_of, terms)))
        case {"any": list(terms)}:
            return AnyOf(terms=tuple(map(condition_of, terms)))
        case {"not": dict(term)}:
            return Not(term=condition_of(term))
        case {"prose": str(digest)}:
            return Prose(digest=digest)
        case _:
            raise ValueError(f"{entry!r:.60} is no condition")
