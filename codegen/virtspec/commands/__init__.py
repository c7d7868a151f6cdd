"""One module per command: its arguments, and how its result becomes output and an exit code.

Each has `add(commands)`, which `virtspec.cli` calls, and `run(arguments)`, which returns the exit code. Imports of what
only one command needs stand inside its `run`: the start of every other one stays fast.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from virtspec import __version__
from virtspec.diagnostics import Severity, Sink

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands: TypeAlias = argparse.Action

SPEC_HELP = "a directory with virtio.tex, a .tex file, a model .json, or REPO@REV"


def command(commands: Commands, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    """A command's parser; `examples` are lines of the form `  virtspec NAME …`."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="print the result and what ends the run, nothing else")
    talk.add_argument("-v", "--verbose", action="store_true", help="print how long each pass took")
    return parser


class Version(argparse.Action):
    """Prints the version, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from virtspec.pipeline import editions

        first, *more = editions()
        print(f"virtspec {__version__} (VIRTIO {first}{f' to {more[-1]}' if more else ''})")
        parser.exit()


def print_diagnostics(sink: Sink, threshold: Severity) -> None:
    """The findings from a severity on, on standard error; fatal ones are told by the error they end in."""
    for diagnostic in sink.in_order():
        if threshold <= diagnostic.severity < Severity.FATAL:
            print(diagnostic.render(), file=sys.stderr)


def say(arguments: argparse.Namespace, text: str) -> None:
    """Tell what was done, on standard output, unless nobody wants to know."""
    if not arguments.quiet:
        print(text)


def tell_whose_spec() -> None:
    """Say so where somebody in a checkout of virtspec runs another one, with templates and annotations of its own."""
    from virtspec.resources import spec_directory, unused_checkout

    if unused_checkout() is not None:
        print(
            f"virtspec: this is a checkout of virtspec, but {spec_directory().parent} is what runs: its spec/ and "
            "templates/ count;\n  'pip install --editable .' lets those here count",
            file=sys.stderr,
        )


def colourful() -> bool:
    """Whether standard output is a terminal whose user wants colours; see no-color.org."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
