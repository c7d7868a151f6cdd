"""Templates of code: how they are rendered, and what an emitter hands back.

Templates own the text of generated code. They are given frozen view models and do no arithmetic and no look-ups; an
undefined name is an error. Everything that comes from a specification is untrusted: emitters validate names before a
template sees them, and the filters below escape the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from virtspec import rendering

if TYPE_CHECKING:
    from jinja2 import Environment

GENERATE_COMMAND = "virtspec generate"
"""The command that makes generated files; each of them says so at its start."""


@dataclass(slots=True, kw_only=True)
class Emission:
    """What an emitter made: file texts by path (relative to the output root, `/` between its parts), and what it
    could not make, as pairs of a model key and the reason."""

    files: dict[str, str] = field(default_factory=dict)
    not_rendered: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Emission) -> None:
        """Take over what another emitter made."""
        self.files.update(other.files)
        self.not_rendered += other.not_rendered


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The Jinja2 environment of all emitters. The output is code: the filters escape what needs it."""
    made = rendering.environment(escape=False)
    made.filters["comment"] = comment
    made.filters["pystring"] = pystring
    made.filters["cstring"] = cstring
    made.filters["ruststring"] = ruststring
    made.globals["generate_command"] = GENERATE_COMMAND
    return made


def render(template: str, /, **view: object) -> str:
    """A template's text for a view model. `template` is a path below the template root."""
    return environment().get_template(template).render(**view)


def comment(text: str) -> str:
    """Text that can stand inside a comment or docstring of Python or C: one line, printable ASCII, no way out of it."""
    shown = "".join(c if " " <= c <= "~" else "?" for c in text)
    return shown.replace("\\", "/").replace('"', "'").replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


def pystring(text: str) -> str:
    """A Python string literal, in the form that Black prefers."""
    return json.dumps(text, ensure_ascii=True)


def cstring(text: str) -> str:
    """A C string literal."""
    return '"' + "".join(_c_characters(text.encode("utf-8"))) + '"'


def ruststring(text: str) -> str:
    """A Rust string literal."""
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\\\' else f"\\u{{{ord(c):x}}}" for c in text) + '"'


def _c_characters(data: Iterable[int]) -> Iterator[str]:
    for byte in data:
        character = chr(byte)
        if character in '"\\?' or not " " <= character <= "~":
            yield f"\\{byte:03o}"
        else:
            yield character
