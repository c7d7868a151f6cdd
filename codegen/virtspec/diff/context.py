"""What the comparison of one thing needs to know about the two models around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from virtspec.diff.likeness import is_reserved
from virtspec.diff.respell import Respelling
from virtspec.diff.shape import Shapes
from virtspec.layout import Layouts
from virtspec.model import Aggregate, Array, Member, Spec, Struct, StructRef, Type, members_in

# a structure that is read by offset and has grown before: the configuration space of a device or transport
_CONFIG = re.compile(r".*_(?:config|cfg)(?:_|$).*", re.ASCII)


class Side:
    """One model with its layouts, the uses of its structs, and its configuration structures."""

    def __init__(self, spec: Spec, rename: Mapping[str, str]) -> None:
        self.spec = spec
        self.layouts = Layouts(spec)
        self.shapes = Shapes(self.layouts, rename)
        self.configs = frozenset(d.config for d in spec.devices if d.config)
        self._uses: dict[str, list[_Use]] | None = None

    def is_config(self, struct: Struct) -> bool:
        """Whether a struct is a configuration space, which may grow at its end."""
        return struct.name in self.configs or _CONFIG.fullmatch(struct.name) is not None

    def carriers(self, name: str, size: int | None) -> list[_Use]:
        """Where a struct has something behind it: other structs in which members follow it, and arrays of it. An arm of
        a union that has room for the struct's new size does not count: what follows the union stays."""
        if self._uses is None:
            self._uses = {}
            for struct in self.spec.structs:
                self._collect(struct.members, struct, union=struct.kind == "union")
        return [u for u in self._uses.get(name, []) if u.moves and (size is None or size > u.room)]

    def _collect(self, members: tuple[Member, ...], struct: Struct, *, union: bool, followed: bool = False) -> None:
        room = max((self.layouts.sizes.type(m.type) or 0 for m in members), default=0) if union else 0
        for index, member in enumerate(members):
            behind = followed or (not union and index + 1 < len(members))
            self._use(member.type, struct, room, behind)

    def _use(self, type_: Type, struct: Struct, room: int, moves: bool, *, rows: bool = False) -> None:
        assert self._uses is not None
        match type_:
            case StructRef(name=name):
                self._uses.setdefault(name, []).append(_Use(struct, moves, room, rows))
            case Array(element=element):
                self._use(element, struct, 0, True, rows=True)
            case Aggregate(kind=kind, members=members):
                self._collect(members, struct, union=kind == "union", followed=moves)
            case _:
                pass


def _paths(structs: Iterable[Struct]) -> Iterator[str]:
    """The members of structs, as `tag.path`."""
    return (path for struct in structs for path, _ in members_in(struct.members, struct.name))


@dataclass(frozen=True, slots=True)
class _Use:
    """A use of a struct as a member: in which struct, whether something lies behind it, how much of a union it may take
    before that moves, and whether it is the element of an array."""

    where: Struct
    moves: bool
    room: int
    rows: bool


@dataclass(frozen=True, slots=True)
class Context:
    """Both sides, and what of the old one is called otherwise in the new one."""

    old: Side
    new: Side
    spelling: Respelling

    def carriers(self, old: Struct, new: Struct) -> tuple[str, ...]:
        """The structs in which a struct has something behind it that moves with its size."""
        uses = self.old.carriers(old.name, self.new.layouts.sizes.struct(new))
        return tuple(sorted({f"struct {use.where.name}" for use in uses if use.rows or not self._stays(use.where)}))

    def _stays(self, struct: Struct) -> bool:
        """Whether all members of a struct are where they were: reserved space has become smaller instead."""
        there = self.new.shapes.struct(self.spelling.struct(struct.name))
        if there is None or struct.kind == "union":
            return False
        path = self.spelling.inside(struct.name).path
        before = {path(s.path): s.offset for s in self.old.layouts[struct.key].slots if not s.depth}
        after = {s.path: s.offset for s in self.new.layouts[there.key].slots if not s.depth}
        both = [name for name in before.keys() & after.keys() if not is_reserved(name)]
        return before != {} and all(before[name] == after[name] is not None for name in both)

    def has_member(self, path: str) -> bool:
        """Whether both models have a member, given as `tag.path` in the names of the new one."""
        tag = path.partition(".")[0]
        old = (struct for struct in self.old.spec.structs if self.spelling.struct(struct.name) == tag)
        new = (struct for struct in self.new.spec.structs if struct.name == tag)
        return path in map(self.spelling.member, _paths(old)) and path in _paths(new)
