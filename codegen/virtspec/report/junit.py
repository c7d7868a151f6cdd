"""Findings as JUnit XML, which nearly every CI service shows: one suite a rule, one failed case a finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from virtspec.diagnostics import Severity
from virtspec.report.findings import Finding
from virtspec.report.text import finding_text

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def findings_junit(findings: Sequence[Finding], fail_on: Severity, name: str = "virtspec.lint") -> str:
    """A document; findings below `fail_on` are skipped cases. Where nothing was found, one case has passed."""
    suites: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        suites.setdefault((finding.rule, finding.name), []).append(finding)
    failures = sum(f.severity >= fail_on for f in findings)
    total = len(findings) or 1
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(
        f'<testsuites name={_attribute(name)} tests="{total}" failures="{failures}" errors="0" '
        f'skipped="{len(findings) - failures}">'
    )
    for (rule, title), found in sorted(suites.items()):
        lines += _suite(f"{rule} {title}", found, fail_on, name)
    if not findings:
        lines.append(f'  <testsuite name={_attribute(name)} tests="1" failures="0" errors="0" skipped="0">')
        lines.append(f'    <testcase classname={_attribute(name)} name="nothing found"/>')
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suite(title: str, findings: list[Finding], fail_on: Severity, name: str) -> list[str]:
    failures = sum(f.severity >= fail_on for f in findings)
    counts = f'tests="{len(findings)}" failures="{failures}" errors="0" skipped="{len(findings) - failures}"'
    lines = [f"  <testsuite name={_attribute(title)} {counts}>"]
    for finding in findings:
        place = f"{finding.file}:{finding.line}:{finding.column}" if finding.line else finding.file
        case = f"{place} {finding.message}"
        lines.append(f"    <testcase classname={_attribute(f'{name}.{finding.rule}')} name={_attribute(case)}>")
        message = _attribute(finding.message)
        if finding.severity >= fail_on:
            kind = _attribute(finding.severity.label)
            lines.append(f"      <failure type={kind} message={message}>{_text(finding_text(finding))}</failure>")
        else:
            lines.append(f"      <skipped message={message}/>")
        lines.append("    </testcase>")
    lines.append("  </testsuite>")
    return lines


def _attribute(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text))


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
