"""What became of tables of codes: entries, ranges, and the structs that are bound to codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.conditions import compare_validity
from virtspec.diff.context import Context
from virtspec.diff.likeness import UNLIKE, similarity
from virtspec.diff.match import Match, Matched
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text
from virtspec.model import Entry, Range, Registry
from virtspec.names import is_identifier

OPEN = 1 << 64
"""The end of a range that has none."""


def compare_registries(matched: Matched[Registry], context: Context, told: Collection[str]) -> Iterator[Change]:
    """The findings about tables. `told` holds the names that are constants of a listing: what happened to their values
    is a finding about the constant."""
    for match in matched.pairs:
        yield from _registry(match, context, told)
    for registry in matched.added:
        if _derived(registry, told):
            continue
        count = _count(len(registry.entries), "code")
        message = f"table '{registry.name}' ({registry.tag}) is new, with {count}"
        yield change("VD147", registry.name, message, new=_table(registry), new_place=registry.place)
    for registry in matched.removed:
        if _derived(registry, told):
            continue
        count = _count(len(registry.entries), "code")
        message = f"table '{registry.name}' ({registry.tag}), with {count}, is gone"
        yield change("VD146", registry.name, message, old=_table(registry), old_place=registry.place)


def _derived(registry: Registry, told: Collection[str]) -> bool:
    """Whether a registry is a group of a listing's constants: they are told one by one."""
    return bool(registry.entries) and all(e.name in told for e in registry.entries)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _table(registry: Registry) -> dict[str, Any]:
    return {"tag": registry.tag, "codes": {e.name: e.code for e in registry.entries}}


def _code(code: int) -> str:
    return f"0x{code:x}"


