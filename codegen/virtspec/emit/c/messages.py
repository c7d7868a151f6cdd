"""Messages of variable size → the steps by which a reader finds their parts.

A message is a record with something of variable size in it, or one half of a record that the device reads and writes in
two buffers. Each field from the first of variable size on is a part; one step finds it. A part without a length of its
own takes what the parts behind it leave; of several such parts in one message, the reader has to bring the sizes of all
but the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from virtspec.emit.c.lengths import Lengths, innermost
from virtspec.emit.c.message_views import FieldCode, Message, Short, Step, StepGroup, ValueTable
from virtspec.emit.c.names import Names, Scope
from virtspec.emit.c.rules import Rules
from virtspec.emit.c.structs import shown
from virtspec.emit.c.types import DIRECTIONS, Catalogue, Field, Missing, Record, Vector
from virtspec.emit.c.values import Values
from virtspec.emit.c.writers import Part, Writing
from virtspec.model import Aggregate, Bits, Integer


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a part takes: `count` elements of `element` bytes; all there is where `count` is None.

    `record` is the struct of elements that delimit themselves, or the one struct of variable size that the part is.
    """

    count: str | None
    element: str
    record: Record | None = None
    single: bool = False


class Messages:
    """The messages of a model, each made once."""

    def __init__(
        self, catalogue: Catalogue, values: Values, rules: Rules, names: Names, constants: dict[str, int]
    ) -> None:
        self.values = values
        self.rules = rules
        self._catalogue = catalogue
        self._names = names
        self._constants = constants
        self._done: dict[str, Message | None] = {}
        self.listed = {r.key for record in catalogue.records for f in record.fields for r in _elements(f.type)}
        """The records that stand in arrays."""

    def halves(self, record: Record) -> list[Record]:
        """The device-readable and the device-writable half of a request; none for other records."""
        if record.keyword == "union":
            return []
        directions = [f.member.direction for f in record.fields]
        # of a part that either may access, a program has to say in which buffer it is
        if None in directions or not all(d in directions for d in DIRECTIONS):
            return []
        return [
            self._half(
                record, direction, tuple(f for f, d in zip(record.fields, directions, strict=True) if d == direction)
            )
            for direction in DIRECTIONS
        ]

    def _half(self, record: Record, direction: str, fields: tuple[Field, ...]) -> Record:
        placed: list[Field] = []
        offset: int | None = 0
        for f in fields:
            placed.append(replace(f, offset=offset))
            offset = None if offset is None or f.size is None else offset + f.size
        half = Record(
            key=f"{record.key}/{direction}",
            name="",
            tag=self._names.scope.claim(f"{record.tag}_{direction}"),
            keyword="struct",
            module=record.module,
            place=record.place,
            fields=tuple(placed),
            size=offset,
        )
        half.lead = offset if offset is not None else _lead(half)
        return half

    def of(self, record: Record) -> Message | None:
        """The message that a record is; None where its size is fixed or where it is one of several."""
        if record.keyword == "union" or not record.varies:
            return None
        if record.key not in self._done:
            self._done[record.key] = _Reading(self, self._catalogue, self._names, self._constants, record).message()
        return self._done[record.key]


def _elements(type_: object) -> Iterator[Record]:
    """The record that an array is made of."""
    if isinstance(type_, Vector):
        element, _ = innermost(type_)
        if isinstance(element, Record):
            yield element


def _lead(record: Record) -> int:
    leading = record.leading()
    return sum(f.size if f.size is not None else f.type.lead if isinstance(f.type, Record) else 0 for f in leading)


