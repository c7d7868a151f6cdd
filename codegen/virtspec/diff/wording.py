"""Whether two sentences say the same in other markup, other punctuation, another spelling, or with names that were
renamed: what a reviewer calls an editorial change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_UNPRINTED = re.compile(r"\\(?:label|ref|nameref|index)\s*\{[^{}]*\}|\\hyperref\s*\[[^\[\]]*\]|(?<!\\)%[^\n]*")
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|(?=_)|.)")
# a name with its hyphens and dots is one word; numbers and signs of comparison and arithmetic count as words
_WORD = re.compile(r"[A-Za-z0-9_]+(?:[-.][A-Za-z0-9_]+)*|[<>=+*/&|^~!-]+")
_ARTICLES = frozenset(("a", "an", "the"))

MIN_LENGTH = 5
"""The length of a word from which on one letter more, less or different is taken for a slip of the pen."""


_COMMENT = re.compile(r"(?<!\\)%[^\n]*(?:\n[ \t]*|$)")


def same_text(old: str, new: str) -> bool:
    """Whether two sentences differ in nothing but comments and the ends of lines."""
    return _COMMENT.sub("", old).split() == _COMMENT.sub("", new).split()


@lru_cache(maxsize=4096)
def words_of(sentence: str) -> tuple[str, ...]:
    """The words that a reader of a sentence in LaTeX sees, without articles and repetitions."""
    found: list[str] = []
    for word in _WORD.findall(_COMMAND.sub(" ", _UNPRINTED.sub(" ", sentence).replace("\\_", "_"))):
        if word.lower() not in _ARTICLES and (not found or found[-1] != word):
            found.append(word)
    return tuple(found)


def same_wording(old: str, new: str, renamed: Mapping[str, str]) -> bool:
    """Whether two sentences have the same words; `renamed` gives names of the old text their new ones."""
    one, other = words_of(old), words_of(new)
    return len(one) == len(other) and all(
        a == b or _turned(a, renamed) == b or a.lower() == b.lower() or misspelt(a, b)
        for a, b in zip(one, other, strict=True)
    )


def _turned(word: str, renamed: Mapping[str, str]) -> str:
    """A name in the new text; one with dots is a path of several."""
    return ".".join(renamed.get(name, name) for name in word.split(".")) if "." in word else renamed.get(word, word)


def likeness(old: str, new: str, renamed: Mapping[str, str]) -> float:
    """How many of the different words of two sentences are in both: from 0 to 1."""
    one, other = {_turned(word, renamed) for word in words_of(old)}, set(words_of(new))
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def misspelt(one: str, other: str) -> bool:
    """Whether two words of prose differ by one letter, or by two that have changed places."""
    a, b = one.lower(), other.lower()
    if not (a.isalpha() and b.isalpha()) or min(len(a), len(b)) < MIN_LENGTH or a[0] != b[0]:
        return False
    if one.isupper() or other.isupper():
        return False  # a name, or a keyword
    if len(a) > len(b):
        a, b = b, a
    first = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(b) == len(a) + 1:
        return a[first:] == b[first + 1 :]
    if len(a) != len(b):
        return False
    return a[first + 1 :] == b[first + 1 :] or (
        a[first : first + 2] == b[first : first + 2][::-1] and a[first + 2 :] == b[first + 2 :]
    )
