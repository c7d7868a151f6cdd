"""Conformance cases of single structs, chosen for what goes wrong in practice.

A case is bytes with what has to come out of them. Where many cases differ in one number only, they are one entry:
`prefixes` stands for a case per length, `each` for a case per value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from virtspec.emit.conformance.examples import Examples
from virtspec.emit.conformance.values import RESERVED, Choice, Example, NoExample, Value
from virtspec.model import Struct

Result: TypeAlias = Literal["valid", "acceptable", "invalid", "malformed"]
Operation: TypeAlias = Literal["both", "decode", "encode"]

NOTES = {
    "byte-order": "Every byte differs from its neighbours: a swapped member, a wrong width or byte order shows.",
    "zero": "All values are zero.",
    "maximum": "Every value is the greatest that its member holds.",
    "sign": "Of every integer only the highest bit is set: one that is taken for signed shows.",
    "reserved": "A reserved member is not zero. A receiver may refuse that; one that does not has to keep it.",
    "union-arm": "The values are those of one arm of a union; its bytes behind that arm are zero.",
    "behind-arm": "The bytes of a union behind the arm are not zero.",
    "other-features": "All features were negotiated but those on which the form depends.",
    "length-follows": "One of the lengths that the struct does not carry is not given; it follows from the others.",
    "argument-too-large": "A length that the struct does not carry is given as more than there is room for.",
    "no-elements": "All arrays of variable length are empty.",
    "one-element": "All arrays of variable length have one element.",
    "truncated": "The bytes end before the struct does.",
    "partial-element": "The bytes end inside the last element of an array.",
    "trailing": "Bytes follow that are no part of the struct.",
    "count-too-large": "A member states more elements than there are.",
    "count-too-small": "A member states fewer elements than there are.",
    "count-overflow": "A member states the largest number that it holds.",
    "feature-form": "Which members there are depends on the features that were negotiated.",
    "wrong-form": "The bytes have the form of other features than those that were negotiated.",
    "short-configuration": "A configuration space that ends early: what lies behind its end is absent.",
    "cut-member": "A configuration space that ends inside a member.",
    "big-endian-guest": "Integers in the byte order of a big-endian guest.",
    "out-of-range": "A value that its member cannot hold.",
    "unknown-type": "A record of a type that no table knows; it is kept byte for byte.",
    "duplicate": "Two records say what only one may say.",
    "order": "The records stand in another order than usual.",
    "wrong-length": "A record's length is not that of the structure that its type stands for.",
    "length-overflow": "A record's length is larger than any buffer.",
    "device-type": "What a record holds depends on the type of the device.",
}
"""What the flags of cases mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case, or with `prefixes` or `each` one per number or value."""

    name: str
    result: Result
    operation: Operation = "both"
    data: bytes | None = None
    arguments: Mapping[str, int | str] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    prefixes: tuple[int, ...] = ()
    each: Mapping[str, Value] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many cases this entry stands for."""
        return max(1, len(self.prefixes) + len(self.each))


def cases_of(struct: Struct, examples: Examples, *, config: bool) -> list[Case]:
    """The cases of a struct; `config` says that it is a device's configuration. Raises `NoExample`."""
    maker = _Cases(struct, examples)
    found = list(maker.all(config=config))
    seen: set[object] = set()
    kept: list[Case] = []
    for case in found:
        key = (
            case.operation == "encode",
            case.data,
            tuple(sorted(case.arguments.items())),
            case.prefixes,
            tuple(case.each.items()),
            tuple(case.values.items()),
        )
        if key not in seen:
            seen.add(key)
            kept.append(case)
    return kept


