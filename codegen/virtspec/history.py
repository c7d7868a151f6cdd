"""The comparison of every commit of a range with its parent, on all processors."""

from __future__ import annotations

import gc
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from virtspec.comparison import Reading, compare_readings, read_source
from virtspec.diagnostics import SpecError
from virtspec.diff.change import Change, Verdict
from virtspec.progress import track
from virtspec.repository import Commit, Repository
from virtspec.source import SourceError

CHUNK = 24
"""How many commits in a row one process compares: their texts share most files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One commit with its verdict and findings; `problem` says why there is no verdict."""

    commit: Commit
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    problem: str = ""


def history(repository: str, range_: str, jobs: int = 0) -> Iterator[Entry]:
    """Every commit of a range, oldest first. Raises `SpecError` where there is no such repository or range."""
    try:
        opened = Repository(repository)
        commits = opened.commits(range_)
    except SourceError as error:
        raise SpecError(str(error)) from None
    if not commits:
        raise SpecError(f"{repository}: no commits in '{range_}'; see 'git -C {repository} log --oneline {range_}'")
    chunks = [commits[i : i + CHUNK] for i in range(0, len(commits), CHUNK)]
    workers = min(jobs or os.cpu_count() or 1, len(chunks))
    entries = (entry for result in _results(repository, chunks, workers) for entry in result)
    yield from track(entries, "commits", len(commits))


def _results(repository: str, chunks: Sequence[Sequence[Commit]], workers: int) -> Iterator[list[Entry]]:
    if workers < 2:
        for chunk in chunks:
            yield _compare(repository, chunk)
        return
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    # models are dropped as a whole and hold no cycles: looking for some would cost a sixth of the time
    with ProcessPoolExecutor(workers, mp_context=get_context(method), initializer=gc.disable) as pool:
        yield from pool.map(_compare, [repository] * len(chunks), chunks)


_open: dict[str, tuple[Repository, OrderedDict[str, tuple[object, Reading | str]]]] = {}
"""In each process: the repository, and the last texts that were read, by commit."""


def _compare(path: str, commits: Sequence[Commit]) -> list[Entry]:
    if path not in _open:
        _open[path] = (Repository(path), OrderedDict())
    repository, readings = _open[path]
    return [_entry(repository, readings, commit) for commit in commits]


def _entry(repository: Repository, readings: OrderedDict[str, tuple[object, Reading | str]], commit: Commit) -> Entry:
    if not commit.parent:
        return Entry(commit=commit, verdict=Verdict.NONE, problem="has no parent")
    before, old = _read(repository, readings, commit.parent)
    after, new = _read(repository, readings, commit.name)
    if before == after and before is not None:
        return Entry(commit=commit, verdict=Verdict.NONE)
    if isinstance(old, str) or isinstance(new, str):
        which = f"parent: {old}" if isinstance(old, str) else str(new)
        return Entry(commit=commit, verdict=Verdict.NONE, problem=which)
    comparison = compare_readings(old, new)
    problem = "" if comparison.complete else "; ".join(f"{g.place}: {g.reason}" for g in comparison.gaps)
    return Entry(commit=commit, verdict=comparison.verdict, changes=comparison.changes, problem=problem)


def _read(
    repository: Repository, readings: OrderedDict[str, tuple[object, Reading | str]], commit: str
) -> tuple[object, Reading | str]:
    """The text of a commit and what identifies it; a commit that cannot be read gives the reason."""
    if commit in readings:
        readings.move_to_end(commit)
        return readings[commit]
    identity: object = None
    reading: Reading | str
    try:
        tree = repository.tree(commit)
        identity = tree.identity()
        same = next((r for known, r in readings.values() if known == identity), None)
        reading = same if same is not None else read_source(tree)
    except (SourceError, SpecError) as error:
        reading = str(error).partition("\n")[0]
    readings[commit] = (identity, reading)
    while len(readings) > 4:
        readings.popitem(last=False)
    return identity, reading
