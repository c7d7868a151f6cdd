"""Unresolved nodes of a listing: what is written, before any name is looked up.

Every node knows the offset where it starts.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from virtspec.expressions import Expr
from virtspec.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment's text, or prose that stands outside a comment, with what it belongs to."""

    text: str
    start: int
    comment: bool = True


@dataclass(frozen=True, slots=True)
class Dimension:
    """What stands between `[` and `]`: an expression, or else the text that is none ("" for nothing)."""

    expr: Expr | None
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type by name: `tag` is "struct", "union", "enum", or "" for a plain one."""

    tag: Literal["", "struct", "union", "enum"]
    name: str
    start: int


@dataclass(slots=True, eq=False)
class Body:
    """A struct or union with its members."""

    kind: Literal["struct", "union"]
    name: str
    start: int
    items: list[BodyItem] = field(default_factory=list)
    packed: bool = False


@dataclass(slots=True, eq=False)
class BitGroup:
    """`le16 { type : 12; reserved : 4; }`: bit-fields of one container; a nested list holds the arms of a union."""

    container: TypeName
    start: int
    entries: list[BitEntry | list[BitEntry]] = field(default_factory=list)


@dataclass(slots=True)
class BitEntry:
    name: str
    width: Expr | None
    start: int
    remarks: tuple[Remark, ...] = ()


@dataclass(slots=True, eq=False)
class Declaration:
    """One member, or a field outside any struct. `bits` is the width of a `bit_field`, None where it cannot be read."""

    name: str
    type: TypeName | Body | BitGroup
    start: int
    dimensions: tuple[Dimension, ...] = ()
    bit_field: bool = False
    bits: Expr | None = None
    before: tuple[Remark, ...] = ()
    after: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Elision:
    """Members that the listing leaves out."""

    start: int


@dataclass(frozen=True, slots=True)
class Define:
    """`#define`. `expr` is None where the body is no expression; `text` is the body as written on one line."""

    name: str
    parameters: tuple[str, ...] | None
    expr: Expr | None
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Enumerator:
    """`NAME`, or `NAME = value`. `text` is a value that is no expression: `expr` is None then, as without a value."""

    name: str
    expr: Expr | None
    start: int
    text: str = ""


@dataclass(slots=True)
class Enum:
    name: str
    start: int
    enumerators: list[Enumerator] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A stretch of a listing that holds no definition, and why."""

    start: int
    end: int
    reason: str


def field_called(name: str) -> str:
    """What a message calls a member: a bit-field need have no name."""
    return f"field '{name}'" if name else "the field without a name"


BodyItem: TypeAlias = Declaration | Define | Enum | Elision
Item: TypeAlias = Declaration | Body | BitGroup | Define | Enum | Opaque
