"""What the commands cost as whole processes: time and memory, with the goals."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = Path(os.environ.get("VIRTIO_SPEC", ROOT.parent / "shared" / "virtio-spec")) / "v1.4"


def run(*arguments: str) -> tuple[float, float]:
    """Seconds and megabytes of one `virtspec` process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "codegen")}
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    start = time.perf_counter()
    process = os.posix_spawn(
        sys.executable, [sys.executable, "-m", "virtspec", *arguments], environment, file_actions=silent
    )
    _, status, usage = os.wait4(process, 0)
    duration = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"virtspec {' '.join(arguments)} failed with {os.waitstatus_to_exitcode(status)}")
    return duration, usage.ru_maxrss / 1024


def main() -> int:
    if not RELEASE.is_dir():
        print(f"{RELEASE}: not there; VIRTIO_SPEC names the directory with v1.4")
        return 2
    layouts = [run("layout", str(RELEASE)) for _ in range(5)]
    with tempfile.TemporaryDirectory() as directory:
        scratch = run("generate", "-o", directory)
        again = [run("generate", "-o", directory) for _ in range(5)]
        checked = run("generate", "--check", "-o", directory)
    memory = max(megabytes for _, megabytes in [scratch, checked, *layouts, *again])
    rows = [
        ("`virtspec layout` on 1.4", min(layouts)[0], 0.4),
        ("`virtspec generate`, nothing changed", min(again)[0], 0.5),
        ("`virtspec generate`, from scratch", scratch[0], 15.0),
        ("`virtspec generate --check`", checked[0], None),
    ]
    print("| | measured | goal |\n|-|-|-|")
    for name, seconds, goal in rows:
        print(f"| {name} | {seconds:.2f} s | {f'at most {goal} s' if goal else ''} |")
    print(f"| the most memory of these | {memory:.0f} MB | at most 200 MB |")
    return 0 if memory <= 200 and all(goal is None or seconds <= goal for _, seconds, goal in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
