"""The testee: a program that answers the conformance runner's questions with the crate.

It visits structs member by member, through what users have: it shows each value, or makes it of what the question says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from virtspec.emit.engine import render, ruststring
from virtspec.emit.rust.items import Item
from virtspec.emit.rust.lines import use
from virtspec.emit.rust.messages import Messages
from virtspec.emit.rust.names import module_name
from virtspec.emit.rust.types import Catalogue
from virtspec.emit.rust.views import ArmView, BitsView, ContextField, FixedView, ItemView, MessageView, UnionView
from virtspec.model import Aggregate
from virtspec.names import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member by the names that questions have for it: one for each arm of a union that is left to its bytes."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """An arm of a union of variable size; `kind` is the function that turns it into bytes."""

    union: str
    name: str
    path: str
    type: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    variant: str
    code: str
    type: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A record whose value is something by its type."""

    values: str
    value: str
    value_path: str
    code: str
    cases: tuple[_Case, ...]
    config: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Structure:
    path: str
    members: tuple[_Member, ...]
    bits: tuple[BitsView, ...]
    arms: tuple[_Arm, ...]
    record: _Record | None = None
    records: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Union:
    path: str
    arms: tuple[ArmView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A struct that questions may be about."""

    name: str
    path: str
    message: bool
    config: bool
    context: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Device:
    name: str
    path: str
    config: str


def render_testee(
    catalogue: Catalogue, views: Mapping[int, tuple[Item, ItemView]], messages: Messages, modules: Sequence[str]
) -> str:
    """The text of the program. `views` are those of all items."""
    structures: list[_Structure] = []
    unions: list[_Union] = []
    for item, view in views.values():
        if item.half is not None:
            continue
        match view:
            case UnionView():
                unions.append(_Union(path=_path(item), arms=view.arms))
            case FixedView():
                members = _members([(m.name, m.path) for m in view.members], view.bits)
                structures.append(_Structure(path=_path(item), members=members, bits=view.bits, arms=()))
            case MessageView():
                structures.append(_message(catalogue, item, view))
    devices = tuple(d for d in _devices(catalogue) if d.path.partition("::")[0] in modules)
    subjects = tuple(_subjects(catalogue, views, messages, {d.config for d in devices}))
    homes = {item.module for item, _ in views.values()} | {d.path.partition("::")[0] for d in devices}
    used = [name for name in modules if name in homes]
    return render(
        "rust/structures.rs.jinja",
        structures=structures,
        unions=unions,
        devices=devices,
        subjects=subjects,
        imports=use("virtwire", used),
    )


def _given(length: ContextField) -> str:
    """A length of a context, as a question gives it."""
    return f"{length.name}: {'needed' if length.required else 'length'}({ruststring(length.key)})"


def _path(item: Item, life: bool = False) -> str:
    return f"{item.module}::{item.name}" + ("<'static>" if life and item.borrows else "")


def _outside(type_: str, module: str) -> str:
    """A type that the code of a module names, for code outside of the crate."""
    type_ = type_.replace("<'a>", "<'static>")
    return type_.removeprefix("crate::") if type_.startswith("crate::") else f"{module}::{type_}"


def _members(pairs: Sequence[tuple[str, str]], bits: tuple[BitsView, ...]) -> tuple[_Member, ...]:
    divided = {b.member for b in bits}
    return tuple(_Member(name=name, paths=tuple(paths.split(" "))) for name, paths in pairs if name not in divided)


def _message(catalogue: Catalogue, item: Item, view: MessageView) -> _Structure:
    unions = {a.union for a in view.arms}
    # a union without a name that is left to its bytes has these under the name of each arm
    unnamed = (
        m.type.members
        for m in item.struct.members
        if isinstance(m.type, Aggregate) and not m.name and catalogue.layouts.sizes.type(m.type) is None
    )
    pairs = [
        (part.name, part.path or " ".join(arm.name for arm in next(unnamed, ())))
        for part in view.parts
        if part.name not in unions
    ]
    arms = tuple(
        _Arm(
            union=a.union,
            name=a.name,
            path=a.path,
            type=_outside(a.type, item.module),
            kind="message_bytes" if a.message else "fixed_bytes",
        )
        # questions have no word for what only an arm needs
        for a in view.arms
        if not a.context
    )
    record = None
    if view.rules.record is not None and view.rules.values is not None:
        values = view.rules.values
        payload = values.value.partition(".")[2]
        record = _Record(
            values=f"{item.module}::{values.name}",
            value=payload,
            value_path=next(p.path for p in view.parts if p.name == payload),
            code=values.code.partition(".")[2],
            cases=tuple(
                _Case(
                    variant=c.variant,
                    code=_code(c.code, item.module),
                    type=_outside(c.type, item.module),
                    kind="message_bytes" if c.message else "fixed_bytes",
                )
                for c in values.cases
                # a number is shown as its bytes
                if c.item is not None
            ),
            config=next((_code(c.code, item.module) for c in values.cases if c.config), ""),
        )
    return _Structure(
        path=_path(item, life=True),
        members=_members(pairs, view.bits),
        bits=view.bits,
        arms=arms,
        record=record,
        records=view.rules.records,
    )


def _code(code: str, module: str) -> str:
    return code if code[0].isdigit() else _outside(code, module)


def _devices(catalogue: Catalogue) -> Iterator[_Device]:
    for device in catalogue.spec.devices:
        config = catalogue.named(device.config) if device.config else None
        fixed = config is not None and config.kind == "fixed"
        path = f"{module_name(device.module)}::DEVICE"
        yield _Device(
            name=plain(device.module), path=path, config=_path(config) if fixed and config is not None else ""
        )


def _subjects(
    catalogue: Catalogue, views: Mapping[int, tuple[Item, ItemView]], messages: Messages, configs: set[str]
) -> Iterator[_Subject]:
    for struct in catalogue.spec.structs:
        item = catalogue.of(struct)
        if item is None or struct.variant > 1 or id(item) not in views:
            continue
        message = item.kind == "message"
        context, lengths = messages.context(item) if message else ("()", ())
        yield _Subject(
            name=struct.name,
            path=_path(item, life=True),
            message=message,
            config=_path(item) in configs,
            context="" if context == "()" else f"{item.module}::{context}",
            given=(*(["features: features()"] if item.featured else []), *map(_given, lengths)),
        )
