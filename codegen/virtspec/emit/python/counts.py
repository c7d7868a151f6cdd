"""How many elements an array has: a number, or members from which it follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from virtspec.emit.arithmetic import to_python
from virtspec.emit.formulas import parse_formula
from virtspec.emit.python.naming import Cls
from virtspec.expressions import ExpressionError, evaluate, names
from virtspec.model import Array, Count, Expression, FieldRef, Length, Member


class Counts:
    """Computes lengths. `constants` are the values of names, `size_of` is the size of the struct of a tag."""

    def __init__(self, constants: Mapping[str, int], size_of: Callable[[str], int | None]) -> None:
        self.constants = constants
        self.size_of = size_of

    def fixed(self, length: Length) -> int | None:
        """The number of elements; None where it depends on data."""
        match length:
            case Count(value=value):
                return value
            case Expression(text=text):
                try:
                    return evaluate(parse_formula(text), self._constant, size_of=self.size_of)
                except ExpressionError:
                    return None
            case _:
                return None

    def value(self, text: str) -> int | None:
        """The value of a constant's name or a number; None where it is neither."""
        try:
            return evaluate(parse_formula(text), self._constant, size_of=self.size_of)
        except ExpressionError:
            return None

    def _constant(self, name: str) -> int:
        if name not in self.constants:
            raise ExpressionError(f"'{name}' is no constant")
        return self.constants[name]

    def names(self, member: Member) -> set[str] | None:
        """The names of members that an array's length is made of; None where it needs more than members."""
        length = member.type.length if isinstance(member.type, Array) else None
        match length:
            case FieldRef(path=path):
                return {path}
            case Expression(text=text):
                try:
                    tree = parse_formula(text)
                    to_python(tree, str, self.size_of)
                except ExpressionError:
                    return None
                return {name for name in names(tree) if name not in self.constants}
            case _:
                return None

    def counted(self, cls: Cls, member: Member) -> bool:
        """Whether the bytes of an array follow from members before it."""
        roots: set[str] = set()
        for attribute, other in zip(cls.attributes, cls.sources, strict=True):
            if other is member:
                if attribute.opaque:
                    return False
                break
            roots |= {attribute.path, *(bit.path for bit in attribute.bits)}
        used = self.names(member)
        return used is not None and all(name.split(".")[0] in roots for name in used)
