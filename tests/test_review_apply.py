"""What patches make of files that come, go and change places: what git would make, or a word that says why not."""

from __future__ import annotations

import re

import diff_texts
import pytest

from virtspec.review.apply import Applied, apply_patch
from virtspec.review.mail import PatchMail, read_inputs, read_mails
from virtspec.review.whole import missing_parts, missing_patches
from virtspec.source import MissingFile

ONE = "".join(f"a{i}\n" for i in range(1, 8))
OTHER = "".join(f"b{i}\n" for i in range(1, 8))
GROWN = ONE.replace("a1\n", "a1\nnew\n")
GROW = "--- a/one.tex\n+++ b/one.tex\n@@ -1,3 +1,4 @@\n a1\n+new\n a2\n a3\n"
DELETE = "diff --git a/one.tex b/one.tex\ndeleted file mode 100644\n--- a/one.tex\n+++ /dev/null\n"


def renamed(old: str, new: str, verb: str = "rename") -> str:
    head = f"diff --git a/{old}.tex b/{new}.tex\nsimilarity index 100%\n"
    return f"{head}{verb} from {old}.tex\n{verb} to {new}.tex\n"


def apply(patch: str, **files: str) -> Applied:
    texts = {f"{name}.tex": text for name, text in files.items()}
    (mail,) = read_mails(f"Subject: it\nFrom: her\n\n{patch}".encode(), "test")
    return apply_patch(diff_texts.Texts(texts), mail.files)


