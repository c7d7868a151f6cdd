"""Findings as JSON (`virtspec.lint/1`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from virtspec.report.findings import Finding

LINT_SCHEMA = "virtspec.lint/1"


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding."""
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.label,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "subject": finding.subject,
        "message": finding.message,
        "hint": finding.hint,
        "fingerprint": finding.fingerprint,
    }


def findings_json(findings: Iterable[Finding], coverage: dict[str, Any]) -> str:
    """The document that `virtspec lint --format json` prints."""
    document = {
        "schema": LINT_SCHEMA,
        "findings": [finding_json(f) for f in findings],
        "coverage": coverage,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
