"""A diff report as Markdown, for the description of a pull request or a comment on it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diff.change import Change, Verdict, counted
from virtspec.report.diff_view import Group, grouped, layout_lines, sample_lines, summary
from virtspec.report.findings import Finding
from virtspec.report.outcome import Report, Step

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@])")

_WORDS = {
    Verdict.BREAKING: "**breaking**",
    Verdict.UNDECIDED: "**undecided**",
    Verdict.COMPATIBLE: "compatible",
    Verdict.NONE: "none",
}


def diff_markdown(report: Report) -> str:
    """The report as Markdown."""
    return "\n".join(_lines(report)) + "\n"


def escape(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", "".join(c if c.isprintable() else " " for c in text))


def code(text: str) -> str:
    """A text as code within a line."""
    shown = "".join(c if c.isprintable() else " " for c in text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown or ' '}{space}{fence}"


def _lines(report: Report) -> Iterator[str]:
    yield f"## {_headline(report.total)}"
    yield ""
    if report.steps:
        yield "| patch | verdict |"
        yield "| --- | --- |"
        for step in report.steps:
            yield f"| {escape(step.title)} | {_headline(step)} |"
        yield ""
        for step in report.steps:
            yield f"### {escape(step.title)}"
            yield ""
            yield from _step(step, report)
        yield "### All patches together"
        yield ""
        yield from _notes(report.total)
        told = {c.fingerprint for s in report.steps for c in s.comparison.changes}
        rest = [c for c in report.total.comparison.changes if c.fingerprint not in told]
        yield from _groups(rest, report)
    else:
        yield from _step(report.total, report)
    if report.gone:
        yield f"Gone since the previous report: {counted(len(report.gone), 'finding')}."
        yield ""
        yield from (f"- {g['rule']} {escape(g['message'])}" for g in report.gone)
        yield ""
    if report.stale:
        yield "Suppressions that answer nothing:"
        yield ""
        yield from (f"- {escape(s)}" for s in report.stale)


def _headline(step: Step) -> str:
    comparison = step.comparison
    if not step.complete:
        found = summary(comparison) if comparison.changes else "nothing found in what was compared"
        return f"INCOMPLETE, not a verdict: {found}"
    return f"Wire changes: {summary(comparison)}"


def _step(step: Step, report: Report) -> Iterator[str]:
    yield from _notes(step)
    yield from _groups(list(step.comparison.changes), report)
    if step.introduced or step.mended:
        yield "<details><summary>Findings of the linter</summary>"
        yield ""
        yield from (f"- introduced: {_finding(f)}" for f in step.introduced)
        yield from (f"- mended: {_finding(f)}" for f in step.mended)
        yield ""
        yield "</details>"
        yield ""


def _notes(step: Step) -> Iterator[str]:
    notes = [f"**Not applied**: {code(r.path)} {code(r.header[:80])}: {escape(r.reason)}" for r in step.rejected]
    notes += [f"**Cut short**: {code(r.path)} {code(r.header[:80])}: {escape(r.reason)}" for r in step.cut]
    notes += [f"**Missing**: {escape(missing)}" for missing in step.missing]
    notes += [
        f"**Not compared**: {code(str(g.place))} ({g.side} text): {escape(g.reason)}" for g in step.comparison.gaps
    ]
    notes += [f"Editorial: no fact has changed in {code(path)}" for path in step.prose]
    notes += [f"Suppressed: {s.change.rule} {code(s.change.subject)}: {escape(s.reason)}" for s in step.suppressed]
    if notes:
        yield from (f"- {note}" for note in notes)
        yield ""


def _groups(changes: list[Change], report: Report) -> Iterator[str]:
    for verdict in (Verdict.BREAKING, Verdict.UNDECIDED, Verdict.COMPATIBLE):
        groups = [g for g in grouped(changes) if max(c.verdict for c in g.changes) is verdict]
        if not groups:
            continue
        yield f"#### {str(verdict).capitalize()}"
        yield ""
        for group in groups:
            yield from _group(group, report)


def _group(group: Group, report: Report) -> Iterator[str]:
    for change in group.changes:
        status = report.status.get(change.fingerprint)
        mark = f" *{status}*" if status else ""
        yield (
            f"- {_WORDS[change.verdict]} {change.rule} {change.name} ({change.class_}){mark}: "
            f"{code(change.subject)} {escape(change.message)} ({code(str(change.place))})"
        )
        if change.evidence:
            yield f"  taken for the same: {escape(', '.join(change.evidence))}"
    lines = layout_lines(group.layout, 100) if group.layout is not None else []
    if group.sample is not None:
        lines += sample_lines(group.sample)
    if lines:
        yield ""
        # indented code cannot be closed by what it holds
        yield from (f"      {line}".rstrip() for line in lines)
    yield ""


def _finding(finding: Finding) -> str:
    return f"{code(f'{finding.file}:{finding.line}')} {finding.rule} {finding.name}: {escape(finding.message)}"
