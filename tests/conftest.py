"""What all tests share: where things are, and what this machine can do."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

EDITIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_report_header() -> list[str]:
    """Say at the start what is absent, since the tests that need it are skipped."""
    compiler = _compiler()
    sources = _sources()
    return [
        f"C compiler: {compiler or 'none; the tests of the C headers are skipped (set CC or install gcc)'}",
        f"specification: {sources or 'none; the tests on its LaTeX are skipped (set VIRTIO_SPEC to its releases)'}",
    ]


def _compiler() -> str | None:
    return shutil.which(os.environ.get("CC", "cc"))


def _sources() -> Path | None:
    """The directory with the releases' LaTeX (`v1.0` … `v1.4`), which is no part of this repository."""
    directory = Path(os.environ.get("VIRTIO_SPEC", ROOT.parent / "shared" / "virtio-spec"))
    return directory if (directory / "v1.4" / "virtio.tex").is_file() else None


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def releases() -> Path:
    """The directory with the LaTeX of the releases."""
    directory = _sources()
    if directory is None:
        pytest.skip("the releases' LaTeX is not here; VIRTIO_SPEC=DIRECTORY names it")
    return directory


@pytest.fixture(scope="session")
def compiler() -> str:
    """A C compiler."""
    found = _compiler()
    if found is None:
        pytest.skip("no C compiler; set CC or install gcc")
    return found


@pytest.fixture(scope="session")
def virtspec() -> Run:
    """Run `python -m virtspec` as a user would: another process, another directory if `cwd` says so.

    `timeout` is in seconds of processor time: on a busy machine others take long, too.
    """

    def run(
        *arguments: str | Path, cwd: Path | None = None, timeout: float = 60, file_size: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        def limit() -> None:
            seconds = int(timeout)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            if file_size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHASHSEED")}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["PYTHONPATH"] = str(ROOT / "codegen")
        done = subprocess.run(
            [sys.executable, "-m", "virtspec", *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=20 * timeout,
            check=False,
            preexec_fn=limit,
        )
        assert done.returncode not in (-signal.SIGXCPU, -signal.SIGKILL), f"took more than {timeout} s"
        return done

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write what golden cases expect anew")


@pytest.fixture
def rewrite_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden cases write what they observe instead of comparing."""
    return bool(request.config.getoption("--rewrite-golden"))
