"""`spec/annotations.toml`: reviewed facts that only prose carries, each tied to the text that states it.

    [[fact]]
    key = "net/struct/virtio_net_rss_config/indirection_table"     # or a list of keys
    length = "indirection_table_mask + 1"
    section = "sec:Device Types / Network Device / …"      # the label, or the title, of the section that says so
    digest = ["0123456789abcdef"]                          # of the paragraph; one for each wording
    since = "1.2"                                          # where earlier editions do not say so
    until = "1.3"                                          # where later ones do not

A fact is one of `length`, `condition`, `direction`, `optional`, `bind`, `fields`, `bits`, `example`, `ascending` and
`relation`. It holds for a document whose section has a paragraph of that digest. When the text changes the entry is
stale: reported and not applied.

What several releases state in different ways has several entries, of which one holds. An order, and a relation (what
has to hold between the values of a struct's members, as `addr % block_size == 0`; or a list of such), may be stated by
several paragraphs of one text: there is an entry for each section, and all hold. `when` is the condition. The clauses
of the paragraph that name all members of a relation state it; `clause` is the digest of the one that does, where others
name them too.

What `bind` gives by role is a struct; `x *` is any number of `x`, and `+ x` one behind the struct that the role has
too. `member` says whose bytes they are where the role does not, and `when` in which case. What is bound to a list, or
its condition, holds for all its codes that have nothing of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from virtspec.compat import tomllib
from virtspec.diagnostics import SpecError, at
from virtspec.expressions import NoExpression, parse_comparison
from virtspec.frozen import dataclass
from virtspec.latex.arguments import squeeze
from virtspec.latex.document import Document, Section
from virtspec.latex.text import digest
from virtspec.model import (
    AllOf,
    AnyOf,
    Binding,
    Condition,
    Direction,
    Expression,
    Feature,
    FieldIs,
    FieldRef,
    Length,
    Not,
    Place,
    Relation,
    Rest,
    Role,
    relation_text,
)
from virtspec.source import SourceFile, Span

MAX_BYTES = 1 << 20
ROLES: tuple[Role, ...] = ("data", "result", "request", "response", "value", "selector")
FACTS = ("length", "condition", "direction", "optional", "bind", "fields", "bits", "example", "ascending", "relation")

_KINDS = frozenset(FACTS)
_STATED = ("relation", "ascending")
"""The kinds of facts that text on the driver, on the device and other text may each state, with its clause."""
_GOES_WITH = {"member": ("bind",), "when": ("bind", "relation"), "clause": _STATED}
_WORDS = frozenset(("key", "section", "digest", "since", "until", *_GOES_WITH, *FACTS))

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$")
_STRUCT = re.compile(
    r"(?:(?:\+ )?([A-Za-z_][A-Za-z0-9_.]*(?:@[A-Za-z_][A-Za-z0-9_.]*)?)(?: \*)?|(device configuration))$"
)
_ARITHMETIC = re.compile(r"[A-Za-z0-9_.+*/()<>& -]+$")
_DIGEST = re.compile(r"[0-9a-f]{16}$")
_FEATURE = re.compile(r"[A-Z][A-Z0-9_]*_F_[A-Z0-9_]+$")
_FIELD_IS = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*) is ([A-Za-z0-9_]+)$")
_EDITION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4})+$")
_BLANK = re.compile(r"\n[ \t]*\n")
_HEADING = re.compile(
    r"\\(?:chapter|(?:sub){0,2}section|(?:sub)?paragraph)\*?\{|\\(?:driver|device)normative\{|\\conformance\{"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One fact, of the kind `kind`: exactly one of `length` to `relation` is given.

    `subject` is what it is about, as a key; a relation is one of several that a struct may have. Of annotations that
    have `group` in common one holds: they say how different texts state the same. `paths` are what a relation names.
    """

    key: str
    kind: str
    subject: str
    group: tuple[str, ...]
    section: str
    digests: tuple[str, ...]
    span: Span
    since: tuple[int, ...] = ()
    until: tuple[int, ...] = ()
    length: Length | None = None
    condition: Condition | None = None
    direction: Direction | None = None
    optional: bool = False
    bind: tuple[Binding, ...] = ()
    fields: tuple[str, ...] = ()
    bits: tuple[str, ...] = ()
    example: bool = False
    ascending: bool = False
    relation: Relation | None = None
    paths: tuple[str, ...] = ()
    clause: str = ""

    def expected(self, edition: tuple[int, ...]) -> bool:
        """Whether the text of an edition is expected to state the fact. One of no known edition, (), is the newest."""
        if not edition:
            return not self.until
        return self.since <= edition and (not self.until or edition <= self.until)


