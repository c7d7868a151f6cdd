"""Lists of codes: runs of definitions, told apart where they would give a code twice.

A run is what the specification lists together. Where it would give a code twice it holds several lists, told apart by
the beginnings of their names, or by blank lines; a name that begins those of its successors is a class, and they are
its commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from virtspec.expressions import Binary, Number
from virtspec.latex.document import Located
from virtspec.link.constants import Definition
from virtspec.model import Registry

MAX_WORDS = 12
"""How many words at the beginning of names may tell lists apart; no published name has more."""

MAX_UNITED = 512
"""How many codes a list may have to which another place adds some."""

_BLANK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Definitions that stand together.

    `name` is an enum's tag; `fields` are the members beside which they stand, the one behind them first, and with
    `leads` definitions stand before their member in that struct. `behind` is the member behind them.
    """

    definitions: tuple[Definition, ...]
    located: Located
    module: str
    name: str = ""
    title: str = ""
    owner: str = ""
    fields: tuple[str, ...] = ()
    leads: bool = False
    behind: str = ""


@dataclass(slots=True, kw_only=True)
class Row:
    """A definition with its value, and the words of its name."""

    definition: Definition
    code: int
    words: list[str]


def classes(rows: Sequence[Row]) -> tuple[list[Row], Row | None, list[Row]]:
    """The rows before a class, the class, and its commands: all names behind it begin with its own, and count anew."""
    for index, row in enumerate(rows[:-1]):
        beginning = f"{row.definition.name}_"
        if not rows[index + 1].definition.name.startswith(beginning):
            continue
        commands = list(rows[index + 1 :])
        begin = all(other.definition.name.startswith(beginning) for other in commands)
        if begin and min(other.code for other in commands) <= row.code:
            return list(rows[:index]), row, commands
    return list(rows), None, []


def distinct(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in lists that give no code twice: told apart by as few words at their beginning as it takes, or by the
    blank lines between them where their names do not tell."""
    if len({row.code for row in rows}) == len(rows):
        if rows:
            yield rows
        return
    paragraphs = _paragraphs(rows)
    for length in range(2, min(MAX_WORDS, max(len(row.words) for row in rows))):
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            groups.setdefault(tuple(row.words[:length]), []).append(row)
        if all(len({row.code for row in group}) == len(group) for group in groups.values()):
            whole = all(len(p) > 1 and len({row.code for row in p}) == len(p) for p in paragraphs)
            alone = sum(len(group) == 1 for group in groups.values())
            yield from paragraphs if whole and alone > 1 else groups.values()
            return
    yield rows


def _paragraphs(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in lists with a blank line before each."""
    found = [[rows[0]]]
    for row, following in pairwise(rows):
        definition = following.definition
        if _BLANK.search(definition.file.text, row.definition.start, definition.start):
            found.append([])
        found[-1].append(following)
    return found


def prefix(rows: Sequence[Row]) -> str:
    """The words that all names begin with; without any, the first name."""
    words = rows[0].words
    for row in rows[1:]:
        length = 0
        for one, other in zip(words, row.words, strict=False):
            if one != other:
                break
            length += 1
        words = words[:length]
    return "_".join(words) or rows[0].definition.name


def says_nothing(name: str) -> bool:
    """Whether the beginning of names is only that of all names of a device type (VIRTIO_CRYPTO), or less."""
    words = name.split("_")
    return len(words) < 2 or (len(words) == 2 and words[0].upper() == "VIRTIO")


def fits(field: str, name: str) -> bool:
    """Whether a member's name is one of the words of a list's name (`gso_type`, VIRTIO_NET_HDR_GSO)."""
    words = set(name.lower().split("_"))
    return bool(words & set(field.lower().split("_"))) or ("f" in words and field.endswith("flags"))


def are_flags(rows: Sequence[Row]) -> bool:
    """Whether the codes are masks that may be combined."""
    codes = [row.code for row in rows]
    if any(code & (code - 1) for code in codes) or not any(codes):
        return False  # with 0 among them, the values of VIRTIO_…_F_… are numbers of bits
    shifted = any(
        isinstance(row.definition.expr, Binary)
        and row.definition.expr.op == "<<"
        and row.definition.expr.left == Number(1, "1")
        for row in rows
    )
    return shifted or (0 not in codes and ("F" in prefix(rows).split("_") or (max(codes) > 2 and len(codes) > 2)))


def united(known: Registry, other: Registry) -> Registry | None:
    """Two lists of one name as one, where they agree on every code; None where they do not."""
    if len(known.entries) > MAX_UNITED:
        return None
    codes = {e.code: e.name for e in known.entries}
    names = {e.name: e.code for e in known.entries}
    if known.ranges or other.ranges or known.tag != other.tag or known.under != other.under:
        return None
    for entry in other.entries:
        if codes.get(entry.code, entry.name) != entry.name or names.get(entry.name, entry.code) != entry.code:
            return None
    return replace(known, entries=(*known.entries, *(e for e in other.entries if e.code not in codes)))
