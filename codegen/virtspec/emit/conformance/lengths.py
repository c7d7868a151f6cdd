"""Lengths of arrays in examples: what they are, and which values of other members make them so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import product

from virtspec.emit.conformance.values import Definitions, NoExample
from virtspec.emit.formulas import count_of, parse_formula
from virtspec.expressions import ExpressionError, evaluate, names
from virtspec.model import Aggregate, Array, Expression, External, Member, Rest


def fixed_count(length: Expression, definitions: Definitions) -> int | None:
    """The value of an expression of constants and sizes; None for any other."""
    try:
        return evaluate(parse_formula(length.text), definitions.constant, size_of=definitions.size_of)
    except ExpressionError:
        return None


def stated_count(length: Expression, value: Callable[[str], int], definitions: Definitions) -> int:
    """The value of an expression of members that have values. Raises `NoExample` where it has none."""

    def resolve(name: str) -> int:
        return definitions.constant(name) if name in definitions.constants else value(name)

    try:
        return count_of(parse_formula(length.text), resolve, definitions.size_of)
    except ExpressionError as error:
        raise NoExample(f"the members in '{length.text}' give no length: {error}") from None


def further_count(count: int, further: int) -> int:
    """A number of elements, one more for each further array; none and one stay what they are."""
    return count + further if count > 1 else count


def solution(length: Expression, roots: Collection[str], count: int, definitions: Definitions) -> dict[str, int]:
    """Small values for the members in an expression that give `count`; empty where it needs more than members.

    `roots` are the names of the members. Raises `NoExample` where no small values do.
    """
    try:
        tree = parse_formula(length.text)
    except ExpressionError:
        return {}
    used = list(dict.fromkeys(n for n in names(tree) if n not in definitions.constants))
    if not used or len(used) > 2 or any(n.partition(".")[0] not in roots for n in used):
        return {}
    limit = 4096 if len(used) == 1 else 64
    for values in product(range(limit), repeat=len(used)):
        chosen = dict(zip(used, values, strict=True))
        try:
            if count_of(tree, _resolver(chosen, definitions), definitions.size_of) == count:
                return chosen
        except ExpressionError:
            continue
    raise NoExample(f"no small values give '{length.text}' the value {count}")


def _resolver(chosen: Mapping[str, int], definitions: Definitions) -> Callable[[str], int]:
    def resolve(name: str) -> int:
        return chosen[name] if name in chosen else definitions.constant(name)

    return resolve


def open_arrays(members: tuple[Member, ...]) -> int:
    """How many members take what room there is."""
    total = 0
    for member in members:
        type_ = member.type
        element, length = (type_.element, type_.length) if isinstance(type_, Array) else (type_, None)
        if isinstance(element, External) or isinstance(length, Rest):
            total += 1
        elif isinstance(type_, Aggregate) and type_.kind == "struct":
            total += open_arrays(type_.members)
    return total
