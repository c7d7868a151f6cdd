"""virtwire by itself: built, installed and used by a project that knows nothing else of this repository."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "generated" / "python"
CONSUMER = Path(__file__).parent / "python_consumer"

EXPECTED = """\
network device 52:54:00:00:00:01, MTU 1500
features: VIRTIO_NET_F_MTU, VIRTIO_F_VERSION_1
virtqueue 0: 256 entries
reserved: 5 bytes
read 512 bytes, status 00
MTU 9000 at offset 10
"""


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return subprocess.run(
        [str(part) for part in command], env={**clean, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel, built from its directory."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install hatchling")
    out = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", out, PACKAGE)
    assert done.returncode == 0, done.stderr
    return next(out.glob("virtwire-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel's content, as an installation has it."""
    target = tmp_path_factory.mktemp("site")
    done = run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", target, wheel)
    assert done.returncode == 0, done.stderr
    return target


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(n for n in names if n.endswith("/METADATA"))).decode()
    own = {str(p.relative_to(PACKAGE)) for p in (PACKAGE / "virtwire").rglob("*") if p.suffix in (".py", ".typed")}
    assert own <= names and "virtwire/py.typed" in names
    assert all(n.startswith(("virtwire/", "virtwire-")) for n in names)
    assert "Requires-Dist" not in metadata and "License-Expression: BSD-3-Clause" in metadata


def test_the_example_project_runs(installed: Path, tmp_path: Path) -> None:
    done = run(sys.executable, CONSUMER / "vdev_report.py", tmp_path / "context", PYTHONPATH=str(installed))
    assert (done.stdout, done.stderr) == (EXPECTED, "")


def test_damaged_input_is_reported_not_thrown(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "context").write_bytes(b"\1\0\0\0\2\0")
    done = run(sys.executable, CONSUMER / "vdev_report.py", tmp_path / "context", PYTHONPATH=str(installed))
    assert done.returncode == 1 and "ends too early" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_accept_the_package_and_its_user(installed: Path, tmp_path: Path, checker: str) -> None:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    if checker == "mypy":
        options = ["--strict", "--python-version", "3.10", f"--cache-dir={tmp_path / 'cache'}"]
        done = run(sys.executable, "-m", "mypy", *options, CONSUMER / "vdev_report.py", MYPYPATH=str(installed))
    else:
        # pyright takes only paths below its configuration
        shutil.copytree(installed / "virtwire", tmp_path / "site" / "virtwire")
        shutil.copy(CONSUMER / "vdev_report.py", tmp_path)
        (tmp_path / "pyrightconfig.json").write_text(
            '{"include": ["."], "exclude": ["site/virtwire/conformance"], "extraPaths": ["site"]}', "utf-8"
        )
        done = run(sys.executable, "-m", "pyright", "-p", tmp_path)
        if "nodeenv" in done.stderr or "npm" in done.stderr or "Traceback" in done.stderr:
            pytest.skip("pyright cannot be started here: it needs Node.js")
        assert "No source files" not in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
