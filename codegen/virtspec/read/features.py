"""Features that sentences and comments name, and the condition that their words make of them."""

from __future__ import annotations

import re

from virtspec.model import AllOf, AnyOf, Condition, Feature, Not

FEATURE_NAME = re.compile(r"[A-Z](?<!\w.)[A-Z0-9]*(?:_[A-Z0-9]+)*_F_[A-Z0-9_]+\b")
ABSENT = re.compile(
    r"\b(?:is|are|has|have)\s+not\s+(?:been\s+)?(?:negotiated|set|offered)|\bnot\s+negotiated", re.IGNORECASE
)
"""That a feature is not negotiated."""

_ALONG = re.compile(r"\balong\s+with\b")
_LINK = re.compile(r"\b(?:and|n?or)\b", re.IGNORECASE)
_NEITHER = re.compile(r"\bneither\b", re.IGNORECASE)
_VERB = re.compile(r"\b(?:is|are|has|have)\b", re.IGNORECASE)


def stated(words: str) -> Condition | None:
    """The condition in "A is negotiated", "A is not negotiated", "A or B are negotiated", "neither A nor B is set".

    None where it is not clear: "A and B are not set" may mean neither of them or not both, and where there are several
    verbs, "not" may belong to something else than the features.
    """
    condition = combine(words)
    if condition is None:
        return None
    if _NEITHER.search(words):
        return Not(term=condition) if isinstance(condition, AnyOf) else None
    if not ABSENT.search(words):
        return condition
    return Not(term=condition) if isinstance(condition, Feature) and len(_VERB.findall(words)) < 2 else None


def combine(words: str) -> Condition | None:
    """The condition in "A and B", "A or B", "A, B and C", "A along with B or C"; None where it is not clear."""
    terms = [_joined(part) for part in _ALONG.split(words.replace("\\_", "_"))]
    known = [term for term in terms if term is not None]
    if not known or len(known) != len(terms):
        return None
    return known[0] if len(known) == 1 else AllOf(terms=tuple(known))


def _joined(words: str) -> Condition | None:
    names = list(dict.fromkeys(FEATURE_NAME.findall(words)))
    if not names:
        return None
    terms: tuple[Condition, ...] = tuple(Feature(name=name) for name in names)
    if len(terms) == 1:
        return terms[0]
    between = words[words.find(names[0]) : words.rfind(names[-1])]
    links = {link.lower().removeprefix("n") for link in _LINK.findall(between)}
    if len(links) != 1:
        return None
    return AnyOf(terms=terms) if links == {"or"} else AllOf(terms=terms)
