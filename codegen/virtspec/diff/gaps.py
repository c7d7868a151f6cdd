"""What became of the bytes between two members that have stayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from virtspec.diff.change import Change, Verdict, counted
from virtspec.diff.conditions import compare_conditions, compare_texts
from virtspec.diff.context import Context
from virtspec.diff.members import Gap, Pair, Placed, kept_space, overlap
from virtspec.diff.respell import Inside
from virtspec.diff.rules import change
from virtspec.diff.shape import allowed_text, condition_names, condition_text
from virtspec.diff.types import declared
from virtspec.model import Array, Count, Rest, Struct


@dataclass(slots=True)
class Scope:
    """Where the members under comparison stand: in which struct, below which path, and what lies behind them."""

    context: Context
    old: Struct
    new: Struct
    path: str
    config: bool
    carriers: tuple[str, ...]
    old_path: str = ""
    slack: bool = False
    """Whether the members are an arm of a union that has room for it: nothing that they do moves others."""

    @property
    def subject(self) -> str:
        return f"{self.new.name}.{self.path}" if self.path else f"{self.new.name}."

    @property
    def inside(self) -> Inside:
        """What is said of the old members, in the names of the new model."""
        return self.context.spelling.inside(self.old.name, self.old_path.rstrip("."))

    def below(self, old: Placed, new: Placed, suffix: str, carriers: tuple[str, ...]) -> Scope:
        """The scope of a member's own members."""
        path = f"{self.path}{new.member.name}{suffix}." if new.member.name else self.path
        old_path = f"{self.old_path}{old.member.name}{suffix}." if old.member.name else self.old_path
        config = self.config and not carriers  # what is last in a configuration is its end
        return replace(self, path=path, old_path=old_path, config=config, carriers=carriers)


@dataclass(slots=True)
class Growth:
    """What has been told about the end of a struct: members appended there, and reserved space put there."""

    told: bool = False
    reserved: bool = False


def facts_of(placed: Placed) -> dict[str, Any]:
    """A member as the reports give it."""
    member = placed.member
    facts: dict[str, Any] = {
        "name": placed.label,
        "type": declared(member.type),
        "offset": placed.offset if placed.segment == 0 else None,
        "size": placed.size,
    }
    if member.condition is not None:
        facts["condition"] = condition_text(member.condition)
    if member.direction is not None:
        facts["direction"] = member.direction
    if member.allowed is not None:
        facts["allowed"] = allowed_text(member.allowed)
    return facts


def member_facts(old: Placed | None, new: Placed | None) -> dict[str, Any]:
    """Both sides of a member as the arguments of a finding."""
    facts: dict[str, Any] = {}
    if old is not None:
        facts["old"] = facts_of(old)
        facts["old_place"] = old.member.place
    if new is not None:
        facts["new"] = facts_of(new)
        facts["new_place"] = new.member.place
    return facts


def compare_gap(gap: Gap, scope: Scope, growth: Growth) -> Iterator[Change]:
    """The findings about one gap."""
    if gap.stays or gap.tail:
        yield from _overlaid(gap, scope, growth)
    else:
        yield from _pushed(gap, scope)


def _overlaid(gap: Gap, scope: Scope, growth: Growth) -> Iterator[Change]:
    """Old and new bytes lie over each other: nothing behind them has moved."""
    told: set[int] = set()
    gone = False
    for b in gap.new:
        under = [a for a in gap.old if overlap(a, b, gap.shift)]
        named = [a for a in under if not a.reserved]
        if b.reserved:
            yield from _reserved(b, gap, scope, growth)
        elif named:
            if id(named[0]) not in told:
                over = [n for n in gap.new if any(overlap(a, n, gap.shift) for a in named)]
                yield from _replaced(named, over, scope)
                told.update(id(a) for a in named)
        elif under:
            yield _consumed(b, under, gap, scope)
        elif gap.tail:
            growth.told = True
            yield _appended(b, scope)
        elif gap.before is not None and overlap(gap.before.old, b, gap.shift):
            yield _freed(b, gap.before, scope)
        else:
            yield _inserted(b, scope)
    for a in gap.old:
        if a.reserved or id(a) in told:
            continue
        over = [b for b in gap.new if overlap(a, b, gap.shift)]
        if over and all(b.reserved for b in over) and _room(gap.new) - _room(gap.old) >= (a.size or 0):
            message = f"the bytes of '{a.label}' are reserved now ('{over[0].label}')"
            yield change("VD111", scope.subject + a.label, message, **member_facts(a, over[0]))
        else:
            yield _removed(a, scope)
            gone = True  # that the end is nearer then needs no finding of its own
    if gap.tail and not gone and _ends_earlier(scope):
        yield from _cut(gap, scope)


