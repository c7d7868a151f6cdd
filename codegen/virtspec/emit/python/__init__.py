"""The model as the Python package `virtwire`: one module per chapter or device type, and the runtime they share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from virtspec.emit.engine import Emission, render
from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.classes import Classes
from virtspec.emit.python.constants import Constants, FeatureView, features_of, registry_view
from virtspec.emit.python.former import FormerNames
from virtspec.emit.python.naming import module_of
from virtspec.emit.python.records import Records
from virtspec.emit.python.shapes import Shapes
from virtspec.emit.python.steps import Planner
from virtspec.emit.python.views import ClassView
from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.resources import template_root
from virtspec.since import Since

PACKAGE = "python/virtwire"

# what a module imports if its text uses the name
_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "struct": ("Struct as Codec", "error as struct_error", "pack", "unpack"),
    "types": ("EllipsisType",),
    "._arithmetic": ("difference", "quotient", "remainder"),
    "._errors": ("UNFIT", "DecodeError", "in_bytes", "octets", "only_bytes"),
    "._failures": ("malformed", "truncated", "wrong_count", "wrong_length"),
    "._features": ("Feature", "Features"),
    "._former": ("Former",),
    "._layout": ("Layout",),
    "._records": ("Container", "Record"),
    "._registry": ("Entry", "Range", "Registry"),
    "._rows": ("Rows", "rows_arm"),
    "._requests": ("FixedRequest", "Request"),
    "._runtime": (
        "Struct",
        "check_byteorder",
        "copy",
        "fresh",
        "join_items",
        "join_structs",
        "new",
    ),
    "._unions": (
        "ArmOf",
        "BitField",
        "Union",
        "bytes_arm",
        "chunks",
        "int_arm",
        "ints_arm",
        "join_chunks",
        "struct_arm",
    ),
    "._views": ("Array", "Bits", "Bytes", "Int", "Ints", "Nested", "Value", "View"),
}
_TYPING_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "collections.abc": ("Iterable", "Iterator", "Mapping"),
    "typing": ("Any", "Final", "Literal"),
    "typing_extensions": ("Self",),
    "._errors": ("Buffer", "ByteOrder"),
    "._features": ("FeatureBits",),
    "._unions": ("Arm",),
}
_BUILTINS = (
    "FEATURES TYPE_CHECKING annotations bytes classmethod dict int isinstance len list memoryview property range super"
    " tuple type zip NotImplementedError TypeError None True False __all__"
)
RESERVED = frozenset(
    name.rpartition(" ")[2] for table in (_IMPORTS, _TYPING_IMPORTS) for names in table.values() for name in names
) | frozenset(_BUILTINS.split())
"""Names that mean something in every generated module; nothing of a specification is called so."""

# module names of the runtime
_RUNTIME = (
    "_arithmetic",
    "_errors",
    "_layout",
    "_failures",
    "_unions",
    "_runtime",
    "_requests",
    "_rows",
    "_views",
    "_features",
    "_former",
    "_registry",
    "_names",
    "_records",
    "_dump",
    "_cli",
    "framing",
    "__main__",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """Where the class for a C name is."""

    c_name: str
    variant: int
    module: str
    cls: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesView:
    """A registry whose codes stand in a member; only where `under`, another member, has `code`, if that is given. With
    `bits`, they are the numbers of its bits."""

    module: str
    variable: str
    under: str
    code: int
    bits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device type, and the class of its configuration structure."""

    id: int | None
    module: str
    title: str
    config: str


def render_python(spec: Spec, layouts: Layouts, since: Since | None = None, version: str = "0.0.0") -> Emission:
    """The files of the package, by path."""
    return _Package(spec, layouts, since, version).render()


