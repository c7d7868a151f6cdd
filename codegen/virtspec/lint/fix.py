"""A patch out of repairs, in the format that `git am` applies."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from virtspec.lint.registry import Edit
from virtspec.report.findings import Finding
from virtspec.source import SourceFile

Repair = tuple[Finding, tuple[Edit, ...]]


def apply_edits(repairs: Sequence[Repair]) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """The repaired texts by path, and the findings that are repaired. Of edits that overlap, the first is made."""
    wanted: dict[SourceFile, list[tuple[Edit, Finding]]] = {}
    for finding, edits in repairs:
        for edit in edits:
            wanted.setdefault(edit.file, []).append((edit, finding))
    texts: dict[str, str] = {}
    repaired: list[Finding] = []
    for file, edits_of_file in wanted.items():
        pieces: list[str] = []
        position = 0
        last: Edit | None = None
        for edit, finding in sorted(edits_of_file, key=lambda pair: (pair[0].start, pair[0].end)):
            if edit == last:
                repaired.append(finding)
                continue
            start, end = file.as_written(edit.start), file.as_written(edit.end)
            if file.written[start:end] != file.text[edit.start : edit.end]:
                continue  # what stands there is written otherwise
            if start < position or (last is not None and last.start == edit.start):
                continue
            pieces += [file.written[position:start], edit.text]
            position, last = end, edit
            repaired.append(finding)
        texts[file.path] = "".join(pieces) + file.written[position:]
    return texts, tuple(dict.fromkeys(repaired))


def verified(
    repairs: Sequence[Repair], check: Callable[[Mapping[str, str]], Sequence[Finding]]
) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """The repaired texts of those files in which the repairs bring nothing new to light.

    `check` lints the document with other texts for some files, and gives what was not found before.
    """
    left = list(repairs)
    while left:
        texts, repaired = apply_edits(left)
        worse = {finding.file for finding in check(texts)} & set(texts)
        if not worse:
            return texts, repaired
        left = [(f, tuple(e for e in edits if e.file.path not in worse)) for f, edits in left]
        left = [(f, edits) for f, edits in left if edits]
    return {}, ()


def format_patch(
    originals: Mapping[str, SourceFile], texts: Mapping[str, str], repaired: Sequence[Finding], author: str
) -> str:
    """The patch as a mail, as `git format-patch` writes one, without a date."""
    diffs = [diff for path in sorted(texts) if (diff := _file_diff(path, originals[path].written, texts[path]))]
    count = len(repaired)
    defects = f"{count} mechanical defects" if count != 1 else "a mechanical defect"
    lines = [
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001",
        f"From: {author}",
        f"Subject: [PATCH] Repair {defects}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        "Each has one certain repair:",
        "",
        *sorted(f"- {f.rule} {f.name}: {f.file}:{f.line}" for f in repaired),
        "---",
        "",
    ]
    return "\n".join(lines) + "".join(diffs) + "-- \nvirtspec lint --fix\n"


def _file_diff(path: str, old: str, new: str) -> str:
    body = difflib.unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}", n=3)
    pieces = [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in body]
    return f"diff --git a/{path} b/{path}\n" + "".join(pieces) if pieces else ""


def _lines(text: str) -> list[str]:
    """The lines with their ends; only `\\n` ends one."""
    pieces = text.split("\n")
    lines = [f"{piece}\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def can_name(path: str) -> bool:
    """Whether a path can stand in a patch without quotes."""
    return path.isprintable() and not any(c in path for c in '"\\ ')
