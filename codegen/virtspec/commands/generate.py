"""`virtspec generate`: render what the specification says into code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from virtspec.commands import SPEC_HELP, Commands, command, print_diagnostics, say, tell_whose_spec
from virtspec.diagnostics import Severity, Sink, SpecError


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "generate",
        "render Python codecs, C headers, a Rust crate and conformance tests",
        "  virtspec generate                              what spec/ lists, into generated/\n"
        "  virtspec generate --check                      only tell whether generated/ is up to date\n"
        "  virtspec generate ../virtio-spec -o out --only c\n"
        "  virtspec generate repo@v1.4 draft.tex -o out   a release with a draft chapter",
    )
    parser.add_argument("spec", nargs="*", metavar="SPEC", help=f"{SPEC_HELP}; several are merged")
    parser.add_argument("-o", "--output", metavar="DIR", help="output directory (default: generated)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    parser.add_argument("--only", metavar="TARGET,…", help="some of python,c,rust,conformance")
    parser.add_argument("--c-prefix", default="", metavar="PREFIX", help="put PREFIX before every C name")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from virtspec import pipeline
    from virtspec.resources import checkout

    targets = list(pipeline.TARGETS)
    if arguments.only:
        targets = [t.strip() for t in arguments.only.split(",")]
        unknown = [t for t in targets if t not in pipeline.TARGETS]
        if unknown:
            raise SpecError(f"--only: unknown target '{unknown[0]}'; choose from {', '.join(pipeline.TARGETS)}")
    tell_whose_spec()
    top = checkout()
    if arguments.output:
        output = Path(arguments.output)
    elif arguments.spec or top is None:
        output = Path("generated")
    else:
        output = top / "generated"
    sink = Sink()
    done = pipeline.generate(
        arguments.spec, output, sink, targets=targets, check=arguments.check, c_prefix=arguments.c_prefix
    )
    print_diagnostics(sink, Severity.ERROR)
    if done.shortcut:
        say(arguments, f"{output}: up to date")
        return 0
    for key, reason, where in done.not_rendered:
        print(f"not rendered in {', '.join(where)}: {key}: {reason}", file=sys.stderr)
    for path in done.kept:
        print(f"kept: {output / path}: not generated any more, but edited since", file=sys.stderr)
    if arguments.check:
        for path in done.differing:
            print(f"differs: {output / path}")
        for path in done.stale:
            print(f"stale: {output / path}")
        if done.differing or done.stale:
            print(f"{output}: not up to date; run 'virtspec generate'", file=sys.stderr)
            return 1
        say(arguments, f"{output}: up to date ({done.unchanged} files)")
        return 0
    total = len(done.written) + done.unchanged
    say(arguments, f"{output}: {total} files, {len(done.written)} written, {len(done.stale)} removed")
    return 0
