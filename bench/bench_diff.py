"""Comparisons as whole processes: two releases, a patch, and a history of commits made from the releases.

python bench/bench_diff.py [DIRECTORY]       the directory with v1.0 … v1.4 (default: VIRTIO_SPEC, or a neighbour)
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
COMMITS = 600

LIMITS = {"two releases": 0.8, "a patch": 0.8, f"{COMMITS} commits": 30.0}
"""Seconds of a whole process."""


def main() -> int:
    default = os.environ.get("VIRTIO_SPEC", ROOT.parent / "shared" / "virtio-spec")
    releases = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    if not (releases / "v1.4" / "virtio.tex").is_file():
        print(f"no releases in {releases}; VIRTIO_SPEC=DIRECTORY names them")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        patch = Path(scratch) / "one.patch"
        patch.write_text(_patch(releases / "v1.3", Path(scratch)))
        repository = _repository(releases, Path(scratch) / "repository")
        measured = {
            "two releases": _best(ROUNDS, "diff", str(releases / "v1.3"), str(releases / "v1.4")),
            "a patch": _best(ROUNDS, "review", str(patch), "--base", str(releases / "v1.3")),
            f"{COMMITS} commits": _best(1, "history", str(repository), f"HEAD~{COMMITS}..HEAD"),
        }
    print("| comparison | seconds | limit |")
    print("| --- | --- | --- |")
    for what, seconds in measured.items():
        print(f"| {what} | {seconds:.2f} | {LIMITS[what]:g}{' EXCEEDED' if seconds > LIMITS[what] else ''} |")
    return int(any(seconds > LIMITS[what] for what, seconds in measured.items()))


def _best(rounds: int, *arguments: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "codegen")}
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "virtspec", *arguments], env=environment, capture_output=True, check=False
        )
        times.append(time.perf_counter() - started)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr.decode())
    return min(times)


def _patch(release: Path, scratch: Path) -> str:
    """A member for a configuration space, as a patch."""
    path = "device-types/gpu/description.tex"
    text = (release / path).read_text("utf-8")
    new = scratch / "description.tex"
    new.write_text(text.replace("        le32 num_capsets;\n", "        le32 num_capsets;\n        le32 more;\n"))
    done = subprocess.run(
        ["git", "diff", "--no-index", "--no-prefix", str(release / path), str(new)], capture_output=True, text=True
    )
    body = done.stdout[done.stdout.index("@@ ") :]
    return f"--- a/{path}\n+++ b/{path}\n{body}"


def _repository(releases: Path, path: Path) -> Path:
    """A history in which the commits change a line or two of one file of v1.4, in prose and in listings."""
    shutil.copytree(releases / "v1.4", path)
    for file in path.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    path.chmod(0o755)
    _git(path, "init", "--quiet", "--initial-branch=main")
    _git(path, "add", "--all")
    _git(path, "commit", "--quiet", "--message=start")
    chosen = random.Random(1)  # the same history every time
    files = sorted(p for p in path.rglob("*.tex") if p.stat().st_size > 4000 and not p.name.startswith("cl-"))
    for number in range(COMMITS):
        file = chosen.choice(files)
        lines = file.read_text("utf-8").split("\n")
        members = [i for i, line in enumerate(lines) if line.startswith("        le") and line.endswith(";")]
        words = [i for i, line in enumerate(lines) if line[:1].isalpha() and len(line) > 40]
        if members and number % 3 == 0:
            lines.insert(chosen.choice(members), f"        le32 added_{number};")
        elif words:
            lines[chosen.choice(words)] += f" Once more {number}."
        file.write_text("\n".join(lines), "utf-8")
        _git(path, "commit", "--quiet", "--all", "--allow-empty", f"--message=change {number}")
    return path


def _git(path: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(path), *identity, *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
