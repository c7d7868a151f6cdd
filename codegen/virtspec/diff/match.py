"""Which definition of the old model is which of the new one: by key, by name, and where neither helps by what it says.

A pair of definitions with different names carries its evidence: the layout, the neighbours, the names' likeness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from virtspec.diff.likeness import ALIKE, similarity
from virtspec.layout import Layouts
from virtspec.model import Constant, FeatureBit, Registry, Struct

T = TypeVar("T", Struct, Constant, FeatureBit, Registry)

CERTAIN = 1.5
"""The least sum of evidence that makes two structs of different names the same one."""


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A definition before and after; `evidence` is given where it has another name."""

    old: T
    new: T
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matched(Generic[T]):
    """All pairs, and what stands alone on either side."""

    pairs: tuple[Match[T], ...]
    removed: tuple[T, ...]
    added: tuple[T, ...]

    def over(self, old: Mapping[str, T], new: Mapping[str, T]) -> Matched[T]:
        """The same of things that have been changed since, given by key."""
        return Matched(
            tuple(Match(old[m.old.key], new[m.new.key], m.evidence) for m in self.pairs),
            tuple(old[a.key] for a in self.removed),
            tuple(new[b.key] for b in self.added),
        )


class _Pairs(Generic[T]):
    """Pairs found so far, and what is left. Things are told apart by identity: hashing a struct means walking it."""

    def __init__(self, old: Iterable[T], new: Iterable[T]) -> None:
        self._old: dict[int, T] = {id(a): a for a in old}
        self._new: dict[int, T] = {id(b): b for b in new}
        self.found: list[Match[T]] = []

    @property
    def old(self) -> list[T]:
        return list(self._old.values())

    @property
    def new(self) -> list[T]:
        return list(self._new.values())

    def pair(self, a: T, b: T, evidence: tuple[str, ...] = ()) -> bool:
        """Pair two things, unless one of them has its partner already."""
        if id(a) not in self._old or id(b) not in self._new:
            return False
        self.found.append(Match(a, b, evidence))
        del self._old[id(a)]
        del self._new[id(b)]
        return True

    def by(self, key: Callable[[T], Hashable], *, unique: bool = True) -> None:
        """Pair what has the same key; with `unique` only where one thing on each side has it."""
        one: dict[Hashable, list[T]] = defaultdict(list)
        other: dict[Hashable, list[T]] = defaultdict(list)
        for a in self._old.values():
            one[key(a)].append(a)
        for b in self._new.values():
            other[key(b)].append(b)
        for k, candidates in one.items():
            rivals = other.get(k, [])
            if unique and (len(candidates) > 1 or len(rivals) > 1):
                continue
            for a, b in zip(candidates, rivals, strict=False):
                self.pair(a, b)

    def done(self) -> Matched[T]:
        return Matched(tuple(self.found), tuple(self._old.values()), tuple(self._new.values()))


# --- structs ----------------------------------------------------------------------------------------------


def match_structs(one: Layouts, other: Layouts) -> Matched[Struct]:
    """Pair the structs of two models, given by their layouts."""
    old, new = one.spec.structs, other.spec.structs
    pairs = _Pairs(old, new)
    several = {s.name for s in (*old, *new) if s.variant > 1}
    pairs.by(lambda s: s.key if s.name not in several else ("variant", id(s)))
    # variants of one name are numbered in the order of the text: what they say goes before their number
    pairs.by(lambda s: (s.module, s.name, s.kind, s.members), unique=False)
    pairs.by(lambda s: (s.name, s.kind, s.members), unique=False)
    pairs.by(lambda s: s.key)
    pairs.by(lambda s: (s.name, s.kind in ("struct", "union")))
    # a group of bits outside any struct has no name of its own
    pairs.by(lambda s: (s.module, s.kind, s.members) if s.kind == "bits" else s.key)
    likeness = _Likeness(one, other, pairs.found)
    ranked = [
        (score, a, b, evidence)
        for a in pairs.old
        for b in pairs.new
        if a.kind == b.kind
        for score, evidence in (likeness.of(a, b),)
        if score >= CERTAIN
    ]
    ranked.sort(key=lambda r: (-r[0], r[1].key, r[2].key))
    for _, a, b, evidence in ranked:
        pairs.pair(a, b, evidence)
    return pairs.done()


class _Likeness:
    """How much speaks for two structs of different names being the same one: their layouts and names, and whether they
    stand beside structs that are known to be the same."""

    def __init__(self, one: Layouts, other: Layouts, known: Iterable[Match[Struct]]) -> None:
        self.one = one
        self.other = other
        self.before = _neighbours(one.spec.structs)
        self.after = _neighbours(other.spec.structs)
        self.partners = {m.old.key: m.new.key for m in known}

    def of(self, a: Struct, b: Struct) -> tuple[float, tuple[str, ...]]:
        """The evidence, and what it sums up to: layout and names up to 1 each, the neighbourhood up to 0.6."""
        names, more = {m.name for m in a.members if m.name}, {m.name for m in b.members if m.name}
        if a.kind == "field":
            # it is a member outside any struct, of which it has the name
            if [m.type for m in a.members] != [m.type for m in b.members]:
                return 0.0, ()
        elif not (names & more) and a.members != b.members:
            return 0.0, ()
        alike = similarity(a.name, b.name)
        neighbours = zip(self.before[a.key], self.after[b.key], strict=True)
        beside = sum(self.partners.get(old) == new for old, new in neighbours)
        if alike < ALIKE and not beside:
            return 0.0, ()
        first = [(s.path if a.kind != "field" else "", s.offset, s.size) for s in self.one[a.key].slots]
        second = [(s.path if b.kind != "field" else "", s.offset, s.size) for s in self.other[b.key].slots]
        common = len(set(first) & set(second))
        layout = 2 * common / max(1, len(first) + len(second))
        evidence = [f"{common} of {max(len(first), len(second))} members alike", f"names alike by {alike:.0%}"]
        if beside:
            evidence.append("between the same neighbours" if beside > 1 else "beside the same neighbour")
        return layout + alike + 0.3 * beside, tuple(evidence)


