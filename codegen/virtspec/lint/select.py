"""Which findings count: what is new against another run, and what a file of suppressions sets aside, with reasons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from virtspec.compat import tomllib
from virtspec.diagnostics import Severity, SpecError
from virtspec.report.findings import Finding, identity

LINT_SCHEMA = "virtspec.lint/1"

_SUPPRESSION = frozenset({"rule", "file", "subject", "message", "fingerprint", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Findings to set aside: those that match everything given here. `file`, `subject` and `message` are globs."""

    rule: str
    reason: str
    file: str = "*"
    subject: str = "*"
    message: str = "*"
    fingerprint: str = ""

    def matches(self, finding: Finding) -> bool:
        return (
            finding.rule == self.rule
            and fnmatchcase(finding.file, self.file)
            and fnmatchcase(finding.subject, self.subject)
            and fnmatchcase(finding.message, self.message)
            and self.fingerprint in ("", finding.fingerprint)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The findings that are left, how many were set aside, and the entries that matched nothing."""

    findings: tuple[Finding, ...]
    aside: int
    stale: tuple[str, ...]


def introduced(findings: Sequence[Finding], known: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that another run does not have.

    Of several equal ones as many are new as there are more of them; those whose line stood in the other text are not.
    """
    numbers: Counter[tuple[str, str, str, str]] = Counter()
    lines: Counter[tuple[tuple[str, str, str, str], str]] = Counter()
    for finding in known:
        numbers[identity(finding)] += 1
        lines[identity(finding), finding.excerpt.strip()] += 1
    # first what stood there word for word, then what is left in order
    taken: set[int] = set()
    for exact in (True, False):
        for index, finding in enumerate(findings):
            key = identity(finding)
            line = (key, finding.excerpt.strip())
            if index in taken or not numbers[key] or (exact and not lines[line]):
                continue
            lines[line] -= exact
            numbers[key] -= 1
            taken.add(index)
    return tuple(finding for index, finding in enumerate(findings) if index not in taken)


def against_baseline(findings: Sequence[Finding], baseline: Sequence[Finding]) -> Selection:
    """The findings that are not in a baseline, and the entries of it that are not found any more."""
    new = introduced(findings, baseline)
    gone = introduced(baseline, findings)
    stale = tuple(f"{f.file}: {f.rule} {f.name}: {f.message}" for f in gone)
    return Selection(findings=new, aside=len(findings) - len(new), stale=stale)


def suppress(findings: Sequence[Finding], suppressions: Sequence[Suppression]) -> Selection:
    """The findings that no suppression matches, and the suppressions that match nothing."""
    used: set[int] = set()
    left: list[Finding] = []
    for finding in findings:
        matching = [index for index, s in enumerate(suppressions) if s.matches(finding)]
        used.update(matching)
        if not matching:
            left.append(finding)
    stale = tuple(f"{s.rule} in {s.file}: {s.reason}" for index, s in enumerate(suppressions) if index not in used)
    return Selection(findings=tuple(left), aside=len(findings) - len(left), stale=stale)


def read_baseline(path: Path) -> tuple[Finding, ...]:
    """The findings of an earlier run: what `virtspec lint --format json` printed. Raises `SpecError`."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read as a baseline: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != LINT_SCHEMA:
        raise SpecError(f"{path}: is no baseline; make one with 'virtspec lint SPEC --format json > {path}'")
    try:
        return tuple(_finding(entry) for entry in document["findings"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpecError(f"{path}: is no baseline: {type(error).__name__}: {error}") from None


def _finding(entry: dict[str, Any]) -> Finding:
    return Finding(
        rule=str(entry["rule"]),
        name=str(entry["name"]),
        severity=Severity[str(entry["severity"]).upper()],
        file=str(entry["file"]),
        line=int(entry["line"]),
        message=str(entry["message"]),
        subject=str(entry["subject"]),
        fingerprint=str(entry["fingerprint"]),
    )


def read_suppressions(path: Path, rules: Iterable[str]) -> tuple[Suppression, ...]:
    """The suppressions of a TOML file with `[[suppress]]` tables. Raises `SpecError`."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from None
    entries = document.get("suppress", [])
    if not isinstance(entries, list) or set(document) - {"suppress"}:
        raise SpecError(f"{path}: holds '[[suppress]]' tables and nothing else")
    known = frozenset(rules)
    return tuple(_suppression(entry, f"{path}: suppression {number}", known) for number, entry in enumerate(entries, 1))


def _suppression(entry: object, where: str, rules: frozenset[str]) -> Suppression:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise SpecError(f"{where}: is no table of texts")
    unknown = set(entry) - _SUPPRESSION
    if unknown:
        raise SpecError(f"{where}: '{min(unknown)}' is not one of {', '.join(sorted(_SUPPRESSION))}")
    if entry.get("rule") not in rules:
        raise SpecError(f"{where}: needs the id of a rule; 'virtspec rules' lists them")
    if not entry.get("reason", "").strip():
        raise SpecError(f"{where}: needs a reason")
    return Suppression(**entry)
