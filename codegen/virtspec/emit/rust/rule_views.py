"""Views of what rules about lists of records need: what records hold, what is reserved, and types of devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from virtspec.emit.rust.items import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCase:
    """What the value or the selector of a record of one type is; `queue` is the member that tells which virtqueue it is
    about. A `config` is that of whatever device it is about; of a `whole`, it is the member that lies where `at` says.
    """

    variant: str
    code: str
    doc: str
    type: str = ""
    item: Item | None = None
    message: bool = False
    queue: str = ""
    config: bool = False
    whole: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesView:
    """What the values of records are by their type: an enumeration. `code`, `value` and `at` are expressions."""

    kind: Literal["values"] = "values"
    name: str
    record: str
    borrows: bool
    what: str
    code: str
    code_type: str
    value: str
    at: str
    cases: tuple[TypedCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorsView:
    """The same for their selectors, which are unions."""

    kind: Literal["selectors"] = "selectors"
    name: str
    record: str
    what: str
    code: str
    selector: str
    union: str
    cases: tuple[TypedCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """The rules about records of one kind: `tag` is the member that holds their type, `types` the registry that is the
    same for all devices."""

    name: str
    tag: str
    code: str
    types: str
    values: str
    config: bool
    queues: tuple[TypedCase, ...]
    selector: str
    selector_size: int
    selectors: str
    ascending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedMember:
    """A member that is zero, or inside which something is; `rule` is the function that checks it."""

    rule: Literal["zero", "inside"]
    member: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedView:
    """What is reserved in a struct."""

    name: str
    life: str
    tag: str
    members: tuple[ReservedMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTypes:
    """Types of a kind of records that a device type defines, and what these are, where structs are bound to them."""

    record: str
    registry: str
    values: ValuesView | None
    selectors: SelectorsView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device type, as the rules see it."""

    name: str
    id: int
    config: str
    types: tuple[OwnTypes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView:
    """What rules about lists make of a struct: one that has reserved members, a record, or a list whose records are the
    member `records`."""

    reserved: ReservedView | None = None
    record: RecordView | None = None
    values: ValuesView | None = None
    selectors: SelectorsView | None = None
    name: str = ""
    records: str = ""
