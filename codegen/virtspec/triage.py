"""What people have decided about a report: what an earlier one had, and what a file of suppressions sets aside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from virtspec.diagnostics import SpecError
from virtspec.report.diff_json import DIFF_SCHEMA
from virtspec.report.outcome import Report, Step, Suppressed
from virtspec.suppressions import Suppression, sift

MAX_BYTES = 64 << 20


def suppress(report: Report, suppressions: tuple[Suppression, ...]) -> Report:
    """The report without what suppressions match; those that match nothing are told.

    Those of the linter's rules are not: they may be about text that the patch leaves alone.
    """
    used: set[Suppression] = set()

    def apply(step: Step) -> Step:
        changes, aside = sift(step.comparison.changes, suppressions)
        introduced, known = sift(step.introduced, suppressions)
        used.update(suppression for _, suppression in (*aside, *known))
        return replace(
            step,
            comparison=replace(step.comparison, changes=changes),
            introduced=introduced,
            suppressed=tuple(Suppressed(change=change, reason=s.reason) for change, s in aside),
        )

    total = apply(report.total)
    steps = tuple(apply(step) for step in report.steps)
    stale = tuple(str(s) for s in suppressions if s not in used and not s.rule.startswith("VS"))
    return replace(report, total=total, steps=steps, stale=stale)


def load_previous(path: Path) -> list[dict[str, Any]]:
    """The findings of an earlier report in JSON, those of its patches too. Raises `SpecError`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(f"{path}: larger than {MAX_BYTES} bytes, no report")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != DIFF_SCHEMA:
        raise SpecError(f'{path}: no report: its "schema" is not "{DIFF_SCHEMA}"; write one with --format json')
    found: dict[str, dict[str, Any]] = {}
    parts = [document, *(p for p in document.get("patches", []) if isinstance(p, dict))]
    for part in parts:
        for change in part.get("changes", []):
            if isinstance(change, dict) and isinstance(change.get("fingerprint"), str):
                found.setdefault(change["fingerprint"], change)
    return list(found.values())


def compare_previous(report: Report, previous: list[dict[str, Any]]) -> Report:
    """The report with its findings marked as new or discussed, and the earlier ones that are gone."""
    now = {c.fingerprint for step in (report.total, *report.steps) for c in step.comparison.changes}
    now |= {s.change.fingerprint for step in (report.total, *report.steps) for s in step.suppressed}
    before = {p["fingerprint"] for p in previous}
    gone = tuple(
        {key: str(p.get(key, "")) for key in ("rule", "name", "subject", "message", "fingerprint")}
        for p in previous
        if p["fingerprint"] not in now
    )
    return replace(report, status={f: "discussed" if f in before else "new" for f in sorted(now)}, gone=gone)
