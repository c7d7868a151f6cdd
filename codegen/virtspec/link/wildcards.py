"""Lists of codes that the text calls by how their names begin, or by their enum: which members hold
`VIRTIO_GPIO_MSG_*`, or one of `enum virtio_gpio_direction`.

A comment beside a member says so, or the list item that is about the member; of an enum, the sentence that names one
member may say it. With `1 << NAME_*`, codes are the numbers of the member's bits.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from virtspec.latex.blocks import Listing
from virtspec.link.owners import Owners
from virtspec.model import Integer, Place, Registry, Struct, innermost, members_in
from virtspec.read.numbers import number
from virtspec.read.prose import Pages, Phrase, Prose, sentence_end, sentence_start

MAX_LINES = 4
"""How many lines above its member a comment may begin."""

MAX_WORDS = 300
"""How far behind a name its sentence is read."""

MAX_NAME = 80
"""How long the beginning of a name may be."""

MAX_SHIFT = 20
"""How long `1 << ` before a name may be."""

_STAR = re.compile(r"\*(?<=[A-Z0-9_]\*)")
_XXX = re.compile(r"X(?<=_X)XX")
_BEGINNING = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)$")
_ENUM = re.compile(r"enum\s+([A-Za-z_]\w{0,80})\b(?!\s*\{)")
_OF = re.compile(r"\b(?:one|values?|constants?|listed|defined)\s+(?:of|from|in|by)\s+(?:the\s+)?(?:\\field\{\s*)?$")
_WORD = re.compile(r"\w")
_FIELD = re.compile(r"\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SET = Phrase(
    r",\s+\\field\{(?P<member>[a-z_]\w{0,80})\}\s+is\s+set\s+to\s+(?P<value>0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,18})\b"
)
_FOR = re.compile(r"\b[Ff]or\s+(?:the\s+command\s+)?([A-Z][A-Z0-9_]{1,80})$")
_COMMENT = re.compile(r"/[/*]|^\s*\*")
_ITEM_FIELD = re.compile(r"\s*\\field\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BITS = re.compile(r"\bbits?\b|<<|>>|mask\b", re.IGNORECASE)
_SHIFTED = re.compile(r"\b1\s*<<\s*\Z")


def name_fields(
    registries: Sequence[Registry], structs: Sequence[Struct], prose: Prose, owners: Owners
) -> tuple[Registry, ...]:
    """The registries with the members that the text says hold their codes, or whose bits these number."""
    mentions = _Mentions(structs, owners)
    lists: dict[str, list[Registry]] = {}
    for registry in registries:
        if not registry.under:
            lists.setdefault(registry.place.file, []).append(registry)
    fields: dict[str, list[str]] = {}
    bits: dict[str, dict[str, None]] = {}
    for pages in prose.pages.values():
        for beginning, position, announced in _mentions(pages.file.text):
            held, words = mentions.holder(pages, position, announced=announced)
            shifted = _SHIFTED.search(pages.file.text, max(0, position - MAX_SHIFT), position) is not None
            if held not in mentions.integers or (_BITS.search(words) and not shifted):
                continue
            called = _called(beginning, lists.get(pages.file.path, ()))
            if called is not None and shifted:
                bits.setdefault(called.key, {}).setdefault(held)
            elif called is not None and held not in fields.setdefault(called.key, list(called.fields)):
                fields[called.key].append(held)
    for registry, held in mentions.set_to(registries, prose):
        if held not in fields.setdefault(registry.key, []):
            fields[registry.key].append(held)
    return tuple(_with(r, fields.get(r.key, ()), tuple(bits.get(r.key, ()))) for r in registries)


class _Mentions:
    """Which integer member a mention of names is about."""

    def __init__(self, structs: Sequence[Struct], owners: Owners) -> None:
        self.owners = owners
        self.integers = {
            f"{s.name}.{path}": m
            for s in structs
            for path, m in members_in(s.members)
            if isinstance(innermost(m.type), Integer)
        }
        self.lines: dict[str, list[tuple[int, str]]] = {}
        for path, member in self.integers.items():
            self.lines.setdefault(member.place.file, []).append((member.place.line, path))
        for found in self.lines.values():
            found.sort()

    def holder(self, pages: Pages, position: int, *, announced: bool) -> tuple[str, str]:
        """The member, as `tag.path` or "", and the words in which it is mentioned.

        Outside of listings it is the one that a list item is about, else the only one in a sentence of which the words
        say that it speaks of values (`announced`).
        """
        index = pages.outline.at(position)
        context = pages.context(index)
        block, file = context.located.block, pages.file
        line = file.line(position)
        if isinstance(block, Listing) and position < block.end:
            words = file.text[file.line_starts[line - 1] : position]
            if words.rstrip().endswith("enum") and not _COMMENT.search(words):
                return "", words  # the type of a member
            return self._beside(file.path, line, file.line(block.end)), words
        start = sentence_start(file.text, pages.outline.prose_start(index), position)
        words = file.text[start : sentence_end(file.text, position, position + MAX_WORDS)]
        label = _ITEM_FIELD.match(context.items[-1]) if context.items else None
        named = [label[1]] if label else _FIELD.findall(words) if announced else []
        owner = self.owners.nearest(named[0], Place(file.path, line)) if len(named) == 1 else ""
        return f"{owner}.{named[0]}" if owner else "", words

    def _beside(self, file: str, line: int, last: int) -> str:
        """The member on a line, else the next one below in the listing, which goes on to the line `last`."""
        members = self.lines.get(file, [])
        index = bisect_left(members, (line, ""))
        if index < len(members) and members[index][0] <= min(line + MAX_LINES, last):
            return members[index][1]
        return ""

    def set_to(self, registries: Sequence[Registry], prose: Prose) -> Iterator[tuple[Registry, str]]:
        """Lists without a member of which the text says, for one of their codes, which one is set to it: "For NAME,
        `type` is set to 3". The member's struct may stand in another chapter, if no other has a member of that name."""
        entries: dict[tuple[str, int | None], Registry] = {
            (e.name, e.code): r for r in registries if not r.fields for e in r.entries if e.name
        }
        for hit in prose.find(_SET):
            said = _FOR.search(hit.file.text, max(0, hit.start - MAX_WORDS), hit.start)
            registry = entries.get((said[1], number(hit.match["value"]))) if said else None
            if said is None or registry is None:
                continue
            member = hit.match["member"]
            owner = self.owners.nearest(member, hit.place)
            named = [f"{owner}.{member}"] if owner else [h for h in self.integers if h.partition(".")[2] == member]
            if len(named) == 1 and named[0] in self.integers:
                yield registry, named[0]


