"""One module per command: its arguments, and how its result becomes output and an exit code.

Each has `add(commands)`, which `virtspec.cli` calls, and `run(arguments)`, which returns the exit code. Imports of what
only one command needs stand inside its `run`: the start of every other one stays fast.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TypeAlias

from virtspec.diagnostics import Severity, Sink

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands: TypeAlias = argparse.Action

SPEC_HELP = "a directory with virtio.tex, a .tex file, a model .json, or REPO@REV"


def command(commands: Commands, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    """A command's parser; `examples` are lines of the form `  virtspec NAME …`."""
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def print_diagnostics(sink: Sink, threshold: Severity) -> None:
    """The findings from a severity on, on standard error; fatal ones are told by the error they end in."""
    for diagnostic in sink.in_order():
        if threshold <= diagnostic.severity < Severity.FATAL:
            print(diagnostic.render(), file=sys.stderr)
