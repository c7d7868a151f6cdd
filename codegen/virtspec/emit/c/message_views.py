"""What the C templates are given for messages of variable size: how they are read, written and judged."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCode:
    """The number by which an error tells a field."""

    name: str
    number: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A member of the leading part, and the bytes a message must have to hold it whole."""

    code: str
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a parse finds one part.

    `shape`: `counted` (`count` elements of `element` bytes), `rest` (all but `tail` bytes), `records` (`count` structs
    that delimit themselves) or `nested` (one such struct). `call` is the stem of the functions of these structs,
    `arguments` what the functions take beyond the bytes. With `call`, a counted part or a rest holds such structs
    too (one where `single`), which a parse leaves to be looked at later. `key` is what the protocol of the conformance
    suite calls the part: a union without a name has that of its kind.
    """

    name: str
    key: str
    code: str
    shape: str
    note: str
    count: str = ""
    element: str = "1"
    tail: str = "0"
    call: str = ""
    arguments: str = ""
    single: bool = False
    typed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepGroup:
    """Parts that are there on one condition; always, where it is empty."""

    condition: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A number that a message does not carry and its reader has to bring along; `key` is what it is called by the
    protocol of the conformance suite, where that has a name of its own."""

    name: str
    note: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A part as the caller of a writing function gives it: a member of the struct with all of them."""

    type: str
    name: str
    note: str
    dimensions: str = ""
    fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A number that a reader brings along and a writer takes from a part: it has `value` times `unit` bytes."""

    name: str
    value: str
    part: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """How the number of elements of a part gets into the member that holds it: as `value`, up to `limit`, which the
    statement has in `variable` (`count` for the number itself). `path` is that member.

    `expected` is what a reader makes of it, where that has to be looked at; `guard` says when the member is there.
    """

    path: str
    value: str
    variable: str
    limit: str
    statement: str
    guard: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """How one part is written: `size` bytes from `source`. The rest is about parts that are not of fixed size: their
    elements, where their number is stored, or else the size that it is `expected` to be; with `call`, the structs that
    they have to hold (one where `single`), with `walked` as many as are stored or expected.

    `tracked` is set where something behind the part depends on it.
    """

    name: str
    code: str
    source: str
    size: str
    fixed: bool = False
    tracked: bool = False
    element: str = "1"
    store: Store | None = None
    expected: str = ""
    call: str = ""
    arguments: str = ""
    single: bool = False
    walked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGroup:
    """Parts that are there on one condition; always, where it is empty."""

    condition: str
    puts: tuple[Put, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPart:
    """A part that is a member of the head, at `offset` there."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """The function that writes a message. `head` is the struct of the leading part, of which `lead` bytes are always
    there. `direct` is set for one part alone, which is then an argument. `implied` are the numbers that parts tell,
    `known` those that the function uses."""

    head: str
    lead: int
    lead_code: str
    head_parts: tuple[HeadPart, ...]
    given: tuple[Given, ...]
    direct: bool
    arguments: tuple[Argument, ...]
    features: bool
    implied: tuple[Known, ...]
    known: tuple[Known, ...]
    groups: tuple[PutGroup, ...]
    tracked: bool

    @property
    def sets(self) -> tuple[str, ...]:
        """The members that the function sets."""
        return tuple(put.store.path for group in self.groups for put in group.puts if put.store is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCase:
    """A type of record, and the `test` of its value: a C expression over `value` and its `size`. `call` is the struct
    that it is, of `size` bytes where that is fixed. `places` are given where it is the member of a struct that lies at
    the offset `at`: the sizes of its members, each with their offsets."""

    code: str
    note: str
    test: str = ""
    size: str = ""
    call: str = ""
    at: str = ""
    places: tuple[tuple[int, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTable:
    """What the value in part `part` of a record is, by its type `tag`. `config` is the type whose value is the
    configuration of whatever device it is about."""

    part: str
    tag: str
    cases: tuple[ValueCase, ...]
    config: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes that are zero, and the code of the field that they are in."""

    offset: int
    size: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """An array of structs in which bytes are zero."""

    part: str
    element: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What is zero in a struct."""

    spans: tuple[Span, ...]
    loops: tuple[Loop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRange:
    """Codes without names, and whether they may occur; `first` and `last` are empty where nothing is less or more."""

    first: str
    last: str
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedCase:
    """A type of record whose value is a struct in which bytes are zero."""

    code: str
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCase:
    """Types of records whose values say which virtqueue they are about, if they have as many bytes as `end`."""

    codes: tuple[str, ...]
    get: str
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRules:
    """What holds for a record by itself, and what makes it different from others of its type: a `selector`, or the
    virtqueue that its value is about. `by_device` says that device types define types of their own."""

    types: tuple[str, ...]
    ranges: tuple[KnownRange, ...]
    spans: tuple[Span, ...]
    tag: str
    tag_code: str
    part: str
    part_code: str
    reserved: tuple[ReservedCase, ...]
    config: str
    by_device: bool
    queues: tuple[QueueCase, ...]
    selector: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRules:
    """What holds for a list of records: the part and the code of the field that has them; `ascending` are the types
    that stand in the order of their codes."""

    record: str
    type: str
    part: str
    code: str
    spans: tuple[Span, ...]
    ascending: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The functions for a message of variable size (or for its device-readable or device-writable half).

    `delimited` says that its parts tell where it ends; `iterable` that it is read in lists of such.
    """

    stem: str
    record: str
    source: str
    lead: int
    arguments: tuple[Argument, ...]
    features: bool
    codes: tuple[FieldCode, ...]
    shorts: tuple[Short, ...]
    groups: tuple[StepGroup, ...]
    delimited: bool
    iterable: bool
    writer: Writer
    values: ValueTable | None
    rules: RecordRules | None
    list_rules: ListRules | None

    @property
    def passed(self) -> str:
        return "".join(f", {argument.name}" for argument in self.arguments) + (", features" if self.features else "")

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for group in self.groups for step in group.steps)

    @property
    def reads(self) -> bool:
        """Whether a parse looks at bytes, not only at sizes."""
        expressions = [group.condition for group in self.groups]
        expressions += [f"{step.count} {step.tail} {step.element}" for step in self.steps]
        nested = any(step.shape in ("records", "nested") for step in self.steps)
        return nested or "(bytes" in " ".join(expressions)

    @property
    def unread(self) -> tuple[str, ...]:
        """The parameters that a parse does not need: only what it delimits does, when that is validated."""
        used = [group.condition for group in self.groups]
        for step in self.steps:
            used += [step.count, step.tail, step.element]
            used += [step.arguments] if step.shape in ("records", "nested") else []
        words = set(re.findall(r"\w+", " ".join(used)))
        parameters = [argument.name for argument in self.arguments] + (["features"] if self.features else [])
        return tuple(name for name in parameters if name not in words)

    @property
    def checked(self) -> tuple[Step, ...]:
        """The parts that a parse only delimits: whether they are right, their own functions tell."""
        return tuple(s for s in self.steps if s.call and (s.shape in ("rest", "counted") or s.typed))
