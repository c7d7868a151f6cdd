"""Chapters with what is legal and rare: what is made of them compiles without a warning in each language, and answers
every vector that is made of them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((Path(__file__).parent / "chapters").iterdir())
"""A chapter, or a directory of several that define the same names."""

# what a chapter has of which a target tells that it keeps it as bytes, or has no vectors for it
TOLD = {
    "bits": {
        "python, c, rust: bits/const/BITS_EMPTY",
        "python, c, rust: bits/const/BITS_STR",
        "python, c, rust: bits/const/BITS_TOO_MUCH",
        "python, rust: bits/const/BITS_MASK",
        "python: bits/struct/bits_choices",
        "conformance: bits/struct/bits_choices",
    },
    "two": {
        *(f"{t}: {c}/struct/{c}_uses" for t in ("python", "conformance") for c in ("alpha", "beta")),
        *(f"rust: {c}/struct/{c}_uses/{m}" for c in ("alpha", "beta") for m in ("list", "many")),
        "conformance: beta/struct/shared#2",
    },
    "text": {"python, c, rust: text_device/const/TEXT_D", "python, c, rust: text_device/const/TEXT_E"},
    "counter": {
        "rust: counter/const/COUNTER_HALF",
        "rust: counter/const/COUNTER_MID",
        "rust: counter/const/COUNTER_MOD",
        "conformance: counter/struct/counter_half",
        "conformance: counter/struct/counter_sum",
        "conformance: counter/struct/counter_twice",
    },
    "rows": {
        "python: rows/struct/rows_inner",
        "python: rows/struct/rows_inner_open",
        "rust: rows/struct/rows_inner/t",
        "rust: rows/struct/rows_inner_open/t",
        "conformance: rows/struct/rows_inner",
        "conformance: rows/struct/rows_inner_open",
    },
}


def made(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    chapter: Path = request.param
    out = tmp_path_factory.mktemp(chapter.stem) / chapter.stem
    done = made(sys.executable, "-m", "virtspec", "generate", chapter, "-o", out, PYTHONPATH=str(ROOT / "codegen"))
    told = [line.removeprefix("not rendered in ") for line in done.stderr.splitlines() if line.startswith("not ")]
    assert {": ".join(line.split(": ")[:2]) for line in told} == TOLD.get(chapter.stem, set())
    assert "error" not in done.stderr
    return out


def passed(rendered: Path, *testee: str | Path) -> None:
    """Assert that a testee passes the vectors of a chapter."""
    done = subprocess.run(
        [*(sys.executable, "-m", "virtwire.conformance", "--testee", shlex.join(map(str, testee)), "--format", "json")],
        env={**os.environ, "PYTHONPATH": str(rendered / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    cases = json.loads(done.stdout)["cases"]
    assert [(case["id"], case.get("reason")) for case in cases if case["status"] != "passed"] == [], done.stderr
    assert {case["id"].partition("/")[0] for case in cases} == {
        struct["name"]
        for path in (rendered / "conformance" / "vectors").glob("*.json")
        for struct in json.loads(path.read_text("utf-8"))["structs"]
    }


def test_python(rendered: Path) -> None:
    passed(rendered, sys.executable, "-m", "virtwire.conformance.testee")
    # every class can be made, shown and compared
    program = """
import virtwire
for name in virtwire.find(""):
    cls = virtwire.lookup(name)
    assert cls() == cls() and cls.C_NAME == name and repr(cls()) and len(cls.LAYOUT) >= 0
"""
    made(sys.executable, "-W", "error", "-c", program, PYTHONPATH=str(rendered / "python"))


def test_python_is_typed(rendered: Path) -> None:
    pytest.importorskip("mypy")
    made(sys.executable, "-m", "mypy", "--strict", "--no-incremental", rendered / "python" / "virtwire")


@pytest.mark.parametrize("language", ["c99", "c++17"])
def test_c_headers_compile_without_a_warning(rendered: Path, compiler: str, language: str) -> None:
    flags = "-ffreestanding -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -fsyntax-only"
    for header in (rendered / "c" / "include" / "virtwire").glob("*.h"):
        made(
            *(compiler, "-x", "c++" if "+" in language else "c", f"-std={language}", *flags.split()),
            *("-I", rendered / "c" / "include", header),
        )


def test_c(rendered: Path, compiler: str) -> None:
    flags = "-std=c99 -Wall -Wextra -Wpedantic -Werror".split()
    include = ("-I", rendered / "c" / "include", "-I", rendered / "conformance")
    for source in (rendered / "c" / "test").glob("*.c"):
        program = rendered / source.stem
        made(compiler, *flags, "-DVIRTWIRE_FUZZ_RUNS=2000", *include, source, "-o", program)
        if source.stem != "testee":
            made(program)
    passed(rendered, rendered / "testee")


@pytest.mark.xdist_group("cargo")
def test_rust(rendered: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo; install cargo and rustc")
    target, manifest = rendered / "target", rendered / "rust" / "Cargo.toml"
    command = ("cargo", "build", "--offline", "--quiet", "--examples", "--manifest-path", manifest)
    made(*command, CARGO_TARGET_DIR=str(target), RUSTFLAGS="-D warnings")
    passed(rendered, target / "debug" / "examples" / "testee")
