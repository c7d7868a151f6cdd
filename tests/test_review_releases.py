"""Reviews of real patches, and comparisons of real releases."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from virtspec.comparison import compare_readings, open_tree, read_source
from virtspec.diff.rules import RULES
from virtspec.report.drawing import pictures
from virtspec.review.apply import PatchedTree

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def patches(releases: Path) -> Path:
    directory = releases.parent / "patches"
    if not directory.is_dir():
        pytest.skip("the patches are not beside the releases")
    return directory


# what a reader of each patch finds: the verdict of the whole, that of the wire, and the rules
VERDICTS = {
    "01": ("compatible", "compatible", {"VD141"}),
    "03": ("undecided", "none", {"VD401"}),
    "04": ("undecided", "undecided", {"VD109"}),
    "05": ("compatible", "compatible", {"VD101", "VD301", "VD401"}),
}


@pytest.mark.parametrize("number", VERDICTS)
def test_a_patch_alone(virtspec: Run, releases: Path, patches: Path, number: str) -> None:
    (patch,) = patches.glob(f"{number}-*.patch")
    done = virtspec("review", patch, "--base", releases / "v1.3", "--format", "json")
    document = json.loads(done.stdout)
    verdict, wire, rules = VERDICTS[number]
    assert (done.returncode, document["verdict"], document["verdicts"]["wire"]) == (0, verdict, wire)
    assert {c["rule"] for c in document["changes"]} == rules


def test_the_series(virtspec: Run, releases: Path, patches: Path) -> None:
    done = virtspec("review", patches / "series.mbox", "--base", releases / "v1.3", "--format", "json")
    document = json.loads(done.stdout)
    assert [p["verdict"] for p in document["patches"]] == [
        "compatible",
        "compatible",
        "undecided",
        "undecided",
        "compatible",
    ]
    added = {c["subject"] for c in document["changes"] if c["rule"] == "VD125"}
    assert {"virtio_net_stats_reply_hdr", "virtio_net_stats_rx_basic"} <= added
    assert "virtio_net_ctrl.command-specific-result" in {c["subject"] for c in document["changes"]}
    again = virtspec("review", patches / "series.mbox", "--base", releases / "v1.3", "--format", "json")
    assert again.stdout == done.stdout


def test_a_reply_fits_a_mailing_list(virtspec: Run, releases: Path, patches: Path) -> None:
    done = virtspec("review", patches / "series.mbox", "--base", releases / "v1.3", "--format", "mail")
    said = [line for line in done.stdout.splitlines() if not line.startswith((">", "Subject:", "In-Reply-To:", "On "))]
    assert max(map(len, said)) <= 72
    assert [line for line in said if not line.isascii()] == []
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("VD101 member-appended"))
    quoted = next(line for line in reversed(lines[:at]) if line.startswith(">"))
    assert quoted.startswith("> +") and "command-specific-result" in quoted


def test_the_reply_that_quotes_a_patch(virtspec: Run, releases: Path) -> None:
    seed = releases.parent / "seed" / "device-context-v1-review.txt"
    if not seed.is_file():
        pytest.skip("the message is not beside the releases")
    done = virtspec("review", seed, "--base", releases / "v1.3", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["verdict"], document["complete"]) == (0, "compatible", True)
    sizes = {c["new"]["size"] for c in document["changes"] if c["subject"] == "virtio_dev_ctx_pci_vq_cfg"}
    assert sizes == {None, 30}
    assert {"VS016", "VS101"} <= {f["rule"] for f in document["lint"]["introduced"]}


@pytest.mark.parametrize("edition", ["1.0", "1.2", "1.4"])
def test_sections_in_files_of_their_own_are_no_change(releases: Path, edition: str) -> None:
    base = open_tree(str(releases / f"v{edition}"))
    text = base.read("content.tex").text
    starts = [m.start() for m in re.finditer(r"^\\section\{", text, re.MULTILINE)]
    changes: dict[str, str | None] = {}
    kept = text[: starts[0]]
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
        body, chapter, rest = text[start:end].partition("\n\\chapter")
        changes[f"part{number}.tex"] = body + "\n"
        kept += f"\\input{{part{number}.tex}}\n{chapter}{rest}"
    changes["content.tex"] = kept
    comparison = compare_readings(read_source(base), read_source(PatchedTree(base, changes)))
    assert comparison.complete and not comparison.changes


def test_a_release_against_itself(releases: Path) -> None:
    one = read_source(open_tree(str(releases / "v1.4")))
    other = read_source(open_tree(str(releases / "v1.4")))
    assert not compare_readings(one, other).changes


def test_every_struct_can_be_drawn_and_shown_as_bytes(releases: Path) -> None:
    old = read_source(open_tree(str(releases / "v1.0")))
    new = read_source(open_tree(str(releases / "v1.4")))
    shown = 0
    for change in compare_readings(old, new).changes:
        if change.class_ == "wire" and change.layout is not None:
            assert change.sample is not None
            data = change.sample.new if change.layout.new_title else change.sample.old
            size = change.layout.new_size if change.layout.new_title else change.layout.old_size
            assert data is not None or change.sample.note
            if data is not None and size is not None:
                assert len(data) == size, change.subject
            for side in ("old", "new"):
                for picture in pictures(change.layout, side):  # type: ignore[arg-type]
                    assert all(b.width > 0 and b.x + b.width <= picture.width for b in picture.boxes)
            shown += 1
    assert shown > 200


def test_the_page_works_without_a_network(virtspec: Run, releases: Path, patches: Path, tmp_path: Path) -> None:
    done = virtspec("review", patches / "series.mbox", "--base", releases / "v1.3", "--format", "html")
    page = done.stdout
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://|\son\w+=", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: the page is not shown")
    path = tmp_path / "page.html"
    # every finding that is not breaking is filtered out
    path.write_text(page.replace('id="f-compatible" checked', 'id="f-compatible"'), "utf-8")
    shown = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--print-to-pdf={tmp_path / 'page.pdf'}",
            path.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert (tmp_path / "page.pdf").stat().st_size > 10_000, shown.stderr.decode()[-2000:]


def test_the_policy_lists_every_rule(root: Path) -> None:
    text = (root / "docs" / "verdicts.md").read_text("utf-8")
    rows = {
        f"| {r.id} | {r.name} | {r.class_} | {', '.join(map(str, r.verdicts))} | {r.purpose} |" for r in RULES.values()
    }
    listed = {line for line in text.splitlines() if line.startswith("| VD")}
    assert listed == rows, f"docs/verdicts.md: missing {sorted(rows - listed)}, stale {sorted(listed - rows)}"