class _Cases:
    def __init__(self, struct: Struct, examples: Examples) -> None:
        self.struct = struct
        self.examples = examples
        self.features = examples.features_of(struct)
        self.base = Choice(features=frozenset(self.features))
        self.example = self.make(self.base)

    def make(self, choice: Choice) -> Example:
        """An example of the struct."""
        return self.examples.make(self.struct, choice)

    def all(self, *, config: bool) -> Iterator[Case]:
        """All cases, the plain ones first."""
        yield from self._plain()
        yield from self._forms()
        yield from self._arms()
        yield from self._lengths()
        yield from self._sizes()
        yield from self._truncated()
        yield from self._trailing()
        yield from self._counts()
        if config and not self.example.arguments:
            yield from self._short_configurations()
        yield from self._out_of_range()

    @staticmethod
    def valid(name: str, example: Example, *flags: str, result: Result = "valid") -> Case:
        """A case whose bytes can be read."""
        return Case(
            name=name,
            result=result,
            data=example.data,
            arguments=example.arguments,
            values=example.values,
            flags=flags,
        )

    @staticmethod
    def malformed(name: str, data: bytes, example: Example, *flags: str) -> Case:
        """A case whose bytes cannot be read."""
        return Case(
            name=name, result="malformed", operation="decode", data=data, arguments=example.arguments, flags=flags
        )

    def _plain(self) -> Iterator[Case]:
        yield self.valid("pattern", self.example, "byte-order")
        yield self.valid("zeros", self.make(replace(self.base, fill="zeros", counted=1, open=1)), "zero")
        yield self.valid("maximum", self.make(replace(self.base, fill="ones")), "maximum")
        yield self.valid("high-bits", self.make(replace(self.base, fill="high")), "sign")
        yield from self._reserved("reserved", self.base)
        if "byteorder" in self.example.arguments:
            yield self.valid("big-endian", self.make(replace(self.base, order="big")), "big-endian-guest")

    def _forms(self) -> Iterator[Case]:
        """Each form that negotiated features give a struct, and one form taken for another."""
        if not self.features:
            return
        none = self.make(replace(self.base, features=frozenset()))
        yield self.valid("without-features", none, "feature-form")
        others = self.make(replace(self.base, features=frozenset(), others=True))
        yield self.valid("other-features", others, "other-features")
        for name in self.features:
            yield self.valid(f"only-{name}", self.make(replace(self.base, features=frozenset((name,)))), "feature-form")
        if self.example.unit == 0 and not self.example.loose and len(none.data) != len(self.example.data):
            yield self.malformed("form-too-long", self.example.data, none, "wrong-form")
            yield self.malformed("form-too-short", none.data, self.example, "wrong-form")

    def _arms(self) -> Iterator[Case]:
        for path, arms in self.example.unions.items():
            for arm in range(1, arms):
                name = f"arm-{path.strip('.') or 'union'}-{arm}"
                choice = replace(self.base, arms={path: arm})
                yield self.valid(name, self.make(choice), "union-arm")
                yield from self._reserved(f"{name}-reserved", choice)
        if self.example.slack:
            for path, arms in self.example.unions.items():
                for arm in range(arms):
                    example = self.make(replace(self.base, arms={path: arm}, behind=True))
                    name = f"behind-{path.strip('.') or 'union'}-{arm}"
                    yield replace(self.valid(name, example, "behind-arm"), operation="decode")

    def _reserved(self, name: str, choice: Choice) -> Iterator[Case]:
        example = self.make(choice)
        if any(RESERVED.fullmatch(leaf.path.rpartition(".")[2].partition("[")[0]) for leaf in example.leaves):
            choice = replace(choice, fill="zeros", counted=1, open=1, reserved=True)
            yield self.valid(name, self.make(choice), "reserved", result="acceptable")

    def _lengths(self) -> Iterator[Case]:
        """Lengths that the struct does not carry: one that follows from the others; one that is too large."""
        keys = [k for k in self.example.arguments if k not in ("features", "byteorder")]
        forms = {
            "": self.base,
            "-empty": replace(self.base, counted=0, open=0),
            "-without-features": replace(self.base, features=frozenset()),
        }
        for key, unit in self.example.follows.items():
            for name, choice in forms.items():
                example = self.make(choice)
                rest = {k: v for k, v in example.arguments.items() if k != key}
                case = self.valid(f"{key}-follows{name}", example, "length-follows")
                yield replace(case, arguments=rest, operation="decode")
                if unit > 1:
                    data = example.data + b"\x00"
                    partial = self.malformed(f"{key}-follows{name}-partial", data, example, "partial-element")
                    yield replace(partial, arguments=rest)
        for key in keys:
            length = self.example.arguments[key]
            assert isinstance(length, int)
            case = self.malformed(f"{key}-too-large", self.example.data, self.example, "argument-too-large")
            yield replace(case, arguments={**self.example.arguments, key: length + 1})

    def _sizes(self) -> Iterator[Case]:
        """Arrays of variable length with no element and with one; two is what the other cases have."""
        for count, flag in ((0, "no-elements"), (1, "one-element")):
            try:
                example = self.make(replace(self.base, counted=count, open=count))
            except NoExample:  # an expression that is never that small
                continue
            if example.data != self.example.data:
                yield self.valid(flag, example, flag)

    def _truncated(self) -> Iterator[Case]:
        """An end before and inside every member. Open arrays are empty, so that nothing can make up for the loss."""
        if self.example.loose:
            return
        example = self.make(replace(self.base, open=0))
        cuts = {leaf.offset for leaf in example.leaves} | {leaf.offset + leaf.size - 1 for leaf in example.leaves}
        prefixes = tuple(sorted(cut for cut in cuts if 0 <= cut < len(example.data)))
        if prefixes:
            yield replace(self.malformed("truncated", example.data, example, "truncated"), prefixes=prefixes)
        if self.example.unit > 1:
            yield self.malformed("partial-element", self.example.data[:-1], self.example, "partial-element")

    def _trailing(self) -> Iterator[Case]:
        if self.example.unit == 0 and not self.example.loose:
            yield self.malformed("trailing", self.example.data + b"\x00", self.example, "trailing")

    def _counts(self) -> Iterator[Case]:
        """Members that state another number of elements than there are."""
        closed = self.example.unit == 0 and not self.example.loose
        for leaf in self.example.leaves:
            direct = self.example.counts.get(leaf.path)
            if direct is None or not leaf.order or not isinstance(leaf.value, int):
                continue
            changes = {"count-overflow": (1 << leaf.bits) - 1}
            if direct and closed:
                changes |= {"count-too-large": leaf.value + 1, "count-too-small": leaf.value - 1}
            for flag, value in changes.items():
                data = bytearray(self.example.data)
                data[leaf.offset : leaf.offset + leaf.size] = value.to_bytes(leaf.size, leaf.order)
                yield self.malformed(f"{flag}-{leaf.path}", bytes(data), self.example, flag)
            wrong = leaf.value + 1 if direct else 2 * leaf.value + 8
            if wrong < 1 << leaf.bits:
                yield Case(
                    name=f"encode-count-{leaf.path}",
                    result="invalid",
                    operation="encode",
                    arguments=_for_encoding(self.example),
                    values={**self.example.values, leaf.path: wrong},
                    flags=("count-too-large",),
                )

    def _short_configurations(self) -> Iterator[Case]:
        example = self.example
        for end in example.ends[:-1]:
            yield self._short(f"ends-at-{end}", end, "valid", "short-configuration")
        last = next((leaf for leaf in reversed(example.leaves) if leaf.size > 1), None)
        if last is not None:
            yield self._short("ends-inside", last.offset + 1, "acceptable", "cut-member")

    def _short(self, name: str, end: int, result: Result, flag: str) -> Case:
        inside = {leaf.path: leaf.value for leaf in self.example.leaves if leaf.offset + leaf.size <= end}
        absent = [leaf.path for leaf in self.example.leaves if leaf.offset + leaf.size > end]
        return Case(
            name=name,
            result=result,
            operation="decode",
            data=self.example.data[:end],
            arguments={"allow_short": 1},
            values=inside,
            absent=tuple(absent),
            flags=(flag,),
        )

    def _out_of_range(self) -> Iterator[Case]:
        """For every member the first value that it cannot hold, all others zero."""
        each: dict[str, Value] = {}
        for leaf in self.example.leaves:
            if "[" in leaf.path.replace("[0]", "") or leaf.path in self.example.counts:
                continue
            if leaf.bits:
                each[leaf.path] = 1 << leaf.bits
            elif leaf.fixed and leaf.size and isinstance(leaf.value, bytes):
                each[leaf.path] = bytes(leaf.size + 1)
        if each:
            yield Case(
                name="out-of-range",
                result="invalid",
                operation="encode",
                arguments=_for_encoding(self.example),
                each=each,
                flags=("out-of-range",),
            )


def _for_encoding(example: Example) -> dict[str, int | str]:
    """The arguments that encoding takes: lengths follow from the values."""
    return {key: value for key, value in example.arguments.items() if key in ("features", "byteorder")}
