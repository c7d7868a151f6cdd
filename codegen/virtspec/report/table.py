"""Rows of a history: a commit, its verdict, and its findings in brief."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from virtspec.diagnostics import printable
from virtspec.diff.change import Change, Verdict
from virtspec.report.markdown import code, escape
from virtspec.repository import Commit


def table_head(format_: str) -> str:
    """The lines above the first row."""
    if format_ == "markdown":
        return "| commit | date | verdict | findings | subject |\n| --- | --- | --- | --- | --- |"
    return ""


def brief(changes: Sequence[Change]) -> str:
    """The findings by kind, the worst first, with a number where a kind occurs more than once."""
    kinds = Counter((-c.verdict, c.rule, c.name) for c in changes if c.class_ != "editorial")
    return ", ".join(f"{name} x{n}" if n > 1 else name for (_, _, name), n in sorted(kinds.items()))


def word(verdict: Verdict, problem: str) -> str:
    """The verdict, or that there is none."""
    return "INCOMPLETE" if problem and problem != "has no parent" else str(verdict)


def entry_text(commit: Commit, verdict: Verdict, changes: Sequence[Change], problem: str) -> str:
    """A commit as a line of text, and a second one for its findings."""
    line = f"{commit.name[:12]} {commit.day} {word(verdict, problem):<10} {printable(commit.subject)}"
    found = brief(changes)
    lines = [line.rstrip()]
    if found:
        lines.append(f"{' ' * 24}{found}")
    if problem:
        lines.append(f"{' ' * 24}{printable(problem)}")
    return "\n".join(lines)


def entry_markdown(commit: Commit, verdict: Verdict, changes: Sequence[Change], problem: str) -> str:
    """A commit as a row of a table."""
    found = escape(brief(changes) or problem)
    return (
        f"| {code(commit.name[:12])} | {commit.day} | {word(verdict, problem)} | {found} | {escape(commit.subject)} |"
    )


def entry_json(commit: Commit, verdict: Verdict, changes: Sequence[Change], problem: str) -> dict[str, Any]:
    """A commit as an object."""
    document: dict[str, Any] = {
        "commit": commit.name,
        "date": commit.day,
        "subject": commit.subject,
        "verdict": word(verdict, problem).lower(),
        "changes": [
            {
                "rule": c.rule,
                "name": c.name,
                "class": c.class_,
                "verdict": str(c.verdict),
                "subject": c.subject,
                "message": c.message,
                "file": c.place.file,
                "line": c.place.line,
                "fingerprint": c.fingerprint,
            }
            for c in changes
        ],
    }
    if problem:
        document["problem"] = problem
    return document
