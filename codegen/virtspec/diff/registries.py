"""What became of tables of codes: entries, and the structs that are bound to codes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from virtspec.diff.change import Change, Verdict, counted
from virtspec.diff.conditions import compare_texts, compare_validity
from virtspec.diff.context import Context
from virtspec.diff.likeness import UNLIKE, similarity
from virtspec.diff.match import Matched
from virtspec.diff.ranges import code_text, compare_ranges, range_of
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text
from virtspec.model import Binding, Entry, Registry, Spec
from virtspec.names import is_identifier

LISTED = ("define", "enum")
"""The kinds of constants that stand in listings."""


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


@dataclass(slots=True)
class _Table:
    """A table before and after, None where it is not there, with its entries: the pairs, and those that are `gone` or
    have `come`. Others of the tables have given it some of theirs, and taken some of its own."""

    old: Registry | None
    new: Registry | None
    pairs: list[tuple[Entry, Entry]]
    gone: list[Entry]
    come: list[Entry]
    given: list[Registry] = field(default_factory=list)
    taken: list[Registry] = field(default_factory=list)


def compare_registries(matched: Matched[Registry], context: Context) -> Iterator[Change]:
    """The findings about tables."""
    told = Listed(context.old.spec, context.new.spec)
    tables = [_Table(m.old, m.new, *_pair_entries(m.old.entries, m.new.entries, context)) for m in matched.pairs]
    tables += [_Table(a, None, [], list(a.entries), []) for a in matched.removed]
    tables += [_Table(None, b, [], [], list(b.entries)) for b in matched.added]
    yield from _moved_entries(tables, context, told)
    for table in tables:
        if table.old is not None and table.new is not None:
            yield from _registry(table, table.old, table.new, context, told)
        elif table.new is not None:
            b = table.new
            if not b.entries or not all(told.tells(None, entry) for entry in table.come):
                message = f"table '{b.name}' ({b.tag}) is new, with {counted(len(table.come), 'code')}"
                yield change("VD147", b.name, message, new=_facts(b), new_place=b.place)
        elif table.old is not None and table.taken:
            yield from _gone(table.gone, table.old, told)
        elif table.old is not None:
            a = table.old
            if not a.entries or not all(told.tells(entry, None) for entry in table.gone):
                message = f"table '{a.name}' ({a.tag}), with {counted(len(table.gone), 'code')}, is gone"
                yield change("VD146", a.name, message, old=_facts(a), old_place=a.place)


def _moved_entries(tables: Sequence[_Table], context: Context, told: Listed) -> Iterator[Change]:
    """Codes of a table that was divided, or has become part of another one. They are taken from what is gone and has
    come."""
    come: dict[tuple[str, str, str, int], list[tuple[_Table, Registry, Entry]]] = defaultdict(list)
    for table in tables:
        if table.new is not None:
            for entry in table.come:
                come[table.new.module, table.new.tag, entry.name, entry.code].append((table, table.new, entry))
    for source in tables if come else ():
        a = source.old
        if a is None:
            continue
        ways: dict[str, _Way] = {}
        for old in source.gone:
            found = come.get((a.module, a.tag, context.spelling.code(old.name), old.code), [])
            for target, b, new in found if len(found) == 1 else ():
                if (source.new is None or target.old is None) and _same_place(a, b, context):
                    ways.setdefault(b.key, _Way(source, target, a, b, [])).moved.append((old, new))
        for way in ways.values():
            yield from _on_its_way(way, context, told)


def _same_place(a: Registry, b: Registry, context: Context) -> bool:
    """Whether the codes of two tables can stand in the same members; not all say where."""
    before, after = {context.spelling.member(path) for path in a.fields}, set(b.fields)
    return not before or not after or before == after


@dataclass(frozen=True, slots=True)
class _Way:
    """Codes that have gone from one table to another."""

    source: _Table
    target: _Table
    a: Registry
    b: Registry
    moved: list[tuple[Entry, Entry]]


def _on_its_way(way: _Way, context: Context, told: Listed) -> Iterator[Change]:
    """The findings about codes that have gone from one table to another: one about that, and what changed beside."""
    a, b = way.a, way.b
    way.source.taken.append(b)
    way.target.given.append(a)
    gone, come = ({id(entry) for entry in side} for side in zip(*way.moved, strict=True))
    way.source.gone = [entry for entry in way.source.gone if id(entry) not in gone]
    way.target.come = [entry for entry in way.target.come if id(entry) not in come]
    for old, new in way.moved:
        yield from _pair(old, new, b, context, told)
    if all(told.tells(old, new) for old, new in way.moved):
        return
    (first, _), *more = way.moved
    names = f"'{first.name}' and {len(more)} more" if more else f"'{first.name}'"
    message = f"{names} of table '{a.name}' {'stand' if more else 'stands'} in '{b.name}' now"
    places: dict[str, Any] = {"old_place": a.place, "new_place": b.place}
    yield change("VD225", b.name, message, old=a.name, new=b.name, **places)
    if way.target.old is None:
        yield from _moved(b.name, "stand in", *_members(a.fields, b.fields, context), places)


def _facts(registry: Registry) -> dict[str, Any]:
    return {"tag": registry.tag, "codes": {e.name: e.code for e in registry.entries}}


def _entry(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": entry.name, "code": entry.code}
    if entry.condition is not None:
        facts["condition"] = condition_text(entry.condition)
    if entry.access is not None:
        facts["access"] = entry.access
    if entry.bindings:
        facts["bindings"] = [f"{b.slot}: {b.struct}" for b in entry.bindings]
    return facts


def _registry(table: _Table, a: Registry, b: Registry, context: Context, told: Listed) -> Iterator[Change]:
    if a == b and context.spelling.registry(a) is a:
        return  # nothing that it speaks of is called otherwise
    derived = told.derives(a.entries) or told.derives(b.entries)
    yield from _table_itself(a, b, context, derived=derived)
    for old, new in table.pairs:
        yield from _pair(old, new, b, context, told)
    for new in table.come:
        if not told.tells(None, new):
            yield _come(new, a, b)
    yield from _gone(table.gone, b, told)
    yield from compare_ranges((a, *table.given), (b, *table.taken))


def _come(new: Entry, a: Registry, b: Registry) -> Change:
    """The finding about a new code. Those of a vendor's range, vendors may have used."""
    kept = range_of(new.code, a)
    into = f", from the range kept as {kept.meaning}" if kept else ""
    message = f"'{new.name}' is new, {b.tag} {code_text(new.code)}{into}"
    verdict = Verdict.UNDECIDED if kept is not None and kept.meaning == "vendor" else None
    return change("VD141", f"{b.name}: {new.name}", message, verdict, new=_entry(new), new_place=new.place)


