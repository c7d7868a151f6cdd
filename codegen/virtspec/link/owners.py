"""Which struct a sentence means when it names a member: the one that is defined nearest before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from virtspec.link.siblings import sibling_names
from virtspec.model import Place, Struct


class Owners:
    """The structs of a document by their members and places."""

    def __init__(self, structs: Sequence[Struct]) -> None:
        self._found: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for struct in structs:
            if struct.kind in ("struct", "union"):
                for name in sibling_names(struct.members):
                    self._found.setdefault((struct.place.file, name), []).append((struct.place.line, struct.name))
        self._all: dict[str, list[tuple[int, str]]] = {}
        for struct in structs:
            self._all.setdefault(struct.place.file, []).append((struct.place.line, struct.name))
        for found in (*self._found.values(), *self._all.values()):
            found.sort()

    def nearest(self, member: str, place: Place) -> str:
        """The struct with a member of that name that stands nearest before a place, or alone behind it; else ""."""
        found = self._found.get((place.file, member), [])
        index = bisect_right(found, (place.line, "\U0010ffff"))
        if index:
            return found[index - 1][1]
        return found[0][1] if len(found) == 1 else ""

    def before(self, place: Place) -> str:
        """The struct that stands nearest before a place; else ""."""
        found = self._all.get(place.file, [])
        index = bisect_right(found, (place.line, ""))
        return found[index - 1][1] if index else ""
