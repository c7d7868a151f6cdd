"""Patches that mean harm, or are none: one clear error each, and names that stay names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import diff_patches as patches
import pytest

from virtspec.review.hunks import PatchError, read_patch
from virtspec.review.mail import _plain, read_mails

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CHAPTER = patches.CHAPTER
as_mail = patches.as_mail
edit = patches.edit
grown = patches.grown
review = patches.review
write = patches.write


@pytest.fixture
def base(tmp_path: Path) -> Path:
    directory: Path = patches.spec_directory(tmp_path)
    return directory


# --- hostile ----------------------------------------------------------------------------------------------

HOSTILE = {
    "out of the tree": "--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -0,0 +1 @@\n+x\n",
    "absolute": "--- /etc/passwd\n+++ /etc/passwd\n@@ -0,0 +1 @@\n+x\n",
    "back slashes": "--- a/..\\x.tex\n+++ b/..\\x.tex\n@@ -1 +1 @@\n-a\n+b\n",
    "a name out of octal": '--- "a/\\056\\056/x.tex"\n+++ "b/\\056\\056/x.tex"\n@@ -1 +1 @@\n-a\n+b\n',
    "control characters": "--- a/\x1b[2Jx.tex\n+++ b/\x1b[2Jx.tex\n@@ -1 +1 @@\n-a\n+b\n",
    "no file": "@@ -1 +1 @@\n-a\n+b\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_paths_stay_inside(case: str) -> None:
    text = HOSTILE[case]
    with pytest.raises(PatchError, match="line 1"):
        read_patch(_plain(text.split("\n")))


@pytest.mark.parametrize(
    "text",
    [
        "diff --git a/toy.tex b/toy.tex\n@@ -999999999,999999999 +1,999999999 @@\n x\n",
        "--- a/toy.tex\n+++ b/toy.tex\n@@ -1,3 +1,3 @@\n" + "x" * (1 << 20) + "\n",
        "--- a/toy.tex\n+++ b/toy.tex\n@@ -1,1 +1,1 @@\n-" + "{" * 100000 + "\n+x\n",
        "--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n",
        "--- a/toy.tex\n+++ b/toy.tex\n@@ -1 +1 @@\n-\x00\n+\x00\n",
        "From \n" * 1000,
        "\x00\x01\x02" * 1000,
        "> " * 5_000_000 + "\ndiff --git",
        "Subject: x\n" + "Foo: y\n" * 1_000_000 + "\n--- a/toy.tex\n",
        "--- a/toy.tex\n+++ b/toy.tex\n@@ -1 +1,2 @@\n \\section{Toy Device}\n+" + "x{" * 5_000_000 + "\n",
        'Subject: x\nFrom: y\nContent-Type: text/plain; charset="a\x00b"\n\n'
        "--- a/toy.tex\n+++ b/toy.tex\n@@ -1 +1 @@\n-y\n+\n",
        "",
    ],
)
def test_rubbish_is_one_clear_error(virtspec: Run, base: Path, text: str) -> None:
    file = base.parent / "it.patch"
    file.write_bytes(text.encode())
    done = virtspec("review", file, "--base", base)
    assert done.returncode == 2 and "Traceback" not in done.stderr and len(done.stderr) < 4000


def test_many_equal_lines_cost_little(virtspec: Run, base: Path) -> None:
    (base / "toy.tex").write_text("x\n" * 60000)
    patch = "--- a/toy.tex\n+++ b/toy.tex\n@@ -30000,2001 +30000,2001 @@\n" + " x\n" * 2000 + "-y\n+z\n"
    file = base.parent / "it.patch"
    file.write_text(patch)
    done = virtspec("review", file, "--base", base, timeout=20)
    assert done.returncode == 2


def test_many_hunks_that_fit_nowhere_cost_little(virtspec: Run, base: Path) -> None:
    (base / "toy.tex").write_text("\\section{Toy Device}\n" + "text\n\n" * 5000)
    hunks = (f"@@ -{i},2 +{i},3 @@\n \n-nowhere {i}\n+a\n+b\n" for i in range(1, 15001))
    file = base.parent / "it.patch"
    file.write_text("--- a/toy.tex\n+++ b/toy.tex\n" + "".join(hunks))
    done = virtspec("review", file, "--base", base, timeout=30)
    assert done.returncode == 2 and done.stdout.count("not applied: ") == 15000


SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize("format_", ["html", "markdown", "junit", "sarif", "mail", "text", "json"])
def test_a_name_cannot_become_code(virtspec: Run, base: Path, format_: str) -> None:
    patch = edit(base, lambda text: grown(text).replace("Words", f"{SCRIPT} \x1b[2J")).replace(
        "toy.tex", f"toy{SCRIPT.replace('/', '')}.tex"
    )
    (base / f"toy{SCRIPT.replace('/', '')}.tex").write_text(CHAPTER)
    (base / "virtio.tex").write_text(f"\\chapter{{Device Types}}\n\\input{{toy{SCRIPT.replace('/', '')}.tex}}\n")
    file = write(base, as_mail(patch, f"[PATCH] {SCRIPT} \x1b[31m", f'"{SCRIPT}" <a@example.org>'))
    done = virtspec("review", file, "--base", base, "--format", format_)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    # Markdown shows what stands between back ticks, and indented lines, as they are
    shown = (
        re.sub(r"(`+).*?\1|^      .*$", "", done.stdout, flags=re.MULTILINE) if format_ == "markdown" else done.stdout
    )
    if format_ in ("html", "markdown", "junit"):
        assert "<script" not in shown.replace("\\<", "")


@pytest.mark.parametrize(
    "parameters",
    ["format*=utf-8''flowed; format*0=fl", "charset*1=a; charset*=b", 'charset="\x00\xff"', "format*x*=y", "delsp"],
)
def test_a_content_type_that_nobody_can_read(parameters: str) -> None:
    head = f"Subject: it\nFrom: her\nMIME-Version: 1.0\nContent-Type: text/plain; {parameters}\n\n"
    patch = "--- a/x.tex\n+++ b/x.tex\n@@ -1 +1 @@\n-a\n+\xe4\n"
    (mail,) = read_mails((head + patch).encode(), "test")
    assert [line.text for line in mail.files[0].hunks[0].lines] == ["a", "\xe4"]
