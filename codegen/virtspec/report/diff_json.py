"""A diff report as JSON (`virtspec.diff/1`): one document, byte-identical from run to run."""

from __future__ import annotations

import json
from typing import Any

from virtspec.diff.change import CLASSES, Cell, Change, Comparison, LayoutPair, Sample
from virtspec.model import Coverage, Place
from virtspec.report.findings_json import finding_json
from virtspec.report.outcome import Report, Step
from virtspec.review.apply import Rejected

DIFF_SCHEMA = "virtspec.diff/1"


def diff_json(report: Report) -> str:
    """The document that `virtspec diff --format json` and `virtspec review --format json` print."""
    total = report.total
    document: dict[str, Any] = {"schema": DIFF_SCHEMA, **_step(total, report)}
    document["complete"] = report.complete
    if report.steps:
        document["patches"] = [_step(step, report) for step in report.steps]
    if report.gone:
        document["gone"] = list(report.gone)
    if report.stale:
        document["stale_suppressions"] = list(report.stale)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _step(step: Step, report: Report) -> dict[str, Any]:
    comparison = step.comparison
    document: dict[str, Any] = {
        "title": step.title,
        "old": comparison.old_name,
        "new": comparison.new_name,
        "verdict": str(comparison.verdict),
        "verdicts": {class_: str(comparison.verdict_of(class_)) for class_ in CLASSES},
        "complete": step.complete,
        "changes": [_change(c, report.status) for c in comparison.changes],
        "coverage": _coverage(comparison),
    }
    if step.rejected or step.cut:
        document["rejected"] = [_rejected(r) for r in (*step.rejected, *step.cut)]
    if step.missing:
        document["missing"] = list(step.missing)
    if step.moved:
        document["moved"] = [{"file": m.path, "hunk": m.header, "offset": m.offset, "fuzz": m.fuzz} for m in step.moved]
    if step.prose:
        document["prose_only"] = list(step.prose)
    if step.ignored:
        document["ignored"] = list(step.ignored)
    if step.suppressed:
        document["suppressed"] = [{**_change(s.change, {}), "reason": s.reason} for s in step.suppressed]
    document["lint"] = {
        "introduced": [finding_json(f) for f in step.introduced],
        "mended": [finding_json(f) for f in step.mended],
    }
    return document


def _rejected(rejected: Rejected) -> dict[str, Any]:
    return {"file": rejected.path, "hunk": rejected.header, "line": rejected.at + 1, "reason": rejected.reason}


def _coverage(comparison: Comparison) -> dict[str, Any]:
    return {
        "complete": comparison.complete,
        "gaps": [
            {"side": g.side, "source": str(g.place), "reason": g.reason, "hides": g.hides} for g in comparison.gaps
        ],
        "old": _tallies(comparison.old_coverage),
        "new": _tallies(comparison.new_coverage),
    }


def _tallies(coverage: Coverage) -> dict[str, Any]:
    tallies: dict[str, Any] = {
        what: {"total": t.total, "read": t.read, "opaque": t.opaque} for what, t in coverage.tallies
    }
    tallies["skipped"] = [{"source": str(s.place), "what": s.what, "reason": s.reason} for s in coverage.skipped]
    return tallies


def _side(value: Any, place: Place) -> Any:
    if isinstance(value, dict) and place.file:
        return {**value, "source": str(place)}
    return value


def _change(change: Change, status: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "rule": change.rule,
        "name": change.name,
        "class": change.class_,
        "verdict": str(change.verdict),
        "subject": change.subject,
        "old": _side(change.old, change.old_place),
        "new": _side(change.new, change.new_place),
        "message": change.message,
        "file": change.place.file,
        "line": change.place.line,
        "fingerprint": change.fingerprint,
        "why": change.why,
    }
    if change.evidence:
        document["evidence"] = list(change.evidence)
    if change.fingerprint in status:
        document["status"] = status[change.fingerprint]
    if change.layout is not None:
        document["layout"] = _layout(change.layout)
    if change.sample is not None:
        document["sample"] = _sample(change.sample)
    return document


def _layout(pair: LayoutPair) -> dict[str, Any]:
    return {
        "old_size": pair.old_size,
        "new_size": pair.new_size,
        "rows": [{"mark": r.mark, "old": _cell(r.old), "new": _cell(r.new)} for r in pair.rows],
    }


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    document: dict[str, Any] = {"offset": cell.offset, "size": cell.size, "type": cell.type, "name": cell.name}
    if cell.bit_offset is not None:
        document |= {"bit_offset": cell.bit_offset, "bit_size": cell.bit_size}
    return document


def _sample(sample: Sample) -> dict[str, Any]:
    document: dict[str, Any] = {
        "value": dict(sample.value),
        "old": None if sample.old is None else sample.old.hex(),
        "new": None if sample.new is None else sample.new.hex(),
    }
    if sample.note:
        document["note"] = sample.note
    return document
