"""Registries and feature bits → tables."""

from __future__ import annotations

from virtspec.emit.rust.documents import code
from virtspec.emit.rust.names import module_name
from virtspec.emit.rust.types import FEATURE_BITS, Catalogue
from virtspec.emit.rust.views import BindingView, EntryView, FeatureView, RangeView, RegistryView
from virtspec.model import Entry, Registry, condition_text
from virtspec.names import plain

_MAX_CODE = (1 << 64) - 1


class Registries:
    """The registries of a model as tables."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._variables = {r.key: catalogue.scope(r.module).claim(_variable(r)) for r in catalogue.spec.registries}

    def path(self, registry: Registry, module: str) -> str:
        """How the code of a module names a registry."""
        home, variable = module_name(registry.module), self._variables[registry.key]
        return variable if home == module else f"crate::{home}::{variable}"

    def views(self, module: str) -> tuple[RegistryView, ...]:
        """The registries of a module."""
        found = (r for r in self._catalogue.spec.registries if module_name(r.module) == module)
        return tuple(_registry(r, self._variables[r.key]) for r in found)


def _variable(registry: Registry) -> str:
    name = plain(registry.key.partition("/registry/")[2] or registry.name).upper().strip("_") or "CODES"
    return f"{name}_CODES" if name[0].isalpha() else f"N{name}_CODES"


def _registry(registry: Registry, variable: str) -> RegistryView:
    place = f" ({code(str(registry.place))})" if registry.place.file else ""
    return RegistryView(
        variable=variable,
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
