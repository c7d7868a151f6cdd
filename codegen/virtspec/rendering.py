"""Templates as all writers use them: an undefined name is an error, and a line of a block leaves no empty line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from virtspec.resources import template_root

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(folder: str = "", *, escape: bool, finalize: Callable[[object], object] | None = None) -> Environment:
    """A Jinja2 environment over a folder of the templates.

    With `escape`, what a template shows is escaped for HTML. `finalize` has the last word on every value shown.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(template_root() / folder, encoding="utf-8"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=escape,  # noqa: S701 - who writes code or Markdown has filters of their own
        finalize=finalize,
    )