@lru_cache(maxsize=8)
def load_annotations(path: Path) -> tuple[Annotation, ...]:
    """The facts in a file; none where there is no file. Raises `SpecError` where it cannot be understood."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(f"{path}: larger than {MAX_BYTES} bytes")
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path}: {error}") from None
    file = SourceFile(path.name, text)
    entries = document.get("fact", [])
    starts = [match.start() for match in re.finditer(r"^\[\[fact\]\]", text, re.MULTILINE)]
    if not isinstance(entries, list) or len(starts) != len(entries):
        raise SpecError(f"{path}: facts are written as [[fact]] tables, one after the other")
    found: list[Annotation] = []
    for start, entry in zip(starts, entries, strict=True):
        span = at(file, start)
        try:
            entries = _one_by_one([entry], "key")
            if "relation" in entry:
                entries = _one_by_one(entries, "relation")
            found += [_annotation(one, span) for one in entries]
        except (KeyError, TypeError, ValueError) as error:
            detail = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise SpecError(f"{path}:{span.line}: {detail}") from None
    return tuple(found)


def _one_by_one(entries: list[Any], word: str) -> list[Any]:
    """Entries with one of what a word lists in each."""
    return [
        {**entry, word: one} if isinstance(entry[word], list) else entry
        for entry in entries
        for one in (entry[word] if isinstance(entry[word], list) else (None,))
    ]


def _annotation(entry: Mapping[str, Any], span: Span) -> Annotation:
    if not entry.keys() <= _WORDS:
        raise ValueError(f"'{min(entry.keys() - _WORDS)}' is no part of a fact")
    kinds = entry.keys() & _KINDS
    if len(kinds) != 1:
        raise ValueError(f"a fact states one of {', '.join(FACTS)}")
    (kind,) = kinds
    digests = entry["digest"]
    if not isinstance(digests, list) or not digests or not all(_DIGEST.match(str(d)) for d in digests):
        raise ValueError("'digest' is a list of texts of 16 hexadecimal digits")
    direction = entry.get("direction")
    if direction not in (None, "readable", "writable"):
        raise ValueError("'direction' is readable or writable")
    fields, bits = _members(entry, "fields"), _members(entry, "bits")
    for word in entry.keys() & _GOES_WITH.keys():
        if kind not in _GOES_WITH[word]:
            raise ValueError(f"'{word}' goes with {' and '.join(map(repr, _GOES_WITH[word]))}")
    if "clause" in entry and not _DIGEST.match(str(entry["clause"])):
        raise ValueError("'clause' is a text of 16 hexadecimal digits")
    key = subject = str(entry["key"])
    section = _label(str(entry["section"]))
    bind = _bindings(entry) if "bind" in entry else ()
    relation, paths = relation_of(str(entry["relation"]), entry.get("when")) if "relation" in entry else (None, ())
    if relation is not None:
        subject = f"{key}/{relation_text(relation)}"
    bound = [f"{b.slot} {b.first}" for b in bind] if bind else ()
    since, until = (edition_of(str(entry.get(word, ""))) for word in ("since", "until"))
    if ("since" in entry and not since) or ("until" in entry and not (until and since <= until)):
        raise ValueError("'since' and 'until' are editions, the first one and the last one")
    return Annotation(
        key=key,
        kind=kind,
        subject=subject,
        group=(subject, kind, *bound, *bits, *((section.partition(":")[0],) if kind in _STATED else ())),
        section=section,
        digests=tuple(digests),
        span=span,
        since=since,
        until=until,
        length=length_of(str(entry["length"])) if "length" in entry else None,
        condition=condition_of(str(entry["condition"])) if "condition" in entry else None,
        direction=direction,
        optional=bool(entry.get("optional", False)),
        bind=bind,
        fields=fields,
        bits=bits,
        example=bool(entry.get("example", False)),
        ascending=bool(entry.get("ascending", False)),
        relation=relation,
        paths=paths,
        clause=str(entry.get("clause", "")),
    )


_label = lru_cache(maxsize=1024)(squeeze)


def _members(entry: Mapping[str, Any], word: str) -> tuple[str, ...]:
    names = tuple(map(str, entry[word])) if word in entry else ()
    if not all(map(_PATH.match, names)):
        raise ValueError("'fields' and 'bits' are members, as tag.path")
    return names


def edition_of(text: str) -> tuple[int, ...]:
    """An edition as numbers that can be compared; () for a text that is none."""
    return tuple(map(int, text.split("."))) if _EDITION.match(text) else ()


def _bindings(entry: Mapping[str, Any]) -> tuple[Binding, ...]:
    member = str(entry.get("member", ""))
    if member and not (_PATH.match(member) and "." in member):
        raise ValueError("'member' is tag.path")
    bindings: list[Binding] = []
    for name, text in entry["bind"].items():
        role = next((role for role in ROLES if role == name), None)
        struct = _STRUCT.match(text)
        if role is None or not struct:
            raise ValueError(f"'{name}' binds nothing: give a role ({', '.join(ROLES)}) and the tag of a struct")
        bindings.append(
            Binding(
                role=role,
                struct=struct[1] or struct[2],
                many=text.endswith("*"),
                behind=text.startswith("+"),
                member=member,
                condition=condition_of(str(entry["when"])) if "when" in entry else None,
            )
        )
    return tuple(bindings)


def length_of(text: str) -> Length:
    """A length: `rest`, a member's path, `tag.path` of a configuration structure, or an expression over members."""
    if text == "rest":
        return Rest()
    if _PATH.match(text):
        return FieldRef(path=text)
    if not _ARITHMETIC.match(text) or len(text) > 200:
        raise ValueError(f"'{text[:60]}' is no length")
    return Expression(text=" ".join(text.split()))


