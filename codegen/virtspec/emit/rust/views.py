"""What the Rust templates are given: frozen views, every name and number in them ready to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from virtspec.emit.engine import ruststring
from virtspec.emit.rust.lines import LINE, LIST, LITERAL, statement
from virtspec.emit.rust.rule_views import DeviceView, RulesView, SelectorsView, ValuesView


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A member of a struct of fixed size."""

    name: str
    path: str
    type: str
    offset: int
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BitView:
    """A bit-field. `type` is `bool` for a single bit."""

    get: str
    set: str
    path: str
    type: str
    shift: int
    width: int
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BitsView:
    """The bit-fields of one integer member."""

    member: str
    int: str
    fields: tuple[BitView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmView:
    """An arm of a union of fixed size."""

    get: str
    set: str
    path: str
    type: str
    offset: int
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedView:
    """A struct of fixed size."""

    kind: Literal["fixed"] = "fixed"
    name: str
    tag: str
    doc: str
    size: int
    members: tuple[MemberView, ...]
    bits: tuple[BitsView, ...]
    rules: RulesView
    life: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionView:
    """A union of fixed size."""

    kind: Literal["union"] = "union"
    name: str
    tag: str
    doc: str
    size: int
    arms: tuple[ArmView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextField:
    """A length that a message does not carry; `required` where it cannot follow from the others. `key` is what the
    conformance protocol calls it."""

    name: str
    key: str
    doc: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A value that is handed on to the context of a nested message."""

    name: str
    value: str


PartKind: TypeAlias = Literal["fixed", "bytes", "list", "records", "message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A member of a message: how it is read into the variable `local`, and written.

    The number of elements of a part is `count`, and where members state it, `stated` in writing; or the part is open:
    the context may say (`given`), else it takes what the parts `behind` leave. `has` is the variable that says whether
    it is there, `together` the first member that depends on the same. `used` tells that other parts need it.
    """

    name: str
    local: str
    path: str
    kind: PartKind
    type: str
    doc: str
    default: str
    count: str = ""
    stated: str = ""
    unit: int = 1
    given: str = ""
    behind: tuple[str, ...] = ()
    limited: bool = False
    context: str = ""
    passed: tuple[Passed, ...] = ()
    has: str = ""
    together: str = ""
    used: bool = False

    @property
    def tall(self) -> bool:
        """Whether the list of what is behind takes a line each."""
        return len(", ".join(self.behind)) > LIST

    @property
    def wide(self) -> bool:
        """Whether the arguments that write it take a line each."""
        return len(f'"{self.path}", &self.{self.name}') - (self.kind == "bytes") > LIST

    @property
    def reading(self) -> tuple[str, ...]:
        """The statement that reads it."""
        path = ruststring(self.path)
        handed = "&()" if self.context in ("", "()") else "&inner"
        match self.kind:
            case "message":
                arguments = [handed]
                arguments += ["&behind" if self.behind else "&[]"] if self.limited else []
                call = f"message{'_before' if self.limited else ''}({', '.join(arguments)})"
            case "fixed":
                call = f"fixed({path})"
            case "records" if self.stated:
                call = f"records(size, {handed})"
            case "records":
                call = f"records_in({path}, size, {handed})"
            case _:
                call = f"{self.kind}({path}, size)"
        type_ = f"Option<{self.type}>" if self.has else self.type
        start = f"let {self.local}: {type_} =" if self.used else f"let {self.local} ="
        return statement(start, f"input.when({self.has}, |input| input.{call})?" if self.has else f"input.{call}?")

    @property
    def init(self) -> str:
        return self.name if self.name == self.local else f"{self.name}: {self.local}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A condition under which members are there, as a variable; `lines` define it."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenArm:
    """An arm of a union of variable size, as a function of the message that has it; `message` tells that its own size
    varies, and `context` what has to be said beside its bytes."""

    union: str
    message: bool
    name: str
    path: str
    type: str
    context: str
    call: str
    doc: str

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("&self", f"context: &{self.context}") if self.context else ("&self",)

    @property
    def wide(self) -> bool:
        """Whether the parameters take lines of their own."""
        return len(f"    pub fn {self.name}({', '.join(self.parameters)}) -> Result<{self.type}, Error> {{") > LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A struct of variable size."""

    kind: Literal["message"] = "message"
    name: str
    tag: str
    doc: str
    life: str
    context: str
    context_fields: tuple[ContextField, ...]
    features: bool
    parts: tuple[Part, ...]
    presences: tuple[Presence, ...]
    bits: tuple[BitsView, ...]
    arms: tuple[OpenArm, ...]
    rules: RulesView
    derives_default: bool

    @property
    def inits(self) -> tuple[str, ...]:
        return tuple(part.init for part in self.parts)

    @property
    def short(self) -> bool:
        """Whether the members stand on one line where it is made of them."""
        return len(", ".join(self.inits)) <= LITERAL

    @property
    def defaulted(self) -> bool:
        """Whether a context can be left out."""
        return not self.features and not any(f.required for f in self.context_fields)

    @property
    def reads_context(self) -> bool:
        return self.context != "()"


ItemView: TypeAlias = FixedView | UnionView | MessageView


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantView:
    """A constant. `notes` are lines of its documentation; `first` tells that it is the first of a group."""

    name: str
    type: str
    value: str
    notes: tuple[str, ...]
    first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroView:
    """A function-like macro as a function over `u64`; its parameters are `_` where the body leaves them out."""

    name: str
    parameters: tuple[str, ...]
    body: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureView:
    name: str
    bit: int
    legacy: bool
    requires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingView:
    role: str
    structure: str
    member: str
    many: bool
    behind: bool
    condition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    code: str
    name: str
    structures: tuple[BindingView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeView:
    first: str
    last: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryView:
    variable: str
    name: str
    tag: str
    flags: bool
    doc: str
    entries: tuple[EntryView, ...]
    ranges: tuple[RangeView, ...]
    fields: tuple[str, ...]
    bits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """One module of the crate."""

    name: str
    title: str
    counts: str
    device: int | None
    imports: tuple[str, ...]
    constants: tuple[ConstantView, ...]
    macros: tuple[MacroView, ...]
    features: tuple[FeatureView, ...]
    registries: tuple[RegistryView, ...]
    items: tuple[ItemView, ...]
    own: tuple[ValuesView | SelectorsView, ...]
    rules: DeviceView | None
