"""Facts that only a paragraph of prose states, where one of two texts has another paragraph.

Such a fact is reviewed by a person and tied to the wording. A model whose text has another wording does not have it,
which says nothing about the fact: for a comparison it is taken over from the other model, and the finding is that the
paragraph has changed, unless it is only written in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from virtspec.diff.wording import same_wording
from virtspec.model import (
    DEVICE_CONFIG,
    STALE,
    Aggregate,
    Array,
    Condition,
    Constant,
    Entry,
    ExternalLength,
    Member,
    Place,
    Prose,
    Registry,
    Rest,
    Spec,
    Struct,
    Type,
    share_fields,
)

# a listing, or as much of it as a paragraph has: empty lines divide it too
_LISTING = re.compile(
    r"\\begin\{lstlisting\}.*?(?:\\end\{lstlisting\}|\Z)|\A(?:(?!\\begin\{lstlisting\}).)*?\\end\{lstlisting\}",
    re.DOTALL,
)

_SKIPPED = re.compile(rf"(\w+) of (.+): {re.escape(STALE)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restated:
    """A fact that was taken over because the paragraph that states it has changed."""

    kind: str
    subject: str
    old_place: Place
    new_place: Place
    stated: tuple[str, ...]
    """The paragraph that states the fact; none where it comes from a model file."""
    now: tuple[str, ...]
    """The paragraphs that could have become it."""

    def in_other_words(self, renamed: Mapping[str, str]) -> bool:
        """Whether none of the paragraphs has the words of the one that states the fact. What a listing in it says is
        compared as such."""
        now = [_LISTING.sub(" ", text) for text in self.now]
        return not any(same_wording(_LISTING.sub(" ", one), other, renamed) for one in self.stated for other in now)


def stale_facts(spec: Spec) -> list[tuple[str, str]]:
    """The keys and kinds of the facts whose paragraph is not there as it was reviewed."""
    matches = (_SKIPPED.fullmatch(s.reason) for s in spec.coverage.skipped if s.what == "annotation")
    return [(match[2], match[1]) for match in matches if match]


def take_over(full: Spec, lacking: Spec) -> tuple[Spec, list[Restated]]:
    """The model that lacks facts, with those that the other one has; and which they are."""
    missing = [fact for fact in stale_facts(lacking) if fact not in set(stale_facts(full))]
    if not missing:
        return lacking, []
    given, work = _Elements(full), _Elements(lacking)
    restated: list[Restated] = []
    for key, kind in missing:
        places = work.take(key, kind, given)
        if places is not None:
            restated.append(
                Restated(
                    kind=kind,
                    subject=_subject(key),
                    old_place=places[0],
                    new_place=places[1],
                    stated=full.paragraphs.get((key, kind), ()),
                    now=lacking.paragraphs.get((key, kind), ()),
                )
            )
    return work.spec(lacking), restated


def _subject(key: str) -> str:
    return key.split("/", 2)[-1].replace("/", ".")


class _Elements:
    """The elements of a model by key, while facts are given to them."""

    def __init__(self, spec: Spec) -> None:
        self.structs = {s.key: s for s in spec.structs}
        self.registries = {r.key: r for r in spec.registries}
        self.constants = {c.key: c for c in spec.constants}
        self.tags = {s.name for s in spec.structs}

    def spec(self, spec: Spec) -> Spec:
        """The model with its elements as they are now, and with what follows from payloads that they got."""
        structs = tuple(self.structs.values())
        registries = share_fields(tuple(self.registries.values()), structs)
        return replace(spec, structs=structs, registries=registries, constants=tuple(self.constants.values()))

    def take(self, key: str, kind: str, other: _Elements) -> tuple[Place, Place] | None:
        """Give an element the fact that its counterpart has; its places on both sides, None where nothing changes."""
        above, _, name = key.rpartition("/")
        if key in self.registries and key in other.registries:
            return self._registry(key, kind, other.registries[key])
        if kind == "example":
            return _example(key, self.structs, other.structs) or _example(key, self.constants, other.constants)
        if above in self.registries and above in other.registries:
            return self._entry(above, name, kind, other.registries[above])
        if above in self.structs and above in other.structs:
            path = name.split(".")
            mine, theirs = _find(self.structs[above].members, path), _find(other.structs[above].members, path)
            if mine is None or theirs is None:
                return None
            given = _member(mine, theirs, kind)
            if given == mine:
                return None
            struct = self.structs[above]
            self.structs[above] = replace(struct, members=_put(struct.members, path, given))
            return theirs.place, mine.place
        return None

    def _registry(self, key: str, kind: str, theirs: Registry) -> tuple[Place, Place] | None:
        mine = self.registries[key]
        given = mine
        if kind == "fields":
            given = replace(mine, fields=theirs.fields, tag=theirs.tag)
        elif kind == "bits":
            given = replace(mine, fields=tuple(f for f in mine.fields if f not in theirs.bits), bits=theirs.bits)
        elif kind == "ascending":
            given = replace(mine, ascending=theirs.ascending)
        elif kind in ("bind", "condition"):
            others = {e.name: e for e in theirs.entries}
            entries = (self._given(e, others[e.name], kind) if e.name in others else e for e in mine.entries)
            given = replace(mine, entries=tuple(entries))
        if given == mine:
            return None
        self.registries[key] = given
        return theirs.place, mine.place

    def _entry(self, above: str, name: str, kind: str, other: Registry) -> tuple[Place, Place] | None:
        registry = self.registries[above]
        mine = next((e for e in registry.entries if e.name == name), None)
        theirs = next((e for e in other.entries if e.name == name), None)
        if mine is None or theirs is None:
            return None
        given = self._given(mine, theirs, kind)
        if given == mine:
            return None
        entries = tuple(given if e is mine else e for e in registry.entries)
        self.registries[above] = replace(registry, entries=entries)
        return theirs.place, mine.place

    def _given(self, mine: Entry, theirs: Entry, kind: str) -> Entry:
        if kind == "condition":
            return replace(mine, condition=_condition(mine.condition, theirs.condition))
        # what the text states goes before, unless the struct that it names does not exist
        stated = tuple(b for b in mine.bindings if b.struct == DEVICE_CONFIG or b.tag in self.tags)
        known = {(b.slot, b.struct) for b in theirs.bindings}
        others = {b.slot for b in stated if (b.slot, b.struct) not in known}
        taken = tuple(b for b in theirs.bindings if b.slot not in others and b not in stated)
        return replace(mine, bindings=(*stated, *taken))


def _condition(mine: Condition | None, theirs: Condition | None) -> Condition | None:
    """What the text states goes before, but for words that the fact puts into terms."""
    return theirs if mine is None or (isinstance(mine, Prose) and theirs is not None) else mine


Example = TypeVar("Example", Struct, Constant)


def _example(key: str, mine: dict[str, Example], theirs: dict[str, Example]) -> tuple[Place, Place] | None:
    """Let a definition be an example as its counterpart is one."""
    if key not in mine or key not in theirs or mine[key].example == theirs[key].example:
        return None
    mine[key] = replace(mine[key], example=theirs[key].example)
    return theirs[key].place, mine[key].place


def _member(mine: Member, theirs: Member, kind: str) -> Member:
    match kind:
        case "length":
            a, b = mine.type, theirs.type
            if isinstance(a, Array) and isinstance(b, Array) and isinstance(a.length, (Rest, ExternalLength)):
                # rows that do not tell where they end count as one array with the length of all of them
                rows = isinstance(a.element, Array) and a.element.element == b.element
                return replace(mine, type=b if rows else replace(a, length=b.length))
            return mine
        case "condition":
            return replace(mine, condition=_condition(mine.condition, theirs.condition))
        case "direction":
            return replace(mine, direction=mine.direction or theirs.direction)
        case "optional":
            return replace(mine, optional=theirs.optional or mine.optional)
        case _:
            return mine


# --- paths ------------------------------------------------------------------------------------------------


def _inner(type_: Type) -> tuple[Member, ...]:
    while isinstance(type_, Array):
        type_ = type_.element
    return type_.members if isinstance(type_, Aggregate) else ()


def _below(members: tuple[Member, ...], path: list[str]) -> Iterator[tuple[Member, list[str]]]:
    """The members through which a path may lead, with what is left of it; unnamed ones take no word of it."""
    for member in members:
        if member.name == path[0]:
            yield member, path[1:]
        elif not member.name:
            yield member, path


def _find(members: tuple[Member, ...], path: list[str]) -> Member | None:
    for member, rest in _below(members, path):
        found = member if not rest else _find(_inner(member.type), rest)
        if found is not None:
            return found
    return None


def _put(members: tuple[Member, ...], path: list[str], given: Member) -> tuple[Member, ...]:
    """Members with the one at a path replaced."""
    for member, rest in _below(members, path):
        if not rest:
            changed = given
        elif _find(_inner(member.type), rest) is not None:
            changed = replace(member, type=_with(member.type, _put(_inner(member.type), rest, given)))
        else:
            continue
        return tuple(changed if m is member else m for m in members)
    return members


def _with(type_: Type, members: tuple[Member, ...]) -> Type:
    if isinstance(type_, Array):
        return replace(type_, element=_with(type_.element, members))
    assert isinstance(type_, Aggregate)
    return replace(type_, members=members)
