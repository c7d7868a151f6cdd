"""What became of tables of codes: entries, ranges, and the structs that are bound to codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from virtspec.diff.change import Change, Verdict, counted
from virtspec.diff.conditions import compare_texts, compare_validity
from virtspec.diff.context import Context
from virtspec.diff.likeness import UNLIKE, similarity
from virtspec.diff.match import Match, Matched
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text
from virtspec.model import Binding, Entry, Meaning, Range, Registry, Spec
from virtspec.names import is_identifier

LISTED = ("define", "enum")
"""The kinds of constants that stand in listings."""

OPEN = 1 << 64
"""The end of a range that has none."""


class Listed:
    """The constants of both sides' listings: what became of them is told as such, also where a table repeats them."""

    def __init__(self, old: Spec, new: Spec) -> None:
        self.values = _values(old), _values(new)
        constants = (c for spec in (old, new) for c in spec.constants if c.kind in LISTED)
        self.places = {(c.name, place) for c in constants for place in (c.place, *c.also)}

    def derives(self, entries: Collection[Entry]) -> bool:
        """Whether entries are nothing but constants of a listing: they stand where those do."""
        return bool(entries) and all((e.name, e.place) in self.places for e in entries)

    def tells(self, old: Entry | None, new: Entry | None) -> bool:
        """Whether the finding about a constant tells what became of an entry."""
        entries = [e for e in (old, new) if e is not None]
        before, after = self.values
        if self.derives(entries) or any(e.name in before for e in entries) != any(e.name in after for e in entries):
            return True
        return old is not None and new is not None and _has(before, old) and _has(after, new)


def _has(values: Mapping[str, int | None], entry: Entry) -> bool:
    return values.get(entry.name) == entry.code


def _values(spec: Spec) -> dict[str, int | None]:
    return {c.name: c.value for c in spec.constants if c.kind in LISTED}


def compare_registries(matched: Matched[Registry], context: Context) -> Iterator[Change]:
    """The findings about tables."""
    told = Listed(context.old.spec, context.new.spec)
    for match in matched.pairs:
        yield from _registry(match, context, told)
    for registry in matched.added:
        if registry.entries and all(told.tells(None, e) for e in registry.entries):
            continue
        count = counted(len(registry.entries), "code")
        message = f"table '{registry.name}' ({registry.tag}) is new, with {count}"
        yield change("VD147", registry.name, message, new=_table(registry), new_place=registry.place)
    for registry in matched.removed:
        if registry.entries and all(told.tells(e, None) for e in registry.entries):
            continue
        count = counted(len(registry.entries), "code")
        message = f"table '{registry.name}' ({registry.tag}), with {count}, is gone"
        yield change("VD146", registry.name, message, old=_table(registry), old_place=registry.place)


def _table(registry: Registry) -> dict[str, Any]:
    return {"tag": registry.tag, "codes": {e.name: e.code for e in registry.entries}}


def _code(code: int) -> str:
    return str(code) if code < 10 else f"{code} ({code:#x})"


