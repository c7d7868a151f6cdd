"""What the comparison of one thing needs to know about the two models around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from virtspec.diff.shape import Shapes
from virtspec.layout import Layouts
from virtspec.model import Aggregate, Array, Member, Spec, Struct, StructRef, Type, members_in

# a structure that is read by offset and has grown before: the configuration space of a device or transport
_CONFIG = re.compile(r".*_(?:config|cfg)(?:_|$).*", re.ASCII)
_TAG = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Names:
    """Which names of the old model have become which of the new one, by kind."""

    structs: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    """Members as `tag.path`: the tag is already the new one."""

    def new_struct(self, old: str) -> str:
        return self.structs.get(old, old)

    def new_path(self, old: str) -> str:
        """A struct, or a member as `tag.path` or `tag@path`, in the names of the new model."""
        tag = _TAG.match(old)
        path = self.new_struct(tag[0]) + old[tag.end() :] if tag else old
        return self.members.get(path, path)

    def new_constant(self, old: str) -> str:
        return self.constants.get(old, old)

    def in_conditions(self) -> Mapping[str, str]:
        """The new names of what conditions speak of."""
        return {**self.constants, **self.features}

    def rewritten(self, text: str, paths: Mapping[str, str] = MappingProxyType({})) -> str:
        """An expression of the old model in the names of the new one; `paths` are the members of its struct."""
        known = {**self.constants, **self.structs, **paths}
        return re.sub(r"[A-Za-z_]\w*", lambda m: known.get(m[0], m[0]), text) if known else text


class Side:
    """One model with its layouts, the uses of its structs, and its configuration structures."""

    def __init__(self, spec: Spec, rename: Mapping[str, str]) -> None:
        self.spec = spec
        self.layouts = Layouts(spec)
        self.shapes = Shapes(self.layouts, rename)
        self.configs = frozenset(d.config for d in spec.devices if d.config)
        self._uses: dict[str, list[_Use]] | None = None

    def paths(self) -> Iterator[str]:
        """The members of all structs, as `tag.path`."""
        return (path for struct in self.spec.structs for path, _ in members_in(struct.members, struct.name))

    def is_config(self, struct: Struct) -> bool:
        """Whether a struct is a configuration space, which may grow at its end."""
        return struct.name in self.configs or _CONFIG.fullmatch(struct.name) is not None

    def carriers(self, name: str, size: int | None) -> list[str]:
        """Where a struct has something behind it: other structs in which members follow it, and arrays of it. An arm of
        a union that has room for the struct's new size does not count: what follows the union stays."""
        if self._uses is None:
            self._uses = {}
            for struct in self.spec.structs:
                self._collect(struct.members, struct, union=struct.kind == "union")
        uses = self._uses.get(name, [])
        return sorted({f"struct {u.where}" for u in uses if u.moves and (size is None or size > u.room)})

    def _collect(self, members: tuple[Member, ...], struct: Struct, *, union: bool, followed: bool = False) -> None:
        room = max((self.layouts.sizes.type(m.type) or 0 for m in members), default=0) if union else 0
        for index, member in enumerate(members):
            behind = followed or (not union and index + 1 < len(members))
            self._use(member.type, struct, room, behind)

    def _use(self, type_: Type, struct: Struct, room: int, moves: bool) -> None:
        assert self._uses is not None
        match type_:
            case StructRef(name=name):
                self._uses.setdefault(name, []).append(_Use(struct.name, moves, room))
            case Array(element=element):
                self._use(element, struct, 0, True)
            case Aggregate(kind=kind, members=members):
                self._collect(members, struct, union=kind == "union", followed=moves)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class _Use:
    """A use of a struct as a member: in which struct, whether something lies behind it, and how much of a union it may
    take before that moves."""

    where: str
    moves: bool
    room: int


@dataclass(frozen=True)
class Context:
    """Both sides, and the names that were found to have changed."""

    old: Side
    new: Side
    names: Names

    @cached_property
    def members(self) -> frozenset[str]:
        """The members that both models have, as `tag.path`, in the names of the new one."""
        old = (self.names.new_path(path) for path in self.old.paths())
        return frozenset(old).intersection(self.new.paths())
