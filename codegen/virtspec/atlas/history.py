"""What changed from one edition to the next: every name by its first edition, every struct by its layout."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, TypeAlias, TypeVar

from virtspec.layout import Layouts, Slot
from virtspec.model import Clause, Constant, Device, FeatureBit, Registry, Spec, Struct
from virtspec.since import Section, load_since

What: TypeAlias = Literal["device", "struct", "feature", "registry", "constant", "member", "clause"]
How: TypeAlias = Literal["new", "changed", "gone"]

_Named = TypeVar("_Named", Struct, FeatureBit, Constant)
_Thing = TypeVar("_Thing", Device, Struct, FeatureBit, Registry, Constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A model, its layouts, and how the site calls it (`1.4`, or `draft` where the model has no edition)."""

    name: str
    spec: Spec
    layouts: Layouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that an edition has and the one before had not, or the other way round; `notes` say what differs, and
    `former` is what the one before called it, where that was another name."""

    what: What
    how: How
    name: str
    module: str
    notes: tuple[str, ...] = ()
    former: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """All changes from one edition to the next, and how many normative statements came and went, by module."""

    old: str
    new: str
    changes: tuple[Change, ...]
    clauses: tuple[tuple[str, int, int], ...] = ()


@dataclass(slots=True, kw_only=True)
class History:
    """The editions from the oldest to the newest, and the steps between them."""

    editions: tuple[Edition, ...]
    steps: tuple[Step, ...]
    first: dict[tuple[What, str], str] = field(default_factory=dict)

    @property
    def newest(self) -> Edition:
        return self.editions[-1]

    def since(self, what: What, name: str) -> str:
        """The first edition that has it; "" where only one edition is known."""
        return self.first.get((what, name), "") if len(self.editions) > 1 else ""

    def of(self, what: What, name: str) -> tuple[tuple[str, Change], ...]:
        """The changes of one thing, oldest first, each with its edition."""
        return tuple((s.new, c) for s in self.steps for c in s.changes if c.what == what and c.name == name)


def compare_editions(editions: Sequence[Edition]) -> History:
    """The history of models, which stand from the oldest to the newest."""
    first: dict[tuple[What, str], str] = {}
    for edition in editions:
        for what, name in _names(edition):
            first.setdefault((what, name), edition.name)
    steps = tuple(_step(old, new) for old, new in pairwise(editions))
    return History(editions=tuple(editions), steps=steps, first=first)


def _names(edition: Edition) -> Iterator[tuple[What, str]]:
    spec = edition.spec
    for struct in spec.structs:
        yield "struct", struct.name
        for slot in edition.layouts[struct.key].slots:
            yield "member", f"{struct.name}.{slot.path}"
    yield from (("constant", c.name) for c in spec.constants)
    yield from (("feature", f.name) for f in spec.features)
    yield from (("device", d.module) for d in spec.devices)
    for registry in spec.registries:
        yield "registry", registry.key
        yield from (("member", f"{registry.key}.{e.name}") for e in registry.entries)
    yield from (("clause", c.digest) for c in spec.clauses)


def _step(old: Edition, new: Edition) -> Step:
    a, b = old.spec, new.spec
    features = {f.name for spec in (a, b) for f in spec.features}
    changes = [
        *_compare("device", {d.module: d for d in a.devices}, {d.module: d for d in b.devices}, lambda _a, _b: ()),
        *_compare(
            "struct",
            _first(a.structs),
            _first(b.structs),
            lambda x, y: _struct_notes(old, x, new, y),
            _renamed("structs", {s.name for s in b.structs}, b.edition),
        ),
        *_compare(
            "feature",
            _first(a.features),
            _first(b.features),
            _feature_notes,
            _renamed("features", {f.name for f in b.features}, b.edition),
        ),
        *_compare("registry", {r.key: r for r in a.registries}, {r.key: r for r in b.registries}, _registry_notes),
        *_compare(
            "constant",
            _first(c for c in a.constants if c.name not in features),
            _first(c for c in b.constants if c.name not in features),
            _constant_notes,
            _renamed("constants", {c.name for c in b.constants}, b.edition),
        ),
    ]
    return Step(old=old.name, new=new.name, changes=tuple(changes), clauses=tuple(_clause_counts(a, b)))


def _renamed(section: Section, known: Container[str], edition: str) -> dict[str, str]:
    """What this edition calls what earlier releases called otherwise."""
    return {former.old: former.new for former in load_since().former(section, known, edition) if former.new}


def _first(things: Iterable[_Named]) -> dict[str, _Named]:
    found: dict[str, _Named] = {}
    for thing in things:
        found.setdefault(thing.name, thing)
    return found


def _compare(
    what: What,
    old: Mapping[str, _Thing],
    new: Mapping[str, _Thing],
    notes: Callable[[_Thing, _Thing], Iterable[str]],
    renamed: Mapping[str, str] | None = None,
) -> Iterator[Change]:
    former = {now: was for was, now in (renamed or {}).items() if was in old and now not in old}
    for name, thing in new.items():
        was = former.get(name, name)
        if was not in old:
            yield Change(what=what, how="new", name=name, module=thing.module)
            continue
        said: tuple[str, ...] = tuple(notes(old[was], thing))
        if was != name:
            said = (f"was called {was}", *said)
            yield Change(what=what, how="changed", name=name, module=thing.module, notes=said, former=was)
        elif said:
            yield Change(what=what, how="changed", name=name, module=thing.module, notes=said)
    for name, thing in old.items():
        if name not in new and name not in former.values():
            yield Change(what=what, how="gone", name=name, module=thing.module)


# --- what differs -----------------------------------------------------------------------------------------


def _struct_notes(old: Edition, before: Struct, new: Edition, after: Struct) -> Iterator[str]:
    one, two = old.layouts[before.key], new.layouts[after.key]
    if one.size != two.size:
        yield f"size: {_bytes(one.size)}, now {_bytes(two.size)}"
    old_slots, new_slots = _slots(one.slots), _slots(two.slots)
    gone = {path: slot for path, slot in old_slots.items() if path not in new_slots}
    for path, slot in new_slots.items():
        was = old_slots.get(path)
        if was is None:
            same = next((p for p, s in gone.items() if slot.offset is not None and _place(s) == _place(slot)), None)
            if same is not None:
                del gone[same]
                yield f"{same} is now called {path}"
            else:
                yield f"{path} is new{_at(slot)}"
            continue
        if was.offset != slot.offset or was.bit_offset != slot.bit_offset:
            yield f"{path} moved from {_where(was)} to {_where(slot)}"
        if _type(was) != _type(slot):
            yield f"{path}: {_type(was)}, now {_type(slot)}"
    for path in gone:
        yield f"{path} is gone"


def _slots(slots: Iterable[Slot]) -> dict[str, Slot]:
    found: dict[str, Slot] = {}
    for slot in slots:
        # members of a struct that is used here are told where that struct is
        if slot.depth == 0 or "." not in slot.path:
            found.setdefault(slot.path, slot)
    return found


def _place(slot: Slot) -> tuple[object, ...]:
    return slot.offset, slot.size, slot.bit_offset, slot.bit_size, slot.type


def _bytes(size: int | None) -> str:
    return "depends on data" if size is None else f"{size} bytes"


def _where(slot: Slot) -> str:
    if slot.offset is None:
        return "an offset that depends on data"
    return f"offset {slot.offset}" + ("" if slot.bit_offset is None else f" bit {slot.bit_offset}")


def _at(slot: Slot) -> str:
    return "" if slot.offset is None else f", at {_where(slot)}"


def _type(slot: Slot) -> str:
    base, bracket, inner = slot.type.partition("[")
    outer = f"[{slot.count}]" if slot.count is not None else f"[{slot.length}]" if slot.length is not None else ""
    bits = "" if slot.bit_size is None else f":{slot.bit_size}"
    return f"{base}{outer}{bracket}{inner}{bits}"


def _feature_notes(before: FeatureBit, after: FeatureBit) -> Iterator[str]:
    if before.bit != after.bit:
        yield f"bit {before.bit}, now {after.bit}"
    if before.legacy != after.legacy:
        yield "now only of the legacy interface" if after.legacy else "no longer only of the legacy interface"


def _constant_notes(before: Constant, after: Constant) -> Iterator[str]:
    if before.value != after.value:
        yield f"{_number(before.value)}, now {_number(after.value)}"


def _registry_notes(before: Registry, after: Registry) -> Iterator[str]:
    old, new = ({(e.name, e.code) for e in r.entries} for r in (before, after))
    for name, code in sorted(new - old, key=lambda e: (e[1], e[0])):
        yield f"{code:#x} {name} is new"
    for name, code in sorted(old - new, key=lambda e: (e[1], e[0])):
        yield f"{code:#x} {name} is gone"


def _number(value: int | None) -> str:
    return "no value" if value is None else f"{value:#x}" if value > 9 else str(value)


def _clause_counts(old: Spec, new: Spec) -> Iterator[tuple[str, int, int]]:
    """Statements that came and went, by module; one that only stands elsewhere now is neither."""
    a, b = {c.digest for c in old.clauses}, {c.digest for c in new.clauses}
    came, went = _by_module(new.clauses, b - a), _by_module(old.clauses, a - b)
    for module in sorted(came.keys() | went.keys()):
        yield module, came.get(module, 0), went.get(module, 0)


def _by_module(clauses: Iterable[Clause], digests: set[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for clause in clauses:
        if clause.digest in digests:
            counts[clause.module] = counts.get(clause.module, 0) + 1
    return counts
