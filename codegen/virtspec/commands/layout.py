"""`virtspec layout`: show where every member lies."""

from __future__ import annotations

import argparse
import json
import sys

from virtspec.commands import SPEC_HELP, Commands, command, print_diagnostics
from virtspec.diagnostics import Severity, Sink, SpecError


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "layout",
        "show the size, offset and bit position of every member",
        "  virtspec layout ../virtio-spec virtio_blk_config\n"
        "  virtspec layout spec/models/virtio-1.4.json --format json > layout.json",
    )
    parser.add_argument("spec", metavar="SPEC", help=SPEC_HELP)
    parser.add_argument("names", nargs="*", metavar="NAME", help="structs to show (default: all)")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    import difflib

    from virtspec import pipeline
    from virtspec.report.layouts import layout_json, layout_text
    from virtspec.since import load_since

    sink = Sink()
    spec = pipeline.read_spec(arguments.spec, sink)
    print_diagnostics(sink, Severity.ERROR)
    pipeline.require_readable(sink)
    layouts = pipeline.check_layouts(spec)
    known = {s.name for s in spec.structs} | {c.name for c in spec.constants}
    for name in arguments.names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"; did you mean '{near[0]}'?" if near else f"; 'virtspec layout {arguments.spec}' shows all it defines"
            )
            raise SpecError(f"{arguments.spec}: defines no '{name}'{hint}")
    if arguments.format == "json":
        document = layout_json(spec, layouts, load_since(), arguments.names)
        json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
        print()
        return 0
    if not known:
        print(f"{arguments.spec}: defines no structure and no constant; is it the right file?", file=sys.stderr)
    shown = [s for s in spec.structs if not arguments.names or s.name in arguments.names]
    print("\n\n".join(layout_text(layouts[s.key]) for s in shown))
    for constant in spec.constants:
        if constant.name in arguments.names:
            print(f"{constant.name} = {constant.value}  /* {constant.kind}, {constant.place} */")
    return 0
