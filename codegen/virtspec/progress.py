"""What takes how long: the times of the passes, and a bar on a terminal for work that takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

DELAY = 1.0
"""Seconds until a bar is shown."""

_times: dict[str, tuple[int, float]] = {}


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Count the time that the block (or the decorated function) takes as that of a pass."""
    start = perf_counter()
    try:
        yield
    finally:
        runs, seconds = _times.get(name, (0, 0.0))
        _times[name] = (runs + 1, seconds + perf_counter() - start)


def take_times() -> dict[str, tuple[int, float]]:
    """How often each pass ran since the last call, and how many seconds it took in all; in the order of their ends."""
    taken = dict(_times)
    _times.clear()
    return taken


def track(things: Iterable[T], doing: str, total: int | None = None) -> Iterable[T]:
    """The same things one by one, with a bar on standard error if that is a terminal and it takes a while."""
    if not sys.stderr.isatty():
        return things
    from tqdm import tqdm

    count = len(things) if total is None and isinstance(things, Collection) else total
    return tqdm(things, desc=doing, total=count, delay=DELAY, leave=False, file=sys.stderr)
