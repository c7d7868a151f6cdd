"""`virtspec lint`: find defects in a specification's LaTeX."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from virtspec.commands import Commands, command
from virtspec.diagnostics import Severity, Sink, SpecError

if TYPE_CHECKING:
    from virtspec.lint.run import Linted
    from virtspec.model import Spec
    from virtspec.report.findings import Finding
    from virtspec.source import SourceFile, SourceTree

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
    from virtspec.lint.select import against_baseline, introduced, read_baseline, read_suppressions, suppress

    baseline = read_baseline(Path(arguments.baseline)) if arguments.baseline else ()
    suppressions = read_suppressions(Path(arguments.suppressions), rules()) if arguments.suppressions else ()
    tree = open_input(arguments.spec)
    linted, spec, files = lint_tree(tree)
    findings = linted.findings
    if arguments.since:
        findings = introduced(findings, _findings_at(arguments.spec, arguments.since))
    if suppressions:
        selection = suppress(findings, suppressions)
        _tell(f"{arguments.suppressions}: {selection.aside} set aside", "matches nothing", selection.stale)
        findings = selection.findings
    if arguments.baseline:
        selection = against_baseline(findings, baseline)
        _tell(f"{arguments.baseline}: {selection.aside} known", "is not found any more", selection.stale)
        findings = selection.findings
    if arguments.fix:
        _write_fixes(arguments, tree, linted, findings, files)
        if arguments.fix == "-":
            return 0
    threshold = Severity[arguments.fail_on.upper()]
    level = Severity[arguments.level.upper()] if arguments.level else None
    shown = _shown(findings, arguments.format, level, threshold)
    _print(shown, findings, spec, arguments.format, threshold)
    return int(any(f.severity >= threshold for f in findings))


# --- reading ----------------------------------------------------------------------------------------------


def open_input(spec: str) -> SourceTree:
    """The tree that a SPEC names; for a patch or a mail that of the file it adds."""
    from virtspec.inputs import open_source
    from virtspec.source import SourceError

    if spec.endswith(".json"):
        raise SpecError(f"{spec}: a model has no text to check; name the LaTeX it was made from")
    if spec == "-" or (Path(spec).is_file() and not _is_latex(spec)):
        return _open_mail(spec)
    try:
        return open_source(spec)
    except SourceError as error:
        raise SpecError(str(error)) from None


def _is_latex(name: str) -> bool:
    return name.endswith((".tex", ".ltx"))


def _open_mail(name: str) -> SourceTree:
    """The chapter that a patch adds, as a tree of its own; the patch may be quoted in a reply."""
    from virtspec.review.apply import apply_patch
    from virtspec.review.hunks import PatchError
    from virtspec.review.mail import read_input, read_mails

    try:
        mails = read_mails(read_input(name, sys.stdin.buffer), name)
    except PatchError as error:
        raise SpecError(str(error)) from None
    patches = [patch for mail in mails for patch in mail.files]
    added = [p for p in patches if p.old_path is None and p.new_path is not None and p.new_path.endswith(".tex")]
    if not added:
        raise SpecError(f"{name}: adds no .tex file; 'virtspec review {name} --base SPEC' checks what it changes")
    for patch in patches:
        if patch not in added:
            print(f"{patch.path}: not checked: its base is not here; see 'virtspec review --base'", file=sys.stderr)
    for patch in added[1:]:
        print(f"{patch.path}: checked as far as '{added[0].path}' includes it", file=sys.stderr)
    done = apply_patch(_Nothing(name, added[0].path), added, name)
    for rejected in done.rejected:
        print(f"{rejected.path}: {rejected.header}: {rejected.reason}", file=sys.stderr)
    return done.tree


class _Nothing:
    """A tree without files, which a patch that only adds some applies to."""

    def __init__(self, name: str, root: str) -> None:
        self.name = name
        self.root = root

    def read(self, path: str) -> SourceFile:
        from virtspec.source import MissingFile

        raise MissingFile(f"no file '{path}' in {self.name}")


def lint_tree(tree: SourceTree) -> tuple[Linted, Spec, Mapping[str, SourceFile]]:
    """What is found in a tree, its model, and its files. Raises `SpecError` where it cannot be read at all."""
    from virtspec.latex.document import read_document
    from virtspec.layout import Layouts
    from virtspec.link import link_document
    from virtspec.lint.run import lint_document
    from virtspec.pipeline import edition_of

    sink = Sink()
    document = read_document(tree, sink)
    spec = link_document(document, sink, edition_of(tree.name))
    return lint_document(document, spec, Layouts(spec), sink), spec, document.files


def lint_change(old: SourceTree, new: SourceTree) -> tuple[Finding, ...]:
    """What is found in one tree and not in an earlier one: what a patch introduces."""
    from virtspec.lint.select import introduced

    return introduced(lint_tree(new)[0].findings, lint_tree(old)[0].findings)


def _findings_at(spec: str, revision: str) -> tuple[Finding, ...]:
    """What is found in the same SPEC at another revision of its repository."""
    from virtspec.repository import Repository
    from virtspec.source import MissingFile, SourceError

    path = Path(spec)
    if path.is_dir():
        directory, root = path, "virtio.tex"
    elif spec == "-" or (path.is_file() and not _is_latex(spec)):
        raise SpecError("--since: a mail has no earlier revision; see 'virtspec review'")
    elif path.is_file():
        directory, root = path.parent, path.name
    else:
        directory, root = Path(spec.rpartition("@")[0]), "virtio.tex"
    try:
        tree = Repository(str(directory)).at(revision, root)
        try:
            tree.read(root)
        except MissingFile:
            return ()  # the file is new: all of it is
        return lint_tree(tree)[0].findings
    except SourceError as error:
        raise SpecError(f"--since: {error}") from None


# --- output -----------------------------------------------------------------------------------------------


def _shown(
    findings: Sequence[Finding], format_: str, level: Severity | None, threshold: Severity
) -> tuple[Finding, ...]:
    """What the report shows: text leaves out notes unless they are asked for, the other formats leave out nothing."""
    if level is None:
        level = min(Severity.WARNING, threshold) if format_ == "text" else Severity.NOTE
    return tuple(f for f in findings if f.severity >= level)


def _print(
    shown: Sequence[Finding], findings: Sequence[Finding], spec: Spec, format_: str, threshold: Severity
) -> None:
    from virtspec.lint.registry import rules

    match format_:
        case "json":
            from virtspec.report.findings_json import findings_json
            from virtspec.report.layouts import coverage_json

            sys.stdout.write(findings_json(shown, coverage_json(spec.coverage)))
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


def _write_fixes(
    arguments: argparse.Namespace,
    tree: SourceTree,
    linted: Linted,
    findings: Sequence[Finding],
    files: Mapping[str, SourceFile],
) -> None:
    """Write the patch with the certain repairs of what is reported."""
    from virtspec.lint.fix import can_name, format_patch, verified
    from virtspec.lint.select import introduced
    from virtspec.pipeline import write_text
    from virtspec.review.apply import PatchedTree

    wanted = set(findings)
    repairs = [
        (finding, tuple(edit for edit in edits if edit.file.path in files and can_name(edit.file.path)))
        for finding, edits in linted.edits
        if finding in wanted
    ]
    repairs = [
        (finding, edits) for finding, edits in repairs if edits and not _carriage_returns(arguments.spec, edits[0].file)
    ]
    texts, repaired = verified(
        repairs, lambda changed: introduced(lint_tree(PatchedTree(tree, changed))[0].findings, linted.findings)
    )
    patch = format_patch(files, texts, repaired, _author()) if repaired else ""
    if arguments.fix == "-":
        sys.stdout.write(patch)
    elif repaired:
        write_text(Path(arguments.fix), patch)
    target = f", in {arguments.fix}" if repaired and arguments.fix != "-" else ""
    print(f"{len(repaired)} of {len(findings)} findings have a certain repair{target}", file=sys.stderr)


def _carriage_returns(spec: str, file: SourceFile) -> bool:
    """Whether a file of a directory has CR LF line ends, which a patch of this form would not match."""
    path = Path(spec) / file.path if Path(spec).is_dir() else Path(spec).parent / file.path
    try:
        return b"\r" in path.read_bytes()
    except OSError:
        return False


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
