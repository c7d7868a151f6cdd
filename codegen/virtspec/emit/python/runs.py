"""Runs: consecutive members of fixed size, unpacked and packed at once, nested structs included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.naming import TAKEN_LOCALS, Cls
from virtspec.emit.python.views import Attribute, Conversion, Fresh, Pack

MOST_ARGUMENTS = 30
"""Of a call with more arguments, CPython makes a list and a tuple first, which takes as long as a second call."""


class RunBuilder:
    """Collects the parts of one unpack."""

    def __init__(self, catalogue: Catalogue, absent: bool) -> None:
        self.catalogue = catalogue
        self.absent = absent
        self.nested: list[tuple[str, str]] = []
        self.codes: list[str] = []
        self.orders: set[str] = set()
        self.targets: list[str] = []
        self.sources: list[str] = []
        self.fresh: list[Fresh] = []
        self.conversions: list[Conversion] = []
        self.lengths: list[tuple[str, int]] = []
        self._variables: set[str] = set(TAKEN_LOCALS)

    def add(self, top: Cls, cls: Cls, attribute: Attribute, owner: str, origin: str, trail: str) -> None:
        """Add one attribute of `cls`. Decoding has the object in the variable `owner`, encoding finds it in `origin`;
        `trail` is its path from `self`."""
        target = f"{owner}.{attribute.name}"
        source = f"{origin}.{attribute.name}"
        raw = f"{attribute.size}s"
        match attribute.kind:
            case "int" | "bits":
                if attribute.format[1:] != "B":
                    self.orders.add(attribute.format[0])
                self._put(attribute.format[1:], target, source)
            case "bytes":
                self.lengths.append((source, attribute.size or 0))
                self._put(raw, target, source)
            case "ints":
                self.lengths.append((source, attribute.count))  # which an iterator has not
                self.orders.add(attribute.format[0])
                order = "order + " if attribute.format[0] == "=" else ""
                text = attribute.format[0].replace("=", "") + f"{attribute.count}{attribute.format[1:]}"
                variable = self._put_raw(attribute, trail, f'pack({order}"{text}", *{source})')
                self.conversions.append(
                    Conversion(target=target, variable=variable, kind="ints", format=f'{order}"{text}"')
                )
            case "pieces":
                self.lengths.append((source, attribute.count))
                variable = self._put_raw(attribute, trail, f"join_chunks({source}, {attribute.unit})")
                self.conversions.append(
                    Conversion(target=target, variable=variable, kind="pieces", unit=attribute.unit)
                )
            case "rows":
                self.lengths.append((source, attribute.count))
                rows = f"{self.catalogue.reference(top, cls)}.{attribute.rows}"
                native = self.catalogue.native(cls, attribute)
                order = ", byteorder=byteorder" if native else ""
                variable = self._put_raw(attribute, trail, f"{rows}.encode({source}{order})")
                conversion = Conversion(target=target, variable=variable, kind="rows", rows=rows, native=native)
                self.conversions.append(conversion)
            case "structs":
                self.lengths.append((source, attribute.count))
                name = self._class(top, cls, attribute)
                native = self.catalogue.target(cls, attribute.cls).native
                order = ", byteorder=byteorder" if native else ""
                variable = self._put_raw(attribute, trail, f"join_structs({source}, {name}{order})")
                conversion = Conversion(target=target, variable=variable, kind="structs", cls=name, native=native)
                self.conversions.append(conversion)
            case "union":
                variable = self._variable(trail + attribute.name)
                self.fresh.append(Fresh(variable=variable, owner=target, cls=self._class(top, cls, attribute)))
                self._put(raw, f"{variable}._raw", f"{source}._raw")
            case "struct":
                inner = self.catalogue.target(cls, attribute.cls)
                variable = self._variable(trail + attribute.name)
                self.fresh.append(Fresh(variable=variable, owner=target, cls=self._class(top, cls, attribute)))
                if len(inner.attributes) > 1 and not self.absent:
                    self.nested.append((variable, source))
                    source = variable
                for nested in inner.attributes:
                    self.add(top, inner, nested, variable, source, f"{trail}{attribute.name}.")
            case _:
                raise AssertionError(f"{attribute.kind} is of variable size")

    def _put_raw(self, attribute: Attribute, trail: str, source: str) -> str:
        variable = self._variable(trail + attribute.name)
        self._put(f"{attribute.size}s", variable, source)
        return variable

    def _put(self, text: str, target: str, source: str) -> None:
        self.codes.append(text)
        self.targets.append(target)
        self.sources.append(source)

    def _class(self, top: Cls, cls: Cls, attribute: Attribute) -> str:
        return self.catalogue.reference(top, self.catalogue.target(cls, attribute.cls))

    def _variable(self, trail: str) -> str:
        name = trail.replace(".", "_").lstrip("_") or "nested"
        while name in self._variables:
            name += "_"
        self._variables.add(name)
        return name

    def format(self, first: int = 0, last: int | None = None) -> str:
        """The format string of some of the values, with equal neighbours counted (`<2H3I`); without a byte order where
        that is the guest's own."""
        parts: list[str] = [] if "=" in self.orders else [next(iter(self.orders), "<")]
        for text, group in groupby(self.codes[first:last]):
            count = len(list(group))
            parts.append(f"{count}{text}" if count > 1 and text.isalpha() else text * count)
        return "".join(parts)

    def packs(self, codec: str) -> Iterator[Pack]:
        """The calls that encode the values: one, or several of about the same length."""
        total = len(self.sources)
        pieces = -(-total // MOST_ARGUMENTS)
        edges = [total * i // pieces for i in range(pieces + 1)] if pieces else []
        for number, (first, last) in enumerate(pairwise(edges), 1):
            yield Pack(
                codec=codec if pieces == 1 else f"{codec}_pack{number}",
                format=self.format(first, last),
                sources=tuple(self.sources[first:last]),
            )


def is_run(attribute: Attribute) -> bool:
    """Whether an attribute is of fixed size, so that it can stand in a run."""
    return not attribute.kind.startswith("var_")


def merge_neutral(
    groups: Iterable[tuple[tuple[bool, str, bool, str | int], Iterable[int]]],
) -> Iterator[tuple[tuple[bool, str, bool, str | int], list[int]]]:
    """Join neighbouring runs that differ in byte order only because one has nothing that needs an order."""
    pending: tuple[tuple[bool, str, bool, str | int], list[int]] | None = None
    for key, members in groups:
        indices = list(members)
        if pending is not None:
            before = pending[0]
            if key[0] and before[:3] == key[:3] and (not before[3] or not key[3]):
                pending = ((*key[:3], before[3] or key[3]), pending[1] + indices)
                continue
            yield pending
        pending = (key, indices)
    if pending is not None:
        yield pending
