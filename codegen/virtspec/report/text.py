"""Findings as compilers print them: place and message, the line with a caret, a hint; and a line that counts them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from virtspec.diagnostics import Severity, printable
from virtspec.report.findings import Finding

WIDTH = 110
"""How much of a line of the source is shown, in characters."""


def findings_text(findings: Iterable[Finding]) -> str:
    """All findings, one after the other."""
    return "\n".join(finding_text(f) for f in findings)


def finding_text(finding: Finding) -> str:
    """One finding with its source line."""
    place = f"{finding.file}:{finding.line}:{finding.column}" if finding.line else finding.file
    parts = [
        f"{printable(place)}: {finding.severity.label}: {finding.rule} {finding.name}: {printable(finding.message)}"
    ]
    if finding.subject:
        parts.append(f"  in {printable(finding.subject)}")
    if finding.excerpt.strip():
        shown, caret = _window(finding.excerpt, finding.column)
        parts += [f"    {shown}", f"    {' ' * caret}^"]
    if finding.hint:
        parts.append(f"  hint: {printable(finding.hint)}")
    return "\n".join(parts)


def summary(findings: Sequence[Finding]) -> str:
    """How many findings there are of each severity: `2 errors, 1 warning`."""
    counted = [
        (sum(f.severity == s for f in findings), s.label) for s in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    ]
    named = [f"{number} {label}{'s' if number > 1 else ''}" for number, label in counted if number]
    return ", ".join(named) or "nothing found"


def _window(line: str, column: int) -> tuple[str, int]:
    """A printable part of a line around a column, and where the caret belongs in it."""
    start = 0 if column <= WIDTH else column - WIDTH // 2
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + WIDTH])
    return shown, min(max(column - 1 - start, 0), len(shown))
