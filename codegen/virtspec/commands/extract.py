"""`virtspec extract`: write the model of a specification, or since when the things of several exist."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from virtspec.commands import SPEC_HELP, Commands, command, print_diagnostics, tell_whose_spec
from virtspec.diagnostics import Severity, Sink, SpecError

_UNAPPLIED = frozenset(("VS260", "VS261"))
"""The findings about reviewed facts that a text does not state."""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "extract",
        "write the model of a specification as JSON",
        "  virtspec extract ../virtio-spec -o virtio-1.5.json --edition 1.5\n"
        "  virtspec extract repo@v1.4 --summary           how much was read, and what was not\n"
        "  virtspec extract --since 1.0.json 1.1.json -o since.json   since when things exist",
    )
    parser.add_argument("spec", metavar="SPEC", nargs="+", help=SPEC_HELP)
    parser.add_argument("-o", "--output", metavar="MODEL.json", help="the file to write ('-' for standard output)")
    parser.add_argument("--edition", default="", metavar="X.Y", help="the edition, where the name does not tell it")
    parser.add_argument("--summary", action="store_true", help="print what was read and everything skipped")
    parser.add_argument(
        "--since",
        action="store_true",
        help="write since when things exist, from models in the order of their releases",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from virtspec import model_json, pipeline
    from virtspec.report.layouts import coverage_text

    if not arguments.output and not arguments.summary:
        raise SpecError("extract: give -o MODEL.json (or -o - for standard output), --summary, or both")
    tell_whose_spec()
    if arguments.since:
        return _since(arguments)
    if len(arguments.spec) > 1:
        raise SpecError("extract: give one SPEC; several are for --since")
    sink = Sink()
    spec = pipeline.read_spec(arguments.spec[0], sink, arguments.edition)
    print_diagnostics(sink, Severity.WARNING)
    if not spec.edition and any(finding.rule in _UNAPPLIED for finding in sink.diagnostics):
        print(
            "note: the edition is not known, so the facts of all editions were expected; name it with --edition X.Y",
            file=sys.stderr,
        )
    pipeline.require_readable(sink)
    pipeline.check_layouts(spec)
    _write(arguments.output, model_json.dump(spec))
    if arguments.summary:
        print(coverage_text(spec.coverage))
    return 0


def _since(arguments: argparse.Namespace) -> int:
    from virtspec import model_json, pipeline
    from virtspec.releases import compute_since

    models = []
    for name in arguments.spec:
        sink = Sink()
        models.append(pipeline.read_spec(name, sink))
        pipeline.require_readable(sink)
        pipeline.check_layouts(models[-1])
        if not models[-1].edition:
            raise SpecError(f"{name}: names no edition; write its model with --edition X.Y first")
    _write(arguments.output, model_json.render(compute_since(models, pipeline.renamed_names())))
    return 0


def _write(output: str | None, text: str) -> None:
    from virtspec import pipeline

    if output == "-":
        sys.stdout.write(text)
    elif output:
        pipeline.write_text(Path(output), text)
