"""What templates are given: rows and entries, frozen, with every number written and every link resolved."""

from __future__ import annotations

from dataclasses import dataclass

from virtspec.atlas.addresses import Link
from virtspec.atlas.shapes import Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    anchor: str
    path: str
    name: str
    depth: int
    type: tuple[Link, ...]
    offset: str
    size: str
    condition: tuple[Link, ...]
    optional: bool
    direction: str
    since: str
    source: str
    container: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an edition changed in a thing."""

    edition: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StructEntry:
    file: str
    anchor: str
    href: str
    name: str
    kind: str
    module: str
    size: str
    since: str
    source: str
    also: tuple[str, ...]
    variant: int
    drawing: Drawing
    rows: tuple[MemberRow, ...]
    directed: bool
    conditional: bool
    relations: tuple[str, ...]
    notes: tuple[Note, ...]
    used_by: tuple[Link, ...]
    carried_by: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantRow:
    anchor: str
    href: str
    name: str
    module: str
    value: str
    hexadecimal: str
    written: str
    kind: str
    owner: Link
    since: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    anchor: str
    href: str
    name: str
    module: str
    bit: int
    legacy: bool
    requires: tuple[Link, ...]
    gates: tuple[Link, ...]
    since: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """A code or a range of codes of a registry; a range has no name but a meaning.

    Of several names for one code, the first has the anchor.
    """

    anchor: str
    code: str
    name: Link
    range: bool
    payload: tuple[tuple[str, Link, bool], ...]
    condition: tuple[Link, ...]
    since: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    file: str
    anchor: str
    href: str
    name: str
    tag: str
    module: str
    fields: tuple[Link, ...]
    flags: bool
    bits: tuple[Link, ...]
    under: Link
    source: str
    since: str
    rows: tuple[CodeRow, ...]
    codes: int
    payloads: bool
    conditional: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseRow:
    anchor: str
    href: str
    level: str
    role: str
    names: tuple[Link, ...]
    digest: str
    source: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseSection:
    """The normative statements of one section, and how many of them are for the driver and for the device."""

    title: str
    driver: int
    device: int
    rows: tuple[ClauseRow, ...]
