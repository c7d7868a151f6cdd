"""What a SPEC argument names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from virtspec.repository import Repository
from virtspec.source import DirectoryTree, SourceError, SourceTree


def open_source(spec: str) -> SourceTree:
    """The source tree that a SPEC argument names: a directory, a `.tex` file, or `REPO@REV`.

    Raises `SourceError` where there is none.
    """
    path = Path(spec)
    if path.is_dir():
        if not (path / "virtio.tex").is_file():
            raise SourceError(f"{spec}: no virtio.tex in this directory; {_elsewhere(path)}")
        return DirectoryTree(path)
    if path.is_file():
        return DirectoryTree(path.parent, path.name, alone=True)
    for repository, revision in repositories(spec):
        try:
            opened = Repository(repository)
        except SourceError as error:
            raise SourceError(f"no revision '{revision}': {error}") from None
        return opened.at(revision)
    repository, _, revision = spec.rpartition("@")
    if revision and revision != spec:
        if Path(repository).is_file():
            take = f"'git show {revision}:./{Path(repository).name} > OLD.tex' there takes the file out"
            raise SourceError(f"{spec}: '{repository}' is a file, and REPO@REV needs a directory; {take}")
        raise SourceError(f"{spec}: there is no directory '{repository}'; REPO@REV needs a git checkout")
    raise SourceError(f"{spec}: no such file or directory; give a directory, a .tex file, a model .json or REPO@REV")


def _elsewhere(directory: Path) -> str:
    """What to give in place of a directory without the LaTeX: who works on a chapter stands in its folder."""
    for parent in directory.resolve().parents:
        if (parent / "virtio.tex").is_file():
            return f"it is in '{os.path.relpath(parent)}'"
    return "name the directory of the LaTeX sources, or one .tex file"


def repositories(spec: str) -> Iterator[tuple[str, str]]:
    """The directories and revisions that `REPO@REV` can mean: a path and a revision (`HEAD@{1}`) may have the mark in
    them."""
    for at in reversed([at for at, mark in enumerate(spec) if mark == "@"]):
        if spec[at + 1 :] and Path(spec[:at]).is_dir():
            yield spec[:at], spec[at + 1 :]
