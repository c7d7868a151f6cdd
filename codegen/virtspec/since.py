"""The first release that has a thing: looked up in a table that is computed from the models of all releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from virtspec.resources import spec_file

SINCE_SCHEMA = "virtspec.since/1"


class Since:
    """The table. A thing that no release has is `None`: it is newer than the last one."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table
        self._members: dict[str, dict[str, str]] = {}

    def struct(self, name: str) -> str | None:
        return self._look_up("structs", name)

    def member(self, struct: str, path: str) -> str | None:
        """The first release in which a struct has a member; a path goes through arrays as `stats[].vq_index`."""
        known = self._members.get(struct)
        if known is None:
            by_edition = self._table.get("members", {}).get(struct, {})
            known = {member: edition for edition, members in by_edition.items() for member in members}
            self._members[struct] = known
        return known.get(path)

    def constant(self, name: str) -> str | None:
        return self._look_up("constants", name)

    def feature(self, name: str) -> str | None:
        return self._look_up("features", name)

    def entry(self, module: str, name: str) -> str | None:
        """The first release in which a registry of a module has an entry of that name."""
        return self._look_up("entries", f"{module}/{name}")

    def _look_up(self, section: str, name: str) -> str | None:
        edition = self._table.get(section, {}).get(name)
        return edition if isinstance(edition, str) else None


@lru_cache(maxsize=1)
def load_since() -> Since:
    """The table that comes with virtspec; an empty one where it has not been made yet."""
    path = spec_file("models/since.json")
    if not path.is_file():
        return Since({})
    document = json.loads(path.read_text("utf-8"))
    return Since(document if document.get("schema") == SINCE_SCHEMA else {})
