"""Run the rules over a document: what the reader reported and what the rules find, as one list of findings."""

from __future__ import annotations

from dataclasses import dataclass

from virtspec.diagnostics import Diagnostic, Severity, Sink
from virtspec.latex.document import Document
from virtspec.layout import Layouts
from virtspec.lint.draft import Draft
from virtspec.lint.registry import Edit, Hit, Rule, rules
from virtspec.lint.repair import repairs
from virtspec.model import Place, Spec
from virtspec.report.findings import Finding, in_order, with_fingerprints
from virtspec.source import SourceFile

MAX_AGAIN = 8
"""How many further lines of the same thing a message lists."""

MAX_EXCERPT = 2000
"""The longest line that is kept with a finding, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The findings of a run in the order of their places, and the repairs for those that have a certain one."""

    findings: tuple[Finding, ...]
    edits: tuple[tuple[Finding, tuple[Edit, ...]], ...]


def lint_document(document: Document, spec: Spec, layouts: Layouts, sink: Sink) -> Found:
    """Everything that is found in a document. `sink` holds what reading and linking it reported."""
    # those about annotations have their place in a file of our own
    reported = tuple(d for d in sink.diagnostics if d.rule not in ("VS260", "VS261"))
    found = [(_of_diagnostic(d), repairs(d)) for d in reported]
    draft = Draft(document, spec, layouts, reported)
    for rule in rules().values():
        if rule.check is None:
            continue
        try:
            for hit in rule.check(draft):
                at = draft.offset(hit.at) if isinstance(hit.at, Place) else hit.at
                if at is not None:
                    found.append((_of_hit(rule, hit, *at), hit.edits))
        except RecursionError:
            found.append((_too_deep(document), ()))
    return _linted(found)


def _linted(found: list[tuple[Finding, tuple[Edit, ...]]]) -> Found:
    edits = {finding: edits for finding, edits in found if edits}
    ordered = in_order(dict.fromkeys(finding for finding, _ in found))
    marked = with_fingerprints(ordered)
    return Found(
        findings=marked,
        edits=tuple((new, edits[old]) for old, new in zip(ordered, marked, strict=True) if old in edits),
    )


def _too_deep(document: Document) -> Finding:
    """What is found where structures nest through one another deeper than can be followed."""
    rule = rules()["VS006"]
    file = next(iter(document.files))
    message = "structures nest through one another deeper than can be checked"
    return Finding(rule=rule.id, name=rule.name, severity=rule.severity, file=file, line=0, message=message)


def _of_diagnostic(diagnostic: Diagnostic) -> Finding:
    span = diagnostic.span
    line, column = span.line_column
    return Finding(
        rule=diagnostic.rule,
        name=diagnostic.name,
        severity=min(diagnostic.severity, Severity.ERROR),
        file=span.file.path,
        line=line,
        column=column,
        message=diagnostic.message,
        subject=diagnostic.subject,
        hint=diagnostic.hint,
        excerpt=_excerpt(span.file, line),
    )


def _of_hit(rule: Rule, hit: Hit, file: SourceFile, start: int) -> Finding:
    line, column = file.line_column(start)
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=rule.severity if hit.severity is None else hit.severity,
        file=file.path,
        line=line,
        column=column,
        message=hit.message + _again(file, hit.again, line),
        subject=hit.subject,
        hint=hit.hint,
        excerpt=_excerpt(file, line),
    )


def _again(file: SourceFile, starts: tuple[int, ...], line: int) -> str:
    """The further lines of the same thing, as the end of its message."""
    lines = sorted({file.line(start) for start in starts} - {line})
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:MAX_AGAIN])) + (", …" if len(lines) > MAX_AGAIN else "")
    return f", again on {'lines' if len(lines) > 1 else 'line'} {shown}"


def _excerpt(file: SourceFile, line: int) -> str:
    return file.line_text(line)[:MAX_EXCERPT]
