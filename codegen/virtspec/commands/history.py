"""`virtspec history`: what every commit of a range changes."""

from __future__ import annotations

import argparse
import json
import sys

from virtspec.commands import Commands, command
from virtspec.commands.diff import tolerate


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "history",
        "say what every commit of a range changes, as a table",
        "  virtspec history ../virtio-spec v1.3..v1.4\n"
        "  virtspec history . HEAD~20..HEAD --format markdown --changed\n\n"
        "exit codes: 0 nothing at the threshold (--fail-on) or above; 1 something; 2 a commit cannot be compared",
    )
    parser.add_argument("repository", metavar="REPO", help="a git checkout of the specification")
    parser.add_argument("range", metavar="RANGE", nargs="?", default="HEAD", help="revisions (default: HEAD)")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--fail-on", choices=("breaking", "source", "any"), default="breaking")
    parser.add_argument("--changed", action="store_true", help="leave out commits without a finding")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: one for each processor)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from virtspec.diff.change import Verdict
    from virtspec.history import Entry, history
    from virtspec.report.table import entry_json, entry_markdown, entry_text, table_head

    tolerate()
    shown: list[Entry] = []
    code = 0
    head = table_head(arguments.format)
    if head:
        print(head)
    for entry in history(arguments.repository, arguments.range, arguments.jobs):
        if entry.problem and entry.problem != "has no parent":
            code = 2
        failing = {
            "breaking": entry.verdict is Verdict.BREAKING,
            "source": any(c.class_ == "source" or c.verdict is Verdict.BREAKING for c in entry.changes),
            "any": bool(entry.changes),
        }
        if failing[arguments.fail_on] and not code:
            code = 1
        if arguments.changed and not entry.changes and not entry.problem:
            continue
        if arguments.format == "text":
            print(entry_text(entry.commit, entry.verdict, entry.changes, entry.problem), flush=True)
        elif arguments.format == "markdown":
            print(entry_markdown(entry.commit, entry.verdict, entry.changes, entry.problem))
        else:
            shown.append(entry)
    if arguments.format == "json":
        document = {
            "schema": "virtspec.history/1",
            "commits": [entry_json(e.commit, e.verdict, e.changes, e.problem) for e in shown],
        }
        json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
        print()
    return code