def relation_of(text: str, when: object = None) -> tuple[Relation, tuple[str, ...]]:
    """A relation between members, a comparison of arithmetic expressions over them; and what it names."""
    try:
        comparison = parse_comparison(text)
    except NoExpression as error:
        raise ValueError(f"'{text[:60]}' is no relation: {error}") from None
    condition = condition_of(str(when)) if when is not None else None
    return Relation(text=str(comparison), condition=condition), tuple(dict.fromkeys(comparison.names()))


def condition_of(text: str) -> Condition:
    """A condition: features and `path is VALUE`, joined by `and` or by `or`, each of them perhaps after `not`."""
    for word, join in ((" and ", AllOf), (" or ", AnyOf)):
        if word in text:
            terms = tuple(_term(part) for part in text.split(word))
            return join(terms=terms)
    return _term(text)


def _term(text: str) -> Condition:
    text = text.strip()
    if text.startswith("not "):
        return Not(term=_term(text.removeprefix("not ")))
    if _FEATURE.match(text):
        return Feature(name=text)
    match = _FIELD_IS.match(text)
    if not match:
        raise ValueError(f"'{text[:60]}' is no condition: write a feature's name or 'path is VALUE'")
    return FieldIs(path=match[1], value=match[2])


# --- the text that states a fact ----------------------------------------------------------------------------


class Paragraph(NamedTuple):
    """One paragraph that may state a fact."""

    digest: str
    file: SourceFile
    start: int
    text: str

    @property
    def place(self) -> Place:
        """Where its words begin."""
        return self.file.place(self.start + len(self.text) - len(self.text.lstrip()))


class Paragraphs:
    """The paragraphs of one section. Digests are worked out only as far as somebody looks for one."""

    def __init__(self, section: Section) -> None:
        self._read: dict[str, Paragraph] = {}
        self._unread = _paragraphs(section)

    def all(self) -> Iterable[Paragraph]:
        """All paragraphs; of those that say the same, the first."""
        for paragraph in self._unread:
            self._read.setdefault(paragraph.digest, paragraph)
        return self._read.values()

    def find(self, digests: Sequence[str]) -> Paragraph | None:
        """A paragraph with one of some digests, those that were read before at first."""
        for one in digests:
            if one in self._read:
                return self._read[one]
        for paragraph in self._unread:
            self._read.setdefault(paragraph.digest, paragraph)
            if paragraph.digest in digests:
                return paragraph
        return None


@dataclass(slots=True)
class Evidence:
    """The text under a document's headings; a section is called by its label, else its title."""

    sections: dict[str, list[Section]]

    @classmethod
    def of(cls, document: Document) -> Evidence:
        sections: dict[str, list[Section]] = {}
        for section in document.sections:
            sections.setdefault(section.label or section.title, []).append(section)
        return cls(sections)

    def find(self, annotation: Annotation) -> Paragraph | None:
        """The paragraph that an annotation rests on; None where it is not there as it was."""
        for section in self.sections.get(annotation.section, ()):
            if found := _paragraphs_of(section).find(annotation.digests):
                return found
        return None

    def under(self, label: str) -> list[Paragraph]:
        """All paragraphs under a label: those that a changed one may have become."""
        return [p for section in self.sections.get(label, ()) for p in _paragraphs_of(section).all()]


_paragraphs_of = lru_cache(maxsize=1024)(Paragraphs)


def _paragraphs(section: Section) -> Iterator[Paragraph]:
    """The paragraphs from a heading to the next one."""
    file = section.file
    start = section.heading.start
    following = _HEADING.search(file.text, start + 1)
    end = following.start() if following else len(file.text)
    while start < end:
        blank = _BLANK.search(file.text, start, end)
        stop = blank.start() if blank else end
        text = file.text[start:stop]
        if text.strip():
            yield tuple.__new__(Paragraph, (digest(text), file, start, text))
        start = blank.end() if blank else end


def describe(paragraphs: Sequence[Paragraph]) -> str:
    """What stands in a section now, for whoever reviews a stale entry."""
    return ", ".join(f"{p.place} {p.digest}" for p in paragraphs) or "it is not there"


__all__: Sequence[str] = (
    "Annotation",
    "Evidence",
    "Paragraph",
    "condition_of",
    "describe",
    "length_of",
    "load_annotations",
    "relation_of",
)
