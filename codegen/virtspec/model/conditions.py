"""When a member means something, or a code may be used; and what holds for the values of members."""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from virtspec.frozen import dataclass
from virtspec.source import NOWHERE, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature bit has been negotiated."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldIs:
    """A member has a value: a constant's name or a number."""

    path: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    term: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A condition that could not be turned into an expression: the digest of its text stands for it."""

    digest: str


Condition: TypeAlias = Feature | FieldIs | AllOf | AnyOf | Not | Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The values that a device may give a member; `condition` says when it has to."""

    first: int
    last: int
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What has to hold between the values of a struct's members; `condition` says when.

    `text` is a comparison of two arithmetic expressions over members and constants, as normalised C. It says something
    only where all members that it names do. `evidence` is where prose states it.
    """

    text: str
    condition: Condition | None = None
    evidence: Place = field(default=NOWHERE, compare=False)


def features_of(condition: Condition | None) -> tuple[str, ...]:
    """The features that a condition names."""
    match condition:
        case Feature(name=name):
            return (name,)
        case AllOf(terms=terms) | AnyOf(terms=terms):
            return tuple(name for term in terms for name in features_of(term))
        case Not(term=term):
            return features_of(term)
        case _:
            return ()


def condition_text(condition: Condition | None, *, digests: bool = False) -> str:
    """A condition in terms of the specification's names; "" where there is none, or none that can be written down.

    With `digests`, what only prose states is written as its digest: two texts differ where the conditions do.
    """
    match condition:
        case Feature(name=name):
            return name
        case FieldIs(path=path, value=value):
            return f"{path} == {value}"
        case Not(term=term):
            inner = condition_text(term, digests=digests)
            return f"not ({inner})" if inner else ""
        case AllOf(terms=terms) | AnyOf(terms=terms):
            word = " and " if isinstance(condition, AllOf) else " or "
            texts = [condition_text(term, digests=digests) for term in terms]
            nested = [isinstance(term, (AllOf, AnyOf)) for term in terms]
            return word.join(f"({t})" if n else t for t, n in zip(texts, nested, strict=True)) if all(texts) else ""
        case Prose(digest=digest) if digests:
            return f"text {digest[:12]}"
        case _:
            return ""


def relation_text(relation: Relation) -> str:
    """A relation, and when it holds."""
    condition = condition_text(relation.condition, digests=True)
    return f"{relation.text} if {condition}" if condition else relation.text
