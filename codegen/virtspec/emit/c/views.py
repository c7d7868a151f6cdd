"""What the C templates are given: frozen views, every name and number in them ready to be written."""

from __future__ import annotations

from dataclasses import dataclass

from virtspec.emit.c.message_views import Message, Reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """One `#define` or enumerator. `note` says what is unusual about it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroGroup:
    """Constants that the specification states together."""

    source: str
    macros: tuple[Macro, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumGroup:
    """An enumeration; `tag` is empty where the specification gives none."""

    source: str
    tag: str
    macros: tuple[Macro, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A member of a struct. With `keyword` it is an unnamed struct or union around `members`."""

    type: str = ""
    name: str = ""
    dimensions: str = ""
    note: str = ""
    keyword: str = ""
    members: tuple[Declaration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """A member that an assertion pins to its place."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BitField:
    """A bit-field: part `mask << shift` of the integer `container`. `name` is empty in an array of such integers.

    `wide` is a cast where C would do arithmetic in `int`.
    """

    path: str
    name: str
    order: str
    mask_macro: str
    shift_macro: str
    mask: str
    keep: str
    shift: int
    ctype: str
    wide: str
    container: str
    load: str
    store: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A struct or union: its fixed leading part, with the size and offsets that are asserted.

    `heading` tells a reader what stands behind the fixed part, and what holds for the values. `declarations` is empty
    where there is no fixed part.
    """

    keyword: str
    tag: str
    source: str
    heading: tuple[str, ...]
    size: int
    declarations: tuple[Declaration, ...]
    offsets: tuple[Offset, ...]
    bits: tuple[BitField, ...]
    messages: tuple[Message, ...] = ()
    reserved: Reserved | None = None

    @property
    def type(self) -> str:
        return f"{self.keyword} {self.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCase:
    """A type that a device type defines: the `test` of its value, and the struct that has `reserved` members."""

    code: str
    note: str
    test: str
    reserved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record, and the types of it that a device type defines: `types` whose value may be anything, and the
    others as `cases`."""

    stem: str
    function: str
    types: tuple[str, ...]
    cases: tuple[OwnCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device type: where its configuration may end, and its types of records."""

    name: str
    title: str
    id: int
    config: str
    ends: tuple[int, ...]
    reserved: bool
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One code of a registry."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCase:
    """The bytes of what belongs to a code: so many, or with `open` at least so many."""

    code: str
    size: int
    open: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of what belongs to codes in one role, such as `data` or `value`."""

    role: str
    cases: tuple[SizeCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A registry as functions from a code to its name and to the sizes of what belongs to it. `bits` are the members in
    which a code is the number of a bit."""

    stem: str
    title: str
    source: str
    cases: tuple[Case, ...]
    bits: str = ""
    sizes: tuple[Sizes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One header."""

    guard: str
    file: str
    module: str
    edition: str
    prefix: str
    upper: str
    includes: tuple[str, ...]
    groups: tuple[MacroGroup | EnumGroup, ...]
    definitions: tuple[Definition, ...]
    tables: tuple[Table, ...]
    devices: tuple[DeviceView, ...]
