"""Whether a message holds the whole of its patch. A reply quotes what it speaks of, and a hunk that it leaves out must
not pass for one that changes nothing.

Three things in a patch tell it: the numbers in the headers of its hunks, the statistics above it, and the names that
git gives to the files before and after (`index 0a62dce..2698931`), which are digests of their content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from virtspec.review.apply import Applied, Rejected
from virtspec.review.hunks import FilePatch
from virtspec.review.mail import PatchMail
from virtspec.source import SourceError, SourceTree


def missing_parts(mail: PatchMail, applied: Applied) -> Iterator[Rejected]:
    """The hunks of which a part is not there, and what tells that others are missing."""
    cut = [rejected for patch in mail.files for rejected in _hunks(patch, quoted=mail.quoted)]
    yield from cut
    if not mail.quoted or cut or applied.rejected:
        return  # whoever sends a patch may have edited it by hand
    yield from _statistics(mail)
    for patch in mail.files:
        if not _makes_its_file(patch, applied):
            reason = "the hunks do not make the file that this names; the reply does not quote all of the patch"
            header = f"index {'..'.join(patch.blobs or ())}"
            yield Rejected(path=patch.path, header=header, reason=reason, at=patch.at)


def missing_patches(mail: PatchMail) -> Iterator[str]:
    """What the series lacks before this patch of it, and behind the last one."""
    for numbers, where in ((mail.skipped, "before"), (mail.unsent, "behind")):
        if len(numbers) == 1:
            yield f"patch {numbers[0]}/{mail.total} of the series, {where} this one, is not there"
        elif numbers:
            which = f"patches {numbers[0]}/{mail.total} to {numbers[-1]}/{mail.total}"
            yield f"{which} of the series, {where} this one, are not there"


def _hunks(patch: FilePatch, *, quoted: bool) -> Iterator[Rejected]:
    """By the numbers in the headers. A comment in a quoted patch often replaces an empty line: no loss."""
    grown = 0
    for hunk in patch.hunks:
        reason = ""
        if hunk.stray:
            reason = f"'{hunk.stray.strip()[:60]}' is no line of a hunk; a long line is broken, or the patch is edited"
        elif hunk.missing > hunk.breaks:
            why = "the reply does not quote all of the patch" if quoted else "the patch is damaged or cut short"
            reason = f"{hunk.missing} of its lines are not there; {why}"
        elif quoted and grown != hunk.shift:
            reason = "the hunks before it are not all there; the reply does not quote all of the patch"
        if reason:
            yield Rejected(path=patch.path, header=hunk.header, reason=reason, at=hunk.at)
        grown = hunk.shift + hunk.new_count - hunk.old_count


def _statistics(mail: PatchMail) -> Iterator[Rejected]:
    """By the line that counts the changed files and lines. A line that is missing may have been added or removed; how
    much the text grows, the headers say in any case."""
    stated = mail.statistics
    if stated is None:
        return
    grown = sum(hunk.new_count - hunk.old_count for patch in mail.files for hunk in patch.hunks)
    kinds = [line.kind for patch in mail.files for hunk in patch.hunks for line in hunk.lines]
    whole = not any(hunk.missing for patch in mail.files for hunk in patch.hunks)
    if len(mail.files) != stated.files:
        reason = f"{len(mail.files)} of {stated.files} files are there"
    elif grown != stated.added - stated.removed or (whole and kinds.count("+") != stated.added):
        reason = f"{kinds.count('+')} added and {kinds.count('-')} removed lines are there"
    else:
        return
    reason += "; the reply does not quote all of the patch"
    yield Rejected(path=mail.files[-1].path, header=stated.text, reason=reason, at=stated.at)


def _makes_its_file(patch: FilePatch, applied: Applied) -> bool:
    """Whether the patch makes the file whose digest it names, as far as that can be told: it applies to the very file
    that it was made for, and nothing was done to its lines on the way."""
    if patch.blobs is None or patch.old_path is None or patch.new_path is None:
        return True
    old, new = _text(applied.tree.base, patch.old_path), _text(applied.tree, patch.new_path)
    before, after = patch.blobs
    if not _is_blob(old, before) or any(hunk.missing for hunk in patch.hunks) or not _as_sent(patch, old, applied):
        return True
    return _is_blob(new, after) or _is_blob(new.removesuffix("\n"), after)


def _text(tree: SourceTree, path: str) -> str:
    try:
        return tree.read(path).text
    except SourceError:
        return ""


def _is_blob(text: str, name: str) -> bool:
    """Whether git gives a file with this text a name that begins like that."""
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest().startswith(name)


def _as_sent(patch: FilePatch, old: str, applied: Applied) -> bool:
    """Whether the patch has the lines of the old file as they stand there: mail may have changed their blanks, and then
    those of the added lines as well."""
    lines = old.split("\n")
    found = {at: lines[number - 1] for number, at in applied.removed.get(patch.old_path or "", {}).items()}
    return all(line.kind == "+" or found.get(line.at) == line.text for hunk in patch.hunks for line in hunk.lines)
