"""A fact of one model in the names of another one.

Where a revision renames a member, the facts about it that a person has written down still speak of it by its old name:
what is recorded for the old text and what is read from the new one say the same in different words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import is_ as _is
from typing import TypeVar

from virtspec.compat import assert_never
from virtspec.model import (
    Aggregate,
    AllOf,
    Allowed,
    AnyOf,
    Array,
    Binding,
    Bit,
    Bits,
    Condition,
    ConfigRef,
    Count,
    Entry,
    Expression,
    ExternalLength,
    Feature,
    FieldIs,
    FieldRef,
    Integer,
    Length,
    Member,
    Not,
    Prose,
    Registry,
    Relation,
    Spec,
    Struct,
    StructRef,
    Type,
    members_in,
    names_in,
)

Names = Mapping[str, str]

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_INDEX = re.compile(r"\[[^\]]*\]")
_MEMBER = re.compile(r"(\w+)([.@])(.+)")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Respelling:
    """What one model calls otherwise than another one: the keys of structs and registries, the tags of structs, the
    names of constants, features and codes, and the paths of members, by the tag of their struct in the other model.

    A path is that of the member above it in the other model, and its own name in the one. It may lead through a member
    that is a struct itself: `parts` has the tags of those, by the tag of the struct that contains them and their path.
    `configs` has the configuration of a struct's device, whose members its expressions can name too. `added` are the
    features that the one model calls nothing: only the other one has them.
    """

    keys: Names = field(default_factory=dict)
    structs: Names = field(default_factory=dict)
    codes: Names = field(default_factory=dict)
    members: Mapping[str, Names] = field(default_factory=dict)
    parts: Mapping[str, Names] = field(default_factory=dict)
    configs: Names = field(default_factory=dict)
    added: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.keys or self.structs or self.codes or self.members)

    def reversed(self) -> Respelling:
        """The same seen from the other model."""
        tags = _turned(self.structs)
        return Respelling(
            keys=_turned(self.keys),
            structs=tags,
            codes=_turned(self.codes),
            members={tags.get(tag, tag): _turned_paths(paths) for tag, paths in self.members.items()},
            parts={
                self.struct(tag): {self.path(tag, path): self.struct(part) for path, part in parts.items()}
                for tag, parts in self.parts.items()
            },
            configs={self.struct(tag): self.struct(config) for tag, config in self.configs.items()},
        )

    # --- names --------------------------------------------------------------------------------------------

    def struct(self, tag: str) -> str:
        """The tag of a struct."""
        return self.structs.get(tag, tag)

    def code(self, name: str) -> str:
        """The name of a constant, a feature or a code of a table."""
        return self.codes.get(name, name)

    def key(self, key: str) -> str:
        """The key of a struct, a registry, or of what is in one."""
        if key in self.keys:
            return self.keys[key]
        above, _, name = key.rpartition("/")
        if not above:
            return key
        inner = self.path(tag_of(above), name) if "/struct/" in above else self.code(name)
        return f"{self.keys.get(above, above)}/{inner}"

    def path(self, tag: str, path: str) -> str:
        """The path of a member of a struct."""
        for end in _dots(path) if tag in self.parts else ():
            part = self.parts[tag].get(_INDEX.sub("", path[:end]))
            if part is not None:
                return f"{self._own(tag, path[:end])}.{self.path(part, path[end + 1 :])}"
        return self._own(tag, path)

    def _own(self, tag: str, path: str) -> str:
        """The same for a path that does not lead through another struct."""
        paths = self.members.get(self.struct(tag))
        return _followed(paths, path) if paths else path

    def member(self, name: str) -> str:
        """A struct, or a member as `tag.path` or `tag@path`."""
        if name.isidentifier():
            return self.struct(name)
        match = _MEMBER.match(name)
        return f"{self.struct(match[1])}{match[2]}{self.path(match[1], match[3])}" if match else name

    def all_names(self) -> dict[str, str]:
        """The names alone, as sentences use them: there, those of members have no struct in front of them."""
        paths = (pair for names in self.members.values() for pair in names.items())
        members = {old.rpartition(".")[2]: new.rpartition(".")[2] for old, new in paths}
        return {**members, **self.structs, **self.codes}

    def word(self, name: str) -> str:
        """A name that stands alone: that of a member, whichever struct it is in, a struct or a code."""
        ends = (new for names in self.members.values() for old, new in names.items() if old.rpartition(".")[2] == name)
        return next(ends, self.struct(self.code(name))).rpartition(".")[2]

    # --- facts --------------------------------------------------------------------------------------------

    def inside(self, tag: str, above: str = "") -> Inside:
        """The same for what is said in a struct, of its members below a path."""
        return Inside(self, tag, above)

    def text(self, text: str) -> str:
        """An expression over constants, and structs whose size it takes."""
        return self.inside("").text(text)

    def condition(self, condition: Condition | None) -> Condition | None:
        """The condition on a code or a feature, which speaks of members by `tag.path`."""
        return condition if condition is None else self.inside("").condition(condition)

    def relation(self, relation: Relation, tag: str) -> Relation:
        """A relation between the members of a struct."""
        inside = self.inside(tag)
        return replace(relation, text=inside.text(relation.text), condition=inside.condition(relation.condition))

    def binding(self, binding: Binding) -> Binding:
        """The struct of a code's payload."""
        struct, member = self.member(binding.struct), binding.member and self.member(binding.member)
        condition = self.condition(binding.condition)
        if (struct, member) == (binding.struct, binding.member) and condition is binding.condition:
            return binding
        return replace(binding, struct=struct, member=member, condition=condition)

    # --- models -------------------------------------------------------------------------------------------

    def settle(self, spec: Spec) -> Spec:
        """The other model, where it speaks of something by a name of this one that it does not have: a fact that was
        written down for both texts, about something that only one of them has renamed."""
        absent = self._absent_in(spec)
        if not absent:
            return spec
        turned = _turned(self.structs)
        structs = _each(spec.structs, lambda struct: absent._struct(struct, turned.get(struct.name, struct.name)))
        registries = _each(spec.registries, absent.registry)
        if structs is spec.structs and registries is spec.registries:
            return spec
        return replace(spec, structs=structs, registries=registries)

    def _absent_in(self, spec: Spec) -> Respelling:
        codes = {c.name for c in spec.constants} | {f.name for f in spec.features}
        codes |= {entry.name for registry in spec.registries for entry in registry.entries}
        tags = {struct.name: struct for struct in spec.structs}
        members: dict[str, Names] = {}
        for tag, paths in self.members.items():
            known = _paths(tags[tag]) if tag in tags else frozenset()
            left = {old: new for old, new in paths.items() if old not in known}
            if left:
                members[tag] = left
        return Respelling(
            structs={old: new for old, new in self.structs.items() if old not in tags},
            codes={old: new for old, new in self.codes.items() if old not in codes},
            members=members,
            parts=self.parts,
            configs=self.configs,
        )

    def _struct(self, struct: Struct, tag: str) -> Struct:
        members = _each(struct.members, self.inside(tag).fact)
        relations = tuple(self.relation(relation, tag) for relation in struct.relations)
        if members is struct.members and relations == struct.relations:
            return struct
        return replace(struct, members=members, relations=relations)

    def registry(self, registry: Registry) -> Registry:
        """What a table says of its codes."""
        entries, under = _each(registry.entries, self._entry), self.code(registry.under)
        fields, bits = (tuple(map(self.member, paths)) for paths in (registry.fields, registry.bits))
        if entries is registry.entries and (under, fields, bits) == (registry.under, registry.fields, registry.bits):
            return registry
        return replace(registry, entries=entries, under=under, fields=fields, bits=bits)

    def _entry(self, entry: Entry) -> Entry:
        name, condition = self.code(entry.name), self.condition(entry.condition)
        bindings = _each(entry.bindings, self.binding)
        if name == entry.name and condition is entry.condition and bindings is entry.bindings:
            return entry
        return replace(entry, name=name, condition=condition, bindings=bindings)


