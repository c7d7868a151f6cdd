"""C names: what a tag, a member, a macro and a function are called, with the user's prefix and without a collision.

A specification is untrusted, and C knows few borders between names: a macro called `uint8_t` would spoil every line
behind it. So macros keep their name only if it looks like one of the standard's; other names are put under
`VIRTIO_<TOPIC>_`.
"""

from __future__ import annotations

import re

from virtspec.model import Constant, Struct
from virtspec.names import c_field, c_macro, is_identifier, plain

_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)

# words of upper case joined by `_`, the later ones in any case (`VIRTIO_NET_HASH_TYPE_IPv4`)
_MACRO = re.compile(r"[A-Z][A-Z0-9]*(_[A-Za-z0-9]+)+", re.ASCII)

# macros of <stdint.h>, <limits.h> and the like
_LIBRARY_MACRO = re.compile(
    r"(U?INT\w*|U?(CHAR|SHRT|LONG|LLONG)|S?SIZE|SCHAR|PTRDIFF|WCHAR|WINT|SIG_ATOMIC|BOOL|MB_LEN|RAND|PATH|NAME|IOV)"
    r"_(MAX|MIN|C|WIDTH|BIT)|CHAR_BIT|EXIT_\w+|SEEK_\w+|VIRTWIRE_\w+",
    re.ASCII,
)

# tags that the C library gives to structs of its own; `struct in_addr` is 32 bits of network order there
_LIBRARY_TAGS = frozenset(
    "in_addr in6_addr sockaddr sockaddr_in sockaddr_in6 timespec timeval tm stat iovec msghdr passwd group".split()
)

# what the headers themselves use, and what compilers define beyond the standard's keywords
_TAKEN_MEMBERS = re.compile(
    r"u?int(8|16|32|64)_t|s?size_t|ptrdiff_t|wchar_t|NULL|offsetof|virtio_(u|le|be)(16|32|64)|virtwire_\w+"
    r"|__\w+__|__(inline|const|volatile|restrict|asm|attribute|extension|typeof|alignof|signed|func|int128|thread|real"
    r"|imag|builtin\w*|has\w*|auto_type|label|null|nullptr|bf16|float128|declspec|nonnull|nullable)|_[A-Z]\w*",
    re.ASCII,
)


def is_prefix(prefix: str) -> bool:
    """Whether a text can stand before every public name."""
    return prefix == "" or _PREFIX.fullmatch(prefix) is not None


def header_name(module: str) -> str:
    """The header of a chapter or device type, without `.h`; some are the library's own."""
    name = plain(module).lower().strip("_") or "_"
    return f"{name}_" if name in {"former", "types", "virtwire"} else name


def topic(module: str) -> str:
    """The word that names of a module carry (`MMIO`); none for what all devices have in common."""
    return "" if module == "common" else header_name(module).upper()


def struct_tag(struct: Struct) -> str:
    """The tag of a struct: the specification's, unless the C library has one of that name or a program is likely to."""
    name = plain(struct.name)
    claimed = name in _LIBRARY_TAGS or c_field(name) != name or _TAKEN_MEMBERS.fullmatch(name) is not None
    common = "_" not in name and "virt" not in name
    if struct.kind in ("field", "bits"):
        name = f"virtio_{header_name(struct.module)}_{name}"
    elif claimed or common:
        name = f"virtio_{name}"
    return name if struct.variant == 1 else f"{name}_v{struct.variant}"


def macro_name(constant: Constant) -> str:
    """The macro or enumerator for a constant: the specification's name where it is fit for one."""
    name = plain(constant.name)
    fit = is_identifier(constant.name) and _MACRO.fullmatch(name) and not _LIBRARY_MACRO.fullmatch(name)
    if fit and (constant.kind not in ("table", "register") or name.startswith("VIRT")):
        return name
    return "_".join(filter(None, ("VIRTIO", topic(constant.module), c_macro(name).strip("_"))))


def field_name(name: str) -> str:
    """The member for a member: the specification's name; one that C, C++ or a compiler claims gets a trailing `_`."""
    cleaned = c_field(name)
    return f"{cleaned.strip('_') or 'member'}_" if _TAKEN_MEMBERS.fullmatch(cleaned) else cleaned


class Scope:
    """Names of one scope, each given out once: a second one of the same name gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def claim(self, name: str) -> str:
        """The name, or the first free one of `name_2`, `name_3`, …"""
        free, number = name, 2
        while free in self._taken:
            free, number = f"{name}_{number}", number + 1
        self._taken.add(free)
        return free


class Names:
    """The file-scope names of one generation. Tags, functions, macros and enumerators share one scope, since a macro
    replaces them all and a C++ function hides a struct."""

    def __init__(self, prefix: str) -> None:
        self.lower = prefix
        self.upper = prefix.upper()
        self.scope = Scope()

    def tag(self, name: str) -> str:
        """A tag, or the stem of functions."""
        return self.scope.claim(self.lower + name)

    def stem(self, name: str, suffixes: tuple[str, ...]) -> str:
        """The stem of functions that differ in their suffixes only."""
        stem, number = self.lower + name, 2
        while any(stem + suffix in self.scope for suffix in suffixes):
            stem, number = f"{self.lower}{name}_{number}", number + 1
        for suffix in suffixes:
            self.scope.claim(stem + suffix)
        return stem

    def macro(self, name: str) -> str:
        """A macro or an enumerator."""
        return self.scope.claim(self.upper + name)
