"""Constants → macros and enumerations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from virtspec.emit.c.names import Names, header_name, macro_name
from virtspec.emit.c.types import INT_MAX, Named
from virtspec.emit.c.views import EnumGroup, Macro, MacroGroup
from virtspec.model import Constant, ConstantKind, Spec
from virtspec.names import c_macro, plain
from virtspec.since import load_since

_SHIFT = re.compile(r"\(*\s*(?:1|0x1)[uUlL]*\s*<<\s*(\d+)\s*\)*")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]+)[uUlL]*")
_TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(0[xX][0-9a-fA-F]+|\d+)[uUlL]*|(<<|>>|[-+*/%&|^~()]))")

_RANK: dict[ConstantKind, int] = {"feature": 0, "define": 1, "enum": 2, "table": 3, "register": 4}


class Constants:
    """The constants of a model under their C names: each name once with one value.

    Where the specification gives one name two values, the name goes to the feature bit, else to the earlier listing;
    the other value gets the name of what it belongs to as a suffix.
    """

    def __init__(self, spec: Spec, names: Names) -> None:
        self.not_rendered: list[tuple[str, str]] = []
        self.macros: dict[str, Named] = {}
        self._names = names
        self._macros: dict[str, tuple[Constant, Macro]] = {}
        self._bits = spec.bit_numbers()
        taken: dict[str, tuple[int | None, str]] = {}
        functions: list[Constant] = []
        for constant in sorted(spec.constants, key=lambda c: _RANK[c.kind]):
            if constant.parameters is not None:
                functions.append(constant)
                continue
            if constant.value is None:
                self.not_rendered.append((constant.key, constant.reason or "its value is not known"))
                continue
            if not -(1 << 63) <= constant.value < 1 << 64:
                self.not_rendered.append((constant.key, "its value needs more than 64 bits"))
                continue
            self._enter(constant, macro_name(constant), taken)
        for constant in functions:
            self._enter_function(constant)

    def _enter(self, constant: Constant, name: str, taken: dict[str, tuple[int | None, str]]) -> None:
        assert constant.value is not None
        members = self._bits.get((constant.module, constant.name, constant.value))
        notes = [f"bit {constant.value} of {', '.join(members)}"] if members else []
        if name in taken:
            value, first = taken[name]
            if value == constant.value:
                return
            notes.append(f"{constant.name} has another value in {first}")
            name = f"{name}_{_suffix(constant)}"
            if name in taken and taken[name][0] == constant.value:
                return
        taken.setdefault(name, (constant.value, str(constant.place)))
        macro = Macro(name=self._names.macro(name), value=literal(constant), note="; ".join(notes))
        self._macros[constant.key] = (constant, macro)
        self.macros.setdefault(
            constant.name, Named(header=header_name(constant.module), macro=macro.name, value=constant.value)
        )

    def _enter_function(self, constant: Constant) -> None:
        parameters = constant.parameters or ()
        body = self._function_body(constant.expression, parameters)
        if body is None:
            self.not_rendered.append((constant.key, "its expression uses names that the specification does not define"))
            return
        name = f"{self._names.macro(macro_name(constant))}({', '.join(parameters)})"
        self._macros[constant.key] = (constant, Macro(name=name, value=body))

    def _function_body(self, expression: str, parameters: tuple[str, ...]) -> str | None:
        """The expression of a function-like macro, made anew of the tokens that are known to be harmless."""
        text, position = [], 0
        expression = expression.strip()
        while position < len(expression):
            match = _TOKEN.match(expression, position)
            if match is None:
                return None
            identifier, number, operator = match.groups()
            if identifier is None:
                text.append(number or operator)
            elif identifier in parameters:
                text.append(identifier)
            elif identifier in self.macros:
                text.append(self.macros[identifier].macro)
            else:
                return None
            position = match.end()
        joined = " ".join(text).replace("( ", "(").replace(" )", ")")
        return f"({joined})" if text and joined.count("(") == joined.count(")") else None

    def values(self) -> list[tuple[Constant, Macro]]:
        """The macros and enumerators that have a value."""
        return [entry for entry in self._macros.values() if entry[0].value is not None]

    def groups(self, module: str) -> tuple[MacroGroup | EnumGroup, ...]:
        """The constants of one header, in the order and the groups of the specification."""
        entries = [entry for entry in self._macros.values() if header_name(entry[0].module) == module]
        entries.sort(key=lambda e: (e[0].place.file, e[0].place.line))
        return tuple(self._grouped(entries))

    def _grouped(self, entries: list[tuple[Constant, Macro]]) -> Iterator[MacroGroup | EnumGroup]:
        for (_, enum, owner, _), run in groupby(_numbered(entries), key=lambda e: e[0]):
            constants = [entry for _, entry in run]
            source = str(constants[0][0].place)
            since = [load_since().constant(constant.name) for constant, _ in constants]
            first = _first(since)
            if first is not None:
                source += f", since {first}"
            macros = tuple(
                _dated(macro, edition if edition != first else None)
                for (_, macro), edition in zip(constants, since, strict=True)
            )
            if enum and all(-INT_MAX - 1 <= (c.value or 0) <= INT_MAX for c, _ in constants):
                yield EnumGroup(source=source, tag=self._enum_tag(owner), macros=macros)
            else:
                yield MacroGroup(source=source, macros=macros)

    def _enum_tag(self, owner: str) -> str:
        name = plain(owner)
        return self._names.tag(name) if name.upper().startswith(("VIRT", "PVIRT")) else ""


def _first(editions: list[str | None]) -> str | None:
    """The first release that has any of a group; None where one of them is in no release yet."""
    known = [edition for edition in editions if edition is not None]
    return min(known, key=_numbers) if known and len(known) == len(editions) else None


def _numbers(edition: str) -> list[int]:
    return [int(part) for part in edition.split(".") if part.isdigit()]


def _dated(macro: Macro, since: str | None) -> Macro:
    """A macro with the release that first has it."""
    return replace(macro, note="; ".join(filter(None, (macro.note, f"since {since}")))) if since else macro


Group = tuple[str, bool, str, int]


def _numbered(entries: list[tuple[Constant, Macro]]) -> Iterator[tuple[Group, tuple[Constant, Macro]]]:
    """Each constant with the group it belongs to: constants of one owner that stand close together."""
    run, previous = 0, None
    for constant, macro in entries:
        owner = (constant.place.file, constant.kind == "enum", constant.owner)
        if previous is not None and (previous[0] != owner or constant.place.line - previous[1] > MAX_GAP):
            run += 1
        previous = (owner, constant.place.line)
        yield (*owner, run), (constant, macro)


MAX_GAP = 8
"""The lines between two constants beyond which the reader of a header takes them for two lists."""


def literal(constant: Constant) -> str:
    """The value as C writes it, in the specification's manner, with a type that holds it."""
    value = constant.value
    assert value is not None
    if value < 0:
        return (
            f"({value}{'' if value > -INT_MAX - 1 else 'LL'})" if value != -(1 << 63) else "(-0x7fffffffffffffffLL - 1)"
        )
    suffix = "" if value <= INT_MAX else "U" if value < 1 << 32 else "ULL"
    text = constant.expression.strip()
    shift = _SHIFT.fullmatch(text)
    if shift is not None and value == 1 << int(shift[1]):
        return f"(1{suffix or 'U'} << {int(shift[1])})"
    digits = _HEX.fullmatch(text)
    if digits is not None and value == int(digits[1], 16):
        return f"0x{digits[1].lower()}{suffix}"
    if constant.kind == "register":
        return f"0x{value:03x}{suffix}"
    return f"0x{value:x}{suffix}" if suffix else str(value)


def _suffix(constant: Constant) -> str:
    """What tells a constant from another of its name."""
    return c_macro(plain(constant.owner)).strip("_") or c_macro(constant.kind)
