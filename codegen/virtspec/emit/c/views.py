"""What the C templates are given: frozen views, every name and number in them ready to be written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """One `#define` or enumerator. `note` says what is unusual about its name."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroGroup:
    """Constants that the specification states together."""

    source: str
    macros: tuple[Macro, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumGroup:
    """An enumeration; `tag` is empty where the specification gives none."""

    source: str
    tag: str
    macros: tuple[Macro, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A member of a struct. With `keyword` it is an unnamed struct or union around `members`."""

    type: str = ""
    name: str = ""
    dimensions: str = ""
    note: str = ""
    keyword: str = ""
    members: tuple[Declaration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """A member that an assertion pins to its place."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BitField:
    """A bit-field: part `mask << shift` of the integer `container`. `name` is empty in an array of such integers.

    `wide` is a cast where C would do arithmetic in `int`.
    """

    path: str
    name: str
    order: str
    mask_macro: str
    shift_macro: str
    mask: str
    keep: str
    shift: int
    ctype: str
    wide: str
    container: str
    load: str
    store: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A struct or union: its fixed leading part, with the size and offsets that are asserted.

    `heading` tells a reader what stands behind the fixed part. `declarations` is empty where there is no fixed part.
    """

    keyword: str
    tag: str
    source: str
    heading: tuple[str, ...]
    size: int
    declarations: tuple[Declaration, ...]
    offsets: tuple[Offset, ...]
    bits: tuple[BitField, ...]
    messages: tuple[Message, ...] = ()

    @property
    def type(self) -> str:
        return f"{self.keyword} {self.tag}"


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
    too (one where `single`), which a parse leaves to be looked at later.
    """

    name: str
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
    """A number that a message does not carry and its reader has to bring along."""

    name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCase:
    """A type of record, and its value: exactly `size` bytes, or what the functions of `call` find right."""

    code: str
    note: str
    size: str
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTable:
    """What the value in part `part` of a record is, by its type `tag`. `config` is the type whose value is the
    configuration of whatever device it is about."""

    part: str
    tag: str
    cases: tuple[ValueCase, ...]
    config: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The functions for a message of variable size (or for its device-readable or device-writable half)."""

    stem: str
    record: str
    source: str
    lead: int
    arguments: tuple[Argument, ...]
    features: bool
    codes: tuple[FieldCode, ...]
    shorts: tuple[Short, ...]
    groups: tuple[StepGroup, ...]
    iterable: bool
    writer: Writer | None
    values: ValueTable | None

    @property
    def parameters(self) -> str:
        return "".join(f", size_t {argument.name}" for argument in self.arguments)

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
    def checked(self) -> tuple[Step, ...]:
        """The parts that a parse only delimits: whether they are right, their own functions tell."""
        return tuple(s for s in self.steps if s.call and (s.shape in ("rest", "counted") or s.typed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """How a record with one part at its end is written: where its length stands, and the most that can say."""

    part: str
    code: str
    element: int
    length_offset: int
    length_store: str
    length_type: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One code of a registry."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCase:
    """The bytes of what belongs to a code: so many, or with `open` at least so many."""

    code: str
    size: int
    open: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of what belongs to codes in one role, such as `data` or `value`."""

    role: str
    cases: tuple[SizeCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A registry as functions from a code to its name and to the sizes of what belongs to it."""

    stem: str
    title: str
    source: str
    cases: tuple[Case, ...]
    sizes: tuple[Sizes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One header."""

    guard: str
    file: str
    module: str
    edition: str
    prefix: str
    upper: str
    includes: tuple[str, ...]
    groups: tuple[MacroGroup | EnumGroup, ...]
    definitions: tuple[Definition, ...]
    tables: tuple[Table, ...]