def texts(done: Applied, *names: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = done.tree.read(f"{name}.tex").text
        except MissingFile:
            found[name] = None
    return found


MADE: dict[str, tuple[str, dict[str, str], dict[str, str | None]]] = {
    "two files change places": (
        renamed("one", "two") + renamed("two", "one"),
        {"one": ONE, "two": OTHER},
        {"one": OTHER, "two": ONE},
    ),
    "three files in a row": (
        renamed("one", "two") + renamed("two", "three"),
        {"one": ONE, "two": OTHER},
        {"one": None, "two": ONE, "three": OTHER},
    ),
    "a file goes where another one was": (
        renamed("one", "two") + "diff --git a/two.tex b/two.tex\ndeleted file mode 100644\n",
        {"one": ONE},
        {"one": None, "two": None},
    ),
    "a copy of a file that is changed too": (
        f"diff --git a/one.tex b/one.tex\n{GROW}" + renamed("one", "two", "copy"),
        {"one": ONE},
        {"one": GROWN, "two": ONE},
    ),
    "changed and then deleted": (
        f"{GROW}{DELETE}@@ -1,8 +0,0 @@\n" + "".join(f"-{line}\n" for line in GROWN.split()),
        {"one": ONE},
        {"one": None},
    ),
    "deleted without its lines": (DELETE, {"one": ONE}, {"one": None}),
}


@pytest.mark.parametrize("case", MADE)
def test_files_come_and_go(case: str) -> None:
    patch, files, expected = MADE[case]
    done = apply(patch, **files)
    assert not done.rejected
    assert texts(done, *expected) == expected


REFUSED = {
    "a new file where one is": (
        "diff --git a/one.tex b/one.tex\nnew file mode 100644\nindex 0000000..e69de29\n",
        "has this file already",
    ),
    "a file moves to where one is": (renamed("two", "one"), "has a file 'one.tex' already"),
    "a copy to where one is": (renamed("two", "one", "copy"), "has a file 'one.tex' already"),
    "a part of a file is deleted": (DELETE + "@@ -1,2 +0,0 @@\n-a1\n-a2\n", "has lines that the patch"),
    "another file is deleted": (DELETE + "@@ -1,2 +0,0 @@\n-x1\n-a2\n", "no line 'x1'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_file_is_lost(case: str) -> None:
    patch, why = REFUSED[case]
    done = apply(patch, one=ONE, two=OTHER)
    assert [why in r.reason for r in done.rejected] == [True]
    assert "a7" in done.tree.read("one.tex").text and "b7" in done.tree.read("two.tex").text


def test_nothing_is_added_twice() -> None:
    done = apply(GROW, one=GROWN)
    assert ["is the patch applied?" in r.reason for r in done.rejected] == [True]
    assert done.tree.read("one.tex").text == GROWN


# --- hunks that mail or somebody has changed, and series with gaps ------------------------------------------------

DAMAGED = {
    "a long line is broken": GROW.replace("+new\n", "+new and then\nsome more\n"),
    "a line more than the header says, at the end": GROW + "+another\n",
    "a line more than the header says": GROW.replace("+new\n", "+new\n+another\n"),
    "a line more is removed": GROW + "-a4\n",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_no_line_is_left_out_unsaid(case: str) -> None:
    (mail,) = read_mails(f"Subject: it\nFrom: her\n\n{DAMAGED[case]}-- \n2.40\n".encode(), "test")
    done = apply_patch(diff_texts.Texts({"one.tex": ONE}), mail.files)
    assert ["is no line of a hunk" in r.reason for r in missing_parts(mail, done)] == [True]


def message(subject: str, identity: str, word: str, answers: str = "") -> str:
    return (
        f"From 0 Mon Sep 17 00:00:00 2001\nSubject: [PATCH{subject}] {identity}\nFrom: her\nMessage-Id: <{identity}>\n"
        f"In-Reply-To: <{answers}>\n\n{GROW.replace('new', word)}-- \n2.40\n\n"
    )


FIRST = message(" 1/3", "a", "x") + message(" 2/3", "b", "y") + message(" 3/3", "c", "z")
SERIES = {
    "as sent": (FIRST, "xyz"),
    "each mail twice": (FIRST + FIRST, "xyz"),
    "one again, as an answer": (FIRST + message(" v2 2/3", "d", "Y", "b"), "xYz"),
    "one of the second version only": (FIRST + message(" v2 2/3", "d", "Y"), "Y"),
    "two of the second version in a thread of their own": (
        FIRST + message(" v2 1/3", "d", "X", "a") + message(" v2 2/3", "e", "Y", "d"),
        "XY",
    ),
}


@pytest.mark.parametrize("case", SERIES)
def test_the_patches_that_hold(case: str) -> None:
    text, expected = SERIES[case]
    added = [
        line.text for m in read_mails(text.encode(), "test") for line in m.files[0].hunks[0].lines if line.kind == "+"
    ]
    assert "".join(added) == expected


def test_a_gap_in_a_series_is_told() -> None:
    mails = read_mails((message(" 1/4", "a", "x") + message(" 4/4", "d", "z")).encode(), "test")
    assert [list(missing_patches(mail)) for mail in mails] == [
        [],
        ["patches 2/4 to 3/4 of the series, before this one, are not there"],
    ]


def missing(mails: list[PatchMail]) -> list[str]:
    return [" ".join(re.findall(r"\d+/\d+", said)) for mail in mails for said in missing_patches(mail)]


@pytest.mark.parametrize(
    ("numbers", "told"),
    [("123", []), ("23", ["1/3"]), ("12", ["3/3"]), ("13", ["2/3"]), ("2", []), ("32", ["1/3"])],
)
def test_the_ends_of_a_series_that_are_missing_are_told(numbers: str, told: list[str]) -> None:
    """In one mbox, and in several files; one patch of a series may be reviewed by itself."""
    mails = [message(f" v2 {number}/3", number, number).encode() for number in numbers]
    assert missing(read_mails(b"".join(mails), "box")) == told
    several = read_inputs((mail, f"{at}.patch") for at, mail in enumerate(mails))
    assert missing(several) == told
    assert [m.number for m in several] == sorted(int(number) for number in numbers)


def test_what_is_left_of_a_newer_version_is_not_the_whole_series() -> None:
    assert missing(read_mails((FIRST + message(" v2 2/3", "d", "Y")).encode(), "box")) == ["1/3", "3/3"]


def test_files_of_two_series_stay_in_the_order_that_they_are_given_in() -> None:
    subjects = (" 2/2", " 1/2", " 1/2", " 2/2")
    inputs = [(message(subject, f"{at}", f"{at}").encode(), f"{at}") for at, subject in enumerate(subjects)]
    mails = read_inputs(inputs)
    assert [m.number for m in mails] == [2, 1, 1, 2] and not missing(mails)


def test_a_series_of_many_patches_that_are_not_there_is_one_finding() -> None:
    mails = read_mails((message(" 1/9999", "a", "x") + message(" 2/9999", "b", "y")).encode(), "box")
    assert missing(mails) == ["3/9999 9999/9999"]


def test_text_that_says_to_be_ascii() -> None:
    head = "Subject: it\nFrom: her\nContent-Type: text/plain; charset=us-ascii\n\n"
    (mail,) = read_mails((head + GROW.replace("new", "\u00e4")).encode(), "test")
    assert mail.files[0].hunks[0].lines[1].text == "\u00e4"


def test_patching_one_file_again_and_again_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtspec.review.apply.MAX_WORK", 20)
    patch = "".join(f"--- a/one.tex\n+++ b/one.tex\n@@ -1 +1 @@\n-a{n}\n+a{n + 1}\n" for n in range(1, 5))
    done = apply(patch, one=ONE)
    assert ["lines to look at" in r.reason for r in done.rejected] == [True, True]
