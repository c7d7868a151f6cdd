"""The conformance vectors through the C headers: right on this machine, the same on a big-endian one, and on bytes that
nobody wrote down the same as the Python library says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from questions import Question, answers, odd_questions, pairs, questions, same

from virtspec.emit.c import render_c
from virtspec.emit.conformance import render_conformance
from virtspec.layout import Layouts
from virtspec.link.merge import merge_specs
from virtspec.model import Spec
from virtspec.pipeline import default_inputs, read_spec

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def model() -> Spec:
    return merge_specs([read_spec(spec) for spec in default_inputs()]).without_examples()[0]


@pytest.fixture(scope="module")
def asked(model: Spec) -> list[Question]:
    files = render_conformance(model, Layouts(model)).files
    return list(questions([json.loads(text) for path, text in files.items() if "/vectors/" in path]))


@pytest.fixture(scope="module")
def source(model: Spec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("testee")
    for path, text in render_c(model, Layouts(model)).files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory / "c"


def build(compiler: str, source: Path, program: Path, *flags: str) -> str:
    command = [compiler, "-std=c99", "-O1", *WARNINGS, *flags, "-Iinclude", "test/testee.c", "-o", str(program)]
    result = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return str(program)


@pytest.fixture(scope="module")
def testee(source: Path, compiler: str) -> str:
    flags = ["-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    return build(compiler, source, source / "testee", *flags)


def right(question: Question, answer: str) -> bool:
    """Whether an answer is what the vector asks for."""
    case, ok = question.case, answer.startswith("ok")
    match case["result"]:
        case "valid" if question.operation == "decode":
            got = pairs(answer)
            values = {path: str(value) for path, value in case.get("values", {}).items()}
            return ok and values.items() <= got.items() and not got.keys() & set(case.get("absent", ()))
        case "valid":
            return answer == f"ok {case['bytes'] or '-'}"
        case "acceptable":
            return ok or answer.startswith("error")
        case wrong:
            return answer.startswith(f"error {wrong}") or (
                question.operation == "encode" and answer.startswith("error")
            )


def test_every_vector(asked: list[Question], testee: str) -> None:
    """Right as a vector says; the headers leave none out."""
    found = answers([testee], [q.line for q in asked])
    wrong = [
        f"{q.case['id']}: {q.line[:200]} -> {a[:200]}" for q, a in zip(asked, found, strict=True) if not right(q, a)
    ]
    assert not wrong, f"{len(wrong)} of {len(asked)}:\n" + "\n".join(wrong[:20])
    assert len(asked) > 5000


# --- agreement --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lines(asked: list[Question]) -> list[str]:
    return odd_questions(asked)


def test_c_and_python_agree_on_every_vector_and_on_mutants(lines: list[str], testee: str) -> None:
    library = ROOT / "generated" / "python"
    if not (library / "virtwire" / "conformance" / "testee.py").is_file():
        pytest.skip("generated/python is not there; run `virtspec generate`")
    ours = answers([testee], lines)
    python = answers([sys.executable, "-m", "virtwire.conformance.testee"], lines, PYTHONPATH=str(library))
    differ = [
        f"{line[:160]}\n  C      {c[:160]}\n  Python {py[:160]}"
        for line, c, py in zip(lines, ours, python, strict=True)
        if not same(line, c, py)
    ]
    assert not differ, f"{len(differ)} of {len(lines)}:\n" + "\n".join(differ[:20])
    verdicts = Counter(" ".join(answer.split(" ")[:2]) if answer.startswith("error") else "ok" for answer in ours)
    assert all(verdicts[kind] > 1000 for kind in ("ok", "error malformed", "error invalid")), verdicts


def test_a_big_endian_machine_says_the_same(lines: list[str], testee: str, source: Path, tmp_path: Path) -> None:
    emulator, compiler = shutil.which("qemu-s390x"), shutil.which("s390x-linux-gnu-gcc")
    if emulator is None or compiler is None:
        pytest.skip("qemu-s390x or s390x-linux-gnu-gcc is not installed (qemu-user, gcc-s390x-linux-gnu)")
    foreign = build(compiler, source, tmp_path / "foreign", "-static")
    assert answers([emulator, foreign], lines) == answers([testee], lines)
