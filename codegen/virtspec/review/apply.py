"""Applying a patch in memory, as `patch` does: by context, at another place if need be, with some fuzz."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from virtspec.review.hunks import FilePatch, Hunk, Line
from virtspec.source import MAX_FILE_BYTES, MissingFile, SourceError, SourceFile, SourceTree, TextTree, normalise

MAX_FUZZ = 2
"""How many lines of context at either end of a hunk may differ, as for `patch`."""

MAX_TRIED = 1000
"""At how many places before and behind the one that its header names a hunk is tried."""

MAX_LINES = 1 << 20
"""How many lines a file may have that is patched."""

MAX_WORK = 1 << 23
"""How many lines the files may have together that one message patches, a file counted as often as it is."""

SOURCES = (".tex", ".c", ".h")
"""What the files of the text are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A hunk that does not apply, or a whole file, and why. `at` is its line in the message."""

    path: str
    header: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A hunk that applied, but not where or how it says."""

    path: str
    header: str
    offset: int
    fuzz: int


@dataclass(slots=True)
class Applied:
    """What became of a patch. `lines` gives, for each file of the new tree, the line of the message that holds a line
    of the file; `removed` the same for lines that are gone, by their line in the old tree. `work`
    counts the lines of the files that were patched."""

    tree: PatchedTree
    rejected: list[Rejected] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    lines: dict[str, dict[int, int]] = field(default_factory=dict)
    removed: dict[str, dict[int, int]] = field(default_factory=dict)
    work: int = 0


class PatchedTree:
    """A source tree with some files changed in memory; one whose text is None is gone. `made` are the paths at which
    there was another file or none."""

    def __init__(self, base: SourceTree, changes: Mapping[str, str | None], name: str = "") -> None:
        self.name = name or f"{base.name} (patched)"
        self.root = base.root
        self.base = base
        self.changes = dict(changes)
        self.made: set[str] = set()
        self._files: dict[str, SourceFile] = {}

    def change(self, path: str, text: str | None) -> None:
        """Give a file another text, or none."""
        self.changes[path] = text
        self._files.pop(path, None)

    def read(self, path: str) -> SourceFile:
        relative = normalise(path)
        if relative not in self.changes:
            return self.base.read(relative)
        if relative not in self._files:
            text = self.changes[relative]
            if text is None:
                raise MissingFile(f"no file '{relative}' in {self.name}: the patch removes it")
            if len(text) > MAX_FILE_BYTES:
                raise SourceError(f"{relative}: {len(text)} characters; at most {MAX_FILE_BYTES} are read")
            self._files[relative] = SourceFile(relative, text)
        return self._files[relative]


def nothing() -> SourceTree:
    """What patches that add files apply to where there is no base: an empty text."""
    return TextTree("", "new files", "there is no base; name one with --base")


def included(patches: Iterable[FilePatch]) -> str:
    """A text that does nothing but include the `.tex` files that patches add."""
    added = (p.new_path for p in patches if p.old_path is None and p.new_path is not None)
    return "".join(f"\\input{{{path}}}\n" for path in added if path.endswith(".tex"))


def apply_patch(base: SourceTree, patches: Iterable[FilePatch], name: str = "") -> Applied:
    """Apply patches to a tree. What does not apply is told in the result; everything else is applied."""
    done = Applied(PatchedTree(base, {}, name))
    inside = [_inside(base, patch) for patch in patches]
    leaving = {patch.old_path for patch in inside if patch.moves or patch.new_path is None}
    for patch in inside:
        _apply_file(done, patch, leaving)
    return done


def _inside(base: SourceTree, patch: FilePatch) -> FilePatch:
    """A patch made beside the tree (`spec/x.tex`) with the path inside it, as `patch -p1` takes it."""
    below = (patch.old_path or "").partition("/")[2]
    if not below or patch.old_path != patch.new_path:
        return patch
    known = [name for name in (patch.old_path or "", below) if _known(base, name)]
    return replace(patch, old_path=below, new_path=below) if known == [below] else patch


def _known(tree: SourceTree, path: str) -> bool:
    try:
        tree.read(path)
    except SourceError:
        return False
    return True


