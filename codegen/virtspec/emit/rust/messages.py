"""Structs of variable size → messages: how each part is found in the bytes, and written.

A part whose length no member states is open: the reader may say how long it is, and of several such parts one follows
from the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from virtspec.emit.formulas import parse_formula
from virtspec.emit.rust import lengths
from virtspec.emit.rust.documents import item_doc, member_doc
from virtspec.emit.rust.items import Field, Item, Listed, Nested, Plain, Recorded, Slice
from virtspec.emit.rust.lines import statement
from virtspec.emit.rust.names import TAKEN_METHODS, Scope, word
from virtspec.emit.rust.rule_views import RulesView
from virtspec.emit.rust.structs import bits_of
from virtspec.emit.rust.types import Catalogue
from virtspec.emit.rust.views import (
    ContextField,
    MessageView,
    OpenArm,
    Part,
    PartKind,
    Passed,
    Presence,
)
from virtspec.expressions import ExpressionError, Name
from virtspec.model import Array, ConfigRef, ExternalLength
from virtspec.model import Expression as ExpressionLength
from virtspec.names import python_field, rust_field

_LOCALS = frozenset({"input", "output", "context", "features", "self", "size", "behind", "given", "inner"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How long a part is: `count` elements as members state, or what `key` of the context says, `named` by the
    specification. A nested message has the `inner` context, of which each field is one of this message's, too."""

    size: int | None = None
    count: str = ""
    key: str = ""
    named: bool = False
    unit: int = 1
    required: bool = False
    inner: tuple[tuple[ContextField, str], ...] = ()


