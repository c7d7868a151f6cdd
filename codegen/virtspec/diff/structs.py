"""What became of one struct: its members by place, type and condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from virtspec.diff.align import Run, align
from virtspec.diff.bits import compare_bits, moved_bit
from virtspec.diff.change import Change, Verdict, counted
from virtspec.diff.conditions import compare_conditions
from virtspec.diff.context import Context
from virtspec.diff.gaps import Growth, Scope, compare_gap, listed, member_facts
from virtspec.diff.members import Pair, Pairing, Placed
from virtspec.diff.rules import change
from virtspec.diff.types import Nested, TypeChange, compare_types, declared
from virtspec.model import Aggregate, Array, Bit, Bits, Count, Integer, Member, Struct, StructRef, Type, innermost


def compare_structs(old: Struct, new: Struct, context: Context) -> Iterator[Change]:
    """The findings about a struct that both models have."""
    if _same(old, new) and not _embeds_other(new, context):
        return
    scope = Scope(
        context,
        old,
        new,
        "",
        config=context.new.is_config(new) or context.old.is_config(old),
        carriers=context.carriers(old, new),
    )
    if {old.kind, new.kind} == {"struct", "union"}:
        message = f"'{new.name}' is a {new.kind} and was a {old.kind}"
        yield change("VD123", new.name, message, old=old.kind, new=new.kind)
        return
    yield from _members(old.members, new.members, scope, union=new.kind == "union")


def _same(old: Struct, new: Struct) -> bool:
    return old.members == new.members and old.kind == new.kind


def _embeds_other(struct: Struct, context: Context) -> bool:
    """Whether a struct that is written as before has another layout through what it contains."""
    one, other = context.old.layouts.sizes, context.new.layouts.sizes
    return any(_contains_struct(m) and one.type(_inner(m)) != other.type(_inner(m)) for m in struct.members)


def _contains_struct(member: Member) -> bool:
    return isinstance(_inner(member), (StructRef, Aggregate))


def _inner(member: Member) -> Type:
    """The type of the elements where a member is an array."""
    return innermost(member.type)


def _members(old: tuple[Member, ...], new: tuple[Member, ...], scope: Scope, *, union: bool) -> Iterator[Change]:
    run = align(old, new, scope.context, union=union)
    if run.union:
        yield from _arms(run, scope)
        return
    if run.regrouped:
        subject = scope.subject.rstrip(".")
        yield change("VD207", subject, f"members of '{subject}' are grouped in another way, at the same bytes")
        return
    pairing = run.pairing
    yield from _order(pairing, scope)
    for bit in pairing.bits:
        yield moved_bit(bit, _bits_prefix(bit.target, scope))
    growth = Growth()
    for pair in pairing.pairs:
        found = list(_pair(pair, _standing(pair, run), scope))
        if pair.new is run.new[-1] and any(c.class_ == "wire" and c.verdict is not Verdict.COMPATIBLE for c in found):
            growth.told = True  # what is inside the last member tells why the struct grows
        yield from found
    for gap in pairing.gaps:
        yield from compare_gap(gap, scope, growth)
    yield from _total(run, scope, growth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a member that has stayed stands among the others: whether it is `moved`, others stand `behind` it, it was the
    `last` one, and whether it has grown into reserved space (`absorbed`), so that those have stayed. `bits` are the
    bit-fields that have left their integer."""

    moved: bool
    behind: bool
    last: bool
    absorbed: bool = False
    bits: tuple[Bit, ...] = ()


ARM = Standing(moved=True, behind=False, last=True)
"""How an arm of a union stands: among nothing."""


def _standing(pair: Pair, run: Run) -> Standing:
    pairing = run.pairing
    moved = any(pair is p for p in pairing.moved) or any(pair is p for swap in pairing.swapped for p in swap)
    return Standing(
        moved=moved,
        behind=pair is not pairing.pairs[-1],
        last=not moved and pair.old is run.old[-1],
        absorbed=not moved and _absorbed(pair, pairing),
        bits=tuple(bit for one in pairing.bits for bit in (one.old, one.new)),
    )


