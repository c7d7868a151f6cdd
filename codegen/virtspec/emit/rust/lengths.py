"""Lengths and conditions → Rust expressions.

All arithmetic is in `usize` and saturates: a length that under- or overflows becomes the largest number, which no
message is long enough for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from virtspec.emit.formulas import known_size, low_bits, parse_formula
from virtspec.emit.rust.items import Field, Item, Nested, Plain
from virtspec.expressions import Binary, Expr, ExpressionError, Name, Number, SizeOf, expression_text
from virtspec.model import AllOf, AnyOf, Array, Bits, Condition, Count, Feature, FieldRef, Not
from virtspec.model import Expression as ExpressionLength

_FUNCTIONS = {"+": "add", "-": "sub", "*": "mul"}
_MAX_SHIFT = 15
_MAX_NUMBER = (1 << 31) - 1


class Known(Protocol):
    """What a model knows: the values of constants and feature bits, and the sizes of structs."""

    constants: dict[str, int]
    feature_bits: dict[str, int]

    def size_of(self, tag: str) -> int | None: ...


def count(known: Known, item: Item, f: Field, variables: Mapping[str, str]) -> str:
    """The number of elements that members state, as an expression.

    `variables` says what holds each member of the message, by the name of its field. Raises `ExpressionError` where the
    number needs anything else.
    """
    length = f.member.type.length if isinstance(f.member.type, Array) else None
    match length:
        case Count(value=value):
            tree: Expr = Number(value, str(value))
        case FieldRef(path=path):
            tree = Name(path)
        case ExpressionLength(text=text):
            tree = parse_formula(text)
        case _:
            raise ExpressionError("no member states it")

    def resolve(path: str) -> str:
        if path in known.constants:
            return _number(known.constants[path])
        return _member(item, path.split("."), variables)

    return to_rust(tree, resolve, known.size_of)


def to_rust(tree: Expr, resolve: Callable[[str], str], size_of: Callable[[str], int | None], low: bool = False) -> str:
    """An expression as Rust; with `low`, only its low bits count."""
    match tree:
        case Number(value=value):
            return _number(value)
        case Name(name=path):
            return resolve(path)
        case SizeOf():
            return _number(known_size(tree, size_of))
        case Binary(op=op, left=left, right=right):
            below = low_bits(tree, low)
            first, second = (to_rust(side, resolve, size_of, below) for side in (left, right))
            if op == "-" and low:
                return f"lengths::wrapping_sub({first}, {second})"
            if op in _FUNCTIONS:
                return f"lengths::{_FUNCTIONS[op]}({first}, {second})"
            if op in ("<<", ">>"):
                assert isinstance(right, Number)
                if right.value > _MAX_SHIFT:
                    raise ExpressionError(f"a shift by {right.value}")
                if op == "<<":
                    return f"lengths::mul({first}, {1 << right.value})"
            return f"{_operand(first, left)} {op} {_operand(second, right)}"
        case _:
            raise ExpressionError(f"'{expression_text(tree)}' is no formula")


def _operand(text: str, tree: Expr) -> str:
    """An operand; in parentheses where it has an operator of its own that is no function."""
    return f"({text})" if isinstance(tree, Binary) and tree.op not in (*_FUNCTIONS, "<<") else text


def _number(value: int) -> str:
    if not 0 <= value <= _MAX_NUMBER:
        raise ExpressionError(f"{value} is no length")
    return str(value)


def _member(item: Item, path: list[str], variables: Mapping[str, str]) -> str:
    """The value of an integer member; 0 where it is not there."""
    for f in item.fields:
        if f.bits is not None and f.name in variables:
            names = {f"{f.path}.{bit.name}".lstrip("."): bit for bit in f.bits.fields}
            bit = names.get(".".join(path))
            if bit is not None and not f.optional and f.bits.container.order != "native":
                mask = (1 << bit.width) - 1
                value = f"{_loaded(variables[f.name], f.bits)} >> {bit.offset} & {mask:#x}"
                return f"lengths::count({value})"
        if f.path == path[0] and f.name in variables:
            text = variables[f.name]
            if not f.optional:
                return f"lengths::count({_inside(f, path[1:], text)})"
            return f"lengths::count_if({_mapped(text, _inside(f, path[1:], 'value'))})"
    raise ExpressionError(f"'{'.'.join(path)}' is no member before")


def _mapped(text: str, value: str) -> str:
    """What an optional member holds, if it is there."""
    return text if value == "value" else f"{text}.map(|value| {value})"


def _loaded(text: str, bits: Bits) -> str:
    return text if bits.container.bits == 8 else f"{text}.get()"


def _inside(f: Field, path: list[str], text: str) -> str:
    shape = f.shape
    if not path and isinstance(shape, Plain) and shape.integer is not None and f.bits is None:
        if shape.integer.order != "native":
            return text if shape.integer.bits == 8 else f"{text}.get()"
    elif path and isinstance(shape, (Plain, Nested)) and shape.item is not None and shape.item.kind != "union":
        inner = next((g for g in shape.item.fields if g.path == path[0] and not g.optional), None)
        if inner is not None and not text.startswith("["):
            return _inside(inner, path[1:], f"{text}.{inner.name}")
    raise ExpressionError(f"'{f.path}' is no integer")


def presence(known: Known, condition: Condition | None, module: str, names: Mapping[str, str]) -> str:
    """A condition over the negotiated features. `names` are the paths of the constants for feature bits."""
    match condition:
        case Feature(name=name):
            return f"features.has({names.get(name, known.feature_bits[name])})"
        case Not(term=term):
            inner = presence(known, term, module, names)
            return f"!({inner})" if " " in inner else f"!{inner}"
        case AllOf(terms=terms) | AnyOf(terms=terms):
            word = " && " if isinstance(condition, AllOf) else " || "
            texts = [presence(known, term, module, names) for term in terms]
            return word.join(f"({t})" if " " in t and len(texts) > 1 else t for t in texts)
        case _:
            raise AssertionError("a condition that features do not decide")
