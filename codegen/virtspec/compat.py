"""What Python 3.11 has and 3.10 lacks. Import it from here, so that one file goes when 3.10 does."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    import tomllib
    from typing import Self, assert_never
else:
    import tomli as tomllib
    from typing_extensions import Self, assert_never

__all__ = ["Self", "assert_never", "tomllib"]
