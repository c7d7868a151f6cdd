"""Where everything stands in the site: one page per module, and in it one address per key.

A key is a permalink: `blk/struct/virtio_blk_config/capacity` is `blk.html#struct/virtio_blk_config/capacity`, in every
edition and for ever. Keys come from untrusted input: whatever is not a plain character is replaced, and what would
then be the same gets a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtspec.layout import Layouts
from virtspec.model import Spec

_PLAIN = re.compile(r"[^A-Za-z0-9_./~-]")

_TITLES = {
    "admin": "Administration commands",
    "ccw": "Channel I/O transport",
    "common": "Basic facilities",
    "device_context": "Device context",
    "device_parts": "Device parts",
    "introduction": "Introduction",
    "mmio": "MMIO transport",
    "pci": "PCI transport",
    "virtqueue": "Virtqueues",
}

TAKEN = frozenset("index structs features constants registries clauses changes coverage atlas".split())
"""The pages that are not about one module, as HTML or as Markdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A text, and the address it leads to ("" where it leads nowhere)."""

    text: str
    href: str = ""


def fragment(text: str) -> str:
    """A text as the part of an address behind `#`, which stands for itself there."""
    return _PLAIN.sub("-", text.replace("#", "~"))


def page_stem(module: str) -> str:
    """The name of a module's page, without `.html`."""
    stem = re.sub(r"[^a-z0-9_]", "_", module.lower())[:64] or "unnamed"
    return f"{stem}_" if stem in TAKEN else stem


class Addresses:
    """The addresses of everything that a model defines, by the names that others use for it."""

    def __init__(self, spec: Spec, layouts: Layouts) -> None:
        self.titles = {d.module: d.title for d in spec.devices}
        self._pages: dict[str, str] = {}
        self._anchors: dict[str, str] = {}
        self._taken: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        self._features: dict[str, str] = {}
        self._structs: dict[str, str] = {}
        for struct in spec.structs:
            href = self._register(struct.module, struct.key)
            self._structs.setdefault(struct.name, href)
            self._names.setdefault(struct.name, href)
            for slot in layouts[struct.key].slots:
                self._register(struct.module, f"{struct.key}/{slot.path}")
        for feature in spec.features:
            href = self._register(feature.module, feature.key)
            self._features.setdefault(feature.name, href)
            self._names.setdefault(feature.name, href)
        for constant in spec.constants:
            if constant.name not in self._features:
                self._names.setdefault(constant.name, self._register(constant.module, constant.key))
        for registry in spec.registries:
            self._register(registry.module, registry.key)
            for entry in registry.entries:
                self._register(registry.module, f"{registry.key}/{entry.code:#x}")
        for clause in spec.clauses:
            self._register(clause.module, clause.key)

    def _register(self, module: str, key: str) -> str:
        page = self.page(module)
        if key not in self._anchors:
            taken = self._taken.setdefault(page, set())
            wanted = fragment(key.partition("/")[2] or key)
            anchor = wanted
            number = 2
            while anchor in taken:
                anchor = f"{wanted}~{number}"
                number += 1
            taken.add(anchor)
            self._anchors[key] = anchor
        return f"{page}#{self._anchors[key]}"

    def page(self, module: str) -> str:
        """The page of a module."""
        if module not in self._pages:
            wanted = stem = page_stem(module)
            number = 2
            while f"{stem}.html" in self._pages.values():
                stem = f"{wanted}-{number}"
                number += 1
            self._pages[module] = f"{stem}.html"
        return self._pages[module]

    def title(self, module: str) -> str:
        """What people call a module."""
        return self.titles.get(module) or _TITLES.get(module) or module.replace("_", " ").capitalize()

    def anchor(self, key: str) -> str:
        """The anchor of a key in its page."""
        return self._anchors[key]

    def href(self, module: str, key: str) -> str:
        """The address of a key, or of its module where the key has none."""
        anchor = self._anchors.get(key)
        return f"{self.page(module)}#{anchor}" if anchor else self.page(module)

    def struct(self, name: str) -> str:
        """The address of a struct by its tag, "" where the model does not define it."""
        return self._structs.get(name, "")

    def member(self, struct: str, path: str) -> str:
        """The address of a member, or of its struct where there is no such member."""
        href = self.struct(struct)
        if not href or not path:
            return href
        page, _, anchor = href.partition("#")
        wanted = f"{anchor}/{fragment(path)}"
        return f"{page}#{wanted}" if wanted in self._taken[page] else href

    def feature(self, name: str) -> str:
        """The address of a feature bit by its name."""
        return self._features.get(name, "")

    def name(self, name: str) -> str:
        """The address of whatever has that name: a struct, a feature bit or a constant; also `struct.member`."""
        if name in self._names:
            return self._names[name]
        struct, dot, path = name.partition(".")
        return self.member(struct, path) if dot else ""

    def link(self, name: str) -> Link:
        """A name that leads to where it is defined."""
        return Link(text=name, href=self.name(name))