def _apply_file(done: Applied, patch: FilePatch, leaving: Collection[str | None]) -> None:
    """Apply the patch to one file. The files that are `leaving` make room for others of their names."""
    source = patch.path.endswith(SOURCES)
    if patch.binary or patch.link:
        if source:
            _reject_all(done, patch, "a symbolic link" if patch.link else "its lines are not in the patch, only bytes")
        else:
            done.ignored.append(patch.path)
        return
    if not patch.hunks and patch.old_path == patch.new_path:
        done.ignored.append(patch.path)  # another mode
        return
    reason = _occupied(done.tree, patch, leaving)
    if reason:
        _reject_all(done, patch, reason)
        return
    text = ""
    if patch.old_path is not None:
        try:
            text = _before(done.tree, patch, patch.old_path).text
        except MissingFile as error:
            if not source:
                done.ignored.append(patch.path)  # no source of the text, and the base does not have it
            else:
                _reject_all(done, patch, str(error))
            return
        except SourceError as error:
            _reject_all(done, patch, str(error))
            return
    done.work += text.count("\n")
    if done.work > MAX_WORK:
        _reject_all(done, patch, f"the patches to the files before it have more than {MAX_WORK} lines to look at")
        return
    lines = text.removesuffix("\n").split("\n") if text else []
    if len(lines) > MAX_LINES:
        _reject_all(done, patch, f"'{patch.path}' has more than {MAX_LINES} lines")
        return
    _replace(done, patch, _apply_hunks(done, patch, lines))


def _occupied(tree: PatchedTree, patch: FilePatch, leaving: Collection[str | None]) -> str:
    """Why a file cannot come to its path, "" where it can: another one is there, and stays."""
    new = patch.new_path
    if new is None or new == patch.old_path:
        return ""
    existing = _existing(tree, new)
    if existing is None or (new in leaving and new not in tree.made):
        return ""
    if patch.old_path is not None:
        return f"the base has a file '{new}' already"
    added = "\n".join(line.text for hunk in patch.hunks for line in hunk.lines if line.kind == "+")
    same = existing.rstrip("\n") == added.rstrip("\n")
    return "the base has this file already" + (": the patch is applied" if same else "")


def _before(tree: PatchedTree, patch: FilePatch, path: str) -> SourceFile:
    """The file that a patch begins with. A renamed or copied one is that which stood there before the whole message:
    git writes it so whatever became of the original."""
    if patch.old_path != patch.new_path and patch.new_path is not None and _known(tree.base, path):
        return tree.base.read(path)
    return tree.read(path)


def _replace(done: Applied, patch: FilePatch, lines: list[str]) -> None:
    """Put the lines where the patch wants them, and remove what it removes."""
    tree = done.tree
    if patch.new_path is None:
        assert patch.old_path is not None
        if patch.hunks and any(lines):
            whole = not any(hunk.missing for hunk in patch.hunks)
            if whole and not any(r.path == patch.path for r in done.rejected):
                _reject_all(done, patch, "the file has lines that the patch, which deletes it, does not have")
            tree.change(patch.old_path, "\n".join(lines) + "\n")
        else:
            tree.change(patch.old_path, None)
        return
    if patch.moves and patch.old_path is not None and patch.old_path not in tree.made:
        tree.change(patch.old_path, None)
    tree.change(patch.new_path, "\n".join(lines) + ("\n" if lines else ""))
    if patch.old_path != patch.new_path:
        tree.made.add(patch.new_path)


def _existing(tree: PatchedTree, path: str) -> str | None:
    try:
        return tree.read(path).text
    except SourceError:
        return None


def _reject_all(done: Applied, patch: FilePatch, reason: str) -> None:
    for hunk in patch.hunks:
        done.rejected.append(Rejected(path=patch.path, header=hunk.header, reason=reason, at=hunk.at))
    if not patch.hunks:
        done.rejected.append(Rejected(path=patch.path, header="", reason=reason, at=patch.at))


def _apply_hunks(done: Applied, patch: FilePatch, lines: list[str]) -> list[str]:
    """The lines of the new file. `lines` are those of the old one; hunks may move by what earlier ones did."""
    result: list[str] = []
    taken = 0
    offset = 0
    index = _Index(lines)
    new_lines = done.lines.setdefault(patch.path, {})
    old_lines = done.removed.setdefault(patch.old_path or patch.path, {})
    for hunk in patch.hunks:
        found = _find(index, hunk, taken, offset)
        if found is None or (found[1] and _is_applied(index, hunk, taken, near=found[0])):
            # with some fuzz, what it adds would be added a second time
            reason = _why(index, hunk, taken)
            done.rejected.append(Rejected(path=patch.path, header=hunk.header, reason=reason, at=hunk.at))
            continue
        start, fuzz, used = found
        offset = start - (_nominal(hunk) + _skipped(hunk, used))
        if offset or fuzz:
            done.moved.append(Moved(path=patch.path, header=hunk.header, offset=offset, fuzz=fuzz))
        result += lines[taken:start]
        position = start
        for line in used:
            if line.kind == "+":
                result.append(line.text)
                new_lines[len(result)] = line.at
            elif line.kind == "-":
                position += 1
                old_lines[position] = line.at
            else:
                result.append(lines[position])
                position += 1
                new_lines[len(result)] = line.at
                old_lines[position] = line.at
        taken = position
    result += lines[taken:]
    return result


