"""Files that come with virtspec: the specification inputs under `spec/`, and the templates.

In an installed package they lie inside it; in a checkout they are the top-level folders.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def spec_directory() -> Path:
    """The folder with the editions, chapters and annotations that `virtspec generate` renders by default."""
    inside = _PACKAGE / "spec"
    return inside if inside.is_dir() else _CHECKOUT / "spec"


def spec_file(path: str) -> Path:
    """A file under `spec/`."""
    return spec_directory() / path


def template_root() -> Path:
    """The folder of the templates of all that is rendered."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _CHECKOUT / "templates"


def checkout() -> Path | None:
    """The top of the checkout that this package runs from, or None where it is installed."""
    return _CHECKOUT if (_CHECKOUT / "spec").is_dir() and (_CHECKOUT / "templates").is_dir() else None


def unused_checkout() -> Path | None:
    """The working directory, if it is a checkout of virtspec and not the one that this package runs from."""
    here = Path.cwd()
    files = ("codegen/virtspec/__init__.py", "spec/spec.toml", "templates")
    return here if all((here / file).exists() for file in files) and here.resolve() != checkout() else None
