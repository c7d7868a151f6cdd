"""What the structs of a model become in Rust: plain values, unions, and messages that borrow their parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from virtspec.emit.rust.names import Scope
from virtspec.model import Array, Bits, Direction, Integer, Member, Struct

ItemKind: TypeAlias = Literal["fixed", "union", "message"]


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of fixed size. `item` is the struct or union that it is, `integer` the integer."""

    text: str
    size: int
    item: Item | None = None
    integer: Integer | None = None

    @property
    def long(self) -> bool:
        """Whether it is an array that the standard library has no default for."""
        return self.text.startswith("[") and self.size > 32


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes whose number varies. `arms` is the union of variable size that they are."""

    arms: Item | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An array of variable length of values of fixed size."""

    element: Plain


@dataclass(frozen=True, slots=True)
class Recorded:
    """An array of messages that tell their own size."""

    item: Item


@dataclass(frozen=True, slots=True)
class Nested:
    """A message inside a message."""

    item: Item


Shape: TypeAlias = Plain | Slice | Listed | Recorded | Nested


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A member. `path` is the specification's name, "" where it has none; `bits` is what an integer is divided into."""

    name: str
    path: str
    member: Member
    shape: Shape
    optional: bool = False
    bits: Bits | None = None

    @property
    def octets(self) -> bool:
        """Whether it is an array of bytes in the specification, not only here."""
        return isinstance(self.member.type, Array) and isinstance(self.member.type.element, Integer)


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """A struct or union to render, or the `half` of a request that the device reads or writes. `size` is None for
    messages, and for unions of variable size."""

    key: str
    name: str
    tag: str
    module: str
    kind: ItemKind
    struct: Struct
    tagged: bool
    members: tuple[Member, ...]
    half: Direction | None = None
    size: int | None = None
    fields: tuple[Field, ...] = ()
    scope: Scope = field(default_factory=Scope)

    @property
    def borrows(self) -> bool:
        """Whether it has parts that it borrows."""
        return any(_borrows(f.shape) for f in self.fields)

    @property
    def featured(self) -> bool:
        """Whether features decide which members there are."""
        return any(
            f.optional or (isinstance(f.shape, (Nested, Recorded)) and f.shape.item.featured) for f in self.fields
        )

    def path(self, module: str) -> str:
        """How the code of a module names it."""
        return self.name if module == self.module else f"crate::{self.module}::{self.name}"


def _borrows(shape: Shape) -> bool:
    match shape:
        case Plain():
            return False
        case Nested(item=item):
            return item.borrows
        case _:
            return True


def integer_type(integer: Integer) -> str:
    """The type of a member that is an integer."""
    if integer.bits == 8:
        return "u8"
    return f"{ {'little': 'Le', 'big': 'Be', 'native': 'Guest'}[integer.order] }{integer.bits}"
