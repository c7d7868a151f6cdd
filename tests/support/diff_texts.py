"""Small specifications for the tests of comparisons: a listing, or a whole chapter, as a model."""

from __future__ import annotations

from virtspec.comparison import Reading, read_source
from virtspec.diff.change import Comparison
from virtspec.diff.compare import compare_specs
from virtspec.source import MissingFile, SourceFile


class Texts:
    """A source tree in memory."""

    def __init__(self, files: dict[str, str], root: str = "virtio.tex") -> None:
        self.name = "memory"
        self.root = root
        self.files = files

    def read(self, path: str) -> SourceFile:
        try:
            return SourceFile(path, self.files[path])
        except KeyError:
            raise MissingFile(f"no file '{path}' in memory") from None


def reading(text: str, **files: str) -> Reading:
    return read_source(Texts({"virtio.tex": text, **{f"{k}.tex": v for k, v in files.items()}}))


def chapter(listing: str, *, title: str = "Toy Device", rest: str = "") -> str:
    return (
        f"\\section{{{title}}}\\label{{sec:Device Types / {title}}}\n\n"
        f"\\begin{{lstlisting}}\n{listing}\n\\end{{lstlisting}}\n{rest}\n"
    )


def compare(old: str, new: str) -> Comparison:
    """The comparison of two listings."""
    return compare_specs(reading(chapter(old)).spec, reading(chapter(new)).spec)


def found(comparison: Comparison) -> set[tuple[str, str, str]]:
    """The findings as rule, subject and verdict."""
    return {(c.rule, c.subject, str(c.verdict)) for c in comparison.changes}
