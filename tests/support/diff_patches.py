"""A small specification, and patches to it, for the tests of reviews."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from virtspec.review.mail import PatchMail, read_mails

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CHAPTER = """\\section{Toy Device}
\\subsection{Device ID}
  77
\\subsection{Device configuration layout}

Words that stand here.

\\begin{lstlisting}
struct virtio_toy_config {
        le32 capacity;
        le16 depth;
        u8 padding[2];
        le32 flags;
};
\\end{lstlisting}

More words, and then even more of them.
The end of the words.
"""


def edit(base: Path, change: Callable[[str], str], name: str = "toy.tex") -> str:
    """The patch, as git writes it, that makes a change."""
    new = base.parent / "new"
    subprocess.run(["cp", "-r", str(base), str(new)], check=True)
    path = new / name
    path.write_text(change(path.read_text() if path.exists() else ""))
    done = subprocess.run(
        ["git", "diff", "--no-index", "--src-prefix=a/", "--dst-prefix=b/", base.name, new.name],
        cwd=base.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout
    for folder in (f"a/{base.name}/", f"b/{new.name}/", f"a/{new.name}/", f"b/{base.name}/"):
        text = text.replace(folder, folder[:2])
    return text


def grown(text: str) -> str:
    return text.replace("        le32 flags;\n", "        le32 flags;\n        le64 mask;\n")


def swapped(text: str) -> str:
    return text.replace("capacity", "other").replace("flags", "capacity").replace("other", "flags")


def spec_directory(tmp_path: Path) -> Path:
    """A specification of one chapter."""
    directory = tmp_path / "spec"
    directory.mkdir()
    (directory / "virtio.tex").write_text("\\chapter{Device Types}\n\\input{toy.tex}\n")
    (directory / "toy.tex").write_text(CHAPTER)
    return directory


def mails(text: str) -> list[PatchMail]:
    return read_mails(text.encode(), "test")


def review(virtspec: Run, base: Path, patch: str, *options: str) -> tuple[int, dict[str, object], str]:
    file = base.parent / "it.patch"
    file.write_text(patch)
    done = virtspec("review", file, "--base", base, "--format", "json", *options)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def as_mail(patch: str, subject: str = "[PATCH] toy: grow", author: str = "A <a@example.org>") -> str:
    return (
        f"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: {author}\n"
        f"Date: Mon, 1 Jan 2024 00:00:00 +0000\nSubject: {subject}\n\nWhy.\n---\n toy.tex | 1 +\n\n"
        f"{patch}-- \n2.39.5\n\n"
    )


def write(base: Path, patch: str) -> Path:
    file = base.parent / "it.patch"
    file.write_text(patch)
    return file
