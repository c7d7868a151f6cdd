"""A fact of one model in the names of another one.

Where a revision renames a member, the facts about it that a person has written down still speak of it by its old name:
what is recorded for the old text and what is read from the new one say the same in different words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from virtspec.compat import assert_never
from virtspec.model import (
    Aggregate,
    AllOf,
    AnyOf,
    Array,
    Binding,
    Bits,
    Condition,
    ConfigRef,
    Entry,
    Expression,
    Feature,
    FieldIs,
    FieldRef,
    Length,
    Member,
    Not,
    Prose,
    Registry,
    Relation,
    Spec,
    Struct,
    Type,
    members_in,
    names_in,
)

Names = Mapping[str, str]

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class Respelling:
    """What one model calls otherwise than another one: the keys of structs and registries, the tags of structs, the
    names of constants, features and codes, and the paths of members, by the tag of their struct in the other model.

    A path is that of the member above it in the other model, and its own name in the one.
    """

    keys: Names = field(default_factory=dict)
    structs: Names = field(default_factory=dict)
    codes: Names = field(default_factory=dict)
    members: Mapping[str, Names] = field(default_factory=dict)

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
        )

    # --- names --------------------------------------------------------------------------------------------

    def key(self, key: str) -> str:
        """The key of a struct, a registry, or of what is in one."""
        if key in self.keys:
            return self.keys[key]
        above, _, name = key.rpartition("/")
        if not above:
            return key
        tag = self.structs.get(tag_of(above), tag_of(above))
        inner = self._below(tag, name) if "/struct/" in above else self.codes.get(name, name)
        return f"{self.keys.get(above, above)}/{inner}"

    def path(self, tag: str, path: str) -> str:
        """The path of a member of a struct."""
        return self._below(self.structs.get(tag, tag), path)

    def _below(self, tag: str, path: str) -> str:
        """The same by the struct's tag in the other model."""
        return _followed(self.members[tag], path) if tag in self.members else path

    def member(self, name: str) -> str:
        """A struct, or a member as `tag.path` or `tag@path`."""
        match = re.match(r"(\w+)([.@])(.+)", name)
        if match is None:
            return self.structs.get(name, name)
        return f"{self.structs.get(match[1], match[1])}{match[2]}{self.path(match[1], match[3])}"

    def _name(self, tag: str, name: str) -> str:
        """What an expression in a struct names: a member, a constant, or a struct whose size it takes."""
        path = self.path(tag, name)
        return path if path != name else self.codes.get(name, self.structs.get(name, name))

    # --- facts --------------------------------------------------------------------------------------------

    def text(self, text: str, tag: str) -> str:
        """An expression over the members of a struct."""
        return _PATH.sub(lambda match: self._name(tag, match[0]), text)

    def condition(self, condition: Condition | None, tag: str = "") -> Condition | None:
        """The condition on a member of a struct, or on a code."""
        return condition if condition is None else self._condition(condition, tag)

    def _condition(self, condition: Condition, tag: str) -> Condition:
        match condition:
            case Feature(name=name):
                return Feature(name=self.codes.get(name, name))
            case FieldIs(path=path, value=value):
                there = self.path(tag, path) if tag else self.member(path) if "." in path else path
                return FieldIs(path=there, value=self.codes.get(value, value))
            case Not(term=term):
                return Not(term=self._condition(term, tag))
            case AllOf(terms=terms) | AnyOf(terms=terms):
                return replace(condition, terms=tuple(self._condition(term, tag) for term in terms))
            case Prose():
                return condition
            case _:
                assert_never(condition)

    def length(self, length: Length, tag: str) -> Length:
        """The length of an array in a struct."""
        match length:
            case FieldRef(path=path):
                return FieldRef(path=self.path(tag, path))
            case ConfigRef(struct=struct, path=path):
                return ConfigRef(struct=self.structs.get(struct, struct), path=self.path(struct, path))
            case Expression(text=text):
                return Expression(text=self.text(text, tag))
            case _:
                return length

    def binding(self, binding: Binding) -> Binding:
        """The struct of a code's payload."""
        return replace(
            binding,
            struct=self.member(binding.struct),
            member=self.member(binding.member) if binding.member else "",
            condition=self.condition(binding.condition),
        )

    def fields(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Members as `tag.path`."""
        return tuple(map(self.member, fields))

    def relation(self, relation: Relation, tag: str) -> Relation:
        """A relation between the members of a struct."""
        return replace(relation, text=self.text(relation.text, tag), condition=self.condition(relation.condition, tag))

    # --- models -------------------------------------------------------------------------------------------

    def settle(self, spec: Spec) -> Spec:
        """The other model, where it speaks of something by a name of this one that it does not have: a fact that was
        written down for both texts, about something that only one of them has renamed."""
        absent = self._absent_in(spec)
        if not absent:
            return spec
        turned = _turned(self.structs)
        structs = tuple(absent._struct(struct, turned.get(struct.name, struct.name)) for struct in spec.structs)
        registries = tuple(absent.registry(registry) for registry in spec.registries)
        if structs == spec.structs and registries == spec.registries:
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
        )

    def _struct(self, struct: Struct, tag: str) -> Struct:
        members = tuple(self.fact(member, tag) for member in struct.members)
        relations = tuple(self.relation(relation, tag) for relation in struct.relations)
        return replace(struct, members=members, relations=relations)

    def fact(self, member: Member, tag: str) -> Member:
        """What is said of a member of a struct; its own name stays."""
        return replace(member, condition=self.condition(member.condition, tag), type=self._type(member.type, tag))

    def _type(self, type_: Type, tag: str) -> Type:
        match type_:
            case Array(element=element, length=length):
                return Array(element=self._type(element, tag), length=self.length(length, tag))
            case Aggregate(members=members):
                return replace(type_, members=tuple(self.fact(member, tag) for member in members))
            case Bits(fields=fields):
                bits = (replace(bit, condition=self.condition(bit.condition, tag)) for bit in fields)
                return replace(type_, fields=tuple(bits))
            case _:
                return type_

    def registry(self, registry: Registry) -> Registry:
        """What a table says of its codes."""
        return replace(
            registry,
            entries=tuple(map(self._entry, registry.entries)),
            fields=self.fields(registry.fields),
            bits=self.fields(registry.bits),
        )

    def _entry(self, entry: Entry) -> Entry:
        return replace(
            entry,
            name=self.codes.get(entry.name, entry.name),
            condition=self.condition(entry.condition),
            bindings=tuple(map(self.binding, entry.bindings)),
        )


def tag_of(key: str) -> str:
    """The tag in the key of a struct."""
    return key.rpartition("/")[2].partition("#")[0]


def _turned(names: Names) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _followed(paths: Names, path: str) -> str:
    """A path in the names of the other model, from the outermost member to the innermost."""
    done = ""
    for name in path.split("."):
        here = f"{done}.{name}" if done else name
        done = paths.get(here, here)
    return done


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