@dataclass(frozen=True, slots=True)
class Inside:
    """What is said in a struct, in the names of another model. It speaks of members by their own names, or by paths
    that begin at one of those beside it or around it: `above` is the path to those beside it. Without a tag, members
    are named as `tag.path`. What speaks of nothing that has another name stays the very same object."""

    spelling: Respelling
    tag: str
    above: str = ""

    def path(self, path: str) -> str:
        """The path of a member."""
        spelling = self.spelling
        if not self.tag:
            return spelling.member(path) if "." in path else path
        if spelling.struct(self.tag) not in spelling.members and self.tag not in spelling.parts:
            return path
        above = self.above
        while above:
            there, start = spelling.path(self.tag, f"{above}.{path}"), f"{spelling.path(self.tag, above)}."
            if there != start + path:
                return there.removeprefix(start)
            above = above.rpartition(".")[0]
        return spelling.path(self.tag, path)

    def text(self, text: str) -> str:
        """An expression over members, constants, and structs whose size it takes."""
        return _PATH.sub(lambda match: self._name(match[0]), text)

    def _name(self, name: str) -> str:
        path = self.path(name)
        if path == name and self.tag in self.spelling.configs:
            path = self.spelling.path(self.spelling.configs[self.tag], name)
        return path if path != name else self.spelling.codes.get(name, self.spelling.struct(name))

    def condition(self, condition: Condition | None) -> Condition | None:
        """The condition on a member."""
        return condition if condition is None else self._condition(condition)

    def _condition(self, condition: Condition) -> Condition:
        match condition:
            case Feature(name=name):
                there = self.spelling.code(name)
                return condition if there == name else Feature(name=there)
            case FieldIs(path=path, value=value):
                turned = FieldIs(path=self.path(path), value=self.spelling.code(value))
                return condition if turned == condition else turned
            case Not(term=term):
                inner = self._condition(term)
                return condition if inner is term else Not(term=inner)
            case AllOf(terms=terms) | AnyOf(terms=terms):
                several = _each(terms, self._condition)
                return condition if several is terms else replace(condition, terms=several)
            case Prose():
                return condition
            case _:
                assert_never(condition)

    def allowed(self, allowed: Allowed | None) -> Allowed | None:
        """The values that a member may have."""
        if allowed is None:
            return None
        condition = self.condition(allowed.condition)
        return allowed if condition is allowed.condition else replace(allowed, condition=condition)

    def length(self, length: Length) -> Length:
        """The length of an array."""
        match length:
            case FieldRef(path=path):
                turned: Length = FieldRef(path=self.path(path))
            case ConfigRef(struct=struct, path=path):
                turned = ConfigRef(struct=self.spelling.struct(struct), path=self.spelling.path(struct, path))
            case Expression(text=text):
                turned = Expression(text=self.text(text))
            case ExternalLength(name=name):
                turned = ExternalLength(name=self.spelling.word(name))
            case Count(value=value, text=text) if text:
                turned = Count(value=value, text=self.text(text))
            case _:
                return length
        return length if turned == length else turned

    def fact(self, member: Member) -> Member:
        """What is said of a member; its own name stays."""
        if member.condition is None and member.allowed is None and isinstance(member.type, (Integer, StructRef)):
            return member
        condition, allowed = self.condition(member.condition), self.allowed(member.allowed)
        type_ = self._type(member.type, member.name)
        if condition is member.condition and allowed is member.allowed and type_ is member.type:
            return member
        return replace(member, condition=condition, allowed=allowed, type=type_)

    def _type(self, type_: Type, name: str) -> Type:
        match type_:
            case Array(element=element, length=length):
                inner, there = self._type(element, name), self.length(length)
                return type_ if inner is element and there is length else Array(element=inner, length=there)
            case Aggregate(members=members):
                above = ".".join(filter(None, (self.above, name)))
                several = _each(members, replace(self, above=above).fact)
                return type_ if several is members else replace(type_, members=several)
            case Bits(fields=fields):
                bits = _each(fields, self._bit)
                return type_ if bits is fields else replace(type_, fields=bits)
            case _:
                return type_

    def _bit(self, bit: Bit) -> Bit:
        condition = self.condition(bit.condition)
        return bit if condition is bit.condition else replace(bit, condition=condition)


