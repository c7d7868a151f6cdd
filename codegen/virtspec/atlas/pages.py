"""The pages of the site, as view models: one per module, one per index, one per edition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from virtspec.atlas.addresses import Addresses, Link
from virtspec.atlas.entries import Entries
from virtspec.atlas.history import Change, Edition, History
from virtspec.atlas.shapes import Drawing
from virtspec.atlas.views import ClauseSection, ConstantRow, FeatureRow, RegistryEntry, StructEntry
from virtspec.model import FeatureBit, Skipped

BIT_ROWS = 32
"""Feature bits in one row of the map of a device type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """A module in the site's navigation. `id` is the device id, "" for a chapter."""

    module: str
    title: str
    href: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every page shows around its own content."""

    edition: str
    source_url: str
    editions: tuple[Link, ...]
    devices: tuple[NavItem, ...]
    chapters: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BitCell:
    """A bit in the map of feature bits, and the feature that it stands for; a free one has none."""

    bit: int
    feature: Link
    legacy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Constants of one owner: an enum, a table, a struct, a section."""

    owner: Link
    rows: tuple[ConstantRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePage:
    """Everything about one device type or chapter."""

    module: str
    title: str
    href: str
    id: str
    since: str
    file: str
    config: Link
    structs: tuple[StructEntry, ...]
    features: tuple[FeatureRow, ...]
    bit_map: tuple[tuple[BitCell, ...], ...]
    registries: tuple[RegistryEntry, ...]
    constants: tuple[Group, ...]
    clauses: tuple[ClauseSection, ...]
    clause_count: int

    @property
    def constant_count(self) -> int:
        return sum(len(group.rows) for group in self.constants)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change with its links; `how` is a word, `former` the name that the thing had before, if it was another."""

    name: Link
    module: Link
    how: str
    notes: tuple[str, ...]
    former: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeGroup:
    title: str
    new: tuple[ChangeRow, ...]
    changed: tuple[ChangeRow, ...]
    gone: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePage:
    """What changed from one edition to the next."""

    old: str
    new: str
    href: str
    groups: tuple[ChangeGroup, ...]
    clauses: tuple[tuple[Link, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How much an edition defines."""

    edition: str
    href: str
    devices: int
    structs: int
    features: int
    registries: int
    constants: int
    clauses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The first page: totals by edition, and the layout of the first device type's configuration."""

    totals: tuple[Totals, ...]
    modules: tuple[ModulePage, ...]
    example: StructEntry | None

    @property
    def drawing(self) -> Drawing | None:
        return self.example.drawing if self.example else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePage:
    """What was read of the newest edition, and what was not."""

    tallies: tuple[tuple[str, int, int, int], ...]
    skipped: tuple[Skipped, ...]


class Pages:
    """Makes the pages of a history."""

    def __init__(self, history: History, source_url: str = "") -> None:
        self.history = history
        newest = history.newest
        self.addresses = Addresses(newest.spec, newest.layouts)
        self._entries = Entries(history, self.addresses)
        self.modules = tuple(self._module(name) for name in self._module_names())
        self.site = Site(
            edition=newest.name,
            source_url=source_url,
            editions=tuple(Link(text=s.new, href=release_page(s.new)) for s in reversed(history.steps)),
            devices=tuple(_nav(m) for m in sorted(self.modules, key=_by_id) if m.id),
            chapters=tuple(_nav(m) for m in self.modules if not m.id),
        )

    def _module_names(self) -> list[str]:
        spec = self.history.newest.spec
        things = (spec.structs, spec.constants, spec.devices, spec.features, spec.registries, spec.clauses)
        return sorted({thing.module for kind in things for thing in kind})

    def _module(self, module: str) -> ModulePage:
        spec = self.history.newest.spec
        to, entries = self.addresses, self._entries
        device = next((d for d in spec.devices if d.module == module), None)
        features = [f for f in spec.features if f.module == module]
        clauses = [c for c in spec.clauses if c.module == module]
        files = [s.place.file for s in spec.structs if s.module == module]
        files += [c.place.file for c in spec.constants if c.module == module]
        files += [f.place.file for f in features] + [c.place.file for c in clauses]
        groups: dict[str, list[ConstantRow]] = {}
        for constant in spec.constants:
            if constant.module == module and not to.feature(constant.name):
                groups.setdefault(constant.owner, []).append(entries.constant(constant))
        return ModulePage(
            module=module,
            title=to.title(module),
            href=to.page(module),
            id="" if device is None else "–" if device.id is None else str(device.id),
            since=self.history.since("device", module),
            file=_main_file(files),
            config=Link(text=device.config, href=to.struct(device.config)) if device else Link(text=""),
            structs=tuple(entries.struct(s) for s in spec.structs if s.module == module),
            features=tuple(entries.feature(f) for f in sorted(features, key=lambda f: (f.bit, f.name))),
            bit_map=self._bit_map(features),
            registries=tuple(entries.registry(r) for r in spec.registries if r.module == module),
            constants=tuple(Group(owner=to.link(owner), rows=tuple(rows)) for owner, rows in groups.items()),
            clauses=entries.clauses(clauses),
            clause_count=len(clauses),
        )

    def _bit_map(self, features: list[FeatureBit]) -> tuple[tuple[BitCell, ...], ...]:
        """The feature bits in rows, as far as the highest one; empty where there are none or one is absurd."""
        if not features or not 0 <= max(f.bit for f in features) < 256:
            return ()
        by_bit: dict[int, FeatureBit] = {}
        for feature in features:
            if feature.bit not in by_bit or by_bit[feature.bit].legacy:
                by_bit[feature.bit] = feature
        rows = range(0, max(by_bit) + 1, BIT_ROWS)
        return tuple(tuple(self._bit_cell(bit, by_bit.get(bit)) for bit in range(row, row + BIT_ROWS)) for row in rows)

    def _bit_cell(self, bit: int, feature: FeatureBit | None) -> BitCell:
        if feature is None:
            return BitCell(bit=bit, feature=Link(text=""), legacy=False)
        href = self.addresses.href(feature.module, feature.key)
        return BitCell(bit=bit, feature=Link(text=feature.name, href=href), legacy=feature.legacy)

    # --- the other pages ----------------------------------------------------------------------------------

    def overview(self) -> Overview:
        """The first page."""
        first = next((m for m in sorted(self.modules, key=_by_id) if m.id and m.config.href), None)
        config = next((s for s in first.structs if s.name == first.config.text), None) if first else None
        return Overview(
            totals=tuple(_totals(edition, self.history) for edition in self.history.editions),
            modules=self.modules,
            example=config,
        )

    def releases(self) -> tuple[ReleasePage, ...]:
        """A page for every step from an edition to the next, the newest first."""
        return tuple(
            ReleasePage(
                old=step.old,
                new=step.new,
                href=release_page(step.new),
                groups=tuple(self._groups(step.changes)),
                clauses=tuple((self._module_link(module), new, gone) for module, new, gone in step.clauses),
            )
            for step in reversed(self.history.steps)
        )

    def _groups(self, changes: Iterable[Change]) -> Iterable[ChangeGroup]:
        by_what: dict[str, dict[str, list[ChangeRow]]] = {}
        for change in changes:
            kinds = by_what.setdefault(change.what, {"new": [], "changed": [], "gone": []})
            kinds[change.how].append(
                ChangeRow(
                    name=self._changed(change),
                    module=self._module_link(change.module),
                    how=change.how,
                    notes=change.notes,
                    former=change.former,
                )
            )
        for what, title in CHANGE_TITLES.items():
            if what in by_what:
                yield ChangeGroup(title=title, **{how: tuple(rows) for how, rows in by_what[what].items()})

    def _changed(self, change: Change) -> Link:
        to, spec = self.addresses, self.history.newest.spec
        match change.what:
            case "struct":
                return Link(text=change.name, href=to.struct(change.name))
            case "feature":
                return Link(text=change.name, href=to.feature(change.name))
            case "device":
                known = any(d.module == change.name for d in spec.devices)
                return Link(text=to.title(change.name), href=to.page(change.name) if known else "")
            case "registry":
                registry = next((r for r in spec.registries if r.key == change.name), None)
                label = f"{registry.name} ({registry.tag})" if registry else change.name
                return Link(text=label, href=to.href(registry.module, registry.key) if registry else "")
            case _:
                return to.link(change.name)

    def _module_link(self, module: str) -> Link:
        known = any(m.module == module for m in self.modules)
        return Link(text=self.addresses.title(module), href=self.addresses.page(module) if known else "")

    def coverage(self) -> CoveragePage:
        """What was read of the newest edition."""
        coverage = self.history.newest.spec.coverage
        return CoveragePage(
            tallies=tuple((what, t.total, t.read, t.opaque) for what, t in coverage.tallies), skipped=coverage.skipped
        )


CHANGE_TITLES = {
    "device": "Device types",
    "struct": "Structures",
    "feature": "Feature bits",
    "registry": "Registries",
    "constant": "Constants",
}


def release_page(edition: str) -> str:
    """The page with what an edition changed."""
    return "release-" + "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in edition) + ".html"


def _totals(edition: Edition, history: History) -> Totals:
    spec = edition.spec
    changed = any(step.new == edition.name for step in history.steps)
    return Totals(
        edition=edition.name,
        href=release_page(edition.name) if changed else "",
        devices=len(spec.devices),
        structs=len(spec.structs),
        features=len(spec.features),
        registries=len(spec.registries),
        constants=len(spec.constants),
        clauses=len(spec.clauses),
    )


def _main_file(files: list[str]) -> str:
    """The file that most of a module stands in."""
    return max(sorted(set(files)), key=files.count, default="")


def _nav(page: ModulePage) -> NavItem:
    return NavItem(module=page.module, title=page.title, href=page.href, id=page.id)


def _by_id(page: ModulePage) -> tuple[int, str]:
    return (int(page.id) if page.id.isdigit() else 1 << 32, page.title)
