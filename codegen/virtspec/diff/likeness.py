"""How alike two names are, and which names stand for nothing but space."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

_RESERVED = re.compile(
    r"_*(?:reserved|rsvd|resvd|rsv|padding|pad|unused|mbz)(?:_?(?:[0-9]+|[a-z]))?_*|.*_(?:reserved|padding|unused)[0-9]*",
    re.IGNORECASE,
)

ALIKE = 0.5
"""From here on two names count as alike; names of one struct that mean different things rarely reach it."""

UNLIKE = 0.25
"""Below this, names have nothing in common."""


@lru_cache(maxsize=65536)
def is_reserved(name: str) -> bool:
    """Whether a member of this name is only space (`reserved1`, `padding`, `unused0`)."""
    return _RESERVED.fullmatch(name) is not None


@lru_cache(maxsize=65536)
def similarity(one: str, other: str) -> float:
    """From 0 (nothing in common) to 1 (the same name)."""
    if one == other:
        return 1.0
    a, b = one.lower(), other.lower()
    ratio = SequenceMatcher(None, a, b, autojunk=False).ratio()
    words, more = set(a.split("_")), set(b.split("_"))
    common = {word for word in words & more if len(word) > 2}
    shared = sum(map(len, common)) / max(1, min(len("".join(words)), len("".join(more))))
    return min(0.99, max(ratio, shared * 0.9))
