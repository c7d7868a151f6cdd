"""The defined name that an undefined one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

MAX_NAMES = 8000
"""Among how many names one is looked for: four times as many as the largest release has."""

MAX_NEAR = 100
"""How many names that begin alike are compared letter by letter."""


def closest(name: str, known: Iterable[str], cutoff: float) -> str:
    """The known name that is most like an unknown one; "" where none is near."""
    names = list(islice(known, MAX_NAMES + 1))
    if len(names) > MAX_NAMES:
        return ""
    # a name and its misspelling begin alike; comparing with every name would be slow
    head = name[: len(name) // 2]
    longest, shortest = len(name) * (2 - cutoff) / cutoff, len(name) * cutoff / (2 - cutoff)
    alike = (other for other in names if other.startswith(head) and shortest <= len(other) <= longest)
    near = list(islice(alike, MAX_NEAR))
    found = difflib.get_close_matches(name, near, n=1, cutoff=cutoff)
    return found[0] if found else ""