class Messages:
    """The messages of a catalogue. `features` are the paths of the constants for feature bits, by module."""

    def __init__(self, catalogue: Catalogue, features: Mapping[str, Mapping[str, str]]) -> None:
        self.catalogue = catalogue
        self._features = features
        self._contexts: dict[int, tuple[str, tuple[ContextField, ...]]] = {}

    def view(self, item: Item, rules: RulesView) -> MessageView:
        """The view of a message."""
        extents = self._extents(item)
        conditions, presences = self._presences(item)
        context, fields = self.context(item)
        return MessageView(
            name=item.name,
            tag=item.tag,
            doc=item_doc(item),
            life="<'a>" if item.borrows else "",
            context=context,
            context_fields=fields,
            features=item.featured,
            parts=_used(tuple(self._parts(item, extents, conditions))),
            presences=presences,
            bits=tuple(bits_of(item, Scope(TAKEN_METHODS), self.catalogue.not_rendered)),
            arms=tuple(self._arms(item)),
            rules=rules,
            derives_default=not any(isinstance(f.shape, Plain) and f.shape.long for f in item.fields),
        )

    # --- contexts -----------------------------------------------------------------------------------------

    def context(self, item: Item) -> tuple[str, tuple[ContextField, ...]]:
        """The type of a message's context, and the lengths in it."""
        if id(item) not in self._contexts:
            fields = tuple(self._context_fields(item))
            name = "()"
            if fields or item.featured:
                name = self.catalogue.scope(item.struct.module).claim_type(f"{item.name}Context")
            self._contexts[id(item)] = name, fields
        return self._contexts[id(item)]

    def needs_context(self, item: Item) -> bool:
        """Whether a message cannot be read without being told anything."""
        return item.featured or any(c.required for c in self.context(item)[1])

    def _context_fields(self, item: Item) -> Iterator[ContextField]:
        scope = Scope(frozenset({"features"}))
        seen: set[str] = set()
        for f, extent in zip(item.fields, self._extents(item), strict=True):
            for key, required, inner in _keys(extent):
                if key in seen:
                    continue
                seen.add(key)
                unit = "bytes" if extent.unit == 1 and not inner else "elements"
                what = f"The {unit} of `{_shown(f)}`"
                name = scope.claim(word(key.replace("__", "_"), "length"))
                doc = f"{what}." if required else f"{what}; `None` for what the other parts leave."
                yield ContextField(name=name, key=key, doc=doc, required=required)

    def _extents(self, item: Item) -> list[Extent]:
        extents = [self._extent(item, f, number) for number, f in enumerate(item.fields)]
        used = Counter(key for extent in extents for key, _, _ in _keys(extent))
        # a length that several parts have cannot follow from what remains, nor one before a part that has to be read
        return [
            replace(
                e,
                required=bool(e.key) and (used[e.key] > 1 or not self._sized_behind(item, number, extents)),
                inner=tuple((replace(c, required=c.required or used[k] > 1), k) for c, k in e.inner),
            )
            for number, e in enumerate(extents)
        ]

    def _sized_behind(self, item: Item, number: int, extents: list[Extent]) -> bool:
        """Whether the bytes of all parts behind one can be told before it is read."""
        before = {g.name: g.name for g in item.fields[:number]}
        for f, extent in zip(item.fields[number + 1 :], extents[number + 1 :], strict=True):
            if isinstance(f.shape, Nested) or (isinstance(f.shape, Recorded) and not extent.key):
                return False
            try:
                if extent.count:
                    lengths.count(self.catalogue, item, f, before)
            except ExpressionError:
                return False
        return True

    def _extent(self, item: Item, f: Field, number: int) -> Extent:
        match f.shape:
            case Plain(size=size):
                return Extent(size=size)
            case Nested(item=inner):
                return Extent(inner=tuple((c, self._handed(f, inner, c)) for c in self.context(inner)[1]))
            case Listed(element=element):
                unit = element.size
            case _:
                unit = 1
        if not isinstance(f.shape, Slice) or f.octets:
            variables = {g.name: g.name for g in item.fields[:number]}
            try:
                return Extent(count=lengths.count(self.catalogue, item, f, variables), unit=unit)
            except ExpressionError:
                pass
        key, named = _key(f, unit)
        return Extent(key=key, named=named, unit=unit)

    def _handed(self, f: Field, inner: Item, field: ContextField) -> str:
        """The key under which a message takes one of a nested message's."""
        named = any(e.key == field.key and e.named for e in self._extents(inner))
        return field.key if named else f"{python_field(f.path or f.name)}_{field.key}"

    # --- parts --------------------------------------------------------------------------------------------

    def _parts(self, item: Item, extents: list[Extent], conditions: list[str]) -> Iterator[Part]:
        scope = Scope(_LOCALS)
        for condition in dict.fromkeys(c for c in conditions if c):
            scope.claim(condition)
        held = {f.name: scope.claim(f.name) for f in item.fields}
        context = {c.key: c for c in self.context(item)[1]}
        first: dict[str, str] = {}
        for number, (f, extent) in enumerate(zip(item.fields, extents, strict=True)):
            before = {g.name: held[g.name] for g in item.fields[:number]}
            has = conditions[number]
            kind, type_, default = self._kind(f, item.module)
            part = Part(
                name=f.name,
                local=held[f.name],
                path=f.path,
                kind=kind,
                type=type_,
                doc=member_doc(f, None),
                default="None" if f.optional else default,
                unit=extent.unit,
                has=has,
                together=first.get(has, "") if has else "",
            )
            if has:
                first.setdefault(has, f.name)
            if isinstance(f.shape, (Nested, Recorded)):
                type_, passed = self._nested(item, f.shape.item, extent, context)
                part = replace(part, context=type_, passed=passed)
            if extent.count:
                mine = {g.name: f"self.{g.name}" for g in item.fields[:number]}
                part = replace(
                    part,
                    count=lengths.count(self.catalogue, item, f, before),
                    stated=lengths.count(self.catalogue, item, f, mine),
                )
            elif extent.key:
                field = context[extent.key]
                if field.required:
                    part = replace(part, count=f"context.{field.name}")
                else:
                    given = f"context.{field.name}"
                    behind = self._behind(item, number, extents, conditions, before, context)
                    part = replace(part, given=f"lengths::when({has}, {given})" if has else given, behind=behind)
            elif any(not c.required for c, _ in extent.inner):
                behind = self._behind(item, number, extents, conditions, before, context)
                part = replace(part, limited=True, behind=behind)
            yield part

    def _nested(
        self, item: Item, inner: Item, extent: Extent, context: Mapping[str, ContextField]
    ) -> tuple[str, tuple[Passed, ...]]:
        """The context of a nested message, and what it is made of."""
        name = self._context_path(inner, item.module)
        if name == "()":
            return name, ()
        passed = [Passed(name="features", value="context.features")] if inner.featured else []
        for own, key in extent.inner:
            value = f"context.{context[key].name}"
            optional = not any(c.key == own.key and c.required for c in self.context(inner)[1])
            passed.append(
                Passed(name=own.name, value=f"Some({value})" if context[key].required and optional else value)
            )
        return name, tuple(passed)

    def _context_path(self, item: Item, module: str) -> str:
        """How the code of a module names the context of a message."""
        name, _ = self.context(item)
        return name if name == "()" or item.module == module else f"crate::{item.module}::{name}"

    def _kind(self, f: Field, module: str) -> tuple[PartKind, str, str]:
        """The kind of a part, its type, and its default."""
        match f.shape:
            case Plain(text=text):
                return "fixed", text, "Fixed::ZERO"
            case Slice():
                return "bytes", "&'a [u8]", "&[]"
            case Listed(element=element):
                return "list", f"List<'a, {element.text}>", "List::EMPTY"
            case Recorded(item=item):
                record = item.path(module) + ("<'a>" if item.borrows else "")
                context = self._context_path(item, module)
                further = "" if context == "()" else f", {context}"
                return "records", f"Records<'a, {record}{further}>", "Records::EMPTY"
            case Nested(item=item):
                life = "<'a>" if item.borrows else ""
                return "message", item.path(module) + life, "Default::default()"

    def _behind(
        self,
        item: Item,
        number: int,
        extents: list[Extent],
        conditions: list[str],
        before: Mapping[str, str],
        context: Mapping[str, ContextField],
    ) -> tuple[str, ...]:
        """The bytes of the parts behind one, as options."""
        fixed = 0
        terms: list[str] = []
        for f, extent, has in list(zip(item.fields, extents, conditions, strict=True))[number + 1 :]:
            if extent.size is not None and not has:
                fixed += extent.size
                continue
            term = self._size(item, f, extent, before, context)
            if term is None:
                return ("None",)
            absent_is_zero = not has or "count_if(" in term
            terms.append(term if absent_is_zero else f"lengths::when({has}, {term})")
        return (*([f"Some({fixed})"] if fixed else []), *terms)

    def _size(
        self, item: Item, f: Field, extent: Extent, before: Mapping[str, str], context: Mapping[str, ContextField]
    ) -> str | None:
        """The bytes of a part, as far as that is known before it is read."""
        if extent.size is not None:
            return f"Some({extent.size})"
        if extent.count:
            try:
                text = lengths.count(self.catalogue, item, f, before)
            except ExpressionError:
                return None
            if isinstance(f.shape, Recorded):
                return None
            return f"Some({_times(text, extent.unit)})"
        if extent.key:
            field = context[extent.key]
            if field.required:
                return f"Some({_times(f'context.{field.name}', extent.unit)})"
            if extent.unit == 1:
                return f"context.{field.name}"
            return f"context.{field.name}.map(|n| lengths::mul(n, {extent.unit}))"
        return None

    def _presences(self, item: Item) -> tuple[list[str], tuple[Presence, ...]]:
        """The variable that says whether each field is there, "" for those that always are."""
        scope = Scope(frozenset(f.name for f in item.fields) | _LOCALS)
        known: dict[str, str] = {}
        names: list[str] = []
        for f in item.fields:
            if not f.optional:
                names.append("")
                continue
            paths = self._features.get(item.module, {})
            text = lengths.presence(self.catalogue, f.member.condition, item.module, paths)
            if text not in known:
                known[text] = scope.claim(f"has_{f.name.strip('_')}")
            names.append(known[text])
        return names, tuple(Presence(name=name, lines=statement(f"let {name} =", text)) for text, name in known.items())

    # --- unions of variable size --------------------------------------------------------------------------

    def _arms(self, item: Item) -> Iterator[OpenArm]:
        scope = Scope(TAKEN_METHODS)
        for f in item.fields:
            union = f.shape.arms if isinstance(f.shape, Slice) else None
            if union is None or f.optional:
                continue
            for arm in union.fields:
                stem = f"{f.path}.{arm.path}".lstrip(".")
                context = ""
                match arm.shape:
                    case Plain(text=text, item=inner) if inner is not None and not text.startswith("["):
                        pass
                    case Nested(item=inner):
                        if self.needs_context(inner):
                            context = self._context_path(inner, item.module)
                    case _:
                        self.catalogue.not_rendered.append((f"{item.key}/{stem}", "an arm that is left to its bytes"))
                        continue
                home = inner.path(item.module)
                bytes_ = f"self.{f.name}"
                yield OpenArm(
                    union=f.name,
                    message=isinstance(arm.shape, Nested),
                    name=scope.claim(arm.name),
                    path=stem,
                    type=home + ("<'a>" if inner.borrows else ""),
                    context=context,
                    call=(
                        f"{home}::from_prefix_with({bytes_}, context)" if context else f"{home}::from_prefix({bytes_})"
                    ),
                    doc=f"The arm `{stem}` of `{_shown(f)}`.",
                )


