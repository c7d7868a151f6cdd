"""Frozen dataclasses for what reading makes by the thousand: frozen by the type checker.

mypy sees the decorator of the standard library, so that a write to a frozen instance is an error there. A constructor
of a class that Python itself freezes takes two and a half times as long, a tenth of the time of reading a release, and
is to be had in Python's development mode (`python -X dev`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    from collections.abc import Callable
    from typing import Any

    def dataclass(*, frozen: bool = False, **options: Any) -> Callable[[type], type]:
        """`dataclasses.dataclass`, without the check at run time: equal instances have equal hashes all the same."""
        if sys.flags.dev_mode:
            return dataclasses.dataclass(frozen=frozen, **options)
        return dataclasses.dataclass(unsafe_hash=frozen and options.get("eq", True), **options)


__all__ = ("dataclass",)
