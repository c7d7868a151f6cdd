"""The linter on the releases: the time of a whole process, and what it finds.

python bench/bench_lint.py [DIRECTORY]       the directory with v1.0 … v1.4 (default: VIRTIO_SPEC, or a neighbour)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.0
"""Seconds that `virtspec lint` may take on v1.4, as a whole process."""

ROUNDS = 5


def main() -> int:
    default = os.environ.get("VIRTIO_SPEC", ROOT.parent / "shared" / "virtio-spec")
    releases = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    found = sorted(path.parent for path in releases.glob("v*/virtio.tex"))
    if not found:
        print(f"no releases in {releases}; VIRTIO_SPEC=DIRECTORY names them")
        return 0
    print("| release | seconds, best of 5 | errors | warnings | notes |")
    print("| --- | --- | --- | --- | --- |")
    slow = False
    for release in found:
        best, report = min((run(release) for _ in range(ROUNDS)), key=lambda pair: pair[0])
        counts = Counter(finding["severity"] for finding in json.loads(report)["findings"])
        print(f"| {release.name} | {best:.2f} | {counts['error']} | {counts['warning']} | {counts['note']} |")
        slow |= release.name == "v1.4" and best > LIMIT
    print(f"\nlimit on v1.4: {LIMIT} s{'  EXCEEDED' if slow else ''}")
    return int(slow)


def run(release: Path) -> tuple[float, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "codegen")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "virtspec", "lint", str(release), "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return elapsed, done.stdout


if __name__ == "__main__":
    sys.exit(main())
