"""Facts that only a paragraph of prose states, where one of two texts has another paragraph.

Such a fact is reviewed by a person and tied to the wording, and to a key. A model whose text has another wording, or
another name for what the fact is about, does not have it, which says nothing about the fact: for a comparison it is
taken over from the other model, in the names of this one, and the finding is that the paragraph has changed, unless it
is only written in another way. What is found under no name has lost its facts, and a person has to see to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from virtspec.diff.respell import Respelling, tag_of
from virtspec.diff.wording import same_wording
from virtspec.model import (
    DEVICE_CONFIG,
    STALE,
    UNPLACED,
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
    relation_text,
    share_fields,
)

# a listing, or as much of it as a paragraph has: empty lines divide it too
_LISTING = re.compile(
    r"\\begin\{lstlisting\}.*?(?:\\end\{lstlisting\}|\Z)|\A(?:(?!\\begin\{lstlisting\}).)*?\\end\{lstlisting\}",
    re.DOTALL,
)

_SKIPPED = re.compile(rf"(\w+) of (.+): (?:{re.escape(STALE)}|{re.escape(UNPLACED)})")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A fact of one model about something that the other one does not seem to have. `within` is where the struct or
    table is that it belongs to."""

    kind: str
    subject: str
    place: Place
    within: Place


def stale_facts(spec: Spec) -> list[tuple[str, str]]:
    """The keys and kinds of the facts that a model lacks: their paragraph is not there as it was reviewed, or what they
    are about is not there by that name."""
    matches = (_SKIPPED.fullmatch(s.reason) for s in spec.coverage.skipped if s.what == "annotation")
    return [(match[2], match[1]) for match in matches if match]


