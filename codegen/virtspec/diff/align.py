"""Two structs side by side: which member is which, and which of them is called otherwise now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from virtspec.diff.bits import pair_bits
from virtspec.diff.context import Context
from virtspec.diff.members import Pairing, Placed, kept_space, pair_arms, pair_members, place
from virtspec.diff.types import Nested, compare_types
from virtspec.model import Aggregate, Bits, Member, Struct, StructRef, innermost, names_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The members of two structs, paired. A union has no order and no gaps: there, `gone` and `come` stand alone.
    `regrouped` says that there are the same names at the same bytes, nested in another way: nothing is paired."""

    old: list[Placed]
    new: list[Placed]
    union: bool
    pairing: Pairing
    gone: tuple[Placed, ...] = ()
    come: tuple[Placed, ...] = ()
    regrouped: bool = False


def align(old: tuple[Member, ...], new: tuple[Member, ...], context: Context, *, union: bool) -> Run:
    """Pair the members of two structs or unions."""
    one, other = context.old.shapes, context.new.shapes
    a = place(old, context.old.layouts.sizes, union=union)
    b = place(new, context.new.layouts.sizes, union=union)
    if union:
        pairs, gone, come = pair_arms(a, b, one, other)
        return Run(old=a, new=b, union=True, pairing=Pairing(pairs=pairs), gone=tuple(gone), come=tuple(come))
    if _regrouped(a, b, context):
        return Run(old=a, new=b, union=False, pairing=Pairing(), regrouped=True)
    return Run(old=a, new=b, union=False, pairing=pair_members(a, b, one, other))


def _regrouped(a: list[Placed], b: list[Placed], context: Context) -> bool:
    """Whether two runs of members have the same names at the same bytes, nested in another way."""
    if [p.label for p in a] == [p.label for p in b] or [_outside(p) for p in a] == [_outside(p) for p in b]:
        return False
    one, other = context.old.shapes, context.new.shapes
    return one.leaves(p.member for p in a) == other.leaves(p.member for p in b)


def _outside(placed: Placed) -> tuple[int, int, int | None, bool]:
    """What is seen of a member without looking into it."""
    nested = isinstance(innermost(placed.member.type), (StructRef, Aggregate))
    return placed.segment, placed.offset, placed.size, nested


def renamed_members(old: Struct, new: Struct, context: Context) -> dict[str, str]:
    """The members and bit-fields that are called otherwise now, by their paths: those of the new struct, but for the
    old name at the end."""
    if old.members == new.members or {old.kind, new.kind} == {"struct", "union"}:
        return {}
    found = dict(_renamed(old.members, new.members, context, "", union=new.kind == "union"))
    nested = [path for path in found if "." in path]
    if nested:
        # text calls what is nested by its name alone, where no other member has it
        before, after = Counter(names_in(old.members)), Counter(names_in(new.members))
        alone = [(path.rpartition(".")[2], found[path].rpartition(".")[2]) for path in nested]
        found.update((a, b) for a, b in alone if before[a] == after[b] == 1 and a not in found)
    return found


def _renamed(
    old: tuple[Member, ...], new: tuple[Member, ...], context: Context, above: str, *, union: bool
) -> Iterator[tuple[str, str]]:
    run = align(old, new, context, union=union)
    moved = tuple(bit for one in run.pairing.bits for bit in (one.old, one.new))
    for pair in run.pairing.pairs:
        a, b = pair.old, pair.new
        if pair.renamed:
            yield above + a.label, above + b.label
        below = f"{above}{b.member.name}." if b.member.name else above
        for found in compare_types(a.member.type, b.member.type, context, context.spelling.inside("")):
            match found:
                case Nested(old=Bits() as one, new=Bits() as other):
                    pairs = pair_bits(one, other, moved).pairs
                    yield from ((below + x.name, below + y.name) for x, y in pairs if x.name != y.name)
                case Nested(old=(Aggregate() | Struct()) as one, new=(Aggregate() | Struct()) as other):
                    yield from _renamed(one.members, other.members, context, below, union=other.kind == "union")
    for gap in run.pairing.gaps:
        if gap.stays or gap.tail:
            kept = ((kept_space(b, gap), b) for b in gap.new if b.reserved)
            yield from ((above + a.label, above + b.label) for a, b in kept if a is not None and a.label != b.label)