def _order(pairing: Pairing, scope: Scope) -> Iterator[Change]:
    for one, other in pairing.swapped:
        yield change(
            "VD105",
            scope.subject + one.new.label,
            f"'{one.new.label}' and '{other.new.label}' have exchanged their places",
            old=(
                [one.old.label, other.old.label]
                if one.old.index < other.old.index
                else [other.old.label, one.old.label]
            ),
            new=(
                [one.new.label, other.new.label]
                if one.new.index < other.new.index
                else [other.new.label, one.new.label]
            ),
            old_place=one.old.member.place,
            new_place=one.new.member.place,
        )
    for pair in pairing.moved:
        yield change(
            "VD104",
            scope.subject + pair.new.label,
            f"'{pair.new.label}' lies {_at(pair.new)} and lay {_at(pair.old)}",
            **member_facts(pair.old, pair.new),
        )


def _at(placed: Placed) -> str:
    return f"at {placed.offset}" if placed.segment == 0 else f"at {placed.offset} behind a part of variable size"


def _pair(pair: Pair, standing: Standing, scope: Scope) -> Iterator[Change]:
    """The findings about a member that both texts have."""
    a, b = pair.old, pair.new
    subject, facts = scope.subject + b.label, member_facts(a, b)
    if pair.renamed:
        message = f"'{a.label}' is called '{b.label}' now"
        yield change("VD202", subject, message, evidence=pair.evidence, **facts)
    for found in compare_types(a.member.type, b.member.type, scope.context, scope.inside):
        if isinstance(found, Nested):
            yield from _nested(found, pair, standing, scope)
        else:
            yield _type(found, pair, standing, scope)
    yield from _size_inside(pair, standing, scope)
    yield from compare_conditions(a, b, subject, facts, scope.inside)


def _type(found: TypeChange, pair: Pair, standing: Standing, scope: Scope) -> Change:
    """The finding about a member's type."""
    a, b = pair.old, pair.new
    subject, facts = scope.subject + b.label, member_facts(a, b)
    if found.rule in ("VD107", "VD113") and standing.absorbed and _grows_in_place(a.member, b.member):
        return change("VD110", subject, f"'{b.label}' {found.message}; it grows into reserved space", **facts)
    if found.rule == "VD113" and standing.last and not scope.carriers and _more_elements(pair):
        where = "it takes bytes that the union left unused" if scope.slack else "it is the last member"
        message = f"'{b.label}' {found.message}; {where}"
        return change("VD112", subject, message, Verdict.COMPATIBLE if scope.config else None, **facts)
    return change(found.rule, subject, f"'{b.label}' {found.message}", found.verdict, **facts)


def _nested(found: Nested, pair: Pair, standing: Standing, scope: Scope) -> Iterator[Change]:
    """The findings about what is in a member."""
    a, b = pair.old, pair.new
    if isinstance(found.old, Bits) or isinstance(found.new, Bits):
        assert isinstance(found.old, Bits) and isinstance(found.new, Bits)
        for one in compare_bits(found.old, found.new, _bits_prefix(b, scope), scope.inside, standing.bits):
            yield replace(one, old_place=a.member.place, new_place=b.member.place)
        return
    array = isinstance(b.member.type, Array)
    reach = scope.carriers
    if standing.behind:
        reach = (*reach, f"member '{b.label}' is followed by others")
    if array:
        reach = (*reach, f"array '{b.label}'")
    inner = scope.below(a, b, "[]" if array else "", reach)
    yield from _members(found.old.members, found.new.members, inner, union=found.new.kind == "union")


def _bits_prefix(placed: Placed, scope: Scope) -> str:
    """What leads to the bit-fields of a member."""
    return f"{scope.subject}{placed.member.name}." if placed.member.name else scope.subject


def _absorbed(pair: Pair, pairing: Pairing) -> bool:
    """Whether what follows a member that has grown stays where it was, because reserved space became smaller."""
    grown = (pair.new.size or 0) - (pair.old.size or 0)
    if grown <= 0:
        return False
    for gap in pairing.gaps:
        behind = [p for p in gap.old if p.reserved and p.segment == pair.old.segment and p.offset == pair.old.end]
        if behind and sum(p.size or 0 for p in gap.old if p.reserved) >= grown:
            remaining = sum(p.size or 0 for p in gap.new)
            before = sum(p.size or 0 for p in gap.old)
            return gap.stays and (not gap.tail or before - remaining == grown)
    return False


def _more_elements(pair: Pair) -> bool:
    """Whether an array has more elements of the same type, at the same place."""
    a, b = pair.old, pair.new
    if (a.segment, a.offset) != (b.segment, b.offset):
        return False
    match a.member.type, b.member.type:
        case Array(element=one, length=Count(value=before)), Array(element=other, length=Count(value=after)):
            return one == other and before < after
        case _:
            return False


