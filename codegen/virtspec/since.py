"""The first release that has a thing, and what became of a thing that is gone.

Both are looked up in a table that is computed from the models of all releases.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from virtspec.resources import spec_file

SINCE_SCHEMA = "virtspec.since/1"

Section: TypeAlias = Literal["structs", "members", "constants", "features"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A name that earlier releases had, `last` being the last of them: what it is called now, "" where it was removed.

    `module` is where that release had it, "" where the table does not say. Members are `struct.path`.
    """

    old: str
    new: str
    last: str
    module: str = ""


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

    def former(self, section: Section, known: Container[str], edition: str) -> list[Former]:
        """The names of a section that a model of this edition does not have (`known` are those that it has), but an
        earlier release of the same major version had. A name that means something again is not among them."""
        gone: Mapping[str, Mapping[str, str]] = self._table.get("gone", {}).get(section, {})
        major = edition.partition(".")[0]
        return [
            Former(old=old, new=self._successor(section, old, known), last=fate["last"], module=fate.get("module", ""))
            for old, fate in gone.items()
            if old not in known and (not major or fate["last"].partition(".")[0] == major)
        ]

    def _successor(self, section: Section, name: str, known: Container[str]) -> str:
        """The name that a model knows a thing by, through any number of renamings; "" where there is none."""
        passed: set[str] = set()
        while name and name not in known and name not in passed:
            passed.add(name)
            name = self._became(section, name)
        return name if name in known else ""

    def _became(self, section: Section, name: str) -> str:
        gone = self._table["gone"]
        became: str = gone.get(section, {}).get(name, {}).get("became", "")
        if section != "members":
            return became
        struct, _, path = name.partition(".")
        if became:
            return f"{struct}.{became}"
        renamed = gone.get("structs", {}).get(struct, {}).get("became", "")
        return f"{renamed}.{path}" if renamed else ""

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
