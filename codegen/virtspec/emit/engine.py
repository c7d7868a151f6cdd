"""Templates: where they lie, how they are rendered, and what an emitter hands back.

Templates own the text of generated code. They are given frozen view models and do no arithmetic and no look-ups; an
undefined name is an error. Everything that comes from a specification is untrusted: emitters validate names before a
template sees them, and the filters below escape the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

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
def template_root() -> Path:
    """The directory of the templates: inside the installed package, else the checkout's `templates/`."""
    installed = Path(str(files("virtspec"))) / "templates"
    if installed.is_dir():
        return installed
    return Path(__file__).resolve().parents[3] / "templates"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The Jinja2 environment of all emitters."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(template_root(), encoding="utf-8"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is code: `comment`, `pystring` and `cstring` escape what needs it
    )
    env.filters["comment"] = comment
    env.filters["pystring"] = pystring
    env.filters["cstring"] = cstring
    env.globals["generate_command"] = GENERATE_COMMAND
    return env


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


def _c_characters(data: Iterable[int]) -> Iterator[str]:
    for byte in data:
        character = chr(byte)
        if character in '"\\?' or not " " <= character <= "~":
            yield f"\\{byte:03o}"
        else:
            yield character
