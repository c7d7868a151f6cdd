"""A git repository read through one `git cat-file` process: the trees of many commits at the price of few.

What two commits share is read once: trees by their name, files by theirs, as long as there is room.
"""

from __future__ import annotations

import os
import subprocess
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from virtspec.source import MAX_FILE_BYTES, MissingFile, SourceError, SourceFile, decode, normalise

MAX_CACHED = 4096
"""How many files and how many trees are kept."""

SOURCES = (".tex", ".c", ".h")
"""The suffixes of files that the reader can come to: the text, and the listings that it includes."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its name, that of its first parent ("" for a root), the author's day and the subject."""

    name: str
    parent: str
    day: str
    subject: str


class Repository:
    """A repository at a path. Raises `SourceError` where there is none."""

    def __init__(self, path: str) -> None:
        self.path = path
        if not Path(path).is_dir():
            raise SourceError(f"{path}: no such directory; name a git checkout of the specification")
        width = self.git("rev-parse", "--show-object-format").strip()
        self.name_bytes = 32 if width == "sha256" else 20
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._files: OrderedDict[str, SourceFile] = OrderedDict()
        self._trees: OrderedDict[str, dict[str, tuple[str, bool]]] = OrderedDict()

    def git(self, *arguments: str) -> str:
        """What a git command prints. Raises `SourceError` where it fails."""
        command = ["git", "-C", self.path, "--no-optional-locks", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except OSError as error:
            raise SourceError(f"git cannot be run: {error.strerror}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise SourceError(f"{self.path}: git {arguments[0]}: {said[-1] if said else 'failed'}")
        return done.stdout.decode("utf-8", "replace")

    def commits(self, range_: str) -> list[Commit]:
        """The commits of a range, oldest first. Raises `SourceError` for a range that is none."""
        if range_.startswith("-"):
            raise SourceError(f"'{range_}' is no range; give REV, REV..REV or REV...REV")
        text = self.git(
            "log", "-z", "--reverse", "--date=short", "--format=%H%x1f%P%x1f%ad%x1f%s", "--end-of-options", range_, "--"
        )
        found: list[Commit] = []
        for row in text.split("\0"):
            if row.strip():
                name, parents, day, subject = row.strip("\n").split("\x1f", 3)
                found.append(Commit(name, parents.partition(" ")[0], day, subject))
        return found

    def tree(self, commit: str, root: str = "virtio.tex") -> CommitTree:
        """The source tree of a commit."""
        kind, data = self._object(f"{commit}^{{tree}}")
        if kind != "tree":
            raise SourceError(f"{self.path}: no commit '{commit}'")
        return CommitTree(self, commit, root, self._entries(data))

    def at(self, revision: str) -> CommitTree:
        """The source tree of a revision. Raises `SourceError` where there is none."""
        try:
            commit = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
        except SourceError:
            raise SourceError(
                f"{self.path}: no revision '{revision}'; see 'git -C {self.path} log --oneline'"
            ) from None
        return self.tree(commit)

    def entries(self, name: str) -> dict[str, tuple[str, bool]]:
        """A tree object: object names by file name, and whether each is a tree itself."""
        known = self._trees.get(name)
        if known is None:
            known = self._entries(self._object(name)[1])
            self._trees[name] = known
            if len(self._trees) > MAX_CACHED:
                self._trees.popitem(last=False)
        return known

    def file(self, name: str, path: str) -> SourceFile:
        """A blob as a source file. The same blob under the same path is the same object."""
        key = f"{name}:{path}"
        known = self._files.get(key)
        if known is not None:
            self._files.move_to_end(key)
            return known
        _, data = self._object(name)
        file = decode(path, data)
        self._files[key] = file
        if len(self._files) > MAX_CACHED:
            self._files.popitem(last=False)
        return file

    def _entries(self, data: bytes) -> dict[str, tuple[str, bool]]:
        found: dict[str, tuple[str, bool]] = {}
        position = 0
        while position < len(data):
            space = data.index(b" ", position)
            end = data.index(b"\0", space)
            mode = data[position:space]
            after = end + 1 + self.name_bytes
            if mode in (b"40000", b"100644", b"100755"):
                name = data[space + 1 : end].decode("utf-8", "replace")
                found[name] = (data[end + 1 : after].hex(), mode == b"40000")
            position = after
        return found

    def _object(self, name: str) -> tuple[str, bytes]:
        """An object's kind and content. Raises `SourceError` for one that is not there, or too large."""
        stdin, stdout = self._pipes()
        stdin.write(name.encode() + b"\n")
        stdin.flush()
        head = stdout.readline().split()
        if len(head) != 3:
            raise SourceError(f"{self.path}: no object '{name}'")
        size = int(head[2])
        if size > MAX_FILE_BYTES:
            self.close()
            raise SourceError(f"{self.path}: object '{name}' has {size} bytes; at most {MAX_FILE_BYTES} are read")
        data = stdout.read(size + 1)
        return head[1].decode(), data[:-1]

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        # a process forked from this one must not share its pipes
        if self._process is None or self._owner != os.getpid():
            self._owner = os.getpid()
            try:
                self._process = subprocess.Popen(
                    ["git", "-C", self.path, "--no-optional-locks", "cat-file", "--batch"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise SourceError(f"git cannot be run: {error.strerror}") from None
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        return process.stdin, process.stdout

    def close(self) -> None:
        """End the git process."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()


class CommitTree:
    """The source tree of a commit."""

    def __init__(self, repository: Repository, commit: str, root: str, top: dict[str, tuple[str, bool]]) -> None:
        self.name = f"{repository.path}@{commit[:12]}"
        self.root = root
        self._repository = repository
        self._top = top

    def read(self, path: str) -> SourceFile:
        relative = normalise(path)
        entries = self._top
        *folders, name = relative.split("/")
        for folder in folders:
            inner, is_tree = entries.get(folder, ("", False))
            if not is_tree:
                raise MissingFile(f"no file '{relative}' in {self.name}")
            entries = self._repository.entries(inner)
        blob, is_tree = entries.get(name, ("", True))
        if is_tree:
            raise MissingFile(f"no file '{relative}' in {self.name}")
        return self._repository.file(blob, relative)

    def identity(self) -> tuple[tuple[str, str], ...]:
        """The names of all files that the reader can come to: commits with the same ones say the same."""
        found: list[tuple[str, str]] = []
        open_ = [("", self._top)]
        while open_:
            folder, entries = open_.pop()
            for name, (object_, is_tree) in entries.items():
                if is_tree:
                    open_.append((f"{folder}{name}/", self._repository.entries(object_)))
                elif name.endswith(SOURCES):
                    found.append((f"{folder}{name}", object_))
        return tuple(sorted(found))
