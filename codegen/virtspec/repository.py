"""A git repository, read with plumbing commands; the work tree is not touched.

One `git cat-file` process gives the trees and files of any number of commits. What two commits share is read once:
trees by their name, files by theirs, as long as there is room.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import weakref
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from virtspec.source import MAX_FILE_BYTES, MissingFile, SourceError, SourceFile, decode, normalise

MAX_CACHED = 4096
"""How many files and how many trees are kept."""

MAX_KEPT = 1 << 9
"""How many entries a tree may have to be kept."""

MAX_FOLDERS = 1 << 12
MAX_ENTRIES = 1 << 18
MAX_PATH = 1 << 12
"""How many folders, files and folders together, and characters of a folder's path a tree may have to be told from
another: a few small objects can stand for more folders than there is time to walk through."""

LOCATION = frozenset(
    f"GIT_{name}"
    for name in (
        "DIR COMMON_DIR WORK_TREE INDEX_FILE PREFIX NAMESPACE OBJECT_DIRECTORY ALTERNATE_OBJECT_DIRECTORIES "
        "QUARANTINE_PATH SHALLOW_FILE GRAFT_FILE REPLACE_REF_BASE"
    ).split()
)
"""The variables by which git tells its hooks which repository they belong to."""

SOURCES = (".tex", ".c", ".h")
"""The suffixes of files that the reader can come to: the text, and the listings that it includes."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its name, that of its first parent ("" for a root), the author's day and the subject."""

    name: str
    parent: str
    day: str
    subject: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree object says of a name: which object it is, and whether that is a tree itself."""

    name: str
    is_tree: bool


class Repository:
    """The repository that a directory belongs to; source trees begin at this directory. Raises `SourceError` where
    there is none."""

    def __init__(self, path: str) -> None:
        self.path = path
        if not Path(path).is_dir():
            raise SourceError(f"{path}: no such directory; name a git checkout of the specification")
        self._environment = _environment(path)
        said = self._git("rev-parse", "--show-object-format", "--show-prefix").decode("utf-8", "surrogateescape")
        format_, _, prefix = said.removesuffix("\n").partition("\n")
        self._name_bytes = 32 if format_ == "sha256" else 20
        self._folders = [folder for folder in prefix.split("/") if folder]
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._files: OrderedDict[tuple[str, str], SourceFile] = OrderedDict()
        self._trees: OrderedDict[str, dict[str, Entry]] = OrderedDict()

    def commits(self, range_: str) -> list[Commit]:
        """The commits of a range, oldest first. Raises `SourceError` for a range that is none."""
        if range_.startswith("-"):
            raise SourceError(f"'{range_}' is no range; give REV, REV..REV or REV...REV")
        text = self._git(
            *("log", "-z", "--reverse", "--no-show-signature", "--date=short", "--format=%H%x1f%P%x1f%ad%x1f%s"),
            *("--end-of-options", range_, "--"),
        ).decode("utf-8", "replace")
        found: list[Commit] = []
        for row in text.split("\0"):
            if row.strip():
                name, parents, day, subject = row.strip("\n").split("\x1f", 3)
                found.append(Commit(name, parents.partition(" ")[0], day, subject))
        return found

    def at(self, revision: str, root: str = "virtio.tex") -> CommitTree:
        """The source tree of a revision, however it is named. Raises `SourceError` where there is none."""
        where = f"see 'git -C {self.path} tag' and 'log --oneline'"
        missing = SourceError(f"{self.path}: no revision '{revision}'; {where}")
        if revision.startswith("-"):
            raise missing
        try:
            name = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except SourceError:
            raise missing from None
        return CommitTree(self, f"{self.path}@{revision}", root, self._top(name.decode().strip()))

    def tree(self, commit: str, root: str = "virtio.tex") -> CommitTree:
        """The source tree of a commit, given by its full name."""
        return CommitTree(self, f"{self.path}@{commit[:12]}", root, self._top(commit))

    def _top(self, commit: str) -> dict[str, Entry]:
        data = self._object(f"{commit}^{{tree}}", "tree", f"commit {commit}")
        return self.folder(self._entries(data), self._folders)

    def folder(self, entries: dict[str, Entry], folders: list[str]) -> dict[str, Entry]:
        """The entries of a folder below others; none where there is no such folder."""
        for name in folders:
            entry = entries.get(name)
            if entry is None or not entry.is_tree:
                return {}
            entries = self.entries(entry.name)
        return entries

    def entries(self, name: str) -> dict[str, Entry]:
        """The entries of a tree object. Links and submodules are none: nothing leads out of the repository."""
        known = self._trees.get(name)
        if known is None:
            known = self._entries(self._object(name, "tree", f"tree {name}"))
            if len(known) <= MAX_KEPT:
                self._trees[name] = known
            if len(self._trees) > MAX_CACHED:
                self._trees.popitem(last=False)
        else:
            self._trees.move_to_end(name)
        return known

    def file(self, name: str, path: str) -> SourceFile:
        """A blob as a source file. The same blob under the same path is the same object."""
        known = self._files.get((name, path))
        if known is None:
            known = self._files[name, path] = decode(path, self._object(name, "blob", path))
            if len(self._files) > MAX_CACHED:
                self._files.popitem(last=False)
        else:
            self._files.move_to_end((name, path))
        return known

    def name_of(self, data: bytes) -> str:
        """What git calls a blob."""
        algorithm = "sha256" if self._name_bytes == 32 else "sha1"
        return hashlib.new(algorithm, b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()

    def _entries(self, data: bytes) -> dict[str, Entry]:
        """What the content of a tree object says: a mode, a space, a name, NUL, and the bytes of an object's name."""
        found: dict[str, Entry] = {}
        position = 0
        while position < len(data):
            mode, space, _ = data[position : position + 7].partition(b" ")
            end = data.find(b"\0", position)
            after = end + 1 + self._name_bytes
            if not space or end < 0 or after > len(data):
                raise SourceError(f"{self.path}: a damaged tree; see 'git -C {self.path} fsck'")
            if mode in (b"40000", b"100644", b"100755"):
                name = data[position + len(mode) + 1 : end].decode("utf-8", "surrogateescape")
                found[name] = Entry(data[end + 1 : after].hex(), mode == b"40000")
            position = after
        return found

    # --- git ----------------------------------------------------------------------------------------------

    def _git(self, *arguments: str) -> bytes:
        """What a git command prints. Raises `SourceError` where it fails."""
        try:
            done = subprocess.run(self._command(*arguments), env=self._environment, capture_output=True, check=False)
        except OSError as error:
            raise SourceError(f"git cannot be run: {error.strerror}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise SourceError(f"{self.path}: git {arguments[0]}: {said[-1] if said else 'failed'}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", self.path, "--no-optional-locks", *arguments]

    def _object(self, name: str, kind: str, what: str) -> bytes:
        """An object's content. Raises `SourceError` for one that is not there, of another kind, or too large."""
        stdin, stdout = self._pipes()
        try:
            stdin.write(name.encode() + b"\n")
            stdin.flush()
            head = stdout.readline().split()
            if len(head) == 3 and int(head[2]) > MAX_FILE_BYTES:
                # what git is about to write is not wanted
                self.close()
                raise SourceError(f"{what}: {int(head[2])} bytes; at most {MAX_FILE_BYTES} are read")
            data = stdout.read(int(head[2]) + 1)[:-1] if len(head) == 3 else b""
        except OSError:
            head, data = [], b""
        if len(head) != 3 or len(data) != int(head[2]):
            # git gave up, or says that there is no such object
            self.close()
            raise SourceError(f"{what}: git cannot read it; see 'git -C {self.path} fsck'")
        if head[1] != kind.encode():
            raise SourceError(f"{what}: no {kind}; see 'git -C {self.path} fsck'")
        return data

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._owner != os.getpid():
            self.close()  # a process forked from the one that began to read must not share its pipes
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self._command("cat-file", "--batch"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=self._environment,
                )
            except OSError as error:
                raise SourceError(f"git cannot be run: {error.strerror}") from None
            self._owner = os.getpid()
            # whoever holds the repository, or a tree of it, need not think of the process
            self._end = weakref.finalize(self, _end, self._process, self._owner)
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        return process.stdin, process.stdout

    def close(self) -> None:
        """End the git process; the next reading starts another. Without this it ends with the repository."""
        if self._process is not None:
            self._process = None
            self._end()


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """End a git process, or in a process forked from its owner let go of it."""
    if owner == os.getpid():
        # closing its input would do, if no process forked meanwhile held that open as well
        process.kill()
    # leaving it closes the pipes and waits; what could not be written to git is of no interest
    with suppress(OSError), process:
        pass


def _environment(path: str) -> dict[str, str]:
    """The environment in which git reads the repository of a directory: what a hook is told about its own one, the
    objects that it is yet to accept included, holds for no other."""
    told = dict(os.environ)
    plain = {name: value for name, value in told.items() if name not in LOCATION}
    if len(plain) == len(told):
        return plain
    command = ["git", "-C", path, "rev-parse", "--absolute-git-dir"]
    try:
        one, other = (subprocess.run(command, env=e, capture_output=True, check=False).stdout for e in (told, plain))
    except OSError as error:
        raise SourceError(f"git cannot be run: {error.strerror}") from None
    return told if one == other else plain


class CommitTree:
    """The source tree of a commit."""

    def __init__(self, repository: Repository, name: str, root: str, top: dict[str, Entry]) -> None:
        self.name = name
        self.root = root
        self._repository = repository
        self._top = top

    def read(self, path: str) -> SourceFile:
        relative = normalise(path)
        *folders, name = relative.split("/")
        entry = self._repository.folder(self._top, folders).get(name)
        if entry is None or entry.is_tree:
            raise MissingFile(f"no file '{relative}' in {self.name}")
        return self._repository.file(entry.name, relative)

    def is_blob(self, path: str, data: bytes) -> bool:
        """Whether the file at a path holds these bytes."""
        *folders, name = normalise(path).split("/")
        entry = self._repository.folder(self._top, folders).get(name)
        return entry is not None and self._repository.name_of(data) == entry.name

    def identity(self) -> tuple[tuple[str, str], ...]:
        """The names of all files that the reader can come to: commits with the same ones say the same.

        Raises `SourceError` for a tree of too many or too deep folders.
        """
        found: list[tuple[str, str]] = []
        open_ = [("", "")]
        folders = entries = 0
        while open_:
            path, tree = open_.pop()
            folder = self._repository.entries(tree) if tree else self._top
            folders += 1
            entries += len(folder)
            if folders > MAX_FOLDERS or entries > MAX_ENTRIES or len(path) > MAX_PATH:
                raise SourceError(f"{self.name}: too many or too deep folders; is it a specification's repository?")
            for name, entry in folder.items():
                if entry.is_tree:
                    open_.append((f"{path}{name}/", entry.name))
                elif name.endswith(SOURCES):
                    found.append((f"{path}{name}", entry.name))
        return tuple(sorted(found))
