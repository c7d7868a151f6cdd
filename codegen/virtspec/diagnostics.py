"""Diagnostics: what is wrong with an input, where, and what to do about it.

Passes report to a `Sink` and go on; only an input that cannot be read at all raises `SpecError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from virtspec.source import SourceFile, Span


class Severity(IntEnum):
    """How much a finding matters. `FATAL` means that nothing trustworthy can be made of the input."""

    NOTE = 0
    WARNING = 1
    ERROR = 2
    FATAL = 3

    @property
    def label(self) -> str:
        return "error" if self is Severity.FATAL else self.name.lower()


class SpecError(Exception):
    """An input that cannot be used. The message is complete: it names the place and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. `subject` is the entity it is about (`struct virtio_net_hdr`)."""

    rule: str
    name: str
    severity: Severity
    span: Span
    message: str
    subject: str = ""
    hint: str = ""

    def render(self) -> str:
        """The finding as compilers print it: place and message, the line with a caret, a hint."""
        line, column = self.span.line_column
        head = f"{self.span.file.path}:{line}:{column}: {self.severity.label}: {self.rule} {self.name}: {self.message}"
        text = self.span.file.line_text(line)
        parts = [head]
        if self.subject:
            parts.append(f"  in {self.subject}")
        if text.strip():
            shown, caret = _clip(text, column)
            parts += [f"    {shown}", f"    {' ' * caret}^"]
        if self.hint:
            parts.append(f"  hint: {self.hint}")
        return "\n".join(map(printable, parts))


def _clip(text: str, column: int, width: int = 110) -> tuple[str, int]:
    """A printable window of `text` around `column` (from 1), and where the caret belongs in it."""
    start = 0 if column <= width else column - width // 2
    shown = "".join(c if c.isprintable() else " " for c in text[start : start + width])
    return shown, min(column - 1 - start, len(shown))


NAMES = {
    "VS001": "unreadable-file",
    "VS002": "missing-file",
    "VS003": "input-cycle",
    "VS004": "outside-tree",
    "VS005": "unclosed-environment",
    "VS006": "too-deep",
    "VS010": "opaque-listing",
    "VS011": "unexpected-text",
    "VS012": "missing-semicolon",
    "VS013": "wrong-separator",
    "VS014": "unclosed-comment",
    "VS015": "stray-prose",
    "VS016": "damaged-character",
    "VS017": "not-an-identifier",
    "VS018": "define-semicolon",
    "VS019": "unclosed-brace",
    "VS020": "elided-part",
    "VS021": "bad-number",
    "VS022": "unknown-type",
    "VS030": "unread-table",
    "VS031": "unread-item",
    "VS101": "conflicting-structs",
    "VS102": "undefined-struct",
    "VS103": "recursive-struct",
    "VS104": "too-large",
    "VS105": "duplicate-member",
    "VS106": "bad-bit-fields",
    "VS201": "conflicting-values",
    "VS202": "unknown-name",
    "VS203": "value-overflow",
    "VS204": "foreign-value",
    "VS250": "overlapping-codes",
    "VS251": "unknown-bound-struct",
    "VS252": "contradictory-bindings",
    "VS260": "stale-annotation",
    "VS261": "unused-annotation",
}
"""The diagnostics that reading and linking give, by id. An id never changes its meaning."""


class Sink:
    """Collects diagnostics in the order of their report."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def report(
        self, rule: str, severity: Severity, span: Span, message: str, *, subject: str = "", hint: str = ""
    ) -> None:
        """Record one finding under a rule id of `NAMES`."""
        self.diagnostics.append(
            Diagnostic(
                rule=rule,
                name=NAMES[rule],
                severity=severity,
                span=span,
                message=message,
                subject=subject,
                hint=hint,
            )
        )

    def note(self, rule: str, span: Span, message: str, *, subject: str = "", hint: str = "") -> None:
        self.report(rule, Severity.NOTE, span, message, subject=subject, hint=hint)

    def warning(self, rule: str, span: Span, message: str, *, subject: str = "", hint: str = "") -> None:
        self.report(rule, Severity.WARNING, span, message, subject=subject, hint=hint)

    def error(self, rule: str, span: Span, message: str, *, subject: str = "", hint: str = "") -> None:
        self.report(rule, Severity.ERROR, span, message, subject=subject, hint=hint)

    def fatal(self, rule: str, span: Span, message: str, *, subject: str = "", hint: str = "") -> None:
        self.report(rule, Severity.FATAL, span, message, subject=subject, hint=hint)

    def count(self, severity: Severity) -> int:
        """How many findings have at least this severity."""
        return sum(d.severity >= severity for d in self.diagnostics)

    def in_order(self) -> list[Diagnostic]:
        """The findings by place: files in the order of their first finding, then by position."""
        files: dict[str, int] = {}
        for d in self.diagnostics:
            files.setdefault(d.span.file.path, len(files))
        return sorted(self.diagnostics, key=lambda d: (files[d.span.file.path], d.span.start, d.rule))


def printable(text: str) -> str:
    """A text without characters that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    """All findings as text, one after the other."""
    return "\n".join(d.render() for d in diagnostics)


def at(file: SourceFile, start: int, end: int | None = None) -> Span:
    """A span of a file; a single position where no end is given."""
    return Span(file, start, start if end is None else end)
