"""Unified diffs: what `git diff`, `git format-patch` and `diff -u` write, and what mail makes of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from virtspec.source import OutsideTree, normalise

MAX_HUNKS = 20_000
"""How many hunks a message may have; the diff of two releases has two thousand."""

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)")
_CODE = re.compile(r"\\(begin|end)\{(?:lstlisting|tabular[x*]?|longtable|xltabular)\}")
_GIT = re.compile(r'diff --git ("?a/.*?"?) ("?b/.*"?)$')
_INDEX = re.compile(r"index ([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})\b")
_VERSION = re.compile(r"\d+\.\d+")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_ESCAPED = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class PatchError(Exception):
    """A patch that cannot be read or applied; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of a message: its number there from 0, and whether lines that are no part of the patch stand before it."""

    text: str
    at: int
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a hunk: ` ` for context, `+` or `-`. `at` is its line in the message."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A hunk. `missing` counts lines that its header promises and that are not there, `breaks` the comments in it that
    can stand for some; `stray` is the first line in it that is none of a hunk, as where mail has broken a long one."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[Line, ...]
    header: str
    at: int
    missing: int = 0
    breaks: int = 0
    stray: str = ""

    @property
    def shift(self) -> int:
        """How many lines the hunks before it add."""
        return (self.new_start + (not self.new_count)) - (self.old_start + (not self.old_count))


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePatch:
    """All hunks about one file. A path is None where the file is not there on that side."""

    old_path: str | None
    new_path: str | None
    hunks: tuple[Hunk, ...]
    at: int
    binary: bool = False
    copies: bool = False
    mode: bool = False
    """Whether the file's mode changes."""
    link: bool = False
    """Whether it is a symbolic link: its text is the name of another file."""
    blobs: tuple[str, str] | None = None
    """What git calls the content before and after: the first digits of its digests."""

    @property
    def path(self) -> str:
        """The path that messages call it by."""
        return self.new_path or self.old_path or ""

    @property
    def moves(self) -> bool:
        """Whether the file gets another path, and is gone from its old one."""
        return None not in (self.old_path, self.new_path) and self.old_path != self.new_path and not self.copies


def read_patch(lines: Sequence[Text]) -> list[FilePatch]:
    """The patches to single files in the lines of a message. Raises `PatchError` for a path that leaves the tree, or a
    hunk without a file."""
    return _Reader(lines).read()


class _Reader:
    def __init__(self, lines: Sequence[Text]) -> None:
        self.lines = lines
        self.position = 0
        self.hunks = 0

    def read(self) -> list[FilePatch]:
        found: list[FilePatch] = []
        while self.position < len(self.lines):
            line = self.lines[self.position]
            if line.text.startswith("diff --git "):
                found.append(self._git())
            elif self._names_follow():
                found.append(self._file(line.at, None, None))
            elif _HUNK.match(line.text):
                raise PatchError(f"line {line.at + 1}: a hunk without a file: no '---' and '+++' lines before it")
            else:
                self.position += 1
        return [f for f in found if f.hunks or f.binary or f.mode or f.old_path != f.new_path]

    def _names_follow(self) -> bool:
        if self.position + 1 >= len(self.lines):
            return False
        first, second = self.lines[self.position].text, self.lines[self.position + 1].text
        return first.startswith("--- ") and second.startswith("+++ ")

    def _git(self) -> FilePatch:
        head = self.lines[self.position]
        match = _GIT.match(head.text)
        old = _path(match[1], head.at) if match else None
        new = _path(match[2], head.at) if match else None
        self.position += 1
        binary = copies = mode = link = False
        blobs: tuple[str, str] | None = None
        while self.position < len(self.lines):
            text = self.lines[self.position].text
            mode |= text.startswith("new mode ")
            link |= text.startswith(("new file mode 120", "new mode 120"))
            if index := _INDEX.match(text):
                blobs = index[1], index[2]
            if text.startswith("new file mode"):
                old = None
            elif text.startswith("deleted file mode"):
                new = None
            elif text.startswith(("rename from ", "copy from ")):
                old = _path(text.split(" from ", 1)[1], head.at, prefixed=False)
                copies = text.startswith("copy")
            elif text.startswith(("rename to ", "copy to ")):
                new = _path(text.split(" to ", 1)[1], head.at, prefixed=False)
            elif text.startswith(("GIT binary patch", "Binary files ")):
                binary = True
            elif self._ends_header(text, binary=binary):
                break
            self.position += 1
        return replace(self._file(head.at, old, new), binary=binary, copies=copies, mode=mode, link=link, blobs=blobs)

    def _ends_header(self, text: str, *, binary: bool) -> bool:
        if text.startswith("diff --git ") or self._names_follow() or _HUNK.match(text):
            return True
        return bool(text) and not binary and not _extended(text)

    def _file(self, at: int, old: str | None, new: str | None) -> FilePatch:
        git = old is not None or new is not None
        if self._names_follow():
            first, second = self.lines[self.position], self.lines[self.position + 1]
            old = _path(first.text[4:].partition("\t")[0].rstrip(), first.at)
            new = _path(second.text[4:].partition("\t")[0].rstrip(), second.at)
            self.position += 2
            if not git:
                old, new = _one_file(old, new)
        hunks: list[Hunk] = []
        while self.position < len(self.lines):
            line = self.lines[self.position]
            if _HUNK.match(line.text):
                hunks.append(self._hunk())
            elif line.text.startswith("diff --git ") or self._names_follow():
                break
            else:
                self.position += 1
        if not git and old is not None and old == new and [h.old_count for h in hunks] == [0]:
            old = None  # `diff -N` gives a new file a name on both sides
        if hunks and old is None and new is None:
            raise PatchError(f"line {at + 1}: a patch without a file name")
        return FilePatch(old_path=old, new_path=new, hunks=tuple(hunks), at=at)

    def _hunk(self) -> Hunk:
        head = self.lines[self.position]
        match = _HUNK.match(head.text)
        assert match
        old_count, new_count = int(match[2] or 1), int(match[4] or 1)
        self.position += 1
        self.hunks += 1
        if self.hunks > MAX_HUNKS:
            raise PatchError(f"line {head.at + 1}: more than {MAX_HUNKS} hunks")
        body = self._body(old_count, new_count)
        return Hunk(
            old_start=int(match[1]),
            old_count=old_count,
            new_start=int(match[3]),
            new_count=new_count,
            lines=tuple(body.lines),
            header=head.text,
            at=head.at,
            missing=max(body.old, body.new),
            breaks=body.replaced,
            stray=body.stray,
        )

    def _body(self, old: int, new: int) -> _Body:
        """The lines of a hunk, up to the last one that its header promises or to what cannot be one of them."""
        body = _Body(old=old, new=new)
        while self.position < len(self.lines) and (body.old or body.new):
            line = self.lines[self.position]
            body.note(line)
            if _HUNK.match(line.text) or line.text.startswith("diff --git "):
                break
            if (self._names_follow() and not self._removed(body.old)) or self._signature():
                break
            body.take(line)
            self.position += 1
        else:
            if self._goes_on():
                body.stray = body.stray or self.lines[self.position].text
        return body

    def _goes_on(self) -> bool:
        """Whether there are more changed lines right behind a hunk than its header promises: somebody has edited it."""
        if self.position >= len(self.lines):
            return False
        line = self.lines[self.position]
        return not line.broken and (line.text[:1] == "+" or re.match(r"-(?!-)", line.text) is not None)

    def _removed(self, old: int) -> bool:
        """Whether a `--- x` line followed by `+++ y` is text of the hunk: a removed and an added line."""
        following = self.lines[self.position + 2].text if self.position + 2 < len(self.lines) else ""
        return old > 0 and not _HUNK.match(following)

    def _signature(self) -> bool:
        """Whether a `-- ` line ends the message: the version of git stands behind it, or nothing does."""
        if self.lines[self.position].text.rstrip() != "--":
            return False
        behind = [line.text for line in self.lines[self.position + 1 : self.position + 3] if line.text.strip()]
        return not behind or _VERSION.match(behind[0]) is not None


