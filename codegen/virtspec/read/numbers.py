"""Numbers as tables, items and sentences write them: decimal, where zeros may lead, hexadecimal or binary."""

from __future__ import annotations

MAX_DIGITS = 40
"""The longest number that is read, in characters: 64 bits need twenty."""

_BASES = {"0x": 16, "0b": 2}


def number(text: str) -> int | None:
    """The value of a number; None for one that is longer than any could be."""
    return int(text, _BASES.get(text[:2].lower(), 10)) if len(text) <= MAX_DIGITS else None
