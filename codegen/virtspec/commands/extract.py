"""`virtspec extract`: write the model of a specification."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from virtspec.commands import SPEC_HELP, Commands, command, print_diagnostics
from virtspec.diagnostics import Severity, Sink, SpecError


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "extract",
        "write the model of a specification as JSON",
        "  virtspec extract ../virtio-spec -o virtio-1.5.json --edition 1.5\n"
        "  virtspec extract repo@v1.4 --summary           how much was read, and what was not",
    )
    parser.add_argument("spec", metavar="SPEC", help=SPEC_HELP)
    parser.add_argument("-o", "--output", metavar="MODEL.json", help="the file to write ('-' for standard output)")
    parser.add_argument("--edition", default="", metavar="X.Y", help="the edition, where the name does not tell it")
    parser.add_argument("--summary", action="store_true", help="print what was read and everything skipped")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from virtspec import model_json, pipeline
    from virtspec.report.layouts import coverage_text

    if not arguments.output and not arguments.summary:
        raise SpecError("extract: give -o MODEL.json (or -o - for standard output), --summary, or both")
    sink = Sink()
    spec = pipeline.read_spec(arguments.spec, sink, arguments.edition)
    print_diagnostics(sink, Severity.WARNING)
    pipeline.require_readable(sink)
    pipeline.check_layouts(spec)
    if arguments.output == "-":
        sys.stdout.write(model_json.dump(spec))
    elif arguments.output:
        pipeline.write_text(Path(arguments.output), model_json.dump(spec))
    if arguments.summary:
        print(coverage_text(spec.coverage))
    return 0
