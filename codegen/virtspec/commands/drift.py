"""`virtspec drift`: compare a specification with C headers."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from virtspec.commands import SPEC_HELP, Commands, command
from virtspec.diagnostics import Sink


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "drift",
        "compare the specification with C headers, by means of a C compiler",
        "  virtspec drift ../virtio-spec linux/virtio_net.h linux/virtio_blk.h\n"
        "  virtspec drift spec/models/virtio-1.4.json include/virtio.h -I include --table names.toml\n\n"
        "The headers are compiled, and nothing that is made of them is run: CC may be a cross compiler. It works in a\n"
        "temporary directory, with bounds on its time and memory; a header may include any file that you may read.\n\n"
        "exit codes: 0 no difference, or each has its reason in the table; 1 other differences, or a reason\n"
        "whose difference is gone; 2 an input cannot be used",
    )
    parser.add_argument("spec", metavar="SPEC", help=SPEC_HELP)
    parser.add_argument("headers", nargs="+", metavar="HEADER", help="a path, or a name as in #include <NAME>")
    parser.add_argument("--table", metavar="FILE.toml", help="other names in the headers, and known differences")
    parser.add_argument("-I", dest="include", action="append", default=[], metavar="DIR", help="where to find headers")
    parser.add_argument(
        "--cc", default=os.environ.get("CC", "cc"), metavar="CC", help="the C compiler (default: $CC or cc)"
    )
    parser.add_argument("--all", action="store_true", help="show what is equal or only in SPEC, too")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from virtspec import pipeline
    from virtspec.drift import Known, compare, read_known
    from virtspec.headers import read_headers
    from virtspec.report.drift import drift_json, drift_markdown, drift_text

    sink = Sink()
    spec = pipeline.read_spec(arguments.spec, sink)
    pipeline.require_readable(sink)
    layouts = pipeline.check_layouts(spec)
    known = read_known(Path(arguments.table)) if arguments.table else Known()
    headers = read_headers(arguments.headers, compiler=arguments.cc, include=[Path(d) for d in arguments.include])
    drift = compare(spec, layouts, headers, known)
    if arguments.format == "json":
        json.dump(drift_json(drift, spec.edition, arguments.headers), sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif arguments.format == "markdown":
        print(drift_markdown(drift, everything=arguments.all))
    else:
        print(drift_text(drift, everything=arguments.all))
    return 1 if drift.stale or any(drift.unexplained()) else 0
