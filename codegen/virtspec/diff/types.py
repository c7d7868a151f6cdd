"""What a change of a member's type means for its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from virtspec.diff.change import Verdict
from virtspec.diff.context import Context, Side
from virtspec.diff.respell import Inside
from virtspec.diff.shape import Shape
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    ConfigRef,
    Count,
    External,
    FieldRef,
    Integer,
    Length,
    Rest,
    Struct,
    StructRef,
    Type,
    innermost,
    length_text,
    type_text,
)


@dataclass(frozen=True, slots=True)
class TypeChange:
    """One difference between two types: the rule, what to say, and a verdict where it is not the rule's usual one."""

    rule: str
    message: str
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """Two types that are compared member by member."""

    old: Aggregate | Struct | Bits
    new: Aggregate | Struct | Bits


def declared(type_: Type) -> str:
    """A type with all its dimensions (`u8[6]`)."""
    if isinstance(type_, Array):
        shown = length_text(type_.length)
        text = type_text(type_)
        base, bracket, rest = text.partition("[")
        return f"{base}[{'' if shown == 'rest' else shown}]{bracket}{rest}"
    if isinstance(type_, Bits):
        return f"{type_.container.spelling} {{bits}}"
    return type_text(type_)


def compare_types(
    old: Type, new: Type, context: Context, inside: Inside, *, in_array: bool = False
) -> list[TypeChange | Nested]:
    """The differences between two types of one member. `inside` gives what is said of the old one in the names of the
    new model."""
    written = old, new
    if isinstance(old, (StructRef, Aggregate)) != isinstance(new, (StructRef, Aggregate)):
        old, new = _sole(old, context, new=False), _sole(new, context, new=True)
    if old == new:
        if written == (old, new):
            return []
        shown = f"has the type '{declared(written[1])}' and had '{declared(written[0])}'"
        return [TypeChange("VD206", f"{shown}, the same bytes")]
    return _unequal(old, new, context, inside, in_array=in_array)


def _unequal(old: Type, new: Type, context: Context, inside: Inside, *, in_array: bool) -> list[TypeChange | Nested]:
    """The differences between two types that are not written alike."""
    same_shape = context.old.shapes.of(old) == context.new.shapes.of(new)
    match old, new:
        case Integer(), Integer():
            return list(_integers(old, new))
        case Bits(), Bits():
            return [*_integers(old.container, new.container), Nested(old, new)]
        case (StructRef() | External(), StructRef() | External()) if context.spelling.struct(old.name) == new.name:
            return list(_tags(old, new))
        case Aggregate(kind=a), Aggregate(kind=b):
            return [Nested(old, new) if a == b else TypeChange("VD123", f"is a {b} and was a {a}")]
        case (Array(length=Rest()), Array(length=Rest())) if not same_shape and innermost(old) == innermost(new):
            shown = f"holds '{declared(new)}' and held '{declared(old)}'"
            return [TypeChange("VD114", f"{shown}: the same elements, in groups of another size", Verdict.UNDECIDED)]
        case Array(), Array() if _dimensions(old) == _dimensions(new) or not same_shape:
            nested = compare_types(old.element, new.element, context, inside, in_array=True)
            return [*compare_lengths(old.length, new.length, inside), *nested]
        case _:
            return _another(old, new, context, same_shape=same_shape, in_array=in_array)


def _tags(old: StructRef | External, new: StructRef | External) -> Iterator[TypeChange]:
    """The difference between two types of one name: it may be that of a structure that neither text defines."""
    if isinstance(old, External) and isinstance(new, External) and old.tag != new.tag:
        yield TypeChange("VD106", f"is '{type_text(new)}' and was '{type_text(old)}'", Verdict.UNDECIDED)


