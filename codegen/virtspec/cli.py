"""The command line: parses the arguments, runs the command, turns errors into exit codes."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr
from io import StringIO, TextIOWrapper
from typing import NoReturn

from virtspec.commands import (
    Version,
    atlas,
    completion,
    diff,
    drift,
    extract,
    generate,
    git_driver,
    history,
    layout,
    lint,
    review,
    rules,
)
from virtspec.diagnostics import SpecError, printable
from virtspec.progress import take_times

COMMANDS = (generate, extract, layout, drift, atlas, lint, diff, review, rules, completion, history, git_driver)
"""The commands, in the order of `virtspec --help`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0 clean, 1 findings or drift, 2 usage or unusable input."""
    prepare_output()
    arguments = parser().parse_args(argv)
    written = {getattr(arguments, option, None) for option in ("fix", "output")}
    if getattr(arguments, "format", "text") != "text" or "-" in written:
        print_utf8()
    take_times()  # what ran before in this process is none of this command's
    quiet = redirect_stderr(StringIO()) if arguments.quiet else nullcontext()
    try:
        with quiet:
            code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except SpecError as error:
        # a message names files, and a file may have any name
        print("virtspec: error: " + "\n".join(map(printable, str(error).split("\n"))), file=sys.stderr)
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
    finally:
        times = take_times()
        if arguments.verbose:
            print_times(times)


def process() -> int:
    """What the console script runs: `main` as a process of its own, which is over when the command is.

    Nearly everything that a command makes lives to its end, and what holds itself in circles is little: the collector
    looks for it rarely, and not at the end, where it would go through all that is left.
    """
    gc.set_threshold(50_000)
    code = main()
    gc.freeze()
    return code


def prepare_output() -> None:
    """Let nothing that is printed be an error: output that was closed before the start (`>&-`) goes nowhere, and what
    the terminal's encoding does not have is written as an escape."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_utf8() -> None:
    """Let what is printed be UTF-8 whatever the terminal has: an escape would damage a document, as JSON or a patch."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_times(times: dict[str, tuple[int, float]]) -> None:
    """How long each pass took, on standard error."""
    for name, (runs, seconds) in times.items():
        print(f"{seconds:9.3f} s  {name}" + (f" ({runs} times)" if runs > 1 else ""), file=sys.stderr)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints name the likely word and the next step."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Refuse what is not known here, not in the parser above, which knows less about it."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        from difflib import get_close_matches

        known: list[str] = []
        word = ""
        if match := re.match(r"argument .*: invalid choice: '(.*?)' \(choose from (.*)\)$", message, re.DOTALL):
            word, known = match[1], re.findall(r"[\w-]+", match[2])
        elif match := re.match(r"unrecognized arguments: (--?[\w-]+)", message):
            word, known = match[1], list(self._option_string_actions)
        near = "".join(f"  did you mean '{close}'?\n" for close in get_close_matches(word, known, n=1))
        step = f"  '{self.prog} --help' shows {'examples' if ' ' in self.prog else 'all commands'}\n"
        self.exit(2, f"{self.format_usage()}{self.prog}: error: {message}\n{near}{step}")


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = Parser(
        prog="virtspec",
        description="Read the VIRTIO specification's LaTeX; render code from it, and review it.",
        epilog="'virtspec COMMAND --help' shows each command with examples.",
    )
    top.set_defaults(parser=top)
    top.add_argument("--version", action=Version, nargs=0, help="show the version, and the releases that come with it")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add(commands)
    return top
