"""The classes of the generated package: what each is called, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from virtspec.emit.python.views import ArmView, Attribute
from virtspec.model import Integer, Member, Struct
from virtspec.names import python_class, python_module

_CODES = {8: "B", 16: "H", 32: "I", 64: "Q"}
_ORDERS = {"little": "<", "big": ">", "native": "="}

# what a generated class has of its own; a member of that name gets a trailing `_`
TAKEN_ATTRIBUTES = frozenset("""
    C_NAME SIZE FIXED_SIZE LAYOUT SINCE SOURCE READABLE READABLE_SIZE ARMS raw from_bytes unpack_from iter_unpack
    bytes int list tuple range zip isinstance property classmethod EllipsisType
    SELECTS arm selected typed type_name typed_selector member of iter_from records record_class iter_records
    iter_violations validate
    to_bytes pack_into leaves from_buffers from_readable from_writable to_buffers to_readable to_writable
    """.split())

# names that the methods of a generated class use themselves
TAKEN_LOCALS = frozenset("""
    self cls at data buffer offset end count item items byteorder order features allow_short split only readable
    writable request value values bits inner stop error bytes len list tuple int range memoryview new fresh zip pack
    unpack chunks join_chunks join_items join_structs super truncated wrong_length wrong_count copy room
    type octets only_bytes in_bytes check_byteorder difference quotient remainder FEATURES
    """.split())

# builtins that methods of structs use; classes of unions have no methods of their own
_TYPES = frozenset({"bytes", "int", "list", "tuple", "range", "isinstance"})

RUNTIME_MODULES = frozenset("""
    __init__ __main__ _arithmetic _errors _failures _layout _unions _runtime _requests _rows _index _views _features
    _former _registry _names _records _dump _cli errors features framing conformance
    """.split())


@dataclass(slots=True)
class Cls:
    """A class to generate: for a struct or union of the model, or one without a tag inside another."""

    name: str
    c_name: str
    module: str
    union: bool
    members: tuple[Member, ...]
    struct: Struct
    tagged: bool
    attributes: tuple[Attribute, ...] = ()
    arms: tuple[ArmView, ...] = ()
    sources: tuple[Member | None, ...] = ()
    size: int | None = None
    orders: frozenset[str] = frozenset()
    featured: bool = False
    leaves: int = 0
    element: bool = False
    busy: bool = False
    planned: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def fixed(self) -> bool:
        """Whether all objects take the same number of bytes."""
        return self.size is not None and not self.featured

    @property
    def native(self) -> bool:
        """Whether decoding needs to be told the byte order."""
        return "=" in self.orders

    @property
    def flat(self) -> bool:
        """Whether one `struct.Struct` covers it: of fixed size, and all integers of one byte order."""
        return self.fixed and not self.union and len(self.orders) <= 1


def code(integer: Integer) -> str:
    """The `struct` format of an integer; `=` stands for a byte order that the caller gives."""
    return _ORDERS[integer.order] + _CODES[integer.bits]


def module_of(module: str) -> str:
    """The generated module for a module of the model."""
    name = python_module(module)
    return f"{name}_" if name in RUNTIME_MODULES or name.startswith("_") else name


def class_name(name: str) -> str:
    """The class for a tag; never one that begins with `_`, as the names of codecs do."""
    base = python_class(name)
    return base if base[0].isalpha() else f"Struct{base}"


def unique(name: str, used: set[str], *, arm: bool = False) -> str:
    """A name that is not yet used in a class, and used from now on. Arms of unions may hide builtin types."""
    while name in used or (name in TAKEN_ATTRIBUTES and not (arm and name in _TYPES)):
        name += "_"
    used.add(name)
    return name