def _another(old: Type, new: Type, context: Context, *, same_shape: bool, in_array: bool) -> list[TypeChange | Nested]:
    """The differences between types of different kinds, or between different structures."""
    shown = f"has the type '{declared(new)}' and had '{declared(old)}'"
    one, other = _definition(old, context, new=False), _definition(new, context, new=True)
    inner = [Nested(one, other)] if one is not None and other is not None and one.kind == other.kind else []
    if same_shape:
        # what has the same bytes may have other names for them, in another order
        renamed = inner if one and other and _leaves(one, context.old) != _leaves(other, context.new) else []
        return [TypeChange("VD206", f"{shown}, the same bytes"), *renamed]
    if inner and not in_array and (isinstance(old, Aggregate) or isinstance(new, Aggregate)):
        return [*inner]
    if isinstance(old, Bits) and isinstance(new, Integer) and old.container == new:
        return [TypeChange("VD117", f"is one '{new.spelling}' and was divided into bit-fields")]
    if isinstance(new, Bits) and isinstance(old, Integer) and new.container == old:
        return [TypeChange("VD117", f"is divided into bit-fields and was one '{old.spelling}'")]
    a_size, b_size = context.old.layouts.sizes.type(old), context.new.layouts.sizes.type(new)
    if isinstance(old, Array) != isinstance(new, Array) and a_size != b_size:
        return [TypeChange("VD113", shown)]
    open_ = (
        context.old.shapes.is_bytes(old)
        or context.new.shapes.is_bytes(new)
        or isinstance(old, External)
        or isinstance(new, External)
    )
    undecided = open_ and (a_size == b_size or a_size is None or b_size is None)
    return [TypeChange("VD106", shown, Verdict.UNDECIDED if undecided else None)]


def _leaves(definition: Aggregate | Struct, side: Side) -> list[tuple[str, Shape, str]]:
    """Which names stand at which bytes; the order of the arms of a union means nothing."""
    found = side.shapes.leaves(definition.members)
    return sorted(found, key=repr) if definition.kind == "union" else found


def _sole(type_: Type, context: Context, *, new: bool) -> Type:
    """What a struct of one member holds: on the wire it is that member."""
    for _ in range(8):
        found = _definition(type_, context, new=new)
        if found is None or found.kind != "struct" or len(found.members) != 1:
            break
        type_ = found.members[0].type
    return type_


def _definition(type_: Type, context: Context, *, new: bool) -> Aggregate | Struct | None:
    if isinstance(type_, Aggregate):
        return type_
    if isinstance(type_, StructRef):
        return (context.new if new else context.old).shapes.struct(type_.name)
    return None


def _integers(old: Integer, new: Integer) -> list[TypeChange]:
    shown = f"is '{new.spelling}' and was '{old.spelling}'"
    if old.bits != new.bits:
        return [TypeChange("VD107", f"{shown}: {new.bits} bits instead of {old.bits}")]
    if old.order != new.order and old.bits > 8:
        if "native" in (old.order, new.order):
            stated = "is stated now" if old.order == "native" else "is not stated any more"
            return [TypeChange("VD109", f"{shown}: its byte order {stated}")]
        return [TypeChange("VD108", f"{shown}: {new.order}-endian instead of {old.order}-endian")]
    if old.spelling != new.spelling:
        return [TypeChange("VD206", f"{shown}, the same bytes")]
    return []


def _dimensions(type_: Type) -> int:
    depth = 0
    while isinstance(type_, Array):
        depth, type_ = depth + 1, type_.element
    return depth


def compare_lengths(old: Length, new: Length, inside: Inside) -> list[TypeChange]:
    """The differences between two lengths of one array."""
    before = inside.length(old)
    if new in (old, before):
        return []
    shown = f"has {_elements(new)} and had {_elements(old)}"
    match before, new:
        case Count(value=a, text=s), Count(value=b, text=t):
            if a != b:
                return [TypeChange("VD113", shown)]
            return [TypeChange("VD222", f"has the dimension '{t or b}' and had '{s or a}', the same number")]
        case (Count(), _) | (_, Count()):
            return [TypeChange("VD114", shown)]
        case (FieldRef(), FieldRef()) | (FieldRef(), ConfigRef()) | (ConfigRef(), FieldRef()):
            return [TypeChange("VD114", shown)]
        case _ if length_text(new) in (length_text(old), length_text(before)):
            return []  # a name that the one text resolves and the other does not
        case _:
            return [TypeChange("VD114", shown, Verdict.UNDECIDED)]


def _elements(length: Length) -> str:
    match length:
        case Count(value=value):
            return "one element" if value == 1 else f"{value} elements"
        case _:
            text = length_text(length)
            return {"rest": "as many elements as there is room for", "elided": "a part that is left out"}.get(
                text, f"'{text}' elements"
            )
