"""Constants, macros, features and registries as Python sees them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from virtspec.emit.arithmetic import to_python
from virtspec.emit.formulas import parse_formula
from virtspec.emit.python.steps import Planner
from virtspec.expressions import ExpressionError
from virtspec.model import Binding, Constant, Entry, Feature, FeatureBit, Not, Range, Registry, condition_text
from virtspec.names import is_identifier, plain
from virtspec.since import Since

_HEX = re.compile(r"\b0[xX]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantView:
    """A constant; `value` is its Python text."""

    name: str
    value: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroView:
    """A function-like macro as a function."""

    name: str
    parameters: tuple[str, ...]
    body: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureView:
    """A feature bit; `requires` is Python over `bits`, "" where nothing is required."""

    name: str
    bit: int
    legacy: bool
    needs: str
    requires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    code: str
    name: str
    structs: tuple[tuple[str, str], ...]
    featured: tuple[tuple[int, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryView:
    """A registry and the variable that holds it."""

    variable: str
    name: str
    tag: str
    comment: str
    entries: tuple[EntryView, ...]
    ranges: tuple[Range, ...]
    flags: bool = False


class Constants:
    """Makes the views of one module's constants; names come from `claim`, which never gives one twice."""

    def __init__(
        self,
        claim: Callable[[str], str],
        since: Since | None,
        skip: Callable[[str, str], None],
        bits: Mapping[tuple[str, str, int], tuple[str, ...]],
    ) -> None:
        self.claim = claim
        self.since = since
        self.skip = skip
        self.bits = bits
        self.plain: list[ConstantView] = []
        self.macros: list[MacroView] = []

    def add(self, constants: Sequence[Constant]) -> None:
        """Add a module's constants. A name with several values stays with the feature bit that has it, if one does;
        all others of these get a name that says where they belong, so that none is hidden by the order of the text."""
        by_name: dict[str, list[Constant]] = {}
        for constant in constants:
            by_name.setdefault(constant.name, []).append(constant)
        for constant in constants:
            if not is_identifier(constant.name) or constant.name.startswith("_"):
                self.skip(constant.key, "the name is no identifier of its own")
                continue
            if constant.parameters is not None:
                self._macro(constant)
                continue
            if constant.value is None:
                self.skip(constant.key, constant.reason or "has no value")
                continue
            others = [c for c in by_name[constant.name] if c.value != constant.value and c.value is not None]
            same = [c for c in by_name[constant.name] if c.value == constant.value]
            if same[0] is not constant:
                continue
            name = constant.name
            comment = self._comment(constant)
            if others:
                values = ", ".join(str(c.value) for c in others)
                comment += f"; has the value {values} as well"
                if all(c.kind != "feature" for c in same):
                    name = f"{name}__{plain(constant.owner or constant.kind).upper()}"
            self.plain.append(ConstantView(name=self.claim(_identifier(name)), value=_value(constant), comment=comment))

    def _comment(self, constant: Constant) -> str:
        parts = [str(constant.place)] if constant.place.file else []
        since = self.since.constant(constant.name) if self.since is not None else None
        if since:
            parts.append(f"since {since}")
        if members := self.bits.get((constant.module, constant.name, constant.value or 0)):
            parts.append(f"bit {constant.value} of {', '.join(members)}")
        return ", ".join(parts)

    def _macro(self, constant: Constant) -> None:
        parameters = constant.parameters or ()
        names = [_identifier(p) for p in parameters]

        def resolve(name: str) -> str:
            if name in parameters:
                return _identifier(name)
            raise ExpressionError(f"'{name}' is no parameter")

        try:
            if not all(is_identifier(p) for p in parameters) or len(set(names)) < len(names):
                raise ExpressionError("the parameters are no identifiers")
            body = to_python(parse_formula(constant.expression), resolve, lambda _: None, signed=True)
        except ExpressionError as error:
            self.skip(constant.key, f"a macro that is no expression over its parameters: {error}")
            return
        self.macros.append(
            MacroView(
                name=self.claim(_identifier(constant.name)),
                parameters=tuple(names),
                body=body,
                comment=self._comment(constant),
            )
        )


def features_of(module: str, features: Iterable[FeatureBit], planner: Planner) -> tuple[FeatureView, ...]:
    """The features that a device type of this module can have: its own, and those reserved for all."""
    views: list[FeatureView] = []
    for feature in features:
        if feature.module not in (module, "common"):
            continue
        requires = planner.conditions.truth(feature.requires) if feature.requires is not None else None
        views.append(
            FeatureView(
                name=feature.name,
                bit=feature.bit,
                legacy=feature.legacy,
                needs=condition_text(feature.requires),
                requires=requires or "",
            )
        )
    return tuple(views)


def registry_view(registry: Registry, claim: Callable[[str], str], bits: Mapping[str, int]) -> RegistryView:
    """A registry. Its variable is named after its key, with an ending that no constant has."""
    variable = plain(registry.key.partition("/registry/")[2] or registry.name).upper()
    return RegistryView(
        variable=claim(f"{variable}_CODES"),
        name=registry.name,
        tag=registry.tag,
        comment=str(registry.place) if registry.place.file else "",
        entries=tuple(_entry_view(e, bits) for e in registry.entries),
        ranges=registry.ranges,
        flags=registry.flags,
    )


def _entry_view(entry: Entry, bits: Mapping[str, int]) -> EntryView:
    featured: dict[int, list[Binding]] = {}
    plain_ones: list[Binding] = []
    for binding in entry.bindings:
        match binding.condition:
            case None | Not(term=Feature()):
                plain_ones.append(binding)
            case Feature(name=name) if name in bits:
                featured.setdefault(bits[name], []).append(binding)
    return EntryView(
        code=f"{entry.code:#x}",
        name=entry.name,
        structs=tuple(_bound(plain_ones).items()),
        featured=tuple((bit, tuple(_bound(found).items())) for bit, found in featured.items()),
    )


def _bound(bindings: Sequence[Binding]) -> dict[str, str]:
    """What goes with a code, by role or member: `x`, `x[]`, or `x+y[]` for a struct with others behind it."""
    bound: dict[str, list[str]] = {}
    for binding in sorted(bindings, key=lambda b: (not b.first, b.condition is not None)):
        behind = f"+{binding.struct}" if binding.behind else binding.struct
        bound.setdefault(binding.slot, []).append(f"{binding.struct}[]" if binding.many else behind)
    return {
        slot: names[0].removeprefix("+")
        + "".join(f"+{n.removeprefix('+')}" for n in names[1:] if n.endswith("[]") or n[0] == "+")
        for slot, names in bound.items()
    }


def _value(constant: Constant) -> str:
    value = constant.value or 0
    return f"{value:#x}" if value > 9 and (_HEX.search(constant.expression) or value > 0xFFFF) else str(value)


def _identifier(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name
