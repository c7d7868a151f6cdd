"""The linked model: everything a specification states that a program can use.

Frozen, slotted, keyword-only dataclasses and tuples; no behaviour beyond trivial queries. Where a thing
stands (`Place`) is not part of what it is: places never take part in comparison, so two models are equal
when they state the same facts.

Sizes and offsets are not stored here. They follow from the types, and `virtspec.layout` computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeAlias

ByteOrder: TypeAlias = Literal["little", "big", "native"]
ConstantKind: TypeAlias = Literal["feature", "define", "enum", "table", "register"]
Direction: TypeAlias = Literal["readable", "writable"]
Role: TypeAlias = Literal["data", "result", "request", "response", "value", "selector"]

MODEL_SCHEMA = "virtspec.model/1"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in the specification's source: path inside the tree, and line counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


# --- types ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer:
    """An unsigned integer, or a `char`. `spelling` is the specification's word for it (`le16`, `u8`, `char`)."""

    bits: Literal[8, 16, 32, 64]
    order: ByteOrder
    spelling: str

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.bits // 8


_ORDERS: dict[str, ByteOrder] = {"le": "little", "be": "big", "u": "native"}


@lru_cache(maxsize=256)
def integer(spelling: str) -> Integer | None:
    """The integer type of that name, or None. A single byte has no order."""
    word = spelling.removeprefix("__").removesuffix("_t").replace("uint", "u")
    if word == "char":
        return Integer(bits=8, order="little", spelling="char")
    prefix, digits = word.rstrip("0123456789"), word.lstrip("leubint")
    order = _ORDERS.get(prefix)
    if order is None:
        return None
    match digits:
        case "8":
            return Integer(bits=8, order="little", spelling=spelling)
        case "16":
            return Integer(bits=16, order=order, spelling=spelling)
        case "32":
            return Integer(bits=32, order=order, spelling=spelling)
        case "64":
            return Integer(bits=64, order=order, spelling=spelling)
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """One bit-field. `offset` counts from the least significant bit of the container; arms of a union overlap."""

    name: str
    offset: int
    width: int
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bits:
    """An integer divided into bit-fields: `le16 { type : 12; reserved : 4; }` or a run of `le32 unmap:1;`."""

    container: Integer
    fields: tuple[Bit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StructRef:
    """A use of a struct or union that the model defines, by its tag."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """A use of a type that the specification does not define (`struct fuse_in_header`); its size is unknown.

    `tag` is the keyword before the name, "" for a plain type.
    """

    name: str
    tag: Literal["struct", "union", "enum", ""] = "struct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`length` elements of one type. Dimensions nest from the outside in: `macs[entries][6]` is an array of arrays."""

    element: Type
    length: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A struct or union without a tag, defined where it is used."""

    kind: Literal["struct", "union"]
    members: tuple[Member, ...]


Type: TypeAlias = Integer | Bits | StructRef | External | Array | Aggregate


# --- lengths ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of elements. `text` is how the specification writes it when that is not the plain number."""

    value: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRef:
    """The value of an earlier or later member of the same struct, by path (`entries`, `hdr.length`)."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRef:
    """The value of a member of the device's configuration structure (`virtio_scsi_config.cdb_size`)."""

    struct: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An arithmetic expression over members, constants and `sizeof`; `text` is normalised C."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalLength:
    """A length that only the user of the struct knows; `name` is what the specification calls it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """`[]`: as many elements as there is room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elided:
    """A part that the listing leaves out with an ellipsis."""


Length: TypeAlias = Count | FieldRef | ConfigRef | Expression | ExternalLength | Rest | Elided


# --- conditions -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature bit has been negotiated."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldIs:
    """A member has a value: a constant's name or a number."""

    path: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    term: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A condition that could not be turned into an expression: the digest of its text stands for it."""

    digest: str


Condition: TypeAlias = Feature | FieldIs | AllOf | AnyOf | Not | Prose


# --- definitions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a struct or union. An anonymous union or bit-field group has the name "".

    `condition` says when the member means something. `optional` says that its bytes are absent otherwise; a member of
    a configuration structure, in contrast, keeps its place and is only not valid. `evidence` is where prose states the
    condition, if it does not stand beside the member.
    """

    name: str
    type: Type
    condition: Condition | None = None
    optional: bool = False
    direction: Direction | None = None
    place: Place = field(default=NOWHERE, compare=False)
    evidence: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """A struct or union with a tag, a field that stands by itself in a listing, or such a bit-field group.

    `name` is the C tag; where there is none (kinds `field` and `bits`) it is the field's name or that of the
    listing's file. `parent` is the struct inside which this one is defined. `variant` counts from 2 where the
    specification defines one name in several ways; all variants are kept.
    """

    key: str
    name: str
    kind: Literal["struct", "union", "field", "bits"]
    module: str
    members: tuple[Member, ...]
    packed: bool = False
    parent: str = ""
    variant: int = 1
    place: Place = field(default=NOWHERE, compare=False)
    also: tuple[Place, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A named value. `value` is None where the text gives none that can be computed; `reason` then says why.

    `expression` is the value as written where it is more than a number. `owner` names the struct, enum, table or
    section that the constant belongs to. `parameters` is given for function-like macros.
    """

    key: str
    name: str
    kind: ConstantKind
    module: str
    value: int | None
    expression: str = ""
    reason: str = ""
    owner: str = ""
    parameters: tuple[str, ...] | None = None
    place: Place = field(default=NOWHERE, compare=False)
    also: tuple[Place, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureBit:
    """A feature bit of a device type, or a reserved one of module `common`."""

    key: str
    name: str
    bit: int
    module: str
    legacy: bool = False
    requires: Condition | None = None
    place: Place = field(default=NOWHERE, compare=False)


DEVICE_CONFIG = "device configuration"
"""Stands as the struct of a `Binding` for the configuration structure of whatever device type it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device type: its chapter's module and title, its device id, and the tag of its configuration structure."""

    module: str
    title: str
    id: int | None
    config: str = ""
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A struct that a registry entry's payload has, and which part of the exchange that is.

    `struct` is the tag of a struct of the model, `tag.path` for the type of one member of it, or `DEVICE_CONFIG`.
    With `many`, any number of them stand one after the other, behind the struct that another binding of the role
    gives, if there is one.
    """

    role: Role
    struct: str
    many: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code of a registry. `condition` says when it may be used, where a feature gates it."""

    code: int
    name: str
    bindings: tuple[Binding, ...] = ()
    condition: Condition | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A run of codes without a name; `last` is None where it is open-ended."""

    first: int
    last: int | None
    meaning: Literal["reserved", "device", "vendor", "generic", "other"]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A table or list that gives codes a meaning. `tag` says what the codes are (`type`, `opcode`, …).

    `fields` are the members that hold its codes, as `tag.path`; registries of one field share a space of codes. With
    `flags`, codes are masks that may be combined. `under` is the entry of another registry that this one goes further
    into: the class of a class-and-command pair.
    """

    key: str
    name: str
    tag: str
    module: str
    entries: tuple[Entry, ...]
    ranges: tuple[Range, ...] = ()
    fields: tuple[str, ...] = ()
    flags: bool = False
    under: str = ""
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One normative statement: who must do what how strictly, and which names it speaks of. No text, only a digest."""

    key: str
    role: Literal["driver", "device", "both"]
    level: str
    module: str
    section: str
    digest: str
    names: tuple[str, ...] = ()
    listed: bool | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that was not understood, where it stands, and why."""

    what: Literal["listing", "table", "item", "binding", "condition", "requirement", "clause", "annotation", "file"]
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many there are of a kind of block, how many of them gave facts, and how many hold none."""

    total: int
    read: int
    opaque: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What became of every block of the specification."""

    tallies: tuple[tuple[str, Tally], ...] = ()
    skipped: tuple[Skipped, ...] = ()


def _by_place(thing: Struct | Constant | FeatureBit | Registry | Clause) -> tuple[str, int, str]:
    return thing.place.file, thing.place.line, thing.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One edition of a specification, linked: all names resolved, every definition once."""

    edition: str
    structs: tuple[Struct, ...]
    constants: tuple[Constant, ...]
    devices: tuple[Device, ...] = ()
    features: tuple[FeatureBit, ...] = ()
    registries: tuple[Registry, ...] = ()
    clauses: tuple[Clause, ...] = ()
    coverage: Coverage = field(default=Coverage(), compare=False)

    def in_order(self) -> Spec:
        """The same model with everything in the order of the sources: files by path, then lines, then keys.

        A model that was read from LaTeX and one that was loaded from JSON are the same after this.
        """
        return replace(
            self,
            structs=tuple(sorted(self.structs, key=_by_place)),
            constants=tuple(sorted(self.constants, key=_by_place)),
            devices=tuple(sorted(self.devices, key=lambda d: d.module)),
            features=tuple(sorted(self.features, key=_by_place)),
            registries=tuple(sorted(self.registries, key=_by_place)),
            clauses=tuple(sorted(self.clauses, key=_by_place)),
        )

    def struct(self, name: str) -> Struct | None:
        """The struct of that name (its first variant), or None."""
        return next((s for s in self.structs if s.name == name), None)

    def gated(self) -> dict[str, tuple[str, ...]]:
        """What depends on each feature: members as `tag.path`, and the names of commands and other codes."""
        found: dict[str, dict[str, None]] = {}
        for struct in self.structs:
            for path, condition in _conditions(struct.members, struct.name):
                for feature in features_of(condition):
                    found.setdefault(feature, {}).setdefault(path)
        for registry in self.registries:
            for entry in registry.entries:
                for feature in features_of(entry.condition):
                    found.setdefault(feature, {}).setdefault(entry.name)
        return {feature: tuple(found[feature]) for feature in sorted(found)}


def features_of(condition: Condition | None) -> tuple[str, ...]:
    """The features that a condition names."""
    match condition:
        case Feature(name=name):
            return (name,)
        case AllOf(terms=terms) | AnyOf(terms=terms):
            return tuple(name for term in terms for name in features_of(term))
        case Not(term=term):
            return features_of(term)
        case _:
            return ()


def _conditions(members: tuple[Member, ...], above: str) -> Iterator[tuple[str, Condition]]:
    """The conditional members with their paths; unnamed ones give no word to a path."""
    for member in members:
        path = f"{above}.{member.name}" if member.name else above
        if member.condition is not None:
            yield path, member.condition
        inner = member.type
        while isinstance(inner, Array):
            inner = inner.element
        if isinstance(inner, Aggregate):
            yield from _conditions(inner.members, path)
        elif isinstance(inner, Bits):
            yield from ((f"{path}.{b.name}", b.condition) for b in inner.fields if b.condition is not None)
