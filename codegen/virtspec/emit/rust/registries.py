"""Registries and feature bits → tables."""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.emit.rust.documents import code
from virtspec.emit.rust.names import module_name
from virtspec.emit.rust.types import FEATURE_BITS, Catalogue
from virtspec.emit.rust.views import BindingView, EntryView, FeatureView, RangeView, RegistryView
from virtspec.model import Entry, Registry, condition_text
from virtspec.names import plain

_MAX_CODE = (1 << 64) - 1


def registries(catalogue: Catalogue, module: str) -> Iterator[RegistryView]:
    """The registries of a module."""
    for registry in catalogue.spec.registries:
        if module_name(registry.module) == module:
            yield _registry(catalogue, registry)


def _registry(catalogue: Catalogue, registry: Registry) -> RegistryView:
    name = plain(registry.key.partition("/registry/")[2] or registry.name).upper().strip("_") or "CODES"
    name = f"{name}_CODES"
    place = f" ({code(str(registry.place))})" if registry.place.file else ""
    return RegistryView(
        variable=catalogue.scope(registry.module).claim(name if name[0].isalpha() else f"N{name}"),
        name=registry.name,
        tag=registry.tag,
        flags=registry.flags,
        doc=f"{code(registry.name)} by {code(registry.tag)}{place}.",
        entries=tuple(_entry(e) for e in registry.entries if 0 <= e.code <= _MAX_CODE),
        ranges=tuple(
            RangeView(
                first=f"{r.first:#x}",
                last="None" if r.last is None else f"Some({r.last:#x})",
                meaning=r.meaning,
            )
            for r in registry.ranges
            if 0 <= r.first <= _MAX_CODE and (r.last is None or r.first <= r.last <= _MAX_CODE)
        ),
        fields=registry.fields,
        bits=registry.bits,
    )


def _entry(entry: Entry) -> EntryView:
    return EntryView(
        code=f"{entry.code:#x}",
        name=entry.name,
        structures=tuple(
            BindingView(
                role=b.role,
                structure=b.struct,
                member=b.member,
                many=b.many,
                behind=b.behind,
                condition=condition_text(b.condition),
            )
            for b in entry.bindings
        ),
    )


def features(catalogue: Catalogue, module: str) -> tuple[FeatureView, ...]:
    """The feature bits of a module."""
    found = [f for f in catalogue.spec.features if module_name(f.module) == module and 0 <= f.bit < FEATURE_BITS]
    return tuple(
        FeatureView(name=f.name, bit=f.bit, legacy=f.legacy, requires=condition_text(f.requires))
        for f in sorted(found, key=lambda f: (f.bit, f.legacy, f.name))
    )
