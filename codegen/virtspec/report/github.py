"""Findings as the workflow commands that GitHub shows as annotations beside the changed lines."""

from __future__ import annotations

from collections.abc import Iterable

from virtspec.diagnostics import Severity
from virtspec.report.findings import Finding

_COMMANDS = {Severity.NOTE: "notice", Severity.WARNING: "warning", Severity.ERROR: "error", Severity.FATAL: "error"}


def findings_github(findings: Iterable[Finding]) -> str:
    """One command a line."""
    return "".join(f"{_command(f)}\n" for f in findings)


def _command(finding: Finding) -> str:
    properties = [f"file={_property(finding.file)}"]
    if finding.line:
        properties += [f"line={finding.line}", f"col={max(1, finding.column)}"]
    properties.append(f"title={_property(f'{finding.rule} {finding.name}')}")
    message = f"{finding.message}\nin {finding.subject}" if finding.subject else finding.message
    if finding.hint:
        message += f"\nhint: {finding.hint}"
    return f"::{_COMMANDS[finding.severity]} {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    """The text of a command: what would end it is escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The value of a property: what would end it or begin the next one is escaped."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