def missing_facts(full: Spec, lacking: Spec) -> list[tuple[str, str]]:
    """The facts that one model lacks and the other one has."""
    known = set(stale_facts(full))
    return [fact for fact in stale_facts(lacking) if fact not in known]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Both models with the facts that one has of the other; which they are, and which found no place in the new one."""

    old: Spec
    new: Spec
    restated: tuple[Restated, ...]
    lost: tuple[Lost, ...]


def take_over_facts(old: Spec, new: Spec, spelling: Respelling) -> Taken:
    """Two models, each with the facts that only the other one has, in its own names. `spelling` is from old to new."""
    back = spelling.reversed()
    mine, restated, lost = _take_over(old, new, spelling)
    # what only the new text has is new, and no fact of the old one
    theirs, others, _ = _take_over(new, old, back)
    turned = (replace(r, old_place=r.new_place, new_place=r.old_place) for r in others)
    return Taken(old=back.settle(theirs), new=spelling.settle(mine), restated=(*restated, *turned), lost=tuple(lost))


def _take_over(full: Spec, lacking: Spec, spelling: Respelling) -> tuple[Spec, list[Restated], list[Lost]]:
    """The model that lacks facts, with those that the other one has; which they are, and which had no place in it."""
    missing = missing_facts(full, lacking)
    given, work = _Elements(full), _Elements(lacking)
    restated: list[Restated] = []
    lost: list[Lost] = []
    for key, kind in missing:
        element = _element(key, kind)
        work.adopt(element, given, spelling)
        if work.at(spelling.key(element)) is None:
            place = given.states(key, kind)
            if place is not None:
                owner = given.at(element.rpartition("/")[0])
                within = owner.place if owner is not None else place
                lost.append(Lost(kind=kind, subject=_subject(key), place=place, within=within))
            continue
        places = work.take(key, kind, given, spelling)
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
    return work.spec(lacking) if restated else lacking, restated, lost


def _element(key: str, kind: str) -> str:
    """The key of what a fact is about: a relation is one of several that a struct may have."""
    return "/".join(key.split("/", 3)[:3]) if kind == "relation" else key


def _subject(key: str) -> str:
    return key.split("/", 2)[-1].replace("/", ".")


class _Elements:
    """The elements of a model by key, while facts are given to them."""

    def __init__(self, spec: Spec) -> None:
        self.structs = {s.key: s for s in spec.structs}
        self.registries = {r.key: r for r in spec.registries}
        self.constants = {c.key: c for c in spec.constants}
        self.tags = {s.name for s in spec.structs}
        self.values = {c.name: c.value for c in reversed(spec.constants)}

    def spec(self, spec: Spec) -> Spec:
        """The model with its elements as they are now, and with what follows from payloads that they got."""
        structs = tuple(self.structs.values())
        registries = share_fields(tuple(self.registries.values()), structs)
        return replace(spec, structs=structs, registries=registries, constants=tuple(self.constants.values()))

    def at(self, key: str) -> Struct | Member | Registry | Entry | Constant | None:
        """The element of a key; None where there is none."""
        above, _, name = key.rpartition("/")
        if above in self.registries:
            return next((e for e in self.registries[above].entries if e.name == name), None)
        if above in self.structs:
            return _find(self.structs[above].members, name.split("."))
        return self.registries.get(key) or self.structs.get(key) or self.constants.get(key)

    def states(self, key: str, kind: str) -> Place | None:
        """Where the element is that has a fact; None where there is none that has it."""
        element = self.at(_element(key, kind))
        match element:
            case Struct() if kind == "relation":
                return next((r.evidence for r in element.relations if f"{element.key}/{relation_text(r)}" == key), None)
            case Struct() if kind != "example":
                stated = any(_states(member, kind) for member in element.members)
            case Registry() if kind in ("bind", "condition"):
                stated = any(_states(entry, kind) for entry in element.entries)
            case None:
                return None
            case _:
                stated = _states(element, kind)
        return element.place if stated else None

    def adopt(self, key: str, other: _Elements, spelling: Respelling) -> None:
        """Make a table that the other model has, of constants that this one has too: nothing but a fact makes a list of
        them."""
        for above in (key, key.rpartition("/")[0]):
            theirs = other.registries.get(above)
            here = spelling.key(above)
            if theirs is None or here in self.registries or not theirs.entries:
                continue
            listed = spelling.registry(theirs)
            if all(self.values.get(entry.name) == entry.code for entry in listed.entries):
                entries = tuple(replace(entry, bindings=(), condition=None) for entry in listed.entries)
                self.registries[here] = replace(listed, key=here, entries=entries, fields=(), bits=(), ascending=False)

    def take(self, key: str, kind: str, other: _Elements, spelling: Respelling) -> tuple[Place, Place] | None:
        """Give an element the fact that its counterpart has; its places on both sides, None where nothing changes."""
        here = spelling.key(_element(key, kind))
        if kind == "relation":
            return self._relation(key, here, other, spelling)
        if here in self.registries and key in other.registries:
            return self._registry(here, kind, spelling.registry(other.registries[key]))
        if kind == "example":
            structs = _example(here, key, self.structs, other.structs)
            return structs or _example(here, key, self.constants, other.constants)
        if here in self.structs and key in other.structs:
            return self._members(here, kind, other.structs[key], spelling)
        (above, _, name), (origin, _, known) = here.rpartition("/"), key.rpartition("/")
        if above in self.registries and origin in other.registries:
            return self._entry(above, name, kind, spelling.registry(other.registries[origin]))
        if above in self.structs and origin in other.structs:
            path = name.split(".")
            mine = _find(self.structs[above].members, path)
            theirs = _find(other.structs[origin].members, known.split("."))
            if mine is None or theirs is None:
                return None
            given = _member(mine, spelling.inside(tag_of(origin), known.rpartition(".")[0]).fact(theirs), kind)
            if given == mine:
                return None
            struct = self.structs[above]
            self.structs[above] = replace(struct, members=_put(struct.members, path, given))
            return theirs.place, mine.place
        return None

    def _members(self, here: str, kind: str, theirs: Struct, spelling: Respelling) -> tuple[Place, Place] | None:
        """Give the members of a struct what is stated of all of them."""
        mine = self.structs[here]
        others = {spelling.path(theirs.name, m.name): spelling.inside(theirs.name).fact(m) for m in theirs.members}
        given = tuple(_member(m, others[m.name], kind) if m.name in others else m for m in mine.members)
        if given == mine.members:
            return None
        self.structs[here] = replace(mine, members=given)
        return theirs.place, mine.place

    def _relation(self, key: str, here: str, other: _Elements, spelling: Respelling) -> tuple[Place, Place] | None:
        mine, theirs = self.structs.get(here), other.structs.get(_element(key, "relation"))
        if mine is None or theirs is None:
            return None
        stated = next((r for r in theirs.relations if f"{theirs.key}/{relation_text(r)}" == key), None)
        if stated is None:
            return None
        given = replace(spelling.relation(stated, tag_of(theirs.key)), evidence=mine.place)
        if given in mine.relations:
            return None
        self.structs[here] = replace(mine, relations=(*mine.relations, given))
        return stated.evidence, mine.place

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


def _states(element: Member | Entry | Registry | Struct | Constant, kind: str) -> bool:
    """Whether an element has a fact of a kind."""
    if kind == "length":
        return isinstance(element, Member) and _is_long(element.type)
    return bool(getattr(element, "bindings" if kind == "bind" else kind, None))


def _is_long(type_: Type) -> bool:
    return isinstance(type_, Array) and not isinstance(type_.length, (Rest, ExternalLength))


def _condition(mine: Condition | None, theirs: Condition | None) -> Condition | None:
    """What the text states goes before, but for words that the fact puts into terms."""
    return theirs if mine is None or (isinstance(mine, Prose) and theirs is not None) else mine


Example = TypeVar("Example", Struct, Constant)


def _example(here: str, key: str, mine: dict[str, Example], theirs: dict[str, Example]) -> tuple[Place, Place] | None:
    """Let a definition be an example as its counterpart is one."""
    if here not in mine or key not in theirs or mine[here].example == theirs[key].example:
        return None
    mine[here] = replace(mine[here], example=theirs[key].example)
    return theirs[key].place, mine[here].place


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