class _Package:
    def __init__(self, spec: Spec, layouts: Layouts, since: Since | None, version: str) -> None:
        self.spec = spec
        self.since = since
        self.version = version
        self.catalogue = Catalogue(spec, RESERVED)
        shapes = Shapes(spec, layouts, self.catalogue)
        for cls in self.catalogue.classes.values():
            shapes.plan(cls)
        bits = {f.name: f.bit for f in reversed(spec.features)}
        self.planner = Planner(self.catalogue, shapes.counts, bits)
        self.registries = {
            r.key: registry_view(r, partial(self.catalogue.claim, module_of(r.module)), bits) for r in spec.registries
        }
        records = Records(spec, self.catalogue, lambda registry: self.registries[registry.key].variable)
        self.emission = Emission()
        self.former = FormerNames(spec, layouts, self.catalogue, since, self._skip)
        self.classes = Classes(spec, self.catalogue, layouts, self.planner, records, self.former, since)
        self.index: list[IndexEntry] = []

    def _skip(self, key: str, why: str) -> None:
        self.emission.not_rendered.append((key, why))

    def render(self) -> Emission:
        modules = {module_of(module): module for module in self._modules()}
        for name in sorted(modules):
            self._module(name, modules[name])
        for key, cls in self.catalogue.classes.items():
            for each in (*self.catalogue.inner.get(key, ()), cls):
                self.emission.not_rendered += [(key, note) for note in each.notes]
        self._package(sorted(modules))
        return self.emission

    # --- modules ------------------------------------------------------------------------------------------

    def _module(self, name: str, module: str) -> None:
        spec = self.spec
        views: list[ClassView] = []
        for struct in spec.structs:
            if module_of(struct.module) == name:
                views += self.classes.of_struct(struct)
                cls = self.catalogue.classes[struct.key]
                self.index.append(IndexEntry(c_name=struct.name, variant=struct.variant, module=name, cls=cls.name))

        def claim(wanted: str) -> str:
            return self.catalogue.claim(name, wanted)

        constants = Constants(claim, self.since, self._skip, spec.bit_numbers())
        constants.add([c for c in spec.constants if module_of(c.module) == name])
        registries = [self.registries[r.key] for r in spec.registries if module_of(r.module) == name]
        features: tuple[FeatureView, ...] = ()
        if any(f.module == module for f in spec.features) or any(v.conditions for v in views):
            features = features_of(module, spec.features, self.planner)
        values = {c.name for c in constants.plain} | {m.name for m in constants.macros}
        title = next((d.title for d in spec.devices if d.module == module), module.replace("_", " "))
        body = render(
            "python/module.py.jinja",
            classes=views,
            constants=constants.plain,
            macros=constants.macros,
            registries=registries,
            features=features,
            device=module,
            former=self.former.of_module(name, views, values),
        )
        others = sorted(set(re.findall(r"(?<![\w.])_([a-z]\w*)\.[A-Z]", body)) & set(map(module_of, self._modules())))
        counts = f"{len(views)} structs and unions, {len(constants.plain)} constants"
        typing_imports = _used(_TYPING_IMPORTS, body)
        text = render(
            "python/head.py.jinja",
            title=title,
            counts=counts,
            edition=spec.edition,
            imports=_used(_IMPORTS, body),
            type_checking=bool(typing_imports) or "TYPE_CHECKING" in body,
            typing_imports=typing_imports,
            modules=others,
        )
        self.emission.files[f"{PACKAGE}/{name}.py"] = text + body

    def _modules(self) -> set[str]:
        spec = self.spec
        return {
            *(struct.module for struct in spec.structs),
            *(constant.module for constant in spec.constants),
            *(feature.module for feature in spec.features),
            *(registry.module for registry in spec.registries),
        }

    # --- the package around them --------------------------------------------------------------------------

    def _package(self, modules: Sequence[str]) -> None:
        files = self.emission.files
        for name in _RUNTIME:
            template = f"python/{name}.py.jinja"
            if (template_root() / template).is_file():
                files[f"{PACKAGE}/{name}.py"] = render(template)
        common = {
            "version": self.version,
            "edition": self.spec.edition,
            "modules": modules,
            "struct_count": len(self.index),
        }
        files[f"{PACKAGE}/__init__.py"] = render("python/__init__.py.jinja", **common)
        files[f"{PACKAGE}/_index.py"] = render(
            "python/_index.py.jinja",
            modules=modules,
            structs=sorted(self.index, key=lambda e: (e.c_name, e.variant, e.module)),
            codes=list(self._codes()),
            devices=self._devices(),
            former_structs=self.former.structs(),
            former_features=self.former.features(),
        )
        files[f"{PACKAGE}/py.typed"] = ""
        files["python/pyproject.toml"] = render("python/pyproject.toml.jinja", **common)
        files["python/README.md"] = render("python/README.md.jinja", **common)
        files["python/LICENSE"] = render("_shared/LICENSE.jinja")

    def _codes(self) -> Iterator[tuple[str, list[CodesView]]]:
        """The members that hold codes, and the registries of these."""
        spec = self.spec
        named = {(r.module, e.name): (r, e.code) for r in reversed(spec.registries) for e in r.entries}
        found: dict[str, list[CodesView]] = {}
        for registry in spec.registries:
            above, code = named.get((registry.module, registry.under), (None, 0)) if registry.under else (None, 0)
            for field in (*registry.fields, *registry.bits):
                tag = field.partition(".")[0]
                holders = [f for f in above.fields if f.partition(".")[0] == tag] if above is not None else []
                if registry.under and len(holders) != 1:
                    continue
                view = CodesView(
                    module=module_of(registry.module),
                    variable=self.registries[registry.key].variable,
                    under=self.catalogue.attribute(holders[0]).rpartition(".")[2] if holders else "",
                    code=code,
                    bits=field in registry.bits,
                )
                found.setdefault(self.catalogue.attribute(field), []).append(view)
        yield from sorted(found.items())

    def _devices(self) -> list[DeviceView]:
        return [
            DeviceView(id=d.id, module=module_of(d.module), title=d.title, config=d.config) for d in self.spec.devices
        ]


def _used(table: Mapping[str, Sequence[str]], body: str) -> list[tuple[str, list[str]]]:
    """The imports of a table whose names a text uses."""
    words = set(re.findall(r"[A-Za-z_]\w*", body))
    result: list[tuple[str, list[str]]] = []
    for module, names in table.items():
        used = [name for name in names if name.rpartition(" ")[2] in words]
        if used:
            result.append((module, used))
    return result
