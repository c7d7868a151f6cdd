"""The history of the releases, from their models: since when a thing exists, and what became of what is gone.

A thing that disappears has been renamed where its successor tells: a struct, where one of the next release has the
same members; a member, where another stands in its place with its type; a constant, where one of the same list has
its value. Everything else has been removed, and so has reserved space that was put into use. Where the texts do not
tell, people do: `[renamed]` in `spec/spec.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from virtspec.diff.likeness import is_reserved
from virtspec.layout import Layouts, Slot
from virtspec.model import Constant, Spec, Struct
from virtspec.since import SINCE_SCHEMA

SIMILAR = 0.75
"""How much of two structs' members must have one name and type for one to be the other's successor."""


@dataclass(frozen=True, slots=True)
class _Edition:
    """One release, prepared for comparison with the next."""

    name: str
    structs: Mapping[str, Struct]
    slots: Mapping[str, Mapping[str, Slot]]
    constants: Mapping[str, Constant]
    features: Mapping[str, str]
    entries: Mapping[str, str]


def compute_since(models: Sequence[Spec], renamed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The table for models in the order of their releases. `renamed` are reviewed successors by name (`struct.path` for
    members), "" for what has none; they count more than what the models tell."""
    editions = [_edition(model) for model in models]
    known = renamed or {}
    members: dict[str, dict[str, list[str]]] = {}
    for edition in editions:
        for name, slots in edition.slots.items():
            by_edition = members.setdefault(name, {})
            old = {path for paths in by_edition.values() for path in paths}
            fresh = [path for path in slots if path not in old]
            if fresh:
                by_edition[edition.name] = fresh
    return {
        "schema": SINCE_SCHEMA,
        "editions": [edition.name for edition in editions],
        "structs": _first(editions, lambda e: e.structs),
        "members": dict(sorted(members.items())),
        "constants": _first(editions, lambda e: e.constants),
        "features": _first(editions, lambda e: e.features),
        "entries": _first(editions, lambda e: e.entries),
        "gone": {
            "structs": _gone(editions, lambda e: e.structs, _struct_successor, known),
            "members": _gone_members(editions, known),
            "constants": _gone(editions, lambda e: e.constants, _constant_successor, known),
            "features": _gone(editions, lambda e: e.features, _feature_successor, known),
            "entries": _gone(editions, lambda e: e.entries, _entry_successor, known),
        },
    }


def _edition(model: Spec) -> _Edition:
    layouts = Layouts(model)
    structs: dict[str, Struct] = {}
    slots: dict[str, dict[str, Slot]] = {}
    for struct in model.structs:
        structs.setdefault(struct.name, struct)
        slots.setdefault(struct.name, {}).update({slot.path: slot for slot in layouts[struct.key].slots})
    constants: dict[str, Constant] = {}
    for constant in model.constants:
        constants.setdefault(constant.name, constant)
    return _Edition(
        name=model.edition,
        structs=structs,
        slots=slots,
        constants=constants,
        features={f.name: f"{f.module}/{f.bit}" for f in model.features},
        entries={f"{r.module}/{e.name}": f"{r.key}={e.code}" for r in model.registries for e in r.entries},
    )


def _first(editions: Sequence[_Edition], things: Callable[[_Edition], Mapping[str, Any]]) -> dict[str, str]:
    first: dict[str, str] = {}
    for edition in editions:
        for name in things(edition):
            first.setdefault(name, edition.name)
    return dict(sorted(first.items()))


# --- what is gone -------------------------------------------------------------------------------------------

Successor: TypeAlias = Callable[[str, _Edition, _Edition], str]


def _gone(
    editions: Sequence[_Edition],
    things: Callable[[_Edition], Mapping[str, Any]],
    successor: Successor,
    renamed: Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """The things that a release has and no later one, with the last release that has them and what they became."""
    gone: dict[str, dict[str, str]] = {}
    for old, new in pairwise(editions):
        for name, thing in things(old).items():
            if name not in things(new):
                became = renamed[name] if name in renamed else successor(name, old, new)
                gone[name] = _fate(old.name, became, thing.module if isinstance(thing, (Struct, Constant)) else "")
    last = things(editions[-1]) if editions else {}
    return {name: fate for name, fate in sorted(gone.items()) if name not in last}


def _fate(last: str, became: str, module: str = "") -> dict[str, str]:
    return {"last": last} | ({"became": became} if became else {}) | ({"module": module} if module else {})


def _struct_successor(name: str, old: _Edition, new: _Edition) -> str:
    before = {(slot.path, slot.type) for slot in old.slots[name].values()}
    best, score = "", SIMILAR
    for other in sorted(new.structs.keys() - old.structs.keys()):
        if new.structs[other].module != old.structs[name].module or not before:
            continue
        after = {(slot.path, slot.type) for slot in new.slots[other].values()}
        shared = len(before & after) / max(len(before), len(after))
        if shared > score:
            best, score = other, shared
    return best


def _constant_successor(name: str, old: _Edition, new: _Edition) -> str:
    constant = old.constants[name]
    if constant.value is None:
        return ""
    same = (constant.module, constant.kind, constant.value)
    fresh = [
        other
        for other, c in new.constants.items()
        if other not in old.constants
        and (c.module, c.kind, c.value) == same
        and (c.kind == "register" or _alike(other, name))
    ]
    return fresh[0] if len(fresh) == 1 else ""


def _feature_successor(name: str, old: _Edition, new: _Edition) -> str:
    fresh = [n for n, bit in new.features.items() if bit == old.features[name] and n not in old.features]
    return fresh[0] if len(fresh) == 1 else ""


def _entry_successor(name: str, old: _Edition, new: _Edition) -> str:
    fresh = [n for n, code in new.entries.items() if code == old.entries[name] and n not in old.entries]
    return fresh[0] if len(fresh) == 1 else ""


def _alike(one: str, other: str) -> bool:
    """Whether two names begin or end with the same words: `VIRTIO_X_A` and `VIRTIO_X_B` are of one list."""
    ours, theirs = one.split("_"), other.split("_")
    return len(ours) > 2 and len(theirs) > 2 and (ours[:-1] == theirs[:-1] or ours[-2:] == theirs[-2:])


def _gone_members(editions: Sequence[_Edition], renamed: Mapping[str, str]) -> dict[str, dict[str, str]]:
    gone: dict[str, dict[str, str]] = {}
    for old, new in pairwise(editions):
        for name, slots in old.slots.items():
            if name not in new.slots:
                continue
            fresh = [slot for path, slot in new.slots[name].items() if path not in slots]
            for path, slot in slots.items():
                full = f"{name}.{path}"
                if path in new.slots[name]:
                    gone.pop(full, None)
                else:
                    became = renamed[full] if full in renamed else next(_standing_in(slot, fresh), "")
                    gone[full] = _fate(old.name, became)
    return dict(sorted(gone.items()))


def _standing_in(slot: Slot, fresh: Sequence[Slot]) -> Iterator[str]:
    """The new members that stand where a member stood, with its type."""
    where = (slot.type, slot.offset, slot.bit_offset, slot.size)
    if slot.offset is None or slot.path.endswith("...") or is_reserved(slot.path.rpartition(".")[2]):
        return
    yield from (other.path for other in fresh if (other.type, other.offset, other.bit_offset, other.size) == where)
