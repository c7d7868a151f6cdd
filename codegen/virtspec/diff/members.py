"""Which member of the old struct is which of the new one, and what became of the space between them.

Members are paired by name; those pairs that keep their order are anchors. Between two anchors lies a gap: on each side
a run of members without a partner, and of reserved space. What is in a gap is told by where its bytes lie: a new member
over old reserved space, a new name over the bytes of an old one, bytes put in or taken out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from virtspec.diff.likeness import ALIKE, is_reserved, similarity
from virtspec.diff.shape import Shapes
from virtspec.layout import Sizes
from virtspec.model import Aggregate, Array, Bit, Bits, Count, Member, Type


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A member and its place: bytes from the start of its segment, which ends behind a member of variable size."""

    member: Member
    label: str
    segment: int
    offset: int
    size: int | None
    index: int

    @property
    def reserved(self) -> bool:
        """Whether it is only space."""
        return is_reserved(self.member.name)

    @property
    def end(self) -> int:
        return self.offset + (self.size or 0)


@dataclass(frozen=True, slots=True)
class Pair:
    """A member before and after. `evidence` is given where it has another name."""

    old: Placed
    new: Placed
    evidence: tuple[str, ...] = ()

    @property
    def renamed(self) -> bool:
        return self.old.label != self.new.label


@dataclass(frozen=True, slots=True)
class MovedBit:
    """A bit-field that has gone to another integer of its struct."""

    old: Bit
    new: Bit
    source: Placed
    target: Placed


@dataclass(slots=True)
class Gap:
    """What lies between two anchors: old and new members without a partner. `shift` is how far the new side has moved
    against the old one; `stays` says that what follows has moved no farther, `tail` that nothing follows. `before` and
    `after` are the anchors, None at the ends."""

    old: list[Placed]
    new: list[Placed]
    shift: int
    stays: bool
    tail: bool
    before: Pair | None
    after: Pair | None


