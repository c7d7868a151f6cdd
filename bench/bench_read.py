"""Reading a release into the model, against merely reading its files and following `\\input`.

Both in one process, in turns, by processor time; the middle of several rounds counts. The model is made twice: as in a
new process, with everything forgotten that is kept by content, which is what the limit is for, and again, as for the
next revision of the same files.

    python bench/bench_read.py [DIRECTORY]        the folder with v1.0 … v1.4; VIRTIO_SPEC names it, too
"""

from __future__ import annotations

import gc
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "codegen"))

from virtspec import pipeline  # noqa: E402

EDITIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
ROUNDS = 9
READING = tuple(
    f"virtspec.{part}" for part in ("annotations", "chapters", "latex.", "link", "listing.", "model", "read.", "source")
)
LIMIT = 8.0
LIMIT_ALL = 1.5

# an \input in a comment is none
_INPUT = re.compile(r"(?<!\\)%[^\n]*|\\input\s*\{([^{}]*)\}")


def merely_read(root: Path, path: str = "virtio.tex") -> int:
    """The characters of a document: its files read, and every `\\input` followed."""
    content = (root / path).read_text("utf-8")
    total = len(content)
    for match in _INPUT.finditer(content):
        if match[1]:
            name = match[1].strip()
            name = name if name.endswith(".tex") else f"{name}.tex"
            if (root / name).is_file():
                total += merely_read(root, name)
    return total


def forget() -> None:
    """Empty every cache by content: all of the packages that read."""
    for name, module in list(sys.modules.items()):
        if name.startswith(READING):
            for attribute, value in vars(module).items():
                # the annotations are our own file, no part of the release
                if hasattr(value, "cache_clear") and attribute != "load_annotations":
                    value.cache_clear()


def seconds(work: Callable[[], object]) -> float:
    """Processor time until there is a result; to take it apart again does not count."""
    gc.collect()
    start = time.process_time()
    result = work()
    elapsed = time.process_time() - start
    del result
    return elapsed


def main() -> int:
    given = (
        sys.argv[1] if len(sys.argv) > 1 else os.environ.get("VIRTIO_SPEC", str(ROOT.parent / "shared" / "virtio-spec"))
    )
    releases = Path(given)
    latest = releases / f"v{EDITIONS[-1]}"
    if not (latest / "virtio.tex").is_file():
        print(f"bench_read: no releases in {releases}; name their directory")
        return 2
    merely_read(latest)
    pipeline.read_spec(str(latest))
    floors, firsts, agains = [], [], []
    for _ in range(ROUNDS):
        floors.append(seconds(lambda: merely_read(latest)))
        forget()
        firsts.append(seconds(lambda: pipeline.read_spec(str(latest))))
        agains.append(seconds(lambda: pipeline.read_spec(str(latest))))
    floor, first, again = map(statistics.median, (floors, firsts, agains))
    forget()
    every = seconds(lambda: [pipeline.read_spec(str(releases / f"v{edition}")) for edition in EDITIONS])
    print("| what | time | limit |\n| --- | --- | --- |")
    print(f"| read the files of v{EDITIONS[-1]}, follow `\\input` | {floor * 1000:.0f} ms | |")
    print(f"| its complete model, the first time | {first * 1000:.0f} ms, {first / floor:.1f} × | {LIMIT:.0f} × |")
    print(f"| its complete model, again | {again * 1000:.0f} ms, {again / floor:.1f} × | |")
    print(f"| all {len(EDITIONS)} releases in one process | {every:.2f} s | {LIMIT_ALL} s |")
    return int(first / floor > LIMIT or every > LIMIT_ALL)


if __name__ == "__main__":
    sys.exit(main())