def _cut(gap: Gap, scope: Scope) -> Iterator[Change]:
    """Reserved space at the end that is not there any more, or not all of it."""
    before = gap.before.new if gap.before is not None else None
    last = gap.new[-1] if gap.new else before
    if any(p.size is None for p in (*gap.old, *gap.new)) or (last is not None and last.size is None):
        return
    end = last.end if last is not None else 0
    for a in gap.old:
        if not a.reserved or (last is not None and a.segment != last.segment) or a.end + gap.shift <= end:
            continue
        if a.offset + gap.shift >= end:
            yield _removed(a, scope)
        else:
            lost = counted(a.end + gap.shift - end, "byte")
            message = f"reserved space '{a.label}' ('{declared(a.member.type)}') ends {lost} earlier"
            yield change("VD103", scope.subject + a.label, message, **member_facts(a, None))


def _room(members: list[Placed]) -> int:
    """How many bytes of reserved space there are."""
    return sum(p.size or 0 for p in members if p.reserved)


def _ends_earlier(scope: Scope) -> bool:
    if scope.path:
        return True
    before = scope.context.old.layouts.sizes.struct(scope.old)
    after = scope.context.new.layouts.sizes.struct(scope.new)
    return before is None or after is None or after < before


def _reserved(b: Placed, gap: Gap, scope: Scope, growth: Growth) -> Iterator[Change]:
    under = [a for a in gap.old if overlap(a, b, gap.shift)]
    if not under:
        growth.reserved = growth.reserved or gap.tail
        if gap.tail and scope.config:
            yield change(
                "VD101",
                scope.subject + b.label,
                f"reserved space '{b.label}' is appended at {b.offset}",
                **member_facts(None, b),
            )
        return
    if gap.tail and b.size and sum(p.size or 0 for p in under) < b.size:
        growth.reserved = True
    a = kept_space(b, gap)
    if a is None:
        return
    if a.label != b.label:
        message = f"reserved space '{a.label}' is called '{b.label}' now"
        yield change("VD202", scope.subject + b.label, message, **member_facts(a, b))
    if declared(a.member.type) != declared(b.member.type):
        message = f"reserved space '{b.label}' is written '{declared(b.member.type)}', the same bytes"
        yield change("VD206", scope.subject + b.label, message, **member_facts(a, b))
    yield from compare_conditions(a, b, scope.subject + b.label, member_facts(a, b), scope.inside)


def _replaced(old: list[Placed], new: list[Placed], scope: Scope) -> Iterator[Change]:
    """New members over the bytes of old ones: the same ones in a union or a struct, or others."""
    before, after = scope.context.old.shapes, scope.context.new.shapes
    leaves = before.leaves(a.member for a in old)
    subject = scope.subject + new[0].label
    facts = member_facts(old[0], new[0])
    now = after.leaves(b.member for b in new)
    if [leaf[:2] for leaf in leaves] == [leaf[:2] for leaf in now]:
        names = ", ".join(f"'{a.label}'" for a in old)
        yield change("VD207", subject, f"{names} is grouped in another way, at the same bytes", **facts)
        # what prose says of a configuration is only given to its own members, not to those of what is inside it
        said = {a.member.name for a in old if a.member.evidence.file}
        for (name, _, was), (_, _, is_) in zip(leaves, now, strict=True):
            if name in said and not is_:
                continue
            yield from compare_texts(name, was, is_, f"{subject}.{name}", facts)
        return
    if len(new) == 1:
        arms = after.arms(new[0].member.type)
        kept = [arm for arm in arms if after.leaves([arm]) == leaves]
        if kept:
            for arm in (a for a in arms if a is not kept[0]):
                message = f"what was there is an arm of a union now, and '{arm.name or declared(arm.type)}' is another"
                yield change("VD115", f"{subject}.{arm.name}" if arm.name else subject, message, **facts)
            return
    if len(old) == 1:
        arms = before.arms(old[0].member.type)
        kept = [arm for arm in arms if before.leaves([arm]) == after.leaves(b.member for b in new)]
        if kept:
            for arm in (a for a in arms if a is not kept[0]):
                message = f"arm '{arm.name or declared(arm.type)}' of the union is gone; the other one is left"
                yield change("VD116", scope.subject + old[0].label, message, **facts)
            return
    yield _others(old, new, scope)


def _others(old: list[Placed], new: list[Placed], scope: Scope) -> Change:
    names = ", ".join(f"'{b.label}' ({declared(b.member.type)})" for b in new)
    was = ", ".join(f"'{a.label}' ({declared(a.member.type)})" for a in old)
    facts = member_facts(old[0], new[0])
    if len(new) == 1 and len(old) == 1:
        return change("VD106", scope.subject + new[0].label, f"{names} takes the bytes of {was}", **facts)
    facts["old"] = [_plain(a) for a in old]
    facts["new"] = [_plain(b) for b in new]
    message = f"{was} is divided into {names}" if len(old) == 1 else f"{names} takes the bytes of {was}"
    same_bytes = sum(a.size or 0 for a in old) == sum(b.size or 0 for b in new)
    verdict = Verdict.UNDECIDED if len(old) == 1 and same_bytes else None
    return change("VD106", scope.subject + old[0].label, message, verdict, **facts)