def _gone(gone: Iterable[Entry], registry: Registry, told: Listed) -> Iterator[Change]:
    """The findings about codes that are gone."""
    for old in gone:
        if not told.tells(old, None):
            message = f"'{old.name}', {registry.tag} {code_text(old.code)}, is gone"
            subject = f"{registry.name}: {old.name}"
            yield change("VD143", subject, message, old=_entry(old), old_place=old.place)


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
    if b.under or a.under not in context.spelling.codes:
        # that a table goes further into a code follows from their names: when that one has another, nothing says it
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

    def take(before: Callable[[Entry], Hashable], after: Callable[[Entry], Hashable]) -> None:
        nonlocal gone, come
        waiting: dict[Hashable, deque[Entry]] = defaultdict(deque)
        for b in come:
            waiting[after(b)].append(b)
        left: list[Entry] = []
        for a in gone:
            if found := waiting.get(before(a)):
                pairs.append((a, found.popleft()))
            else:
                left.append(a)
        taken = {id(b) for _, b in pairs}
        gone, come = left, [b for b in come if id(b) not in taken]

    renamed = context.spelling.code
    take(lambda a: (a.code, renamed(a.name)), lambda b: (b.code, b.name))
    take(lambda a: renamed(a.name), lambda b: b.name)
    take(lambda a: a.code, lambda b: b.code)
    return pairs, gone, come


def _pair(a: Entry, b: Entry, registry: Registry, context: Context, told: Listed) -> Iterator[Change]:
    subject = f"{registry.name}: {b.name}"
    facts: dict[str, Any] = {"old": _entry(a), "new": _entry(b), "old_place": a.place, "new_place": b.place}
    told_so = told.tells(a, b)
    if a.name != b.name and not told_so:
        alike = similarity(a.name, b.name)
        rule = "VD205" if is_identifier(a.name) and is_identifier(b.name) else "VD226"
        message = f"{registry.tag} {code_text(b.code)} is called '{b.name}' now, and was '{a.name}'"
        evidence = ("the same code", f"names alike by {alike:.0%}")
        if alike >= UNLIKE:
            yield change(rule, subject, message, evidence=evidence, **facts)
        else:
            message = f"{registry.tag} {code_text(b.code)} is '{b.name}', and was '{a.name}'"
            yield change("VD143", subject, message, evidence=evidence, **facts)
    if a.code != b.code and not told_so:
        message = f"'{b.name}' has the {registry.tag} {code_text(b.code)} and had {code_text(a.code)}"
        yield change("VD142", subject, message, **facts)
    yield from compare_validity(b.name, a.condition, b.condition, subject, facts, context.spelling.inside(""))
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
