"""Rules about the fields that the text names: that there are such members, in the structure that is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.latex.arguments import squeeze
from virtspec.lint.draft import Draft
from virtspec.lint.pages import Page
from virtspec.lint.registry import Edit, Hit, rule
from virtspec.lint.spelling import Names, did_you_mean, distance
from virtspec.model import Aggregate, External, Member, StructRef, innermost, names_in

_FIELD = re.compile(r"\\field\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:(?:\.|->|::)[A-Za-z_][A-Za-z0-9_]*)*$")
_INDEX = re.compile(r"\[[^\[\]]*\]")
_SEPARATOR = re.compile(r"\.|->|::")
_REGISTER = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+$")
_FORMER = re.compile(r"\b(?:previously|formerly|originally|also|was|were)\s+(?:known|called|named)", re.IGNORECASE)
_OF_STRUCT = re.compile(
    r"\\field\s*\{(?P<field>[A-Za-z_][\w-]*)\}(?:\s+fields?)?\s+(?:of|in)\s+(?:the\s+)?(?:\\field\s*\{\s*)?"
    r"struct(?:ure)?\s+(?P<tag>[a-z]\w*)"
)

MIN_WORD = 6
"""A single word must be longer than this to be taken for a misspelt field."""

LONG_NAME = 8
"""A name of so many letters is taken for another one from which it differs by two."""

SHARED = ("common", "virtqueue", "pci", "mmio", "ccw", "admin", "device_parts", "introduction")
"""The modules whose structures every device type speaks of."""


@rule("VS223", "unknown-field", Severity.WARNING)
def unknown_field(draft: Draft) -> Iterator[Hit]:
    r"""What `\field` names is a member of a structure, and is spelt like it.

    A name that nothing resembles is a note: not everything in italics is a field.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 append_sector; };
        \end{lstlisting}
        The device reports \field{append_secctor}.

    Good:
        \begin{lstlisting}
        struct port_config { le32 append_sector; };
        \end{lstlisting}
        The device reports \field{append_sector}.
    """
    shared = frozenset().union(*(draft.fields.get(module, frozenset()) for module in SHARED))
    for page in draft.pages:
        places: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for match in _FIELD.finditer(page.text):
            name = _INDEX.sub("", squeeze(match[1]).replace("\\_", "_"))
            if not _PATH.match(name):
                continue
            module = page.module(match.start())
            known = (
                draft.fields.get(module, ()),
                draft.listing_words.get(module, ()),
                shared,
                draft.tags,
                draft.constants,
            )
            odd = next((part for part in _SEPARATOR.split(name) if not any(part in names for names in known)), "")
            if odd:
                start = match.start(1) + max(0, match[1].find(odd))
                places.setdefault((module, odd), []).append((start, match[1].find(odd)))
        for (module, name), found in places.items():
            yield from _unknown(draft, page, module, name, found)


def _unknown(draft: Draft, page: Page, module: str, name: str, places: list[tuple[int, int]]) -> Iterator[Hit]:
    own = draft.field_names(module)
    identifier = "_" in name or _REGISTER.match(name) is not None
    elsewhere = name in draft.all_fields
    if elsewhere:
        # a field of another device type, unless one letter makes it a field of this one
        near = tuple(k for k in draft.fields.get(module, ()) if distance(name, k) == 1 and k[:1] == name[:1])
    elif identifier:
        near = own.like(name) or _two_letters_off(draft, module, name) or draft.tag_names.like(name)
    else:
        # a single word in italics may be anything: only one that begins like a field is taken for it
        near = tuple(k for k in own.like(name) if len(name) > MIN_WORD and k[:1] == name[:1])
    if not near and (elsewhere or not identifier or not draft.whole):
        return
    starts = [start for start, _ in places if not _is_former(page, start)]
    if not starts:
        return
    certain = own.misspelt(name)
    certain = certain if certain in near else ""
    yield Hit(
        at=(page.file, starts[0]),
        message=f"no structure here has a field '{name}'",
        subject=module,
        hint=did_you_mean(near),
        severity=None if near else Severity.NOTE,
        edits=tuple(
            Edit(file=page.file, start=start, end=start + len(name), text=certain)
            for start, index in places
            if certain and index >= 0
        ),
        again=tuple(starts[1:]),
    )


def _two_letters_off(draft: Draft, module: str, name: str) -> tuple[str, ...]:
    """The fields from which a long name differs by at most two letters: `cap_type`, `cfg_type`."""
    if len(name) < LONG_NAME:
        return ()
    return tuple(sorted(k for k in draft.fields.get(module, ()) if distance(name, k) <= 2 and k[:1] == name[:1]))[:2]


def _is_former(page: Page, offset: int) -> bool:
    first, last = page.sentence(offset)
    return _FORMER.search(page.text, first, last) is not None


@rule("VS224", "no-such-member", Severity.ERROR)
def no_such_member(draft: Draft) -> Iterator[Hit]:
    r"""A field that the text ascribes to a structure is one of its members.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        \end{lstlisting}
        The driver reads \field{speed} of \field{struct port_config}.

    Good:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        \end{lstlisting}
        The driver reads \field{rate} of \field{struct port_config}.
    """
    for page in draft.pages:
        for match in _OF_STRUCT.finditer(page.text):
            struct = draft.structs.get(match["tag"])
            name = match["field"]
            if struct is None or struct.variant != 1:
                continue
            names: set[str] = set()
            complete = _collect(draft, struct.members, names, 0)
            if name in names or name in draft.tags or name in draft.constants or not complete:
                continue
            yield Hit(
                at=(page.file, match.start("field")),
                message=f"'struct {struct.name}' has no member '{name}'",
                subject=f"struct {struct.name}",
                hint=did_you_mean(Names(names).like(name)),
            )


def _collect(draft: Draft, members: tuple[Member, ...], names: set[str], depth: int) -> bool:
    """Gather the names of members, of those inside them too; false where some are not known."""
    names.update(names_in(members))
    complete = True
    for member in members:
        match innermost(member.type):
            case StructRef(name=tag) if depth < 8 and tag in draft.structs:
                complete &= _collect(draft, draft.structs[tag].members, names, depth + 1)
            case Aggregate(members=inner):
                complete &= _collect(draft, inner, names, depth + 1)
            case StructRef() | External():
                complete = False
            case _:
                pass
    return complete