@dataclass(slots=True)
class Pairing:
    """All pairs in the new order, those that have left their place in the order, and the gaps; and the bit-fields that
    have left their integer."""

    pairs: list[Pair] = field(default_factory=list)
    moved: list[Pair] = field(default_factory=list)
    swapped: list[tuple[Pair, Pair]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    bits: list[MovedBit] = field(default_factory=list)


def place(members: Sequence[Member], sizes: Sizes, *, union: bool) -> list[Placed]:
    """Members with their places. Members of an unnamed struct inside a struct are those of the outer one."""
    placed: list[Placed] = []
    segment = offset = 0
    unnamed: dict[str, int] = defaultdict(int)

    def add(members: Sequence[Member]) -> None:
        nonlocal segment, offset
        for member in members:
            if not union and not member.name and isinstance(member.type, Aggregate) and member.type.kind == "struct":
                add(member.type.members)
                continue
            label = member.name
            if not label:
                kind = _kind(member)
                unnamed[kind] += 1
                label = f"<{kind} {unnamed[kind]}>" if unnamed[kind] > 1 else f"<{kind}>"
            size = sizes.type(member.type)
            placed.append(Placed(member, label, segment, offset, size, len(placed)))
            if union:
                continue
            if size is None:
                segment, offset = segment + 1, 0
            else:
                offset += size

    add(members)
    return placed


def _kind(member: Member) -> str:
    match member.type:
        case Aggregate(kind=kind):
            return kind
        case Bits():
            return "bits"
        case Array():
            return "array"
        case _:
            return "unnamed"


def pair_members(old: list[Placed], new: list[Placed], one: Shapes, other: Shapes) -> Pairing:
    """Pair the members of a struct."""
    named = [Pair(a, b) for a, b in _by_name(old, new)]
    pairing = _analyse(named, old, new)
    found = [pair for gap in pairing.gaps for pair in _renames(gap, one, other)]
    if found:
        pairing = _analyse([*named, *found], old, new)
    pairing.bits = _moved_bits(pairing.pairs, old, new)
    return pairing


def _moved_bits(pairs: list[Pair], old: list[Placed], new: list[Placed]) -> list[MovedBit]:
    """The bit-fields that are in one integer of both texts, and not in the same one."""
    partners = {id(p.old): p.new for p in pairs}
    after = _bits(new)
    paired = {id(b) for b in partners.values()}
    found: list[MovedBit] = []
    for name, (source, bit) in _bits(old).items():
        target, moved = after.get(name, (None, None))
        partner = partners.get(id(source))
        if target is not None and moved is not None and id(target) in paired and partner not in (None, target):
            found.append(MovedBit(bit, moved, source, target))
    return found


def _bits(placed: list[Placed]) -> dict[str, tuple[Placed, Bit]]:
    """The bit-fields whose names stand for one of them only, each with its integer."""
    found: dict[str, list[tuple[Placed, Bit]]] = defaultdict(list)
    for one in placed:
        if isinstance(one.member.type, Bits):
            for bit in one.member.type.fields:
                found[bit.name].append((one, bit))
    return {name: each[0] for name, each in found.items() if len(each) == 1 and not is_reserved(name)}


def pair_arms(
    old: list[Placed], new: list[Placed], one: Shapes, other: Shapes
) -> tuple[list[Pair], list[Placed], list[Placed]]:
    """Pair the arms of a union, whose order means nothing; what is left on the old and on the new side."""
    pairs = [Pair(a, b) for a, b in _by_name(old, new, reserved=True)]
    gone = [a for a in old if all(a is not p.old for p in pairs)]
    come = [b for b in new if all(b is not p.new for p in pairs)]
    for a in list(gone):
        alike = [b for b in come if _same_type(a.member.type, b.member.type, one, other)]
        best = max(alike, key=lambda b: similarity(a.label, b.label), default=None)
        if best is not None and similarity(a.label, best.label) >= ALIKE:
            pairs.append(Pair(a, best, ("the same type", f"names alike by {similarity(a.label, best.label):.0%}")))
            gone.remove(a)
            come.remove(best)
    return pairs, gone, come


def _by_name(old: list[Placed], new: list[Placed], *, reserved: bool = False) -> list[tuple[Placed, Placed]]:
    known: dict[str, list[Placed]] = defaultdict(list)
    for a in old:
        if reserved or not a.reserved:
            known[a.label].append(a)
    return [(known[b.label].pop(0), b) for b in new if (reserved or not b.reserved) and known.get(b.label)]


def _analyse(pairs: list[Pair], old: list[Placed], new: list[Placed]) -> Pairing:
    pairs = sorted(pairs, key=lambda p: p.new.index)
    swapped = _swaps(pairs)
    exchanged = {id(p) for swap in swapped for p in swap}
    rest = [p for p in pairs if id(p) not in exchanged]
    anchors = _rising(rest)
    kept = {id(p) for p in anchors}
    paired = {id(p.old) for p in pairs} | {id(p.new) for p in pairs}
    pairing = Pairing(pairs=pairs, moved=[p for p in rest if id(p) not in kept], swapped=swapped)
    before: Pair | None = None
    for after in [*anchors, None]:
        i, j = (before.old.index + 1, before.new.index + 1) if before else (0, 0)
        m, n = (after.old.index, after.new.index) if after else (len(old), len(new))
        old_run = [a for a in old[i:m] if id(a) not in paired]
        new_run = [b for b in new[j:n] if id(b) not in paired]
        shift = before.new.offset - before.old.offset if before else 0
        if old_run or new_run:
            stays = after is None or (
                after.new.offset - after.old.offset == shift and after.new.segment == after.old.segment
            )
            pairing.gaps.append(Gap(old_run, new_run, shift, stays, after is None, before, after))
        before = after
    return pairing


def _rising(pairs: list[Pair]) -> list[Pair]:
    """The longest run of pairs that have kept their order (pairs come in the new order)."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, pair in enumerate(pairs):
        k = bisect_left(tails, pair.old.index)
        previous.append(ends[k - 1] if k else -1)
        if k == len(tails):
            tails.append(pair.old.index)
            ends.append(index)
        else:
            tails[k] = pair.old.index
            ends[k] = index
    run: list[Pair] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = previous[index]
    return run[::-1]


def _swaps(pairs: list[Pair]) -> list[tuple[Pair, Pair]]:
    """Pairs that stand where the other one stood."""
    order = sorted(range(len(pairs)), key=lambda i: pairs[i].old.index)
    rank = {i: r for r, i in enumerate(order)}
    return [(pairs[rank[i]], pairs[i]) for i in range(len(pairs)) if rank[i] < i and rank[rank[i]] == i]


def _renames(gap: Gap, one: Shapes, other: Shapes) -> list[Pair]:
    """Pairs within a gap: the same bytes under a name that is alike or the only candidate, or a name much alike."""
    gone = [a for a in gap.old if not a.reserved]
    come = [b for b in gap.new if not b.reserved]
    found: list[Pair] = []
    for a in list(gone):
        for b in come:
            same_place = a.segment == b.segment and a.offset + gap.shift == b.offset and a.size == b.size
            if same_place and gap.stays and _same_type(a.member.type, b.member.type, one, other):
                found.append(Pair(a, b, _evidence(a, b, "the same bytes", "the same type")))
                gone.remove(a)
                come.remove(b)
                break
    for a in list(gone):
        best = max(come, key=lambda b: similarity(a.label, b.label), default=None)
        if best is not None and similarity(a.label, best.label) >= ALIKE:
            same = _same_type(a.member.type, best.member.type, one, other)
            found.append(Pair(a, best, _evidence(a, best, "between the same members", "the same type" if same else "")))
            gone.remove(a)
            come.remove(best)
    return found


def _same_type(a: Type, b: Type, one: Shapes, other: Shapes) -> bool:
    """Whether two members have the same type. A length that depends on data does not tell them apart: it is a fact of
    its own, speaks of others by names that change too, and may be recorded for one of the two texts only."""
    if isinstance(a, Array) and isinstance(b, Array) and not any(isinstance(t.length, Count) for t in (a, b)):
        a, b = a.element, b.element
    return one.of(a) == other.of(b)


def overlap(a: Placed, b: Placed, shift: int) -> bool:
    """Whether a new member lies over bytes of an old one, where everything has moved by `shift`."""
    if a.segment != b.segment:
        return False
    if a.size is None or b.size is None:
        return a.offset + shift == b.offset
    return a.offset + shift < b.end and b.offset < a.end + shift


def kept_space(b: Placed, gap: Gap) -> Placed | None:
    """The reserved space of the old side that has stayed as `b`: it alone lies below it, and is as large."""
    under = [a for a in gap.old if overlap(a, b, gap.shift)]
    if len(under) != 1 or not under[0].reserved:
        return None
    return under[0] if (under[0].offset + gap.shift, under[0].size) == (b.offset, b.size) else None


def _evidence(a: Placed, b: Placed, *reasons: str) -> tuple[str, ...]:
    return (*(r for r in reasons if r), f"names alike by {similarity(a.label, b.label):.0%}")