SAME = Inside(Respelling(), "")
"""What is said in the names of the very model that it is said in."""


def _each(items: tuple[T, ...], turn: Callable[[T], T]) -> tuple[T, ...]:
    """All items turned; the very same tuple where none of them is another one then."""
    if not items:
        return items
    turned = tuple(map(turn, items))
    return items if all(map(_is, items, turned)) else turned


def tag_of(key: str) -> str:
    """The tag in the key of a struct."""
    return key.rpartition("/")[2].partition("#")[0]


def _turned(names: Names) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _dots(path: str) -> Iterator[int]:
    """Where the names in a path end."""
    return (at for at, sign in enumerate(path) if sign == ".")


def _followed(paths: Names, path: str) -> str:
    """A path in the names of the other model, from the outermost member to the innermost. A path into the elements of
    an array may have an index (`[]`, `[0]`)."""
    done = full = ""
    for name in path.split("."):
        plain, bracket, index = name.partition("[")
        here = f"{done}.{plain}" if done else plain
        done = paths.get(here, here)
        last = done.rpartition(".")[2] + bracket + index
        full = f"{full}.{last}" if full else last
    return full


def _turned_paths(paths: Names) -> dict[str, str]:
    turned: dict[str, str] = {}
    for old, new in sorted(paths.items(), key=lambda pair: pair[1].count(".")):
        above, dot, name = new.rpartition(".")
        above = _followed(turned, above) if above else ""
        turned[f"{above}{dot}{name}"] = f"{above}{dot}{old.rpartition('.')[2]}"
    return turned


def _paths(struct: Struct) -> frozenset[str]:
    """The paths that lead to something in a struct."""
    return frozenset((*(path for path, _ in members_in(struct.members)), *names_in(struct.members)))
