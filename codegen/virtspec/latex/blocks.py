"""What the structure of a LaTeX text is made of: headings, labels, listings, tables, items, and what they include.

Every block begins at an offset of its text, and most end at one.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Role: TypeAlias = Literal["driver", "device"]


class Heading(NamedTuple):
    """A sectioning command, or one of the specification's own that stand for it (`\\drivernormative`)."""

    start: int
    level: int
    title: str
    label: str = ""
    role: Role | None = None
    conformance: bool = False


class Label(NamedTuple):
    start: int
    name: str


class Input(NamedTuple):
    """`\\input{path}`."""

    start: int
    path: str


class Listing(NamedTuple):
    """The body of a `lstlisting` or of another environment for code.

    With `path` it is the file that `\\lstinputlisting` names, and there is no body.
    """

    start: int
    body: int
    end: int
    options: str
    path: str = ""


class Settings(NamedTuple):
    """`\\lstset{…}`: holds for the listings that follow, in other files too."""

    start: int
    options: str


class Table(NamedTuple):
    """A table environment: `body` to `end` are its rows, after the column specification."""

    start: int
    environment: str
    body: int
    end: int


class Item(NamedTuple):
    """`\\item` of a list; `label` is the optional argument as written, None without one. `body` is where its text
    starts."""

    start: int
    label: str | None
    body: int


class ListEdge(NamedTuple):
    """Begin (`opens`) or end of a list environment."""

    start: int
    environment: str
    opens: bool


Block: TypeAlias = Heading | Label | Input | Listing | Settings | Table | Item | ListEdge
