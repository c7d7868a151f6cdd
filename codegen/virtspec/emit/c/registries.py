"""Registries → functions from a code to its name, and to the size of what belongs to it."""

from __future__ import annotations

import re
from collections import Counter

from virtspec.emit.c.lengths import Leaf, find
from virtspec.emit.c.names import Names, header_name
from virtspec.emit.c.types import Catalogue
from virtspec.emit.c.views import Case, SizeCase, Sizes, Table
from virtspec.model import Binding, Entry, FeatureBit, Registry, Role, Spec, integer

_MAX_CODE = (1 << 64) - 1

_ROLES: tuple[Role, ...] = ("value", "selector", "data", "result", "request", "response")


def tables(spec: Spec, catalogue: Catalogue, names: Names, module: str) -> tuple[Table, ...]:
    """The registries of one header."""
    registries = [r for r in spec.registries if r.entries and header_name(r.module) == module]
    shared = Counter(_word(r.name) for r in registries)
    found = []
    for registry in registries:
        word = _word(registry.name)
        parts = [word, _word(registry.tag)] if shared[word] > 1 else [word]
        found.append(_registry(registry, catalogue, names, module, _stem(module, parts)))
    features = [f for f in spec.features if header_name(f.module) == module]
    if features:
        found.append(_features(features, catalogue, names, module))
    return tuple(table for table in found if table.cases)


def _word(text: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", text.lower()))


def _stem(module: str, parts: list[str]) -> str:
    """`virtio_<module>_<title>`, with no word said twice at its start."""
    title = "_".join(filter(None, parts)).removeprefix("virtio_").removeprefix(f"{module}_")
    return f"virtio_{module}_{title}"


def _registry(registry: Registry, catalogue: Catalogue, names: Names, module: str, stem: str) -> Table:
    entries: dict[int, Entry] = {}
    for entry in registry.entries:
        if 0 <= entry.code <= _MAX_CODE:
            entries.setdefault(entry.code, entry)
    codes = {code: catalogue.code(entries[code].name, code, registry.module) for code in sorted(entries)}
    sizes = []
    members = sorted({b.member for e in entries.values() for b in e.bindings if b.member})
    ends = Counter(member.rpartition(".")[2] for member in members)
    slots: dict[str, str] = {role: role for role in _ROLES}
    for member in members:
        end = member.rpartition(".")[2]
        slots[member] = _word(end if ends[end] == 1 else member).removeprefix("virtio_").removeprefix(f"{module}_")
    for slot, word in slots.items():
        cases = [_size(codes[code], entries[code], slot, catalogue) for code in codes]
        known = tuple(case for case in cases if case is not None)
        if known:
            sizes.append(Sizes(role=word, cases=known))
    return Table(
        stem=names.stem(stem, ("_name", *(f"_{word}_size" for word in slots.values()))),
        title=f"{registry.name}, by {registry.tag}",
        source=str(registry.place),
        cases=tuple(Case(code=text, name=entries[code].name) for code, text in codes.items()),
        sizes=tuple(sizes),
        bits=", ".join(registry.bits),
    )


def _size(code: str, entry: Entry, slot: str, catalogue: Catalogue) -> SizeCase | None:
    """The size of what belongs to a code in one role or member. Where features decide, it is at least the smallest."""
    bindings = [b for b in entry.bindings if b.slot == slot]
    found = [record for b in bindings if b.first and (record := catalogue.named(b.struct)) is not None]
    if found:
        # further structs of the same role stand behind the first
        least = min(found, key=lambda record: record.lead)
        whole = least.size is not None and len(bindings) == 1
        return SizeCase(code=code, size=least.lead, open="false" if whole else "true", note=least.type)
    type_ = next((type_ for b in bindings if b.first and (type_ := integer(b.struct)) is not None), None)
    if type_ is not None:
        return SizeCase(code=code, size=type_.size, open="false", note=type_.spelling)
    leaf = next((leaf for b in bindings if (leaf := _member(b, catalogue)) is not None), None)
    if leaf is not None:
        return SizeCase(code=code, size=leaf.integer.size, open="false", note=bindings[0].struct)
    return None


def _member(binding: Binding, catalogue: Catalogue) -> Leaf | None:
    """The integer that a binding to one member of a struct is about."""
    struct, _, path = binding.struct.partition(".")
    record = catalogue.named(struct) if path and not binding.many else None
    leaf = None if record is None else find(record.fields, path.split("."))
    return leaf if leaf is not None and leaf.bit is None else None


def _features(features: list[FeatureBit], catalogue: Catalogue, names: Names, module: str) -> Table:
    cases: dict[int, Case] = {}
    for feature in sorted(features, key=lambda f: (f.bit, f.legacy, f.name)):
        cases.setdefault(feature.bit, Case(code=catalogue.code(feature.name, feature.bit, module), name=feature.name))
    return Table(
        stem=names.stem(f"virtio_{module}_feature", ("_name",)),
        title="feature bits",
        source=str(features[0].place),
        cases=tuple(cases.values()),
    )