def _neighbours(structs: Sequence[Struct]) -> dict[str, tuple[str, str]]:
    """The keys of the structs before and behind each one, in the order of the text."""
    keys = ["", *(s.key for s in structs), ""]
    return {keys[i]: (keys[i - 1], keys[i + 1]) for i in range(1, len(keys) - 1)}


# --- values -----------------------------------------------------------------------------------------------


def match_constants(old: Sequence[Constant], new: Sequence[Constant]) -> Matched[Constant]:
    """Pair the constants of two models."""
    pairs = _Pairs(old, new)
    pairs.by(lambda c: c.key)
    pairs.by(lambda c: (c.name, c.value, c.expression if c.value is None else ""), unique=False)
    pairs.by(lambda c: c.name)
    # renamed: the same value in the same group, under a name that is alike
    groups: dict[Hashable, list[Constant]] = defaultdict(list)
    for b in pairs.new:
        groups[_sense(b)].append(b)
    known = (a for a in pairs.old if a.value is not None or a.expression)
    ranked = [(similarity(a.name, b.name), a, b) for a in known for b in groups[_sense(a)]]
    ranked.sort(key=lambda r: (-r[0], r[1].key, r[2].key))
    for alike, a, b in ranked:
        if alike >= 0.6:
            pairs.pair(a, b, ("the same value", f"names alike by {alike:.0%}"))
    return pairs.done()


def _sense(constant: Constant) -> Hashable:
    """What a constant is, its name aside: where it is defined, and its value or the expression that stands for it."""
    value = constant.expression if constant.value is None else constant.value
    return constant.module, constant.kind, constant.owner, value, constant.parameters


def match_features(old: Sequence[FeatureBit], new: Sequence[FeatureBit]) -> Matched[FeatureBit]:
    """Pair the feature bits of two models; of two names for one bit of a device, the new one is a new name."""
    pairs = _Pairs(old, new)
    pairs.by(lambda f: f.key)
    pairs.by(lambda f: (f.name, f.legacy, f.bit))
    pairs.by(lambda f: (f.name, f.module))
    pairs.by(lambda f: f.name)
    for a in pairs.old:
        same = [b for b in pairs.new if b.module == a.module and b.bit == a.bit and b.legacy == a.legacy]
        best = max(same, key=lambda b: similarity(a.name, b.name), default=None)
        if best is not None and similarity(a.name, best.name) >= ALIKE:
            alike = similarity(a.name, best.name)
            pairs.pair(a, best, ("the same bit", f"names alike by {alike:.0%}"))
    return pairs.done()


# --- registries -------------------------------------------------------------------------------------------


def match_registries(old: Sequence[Registry], new: Sequence[Registry]) -> Matched[Registry]:
    """Pair the tables of codes by what they list; the number in a key only counts the tables of a section."""
    pairs = _Pairs(old, new)
    pairs.by(lambda r: (r.key, r.tag, tuple((e.code, e.name) for e in r.entries), r.ranges))
    _pair_tables([(a, b) for a in pairs.old for b in pairs.new if a.module == b.module], pairs)
    pairs.by(lambda r: r.key)
    # the chapters of two devices may list the same few names: another chapter's table only comes into question at last
    _pair_tables([(a, b) for a in pairs.old for b in pairs.new], pairs)
    return pairs.done()


def _pair_tables(candidates: Iterable[tuple[Registry, Registry]], pairs: _Pairs[Registry]) -> None:
    ranked = [(score, a, b) for a, b in candidates if (score := _table_likeness(a, b)) > 0]
    ranked.sort(key=lambda r: (-r[0], r[1].key, r[2].key))
    for _, a, b in ranked:
        pairs.pair(a, b, () if a.name == b.name else ("the same entries",))


def _table_likeness(a: Registry, b: Registry) -> float:
    one, other = {e.name for e in a.entries}, {e.name for e in b.entries}
    common = len(one & other)
    if one and other and not common:
        return 0.0
    share = common / max(1, min(len(one), len(other))) if one and other else 0.0
    if share < 0.5 and a.key != b.key:
        # tables without entries only have their place and their ranges
        return 0.1 if (a.module, a.name, a.tag, a.ranges) == (b.module, b.name, b.tag, b.ranges) else 0.0
    # the same key alone is no more than a hint: another table of the section may have got the number
    return share + common / 1000 + 0.2 * (a.tag == b.tag) + 0.1 * (a.module == b.module) + 0.05 * (a.key == b.key)