def _grows_in_place(old: Member, new: Member) -> bool:
    """Whether the old bytes of a larger member still mean the same: little-endian integers, and arrays."""
    if isinstance(old.type, Integer) and isinstance(new.type, Integer):
        return new.type.order == "little" and (old.type.order == "little" or old.type.bits == 8)
    return isinstance(old.type, Array) and isinstance(new.type, Array)


def _size_inside(pair: Pair, standing: Standing, scope: Scope) -> Iterator[Change]:
    """Members that move because a struct inside this one has another size."""
    a, b, context = pair.old, pair.new, scope.context
    subject, facts = scope.subject + b.label, member_facts(a, b)
    inner_old, inner_new = a.member.type, b.member.type
    array = isinstance(inner_new, Array) and isinstance(inner_old, Array)
    while isinstance(inner_old, Array) and isinstance(inner_new, Array):
        inner_old, inner_new = inner_old.element, inner_new.element
    if not isinstance(inner_new, (StructRef, Aggregate)) or not isinstance(inner_old, (StructRef, Aggregate)):
        return
    if isinstance(inner_old, StructRef) and isinstance(inner_new, StructRef):
        if context.spelling.struct(inner_old.name) != inner_new.name:
            return  # another struct: told as another type
    elif type(inner_old) is not type(inner_new):
        return
    one = context.old.layouts.sizes.type(inner_old)
    other = context.new.layouts.sizes.type(inner_new)
    if one == other:
        return
    shown = f"from {_bytes(one)} to {_bytes(other)}"
    if array:
        yield change("VD127", subject, f"the elements of '{b.label}' change {shown}", **facts)
    elif standing.absorbed:
        yield change("VD110", subject, f"'{b.label}' changes {shown}, and takes reserved space behind it", **facts)
    elif standing.behind:
        yield change("VD126", subject, f"'{b.label}' changes {shown}, and what follows it moves", **facts)


def _bytes(size: int | None) -> str:
    return "a variable size" if size is None else counted(size, "byte")


def _total(run: Run, scope: Scope, growth: Growth) -> Iterator[Change]:
    """Growth at the end that no finding about a member has told."""
    a, b, pairing = run.old, run.new, run.pairing
    if scope.config or growth.told or not a or not b or scope.path:
        return
    if any(p.size is None for p in (*a, *b)):
        return
    before, after = a[-1].end, b[-1].end
    if after <= before:
        return
    last = pairing.pairs[-1] if pairing.pairs else None
    grown_inside = last is not None and last.new is b[-1] and last.old.size != last.new.size
    if grown_inside and last is not None and not isinstance(last.new.member.type, Aggregate):
        return  # the member's own finding, or the inner struct's
    if not growth.reserved and not grown_inside:
        return
    where = f"; {scope.carriers[0]}" if scope.carriers else ""
    yield change(
        "VD112",
        scope.new.name,
        f"struct '{scope.new.name}' grows from {before} to {after} bytes{where}",
        Verdict.BREAKING if scope.carriers else None,
        old={"size": before},
        new={"size": after},
    )


def _arms(run: Run, scope: Scope) -> Iterator[Change]:
    size = _room(run.old)
    for pair in run.pairing.pairs:
        # an arm that stays inside the union moves nothing behind it; another one makes the union grow, as a tail does
        fits = size is not None and pair.new.size is not None and pair.new.size <= size
        arm = replace(scope, carriers=(), slack=True) if fits else scope
        yield from _pair(pair, ARM, arm)
    for placed in run.come:
        note, verdict = "", Verdict.COMPATIBLE
        if size is not None and (placed.size is None or placed.size > size):
            note = f"; the union grows from {size} bytes to {_bytes(placed.size)}"
            if scope.carriers:
                note, verdict = f"{note}, and what follows moves: {listed(scope.carriers)}", Verdict.BREAKING
            elif not scope.config:
                verdict = Verdict.UNDECIDED
        yield change(
            "VD115",
            scope.subject + placed.label,
            f"arm '{placed.label}' ('{declared(placed.member.type)}') is added to the union{note}",
            verdict,
            **member_facts(None, placed),
        )
    for placed in run.gone:
        yield change(
            "VD116",
            scope.subject + placed.label,
            f"arm '{placed.label}' of the union is gone",
            **member_facts(placed, None),
        )


def _room(arms: list[Placed]) -> int | None:
    """The size of a union; None where it depends on data, and nothing is padded to it."""
    sizes = [p.size for p in arms if p.size is not None]
    return max(sizes, default=0) if len(sizes) == len(arms) else None