def _used(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts, with which of them others need."""
    texts = " ".join(" ".join((part.count, *part.behind)) for part in parts)
    words = set(re.findall(r"\w+", texts))
    return tuple(replace(part, used=part.local in words) for part in parts)


def _keys(extent: Extent) -> list[tuple[str, bool, bool]]:
    if extent.key:
        return [(extent.key, extent.required, False)]
    return [(key, field.required, True) for field, key in extent.inner]


def _key(f: Field, unit: int) -> tuple[str, bool]:
    """What the conformance protocol calls a length, and whether the specification has a name for it."""
    length = f.member.type.length if isinstance(f.member.type, Array) else None
    match length:
        case ExternalLength(name=name):
            return python_field("_".join(name.strip("<>").split()).lower()), True
        case ConfigRef(path=path):
            return python_field(path.rpartition(".")[2]), True
        case ExpressionLength(text=text) if _is_name(text):
            return python_field(text.rpartition(".")[2]), True
        case _:
            name = python_field(f.path or f.name)
            return f"{name}_{'size' if unit == 1 else 'count'}", False


def _is_name(text: str) -> bool:
    try:
        return isinstance(parse_formula(text), Name)
    except ExpressionError:
        return False


def _times(text: str, unit: int) -> str:
    if unit == 1:
        return text
    return str(int(text) * unit) if text.isdigit() else f"lengths::mul({text}, {unit})"


def _shown(f: Field) -> str:
    return rust_field(f.path) if f.path else f.name
