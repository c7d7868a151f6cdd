"""The linter on damaged text: whatever is cut, swapped, doubled or scattered in a chapter, it finishes and reports.

`VIRTSPEC_FUZZ=10000` runs as many variants; `VIRTSPEC_FUZZ_SEED` begins elsewhere. A failure prints its variant.
"""

from __future__ import annotations

import json
import os
import random
from functools import lru_cache
from pathlib import Path

import pytest
from damage import OneFile, damaged

from virtspec.diagnostics import Severity, SpecError
from virtspec.lint.fix import apply_edits, format_patch
from virtspec.lint.registry import rules
from virtspec.linting import lint_tree
from virtspec.report.findings_json import findings_json
from virtspec.report.github import findings_github
from virtspec.report.junit import findings_junit
from virtspec.report.sarif import findings_sarif
from virtspec.report.text import findings_text
from virtspec.source import DirectoryTree, SourceFile, decode, normalise

VARIANTS = int(os.environ.get("VIRTSPEC_FUZZ", "300"))
SEED = int(os.environ.get("VIRTSPEC_FUZZ_SEED", "0"))
BATCH = 50


@lru_cache(maxsize=1)
def chapters(releases: Path) -> tuple[tuple[str, str], ...]:
    """The texts of all releases by path, and our own chapter."""
    found = [(path.relative_to(releases).as_posix(), path.read_text("utf-8")) for path in releases.rglob("*.tex")]
    return tuple(sorted(found))


@pytest.mark.parametrize("batch", range(0, VARIANTS, BATCH))
def test_damaged_chapters(batch: int, releases: Path, root: Path) -> None:
    texts = (
        *chapters(releases),
        ("spec/device-context.tex", (root / "spec" / "device-context.tex").read_text("utf-8")),
    )
    infos = [rule.info for rule in rules().values()]
    for number in range(batch, min(batch + BATCH, VARIANTS)):
        random_ = random.Random(SEED + number)
        name, text = random_.choice(texts)
        variant = damaged(text, random_)
        try:
            linted = lint_tree(OneFile(variant))
        except SpecError:
            continue  # not a text, or more than is read: told, with exit code 2
        except Exception:
            print(f"variant {SEED + number} of {name}")
            raise
        findings = linted.findings
        for finding in findings:
            assert finding.rule in rules() and finding.fingerprint
            assert finding.line >= 0 and finding.column >= 1
        assert len({f.fingerprint for f in findings}) == len(findings)
        json.loads(findings_json(findings, {}))
        json.loads(findings_sarif(findings, infos))
        findings_text(findings)
        findings_github(findings)
        findings_junit(findings, Severity.ERROR)
        changed, repaired = apply_edits(linted.edits)
        format_patch(linted.files, changed, repaired, "A U Thor <author@example.com>")


class Damaged:
    """A release with another text for one of its files."""

    def __init__(self, tree: DirectoryTree, path: str, text: str) -> None:
        self.name = tree.name
        self.root = tree.root
        self._tree = tree
        self._changed = (path, text)

    def read(self, path: str) -> SourceFile:
        if normalise(path) == self._changed[0]:
            return decode(path, self._changed[1].encode("utf-8", "surrogatepass"))
        return self._tree.read(path)


@pytest.mark.parametrize("number", range(max(5, VARIANTS // 60)))
def test_damaged_releases(number: int, releases: Path) -> None:
    random_ = random.Random(SEED + number)
    tree = DirectoryTree(releases / f"v1.{number % 5}")
    documents = [path for path, _ in chapters(releases) if path.startswith(f"v1.{number % 5}/")]
    path = random_.choice(documents).partition("/")[2]
    variant = damaged(tree.read(path).text, random_)
    try:
        linted = lint_tree(Damaged(tree, path, variant))
    except SpecError:
        return
    assert len({f.fingerprint for f in linted.findings}) == len(linted.findings)
