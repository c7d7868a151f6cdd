"""The command line: parses the arguments, runs the command, turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from virtspec import __version__
from virtspec.commands import extract, generate, layout
from virtspec.diagnostics import SpecError

COMMANDS = (generate, extract, layout)
"""The commands, in the order of `virtspec --help`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0 clean, 1 findings or drift, 2 usage or unusable input."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except SpecError as error:
        print(f"virtspec: error: {error}", file=sys.stderr)
        return 2
    except RecursionError:
        print("virtspec: error: the input nests deeper than can be read", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # the reader has seen enough; give the interpreter something to flush into
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("virtspec: interrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="virtspec",
        description="Read the VIRTIO specification's LaTeX; render code from it, and review it.",
        epilog="'virtspec COMMAND --help' shows each command with examples.",
    )
    top.add_argument("--version", action="version", version=f"virtspec {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add(commands)
    return top
