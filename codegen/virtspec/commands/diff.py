"""`virtspec diff`: what one text changes against another, for implementations."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from virtspec.commands import SPEC_HELP, Commands, colourful, command

if TYPE_CHECKING:
    from virtspec.diff.change import Threshold
    from virtspec.report.outcome import Report
    from virtspec.suppressions import Suppression

EXIT_CODES = (
    "\n\nexit codes: 0 nothing at the threshold (--fail-on) or above; 1 something; 2 an input cannot be read,\n"
    "or not all could be compared: the report says INCOMPLETE"
)
FORMATS = ("text", "json", "markdown", "html", "mail", "sarif", "junit")


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "diff",
        "say what changes on the wire, in names and in requirements",
        "  virtspec diff spec@v1.3 spec@v1.4\n"
        "  virtspec diff .@origin/master .                what the work tree changes\n"
        "  virtspec diff old/ new/ --format html > changes.html\n"
        "  virtspec diff spec/models/virtio-1.4.json my-checkout --fail-on any" + EXIT_CODES,
    )
    parser.add_argument("old", metavar="OLD", help=SPEC_HELP)
    parser.add_argument("new", metavar="NEW", help="the same for the new text")
    add_options(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that `diff` and `review` share."""
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument(
        "--fail-on",
        choices=("breaking", "source", "any"),
        default="breaking",
        help="exit 1 at what breaks the wire, at changed names too, or at anything (default: breaking)",
    )
    parser.add_argument("--previous", metavar="REPORT.json", help="mark findings that an earlier report had")
    parser.add_argument("--suppressions", metavar="FILE", help="leave out what this TOML file lists with reasons")


def run(arguments: argparse.Namespace) -> int:
    from virtspec.comparison import diff

    return finish(diff(arguments.old, arguments.new), arguments)


def finish(report: Report, arguments: argparse.Namespace) -> int:
    """Triage a report, print it, and give the exit code."""
    from virtspec.triage import compare_previous, load_previous, suppress

    if arguments.suppressions:
        report = suppress(report, _suppressions(Path(arguments.suppressions)))
    if arguments.previous:
        report = compare_previous(report, load_previous(Path(arguments.previous)))
    tolerate()
    sys.stdout.write(render(report, arguments.format, arguments.fail_on))
    if not report.complete:
        print("virtspec: the comparison is incomplete: see what was not applied or not compared", file=sys.stderr)
    code: int = report.exit_code(arguments.fail_on)
    return code


def _suppressions(path: Path) -> tuple[Suppression, ...]:
    from virtspec.diff.rules import RULES
    from virtspec.lint.registry import rules
    from virtspec.suppressions import load_suppressions

    # a review tells what the linter finds too
    return load_suppressions(path, RULES.keys() | rules().keys())


def tolerate() -> None:
    """Let standard output show what its encoding has no sign for as an escape, where it would end in an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def render(report: Report, format_: str, threshold: Threshold = "breaking") -> str:
    """A report in one of `FORMATS`."""
    match format_:
        case "json":
            from virtspec.report.diff_json import diff_json

            return diff_json(report)
        case "markdown":
            from virtspec.report.markdown import diff_markdown

            return diff_markdown(report)
        case "html":
            from virtspec.report.html import diff_html

            return diff_html(report)
        case "mail":
            from virtspec.report.mail import diff_mail

            return diff_mail(report)
        case "sarif":
            from virtspec.report.diff_findings import diff_sarif

            return diff_sarif(report)
        case "junit":
            from virtspec.report.diff_findings import diff_junit

            return diff_junit(report, threshold)
        case _:
            from virtspec.report.diff_text import diff_text

            return diff_text(report, colour=colourful())
