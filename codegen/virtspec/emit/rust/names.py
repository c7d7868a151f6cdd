"""Rust names: what a type, a field, a constant and a module are called, none of them twice in one scope."""

from __future__ import annotations

import re

from virtspec.model import Constant
from virtspec.names import c_macro, is_identifier, plain, rust_field, rust_module

# words of upper case joined by `_`, the later ones in any case (`VIRTIO_NET_HASH_TYPE_IPv4`)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(_[A-Za-z0-9]+)+", re.ASCII)

RUNTIME_MODULES = (
    "device error features fixed int layout lengths message reading registry rules sequence values writing".split()
)
"""Modules of the crate that are not made from the specification."""

TAKEN_MODULES = frozenset({*RUNTIME_MODULES, "core", "std", "virtwire"})
"""They, and the crates that every module sees."""

TAKEN_TYPES = frozenset("""
    Be16 Be32 Be64 Binding ByteOrder CodeRange Combined Debug Default Device Entry Err Error ErrorKind Feature Features
    Fixed From Guest16 Guest32 Guest64 Input Iterator Le16 Le32 Le64 List Member MemberValue Message None Ok Option
    Output Records Registry Result Self
    Short Some String ToOwned ToString TryFrom TryInto Vec Into IntoIterator Box Clone Copy Drop Eq Ord PartialEq
    PartialOrd Send Sized Sync Unpin Fn FnMut FnOnce AsRef AsMut Extend DoubleEndedIterator ExactSizeIterator
    FromIterator
    """.split())
"""Types that every generated module uses, and those that need no import."""

TAKEN_CONSTANTS = frozenset({"DEVICE", "DEVICE_ID", "FEATURES", "SIZE", "NAME", "MEMBERS", "ZERO", "MASK"})

TAKEN_METHODS = frozenset("""
    from_bytes from_prefix from_short_bytes from_bytes_with from_prefix_with to_bytes write_to read write ends_at
    read_array write_array size default clone clone_from eq ne hash fmt typed selected validate bytes into try_into from
    try_from borrow borrow_mut type_id to_owned
    """.split())
"""Methods that every generated type has."""


class Scope:
    """Names of one scope, each given out once: a second one of the same name gets a number."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = set(taken)

    def claim(self, name: str) -> str:
        """The name, or the first free one of `name_2`, `name_3`, …"""
        free, number = name, 2
        while free in self._taken:
            free, number = _numbered(name, number), number + 1
        self._taken.add(free)
        return free

    def claim_type(self, name: str) -> str:
        """The same for types: `Name2`, `Name3`, …"""
        free, number = name, 2
        while free in self._taken:
            free, number = f"{name}{number}", number + 1
        self._taken.add(free)
        return free

    def claim_accessors(self, name: str) -> tuple[str, str]:
        """A getter and its setter."""
        free, number = name, 2
        while free in self._taken or f"set_{free}" in self._taken:
            free, number = _numbered(name, number), number + 1
        self._taken.update((free, f"set_{free}"))
        return free, f"set_{free}"


def _numbered(name: str, number: int) -> str:
    """A name with a number; two `_` in a row are no Rust."""
    return f"{name.rstrip('_')}_{number}"


def word(name: str, otherwise: str) -> str:
    """A variable, method or context member named after what the specification calls something: no `_` around it."""
    cleaned = plain(name).strip("_").lower()
    if not cleaned:
        return otherwise
    return f"n{cleaned}" if cleaned[0].isdigit() else rust_field(cleaned)


def module_name(module: str) -> str:
    """The module of the crate for a module of the model."""
    name = rust_module(module)
    return f"{name}_" if name in TAKEN_MODULES else name


def constant_name(constant: Constant) -> str:
    """The constant for a constant: the specification's name where it is fit for one."""
    name = plain(constant.name)
    if is_identifier(constant.name) and _CONSTANT.fullmatch(name):
        return name
    upper = c_macro(name).strip("_")
    return upper if upper[:1].isalpha() else f"N{upper}"
