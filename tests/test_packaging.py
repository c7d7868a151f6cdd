"""The wheels hold what they need, and only that; what they hold runs from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def build_wheel(project: Path, directory: Path) -> Path:
    """Build a wheel with the backend that is installed: no network, no other environment."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("virtspec-wheel"))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT / "generated" / "python", tmp_path_factory.mktemp("virtwire-wheel"))


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata(wheel: Path, file: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(f".dist-info/{file}"))
        return archive.read(name).decode()


def run_from(wheel: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of an unpacked wheel in an empty directory, without the checkout on the path."""
    site = tmp_path / "site"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # what is rendered must not depend on any of these
    elsewhen = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Pacific/Auckland"}
    environment = {**os.environ, **elsewhen, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )


def test_generator_wheel_holds_all_it_reads(generator: Path) -> None:
    held = set(names(generator))
    package = {
        f"virtspec/{path.relative_to(ROOT / 'codegen' / 'virtspec').as_posix()}"
        for path in (ROOT / "codegen" / "virtspec").rglob("*.py")
    }
    data = {
        f"virtspec/{path.relative_to(ROOT).as_posix()}"
        for folder in ("templates", "spec")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert package | {"virtspec/py.typed"} <= held
    assert data <= held
    surplus = {n for n in held - package - data - {"virtspec/py.typed"} if ".dist-info/" not in n}
    assert not surplus


def test_generator_wheel_has_its_script_and_metadata(generator: Path) -> None:
    assert "virtspec = virtspec.cli:main" in metadata(generator, "entry_points.txt")
    fields = metadata(generator, "METADATA").splitlines()
    assert "Requires-Python: >=3.10" in fields
    assert "License-Expression: BSD-3-Clause" in fields
    required = {line for line in fields if line.startswith("Requires-Dist: ") and "extra ==" not in line}
    assert "Requires-Dist: black==26.10.1" in required
    named = {line.removeprefix("Requires-Dist: ").split("==")[0].split("<")[0].split(">")[0] for line in required}
    assert named == {"black", "jinja2", "pylatexenc", "shtab", "tomli", "tqdm", "typing-extensions"}


def test_no_module_lies_among_the_templates() -> None:
    # an editable install would take it for a module of the package
    assert not list((ROOT / "templates").rglob("*.py"))


def test_generator_runs_from_its_wheel(generator: Path, tmp_path: Path) -> None:
    # the C headers: they need no formatting by Black, which takes long; .ci/run compares everything
    done = run_from(generator, tmp_path, "virtspec", "generate", "-o", "rendered", "--only", "c")
    assert done.returncode == 0, done.stderr
    rendered = tmp_path / "elsewhere" / "rendered" / "c"
    expected = ROOT / "generated" / "c"
    files = {p.relative_to(expected) for p in expected.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert files == {p.relative_to(rendered) for p in rendered.rglob("*") if p.is_file()}
    different = [f for f in files if (rendered / f).read_bytes() != (expected / f).read_bytes()]
    assert not different


def test_runtime_wheel_needs_nothing(runtime: Path) -> None:
    fields = metadata(runtime, "METADATA").splitlines()
    assert not [line for line in fields if line.startswith("Requires-Dist: ")]
    assert "Requires-Python: >=3.10" in fields
    assert "virtwire/py.typed" in names(runtime)
    outside = [n for n in names(runtime) if not n.startswith("virtwire/") and ".dist-info/" not in n]
    assert not outside


def test_runtime_runs_from_its_wheel(runtime: Path, tmp_path: Path) -> None:
    done = run_from(runtime, tmp_path, "virtwire", "show", "virtio_blk_config")
    assert done.returncode == 0, done.stderr
    assert "capacity" in done.stdout
