"""What constructors fill in by themselves, and what encoding verifies: lengths, and the arrays they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from virtspec.emit.formulas import count_of, parse_formula
from virtspec.emit.python.counts import Counts
from virtspec.emit.python.extents import Extent, length_text
from virtspec.emit.python.naming import Cls
from virtspec.emit.python.views import Attribute, Check
from virtspec.expressions import ExpressionError
from virtspec.model import Array, FieldRef
from virtspec.names import python_field

MOST_DEFAULTS = 64
"""Up to how many elements a new object has in an array that must not be empty."""


def constructed(counts: Counts, cls: Cls, extents: list[Extent]) -> list[Attribute]:
    """The attributes with what the constructor needs to know: lengths that follow from arrays, and the reverse."""
    counted = _counted(cls)
    return [_constructed(counts, cls, i, extents, counted.get(a.path, ())) for i, a in enumerate(cls.attributes)]


def _counted(cls: Cls) -> dict[str, list[tuple[Attribute, str]]]:
    """The arrays of variable size by the attribute that their length is in, with the rest of the path to it."""
    found: dict[str, list[tuple[Attribute, str]]] = {}
    for attribute, member in zip(cls.attributes, cls.sources, strict=True):
        length = member.type.length if member is not None and isinstance(member.type, Array) else None
        if isinstance(length, FieldRef) and not attribute.opaque and attribute.size is None:
            root, _, rest = length.path.partition(".")
            found.setdefault(root, []).append((attribute, rest))
    return found


def _constructed(
    counts: Counts, cls: Cls, index: int, extents: list[Extent], counted: Iterable[tuple[Attribute, str]]
) -> Attribute:
    attribute = cls.attributes[index]
    for other, rest in counted:
        if other.optional != attribute.optional:
            continue
        # a parameter named `len` hides the function
        hidden = any(a.name == "len" for a in cls.attributes)
        text = f"self.{other.name}.__len__()" if hidden else f"len(self.{other.name})"
        if not rest and attribute.kind == "int":
            if other.optional:
                text = f"None if self.{other.name} is None else {text}"
            return replace(attribute, derived=text)
        if attribute.kind == "struct" and rest and "." not in rest and not other.optional:
            return replace(attribute, derived=f"{python_field(rest)}={text}")
    if extents[index].count and attribute.kind.startswith("var_"):
        least = _least_count(counts, cls, index)
        return replace(attribute, filled=str(least)) if least > 0 else attribute
    return attribute


def _least_count(counts: Counts, cls: Cls, index: int) -> int:
    """How many elements an array has where all other members are zero (`mask + 1`)."""
    member = cls.sources[index]
    if member is None or not isinstance(member.type, Array):
        return 0
    if cls.attributes[index].count:
        return cls.attributes[index].count
    try:
        tree = parse_formula(length_text(member.type.length))
        count = count_of(tree, lambda name: counts.constants.get(name, 0), counts.size_of)
    except ExpressionError:
        return 0
    return count if count <= MOST_DEFAULTS else 0


def checks(cls: Cls, extents: list[Extent]) -> Iterator[Check]:
    """The arrays whose length other members give."""
    for attribute, member, extent in zip(cls.attributes, cls.sources, extents, strict=True):
        if extent.count and member is not None and isinstance(member.type, Array):
            text = length_text(member.type.length) or "their number"
            yield Check(name=attribute.name, count=extent.count, text=text, optional=attribute.optional)
