"""Which findings count: what is new against another run, and what a file of suppressions sets aside, with reasons."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from virtspec.diagnostics import Severity, SpecError
from virtspec.report.findings import Finding, identity
from virtspec.report.findings_json import LINT_SCHEMA
from virtspec.suppressions import Suppression, sift

_FILE = re.compile(r"[\w./-]+\.\w+(?=[,) ]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The findings that are left, how many were set aside, and the entries that matched nothing."""

    findings: tuple[Finding, ...]
    aside: int
    stale: tuple[str, ...]


def introduced(findings: Sequence[Finding], known: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that another run does not have.

    Of several equal ones as many are new as there are more of them; those whose line stood in the other text are not,
    be it in another file, as when a chapter is split.
    """
    left, against = list(findings), list(known)
    for same in (_exact, _moved, identity):
        left, against = _unpaired(left, against, same), _unpaired(against, left, same)
    return tuple(left)


def _exact(finding: Finding) -> Hashable:
    return identity(finding), finding.excerpt.strip()


def _moved(finding: Finding) -> Hashable:
    """A finding and its line, in whatever file; the message may name files, too."""
    rule, _, subject, message = identity(finding)
    return rule, subject, _FILE.sub("", message), finding.excerpt.strip()


def _unpaired(
    findings: Sequence[Finding], others: Sequence[Finding], same: Callable[[Finding], Hashable]
) -> list[Finding]:
    """The findings without the first ones of each kind that the others have as many of."""
    numbers = Counter(map(same, others))
    left: list[Finding] = []
    for finding in findings:
        numbers[same(finding)] -= 1
        if numbers[same(finding)] < 0:
            left.append(finding)
    return left


def against_baseline(findings: Sequence[Finding], baseline: Sequence[Finding]) -> Selection:
    """The findings that are not in a baseline, and the entries of it that are not found any more."""
    new = introduced(findings, baseline)
    gone = introduced(baseline, findings)
    stale = tuple(f"{f.file}: {f.rule} {f.name}: {f.message}" for f in gone)
    return Selection(findings=new, aside=len(findings) - len(new), stale=stale)


def suppress(findings: Sequence[Finding], suppressions: tuple[Suppression, ...]) -> Selection:
    """The findings that no suppression matches, and the suppressions that match nothing."""
    left, aside = sift(findings, suppressions)
    used = {suppression for _, suppression in aside}
    return Selection(findings=left, aside=len(aside), stale=tuple(str(s) for s in suppressions if s not in used))


_MAKE_BASELINE = "'virtspec lint SPEC --format json > BASELINE.json' makes one"


def read_baseline(path: Path) -> tuple[Finding, ...]:
    """The findings of an earlier run: what `virtspec lint --format json` printed. Raises `SpecError`."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {(error.strerror or str(error)).lower()}; {_MAKE_BASELINE}") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read as a baseline: {error}; {_MAKE_BASELINE}") from None
    if not isinstance(document, dict) or document.get("schema") != LINT_SCHEMA:
        raise SpecError(f"{path}: is no baseline; {_MAKE_BASELINE}")
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
