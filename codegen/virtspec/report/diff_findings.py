"""A diff report as SARIF and as JUnit, through the findings that the writers of these formats know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from virtspec.diagnostics import Severity
from virtspec.diff.change import Change, Threshold, Verdict
from virtspec.diff.rules import RULES
from virtspec.report.findings import Finding, RuleInfo
from virtspec.report.junit import findings_junit
from virtspec.report.outcome import Report
from virtspec.report.sarif import findings_sarif

_SEVERITY = {
    Verdict.BREAKING: Severity.ERROR,
    Verdict.UNDECIDED: Severity.WARNING,
    Verdict.COMPATIBLE: Severity.NOTE,
    Verdict.NONE: Severity.NOTE,
}

_INCOMPLETE = (
    RuleInfo(id="VD001", name="not-applied", severity=Severity.ERROR, purpose="A part of the patch does not apply."),
    RuleInfo(id="VD002", name="not-compared", severity=Severity.ERROR, purpose="A part of the text was not read."),
)
"""What keeps a report from being a verdict. It must not look like a clean one in any format."""


def diff_sarif(report: Report) -> str:
    """The report as SARIF 2.1.0."""
    infos = [
        RuleInfo(
            id=rule.id,
            name=rule.name,
            severity=_SEVERITY[rule.verdicts[0]],
            purpose=f"{rule.purpose[0].upper()}{rule.purpose[1:]}.",
            help=rule.why,
        )
        for rule in RULES.values()
    ]
    findings = [*_problems(report), *map(_finding, report.total.comparison.changes)]
    return findings_sarif(findings, [*_INCOMPLETE, *infos])


def diff_junit(report: Report, threshold: Threshold) -> str:
    """The report as JUnit XML; what is at or above the threshold has failed."""
    findings = list(_problems(report))
    for change in report.total.comparison.changes:
        failed = replace(report.total.comparison, changes=(change,)).exceeds(threshold)
        findings.append(replace(_finding(change), severity=Severity.ERROR if failed else Severity.NOTE))
    return findings_junit(findings, Severity.ERROR, "virtspec.diff")


def _finding(change: Change) -> Finding:
    return Finding(
        rule=change.rule,
        name=change.name,
        severity=_SEVERITY[change.verdict],
        file=change.place.file,
        line=change.place.line,
        message=f"{change.verdict} ({change.class_}): {change.message}",
        subject=change.subject,
        hint=change.why,
        fingerprint=change.fingerprint,
    )


def _problems(report: Report) -> Iterator[Finding]:
    if report.complete:
        return
    parts = (report.total, *report.steps)
    # what is wrong with one patch of a series only is not seen in the sum
    for rejected in dict.fromkeys(r for part in parts for r in (*part.rejected, *part.cut)):
        yield Finding(
            rule="VD001",
            name="not-applied",
            severity=Severity.ERROR,
            file=rejected.path,
            line=0,
            message=f"{rejected.header}: {rejected.reason}",
        )
    for missing, file in dict.fromkeys(
        (m, part.mail.files[0].path) for part in parts if part.mail for m in part.missing
    ):
        yield Finding(rule="VD001", name="not-applied", severity=Severity.ERROR, file=file, line=0, message=missing)
    for gap in dict.fromkeys(gap for part in parts for gap in part.comparison.gaps):
        yield Finding(
            rule="VD002",
            name="not-compared",
            severity=Severity.ERROR,
            file=gap.place.file,
            line=gap.place.line,
            message=f"{gap.side} text: {gap.reason}",
        )
