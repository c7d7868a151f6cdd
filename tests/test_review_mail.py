"""What mail programs and other tools than git make of a patch: all of it is read, or what is missing is said."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import diff_patches as patches
import pytest

from virtspec.comparison import review
from virtspec.report.outcome import Report
from virtspec.review.flowed import unfold
from virtspec.review.hunks import MAX_HUNKS, PatchError

FOUND = [("VD101", "virtio_toy_config.mask")]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    directory: Path = patches.spec_directory(tmp_path)
    return directory


@pytest.fixture
def patch(base: Path) -> str:
    text: str = patches.edit(base, patches.grown)
    return text


def reviewed(text: str | bytes, base: Path) -> Report:
    mails = patches.mails(text) if isinstance(text, str) else patches.read_mails(text, "test")
    return review(mails, str(base))


def found(report: Report) -> list[tuple[str, str]]:
    return [(c.rule, c.subject) for c in report.total.comparison.changes]


def quote(patch: str, mark: str = "> ", subject: str = "Re: [PATCH] toy: grow") -> str:
    lines = [f"{mark}{line}".rstrip() if not line else mark + line for line in patch.split("\n")]
    return f"From: R <r@example.org>\nSubject: {subject}\n\nA wrote:\n" + "\n".join(lines) + "\n-- \nR\n"


def flowed(patch: str) -> bytes:
    body = "\n".join(f" {line}" if line.startswith((" ", ">", "From ")) else line for line in patch.split("\n"))
    return b"Subject: toy\nFrom: a@b\nContent-Type: text/plain; charset=utf-8; format=flowed\n\n" + body.encode()


def encoded(patch: str) -> bytes:
    return (
        b"Subject: toy\nFrom: a@b\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(patch.encode())
    )


def attached(patch: str) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "a patch", "a@b"
    message.set_content("See there.\n")
    message.add_attachment(patch.encode(), maintype="text", subtype="x-patch", filename="toy.patch")
    return message.as_bytes()


def of_two_trees(patch: str) -> str:
    text = re.sub(r"^diff --git .*\n(?:index .*\n)?", "diff -ru v1/toy.tex v2/toy.tex\n", patch, flags=re.MULTILINE)
    return text.replace("--- a/", "--- v1/").replace("+++ b/toy.tex", "+++ v2/toy.tex\t2024-01-01 00:00:00 +0000")


ENVELOPES: dict[str, Callable[[str], str | bytes]] = {
    "twice quoted": lambda p: quote(p, "> > "),
    "without blanks": lambda p: quote(p, ">"),
    "with bars": lambda p: quote(p, "| "),
    "blanks of another kind": lambda p: quote(p).replace("> +    ", "> +\N{NO-BREAK SPACE}   "),
    "a comment under each line": lambda p: quote(p).replace("\n> ", "\n\nYes.\n\n> "),
    "carriage returns": lambda p: p.replace("\n", "\r\n"),
    "flowed": flowed,
    "base64": encoded,
    "attached": attached,
    "no prefixes": lambda p: p.replace(" a/", " ").replace(" b/", " "),
    "of two trees": of_two_trees,
    "of a backup": lambda p: of_two_trees(p).replace("v1/toy.tex", "toy.tex.orig").replace("v2/toy.tex", "toy.tex"),
    "made beside the tree": lambda p: of_two_trees(p).replace("v1/", "spec/").replace("v2/", "spec/"),
    "flowed, and not written so": lambda p: flowed("").rstrip(b"\n") + b"\n\n" + p.encode(),
}


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_envelope_changes_nothing(envelope: str, patch: str, base: Path) -> None:
    report = reviewed(ENVELOPES[envelope](patch), base)
    assert report.complete and found(report) == FOUND


def test_a_patch_that_was_sent_again(patch: str, base: Path) -> None:
    older = patches.as_mail(patch.replace("le64 mask", "le32 mask"), "[PATCH 1/1] toy: grow")
    newer = patches.as_mail(patch, "[PATCH v2 1/1] toy: grow")
    report = reviewed(older + newer, base)
    assert report.complete and found(report) == FOUND
    assert report.total.comparison.changes[0].new["type"] == "le64"


def test_replies_that_quote_several_patches(patch: str, base: Path) -> None:
    names = patch[: patch.index("@@")]
    hunk = "@@ -14,2 +14,3 @@\n         le64 mask;\n+        le64 more;\n };\n"
    lines = quote(patch).split("\n")
    cut = "\n".join(lines[: next(i for i, line in enumerate(lines) if "mask" in line)])
    thread = [cut, quote(patch), quote(names + hunk, subject="Re: [PATCH] toy: more")]
    head = "From x Mon Sep 17 00:00:00 2001\n"
    report = reviewed("".join(f"{head}{mail}\n" for mail in thread), base)
    assert len(report.steps) == 2 and report.complete
    assert found(report) == [*FOUND, ("VD101", "virtio_toy_config.more")]


@pytest.mark.parametrize("lost", ["hunk", "line"])
def test_what_a_reply_leaves_out(lost: str, base: Path) -> None:
    def change(text: str) -> str:
        return patches.grown(text.replace("Words", "Many\nwords", 1) + "one\ntwo\nthree\nfour\n").replace(
            "four", "five"
        )

    (base / "toy.tex").write_text(patches.CHAPTER.replace("More words", "x\n" * 20 + "More words"))
    lines = quote(patches.edit(base, change)).split("\n")
    hunks = [i for i, line in enumerate(lines) if line.startswith("> @@")]
    if lost == "hunk":
        lines[hunks[0] : hunks[1]] = ["", "[...]", ""]
    else:
        at = next(i for i, line in enumerate(lines) if line.startswith("> +") and "mask" in line)
        lines[at : at + 1] = ["", "Why so wide?", ""]
    report = reviewed("\n".join(lines), base)
    assert not report.complete and report.total.cut
    assert report.exit_code("breaking") == 2


STATISTICS = "---\n toy.tex | 8 ++++++--\n 1 file changed, {} insertions(+), {} deletions(-)\n\n"


@pytest.fixture
def two_hunks(base: Path) -> str:
    """A patch whose first hunk says nothing that matters, and whose second one does."""
    (base / "toy.tex").write_text("Words.\n" + "x\n" * 20 + patches.CHAPTER)
    text: str = patches.edit(base, lambda old: patches.grown(old.replace("Words", "Many\nwords", 1)))
    return STATISTICS.format(3, 1) + text


LAST = re.compile(r"(?<=\n)> @@[^@]*@@[^@]*\Z|(?<=\n)> @@[^@]*@@[^@]*(?=\n-- \n)")
WITHOUT = {
    "neither": lambda text: re.sub(r"> index .*\n", "", re.sub(r"> .* changed, .*\n", "", text)),
    "statistics": lambda text: re.sub(r"> .* changed, .*\n", "", text),
    "index": lambda text: re.sub(r"> index .*\n", "", text),
}


@pytest.mark.parametrize(("without", "told"), [("statistics", True), ("index", True), ("neither", False)])
def test_a_hunk_that_is_missing_at_the_end(without: str, told: bool, two_hunks: str, base: Path) -> None:
    whole = WITHOUT[without](quote(two_hunks))
    report = reviewed(whole, base)
    assert report.complete and found(report) == FOUND
    cut = LAST.sub("", whole)
    assert cut != whole and "mask" not in cut
    report = reviewed(cut, base)
    assert report.complete is not told
    assert [c.header.split()[0] for c in report.total.cut] == {"statistics": ["index"], "index": ["1"], "neither": []}[
        without
    ]


def test_a_file_that_is_missing_at_the_end(patch: str, base: Path) -> None:
    text = STATISTICS.replace("1 file changed", "2 files changed").format(1, 0) + patch
    report = reviewed(quote(text), base)
    assert not report.complete and "1 of 2 files" in report.total.cut[0].reason
    assert reviewed(patches.as_mail(text), base).complete  # a patch that was sent is what it is


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("> +        le64 mask;", "> +  le64 mask;")
        .replace("> -        ", "> -  ")
        .replace(">          ", ">    "),  # blanks were changed on the way
        lambda text: re.sub(r"> index \w+", "> index 1234567", text),  # made for another revision
    ],
)
def test_what_tells_nothing_about_other_hunks(change: Callable[[str], str], patch: str, base: Path) -> None:
    text = quote(patch)
    assert change(text) != text
    report = reviewed(change(text), base)
    assert report.complete and found(report) == FOUND


def test_a_comment_in_place_of_an_empty_line_is_no_loss(base: Path) -> None:
    chapter = patches.CHAPTER.replace("\\section{Toy Device}", "\\section{Toy Device}\n\nOne.\n\nTwo.\n\n", 1)
    patch = patches.edit(base, lambda _: chapter, "new.tex")
    lines = quote(patch).split("\n")
    at = next(i for i, line in enumerate(lines) if line == "> +One.")
    assert lines[at + 1] == "> +"
    report = reviewed("\n".join([*lines[: at + 1], "", "Really?", "", *lines[at + 2 :]]), base)
    assert report.complete
    # in a listing it may have been a member
    at = next(i for i, line in enumerate(lines) if "le16 depth" in line)
    report = reviewed("\n".join([*lines[:at], "", "Really?", "", *lines[at + 1 :]]), base)
    assert not report.complete


# --- flowed text ---------------------------------------------------------------------------------------------


def folded(line: str, width: int, mark: str, *, delete_blank: bool) -> list[str]:
    """A line as a mail program breaks it: at blanks, which stay at the ends, or between words with one put there."""
    stuffed = f" {line}" if mark or line.startswith((" ", ">", "From ")) else line
    pieces, rest = [], stuffed.rstrip(" ")
    while len(rest) > width and " " in rest.strip()[:width]:
        at = rest.rstrip().rindex(" ", 0, width) + 1
        if not rest[:at].strip():
            break
        pieces.append(rest[:at] + (" " if delete_blank else ""))
        rest = (" " if mark else "") + rest[at:]
    return [mark + piece for piece in (*pieces, rest)]


def long_lines(text: str) -> str:
    said = "A sentence that goes on and on, far beyond the width that a mail program gives to the lines of a message"
    return patches.grown(text).replace("More words", f"{said}, -- and\n\n{said}.\nMore words")


@pytest.mark.parametrize("delete_blank", [False, True], ids=["", "delsp"])
@pytest.mark.parametrize("mark", ["", ">", ">>"])
def test_lines_that_were_broken_are_put_together(mark: str, delete_blank: bool, base: Path) -> None:
    (base / "toy.tex").write_text(patches.CHAPTER.replace("More", f"{'Very long words that stay. ' * 5}\n\nMore"))
    patch = patches.edit(base, long_lines)
    lines = [piece for line in patch.split("\n") for piece in folded(line, 60, mark, delete_blank=delete_blank)]
    assert len(lines) > len(patch.split("\n")) + 3
    kind = "text/plain; charset=utf-8; format=Flowed" + ("; delsp=yes" if delete_blank else "")
    mail = f"Subject: Re: toy\nFrom: a@b\nContent-Type: {kind}\n\n" + "\n".join(lines) + "\n-- \nMe\n"
    report = reviewed(mail.encode(), base)
    assert report.complete and found(report) == FOUND
    assert report.total.mail is not None
    added = [line.text for f in report.total.mail.files for h in f.hunks for line in h.lines if line.kind == "+"]
    assert any(line.startswith("A sentence") and line.endswith("message, -- and") for line in added)
    # the same without the header that says so is a patch that the mail has broken
    report = reviewed(mail.replace("Flowed", "fixed").encode(), base)
    assert not report.complete and report.total.cut


def test_lines_that_cannot_be_put_together_are_told(base: Path) -> None:
    """Broken without a blank at the end: nothing says where."""
    patch = patches.edit(base, long_lines).replace(" far beyond", "\nfar beyond")
    report = reviewed(flowed(patch), base)
    assert not report.complete
    assert ["is no line of a hunk; a long line is broken" in c.reason for c in report.total.cut] == [True]


def test_unfolding_takes_no_longer_than_the_text_is_long() -> None:
    assert len(unfold("x \n" * 500_000, delete_blank=True)) == 500_000


# --- what is no text --------------------------------------------------------------------------------------

HEAD = "diff --git a/toy.tex b/toy.tex\n"


def test_another_mode_is_no_change(base: Path) -> None:
    report = reviewed(HEAD + "old mode 100644\nnew mode 100755\n", base)
    assert report.complete and not report.total.comparison.changes and report.total.ignored == ("toy.tex",)


@pytest.mark.parametrize(
    "rest",
    [
        "index 1..2 100644\nBinary files a/toy.tex and b/toy.tex differ\n",
        "index 1..2 100644\nGIT binary patch\nliteral 10\nRcmZ\n\n",
        "deleted file mode 100644\n"
        + HEAD
        + "new file mode 120000\n--- /dev/null\n+++ b/toy.tex\n@@ -0,0 +1 @@\n+/etc\n",
    ],
)
def test_a_source_that_is_not_there_as_text_is_not_reviewed(rest: str, base: Path) -> None:
    report = reviewed(HEAD + rest, base)
    assert not report.complete and report.exit_code("any") == 2


def test_a_picture_is_no_source(base: Path) -> None:
    report = reviewed("diff --git a/x.png b/x.png\nnew file mode 100644\nGIT binary patch\nliteral 1\nRcm\n\n", base)
    assert report.complete and report.total.ignored == ("x.png",)


def test_there_is_a_limit_to_hunks(base: Path) -> None:
    with pytest.raises(PatchError, match="hunks"):
        patches.mails("--- a/toy.tex\n+++ b/toy.tex\n" + "@@ -1 +1 @@\n-x\n+y\n" * (MAX_HUNKS + 1))
