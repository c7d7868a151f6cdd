"""Where a specification's text comes from: a directory or one file; and spans of it.

A source tree never gives a file from outside itself: neither `..`, nor an absolute path, nor a symbolic link leads
out. Sizes are bounded before anything is read.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from codecs import BOM_UTF8
from functools import cached_property, lru_cache
from io import BytesIO, StringIO
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Protocol

MAX_FILE_BYTES = 16 << 20
"""The largest file that is read. The longest of the published sources has 0.8 MB."""


class SourceError(Exception):
    """A file that cannot be had; the message says which and why."""


class OutsideTree(SourceError):
    """A path that leaves the source tree."""


class MissingFile(SourceError):
    """A path at which the tree holds no file."""


class Place(NamedTuple):
    """A position in the specification's source: path inside the tree, and line counted from 1.

    A tuple: there are more places than of anything else in a model, and they are sorted again and again.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


class Expansion(NamedTuple):
    """A stretch of a text that is written otherwise in its file: where it lies, and what it stands for lies there."""

    start: int
    end: int
    written_start: int
    written_end: int


class SourceFile:
    """A text and its path inside the tree. `written` is the text of the file itself, where some of it is not to be
    read, or stands for something else: `expansions`, in their order. Its lines are those of the text."""

    __slots__ = ("__dict__", "expansions", "path", "text", "written")

    def __init__(
        self, path: str, text: str, written: str | None = None, expansions: tuple[Expansion, ...] = ()
    ) -> None:
        self.path = path
        self.text = one_of(text)
        self.written = self.text if written is None else written
        self.expansions = expansions

    def __repr__(self) -> str:
        return f"SourceFile({self.path!r}, {len(self.text)} characters)"

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        return line_starts_of(self.text)

    def line(self, offset: int) -> int:
        """The line of a character offset, from 1."""
        return bisect_right(self.line_starts, offset)

    def place(self, offset: int) -> Place:
        """The place of a character offset."""
        return tuple.__new__(Place, (self.path, bisect_right(self.line_starts, offset)))

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both from 1, as it stands in the file."""
        line = self.line(offset)
        starts = line_starts_of(self.written) if self.expansions else self.line_starts
        return line, self.as_written(offset) - starts[line - 1] + 1

    def as_written(self, offset: int) -> int:
        """The offset in the file itself; of what stands for something else, where that begins."""
        index = bisect_right(self.expansions, offset, key=lambda expansion: expansion.start) - 1
        if index < 0:
            return offset
        last = self.expansions[index]
        return last.written_start if offset < last.end else offset - last.end + last.written_end

    def line_text(self, line: int) -> str:
        """The text of a line (from 1) without its end, as it stands in the file."""
        starts = line_starts_of(self.written) if self.expansions else self.line_starts
        if not 1 <= line <= len(starts):
            return ""
        start = starts[line - 1]
        end = self.written.find("\n", start)
        return self.written[start : end if end >= 0 else len(self.written)]


@lru_cache(maxsize=1024)
def one_of(text: str) -> str:
    """The first of several equal texts: what is kept by text is then found without comparing them again."""
    return text


@lru_cache(maxsize=256)
def line_starts_of(text: str) -> tuple[int, ...]:
    """The offsets at which the lines of a text begin."""
    # the lines of bytes are found faster; in ASCII they are as long
    lines = BytesIO(text.encode()) if text.isascii() else StringIO(text, newline="\n")
    starts = tuple(accumulate(map(len, lines), initial=0))
    return starts if text.endswith("\n") or not text else starts[:-1]


class Span:
    """A piece of a file, by character offsets."""

    __slots__ = ("end", "file", "start")

    def __init__(self, file: SourceFile, start: int, end: int) -> None:
        self.file = file
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"Span({self}, {self.end - self.start} characters)"

    def __str__(self) -> str:
        line, column = self.line_column
        return f"{self.file.path}:{line}:{column}"

    @property
    def line(self) -> int:
        return self.file.line(self.start)

    @property
    def place(self) -> Place:
        return self.file.place(self.start)

    @property
    def line_column(self) -> tuple[int, int]:
        return self.file.line_column(self.start)

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]


class SourceTree(Protocol):
    """Files by path. `root` is the file where reading starts; `name` is how messages call the tree."""

    name: str
    root: str

    def read(self, path: str) -> SourceFile:
        """The file at a path relative to the tree's top, with `/` between its parts.

        Raises `OutsideTree`, `MissingFile` or `SourceError`.
        """
        ...


def normalise(path: str) -> str:
    """A relative path in its shortest form. Raises `OutsideTree` where it leads out of the tree."""
    if "\0" in path or "\\" in path:
        raise OutsideTree(f"{path!a} is not a path")
    if path.startswith("/"):
        raise OutsideTree(f"'{path}' is an absolute path; only files of the tree are read")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise OutsideTree(f"'{path}' leads out of the tree; only files of the tree are read")
    return "/".join(parts)


def decode(path: str, data: bytes) -> SourceFile:
    """Bytes as a source file. Raises `SourceError` where they are no UTF-8 text."""
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise SourceError(f"{path}:{line}: not a text: it holds a NUL byte")
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}; convert it with 'iconv -t UTF-8'"
        ) from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _file_of(path, text)


@lru_cache(maxsize=1024)
def _file_of(path: str, text: str) -> SourceFile:
    """The same file for the same text: what is kept by file is found again when a tree is read once more."""
    return SourceFile(path, text)


class TextTree:
    """One text as a source tree. `hint` says what to do about the files that it has not."""

    def __init__(self, text: str, name: str, hint: str = "") -> None:
        self.name = self.root = name
        self._text = text
        self._hint = hint

    def read(self, path: str) -> SourceFile:
        if path != self.root:
            raise MissingFile(f"no file '{path}' beside {self.name}" + (f"; {self._hint}" if self._hint else ""))
        return SourceFile(path, self._text)


class DirectoryTree:
    """A directory with the specification's LaTeX, or any one file as the root of its directory."""

    def __init__(self, directory: Path, root: str = "virtio.tex", *, alone: bool = False) -> None:
        self.name = str(directory / root) if alone else str(directory)
        self.root = root
        self._directory = directory
        self._top = os.path.realpath(directory)
        self._folders: dict[str, str] = {}

    def read(self, path: str) -> SourceFile:
        relative = normalise(path)
        full = os.path.join(self._top, relative)
        real = self._real(full)
        if real != full and os.path.commonpath([real, self._top]) != self._top:
            raise OutsideTree(f"'{path}' is a link that leads out of the tree")
        try:
            with open(real, "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                if size > MAX_FILE_BYTES:
                    raise SourceError(f"{relative}: {size} bytes; at most {MAX_FILE_BYTES} are read")
                # room for one byte more than the file says to have: asking for the limit would clear as much memory
                data = stream.read((size or MAX_FILE_BYTES) + 1)
        except FileNotFoundError:
            raise MissingFile(f"no file '{relative}' in {self.name}") from None
        except OSError as error:
            raise SourceError(f"{relative}: {error.strerror or error}") from None
        if len(data) > MAX_FILE_BYTES:
            raise SourceError(f"{relative}: more than {MAX_FILE_BYTES} bytes")
        return decode(relative, data)

    def _real(self, path: str) -> str:
        """Where a path leads. Folders are followed once: most of a path is that of the file before."""
        folder, name = os.path.split(path)
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = os.path.realpath(folder)
        path = os.path.join(real, name)
        return os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114 - a `Path` takes longer
