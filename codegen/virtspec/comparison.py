"""The order of the passes for comparisons: read both sides, compare them, and for a patch apply it before.

open → read → compare → triage                 diff
message → hunks → apply → read → compare       review, for each patch and for all of them together
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from virtspec import pipeline
from virtspec.diagnostics import Sink, SpecError
from virtspec.diff.change import Comparison
from virtspec.diff.compare import compare_specs
from virtspec.inputs import open_source
from virtspec.model import Spec
from virtspec.report.findings import Finding
from virtspec.report.outcome import Report, Step
from virtspec.review.apply import Applied, apply_patch, included, nothing
from virtspec.review.mail import PatchMail
from virtspec.review.whole import missing_parts, missing_patches
from virtspec.source import SourceError, SourceTree, TextTree


@dataclass(slots=True)
class Reading:
    """One side: its model, and the findings about its text where the linter was asked."""

    name: str
    spec: Spec
    findings: tuple[Finding, ...] = ()


def read_side(spec: str) -> Reading:
    """One side of a comparison from a SPEC argument. Raises `SpecError` where it cannot be trusted as a whole."""
    if spec.endswith(".json"):
        model = pipeline.read_spec(spec, Sink())
        pipeline.check_layouts(model)
        return Reading(spec, model)
    return read_source(open_tree(spec), spec)


def open_tree(spec: str) -> SourceTree:
    """The source tree that a SPEC argument names. Raises `SpecError` where there is none."""
    try:
        return open_source(spec)
    except SourceError as error:
        raise SpecError(str(error)) from None


def read_source(tree: SourceTree, name: str = "", *, lint: bool = False) -> Reading:
    """One side of a comparison from a source tree. Raises `SpecError` where it cannot be trusted as a whole."""
    sink = Sink()
    document, spec = pipeline.read_tree(tree, sink, pipeline.edition_of(name or tree.name))
    pipeline.require_readable(sink)
    layouts = pipeline.check_layouts(spec)
    findings: tuple[Finding, ...] = ()
    if lint:
        from virtspec.lint.run import lint_document

        linted = lint_document(document, spec, layouts, sink)
        # what is wrong with our own annotations is not the text's fault
        findings = tuple(f for f in linted.findings if f.file in document.files)
    return Reading(name or tree.name, spec, findings)


def _read_all(reads: Sequence[Callable[[], Reading]]) -> list[Reading]:
    """Several sides, half of them in another process: reading takes most of the time of a comparison."""
    if len(reads) < 2 or not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        return [read() for read in reads]
    half = len(reads) // 2
    inlet, outlet = os.pipe()
    child = os.fork()
    if not child:
        os.close(inlet)
        _send(outlet, reads[half:])
    os.close(outlet)
    with open(inlet, "rb") as stream:
        try:
            mine = [read() for read in reads[:half]]
        finally:
            data = stream.read()
            os.waitpid(child, 0)
    try:
        # written by this very program, in a process of its own
        theirs: list[Reading] | SpecError = pickle.loads(data)  # noqa: S301
    except (EOFError, pickle.UnpicklingError):
        return mine + [read() for read in reads[half:]]
    if isinstance(theirs, SpecError):
        raise theirs
    return mine + theirs


def _send(outlet: int, reads: Sequence[Callable[[], Reading]]) -> NoReturn:
    """Read in the child process, and hand the result or the error to the parent. An answer that is none says that it
    failed in some other way: the parent then does it itself, and meets the error where it can be told."""
    try:
        result: list[Reading] | SpecError
        try:
            result = [read() for read in reads]
        except SpecError as error:
            result = error
        with open(outlet, "wb") as stream:
            stream.write(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
    finally:
        os._exit(0)


def read_text(text: str, name: str = "text.tex") -> Reading:
    """One side of a comparison from the text of a single file."""
    return read_source(TextTree(text, name), name)


def compare_readings(old: Reading, new: Reading) -> Comparison:
    """The findings about two sides."""
    return compare_specs(old.spec, new.spec, old.name, new.name)


def diff(old: str, new: str) -> Report:
    """What `virtspec diff` reports."""
    one, other = _read_all([partial(read_side, old), partial(read_side, new)])
    return Report(total=Step(title=f"{one.name} → {other.name}", comparison=compare_readings(one, other)))


def review(mails: Sequence[PatchMail], base: str) -> Report:
    """What `virtspec review` reports: each patch against what the ones before it made, and all of them together.

    Without a base, the files that the patches add are read by themselves.
    """
    if base.endswith(".json"):
        raise SpecError(f"{base}: a patch applies to the LaTeX sources: name a directory, a .tex file or REPO@REV")
    tree = open_tree(base) if base else nothing()
    applied: list[Applied] = []
    name = base or tree.name
    reads = [partial(read_source, tree, name, lint=True)]
    for number, mail in enumerate(mails, 1):
        applied.append(apply_patch(tree, mail.files, f"{name} + {mail.title}"))
        tree = applied[-1].tree
        if not base:
            tree.changes[tree.root] = included([p for m in mails[:number] for p in m.files])
        reads.append(partial(read_source, tree, tree.name, lint=True))
    readings = _read_all(reads)
    steps = [_step(*step) for step in zip(mails, applied, readings, readings[1:], strict=False)]
    if len(steps) == 1:
        return Report(total=steps[0])
    first, last = readings[0], readings[-1]
    title = f"{name} + {len(steps)} patches"
    introduced, mended = lint_difference(first, last)
    total = Step(
        title=title,
        comparison=compare_specs(first.spec, last.spec, name, title),
        rejected=tuple(r for step in steps for r in step.rejected),
        moved=tuple(m for step in steps for m in step.moved),
        ignored=tuple(i for step in steps for i in step.ignored),
        cut=tuple(c for step in steps for c in step.cut),
        missing=tuple(m for step in steps for m in step.missing),
        introduced=introduced,
        mended=mended,
    )
    return Report(total=total, steps=tuple(steps))


def _step(mail: PatchMail, applied: Applied, old: Reading, new: Reading) -> Step:
    introduced, mended = lint_difference(old, new)
    comparison = replace(compare_readings(old, new), new_name=f"{old.name} + {mail.title}")
    found = {place.file for c in comparison.changes for place in (c.old_place, c.new_place)}
    changed = [p.path for p in mail.files if p.path in applied.lines and p.path.endswith(".tex")]
    return Step(
        title=mail.title,
        comparison=comparison,
        prose=tuple(path for path in dict.fromkeys(changed) if path not in found),
        mail=mail,
        rejected=tuple(applied.rejected),
        moved=tuple(applied.moved),
        ignored=tuple(applied.ignored),
        cut=tuple(missing_parts(mail, applied)),
        missing=tuple(missing_patches(mail)),
        introduced=introduced,
        mended=mended,
        lines=applied.lines,
        removed=applied.removed,
    )


# --- lint -------------------------------------------------------------------------------------------------


def lint_difference(old: Reading, new: Reading) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The linter's findings that only the new side has, and those that only the old side has."""
    known, come = {f.fingerprint for f in old.findings}, {f.fingerprint for f in new.findings}
    return (
        tuple(f for f in new.findings if f.fingerprint not in known),
        tuple(f for f in old.findings if f.fingerprint not in come),
    )