def _with(registry: Registry, fields: Sequence[str], bits: tuple[str, ...]) -> Registry:
    if fields:
        registry = replace(registry, fields=tuple(fields), tag=fields[0].rpartition(".")[2])
    return replace(registry, bits=bits) if bits else registry


@lru_cache(maxsize=1024)
def _mentions(text: str) -> tuple[tuple[str, int, bool], ...]:
    """The beginnings of names and the tags of enums that a text mentions, with their positions, and whether the words
    before say that something is one of their codes."""
    found: list[tuple[str, int, bool]] = []
    for end in chain(_STAR.finditer(text), _XXX.finditer(text)):
        stop = end.start() - (text[end.start() - 1] == "_")
        if word := _BEGINNING.search(text, max(0, stop - MAX_NAME), stop):
            found.append((word[1], word.start(), False))
    for enum in _ENUM.finditer(text) if "enum " in text else ():
        if _WORD.match(text, enum.start() - 1) is None:
            announced = _OF.search(text, max(0, enum.start() - MAX_NAME), enum.start()) is not None
            found.append((enum[1], enum.start(1), announced))
    return tuple(sorted(found, key=lambda mention: mention[1]))


def _called(beginning: str, registries: Sequence[Registry]) -> Registry | None:
    """The enum of that tag, the list whose names begin so, all but perhaps one, or the only one that has several; of
    the lists of the file that mentions it."""
    words = beginning.split("_")
    some: list[Registry] = []
    for registry in registries:
        if registry.name == beginning:
            return registry
        names = [e.name.split("_") for e in registry.entries if e.name.startswith(f"{beginning}_")]
        if len(names) < 2:
            continue
        some.append(registry)
        if len(names) >= len(registry.entries) - 1 and len({name[len(words)] for name in names}) > 1:
            return registry
    return some[0] if len(some) == 1 else None