def _plain(placed: Placed) -> str:
    return f"{declared(placed.member.type)} {placed.label}"


def _consumed(b: Placed, under: list[Placed], gap: Gap, scope: Scope) -> Change:
    names = ", ".join(f"'{a.label}'" for a in under)
    facts = member_facts(under[0], b)
    beyond = gap.tail and b.size is not None and max(a.end for a in under) + gap.shift < b.end
    if beyond and not scope.config:
        message = f"'{b.label}' ('{declared(b.member.type)}') takes reserved space ({names}) and more behind it"
        return change("VD112", scope.subject + b.label, message, **facts)
    message = f"'{b.label}' ('{declared(b.member.type)}') takes reserved space ({names}) at {b.offset}"
    return change("VD110", scope.subject + b.label, message, **facts)


def _gate(b: Placed, scope: Scope) -> str:
    """Why peers that do not know an appended member are not affected; "" where the listing gives no reason."""
    if b.member.condition is not None and condition_names(b.member.condition):
        return f"it is there only if {condition_text(b.member.condition)}"
    if b.member.condition is not None:
        return "it is there under a condition"
    if scope.config:
        return "a configuration space may grow at its end"
    if isinstance(b.member.type, Array) and isinstance(b.member.type.length, Rest):
        return "it may be empty"
    if isinstance(b.member.type, Array) and b.member.type.length == Count(value=0):
        return "it is empty"
    return ""


def _appended(b: Placed, scope: Scope) -> Change:
    where = f" at {b.offset}" if b.segment == 0 else ""
    message = f"'{b.label}' ('{declared(b.member.type)}') is appended{where}"
    facts = member_facts(None, b)
    gate = _gate(b, scope)
    reach = [c for c in scope.carriers if c != f"struct {scope.new.name}"]
    if reach:
        return change(
            "VD101",
            scope.subject + b.label,
            f"{message}, and what follows moves: {listed(reach)}",
            Verdict.BREAKING,
            **facts,
        )
    if gate:
        return change("VD101", scope.subject + b.label, f"{message}; {gate}", **facts)
    why = "nothing says when, and a check for the exact size fails between old and new peers"
    if scope.slack:
        why = "it takes bytes that the union left unused, and nothing says what old peers put there"
    return change(
        "VD101",
        scope.subject + b.label,
        f"{message}; {why}",
        Verdict.UNDECIDED,
        **facts,
    )


def listed(names: Sequence[str], limit: int = 3) -> str:
    """The first few of some names, and how many more there are."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def _inserted(b: Placed, scope: Scope) -> Change:
    what = "reserved space " if b.reserved else ""
    message = f"{what}'{b.label}' ('{declared(b.member.type)}') is put in at {b.offset}; what follows moves"
    return change("VD102", scope.subject + b.label, message, **member_facts(None, b))


def _freed(b: Placed, narrowed: Pair, scope: Scope) -> Change:
    """A new member in bytes that the one before it had, and has no more."""
    facts = member_facts(narrowed.old, b)
    message = f"'{b.label}' ('{declared(b.member.type)}') takes bytes of '{narrowed.old.label}', which is smaller now"
    return change("VD106", scope.subject + b.label, message, **facts)


def _removed(a: Placed, scope: Scope) -> Change:
    what = "reserved space " if a.reserved else ""
    message = f"{what}'{a.label}' ('{declared(a.member.type)}') is gone, with its bytes"
    return change("VD103", scope.subject + a.label, message, **member_facts(a, None))


def _pushed(gap: Gap, scope: Scope) -> Iterator[Change]:
    """What follows has moved: members were put in or taken out."""
    for a in gap.old:
        if not a.reserved:
            yield _removed(a, scope)
    for b in gap.new:
        if not b.reserved:
            yield _inserted(b, scope)
    before = sum(a.size or 0 for a in gap.old if a.reserved)
    after = sum(b.size or 0 for b in gap.new if b.reserved)
    if any(not p.reserved for p in (*gap.old, *gap.new)):
        return
    if after == before:
        return
    old = next((a for a in gap.old if a.reserved), None)
    new = next((b for b in reversed(gap.new) if b.reserved), None)
    if old is None and new is not None:
        yield _inserted(new, scope)
    elif new is None and old is not None:
        yield _removed(old, scope)
    elif old is not None and new is not None:
        rule, at = ("VD102", new) if after > before else ("VD103", old)
        message = f"reserved space '{at.label}' has {counted(after, 'byte')} and had {before}; what follows moves"
        yield change(rule, scope.subject + at.label, message, **member_facts(old, new))
