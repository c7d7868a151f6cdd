"""What prose says about features: which ones a feature requires, and which members and commands depend on one.

Three kinds of sentences make a member conditional, the stronger first: one that says so ("only exists if F is set"),
one in the item that defines a feature, and one on initialisation ("If F is negotiated, x can be read to …").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from virtspec.latex.blocks import Item
from virtspec.latex.document import Located
from virtspec.latex.text import digest, plain_text
from virtspec.model import Condition, Feature, Place, Prose
from virtspec.read.features import ABSENT, FEATURE_NAME, combine, stated
from virtspec.read.prose import Hit, Phrase
from virtspec.read.prose import Prose as Text

_FIELD = re.compile(r"\\field\{\s*([A-Za-z_][A-Za-z0-9_.]*)(?:\[\])?\s*\}")
_LABEL_FIELD = re.compile(r"\s*\\field\{([A-Za-z_][A-Za-z0-9_]*)\}\s*$")
_VIRTQUEUES = re.compile(r"virtqueues$", re.IGNORECASE)
_QUEUE = re.compile(r"\s*(?:The\s+)?([a-z]\w*(?:\s\w+)?)\s+")
_REQUIRES = Phrase(r"Requires?\s+(?=[A-Z])", "Require")
_BARE = re.compile(r"\s*([A-Z][A-Z0-9_]+_F_[A-Z0-9_]+)")
_STATES = (
    Phrase(r"only\s+(?:valid|exists?|present|available|used|meaningful)\b", "only"),
    Phrase(r"valid\s+(?:only\s+)?(?:if|when)\b"),
    Phrase(r"available\s+(?:only\s+)?(?:if|when)\b", "available"),
    Phrase(r"exists?\s+(?:only\s+)?(?:if|when)\b", "exist"),
    Phrase(r"has\s+no\s+meaning\s+without\b"),
)
_CLAUSE = re.compile(r",\s+(?:and|but|while)\s+(?=(?:the\s+)?\\field\{)")
_IF = Phrase(
    r"If\s+(?:the\s+)?(?P<feature>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_F_[A-Z0-9_]+)\s+(?:feature\s+)?(?:bit\s+)?(?:is|are|has)"
)
_ACCESS = re.compile(
    r"\bcan\s+(?:be\s+)?(?:read|written|set)\b|\bread\s+the\b|\bfrom\b|\bdescribes\b|\bcontains\b|\bindicates\b|\bupdate\b"
)
_USING = Phrase(r"negotiated\s+using\s+the\s+(?P<feature>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_F_[A-Z0-9_]+)", "negotiated")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a feature requires; `condition` is `Prose` where the sentence is not understood."""

    feature: str
    condition: Condition
    place: Place


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on members of a struct, by name, or on the code of a command; `rank` 0 is the strongest."""

    names: tuple[str, ...]
    condition: Condition
    module: str
    place: Place
    rank: int


def read_requirements(text: Text) -> Iterator[Requirement]:
    """The sentences that begin with "Requires", in the items of features."""
    for hit in text.find(_REQUIRES):
        feature = _feature_of(hit)
        if feature:
            words = hit.file.text[hit.match.end() : hit.sentence_end()]
            yield Requirement(feature, combine(words) or Prose(digest=digest(words)), hit.place)


def _feature_of(hit: Hit) -> str:
    """The feature whose item a match stands in."""
    for label in reversed(hit.items):
        found = FEATURE_NAME.search(plain_text(label))
        if found:
            return found[0]
    block = hit.context.located.block
    bare = _BARE.match(hit.file.text, block.body) if isinstance(block, Item) and block.label is None else None
    return bare[1] if bare else ""


def read_gates(text: Text, features: Sequence[tuple[str, Located, str]]) -> Iterator[Gate]:
    """Everything that depends on features. `features` are the items that define them, with name and module."""
    for phrase, hit in text.find_all((*_STATES, _IF, _USING)):
        gate = _initial(hit) if phrase is _IF else _negotiated(hit) if phrase is _USING else _stated(hit)
        if gate is not None:
            yield gate
    for name, located, module in features:
        yield from _in_item(name, located, module)


def _normative(hit: Hit) -> bool:
    section = hit.section
    return section is not None and section.role is not None


def _stated(hit: Hit) -> Gate | None:
    """ "x only exists if F is set"; "this field" is the one that the list item is about."""
    if _normative(hit):
        return None
    start, end = hit.sentence_start(), hit.sentence_end()
    before = _own_clause(hit.file.text[start : hit.start])
    behind = _CLAUSE.split(hit.file.text[hit.start : end], maxsplit=1)[0]
    names = tuple(dict.fromkeys(_FIELD.findall(before)))
    section = hit.section
    queue = _QUEUE.fullmatch(before) if section is not None and _VIRTQUEUES.match(section.title) else None
    if not names and queue:
        names = (queue[1],)
    elif not names:
        label = _LABEL_FIELD.match(hit.items[-1]) if hit.items else None
        if not label:
            return None
        names = (label[1],)
    condition = stated(behind) or Prose(digest=digest(behind))
    return Gate(names, condition, hit.context.module, hit.place, 0)


def _own_clause(before: str) -> str:
    """The clause of a sentence that is going on, where those before it make statements of their own."""
    for clause in reversed(list(_CLAUSE.finditer(before))):
        if any(state.pattern.search(before, 0, clause.start()) for state in _STATES):
            return before[clause.end() :]
    return before


def _in_item(feature: str, located: Located, module: str) -> Iterator[Gate]:
    """The members that the definition of a feature names, where the sentence names no other feature."""
    block = located.block
    if not isinstance(block, Item):
        return
    file = located.file
    end = file.text.find("\\item", block.body, block.body + 2000)
    close = file.text.find("\\end{", block.body, block.body + 2000)
    limit = min((p for p in (end, close) if p >= 0), default=min(len(file.text), block.body + 2000))
    body = file.text[block.body : limit]
    for match in _FIELD.finditer(body):
        sentence = _sentence(body, match.start())
        if set(FEATURE_NAME.findall(sentence)) <= {feature}:
            place = file.place(block.body + match.start())
            yield Gate((match[1],), Feature(name=feature), module, place, 1)


def _sentence(text: str, position: int) -> str:
    start = max(text.rfind(". ", 0, position), text.rfind(".\n", 0, position)) + 1
    end = min((p for p in (text.find(". ", position), text.find(".\n", position)) if p >= 0), default=len(text))
    return text[start:end]


def _initial(hit: Hit) -> Gate | None:
    """ "If F is negotiated, x can be read to determine …"."""
    if _normative(hit) or hit.file.text[hit.sentence_start() : hit.start].strip():
        return None
    words = hit.file.text[hit.match.end() : hit.sentence_end()]
    clause, comma, rest = words.partition(",")
    if not comma or not _ACCESS.search(rest) or FEATURE_NAME.search(words) or ABSENT.search(f"is{clause}"):
        return None
    names = tuple(dict.fromkeys(_FIELD.findall(rest)))
    return Gate(names, Feature(name=hit.match["feature"]), hit.context.module, hit.place, 2) if names else None


def _negotiated(hit: Hit) -> Gate | None:
    """A code in whose item something "is negotiated using the F feature"."""
    code = next((plain_text(label) for label in reversed(hit.items)), "")
    return Gate((code,), Feature(name=hit.match["feature"]), hit.context.module, hit.place, 0) if code else None
