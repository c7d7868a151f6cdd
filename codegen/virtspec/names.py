"""Names of model elements in generated code: Python, C, Rust, and file names.

A specification is untrusted: whatever reaches generated code as an identifier has passed `is_identifier`.
"""

from __future__ import annotations

import keyword
import re

MAX_NAME = 128
"""The longest name that is taken over; C11 guarantees 63 significant characters, no real name has more than 60."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_CXX_KEYWORDS = frozenset("""
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
    const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern
    false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or
    or_eq private protected public register reinterpret_cast restrict return short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename union
    unsigned using virtual void volatile wchar_t while xor xor_eq _Bool _Complex _Imaginary
    """.split())

# errno is a macro wherever <errno.h> has been included
_C_MACROS = frozenset({"errno", "unix", "linux", "stdin", "stdout", "stderr", "assert"})

# strict and reserved keywords of all editions
_RUST_KEYWORDS = frozenset("""
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl
    in let loop macro match mod move mut override priv pub ref return self Self static struct super trait true try type
    typeof unsafe unsized use virtual where while yield _
    """.split())

# names that a generated Python class needs for itself
_PYTHON_TAKEN = frozenset({"self", "cls", "None", "True", "False"})


def is_identifier(name: str) -> bool:
    """Whether a name can stand in generated code as it is."""
    return len(name) <= MAX_NAME and _IDENTIFIER.fullmatch(name) is not None


def plain(name: str) -> str:
    """A name with what is no identifier character turned into `_` (`command-specific-data`, `2d`)."""
    if is_identifier(name):
        return name
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", name)[:MAX_NAME]
    return f"_{cleaned}" if cleaned[:1].isdigit() else cleaned


def python_field(name: str) -> str:
    """The attribute for a member: the specification's name; a Python keyword gets a trailing `_`.

    Leading `__`, which Python mangles inside classes, is left away.
    """
    cleaned = plain(name)
    if cleaned.startswith("__"):
        cleaned = plain(cleaned.lstrip("_")) or "_"
    if keyword.iskeyword(cleaned) or cleaned in _PYTHON_TAKEN:
        return f"{cleaned}_"
    return cleaned


def python_class(name: str) -> str:
    """The class for a struct: `virtio_net_config` becomes `VirtioNetConfig`."""
    words = [word for word in plain(name).split("_") if word]
    return "".join(word[0].upper() + word[1:] for word in words) or "_"


def python_module(module: str) -> str:
    """The module file for a chapter or device type."""
    cleaned = plain(module).lower()
    return f"{cleaned}_" if keyword.iskeyword(cleaned) else cleaned


def c_field(name: str) -> str:
    """The C member for a member; what is a keyword in C or C++ gets a trailing `_`."""
    cleaned = plain(name)
    if cleaned in _CXX_KEYWORDS or cleaned in _C_MACROS:
        return f"{cleaned}_"
    return cleaned


def rust_field(name: str) -> str:
    """The Rust field for a member: the specification's name in lower case, without two `_` inside it; a keyword gets a
    trailing `_`."""
    cleaned = re.sub(r"(?<=[^_])__+(?=[^_])", "_", plain(name).lower())
    return f"{cleaned}_" if cleaned in _RUST_KEYWORDS else cleaned


def rust_type(name: str) -> str:
    """The Rust type for a struct: `virtio_net_config` becomes `VirtioNetConfig`. It begins with a letter."""
    base = python_class(name)
    return base if base[0].isalpha() else f"Struct{base.strip('_')}"


def rust_module(module: str) -> str:
    """The Rust module for a chapter or device type."""
    cleaned = plain(module).lower().strip("_") or "module"
    return f"{cleaned}_" if cleaned in _RUST_KEYWORDS else cleaned


def c_macro(name: str) -> str:
    """A name in the style of a macro: `MagicValue` becomes `MAGIC_VALUE`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain(name))
    return spaced.upper()
