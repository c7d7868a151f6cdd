"""What the comparison of one thing needs to know about the two models around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from virtspec.diff.shape import Shapes
from virtspec.layout import Layouts
from virtspec.model import Aggregate, Array, Member, Spec, Struct, StructRef, Type

# a structure that is read by offset and has grown before: the configuration space of a device or transport
_CONFIG = re.compile(r".*_(?:config|cfg)(?:_|$).*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Names:
    """Which names of the old model have become which of the new one, by kind."""

    structs: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, str] = field(default_factory=dict)

    def new_struct(self, old: str) -> str:
        return self.structs.get(old, old)

    def new_constant(self, old: str) -> str:
        return self.constants.get(old, old)

    def in_conditions(self) -> Mapping[str, str]:
        """The new names of what conditions speak of."""
        return {**self.constants, **self.features}

    def rewritten(self, text: str) -> str:
        """An expression of the old model in the names of the new one."""
        return re.sub(r"[A-Za-z_]\w*", lambda m: self.structs.get(m[0], self.constants.get(m[0], m[0])), text)


class Side:
    """One model with its layouts, the uses of its structs, and its configuration structures."""

    def __init__(self, spec: Spec, rename: Mapping[str, str]) -> None:
        self.spec = spec
        self.layouts = Layouts(spec)
        self.shapes = Shapes(self.layouts, rename)
        self.configs = frozenset(d.config for d in spec.devices if d.config)
        self._uses: dict[str, list[tuple[str, str]]] | None = None

    def is_config(self, struct: Struct) -> bool:
        """Whether a struct is a configuration space, which may grow at its end."""
        return struct.name in self.configs or _CONFIG.fullmatch(struct.name) is not None

    def carriers(self, name: str) -> list[str]:
        """Where a struct has something behind it: other structs in which members follow it, and arrays of it."""
        if self._uses is None:
            self._uses = {}
            for struct in self.spec.structs:
                self._collect(struct.members, struct, union=struct.kind == "union")
        return sorted({f"struct {where}" for where, how in self._uses.get(name, []) if how != "last"})

    def _collect(self, members: tuple[Member, ...], struct: Struct, *, union: bool, followed: bool = False) -> None:
        for index, member in enumerate(members):
            behind = followed or (not union and index + 1 < len(members))
            self._use(member.type, struct, behind, array=False)

    def _use(self, type_: Type, struct: Struct, followed: bool, *, array: bool) -> None:
        assert self._uses is not None
        match type_:
            case StructRef(name=name):
                how = "array" if array else "followed" if followed else "last"
                self._uses.setdefault(name, []).append((struct.name, how))
            case Array(element=element):
                self._use(element, struct, followed, array=True)
            case Aggregate(kind=kind, members=members):
                self._collect(members, struct, union=kind == "union", followed=followed or array)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Context:
    """Both sides, and the names that were found to have changed."""

    old: Side
    new: Side
    names: Names
