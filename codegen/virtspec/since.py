"""The first release that has a thing: looked up in a table that is computed from the models of all releases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.resources import spec_file

SINCE_SCHEMA = "virtspec.since/1"


class Since:
    """The table. A thing that no release has is `None`: it is newer than the last one."""

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        self._table = table

    def struct(self, name: str) -> str | None:
        return self._table.get("structs", {}).get(name)

    def member(self, struct: str, path: str) -> str | None:
        return self._table.get("members", {}).get(f"{struct}.{path}")

    def constant(self, name: str) -> str | None:
        return self._table.get("constants", {}).get(name)


@lru_cache(maxsize=1)
def load_since() -> Since:
    """The table that comes with virtspec; an empty one where it has not been made yet."""
    path = spec_file("models/since.json")
    if not path.is_file():
        return Since({})
    document = json.loads(path.read_text("utf-8"))
    return Since(document if document.get("schema") == SINCE_SCHEMA else {})


def compute_since(models: Sequence[Spec]) -> dict[str, Any]:
    """The table for models in the order of their releases."""
    structs: dict[str, str] = {}
    members: dict[str, str] = {}
    constants: dict[str, str] = {}
    for model in models:
        layouts = Layouts(model)
        for struct in model.structs:
            structs.setdefault(struct.name, model.edition)
            for slot in layouts[struct.key].slots:
                members.setdefault(f"{struct.name}.{slot.path}", model.edition)
        for constant in model.constants:
            constants.setdefault(constant.name, model.edition)
    first = models[0].edition if models else ""
    return {
        "schema": SINCE_SCHEMA,
        "editions": [m.edition for m in models],
        "structs": dict(sorted(structs.items())),
        # a member that is as old as its struct says nothing new
        "members": {
            path: edition
            for path, edition in sorted(members.items())
            if edition != structs[path.partition(".")[0]] and edition != first
        },
        "constants": dict(sorted(constants.items())),
    }
