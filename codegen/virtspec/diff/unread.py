"""What only one side could be read of: what it hides may look added or gone.

Both releases of a specification include files that are not published, and hold formulas that are no definitions: what
is missing on both sides alike hides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Literal

from virtspec.diff.change import Change, Gap, Verdict
from virtspec.model import LOST, Place, Skipped, Spec

Side = Literal["old", "new"]


def find_gaps(old: Spec, new: Spec, changes: Sequence[Change]) -> Iterator[Gap]:
    """What one side lacks of the text, where the other side does not lack it too."""
    yield from _gaps("new", old, new, changes)
    yield from _gaps("old", new, old, changes)


def _gaps(side: Side, full: Spec, lacking: Spec, changes: Sequence[Change]) -> Iterator[Gap]:
    files, known = _files(lacking), _files(full)
    for skipped in _only(lacking, full):
        unread = _absent(skipped) or skipped.reason.startswith("in part:")
        if skipped.what == "item" or skipped.reason.startswith(LOST):
            hides = True
        elif _absent(skipped):
            hides = _named(skipped) in known or _left(skipped.place.file, side, files, changes)
        else:
            hides = _lost(skipped, full, lacking)
        if hides or unread:
            yield Gap(side=side, place=skipped.place, reason=skipped.reason, hides=hides)


def _only(one: Spec, other: Spec) -> list[Skipped]:
    """What one side skipped more often than the other: in the same file, or in another one that has its text now."""
    mine = [s for s in one.coverage.skipped if s.what in ("listing", "file", "table", "item")]
    theirs = list(other.coverage.skipped)
    rest = _without(mine, theirs, by_file=True)
    return _without(rest, _without(theirs, mine, by_file=True), by_file=False)


def _without(some: Sequence[Skipped], others: Sequence[Skipped], *, by_file: bool) -> list[Skipped]:
    """What is left when each of the others has cancelled one with the same reason."""

    def mark(skipped: Skipped) -> Hashable:
        return skipped.what, skipped.reason, skipped.place.file if by_file else ""

    known = Counter(map(mark, others))
    left: list[Skipped] = []
    for skipped in some:
        if known[mark(skipped)]:
            known[mark(skipped)] -= 1
        else:
            left.append(skipped)
    return left


def _absent(skipped: Skipped) -> bool:
    return skipped.reason.endswith("is not there")


def _named(skipped: Skipped) -> str:
    """The file that is not there."""
    quoted = skipped.reason.split("'")
    name = quoted[1] if len(quoted) > 2 else ""
    return name if "." in name.rpartition("/")[2] else f"{name}.tex"


def _left(file: str, side: Side, files: set[str], changes: Sequence[Change]) -> bool:
    """Whether something looks gone that may stand in a file that is not there: it was in the file that includes that
    one, or in a file that is not read any more."""
    for change in changes:
        has, has_not, place = change.old, change.new, change.old_place
        if side == "old":
            has, has_not, place = change.new, change.old, change.new_place
        gone = has is not None and has_not is None and (place.file == file or place.file not in files)
        if gone or (change.rule == "VD408" and (change.verdict is Verdict.UNDECIDED) == (side == "new")):
            return True
    return False


def _files(spec: Spec) -> set[str]:
    """The files that facts come from."""
    places: list[Place] = [s.place for s in spec.structs]
    places += [c.place for c in spec.constants]
    places += [f.place for f in spec.features]
    places += [r.place for r in spec.registries]
    places += [c.place for c in spec.clauses]
    return {p.file for p in places if p.file}


def _lost(skipped: Skipped, full: Spec, lacking: Spec) -> bool:
    """Whether definitions of the same file, and of the kind that was skipped, are on the other side only."""
    file = skipped.place.file
    if skipped.what == "table":
        here = {r.name for r in lacking.registries}
        return any(r.place.file == file and r.name not in here for r in full.registries)
    structs = {s.name for s in lacking.structs}
    constants = {c.name for c in lacking.constants}
    return any(s.place.file == file and s.name not in structs for s in full.structs) or any(
        c.place.file == file and c.name not in constants for c in full.constants if c.kind in ("define", "enum")
    )
