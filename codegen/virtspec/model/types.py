"""What a member is: its type, the length of what repeats in it, and the member itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache
from typing import Literal, TypeAlias

from virtspec.compat import assert_never
from virtspec.frozen import dataclass
from virtspec.model.conditions import Allowed, Condition, features_of
from virtspec.source import NOWHERE, Place

ByteOrder: TypeAlias = Literal["little", "big", "native"]
Direction: TypeAlias = Literal["readable", "writable"]
Tag: TypeAlias = Literal["struct", "union", "enum", ""]


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
    tag: Tag = "struct"


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


# --- members ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a struct or union. An anonymous union or bit-field group has the name "".

    `condition` says when the member means something. `optional` says that its bytes are absent otherwise; a member of
    a configuration structure, in contrast, keeps its place and is only not valid. `evidence` is where prose states the
    condition, if it does not stand beside the member. `allowed` is given where a normative statement limits the values.
    """

    name: str
    type: Type
    condition: Condition | None = None
    optional: bool = False
    direction: Direction | None = None
    allowed: Allowed | None = None
    place: Place = field(default=NOWHERE, compare=False)
    evidence: Place = field(default=NOWHERE, compare=False)


def innermost(type_: Type) -> Type:
    """What an array's elements are, through all of its dimensions; any other type is that itself."""
    while isinstance(type_, Array):
        type_ = type_.element
    return type_


def members_in(members: tuple[Member, ...], above: str = "") -> Iterator[tuple[str, Member]]:
    """Members and those of the untagged types in them, with their paths; unnamed ones give no word to a path."""
    for member in members:
        path = f"{above}.{member.name}" if above and member.name else above or member.name
        yield path, member
        inner = innermost(member.type)
        if isinstance(inner, Aggregate):
            yield from members_in(inner.members, path)


def names_in(members: tuple[Member, ...]) -> Iterator[str]:
    """The names of members and bit-fields, those in untagged types too."""
    for _, member in members_in(members):
        if member.name:
            yield member.name
        yield from (bit.name for bit in bits_of(member))


def bits_of(member: Member) -> tuple[Bit, ...]:
    """The bit-fields that a member consists of; none for other members."""
    inner = innermost(member.type)
    return inner.fields if isinstance(inner, Bits) else ()


def gates_of(member: Member) -> frozenset[str]:
    """The features that the condition of a member, or of a bit-field in it, names."""
    conditions = (member.condition, *(bit.condition for bit in bits_of(member)))
    return frozenset(name for condition in conditions for name in features_of(condition))


def length_text(length: Length) -> str:
    """A length as the reports show it."""
    match length:
        case Count(value=value):
            return str(value)
        case FieldRef(path=path):
            return path
        case ConfigRef(struct=struct, path=path):
            return f"{struct}.{path}"
        case Expression(text=text):
            return text
        case ExternalLength(name=name):
            return name
        case Rest():
            return "rest"
        case Elided():
            return "elided"
        case _:
            assert_never(length)


def type_text(type_: Type) -> str:
    """A type as C would spell it, without the outermost array dimension."""
    match type_:
        case Integer(spelling=spelling):
            return spelling
        case Bits(container=container):
            return container.spelling
        case StructRef(name=name):
            return f"struct {name}"
        case External(name=name, tag=tag):
            return f"{tag} {name}".lstrip()
        case Aggregate(kind=kind):
            return kind
        case Array(element=element):
            inner = element
            dimensions = ""
            while isinstance(inner, Array):
                shown = "" if isinstance(inner.length, Rest) else length_text(inner.length)
                dimensions += f"[{shown}]"
                inner = inner.element
            return type_text(inner) + dimensions
        case _:
            assert_never(type_)
