"""A diff report for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.diagnostics import printable
from virtspec.diff.change import Change, Verdict, counted
from virtspec.report.diff_view import Group, grouped, layout_lines, sample_lines, summary
from virtspec.report.findings import Finding
from virtspec.report.outcome import Report, Step

WIDTH = 112

_COLOURS = {Verdict.BREAKING: "1;31", Verdict.UNDECIDED: "1;33", Verdict.COMPATIBLE: "32", Verdict.NONE: "32"}


def diff_text(report: Report, *, colour: bool = False) -> str:
    """The report as text; with `colour` the verdicts stand out."""
    return "\n".join(_Writer(report, colour=colour).lines()) + "\n"


class _Writer:
    def __init__(self, report: Report, *, colour: bool) -> None:
        self.report = report
        self.colour = colour

    def paint(self, verdict: Verdict, text: str) -> str:
        return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if self.colour else text

    def lines(self) -> Iterator[str]:
        report = self.report
        for number, step in enumerate(report.steps, 1):
            yield f"=== {number}/{len(report.steps)} {printable(step.title)}"
            yield from self.step(step)
            yield ""
        if report.steps:
            yield f"=== all {len(report.steps)} patches together"
        yield from self.step(report.total, brief=bool(report.steps))
        if report.gone:
            yield ""
            yield f"gone since the previous report: {counted(len(report.gone), 'finding')}"
            yield from (f"  {g['rule']} {g['name']}: {printable(g['message'])}" for g in report.gone)
        for stale in report.stale:
            yield f"stale suppression: {printable(stale)}"

    def step(self, step: Step, *, brief: bool = False) -> Iterator[str]:
        """One comparison; `brief` leaves out what the patches of the series have told."""
        comparison = step.comparison
        shown = list(comparison.changes)
        if brief:
            told = {c.fingerprint for s in self.report.steps for c in s.comparison.changes}
            shown = [c for c in shown if c.fingerprint not in told]
        for group in grouped(shown):
            yield from self.group(group)
            yield ""
        if not brief:
            yield from _notes(step)
        for suppressed in step.suppressed:
            change = suppressed.change
            yield f"suppressed: {change.rule} {printable(change.subject)}: {printable(suppressed.reason)}"
        for word, some in (("not applied", step.rejected), ("cut short", step.cut)):
            for rejected in some:
                yield f"{word}: {printable(rejected.path)}: {printable(rejected.header[:80])}"
                yield f"    line {rejected.at + 1} of the message: {printable(rejected.reason)}"
        for missing in step.missing:
            yield f"missing: {missing}"
        for gap in comparison.gaps:
            yield f"not compared: {printable(str(gap.place))} ({gap.side} text): {printable(gap.reason)}"
        yield self.verdict(step)

    def verdict(self, step: Step) -> str:
        comparison = step.comparison
        if step.complete:
            return f"verdict: {self.paint(comparison.verdict, summary(comparison))}"
        found = summary(comparison) if comparison.changes else "nothing found in what was compared"
        return f"INCOMPLETE, not a verdict: {found}"

    def group(self, group: Group) -> Iterator[str]:
        for change in group.changes:
            yield from self.change(change)
        if group.layout is not None:
            yield from (f"    {line}" for line in layout_lines(group.layout, WIDTH - 4))
        if group.sample is not None:
            yield from (f"    {line}" for line in sample_lines(group.sample))

    def change(self, change: Change) -> Iterator[str]:
        status = self.report.status.get(change.fingerprint)
        mark = f" [{status}]" if status else ""
        head = f"{change.rule} {change.name}: {printable(change.subject)}: {printable(change.message)}"
        place = printable(str(change.place))
        yield f"{place}: {self.paint(change.verdict, str(change.verdict))}: {head} [{change.class_}]{mark}"
        if change.old_place.file and change.new_place.file and change.old_place != change.new_place:
            yield f"    was at {printable(str(change.old_place))}"
        if change.evidence:
            yield f"    taken for the same: {', '.join(change.evidence)}"


def _notes(step: Step) -> Iterator[str]:
    """What a patch does besides changing facts."""
    yield from (f"introduced: {_finding(finding)}" for finding in step.introduced)
    yield from (f"mended: {_finding(finding)}" for finding in step.mended)
    if step.introduced or step.mended:
        yield ""
    for moved in step.moved:
        how = f"{abs(moved.offset)} lines {'down' if moved.offset > 0 else 'up'}" if moved.offset else "in place"
        fuzz = f", with fuzz {moved.fuzz}" if moved.fuzz else ""
        yield f"note: {printable(moved.path)}: {printable(moved.header[:60])}: applied {how}{fuzz}"
    yield from (f"editorial: {printable(path)}: no fact has changed" for path in step.prose)
    yield from (f"note: {printable(path)}: no source of the text, not compared" for path in step.ignored)


def _finding(finding: Finding) -> str:
    place = printable(f"{finding.file}:{finding.line}")
    return f"{place}: {finding.severity.label}: {finding.rule} {finding.name}: {printable(finding.message)}"