def _entry(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": entry.name, "code": entry.code}
    if entry.condition is not None:
        facts["condition"] = condition_text(entry.condition)
    if entry.bindings:
        facts["bindings"] = [f"{b.slot}: {b.struct}" for b in entry.bindings]
    return facts


def _registry(match: Match[Registry], context: Context, told: Collection[str]) -> Iterator[Change]:
    a, b = match.old, match.new
    if a == b and not context.names.structs and not context.names.constants:
        return  # nothing that they speak of is called otherwise
    if a.name != b.name and not _derived(b, told):
        message = f"table '{a.name}' stands under '{b.name}' now"
        yield change("VD225", b.name, message, old=a.name, new=b.name, old_place=a.place, new_place=b.place)
    pairs, gone, come = _pair_entries(a.entries, b.entries, context)
    for old, new in pairs:
        yield from _pair(old, new, b, context, told)
    for new in come:
        if new.name in told:
            continue
        kept = next((r for r in a.ranges if r.first <= new.code <= _last(r)), None)
        into = f", from the range kept as {kept.meaning}" if kept else ""
        yield change(
            "VD141",
            f"{b.name}: {new.name}",
            f"'{new.name}' is new, {b.tag} {_code(new.code)}{into}",
            new=_entry(new),
            new_place=new.place,
        )
    for old in gone:
        if old.name in told:
            continue
        yield change(
            "VD143",
            f"{b.name}: {old.name}",
            f"'{old.name}', {b.tag} {_code(old.code)}, is gone",
            old=_entry(old),
            old_place=old.place,
        )
    yield from _ranges(a, b)


def _pair_entries(
    old: Iterable[Entry], new: Iterable[Entry], context: Context
) -> tuple[list[tuple[Entry, Entry]], list[Entry], list[Entry]]:
    """Entries by name and code, then by name, then by code."""
    gone, come = list(old), list(new)
    pairs: list[tuple[Entry, Entry]] = []

    def take(same: Any) -> None:
        for a in list(gone):
            b = next((b for b in come if same(a, b)), None)
            if b is not None:
                pairs.append((a, b))
                gone.remove(a)
                come.remove(b)

    renamed = context.names.new_constant
    take(lambda a, b: a.code == b.code and renamed(a.name) == b.name)
    take(lambda a, b: renamed(a.name) == b.name)
    take(lambda a, b: a.code == b.code)
    return pairs, gone, come


def _pair(a: Entry, b: Entry, registry: Registry, context: Context, told: Collection[str]) -> Iterator[Change]:
    subject = f"{registry.name}: {b.name}"
    facts: dict[str, Any] = {"old": _entry(a), "new": _entry(b), "old_place": a.place, "new_place": b.place}
    if a.name != b.name and a.name not in told and b.name not in told:
        alike = similarity(a.name, b.name)
        rule = "VD205" if is_identifier(a.name) and is_identifier(b.name) else "VD226"
        message = f"{registry.tag} {_code(b.code)} is called '{b.name}' now, and was '{a.name}'"
        evidence = ("the same code", f"names alike by {alike:.0%}")
        if alike >= UNLIKE:
            yield change(rule, subject, message, evidence=evidence, **facts)
        else:
            message = f"{registry.tag} {_code(b.code)} is '{b.name}', and was '{a.name}'"
            yield change("VD143", subject, message, evidence=evidence, **facts)
    if a.code != b.code and b.name not in told:
        message = f"'{b.name}' has the {registry.tag} {_code(b.code)} and had {_code(a.code)}"
        yield change("VD142", subject, message, **facts)
    yield from compare_validity(b.name, a.condition, b.condition, subject, facts, context.names.in_conditions())
    yield from _bindings(a, b, subject, context, facts)


def _bindings(a: Entry, b: Entry, subject: str, context: Context, facts: dict[str, Any]) -> Iterator[Change]:
    old: dict[str, set[str]] = {}
    new: dict[str, set[str]] = {}
    for binding in a.bindings:
        old.setdefault(binding.slot, set()).add(context.names.new_struct(binding.struct))
    for binding in b.bindings:
        new.setdefault(binding.slot, set()).add(binding.struct)
    for role in sorted(old.keys() | new.keys()):
        was, is_ = old.get(role, set()), new.get(role, set())
        if was == is_:
            continue
        shown, before = " or ".join(sorted(is_)), " or ".join(sorted(was))
        if not was:
            yield change("VD149", subject, f"the {role} of '{b.name}' is stated now: {shown}", **facts)
        elif not is_:
            yield change("VD150", subject, f"the {role} of '{b.name}', which was {before}, is not stated", **facts)
        elif was < is_:
            more = " or ".join(sorted(is_ - was))
            yield change("VD149", subject, f"the {role} of '{b.name}' can be {more} too", **facts)
        else:
            yield change("VD148", subject, f"the {role} of '{b.name}' is {shown} and was {before}", **facts)


# --- ranges -----------------------------------------------------------------------------------------------


def _last(range_: Range) -> int:
    return OPEN if range_.last is None else range_.last


def _text(range_: Range) -> str:
    if range_.first == range_.last:
        return _code(range_.first)
    return f"{_code(range_.first)} to {'the end' if range_.last is None else _code(range_.last)}"


def _facts(range_: Range) -> dict[str, Any]:
    return {"first": range_.first, "last": range_.last, "meaning": range_.meaning}


def _ranges(a: Registry, b: Registry) -> Iterator[Change]:
    named = sorted(e.code for e in b.entries)
    rest = list(b.ranges)
    for old in a.ranges:
        touching = [r for r in rest if r.first <= _last(old) and old.first <= _last(r)]
        same = [r for r in touching if r.meaning == old.meaning]
        facts: dict[str, Any] = {"old": _facts(old), "old_place": old.place}
        lost = _uncovered(old, same, named)
        if not lost:
            continue
        first, last = lost
        other = next((r for r in touching if r.first <= first <= _last(r)), None)
        subject = f"{b.name}: {old.meaning}"
        reserved = old.meaning in ("reserved", "other")
        run = _text(Range(first=first, last=None if last >= OPEN else last, meaning=old.meaning))
        if other is not None:
            facts |= {"new": _facts(other), "new_place": other.place}
            # space kept for the future has got a use
            verdict = Verdict.COMPATIBLE if reserved else None
            message = f"{b.tag} {run} is kept as {other.meaning} and was {old.meaning}"
            yield change("VD145", subject, message, verdict, **facts)
        else:
            message = f"{b.tag} {run} is not kept as {old.meaning} any more, and has no entries"
            verdict = None if reserved else Verdict.BREAKING
            yield change("VD144", subject, message, verdict, **facts, new_place=b.place)


def _uncovered(old: Range, new: list[Range], named: list[int]) -> tuple[int, int] | None:
    """The first run of an old range's codes that neither a new range nor an entry covers."""
    taken = sorted([(r.first, _last(r)) for r in new] + [(code, code) for code in named])
    position, last = old.first, _last(old)
    for first, end in taken:
        if end < position:
            continue
        if first > position:
            return position, min(first - 1, last)
        position = end + 1
        if position > last:
            return None
    return (position, last) if position <= last else None