class _Reading:
    """The steps of one message."""

    def __init__(
        self, messages: Messages, catalogue: Catalogue, names: Names, constants: dict[str, int], record: Record
    ) -> None:
        self.messages = messages
        self.names = names
        self.record = record
        self.lengths = Lengths(catalogue, names, record.module, record.fields, constants)
        self.parts = record.following()
        self.leading = record.fields[: len(record.fields) - len(self.parts)]
        scope = Scope()
        scope.claim("end")
        self.part_names = {id(f): scope.claim(f.name or "unnamed") for f in self.parts}
        stem = record.tag.removeprefix(names.lower).upper()
        self.codes = {
            id(f): names.macro(f"{stem}_FIELD_{(f.name or 'unnamed').strip('_').upper()}") for f in record.fields
        }

    def message(self) -> Message:
        record, lengths = self.record, self.lengths
        for f in self.leading:
            lengths.places[id(f)] = str(f.offset)
        steps: list[tuple[str, Step]] = []
        parts: list[Part] = []
        for i, f in enumerate(self.parts):
            condition = self._presence(f)
            step = self._step(f, self.parts[i + 1 :])
            steps.append((condition, step))
            parts.append(Part(field=f, step=step, condition=condition))
            # what a parse only delimits may be shorter than what it stands for
            if f.size is not None or step.shape == "nested":
                lengths.places[id(f)] = f"parts->{step.name}.offset"
        end, shorts = 0, []
        for f in self.leading:
            end += f.size or 0
            if f.size:
                shorts.append(Short(code=self.codes[id(f)], end=end))
        arguments = tuple(lengths.arguments.values())
        delimited = all(step.shape != "rest" for _, step in steps) and record.varies
        table = self._values()
        by_path = {f.path: self.codes[id(f)] for f in record.fields}
        return Message(
            stem=record.tag,
            record=record.type if record.lead else "",
            source=str(record.place),
            lead=end,
            arguments=arguments,
            features=lengths.features,
            codes=tuple(
                FieldCode(name=self.codes[id(f)], number=number, path=f.path)
                for number, f in enumerate(record.fields, 1)
            ),
            shorts=tuple(shorts),
            groups=tuple(
                StepGroup(condition=condition, steps=tuple(step for _, step in run))
                for condition, run in groupby(steps, key=lambda s: s[0])
            ),
            delimited=delimited,
            iterable=delimited and self._is_listed(),
            writer=Writing(record, (end, self._last()), parts, lengths).writer(),
            values=table,
            rules=self.messages.rules.of_record(record, table, by_path),
            list_rules=self.messages.rules.of_list(
                record, by_path, {f.path: self.part_names[id(f)] for f in self.parts}
            ),
        )

    def _is_listed(self) -> bool:
        """Whether such messages stand one behind the other: in an array, or wherever bytes alone tell them apart."""
        alone = not self.lengths.arguments and not self.lengths.features and bool(self.record.lead)
        return alone or self.record.key in self.messages.listed

    def _last(self) -> str:
        """The code of the last field of the leading part; 0 where there is none."""
        return self.codes[id(self.leading[-1])] if self.leading else "0"

    def _values(self) -> ValueTable | None:
        """What the values of a record are, as far as a reader of the record can tell."""
        table = self.messages.values.table(self.record)
        if table is None or self.lengths.arguments or self.lengths.features:
            return None
        told = []
        bound = {value.tag: value for value in self.messages.values.bound(self.record)}
        for case in table.cases:
            message = self.messages.of(bound[case.call]) if case.call else None
            if message is None or not (message.arguments or message.features):
                told.append(case)
        return replace(table, cases=tuple(told))

    def _presence(self, f: Field) -> str:
        """When a part is there, as a C expression; nothing for one that always is."""
        if not f.member.optional or f.member.condition is None:
            return ""
        return self.lengths.holds(f.member.condition, f.path)

    def _step(self, f: Field, behind: tuple[Field, ...]) -> Step:
        need = self._need(f)
        inner = None if need.record is None else self.messages.of(need.record)
        name = self.part_names[id(f)]
        step = Step(
            name=name,
            key=name if f.member.name else _kind(f),
            code=self.codes[id(f)],
            shape="counted",
            note=shown(f),
            element=need.element,
            single=need.single,
        )
        if inner is not None and (need.single or inner.iterable):
            step = replace(
                step,
                call=inner.stem,
                arguments=self._passed(f, inner),
                typed=inner.values is not None and not need.single,
            )
            if inner.delimited and (need.single or need.count is not None):
                return replace(step, shape="nested" if need.single else "records", count=need.count or "")
        if need.record is None and need.count is not None:
            return replace(step, count=need.count)
        tail = self._tail(behind)
        if tail is not None:
            return replace(step, shape="rest", tail=tail)
        return replace(step, count=self.lengths.elements(name, need.element))

    def _passed(self, f: Field, inner: Message) -> str:
        """The arguments of a struct inside this one: arguments of this one too. One name means one number in both."""
        given = [self.lengths.argument(a.name, f"{a.note}, in {f.path}") for a in inner.arguments]
        if inner.features:
            self.lengths.features = True
            given.append("features")
        return "".join(f", {name}" for name in given)

    def _tail(self, behind: tuple[Field, ...]) -> str | None:
        """The bytes that the parts behind take, as far as that can be told before they are found."""
        terms = []
        for f in behind:
            need = self._need(f)
            if need.count is None or need.record is not None:
                return None
            if need.count.isdigit() and need.element.isdigit():
                term = str(int(need.count) * int(need.element))
            else:
                term = self.lengths.scaled(need.count, need.element)
            condition = self._presence(f)
            terms.append(f"({condition} ? {term} : 0)" if condition else term)
        return self.lengths.added(terms)

    def _need(self, f: Field) -> Need:
        if f.size is not None and not (isinstance(f.type, Record) and f.type.varies):
            return Need(count=str(f.size), element="1")
        match f.type:
            case Missing(name=name):
                return Need(count=self.lengths.size_of(name, f.path), element="1")
            case Record():
                return Need(count=None, element="1", record=f.type if f.type.keyword == "struct" else None, single=True)
            case Vector():
                return self._vector(f, f.type)
            case _:
                return Need(count=None, element="1")

    def _vector(self, f: Field, vector: Vector) -> Need:
        element, lengths = innermost(vector)
        size = "1"
        record = None
        match element:
            case Integer():
                size = str(element.size)
            case Bits():
                size = str(element.container.size)
            case Record() if element.size is not None and not element.varies:
                size = str(element.size)
            case Record() if element.keyword == "struct":
                record = element
            case Missing(name=name):
                size = self.lengths.size_of(name)
            case _:
                pass
        counts = [self.lengths.count(length, self.part_names.get(id(f), f.name), size) for length in lengths]
        known = [c for c in counts if c is not None]
        if len(known) == len(counts):
            count = known[0]
            for other in known[1:]:
                count = self.lengths.scaled(count, other)
            return Need(count=count, element=size, record=record)
        scale = 1
        for c in known:
            scale *= int(c) if c.isdigit() else 1
        return Need(count=None, element=str(int(size) * scale) if size.isdigit() else size, record=record)


def _kind(f: Field) -> str:
    return f.member.type.kind if isinstance(f.member.type, Aggregate) else "struct"
