"""A comparison with C headers as text, JSON and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from virtspec.compat import assert_never
from virtspec.drift import Drift, Finding, Verdict

DRIFT_SCHEMA = "virtspec.drift/1"

_ORDER = tuple(Verdict)


def drift_text(drift: Drift, *, everything: bool) -> str:
    """Findings by verdict, the contradictions last, then how many of what there are."""
    lines: list[str] = []
    for verdict, findings in _by_verdict(drift, everything=everything):
        lines.append(f"{verdict.words}:")
        lines += (f"  {f.kind} {f.subject}{_sides(f)}" for f in findings)
        lines.append("")
    lines += (f"stale: {entry}" for entry in drift.stale)
    return "\n".join([*lines, _summary(drift)])


def drift_markdown(drift: Drift, *, everything: bool) -> str:
    """The same as tables for a report or an issue."""
    lines: list[str] = []
    for verdict, findings in _by_verdict(drift, everything=everything):
        lines += [
            f"### {verdict.words.capitalize()}",
            "",
            "| | name | specification | headers | reason |",
            "|-|-|-|-|-|",
        ]
        for f in findings:
            cells = (f.kind, f"`{f.subject}`", f.spec, f.header, f.reason)
            lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
        lines.append("")
    if drift.stale:
        lines += ["### Stale entries of the table", "", *(f"- {entry}" for entry in drift.stale), ""]
    return "\n".join([*lines, _summary(drift)])


def drift_json(drift: Drift, edition: str, headers: Sequence[str]) -> dict[str, object]:
    """The whole comparison, equal things too."""
    return {
        "schema": DRIFT_SCHEMA,
        "edition": edition,
        "headers": list(headers),
        "findings": [
            {
                "kind": f.kind,
                "subject": f.subject,
                "verdict": f.verdict.value,
                "specification": f.spec,
                "headers": f.header,
                "reason": f.reason,
            }
            for f in drift.findings
        ],
        "stale": list(drift.stale),
        "counts": {verdict.value: count for verdict, count in _counts(drift).items()},
    }


def _by_verdict(drift: Drift, *, everything: bool) -> Iterator[tuple[Verdict, list[Finding]]]:
    """The findings to show. A few headers never have all that the specification has: that is not told one by one."""
    for verdict in _ORDER:
        findings = [f for f in drift.findings if f.verdict is verdict and (everything or _is_news(f))]
        if findings:
            yield verdict, findings


def _is_news(finding: Finding) -> bool:
    match finding.verdict:
        case Verdict.EQUAL | Verdict.RENAMED:
            return False
        case Verdict.ONLY_SPEC:
            return finding.kind == "member"
        case Verdict.EXTENDED | Verdict.ONLY_HEADER | Verdict.DIFFERENT:
            return True
        case _:
            assert_never(finding.verdict)


def _sides(finding: Finding) -> str:
    sides = [f"{who}: {what}" for who, what in (("specification", finding.spec), ("headers", finding.header)) if what]
    reason = f"\n      known: {finding.reason}" if finding.reason else ""
    return (f" ({'; '.join(sides)})" if sides else "") + reason


def _counts(drift: Drift) -> dict[Verdict, int]:
    counted = Counter(f.verdict for f in drift.findings)
    return {verdict: counted[verdict] for verdict in _ORDER}


def _summary(drift: Drift) -> str:
    unexplained = sum(1 for _ in drift.unexplained())
    counts = ", ".join(f"{count} {verdict.words}" for verdict, count in _counts(drift).items() if count)
    return f"{counts or 'nothing to compare'}; {unexplained} without a known reason"
