"""What a SPEC argument names."""

from __future__ import annotations

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
            raise SourceError(f"{spec}: no virtio.tex in this directory; name the directory of the LaTeX sources")
        return DirectoryTree(path)
    if path.is_file():
        return DirectoryTree(path.parent, path.name, alone=True)
    named = [(spec[:at], spec[at + 1 :]) for at, mark in enumerate(spec) if mark == "@"]
    # both a path and a revision (`HEAD@{1}`) may have the mark in it
    for repository, revision in reversed(named):
        if revision and Path(repository).is_dir():
            try:
                opened = Repository(repository)
            except SourceError as error:
                raise SourceError(f"no revision '{revision}': {error}") from None
            return opened.at(revision)
    if named and named[-1][1]:
        raise SourceError(f"{spec}: there is no directory '{named[-1][0]}'; REPO@REV needs a git checkout")
    raise SourceError(f"{spec}: no such file or directory; give a directory, a .tex file, a model .json or REPO@REV")
