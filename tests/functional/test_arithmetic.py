"""Arithmetic of a specification: macros and lengths have the same values in all languages, also where a difference in
them is negative."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from questions import answers

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = Path(__file__).parent / "chapters" / "counter.tex"

MACROS = {"COUNTER_HALF": 1, "COUNTER_MOD": 1, "COUNTER_MID": 2, "COUNTER_BITS": 1}
NUMBERS = (*range(-17, 18), 255, -(2**31) + 1, 2**31 - 1)

# how many bytes are behind the number, where a part of its formula is negative and where none is
LENGTHS = {
    "counter_half": lambda n: (n - 8) // 2 + 4 if n >= 8 else None,
    "counter_twice": lambda n: 4 * (n - 3) + 1 if n >= 3 else None,
    "counter_less": lambda n: n - 4 + 1 if n >= 4 else None,
    "counter_sum": lambda n: n - 4 + 2 if n >= 4 else None,
}


def made(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("counter")
    made(sys.executable, "-m", "virtspec", "generate", CHAPTER, "-o", out, PYTHONPATH=str(ROOT / "codegen"))
    return out


def test_macros_have_the_values_that_c_gives_them(rendered: Path, compiler: str) -> None:
    uses = [
        f"{name}({', '.join(f'({number})' for number in numbers)})"
        for name, count in MACROS.items()
        for numbers in product(NUMBERS, repeat=count)
        # a difference of the largest numbers is no `int`
        if count == 1 or max(map(abs, numbers)) < 1 << 16
    ]
    source = rendered / "macros.c"
    lines = "".join(f'    printf("%lld\\n", (long long){use});\n' for use in uses)
    source.write_text(f"#include <stdio.h>\n#include <virtwire/counter.h>\nint main(void)\n{{\n{lines}}}\n", "utf-8")
    made(compiler, "-I", rendered / "c" / "include", source, "-o", rendered / "macros")
    program = f"from virtwire.counter import *\nfor use in {uses!r}:\n    print(eval(use))"
    python = made(sys.executable, "-c", program, PYTHONPATH=str(rendered / "python"))
    found = dict(zip(uses, python.split(), strict=True))
    assert found == dict(zip(uses, made(rendered / "macros").split(), strict=True))
    assert found["COUNTER_HALF((-7))"] == "-3" and found["COUNTER_MOD((-7))"] == "-3"


def verdicts(rendered: Path, *testee: str | Path) -> list[str]:
    lines = [
        f"decode {struct} {number:02x}{'00' * size}"
        for struct in LENGTHS
        for number, size in product(range(16), range(60))
    ]
    found = answers([str(part) for part in testee], lines, PYTHONPATH=str(rendered / "python"))
    kept = [f"{line.split()[1]} {len(line.split()[2]) // 2 - 1}" for line in lines]
    return [f"{k} n={i // 60 % 16}" for i, (k, a) in enumerate(zip(kept, found, strict=True)) if a.startswith("ok")]


def expected() -> list[str]:
    sizes = {(struct, n): size(n) for struct, size in LENGTHS.items() for n in range(16)}
    return [f"{struct} {size} n={n}" for (struct, n), size in sizes.items() if size is not None]


def test_lengths_in_python(rendered: Path) -> None:
    assert verdicts(rendered, sys.executable, "-m", "virtwire.conformance.testee") == expected()


def test_lengths_in_c(rendered: Path, compiler: str) -> None:
    testee, include = rendered / "c-testee", rendered / "c" / "include"
    source = rendered / "c" / "test" / "testee.c"
    made(compiler, "-Wall", "-Werror", "-I", include, "-I", rendered / "conformance", source, "-o", testee)
    assert verdicts(rendered, testee) == expected()


@pytest.mark.xdist_group("cargo")
def test_lengths_in_rust(rendered: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo; install cargo and rustc")
    target, manifest = rendered / "target", rendered / "rust" / "Cargo.toml"
    command = ("cargo", "build", "--offline", "--quiet", "--examples", "--manifest-path", manifest)
    made(*command, CARGO_TARGET_DIR=str(target), RUSTFLAGS="-D warnings")
    assert verdicts(rendered, target / "debug" / "examples" / "testee") == expected()


def test_a_length_that_does_not_exist_is_one_error(rendered: Path) -> None:
    program = """
from virtwire import DecodeError, EncodeError, counter
for wrong in (lambda: counter.CounterHalf.from_bytes(bytes(1)), counter.CounterHalf().to_bytes):
    try:
        wrong()
    except (DecodeError, EncodeError) as error:
        print(type(error).__name__, error.path)
print(counter.CounterHalf(n=9, data=b"abcd").to_bytes())
"""
    lines = made(sys.executable, "-c", program, PYTHONPATH=str(rendered / "python")).splitlines()
    assert lines == ["DecodeError counter_half.data", "EncodeError counter_half.data", r"b'\tabcd'"]
