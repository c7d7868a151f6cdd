"""All figures that the README states: `make bench`, or `python bench [NAME…]` for some of the files here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    wanted = sys.argv[1:]
    failed = 0
    for path in sorted(here.glob("bench_*.py")):
        if not wanted or path.stem in wanted or path.stem.removeprefix("bench_") in wanted:
            print(f"## {path.stem.removeprefix('bench_')}\n", flush=True)
            # a process of its own: what one measurement leaves behind must not change the next
            failed |= subprocess.run([sys.executable, str(path)], check=False).returncode
            print(flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
