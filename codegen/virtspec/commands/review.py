"""`virtspec review`: what a patch, a series, or a mail that quotes a patch changes."""

from __future__ import annotations

import argparse
import sys

from virtspec.commands import Commands, command
from virtspec.commands.diff import EXIT_CODES, add_options, finish
from virtspec.diagnostics import SpecError


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "review",
        "say what a patch changes on the wire, in names and in requirements",
        "  virtspec review 0001-net-add-stats.patch --base ../virtio-spec\n"
        "  b4 am -o - MESSAGE-ID | virtspec review - --base repo@master --format mail\n"
        "  virtspec review series.mbox --base ../virtio-spec --previous v1.json" + EXIT_CODES,
    )
    parser.add_argument(
        "patch",
        metavar="PATCH",
        nargs="+",
        help="a patch, an mbox, a mail that quotes a patch, or - for standard input",
    )
    parser.add_argument(
        "--base",
        metavar="SPEC",
        default="",
        help="the text that the patch is made for; without it only new files are read",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from virtspec.comparison import review
    from virtspec.review.hunks import PatchError
    from virtspec.review.mail import read_input, read_inputs

    try:
        mails = read_inputs((read_input(name, sys.stdin.buffer), name) for name in arguments.patch)
    except PatchError as error:
        raise SpecError(str(error)) from None
    return finish(review(mails, arguments.base), arguments)
