"""The conformance vectors through the C headers: right on this machine, the same on a big-endian one, and on bytes that
nobody wrote down the same as the Python library says."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
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
                # lengths follow from the values when these are encoded
                known = {
                    k: v for k, v in case.get("arguments", {}).items() if k in ("features", "byteorder", "device_type")
                }
                operation = case.get("operation", "both")
                if operation in ("decode", "both"):
                    for size in case.get("prefixes", [len(case["bytes"]) // 2]):
                        words = ["decode", struct["name"], case["bytes"][: 2 * size] or "-", *given]
                        yield Question(" ".join(words), "decode", case)
                if operation in ("encode", "both") and "values" in case:
                    values = [f"{k}={'-' if v == '' else v}" for k, v in {**known, **case["values"]}.items()]
                    yield Question(" ".join(["encode", struct["name"], *values]), "encode", case)


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


def damaged_bytes(asked: list[Question], dice: random.Random) -> Iterator[str]:
    """The bytes of every vector, as they are and changed."""
    for question in asked:
        if question.operation == "decode":
            word, name, data, *given = question.line.split(" ")
            raw = bytes.fromhex(data.removeprefix("-"))
            for variant in (raw, *(mutated(raw, dice) for _ in range(3))):
                yield " ".join([word, name, variant.hex() or "-", *given])


NUMBERS = ["0", "1", "2", "3", "255", "256", "65535", "65536", str(2**32 - 1), str(2**32), str(2**64 - 1), str(2**64)]


def other_values(asked: list[Question], dice: random.Random) -> Iterator[str]:
    """The values of every vector of variable size, as they are and with one changed: lengths that contradict the parts,
    numbers that do not fit, parts of other sizes."""
    for question in asked:
        words = question.line.split(" ")
        if question.operation != "encode":
            continue
        yield question.line
        if not any("[" in word or word.startswith("data=") for word in words):
            continue
        for _ in range(2):
            at = dice.randrange(2, len(words))
            key, _, value = words[at].partition("=")
            if key not in ("features", "byteorder", "device_type"):
                other = dice.choice([*NUMBERS, "00", "0011", "-", f"{value}00", value[:-2] or "0"])
                yield " ".join([*words[:at], f"{key}={other}", *words[at + 1 :]])


HEADS = {"virtio_dev_ctx": 4, "virtio_admin_cmd_dev_parts_get_result": 0, "virtio_admin_cmd_dev_parts_set_data": 8}
DEVICES = ("net", "blk", "mem", "fs", "rtc", "scsi", "vsock", "")


def other_lists(asked: list[Question], dice: random.Random) -> Iterator[str]:
    """Lists of records that the vectors have one by one: some twice, in any order, with other types and selectors."""
    for name, head in HEADS.items():
        records = sorted(
            {
                bytes.fromhex(q.case["bytes"])[head:]
                for q in asked
                if q.line.startswith(f"decode {name} ") and "/only-" in q.case["id"]
            }
        )
        assert len(records) > 3
        for _ in range(1500):
            chosen = [bytearray(dice.choice(records)) for _ in range(dice.randrange(7))]
            if dice.random() < 0.6:
                chosen.sort(key=lambda record: record[0])
            for record in chosen:
                if dice.random() < 0.1:
                    record[dice.randrange(len(record))] = dice.choice([0, 1, 2, 3, 4, 5, 255])
                if name != "virtio_dev_ctx" and dice.random() < 0.5:
                    record[4] = dice.randrange(8)
                if name != "virtio_dev_ctx" and dice.random() < 0.1:
                    record[0:2] = b"\x00\x02"
            start = bytearray(head)
            if name == "virtio_dev_ctx":
                start[0] = len(chosen)
            elif start and dice.random() < 0.05:
                start[dice.randrange(head)] ^= 1
            device = dice.choice(DEVICES)
            data = bytes(start) + b"".join(map(bytes, chosen))
            yield f"decode {name} {data.hex() or '-'}" + (f" device_type={device}" if device else "")


def short_configurations(dice: random.Random) -> Iterator[str]:
    """Device contexts with a configuration that ends anywhere."""
    for device in filter(None, DEVICES):
        for size in range(130):
            value = bytes(dice.choice([0, 0, 0, 0, 1]) for _ in range(size)) if size % 3 else bytes(size)
            head = b"\1\0\0\0" + b"\1" + bytes(7) + size.to_bytes(8, "little")
            yield f"decode virtio_dev_ctx {(head + value).hex()} device_type={device}"


@pytest.fixture(scope="module")
def lines(asked: list[Question]) -> list[str]:
    dice = random.Random(20231008)
    return [
        *damaged_bytes(asked, dice),
        *other_values(asked, dice),
        *other_lists(asked, dice),
        *short_configurations(dice),
    ]


def same(line: str, c: str, python: str) -> bool:
    """Whether two answers are the same verdict and the same values."""
    if c.startswith("ok") and python.startswith("ok"):
        return pairs(c) == pairs(python) if line.startswith("decode") else c.split() == python.split()
    if line.startswith("encode"):  # whatever is wrong, nothing was written
        return c.startswith("error") and python.startswith(("error", "skip"))
    return c.split(" ")[:2] == python.split(" ")[:2]


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
