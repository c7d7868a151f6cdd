"""What people have decided about findings: an earlier report, and a file of suppressions with their reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from virtspec.compat import tomllib
from virtspec.diagnostics import SpecError
from virtspec.diff.change import Change
from virtspec.report.outcome import Report, Step, Suppressed

MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One entry: a fingerprint, or a rule with a subject (in which `*` stands for anything), and the reason."""

    reason: str
    fingerprint: str = ""
    rule: str = ""
    subject: str = ""

    def answers(self, change: Change) -> bool:
        if self.fingerprint:
            return change.fingerprint == self.fingerprint
        return change.rule == self.rule and fnmatchcase(change.subject, self.subject)

    def __str__(self) -> str:
        what = self.fingerprint or f"{self.rule} {self.subject}"
        return f"{what} ({self.reason})"


def load_suppressions(path: Path) -> tuple[Suppression, ...]:
    """The entries of a suppression file. Raises `SpecError` for one without a reason, or that says nothing."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: {error}") from None
    entries = document.get("suppress", [])
    if not isinstance(entries, list) or document.keys() - {"suppress"}:
        raise SpecError(f"{path}: expected a list of tables [[suppress]] and nothing else")
    return tuple(_suppression(entry, f"{path}: entry {number}") for number, entry in enumerate(entries, 1))


def _suppression(entry: Any, where: str) -> Suppression:
    known = {"reason", "fingerprint", "rule", "subject"}
    if not isinstance(entry, dict) or not all(isinstance(v, str) for v in entry.values()) or entry.keys() - known:
        raise SpecError(f"{where}: expected the texts {', '.join(sorted(known))}")
    if not entry.get("reason", "").strip():
        raise SpecError(f"{where}: has no reason; say why the finding is all right")
    if not entry.get("fingerprint") and not (entry.get("rule") and entry.get("subject")):
        raise SpecError(f"{where}: give a fingerprint, or a rule and a subject")
    return Suppression(**entry)


def suppress(report: Report, entries: tuple[Suppression, ...]) -> Report:
    """The report without what the entries answer; entries that answered nothing are told."""
    used: set[Suppression] = set()

    def apply(step: Step) -> Step:
        kept: list[Change] = []
        gone: list[Suppressed] = []
        for change in step.comparison.changes:
            entry = next((e for e in entries if e.answers(change)), None)
            if entry is None:
                kept.append(change)
            else:
                used.add(entry)
                gone.append(Suppressed(change=change, reason=entry.reason))
        comparison = replace(step.comparison, changes=tuple(kept))
        return replace(step, comparison=comparison, suppressed=tuple(gone))

    total = apply(report.total)
    steps = tuple(apply(step) for step in report.steps)
    stale = tuple(str(e) for e in entries if e not in used)
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
    if not isinstance(document, dict) or document.get("schema") != "virtspec.diff/1":
        raise SpecError(f'{path}: no report: its "schema" is not "virtspec.diff/1"; write one with --format json')
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
