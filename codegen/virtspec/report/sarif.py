"""Findings as SARIF 2.1.0, which code-scanning services read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from virtspec import __version__
from virtspec.diagnostics import Severity
from virtspec.report.findings import Finding, RuleInfo

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS = {Severity.NOTE: "note", Severity.WARNING: "warning", Severity.ERROR: "error", Severity.FATAL: "error"}


def findings_sarif(findings: Sequence[Finding], rules: Iterable[RuleInfo]) -> str:
    """A log with one run. Of the rules, those are described that have findings."""
    found = {f.rule for f in findings}
    described = [r for r in rules if r.id in found]
    index = {rule.id: number for number, rule in enumerate(described)}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "virtspec",
                        "semanticVersion": __version__,
                        "rules": [_rule(rule) for rule in described],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"ROOT": {"description": {"text": "The top of the specification's sources."}}},
                "results": [_result(f, index) for f in findings],
            }
        ],
    }
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _rule(rule: RuleInfo) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.purpose or rule.name},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if rule.help:
        described["help"] = {"text": rule.help, "markdown": rule.help}
    return described


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {
        "artifactLocation": {"uri": quote(finding.file, safe="/"), "uriBaseId": "ROOT"},
    }
    if finding.line:
        region: dict[str, Any] = {"startLine": finding.line, "startColumn": max(1, finding.column)}
        if finding.excerpt:
            region["snippet"] = {"text": finding.excerpt}
        location["region"] = region
    message = f"{finding.message} (in {finding.subject})" if finding.subject else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{message}; {finding.hint}" if finding.hint else message},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"virtspec/v1": finding.fingerprint},
    }
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    if finding.subject:
        result["locations"][0]["logicalLocations"] = [{"fullyQualifiedName": finding.subject}]
    return result
