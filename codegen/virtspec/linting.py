"""The order of the passes for the linter: open → read → link → lint, and what narrows or repairs what it finds.

open → read → link → lint → compare with another revision → repair, and lint again
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from virtspec.diagnostics import Sink, SpecError
from virtspec.inputs import open_source, repositories
from virtspec.latex.document import read_document
from virtspec.layout import Layouts
from virtspec.link import link_document
from virtspec.lint.fix import can_name, verified
from virtspec.lint.registry import Edit
from virtspec.lint.run import lint_document
from virtspec.lint.select import introduced
from virtspec.model import Coverage
from virtspec.pipeline import edition_of
from virtspec.report.findings import Finding
from virtspec.repository import CommitTree, Repository
from virtspec.review.apply import PatchedTree, apply_patch, included, nothing
from virtspec.review.hunks import PatchError
from virtspec.review.mail import read_input, read_mails
from virtspec.review.whole import missing_parts, missing_patches
from virtspec.source import DirectoryTree, MissingFile, SourceError, SourceFile, SourceTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A text that was checked: its files, what is found in them, the certain repairs, and how much of it was read."""

    tree: SourceTree
    files: Mapping[str, SourceFile]
    findings: tuple[Finding, ...]
    edits: tuple[tuple[Finding, tuple[Edit, ...]], ...]
    coverage: Coverage


def lint_spec(spec: str) -> Linted:
    """What is found in what a SPEC argument names, or in the files that a mail's patch adds. Raises `SpecError`."""
    return lint_tree(_open(spec))


def lint_tree(tree: SourceTree) -> Linted:
    """What is found in a tree. Raises `SpecError` where it cannot be read at all.

    The text is judged by itself: our annotations, which fill in what it leaves open, are not asked.
    """
    sink = Sink()
    document = read_document(tree, sink)
    spec = link_document(document, sink, edition_of(tree.name))
    found = lint_document(document, spec, Layouts(spec), sink)
    return Linted(tree=tree, files=document.files, findings=found.findings, edits=found.edits, coverage=spec.coverage)


def findings_at(spec: str, revision: str) -> tuple[Finding, ...]:
    """What is found in the same SPEC at another revision of its repository."""
    path = Path(spec)
    if path.is_dir():
        directory, root = path, "virtio.tex"
    elif spec == "-" or (path.is_file() and not _is_latex(spec)):
        raise SpecError("--since: a mail has no earlier revision; see 'virtspec review'")
    elif path.is_file():
        directory, root = path.parent, path.name
    else:
        named = next(repositories(spec), (spec, ""))
        directory, root = Path(named[0]), "virtio.tex"
    try:
        tree = Repository(str(directory)).at(revision, root)
        try:
            tree.read(root)
        except MissingFile:
            return ()  # the file is new: all of it is
        return lint_tree(tree).findings
    except SourceError as error:
        raise SpecError(f"--since: {error}") from None


def repaired(linted: Linted, findings: Sequence[Finding], spec: str) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """The texts of the files with the certain repairs of these findings, and the findings that are repaired.

    A repair is made where nothing new is found after it.
    """
    wanted = set(findings)
    repairs: list[tuple[Finding, tuple[Edit, ...]]] = []
    for finding, edits in linted.edits:
        own = tuple(edit for edit in edits if edit.file.path in linted.files and can_name(edit.file.path))
        if finding in wanted and own and _as_written(linted.tree, spec, own[0].file):
            repairs.append((finding, own))
    return verified(
        repairs,
        lambda changed: introduced(lint_tree(PatchedTree(linted.tree, changed)).findings, linted.findings),
    )


def _as_written(tree: SourceTree, spec: str, file: SourceFile) -> bool:
    """Whether a file has the very text that was read. A patch would not match one that has CR LF line ends, or a mark
    of its encoding before the text."""
    text = file.written.encode()
    try:
        if isinstance(tree, CommitTree):
            return tree.is_blob(file.path, text)
        if isinstance(tree, DirectoryTree):
            directory = Path(spec) if Path(spec).is_dir() else Path(spec).parent
            return (directory / file.path).read_bytes() == text
    except OSError:
        return False
    return True


# --- opening ----------------------------------------------------------------------------------------------


def _open(spec: str) -> SourceTree:
    """The tree that a SPEC names; for a patch or a mail that of the files it adds."""
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
    """The files that a patch adds, as a tree of its own; the patch may be quoted in a reply."""
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
    done = apply_patch(nothing(), added, name)
    for rejected in (*done.rejected, *(part for mail in mails for part in missing_parts(mail, done))):
        print(f"{rejected.path}: {rejected.header}: {rejected.reason}", file=sys.stderr)
    for missing in (said for mail in mails for said in missing_patches(mail)):
        print(f"{name}: {missing}", file=sys.stderr)
    done.tree.changes[done.tree.root] = included(added)
    return done.tree
