"""A review as a plain-text reply: 72 columns, the patch quoted, each finding under the line that it is about."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator

from virtspec.diagnostics import printable
from virtspec.diff.change import Change
from virtspec.report.diff_view import layout_lines, sample_lines, summary
from virtspec.report.findings import Finding
from virtspec.report.outcome import Report, Step
from virtspec.review.hunks import FilePatch, Hunk
from virtspec.review.mail import PatchMail

WIDTH = 72
AROUND = 3
"""How many lines of the patch are quoted before a finding; what lies farther away is left out."""


def diff_mail(report: Report) -> str:
    """The report as the text of a mail; one after the other for a series."""
    steps = report.steps or (report.total,)
    texts = ["\n".join(_mail(step, report)).rstrip() + "\n" for step in steps]
    rule = "\n" + "-" * WIDTH + "\n\n"
    return rule.join(texts)


def _mail(step: Step, report: Report) -> Iterator[str]:
    mail = step.mail
    if mail is not None:
        yield from _head(mail)
    yield from _verdict(step)
    yield ""
    placed: dict[int, list[str]] = defaultdict(list)
    rest: list[list[str]] = []
    shown: set[int] = set()
    for change in step.comparison.changes:
        lines = list(_change(change, report, shown))
        at = _line(change, step)
        if at is None:
            rest.append(lines)
        else:
            placed[at] += ["", *lines]
    for finding in step.introduced:
        lines = list(_finding(finding))
        at = step.lines.get(finding.file, {}).get(finding.line)
        if at is None:
            rest.append(lines)
        else:
            placed[at] += ["", *lines]
    if mail is not None:
        for patch in mail.files:
            yield from _quoted(patch, placed)
    for lines in rest:
        yield from lines
        yield ""
    for finding in step.mended:
        yield from _wrapped(f"This mends {finding.rule} {finding.name} at {finding.file}:{finding.line}.")
    yield "-- "
    yield "virtspec review"


def _head(mail: PatchMail) -> Iterator[str]:
    subject = mail.subject or mail.title
    while subject[:3].lower() == "re:":
        subject = subject[3:].lstrip()
    yield f"Subject: Re: {printable(subject)}"
    if mail.message_id and not mail.quoted:
        yield f"In-Reply-To: {printable(mail.message_id)}"
    yield ""
    if mail.author:
        when = f"On {mail.date}, " if mail.date else ""
        yield from _wrapped(f"{when}{mail.author} wrote:")


def _verdict(step: Step) -> Iterator[str]:
    comparison = step.comparison
    yield ""
    if step.complete:
        yield from _wrapped(f"What this changes for implementations: {summary(comparison)}.")
    else:
        found = summary(comparison) if comparison.changes else "nothing found in what was compared"
        yield from _wrapped(f"This review is INCOMPLETE and no verdict: {found}.")
    for word, some in (("Not applied", step.rejected), ("Cut short", step.cut)):
        for rejected in some:
            where = ", ".join(filter(None, (rejected.path, rejected.header[:40])))
            yield from _wrapped(f"{word}: {where}: {rejected.reason}.")
    for missing in step.missing:
        yield from _wrapped(f"Missing: {missing}.")
    for path in step.prose:
        yield from _wrapped(f"Editorial: no fact has changed in {path}.")
    for gap in comparison.gaps:
        yield from _wrapped(f"Not compared: {gap.place}: {gap.reason}.")


def _line(change: Change, step: Step) -> int | None:
    """The line of the message that a finding is about."""
    new = step.lines.get(change.new_place.file, {}).get(change.new_place.line)
    if new is not None and _is_added(step, new):
        return new
    old = step.removed.get(change.old_place.file, {}).get(change.old_place.line)
    return old if old is not None else new


def _is_added(step: Step, at: int) -> bool:
    assert step.mail is not None
    return any(line.at == at for f in step.mail.files for h in f.hunks for line in h.lines if line.kind == "+")


def _change(change: Change, report: Report, shown: set[int]) -> Iterator[str]:
    status = report.status.get(change.fingerprint)
    mark = f", {status}" if status else ""
    yield from _wrapped(f"{change.rule} {change.name} ({change.verdict}, {change.class_}{mark}):")
    yield from _wrapped(f"{change.subject}: {change.message}.")
    if change.evidence:
        yield from _wrapped(f"Taken for the same: {', '.join(change.evidence)}.")
    if change.layout is not None and id(change.layout) in shown:
        return
    if change.layout is not None:
        shown.add(id(change.layout))
        yield ""
        yield from (_ascii(line)[:WIDTH] for line in layout_lines(change.layout, WIDTH))
    if change.sample is not None:
        lines = sample_lines(change.sample)
        if lines:
            yield ""
            for line in lines:
                yield from _wrapped(line.strip(), "       ") if len(line) > WIDTH else [_ascii(line)]


def _ascii(line: str) -> str:
    """A line of a table without the one sign that not every list shows."""
    return line.replace("\N{HORIZONTAL ELLIPSIS} ", "... ").replace("\N{HORIZONTAL ELLIPSIS}", "~")


def _finding(finding: Finding) -> Iterator[str]:
    yield from _wrapped(f"{finding.rule} {finding.name} ({finding.severity.label}): {finding.message}.")
    if finding.hint:
        yield from _wrapped(f"Hint: {finding.hint}.")


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    text = printable(text.replace("\n", " "))
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=True,
        break_on_hyphens=False,
    ) or [""]


def _quoted(patch: FilePatch, placed: dict[int, list[str]]) -> Iterator[str]:
    """The parts of a patch that findings are about, quoted, and the findings."""
    hunks = [hunk for hunk in patch.hunks if any(line.at in placed for line in hunk.lines)]
    if not hunks:
        return
    yield f"> --- {_name('a', patch.old_path)}"
    yield f"> +++ {_name('b', patch.new_path)}"
    for hunk in hunks:
        yield from _hunk(hunk, placed)


def _name(side: str, path: str | None) -> str:
    return "/dev/null" if path is None else f"{side}/{printable(path)}"


def _hunk(hunk: Hunk, placed: dict[int, list[str]]) -> Iterator[str]:
    yield f"> {printable(hunk.header)}"
    marked = [i for i, line in enumerate(hunk.lines) if line.at in placed]
    near = {k for i in marked for k in range(max(0, i - AROUND), i + 1)}
    left_out = False
    for index, line in enumerate(hunk.lines):
        if index not in near:
            left_out = True
            continue
        if left_out:
            yield "> [...]"
            left_out = False
        # the quoted lines are the author's: they are not wrapped
        yield f"> {line.kind}{printable(line.text.expandtabs(8))}".rstrip()
        if line.at in placed:
            yield from placed[line.at]
            yield ""