def _entry(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": entry.name, "code": entry.code}
    if entry.condition is not None:
        facts["condition"] = condition_text(entry.condition)
    if entry.access is not None:
        facts["access"] = entry.access
    if entry.bindings:
        facts["bindings"] = [f"{b.slot}: {b.struct}" for b in entry.bindings]
    return facts


def _registry(match: Match[Registry], context: Context, told: Listed) -> Iterator[Change]:
    a, b = match.old, match.new
    if a == b and context.spelling.registry(a) is a:
        return  # nothing that it speaks of is called otherwise
    derived = told.derives(a.entries) or told.derives(b.entries)
    yield from _table_itself(a, b, context, derived=derived)
    pairs, gone, come = _pair_entries(a.entries, b.entries, context)
    for old, new in pairs:
        yield from _pair(old, new, b, context, told)
    for new in come:
        if told.tells(None, new):
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
        if told.tells(old, None):
            continue
        yield change(
            "VD143",
            f"{b.name}: {old.name}",
            f"'{old.name}', {b.tag} {_code(old.code)}, is gone",
            old=_entry(old),
            old_place=old.place,
        )
    yield from _ranges(a, b)


def _table_itself(a: Registry, b: Registry, context: Context, *, derived: bool) -> Iterator[Change]:
    """What became of a table, its entries aside. One that is derived from a listing has no heading of its own."""
    places: dict[str, Any] = {"old_place": a.place, "new_place": b.place}
    name = b.name
    if a.name != b.name and not derived:
        yield change("VD225", name, f"table '{a.name}' stands under '{name}' now", old=a.name, new=name, **places)
    if a.module != b.module and not derived:
        message = f"table '{name}' belongs to the chapter '{b.module}' now, and did to '{a.module}'"
        yield change("VD221", name, message, old=a.module, new=b.module, **places)
    if a.tag != b.tag and a.fields == b.fields and not derived:
        yield change(
            "VD228", name, f"a code of '{name}' is '{b.tag}', and was '{a.tag}'", old=a.tag, new=b.tag, **places
        )
    # a member that came or went is told as such
    yield from _moved(name, "stand in", *_members(a.fields, b.fields, context), places)
    yield from _moved(name, "number the bits of", *_members(a.bits, b.bits, context), places)
    yield from _moved(name, "go further into", _one(context.spelling.code(a.under)), _one(b.under), places)
    if a.flags != b.flags:
        message = f"the codes of '{name}' {'can be combined now' if b.flags else 'cannot be combined any more'}"
        yield change("VD157", name, message, old=a.flags, new=b.flags, **places)
    if a.ascending != b.ascending:
        message = f"what has the codes of '{name}' {'stands in their order now' if b.ascending else 'has no order now'}"
        yield change("VD158", name, message, old=a.ascending, new=b.ascending, **places)


def _members(old: Iterable[str], new: Iterable[str], context: Context) -> tuple[set[str], set[str]]:
    """Members in the names of the new model; where they differ, those that both models have."""
    before, after = {context.spelling.member(path) for path in old}, set(new)
    if before != after:
        before, after = (set(filter(context.has_member, some)) for some in (before, after))
    return before, after


def _one(name: str) -> set[str]:
    return {name} if name else set()


def _moved(name: str, where: str, was: set[str], is_: set[str], places: dict[str, Any]) -> Iterator[Change]:
    """Where a table's codes stand; nowhere is where the text does not say it."""
    if was == is_:
        return
    before, after = (" and ".join(f"'{path}'" for path in sorted(some)) for some in (was, is_))
    verdict = Verdict.COMPATIBLE if was < is_ else Verdict.UNDECIDED if is_ < was else None
    if not was:
        message = f"the codes of '{name}' {where} {after}, which was left open"
    elif not is_:
        message = f"the codes of '{name}' do not {where} {before} any more, nor is another place stated"
    else:
        message = f"the codes of '{name}' {where} {after}; that was {before}"
    yield change("VD156", name, message, verdict, old=sorted(was), new=sorted(is_), **places)


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

    renamed = context.spelling.code
    take(lambda a, b: a.code == b.code and renamed(a.name) == b.name)
    take(lambda a, b: renamed(a.name) == b.name)
    take(lambda a, b: a.code == b.code)
    return pairs, gone, come


def _pair(a: Entry, b: Entry, registry: Registry, context: Context, told: Listed) -> Iterator[Change]:
    subject = f"{registry.name}: {b.name}"
    facts: dict[str, Any] = {"old": _entry(a), "new": _entry(b), "old_place": a.place, "new_place": b.place}
    told_so = told.tells(a, b)
    if a.name != b.name and not told_so:
        alike = similarity(a.name, b.name)
        rule = "VD205" if is_identifier(a.name) and is_identifier(b.name) else "VD226"
        message = f"{registry.tag} {_code(b.code)} is called '{b.name}' now, and was '{a.name}'"
        evidence = ("the same code", f"names alike by {alike:.0%}")
        if alike >= UNLIKE:
            yield change(rule, subject, message, evidence=evidence, **facts)
        else:
            message = f"{registry.tag} {_code(b.code)} is '{b.name}', and was '{a.name}'"
            yield change("VD143", subject, message, evidence=evidence, **facts)
    if a.code != b.code and not told_so:
        message = f"'{b.name}' has the {registry.tag} {_code(b.code)} and had {_code(a.code)}"
        yield change("VD142", subject, message, **facts)
    yield from compare_validity(b.name, context.spelling.condition(a.condition), b.condition, subject, facts)
    yield from _access(a, b, subject, facts)
    yield from _bindings(a, b, subject, context, facts)


_ACCESS = {"R": "read", "W": "written", "RW": "read and written"}


def _access(a: Entry, b: Entry, subject: str, facts: dict[str, Any]) -> Iterator[Change]:
    """The differences between what a driver may do with a register."""
    if a.access == b.access:
        return
    if b.access is None:
        message = f"whether '{b.name}' is read or written is not stated any more"
    elif a.access is None:
        message = f"'{b.name}' can be {_ACCESS[b.access]}, which was left open"
    else:
        message = f"'{b.name}' can be {_ACCESS[b.access]}, and could be {_ACCESS[a.access]}"
    kept = a.access is None or b.access is None or set(a.access) < set(b.access)
    yield change("VD154", subject, message, Verdict.UNDECIDED if kept else None, **facts)


def _payloads(bindings: Iterable[Binding]) -> dict[str, dict[str, str]]:
    """By what they fill, the structs that are bound to a code, each with the condition under which it is bound."""
    found: dict[str, dict[str, str]] = {}
    for binding in bindings:
        number = "any number of " if binding.many else ""
        what = f"{number}{binding.struct}{' behind it' if binding.behind else ''}"
        slot = f"{binding.role} {binding.member}".rstrip()
        condition = condition_text(binding.condition)
        known = found.setdefault(slot, {})
        known[what] = " or ".join(sorted({known[what], condition})) if known.get(what) and condition else condition
    return found


def _bindings(a: Entry, b: Entry, subject: str, context: Context, facts: dict[str, Any]) -> Iterator[Change]:
    stated = {binding.slot for binding in b.bindings}
    turned = [(context.spelling.binding(one), one) for one in a.bindings]
    kept = (now for now, was in turned if now.slot not in stated and _lost_its_name(was, a.name != b.name, context))
    old, new = _payloads(now for now, _ in turned), _payloads((*b.bindings, *kept))
    for role in sorted(old.keys() | new.keys()):
        was, is_ = old.get(role, {}), new.get(role, {})
        for what in sorted(was.keys() & is_.keys()):
            yield from compare_texts(f"{role} {what}", was[what], is_[what], subject, facts)
        if was.keys() == is_.keys():
            continue
        shown, before = " or ".join(sorted(is_)), " or ".join(sorted(was))
        if not was:
            yield change("VD149", subject, f"the {role} of '{b.name}' is stated now: {shown}", **facts)
        elif not is_:
            yield change("VD150", subject, f"the {role} of '{b.name}', which was {before}, is not stated", **facts)
        elif was.keys() < is_.keys():
            more = " or ".join(sorted(is_.keys() - was.keys()))
            yield change("VD149", subject, f"the {role} of '{b.name}' can be {more} too", **facts)
        else:
            yield change("VD148", subject, f"the {role} of '{b.name}' is {shown} and was {before}", **facts)


def _lost_its_name(binding: Binding, renamed: bool, context: Context) -> bool:
    """Whether a payload was one only by its name, and that or the code's has changed. The text said nothing more, and
    now it says nothing else. `renamed` is said of the code."""
    struct, spelling = context.old.shapes.struct(binding.struct), context.spelling
    if struct is None or not binding.place.file or binding.place != struct.place:
        return False
    return (renamed or binding.struct in spelling.structs) and (
        context.new.shapes.struct(spelling.struct(binding.struct)) is not None
    )


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
        run = _run(first, last, old.meaning)
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
    known = sorted(e.code for e in a.entries)
    for new in b.ranges:
        fresh = _uncovered(new, a.ranges, known)
        if fresh:
            run = _run(*fresh, new.meaning)
            message = f"{b.tag} {run} is kept as {new.meaning} now, and was not mentioned"
            yield change("VD155", f"{b.name}: {new.meaning}", message, new=_facts(new), new_place=new.place)


def _run(first: int, last: int, meaning: Meaning) -> str:
    return _text(Range(first=first, last=None if last >= OPEN else last, meaning=meaning))


def _uncovered(range_: Range, others: Sequence[Range], named: Sequence[int]) -> tuple[int, int] | None:
    """The first run of a range's codes that neither a range nor an entry of the other side covers."""
    taken = sorted([(r.first, _last(r)) for r in others] + [(code, code) for code in named])
    position, last = range_.first, _last(range_)
    for first, end in taken:
        if end < position:
            continue
        if first > position:
            return position, min(first - 1, last)
        position = end + 1
        if position > last:
            return None
    return (position, last) if position <= last else None
