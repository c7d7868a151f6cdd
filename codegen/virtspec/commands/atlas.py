"""`virtspec atlas`: a static site of everything that a specification defines."""

from __future__ import annotations

import argparse
from pathlib import Path

from virtspec.commands import SPEC_HELP, Commands, command, print_diagnostics, say
from virtspec.diagnostics import Severity, Sink, SpecError


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "atlas",
        "write a site with every structure drawn, searchable, and what each edition changed",
        "  virtspec atlas ../virtio-spec -o site\n"
        "  virtspec atlas spec/models/virtio-1.3.json spec/models/virtio-1.4.json -o site\n"
        "  virtspec atlas repo@v1.3 repo@v1.4 repo@HEAD -o site      editions, the oldest first\n"
        "  virtspec atlas repo@v1.4 --draft device-context.tex -o site\n"
        "  virtspec atlas virtio-1.4.json --source-url https://example.org/virtio/{file}#L{line}",
    )
    parser.add_argument("spec", nargs="+", metavar="SPEC", help=f"{SPEC_HELP}; several editions, the oldest first")
    parser.add_argument("-o", "--output", metavar="SITE", default="atlas", help="output directory (default: atlas)")
    parser.add_argument(
        "--draft",
        action="append",
        default=[],
        metavar="CHAPTER",
        help="a chapter for the edition after the newest, which is then shown as one of its own",
    )
    parser.add_argument(
        "--source-url", default="", metavar="URL", help="link places to the newest edition's sources: {file} and {line}"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from dataclasses import replace

    from virtspec import pipeline
    from virtspec.atlas.render import render_atlas
    from virtspec.emit.write import write_files
    from virtspec.link.merge import merge_specs
    from virtspec.progress import timed, track

    url: str = arguments.source_url
    if url and not (url.startswith(("https://", "http://")) and "{file}" in url):
        raise SpecError("--source-url: give an https:// address with {file}, and {line}, in it")
    sink = Sink()
    specs = [pipeline.read_spec(spec, sink) for spec in track(arguments.spec, "reading")]
    if arguments.draft:
        newest = replace(specs[-1], edition=f"{specs[-1].edition}+draft")
        specs.append(merge_specs([newest, *(pipeline.read_spec(chapter, sink) for chapter in arguments.draft)]))
    print_diagnostics(sink, Severity.ERROR)
    pipeline.require_readable(sink)
    laid_out = [(spec, pipeline.check_layouts(spec)) for spec in specs]
    with timed("render the pages"):
        files = render_atlas(laid_out, url)
    output = Path(arguments.output)
    with timed("write"):
        report = write_files(files, output, check=False)
    written, removed = len(report.written), len(report.stale)
    say(arguments, f"{output / 'index.html'}: {len(files)} files, {written} written, {removed} removed")
    return 0
