"""Lines of Rust as rustfmt breaks them, so that generated code needs no formatter."""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE = 100
"""The longest line."""

LIST = 60
"""The longest list of arguments or elements on one line."""

LITERAL = 18
"""The longest struct literal on one line, its braces left out."""


def statement(start: str, expression: str, indent: int = 8) -> tuple[str, ...]:
    """`start expression;`, without the indentation of its first line."""
    # a line with a closure at its end has to be shorter
    room = LINE - indent - ("|" in expression and expression.endswith("?"))
    if len(f"{start} {expression};") <= room:
        return (f"{start} {expression};",)
    first, *others = re.split(r" (?=&& |\|\| )", expression)
    if not others or len(f"    {expression};") <= room:
        return (start, f"    {expression};")
    return (f"{start} {first}", *(f"    {other}" for other in others[:-1]), f"    {others[-1]};")


def use(path: str, names: Sequence[str]) -> list[str]:
    """An import."""
    if not names or list(names) == ["self"]:
        return [f"use {path};"] if names else []
    if len(names) == 1:
        return [f"use {path}::{names[0]};"]
    one = f"use {path}::{{{', '.join(names)}}};"
    return [one] if len(one) <= LINE else [f"use {path}::{{", *_filled(names), "};"]


def _filled(names: Sequence[str]) -> list[str]:
    lines = ["   "]
    for name in names:
        if len(lines[-1]) + len(name) + 2 >= LINE:
            lines.append("   ")
        lines[-1] += f" {name},"
    return lines
