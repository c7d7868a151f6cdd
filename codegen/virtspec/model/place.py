"""Where a thing stands in the specification's source."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A position in the specification's source: path inside the tree, and line counted from 1.

    A tuple: there are more places than of anything else in a model, and they are sorted again and again.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)
