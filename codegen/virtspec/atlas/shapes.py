"""What a drawing consists of, in the units of its SVG; its measures; and how a name fits into a box."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["integer", "bytes", "struct", "bits", "reserved", "foreign"]

COLUMNS = 8
"""Bytes in a row."""

BYTE = 88
ROW = 48
FOLD = 22
HEADING = 22
RULER = 18
GUTTER = 66
BAR = COLUMNS * BYTE

CHARACTER = 7.25
"""The width of a character of a label, in the widest of the fonts that the style names; and of the smaller lines."""
SMALL_CHARACTER = 6.1

_RESERVED = re.compile(r"_*(?:reserved|padding|unused|pad|rsvd)[\d_]*|.*_(?:reserved|padding)[\d_]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text; `x` is its middle, or its end or start where a style says so."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One member: its outline, its label, and what a pointer that rests on it is told."""

    path: str
    outline: str
    tone: Tone
    label: tuple[Text, ...]
    detail: Text | None
    note: str
    href: str = ""
    conditional: bool = False
    variable: bool = False
    folds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BitBox:
    """One bit-field in a strip. With `upright`, its label stands on end."""

    path: str
    x: float
    y: float
    width: float
    height: float
    label: Text
    upright: bool
    reserved: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything of a drawing with its coordinates; a template only writes it down."""

    width: int
    height: int
    title: str
    description: str
    ruler: tuple[Text, ...]
    ruler_y: float
    ruler_lines: tuple[float, ...]
    offsets: tuple[Text, ...]
    headings: tuple[Text, ...]
    brackets: tuple[str, ...]
    boxes: tuple[Box, ...]
    bits: tuple[BitBox, ...]
    bit_numbers: tuple[Text, ...]


def is_reserved(name: str) -> bool:
    """Whether a member is there to fill its place, by its name."""
    return len(name) < 256 and _RESERVED.fullmatch(name) is not None


def clip(text: str, width: float, character: float = CHARACTER) -> str:
    """A text in one line of that width."""
    room = max(1, int(width / character))
    return text if len(text) <= room else text[: room - 1] + "…"


def wrap(text: str, width: float, lines: int) -> list[str]:
    """A name in at most that many lines, broken behind `_` where it does not fit."""
    room = max(1, int(width / CHARACTER))
    if len(text) <= room or lines == 1:
        return [clip(text, width)]
    first = ""
    words = re.findall(r"[^_\[]*_|[^_\[]+|\[[^\]]*\]?", text)
    while words and len(first) + len(words[0]) <= room:
        first += words.pop(0)
    if not first:
        return [clip(text, width)]
    return [first, *wrap("".join(words), width, lines - 1)] if words else [first]
