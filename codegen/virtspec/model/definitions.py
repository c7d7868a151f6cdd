"""What a specification defines: structs, constants, feature bits, device types, registries, and its clauses."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from virtspec.frozen import dataclass
from virtspec.model.conditions import Condition, Relation
from virtspec.model.types import Member
from virtspec.source import NOWHERE, Place

ConstantKind: TypeAlias = Literal["feature", "define", "enum", "table", "register"]
StructKind: TypeAlias = Literal["struct", "union", "field", "bits"]
Access: TypeAlias = Literal["R", "W", "RW"]
Meaning: TypeAlias = Literal["reserved", "device", "vendor", "generic", "other"]
Subject: TypeAlias = Literal["driver", "device", "both"]
Role: TypeAlias = Literal["data", "result", "request", "response", "value", "selector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """A struct or union with a tag, a field that stands by itself in a listing, or such a bit-field group.

    `name` is the C tag; where there is none (kinds `field` and `bits`) it is the field's name or that of the
    listing's file. `parent` is the struct inside which this one is defined. `variant` counts from 2 where the
    specification defines one name in several ways; all variants are kept. With `example`, the text uses it to explain
    something and nothing on the wire has its layout. `relations` are what has to hold between its members' values.
    """

    key: str
    name: str
    kind: StructKind
    module: str
    members: tuple[Member, ...]
    packed: bool = False
    parent: str = ""
    variant: int = 1
    example: bool = False
    relations: tuple[Relation, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)
    also: tuple[Place, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A named value. `value` is None where the text gives none that can be computed; `reason` then says why.

    `expression` is the value as written where it is more than a number. `owner` names the struct, enum, table or
    section that the constant belongs to. `parameters` is given for function-like macros. With `example`, the text uses
    it to explain something.
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
    example: bool = False
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

    `struct` is the tag of a struct of the model, `tag.path` for the type of one member of it, `tag@path` for that of
    the member that lies where `path` in the record says, an integer type (`le16`), or `DEVICE_CONFIG`. With `many`, any
    number of them stand one after the other, behind the struct that another binding of the role gives, if there is one;
    with `behind`, one stands there. `member` is the member whose bytes it is, as `tag.path`, where the role alone does
    not say; `condition` says when it is this struct, where a feature decides.
    """

    role: Role
    struct: str
    many: bool = False
    behind: bool = False
    member: str = ""
    condition: Condition | None = None
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def tag(self) -> str:
        """The tag of the struct alone."""
        return self.struct.partition("@")[0].partition(".")[0]

    @property
    def slot(self) -> str:
        """What the struct fills: the member, else the role."""
        return self.member or self.role

    @property
    def first(self) -> bool:
        """Whether it stands at the beginning of what it fills, and once."""
        return not self.many and not self.behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code of a registry. `condition` says when it may be used, where a feature gates it; `access` is given for
    registers: whether the driver reads or writes them."""

    code: int
    name: str
    bindings: tuple[Binding, ...] = ()
    condition: Condition | None = None
    access: Access | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A run of codes without a name; `last` is None where it is open-ended."""

    first: int
    last: int | None
    meaning: Meaning
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A table or list that gives codes a meaning. `tag` says what the codes are (`type`, `opcode`, …).

    `fields` are the members that hold its codes, as `tag.path`; registries of one field share a space of codes. With
    `flags`, codes are masks that may be combined. `bits` are the members, as `tag.path`, in which a code is the number
    of a bit. `under` is the entry of another registry that this one goes further into: the class of a class-and-command
    pair. `ascending` says that what has these codes stands in their order.
    """

    key: str
    name: str
    tag: str
    module: str
    entries: tuple[Entry, ...]
    ranges: tuple[Range, ...] = ()
    fields: tuple[str, ...] = ()
    flags: bool = False
    bits: tuple[str, ...] = ()
    under: str = ""
    ascending: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One normative statement: who must do what how strictly, and which names it speaks of.

    `states` are the keys of the structs about whose values, and the registries about whose order, it states what the
    model has as `Allowed`, `Relation` and `ascending`. A model file holds no text, only a digest: `words` is given
    where the statement was read from LaTeX.
    """

    key: str
    role: Subject
    level: str
    module: str
    section: str
    digest: str
    names: tuple[str, ...] = ()
    listed: bool | None = None
    states: tuple[str, ...] = ()
    words: str = field(default="", compare=False, repr=False)
    place: Place = field(default=NOWHERE, compare=False)
