"""Constants → Rust constants, each with the type of the member whose values it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from virtspec.emit.formulas import parse_formula
from virtspec.emit.rust.documents import code
from virtspec.emit.rust.items import Item, Plain
from virtspec.emit.rust.names import constant_name, module_name
from virtspec.emit.rust.types import Catalogue
from virtspec.emit.rust.views import ConstantView, MacroView
from virtspec.expressions import Binary, Expr, ExpressionError, Name, Number
from virtspec.model import Constant, ConstantKind
from virtspec.names import is_identifier, plain, rust_field
from virtspec.since import load_since

_HEX = re.compile(r"\b0[xX]")
_SHIFT = re.compile(r"\(*\s*(?:1|0x1)[uUlL]*\s*<<\s*(\d+)\s*\)*")
_RANK: dict[ConstantKind, int] = {"feature": 0, "define": 1, "enum": 2, "table": 3, "register": 4}


class Constants:
    """The constants of a model, by module. Where the specification gives one name two values, the name goes to the
    feature bit, else to the earlier listing; the other gets the name of what it belongs to as a suffix."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.not_rendered: list[tuple[str, str]] = []
        self._views: dict[str, list[tuple[Constant, ConstantView]]] = {}
        self._macros: dict[str, list[MacroView]] = {}
        self._paths: dict[tuple[str, str], tuple[str, int, str]] = {}
        widths = dict(self._widths())
        self._numbered = catalogue.spec.bit_numbers()
        taken: dict[tuple[str, str], int] = {}
        for constant in sorted(catalogue.spec.constants, key=lambda c: _RANK[c.kind]):
            if constant.parameters is not None:
                self._macro(constant)
            elif constant.value is None:
                self.not_rendered.append((constant.key, constant.reason or "its value is not known"))
            elif not -(1 << 63) <= constant.value < 1 << 64:
                self.not_rendered.append((constant.key, "its value needs more than 64 bits"))
            else:
                self._enter(
                    constant, constant.value, widths.get((module_name(constant.module), constant.name), 32), taken
                )

    def views(self, module: str) -> tuple[ConstantView, ...]:
        """The constants of a module, in the order of the specification."""
        entries = sorted(self._views.get(module, []), key=lambda e: (e[0].place.file, e[0].place.line))
        views: list[ConstantView] = []
        before = None
        for constant, view in entries:
            group = (constant.place.file, constant.kind, constant.owner)
            views.append(replace(view, first=group != before))
            before = group
        return tuple(views)

    def macros(self, module: str) -> tuple[MacroView, ...]:
        """The function-like macros of a module."""
        return tuple(self._macros.get(module, []))

    def path(self, name: str, value: int, module: str, type_: str) -> str | None:
        """How the code of a module names the constant of that name, value and type; None where there is none."""
        for home in (module, "common"):
            found = self._paths.get((home, name))
            if found is not None and found[1:] == (value, type_):
                return found[0] if home == module else f"crate::{home}::{found[0]}"
        return None

    def _enter(self, constant: Constant, value: int, width: int, taken: dict[tuple[str, str], int]) -> None:
        module = module_name(constant.module)
        name = constant_name(constant)
        notes: list[str] = []
        if (module, name) in taken:
            if taken[module, name] == value:
                return
            notes.append(f"{code(constant.name)} has another value elsewhere.")
            suffix = plain(constant.owner).upper().strip("_") or constant.kind.upper()
            name = f"{name}_{suffix}"
            if taken.get((module, name)) == value:
                return
        taken.setdefault((module, name), value)
        claimed = self.catalogue.scope(constant.module).claim(name)
        self._paths.setdefault((module, constant.name), (claimed, value, _type(value, width)))
        since = load_since().constant(constant.name)
        place = code(str(constant.place)) if constant.place.file else code(constant.name)
        text = f"{place}, since {since}." if since else f"{place}."
        if members := self._numbered.get((constant.module, constant.name, value)):
            notes.append(f"Bit {value} of {', '.join(map(code, members))}.")
        type_ = _type(value, width)
        view = ConstantView(name=claimed, type=type_, value=_literal(constant, value), notes=(text, *notes))
        self._views.setdefault(module, []).append((constant, view))

    def _widths(self) -> Iterator[tuple[tuple[str, str], int]]:
        """The bits of the members whose codes registries name."""
        for registry in self.catalogue.spec.registries:
            found = {self._bits(field) for field in registry.fields}
            if len(found) == 1 and (bits := found.pop()):
                for entry in registry.entries:
                    yield (module_name(registry.module), entry.name), bits

    def _bits(self, field: str) -> int:
        tag, _, path = field.partition(".")
        item: Item | None = self.catalogue.named(tag)
        shape = None
        for name in path.split("."):
            f = next((f for f in item.fields if f.path == name), None) if item is not None else None
            shape = None if f is None or f.bits is not None else f.shape
            item = shape.item if isinstance(shape, Plain) else None
        return shape.integer.bits if isinstance(shape, Plain) and shape.integer is not None else 0

    def _macro(self, constant: Constant) -> None:
        parameters = [rust_field(p) for p in constant.parameters or ()]
        try:
            if not all(is_identifier(p) for p in parameters) or len(set(parameters)) < len(parameters):
                raise ExpressionError("the parameters are no identifiers")
            body = _formula(parse_formula(constant.expression), frozenset(parameters))
            body = body[1:-1] if body.startswith("(") else body
        except ExpressionError as error:
            self.not_rendered.append((constant.key, f"a macro that is no expression over its parameters: {error}"))
            return
        name = self.catalogue.scope(constant.module).claim(rust_field(constant.name))
        note = code(f"{constant.name}: {constant.place}")
        view = MacroView(name=name, parameters=tuple(parameters), body=body, note=note)
        self._macros.setdefault(module_name(constant.module), []).append(view)


def _type(value: int, width: int) -> str:
    if value < 0:
        return "i32" if value >= -(1 << 31) else "i64"
    return f"u{next(bits for bits in (8, 16, 32, 64) if bits >= width and value < 1 << bits)}"


def _literal(constant: Constant, value: int) -> str:
    """The value in the specification's manner."""
    text = constant.expression.strip()
    shift = _SHIFT.fullmatch(text)
    if shift is not None and value == 1 << int(shift[1]):
        return f"1 << {int(shift[1])}"
    if value > 9 and (_HEX.search(text) or constant.kind == "register"):
        return f"0x{value:x}"
    return str(value)


def _formula(tree: Expr, parameters: Iterable[str]) -> str:
    """The body of a function-like macro. Raises `ExpressionError` for what could overflow or divide by zero."""
    match tree:
        case Number(value=value) if value < 1 << 64:
            return str(value)
        case Name(name=name) if rust_field(name) in parameters:
            return rust_field(name)
        case Binary(op="<<" | ">>" | "&" | "|" as op, left=left, right=right):
            return f"({_formula(left, parameters)} {op} {_formula(right, parameters)})"
        case _:
            raise ExpressionError("it is more than shifts and masks")