@dataclass(slots=True)
class _Body:
    """The lines of a hunk as they are read. `old` and `new` count those of either text that are still to come, `breaks`
    the comments between them, and `apart` those of them between paragraphs; `stray` is the first line that is none."""

    old: int
    new: int
    lines: list[Line] = field(default_factory=list)
    breaks: int = 0
    apart: int = 0
    stray: str = ""

    def note(self, line: Text) -> None:
        """Count the comment before a line, if there is one."""
        self.breaks += line.broken
        self.apart += line.broken and _between_paragraphs(self.lines)

    def take(self, line: Text) -> None:
        """Add a line, if it is one of the hunk."""
        kind = line.text[:1] or " "
        if kind == "+" and self.new:
            self.new -= 1
        elif kind == "-" and self.old:
            self.old -= 1
        elif kind == " " and self.old and self.new:
            self.old, self.new = self.old - 1, self.new - 1
        else:
            if kind != "\\" and line.text.strip():
                self.stray = self.stray or line.text
            return
        self.lines.append(Line(kind, line.text[1:], line.at))

    @property
    def replaced(self) -> int:
        """How many lines the comments can have replaced: a line that both texts have is context; what only the new one
        has may be a member or the row of a table."""
        return self.breaks if self.old == self.new else self.apart if self.old < self.new else 0


def _between_paragraphs(lines: Sequence[Line]) -> bool:
    """Whether an empty line may follow: behind the end of a sentence or of a block, and in no listing or table."""
    edge = next((m for line in reversed(lines) if (m := _CODE.search(line.text))), None)
    last = lines[-1].text.rstrip() if lines else ""
    return (edge is None or edge[1] == "end") and last.endswith((".", ":", "}"))


def _extended(text: str) -> bool:
    return text.startswith(
        ("index ", "old mode ", "new mode ", "similarity index ", "dissimilarity index ", "rename ", "copy ")
    )


def _one_file(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """The names that `diff` gives a file: it knows no renames, but two trees (`v1/x` and `v2/x`), and backups."""
    if old is None or new is None or old == new:
        return old, new
    short = old.partition("/")[2]
    if short and short == new.partition("/")[2]:
        return short, short
    if old in (f"{new}.orig", f"{new}.old", f"{new}~"):
        return new, new
    return old, new


def _path(text: str, at: int, *, prefixed: bool = True) -> str | None:
    """A path of a patch, inside the tree. Raises `PatchError` where it leads out."""
    text = text.strip()
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = _unquoted(text[1:-1])
    if text == "/dev/null":
        return None
    if not text.isprintable():
        raise PatchError(f"line {at + 1}: a file name with control characters: {text!a:.80}")
    if prefixed and text[:2] in ("a/", "b/", "i/", "w/", "c/", "o/"):
        text = text[2:]
    try:
        path = normalise(text)
    except OutsideTree as error:
        raise PatchError(f"line {at + 1}: {error}") from None
    if not path:
        raise PatchError(f"line {at + 1}: a patch without a file name")
    return path


def _unquoted(text: str) -> str:
    """A name as git quotes it (`\\303\\244`)."""
    data = bytearray()
    position = 0
    for match in _ESCAPE.finditer(text):
        data += text[position : match.start()].encode("utf-8", "surrogateescape")
        code = match[1]
        data += bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code).encode()
        position = match.end()
    data += text[position:].encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "replace")
