"""The conformance vectors through the C headers: right on this machine, the same on a big-endian one, and on bytes that
nobody wrote down the same as the Python library says."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from virtspec.emit.c import render_c
from virtspec.emit.conformance import render_conformance
from virtspec.layout import Layouts
from virtspec.link.merge import merge_specs
from virtspec.model import Spec
from virtspec.pipeline import default_inputs, read_spec

# Containers have rules beyond their structure (order, uniqueness, reserved fields, known types) that only the Python
# library judges: the headers keep no memory of the records they saw.
JUDGED = {"virtio_dev_ctx", "virtio_admin_cmd_dev_parts_get_result", "virtio_admin_cmd_dev_parts_set_data"}
# The arms of this union may be longer than its bytes. Python shows of such an arm what there is, the headers nothing.
ARMS = {"virtio_admin_cmd_dev_parts_metadata_result"}

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Question:
    """A line of the testee protocol, and the vector it is from."""

    line: str
    operation: str
    case: dict[str, Any]


def questions(vectors: list[dict[str, Any]]) -> Iterator[Question]:
    for module in vectors:
        for struct in module["structs"]:
            for case in struct["cases"]:
                given = [f"{k}={v}" for k, v in case.get("arguments", {}).items()]
                operation = case.get("operation", "both")
                if operation in ("decode", "both"):
                    for size in case.get("prefixes", [len(case["bytes"]) // 2]):
                        words = ["decode", struct["name"], case["bytes"][: 2 * size] or "-", *given]
                        yield Question(" ".join(words), "decode", case)
                if operation in ("encode", "both") and "values" in case:
                    values = [f"{k}={v}" for k, v in case["values"].items()]
                    yield Question(" ".join(["encode", struct["name"], *given, *values]), "encode", case)


@pytest.fixture(scope="module")
def model() -> Spec:
    return merge_specs([read_spec(spec) for spec in default_inputs()])


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
    flags = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    return build(compiler, source, source / "testee", *flags)


def answers(command: list[str], lines: list[str], **environment: str) -> list[str]:
    result = subprocess.run(
        command,
        input="".join(f"{line}\n" for line in lines),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    found = result.stdout.splitlines()
    assert len(found) == len(lines)
    return found


def pairs(answer: str) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in answer.split(" ")[1:])


def right(question: Question, answer: str) -> bool:
    """Whether an answer is what the vector asks for."""
    case, ok = question.case, answer.startswith("ok")
    match case["result"]:
        case "valid" if question.operation == "decode":
            got = pairs(answer)
            values = {path: str(value) for path, value in case.get("values", {}).items()}
            return ok and values.items() <= got.items() and not got.keys() & set(case.get("absent", ()))
        case "valid":
            return answer == f"ok {case['bytes']}"
        case "acceptable":
            return ok or answer.startswith("error")
        case wrong:
            return answer.startswith(f"error {wrong}") or (
                question.operation == "encode" and answer.startswith("error")
            )


def beyond_structure(question: Question) -> bool:
    """Whether a vector breaks a rule that is not one about the size of a single record."""
    case = question.case
    sized = "/short-" in case["id"] or "/long-" in case["id"]
    return question.line.split(" ")[1] in JUDGED and case["result"] == "invalid" and not sized


def test_every_vector(asked: list[Question], testee: str) -> None:
    found = answers([testee], [q.line for q in asked])
    skipped = [a for q, a in zip(asked, found, strict=True) if a.startswith("skip")]
    wrong = [
        f"{q.case['id']}: {q.line[:200]} -> {a[:200]}"
        for q, a in zip(asked, found, strict=True)
        # that no two records may be about one queue, and the order of device parts, are left to the user: the headers
        # keep no list of what they saw
        if not a.startswith("skip") and not right(q, a) and not re.search("/twice-|_parts_.*/reversed", q.case["id"])
    ]
    assert not wrong, f"{len(wrong)} of {len(asked)}:\n" + "\n".join(wrong[:20])
    assert len(asked) > 5000
    # what the headers do not do: write messages of variable size as a whole, and tell one length from the others' rest
    assert set(skipped) == {"skip the size of this structure varies", "skip needs a length that was not given"}
    assert len(skipped) < len(asked) / 5


def test_a_big_endian_machine_says_the_same(asked: list[Question], testee: str, source: Path, tmp_path: Path) -> None:
    emulator, compiler = shutil.which("qemu-s390x"), shutil.which("s390x-linux-gnu-gcc")
    if emulator is None or compiler is None:
        pytest.skip("qemu-s390x or s390x-linux-gnu-gcc is not installed (qemu-user, gcc-s390x-linux-gnu)")
    foreign = build(compiler, source, tmp_path / "foreign", "-static")
    lines = [q.line for q in asked]
    assert answers([emulator, foreign], lines) == answers([testee], lines)


# --- agreement with Python --------------------------------------------------------------------------------


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        kind = dice.random()
        if changed and kind < 0.7:
            changed[dice.randrange(len(changed))] = dice.choice(
                [0, 1, 2, 3, 4, 5, 8, 127, 128, 255, dice.randrange(256)]
            )
        elif changed and kind < 0.85:
            del changed[dice.randrange(len(changed)) :]
        else:
            changed += bytes(dice.randrange(1, 9))
    return bytes(changed)


def test_c_and_python_agree_on_every_vector_and_on_mutants(asked: list[Question], testee: str) -> None:
    library = ROOT / "generated" / "python"
    if not (library / "virtwire" / "conformance" / "testee.py").is_file():
        pytest.skip("generated/python is not there; run `virtspec generate`")
    dice = random.Random(20231008)
    lines = []
    for question in asked:
        if question.operation == "decode":
            word, name, data, *given = question.line.split(" ")
            raw = bytes.fromhex(data.removeprefix("-"))
            variants = [raw, *(mutated(raw, dice) for _ in range(3))]
            lines += [" ".join([word, name, variant.hex() or "-", *given]) for variant in variants]
    ours = answers([testee], lines)
    python = answers([sys.executable, "-m", "virtwire.conformance.testee"], lines, PYTHONPATH=str(library))
    differ, compared = [], 0
    for line, c, py in zip(lines, ours, python, strict=True):
        if "skip" in (c.partition(" ")[0], py.partition(" ")[0]):
            continue
        compared += 1
        name = line.split(" ")[1]
        if c.startswith("ok") and py.startswith("ok"):
            same = pairs(c) == pairs(py) or (name in ARMS and pairs(c).items() <= pairs(py).items())
        else:
            same = c.split(" ")[:2] == py.split(" ")[:2] or (name in JUDGED and py.startswith("error invalid"))
        if not same:
            differ.append(f"{line[:160]}\n  C      {c[:160]}\n  Python {py[:160]}")
    assert not differ, f"{len(differ)} of {compared}:\n" + "\n".join(differ[:20])
    assert compared > 10_000
