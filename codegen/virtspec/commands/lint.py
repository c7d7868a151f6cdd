"""`virtspec lint`: find defects in a specification's LaTeX."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from virtspec.commands import Commands, command
from virtspec.diagnostics import Severity

if TYPE_CHECKING:
    from virtspec.linting import Linted
    from virtspec.model import Coverage
    from virtspec.report.findings import Finding

FORMATS = ("text", "json", "sarif", "github", "junit")
SEVERITIES = ("error", "warning", "note")


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "lint",
        "find defects in a specification's LaTeX",
        "  virtspec lint ../virtio-spec\n"
        "  virtspec lint device-context.tex --level note          one chapter, notes too\n"
        "  virtspec lint message.txt                              the chapter that a mail's patch adds\n"
        "  virtspec lint . --since origin/master                  only what a branch introduces\n"
        "  virtspec lint . --format json > baseline.json          then: --baseline baseline.json\n"
        "  virtspec lint . --fix repairs.patch && git am repairs.patch\n"
        "\n"
        "exit codes: 0 nothing found at the threshold or above; 1 something found; 2 the input cannot be read",
    )
    parser.add_argument("spec", metavar="SPEC", help="a directory with virtio.tex, a .tex file, a mail, or REPO@REV")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("--fail-on", choices=SEVERITIES, default="error", help="exit with 1 from this severity on")
    parser.add_argument("--level", choices=SEVERITIES, help="leave out what is below (default: warning for text)")
    parser.add_argument("--baseline", metavar="FILE", help="leave out what this JSON report has; tell what is gone")
    parser.add_argument("--suppressions", metavar="FILE", help="leave out what this TOML file lists with reasons")
    parser.add_argument("--since", metavar="REV", help="only what SPEC, in a git checkout, has and REV has not")
    parser.add_argument("--fix", metavar="PATCH", help="write a patch with the certain repairs ('-': standard output)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from virtspec.lint.registry import rules
    from virtspec.lint.select import against_baseline, introduced, read_baseline, suppress
    from virtspec.linting import findings_at, lint_spec
    from virtspec.suppressions import load_suppressions

    baseline = read_baseline(Path(arguments.baseline)) if arguments.baseline else ()
    suppressions = load_suppressions(Path(arguments.suppressions), rules()) if arguments.suppressions else ()
    linted = lint_spec(arguments.spec)
    found = linted.findings
    left = set(found)
    # each looks at all that is found: what another one leaves out is neither stale nor gone
    if arguments.since:
        left &= set(introduced(found, findings_at(arguments.spec, arguments.since)))
    if suppressions:
        selection = suppress(found, suppressions)
        _tell(f"{arguments.suppressions}: {selection.aside} set aside", "matches nothing", selection.stale)
        left &= set(selection.findings)
    if arguments.baseline:
        selection = against_baseline(found, baseline)
        _tell(f"{arguments.baseline}: {selection.aside} known", "is not found any more", selection.stale)
        left &= set(selection.findings)
    findings = tuple(finding for finding in found if finding in left)
    if arguments.fix:
        _write_fixes(arguments, linted, findings)
        if arguments.fix == "-":
            return 0
    threshold = Severity[arguments.fail_on.upper()]
    level = Severity[arguments.level.upper()] if arguments.level else None
    shown = _shown(findings, arguments.format, level, threshold)
    _print(shown, findings, linted.coverage, arguments.format, threshold)
    return int(any(f.severity >= threshold for f in findings))


def _shown(
    findings: Sequence[Finding], format_: str, level: Severity | None, threshold: Severity
) -> tuple[Finding, ...]:
    """What the report shows: text leaves out notes unless they are asked for, the other formats leave out nothing."""
    if level is None:
        level = min(Severity.WARNING, threshold) if format_ == "text" else Severity.NOTE
    return tuple(f for f in findings if f.severity >= level)


def _print(
    shown: Sequence[Finding], findings: Sequence[Finding], coverage: Coverage, format_: str, threshold: Severity
) -> None:
    from virtspec.lint.registry import rules

    match format_:
        case "json":
            from virtspec.report.findings_json import findings_json
            from virtspec.report.layouts import coverage_json

            sys.stdout.write(findings_json(shown, coverage_json(coverage)))
        case "sarif":
            from virtspec.report.sarif import findings_sarif

            sys.stdout.write(findings_sarif(shown, [rule.info for rule in rules().values()]))
        case "github":
            from virtspec.report.github import findings_github

            sys.stdout.write(findings_github(shown))
        case "junit":
            from virtspec.report.junit import findings_junit

            sys.stdout.write(findings_junit(shown, threshold))
        case _:
            from virtspec.report.text import findings_text, summary

            if shown:
                print(findings_text(shown))
            hidden = len(findings) - len(shown)
            print(summary(findings) + (f" ({hidden} not shown; see --level)" if hidden else ""))


def _tell(head: str, what: str, stale: Sequence[str]) -> None:
    print(head, file=sys.stderr)
    for entry in stale:
        print(f"  stale: {what}: {entry}", file=sys.stderr)


def _write_fixes(arguments: argparse.Namespace, linted: Linted, findings: Sequence[Finding]) -> None:
    """Write the patch with the certain repairs of what is reported."""
    from virtspec.lint.fix import format_patch
    from virtspec.linting import repaired
    from virtspec.pipeline import write_text

    texts, mended = repaired(linted, findings, arguments.spec)
    patch = format_patch(linted.files, texts, mended, _author()) if mended else ""
    if arguments.fix == "-":
        sys.stdout.write(patch)
    elif mended:
        write_text(Path(arguments.fix), patch)
    target = f", in {arguments.fix}" if mended and arguments.fix != "-" else ""
    print(f"{len(mended)} of {len(findings)} findings have a certain repair{target}", file=sys.stderr)


def _author() -> str:
    """Who runs the linter, as git knows them."""
    try:
        done = subprocess.run(
            ["git", "var", "GIT_AUTHOR_IDENT"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return "virtspec <virtspec@localhost>"
    identity = os.fsdecode(done.stdout).strip().rpartition(">")[0]
    return (
        f"{identity}>"
        if done.returncode == 0 and identity.isprintable() and "<" in identity
        else "virtspec <virtspec@localhost>"
    )
