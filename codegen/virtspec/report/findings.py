"""What a check found: the one shape in which lint, diff and review hand their results to the writers.

A finding stands on its own: it keeps the text of its line, so a writer needs no source. Its fingerprint depends on
what was found and in which file, never on a line number; it survives edits elsewhere and later versions of a patch.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from virtspec.diagnostics import Severity

_PLACE = re.compile(r"(?<=[A-Za-z0-9_]):[0-9]+(?::[0-9]+)?\b")
_LINE = re.compile(r"(?:, again on)?\blines? [0-9]+(?:, [0-9…]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found. `line` and `column` count from 1; 0 where the finding is about no particular line.

    `subject` is the entity it is about (`struct virtio_net_hdr`), `hint` says what to do, `excerpt` is the text of the
    line. `fingerprint` is empty until `with_fingerprints` has seen all findings of a run.
    """

    rule: str
    name: str
    severity: Severity
    file: str
    line: int
    message: str
    column: int = 1
    subject: str = ""
    hint: str = ""
    fingerprint: str = ""
    excerpt: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """What a writer may tell about a rule. `purpose` is one sentence, `help` Markdown with examples."""

    id: str
    name: str
    severity: Severity
    purpose: str
    help: str = ""


def identity(finding: Finding) -> tuple[str, str, str, str]:
    """What makes a finding the same one in another version of the text: everything but where it stands."""
    message = _LINE.sub("", _PLACE.sub("", finding.message))
    return finding.rule, finding.file, finding.subject, message


def with_fingerprints(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with their fingerprints; equal ones are told apart by their order."""
    seen: dict[tuple[str, str, str, str], int] = {}
    marked: list[Finding] = []
    for finding in findings:
        key = identity(finding)
        seen[key] = seen.get(key, 0) + 1
        text = "\0".join((*key, str(seen[key])))
        marked.append(replace(finding, fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16]))
    return tuple(marked)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by place, the most severe first where several stand at one."""
    return tuple(sorted(findings, key=lambda f: (f.file, f.line, f.column, -f.severity, f.rule, f.message)))
