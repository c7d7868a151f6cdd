"""Patches and mails: read, applied and reviewed; what does not apply is said."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import diff_patches as patches
import pytest

from virtspec.review.apply import apply_patch
from virtspec.review.hunks import read_patch
from virtspec.review.mail import _plain
from virtspec.source import DirectoryTree

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CHAPTER = patches.CHAPTER
as_mail = patches.as_mail
edit = patches.edit
grown = patches.grown
mails = patches.mails
review = patches.review
swapped = patches.swapped
write = patches.write


@pytest.fixture
def base(tmp_path: Path) -> Path:
    directory: Path = patches.spec_directory(tmp_path)
    return directory


# --- applying ---------------------------------------------------------------------------------------------


def test_a_patch_gives_the_new_text(base: Path) -> None:
    patch = edit(base, grown)
    applied = apply_patch(DirectoryTree(base), mails(patch)[0].files)
    assert applied.tree.read("toy.tex").text == grown(CHAPTER)
    assert not applied.rejected and not applied.moved


def test_lines_lead_back_to_the_message(base: Path) -> None:
    mail = mails(edit(base, grown))[0]
    applied = apply_patch(DirectoryTree(base), mail.files)
    line = grown(CHAPTER).split("\n").index("        le64 mask;") + 1
    assert mail.lines[applied.lines["toy.tex"][line]] == "+        le64 mask;"


@pytest.mark.parametrize("lines", [1, 40])
def test_a_patch_finds_its_place_when_lines_have_moved(base: Path, lines: int) -> None:
    patch = edit(base, grown)
    moved = "% a remark\n" * lines + CHAPTER
    (base / "toy.tex").write_text(moved)
    applied = apply_patch(DirectoryTree(base), mails(patch)[0].files)
    assert applied.tree.read("toy.tex").text == grown(moved)
    assert applied.moved[0].offset == lines and applied.moved[0].fuzz == 0


def test_fuzz_forgives_changed_context_at_the_ends(base: Path) -> None:
    patch = edit(base, grown)
    other = CHAPTER.replace("        le16 depth;", "        le16 queue_depth;")
    (base / "toy.tex").write_text(other)
    applied = apply_patch(DirectoryTree(base), mails(patch)[0].files)
    assert applied.tree.read("toy.tex").text == grown(other)
    assert applied.moved[0].fuzz == 1


def test_white_space_that_mail_has_changed_does_no_harm(base: Path) -> None:
    patch = edit(base, grown).replace("\n         le16", "\n \tle16")
    applied = apply_patch(DirectoryTree(base), mails(patch)[0].files)
    assert applied.tree.read("toy.tex").text == grown(CHAPTER)


def test_what_does_not_apply_is_said_with_its_hunk(virtspec: Run, base: Path) -> None:
    patch = edit(base, grown)
    (base / "toy.tex").write_text(CHAPTER.replace("le32 flags", "le32 other").replace("u8 padding", "u8 pad"))
    code, document, said = review(virtspec, base, patch)
    assert code == 2 and document["complete"] is False and "incomplete" in said
    (rejected,) = document["rejected"]  # type: ignore[misc]
    assert rejected["hunk"].startswith("@@ -") and "no line" in rejected["reason"]
    text = virtspec("review", base.parent / "it.patch", "--base", base)
    assert text.returncode == 2 and "INCOMPLETE" in text.stdout and "no changes" not in text.stdout


def test_an_applied_patch_is_recognised(virtspec: Run, base: Path) -> None:
    patch = edit(base, grown)
    (base / "toy.tex").write_text(grown(CHAPTER))
    code, document, _ = review(virtspec, base, patch)
    assert code == 2 and "already" in document["rejected"][0]["reason"]  # type: ignore[index]


@pytest.mark.parametrize("command", ["add", "delete", "rename", "copy"])
def test_files_come_and_go(base: Path, command: str) -> None:
    heads = {
        "add": "new file mode 100644\n--- /dev/null\n+++ b/new.tex\n@@ -0,0 +1,2 @@\n+one\n+two\n",
        "delete": "deleted file mode 100644\n--- a/virtio.tex\n+++ /dev/null\n@@ -1,2 +0,0 @@\n"
        "-\\chapter{Device Types}\n-\\input{toy.tex}\n",
        "rename": "similarity index 100%\nrename from toy.tex\nrename to new.tex\n",
        "copy": "similarity index 100%\ncopy from toy.tex\ncopy to new.tex\n",
    }
    old, new = {"add": ("new", "new"), "delete": ("virtio", "virtio")}.get(command, ("toy", "new"))
    files = read_patch(_plain(f"diff --git a/{old}.tex b/{new}.tex\n{heads[command]}".split("\n")))
    applied = apply_patch(DirectoryTree(base), files)
    assert not applied.rejected
    expected: dict[str, dict[str, str | None]] = {
        "add": {"new.tex": "one\ntwo\n"},
        "delete": {"virtio.tex": None},
        "rename": {"toy.tex": None, "new.tex": CHAPTER},
        "copy": {"new.tex": CHAPTER},
    }
    assert applied.tree.changes == expected[command]


def test_a_removed_line_of_dashes_is_no_file_name(base: Path) -> None:
    (base / "toy.tex").write_text("one\n-- two\n+ three\nfour\n")
    patch = edit(base, lambda text: text.replace("-- two\n", "++ two\n"))
    applied = apply_patch(DirectoryTree(base), mails(patch)[0].files)
    assert applied.tree.read("toy.tex").text == "one\n++ two\n+ three\nfour\n"


# --- envelopes --------------------------------------------------------------------------------------------


def quoted(patch: str, comment: str = "Is that so?") -> str:
    lines = [f"> {line}".rstrip() for line in patch.rstrip("\n").split("\n")]
    middle = next(i for i, line in enumerate(lines) if line.startswith("> +") and not line.startswith("> +++")) + 1
    lines[middle:middle] = ["", "", comment, ""]
    head = "Archive of a list\n\nHelp\n\nSubject: Re: [PATCH v2] toy: grow\n\nOn Monday, A wrote:\n> Why.\n>\n"
    return head + "\n".join(lines) + "\n> -- \n> 2.39.5\n\n\nHelp | Index\n"


@pytest.mark.parametrize("envelope", [str, as_mail, quoted], ids=["diff", "mail", "reply"])
def test_every_envelope_gives_the_same_findings(virtspec: Run, base: Path, envelope: Callable[[str], str]) -> None:
    code, document, _ = review(virtspec, base, envelope(edit(base, grown)))
    assert code == 0 and document["complete"] is True
    (change,) = document["changes"]  # type: ignore[misc]
    assert (change["rule"], change["subject"], change["verdict"]) == ("VD101", "virtio_toy_config.mask", "compatible")
    assert (change["file"], change["line"]) == ("toy.tex", 14)


def test_quoted_printable_and_encoded_headers(base: Path) -> None:
    patch = edit(base, lambda text: text.replace("Words", "W\N{LATIN SMALL LETTER O WITH DIAERESIS}rds"))
    body = "".join(chr(b) if b < 128 and b != ord("=") else f"={b:02X}" for b in patch.encode())
    text = (
        "From: =?utf-8?q?Andr=C3=A9?= <a@example.org>\nSubject: [PATCH] toy\nMIME-Version: 1.0\n"
        'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n' + body
    )
    (mail,) = mails(text)
    assert mail.author.startswith("Andr\N{LATIN SMALL LETTER E WITH ACUTE}")
    applied = apply_patch(DirectoryTree(base), mail.files)
    assert "W\N{LATIN SMALL LETTER O WITH DIAERESIS}rds" in applied.tree.read("toy.tex").text


def test_a_series_is_reviewed_step_by_step_and_as_a_whole(virtspec: Run, base: Path) -> None:
    first = edit(base, grown)
    (base / "toy.tex").write_text(grown(CHAPTER))
    subprocess.run(["rm", "-r", str(base.parent / "new")], check=True)
    second = edit(base, lambda text: text.replace("le64 mask", "le32 mask"))
    (base / "toy.tex").write_text(CHAPTER)
    cover = as_mail("", "[PATCH 0/2] toy")
    box = cover + as_mail(second, "[PATCH 2/2] toy: narrow") + as_mail(first, "[PATCH 1/2] toy: grow")
    code, document, _ = review(virtspec, base, box)
    patches = document["patches"]
    assert [(p["title"], p["verdict"]) for p in patches] == [  # type: ignore[attr-defined, union-attr, index]
        ("toy: grow", "compatible"),
        ("toy: narrow", "breaking"),
    ]
    # what the second one breaks, the first one has only just added
    assert code == 0 and document["verdict"] == "compatible"
    assert [c["new"]["type"] for c in document["changes"]] == ["le32"]  # type: ignore[attr-defined]


def test_what_a_series_lacks_is_told_in_every_report(virtspec: Run, base: Path) -> None:
    box = as_mail(edit(base, grown), "[PATCH 2/4] toy: grow")
    second = "--- a/toy.tex\n+++ b/toy.tex\n@@ -5,2 +5,2 @@\n \n-Words that stand here.\n+Words.\n"
    path = write(base, box + as_mail(second, "[PATCH 3/4] toy: words"))
    for format_ in ("text", "json", "markdown", "html", "mail", "sarif", "junit"):
        done = virtspec("review", path, "--base", base, "--format", format_)
        said = " ".join(done.stdout.split())
        assert done.returncode == 2, format_
        for number, where in ((1, "before"), (4, "behind")):
            assert f"patch {number}/4 of the series, {where} this one, is not there" in said, format_
    # one patch of a series may be reviewed by itself
    assert virtspec("review", write(base, box), "--base", base).returncode == 0


def test_new_files_need_no_base(virtspec: Run, base: Path) -> None:
    body = "".join(f"+{line}\n" for line in CHAPTER.rstrip("\n").split("\n"))
    patch = f"--- /dev/null\n+++ b/new.tex\n@@ -0,0 +1,{CHAPTER.count(chr(10))} @@\n{body}"
    done = virtspec("review", write(base, patch), "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 0 and "virtio_toy_config" in {c["subject"] for c in document["changes"]}
    done = virtspec("review", write(base, patch + edit(base, grown)))
    assert done.returncode == 2 and "name one with --base" in done.stdout


def test_an_answer_without_a_patch_is_an_error(virtspec: Run, base: Path) -> None:
    code, document, said = review(virtspec, base, "From: a@example.org\nSubject: Re: toy\n\nI like it.\n")
    assert code == 2 and not document and "holds no patch" in said and "Traceback" not in said


def test_a_reply_that_leaves_out_much_is_incomplete(virtspec: Run, base: Path) -> None:
    patch = edit(base, lambda text: text + "".join(f"line {i}\n" for i in range(60)))
    lines = quoted(patch).split("\n")
    at = next(i for i, line in enumerate(lines) if line.endswith("line 20"))
    cut = "\n".join([*lines[:at], "", "[...]", "", *lines[at + 30 :]])
    code, document, _ = review(virtspec, base, cut)
    assert code == 2 and "does not quote all" in document["rejected"][0]["reason"]  # type: ignore[index]


# --- findings ---------------------------------------------------------------------------------------------


def test_prose_is_no_change(virtspec: Run, base: Path) -> None:
    code, document, _ = review(virtspec, base, edit(base, lambda text: text.replace("Words", "Some words")))
    assert (code, document["verdict"], document["changes"]) == (0, "none", [])
    assert document["prose_only"] == ["toy.tex"]


def test_a_moved_chapter_is_no_change(virtspec: Run, base: Path) -> None:
    head, mark, tail = CHAPTER.partition("\\subsection{Device configuration layout}")
    (base / "toy.tex").write_text(head + "\\input{layout.tex}\n")
    (base / "layout.tex").write_text(mark + tail)
    old = base.parent / "old"
    old.mkdir()
    (old / "virtio.tex").write_text("\\chapter{Device Types}\n\\input{toy.tex}\n")
    (old / "toy.tex").write_text(CHAPTER)
    done = virtspec("diff", old, base, "--fail-on", "any")
    assert done.returncode == 0 and "no changes" in done.stdout, done.stdout


@pytest.mark.parametrize(("limit", "code"), [("breaking", 0), ("source", 1), ("any", 1)])
def test_thresholds(virtspec: Run, base: Path, limit: str, code: int) -> None:
    patch = edit(base, lambda text: text.replace("depth", "queue_depth"))
    assert review(virtspec, base, patch, "--fail-on", limit)[0] == code


def test_a_finding_shows_layouts_and_bytes(virtspec: Run, base: Path) -> None:
    _, document, _ = review(virtspec, base, edit(base, swapped))
    (change,) = document["changes"]  # type: ignore[misc]
    assert (change["rule"], change["verdict"], change["class"]) == ("VD105", "breaking", "wire")
    old, new = change["sample"]["old"], change["sample"]["new"]
    assert len(old) == len(new) and old != new
    assert change["layout"]["old_size"] == change["layout"]["new_size"] == 12


def test_files_that_are_no_source_are_left_out(virtspec: Run, base: Path) -> None:
    patch = "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-a\n+b\n" + edit(base, grown)
    code, document, _ = review(virtspec, base, patch)
    assert code == 0 and document["ignored"] == ["README.md"]


def test_a_file_that_the_new_text_includes_and_nobody_has(virtspec: Run, base: Path) -> None:
    patch = edit(base, lambda text: text + "\\input{missing.tex}\n")
    code, document, _ = review(virtspec, base, patch)
    assert code == 2 and document["complete"] is False  # nothing else was found: that would look clean
    text = virtspec("review", base.parent / "it.patch", "--base", base).stdout
    assert "no changes" not in text and "missing.tex" in text


def test_a_file_that_is_only_missing_now(virtspec: Run, base: Path) -> None:
    new = base.parent / "torn"
    new.mkdir()
    (new / "virtio.tex").write_text((base / "virtio.tex").read_text())
    done = virtspec("diff", base, new)
    assert done.returncode == 2 and "INCOMPLETE" in done.stdout


def test_a_listing_that_cannot_be_read_any_more(virtspec: Run, base: Path) -> None:
    code, document, said = review(
        virtspec, base, edit(base, lambda text: text.replace("struct virtio_toy_config {", "for each x in {"))
    )
    assert code == 2, (document, said)


# --- previous reports and suppressions --------------------------------------------------------------------


def test_findings_survive_another_version_of_the_patch(virtspec: Run, base: Path) -> None:
    patch = edit(base, grown)
    first = virtspec("review", write(base, patch), "--base", base, "--format", "json").stdout
    previous = base.parent / "v1.json"
    previous.write_text(first)
    (base / "toy.tex").write_text("% moved\n" * 9 + CHAPTER)
    again = review(virtspec, base, patch, "--previous", str(previous))[1]
    assert [c["status"] for c in again["changes"]] == ["discussed"]  # type: ignore[attr-defined]
    subprocess.run(["rm", "-r", str(base.parent / "new")], check=True)
    other = edit(base, lambda text: text.replace("        le32 flags;\n", "        le32 flags;\n        le64 marks;\n"))
    new = review(virtspec, base, other, "--previous", str(previous))[1]
    assert [c["status"] for c in new["changes"]] == ["new"]  # type: ignore[attr-defined]
    assert [g["subject"] for g in new["gone"]] == ["virtio_toy_config.mask"]  # type: ignore[attr-defined]


def test_suppressions_need_a_reason_and_grow_stale(virtspec: Run, base: Path) -> None:
    patch = edit(base, lambda text: text.replace("le16 depth", "le32 depth").replace("u8 padding[2];\n", ""))
    answers = base.parent / "answers.toml"
    answers.write_text(
        '[[suppress]]\nrule = "VD101"\nsubject = "x"\nreason = "never"\n'
        '[[suppress]]\nrule = "VS014"\nreason = "for the linter"\n'
        '[[suppress]]\nrule = "VD110"\nsubject = "virtio_toy_config.*"\nreason = "the bytes were zero"\n'
    )
    code, document, _ = review(virtspec, base, patch, "--suppressions", str(answers), "--fail-on", "any")
    assert code == 0 and document["verdict"] == "none"
    assert document["suppressed"][0]["reason"] == "the bytes were zero"  # type: ignore[index]
    assert document["stale_suppressions"] == ["VD101 x (never)"]
    # what the linter finds in a patch is set aside alike
    subprocess.run(["rm", "-r", str(base.parent / "new")], check=True)
    worse = edit(base, lambda text: text.replace("le16 depth;", "le16 depth"))
    code, document, _ = review(virtspec, base, worse)
    assert [f["rule"] for f in document["lint"]["introduced"]] == ["VS012"]  # type: ignore[index]
    answers.write_text('[[suppress]]\nrule = "VS012"\nreason = "mended in the next version"\n')
    code, document, _ = review(virtspec, base, worse, "--suppressions", str(answers))
    assert document["lint"]["introduced"] == [] and "stale_suppressions" not in document  # type: ignore[index]
    answers.write_text('[[suppress]]\nrule = "VD110"\nsubject = "*"\n')
    code, _, said = review(virtspec, base, patch, "--suppressions", str(answers))
    assert code == 2 and "no reason" in said


def test_a_patch_that_is_not_compared_is_told_in_every_format(virtspec: Run, base: Path) -> None:
    line = "        le32 capacity;\n"
    hunk = "--- a/toy.tex\n+++ b/toy.tex\n@@ -10,1 +10,1 @@\n-{}+{}"
    assert CHAPTER.split("\n")[9] + "\n" == line
    tear, mend = hunk.format(line, "        le32 capacity { a : 4; };\n"), hunk.format(
        "        le32 capacity { a : 4; };\n", line
    )
    file = write(base, as_mail(tear, "[PATCH 1/2] tear") + as_mail(mend, "[PATCH 2/2] mend"))
    for form, word in {"text": "not compared", "sarif": "VD002", "junit": "VD002", "markdown": "Not compared"}.items():
        done = virtspec("review", file, "--base", base, "--format", form)
        assert done.returncode == 2 and word in done.stdout, form