def _nominal(hunk: Hunk) -> int:
    """Where the header says the hunk starts, from 0."""
    return hunk.old_start - 1 if hunk.old_count else hunk.old_start


def _skipped(hunk: Hunk, used: tuple[Line, ...]) -> int:
    """How many lines of leading context the fuzz has dropped."""
    return next((i for i, line in enumerate(hunk.lines) if not used or line is used[0]), 0)


class _Index:
    """The lines of a file, and where each of them stands: a hostile patch has many hunks that fit nowhere."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.exact: dict[str, list[int]] = {}
        self.words: dict[str, list[int]] = {}
        for at, line in enumerate(lines):
            self.exact.setdefault(line, []).append(at)
            self.words.setdefault(_words(line), []).append(at)

    def nearest(self, wanted: list[str], near: int, first: int, *, blanks: bool = True) -> int | None:
        """The place nearest to `near`, not before `first`, where all wanted lines stand; without `blanks`, white space
        may differ."""
        last = len(self.lines) - len(wanted)
        places = [self.exact.get(line, ()) if blanks else self.words.get(_words(line), ()) for line in wanted]
        # where the rarest line stands: empty ones are everywhere
        shift, known = min(enumerate(places), key=lambda place: len(place[1]))
        middle = bisect_left(known, near + shift)
        around = known[max(0, middle - MAX_TRIED) : middle + MAX_TRIED]
        for at in sorted(around, key=lambda at: (abs(at - shift - near), at)):
            start = at - shift
            if first <= start <= last and all(
                _same(self.lines[start + k], text, blanks=blanks) for k, text in enumerate(wanted)
            ):
                return start
        return None


def _words(line: str) -> str:
    """A line without its white space: mail and editors change it, and LaTeX does not mind."""
    return " ".join(line.split())


def _same(one: str, other: str, *, blanks: bool) -> bool:
    return one == other if blanks else one.split() == other.split()


def _find(index: _Index, hunk: Hunk, first: int, offset: int) -> tuple[int, int, tuple[Line, ...]] | None:
    """Where a hunk's old lines are in a file: position, fuzz, and the lines of the hunk that are used."""
    for fuzz in range(MAX_FUZZ + 1):
        used = _trimmed(hunk.lines, fuzz)
        if used is None:
            return None
        wanted = [line.text for line in used if line.kind != "+"]
        near = _nominal(hunk) + offset + _skipped(hunk, used)
        if not wanted:
            if not index.lines or hunk.old_count == 0:
                return min(max(near, first), len(index.lines)), fuzz, used
            return None
        for blanks in (True, False):
            at = index.nearest(wanted, max(near, first), first, blanks=blanks)
            if at is not None:
                return at, fuzz, used
    return None


def _trimmed(lines: tuple[Line, ...], fuzz: int) -> tuple[Line, ...] | None:
    """A hunk without `fuzz` lines of context at either end; None where it has no context to spare."""
    if not fuzz:
        return lines
    head = next((i for i, line in enumerate(lines) if line.kind != " "), len(lines))
    tail = next((i for i, line in enumerate(reversed(lines)) if line.kind != " "), len(lines))
    front, back = min(fuzz, head), min(fuzz, tail)
    if fuzz > max(head, tail):
        return None
    used = lines[front : len(lines) - back]
    return used if any(line.kind != "+" for line in used) else None


def _is_applied(index: _Index, hunk: Hunk, first: int, *, near: int | None = None) -> bool:
    """Whether a file has the lines that a hunk makes already, `near` a place or anywhere."""
    after = [line.text for line in hunk.lines if line.kind != "-"]
    if not any(line.kind == "+" for line in hunk.lines):
        return False
    found = index.nearest(after, _nominal(hunk) if near is None else near, first)
    return found is not None and (near is None or abs(found - near) <= len(after))


def _why(index: _Index, hunk: Hunk, first: int) -> str:
    if _is_applied(index, hunk, first):
        return "the base has these lines already: is the patch applied?"
    wanted = [line for line in hunk.lines if line.kind != "+"]
    missing = next((line for line in wanted if line.text.strip() and line.text not in index.exact), None)
    if missing is not None:
        return f"the base has no line '{missing.text.strip()[:60]}'; name the revision that the patch was made for"
    return "its lines are not in the base in this order; name the revision that the patch was made for"
