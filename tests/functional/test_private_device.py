"""Somebody describes a device of their own, and takes everything that is made of it: the description, `motor.tex`, has
forms that the standard does not have, and each target answers the vectors that were made of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = Path(__file__).parent / "motor.tex"

KEPT_AS_BYTES = """\
not rendered in python: motor/struct/virtio_motor_foreign: pages: elements are of another project: kept as bytes
not rendered in python: motor/struct/virtio_motor_foreigners: list: elements do not tell their own size: kept as bytes
not rendered in rust: motor/struct/virtio_motor_foreign/pages: the size of its elements is not known: kept as bytes
not rendered in rust: motor/struct/virtio_motor_foreigners/list: its elements do not tell their own size: kept as bytes
not rendered in conformance: motor/struct/virtio_motor_foreign: vectors: holds several of struct 'stepper_page' of \
another project
not rendered in conformance: motor/struct/virtio_motor_foreigners: vectors: 'list' has a number of elements that do \
not tell their own size
"""


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("motor")
    done = run(sys.executable, "-m", "virtspec", "generate", CHAPTER, "-o", out, PYTHONPATH=str(ROOT / "codegen"))
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines(keepends=True) if line.startswith("not rendered")]
    assert "".join(told) == KEPT_AS_BYTES
    return out


def test_nothing_is_said_about_what_is_not_there(rendered: Path) -> None:
    """A chapter by itself is of no edition, and has no network device to show anything with."""
    for path in ("c/README.md", "c/include/virtwire/motor.h", "rust/README.md", "conformance/clauses.md"):
        text = (rendered / path).read_text("utf-8")
        assert not re.search(r"VIRTIO [ .:]|virtwire/net", text), path


def failing(rendered: Path, *testee: str | Path) -> set[str]:
    """The structs of which a testee fails a vector."""
    done = run(
        *(sys.executable, "-m", "virtwire.conformance", "--testee", shlex.join(map(str, testee)), "--format", "json"),
        PYTHONPATH=str(rendered / "python"),
    )
    cases = json.loads(done.stdout)["cases"]
    assert len(cases) > 400, done.stderr
    return {case["id"].partition("/")[0] for case in cases if case["status"] == "failed"}


def test_python(rendered: Path) -> None:
    assert failing(rendered, sys.executable, "-m", "virtwire.conformance.testee") == set()
    shown = run(
        *(sys.executable, "-m", "virtwire", "decode", "virtio_motor_hdr", "--hex", "0100 02 5b0c 01"),
        PYTHONPATH=str(rendered / "python"),
    )
    assert shown.stdout.splitlines() == [
        "                                   virtio_motor_hdr",
        "00000000  01 00                      opcode = 1 VIRTIO_MOTOR_OP_MOVE",
        "00000002  02                         axis = 2",
        "00000003  5b 0c                      mode = 3",
        "                                     relative = 1",
        "                                     speed = 197 (0xc5)",
        "00000005  01                         class_ = 1",
    ]


@pytest.mark.parametrize("language", ["c99", "c11", "c++17"])
def test_c_headers_compile_without_a_warning(rendered: Path, compiler: str, language: str) -> None:
    flags = "-ffreestanding -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -fsyntax-only"
    done = run(
        *(compiler, "-x", "c++" if "+" in language else "c", f"-std={language}", *flags.split()),
        *("-I", rendered / "c" / "include", rendered / "c" / "include" / "virtwire" / "virtwire.h"),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_c(rendered: Path, compiler: str) -> None:
    testee = rendered / "c-testee"
    done = run(
        *(compiler, "-Wall", "-Wextra", "-Werror", "-I", rendered / "c" / "include", "-I", rendered / "conformance"),
        *(rendered / "c" / "test" / "testee.c", "-o", testee),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert failing(rendered, testee) == set()
    assert run("make", "-C", rendered / "c", "check", f"CC={compiler}").returncode == 0


def test_rust(rendered: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo; install cargo and rustc")
    target = rendered / "target"
    done = run(
        *("cargo", "build", "--offline", "--quiet", "--examples", "--manifest-path", rendered / "rust" / "Cargo.toml"),
        CARGO_TARGET_DIR=str(target),
        RUSTFLAGS="-D warnings",
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert failing(rendered, target / "debug" / "examples" / "testee") == set()
