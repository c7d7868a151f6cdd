"""Questions of the testee protocol: those of the vectors, and many about bytes and values that nobody wrote down, for
comparing what implementations say."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


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


def answers(command: Sequence[str], lines: Sequence[str], **environment: str) -> list[str]:
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


def same(line: str, answer: str, python: str) -> bool:
    """Whether two answers are the same verdict and the same values."""
    if answer.startswith("ok") and python.startswith("ok"):
        return pairs(answer) == pairs(python) if line.startswith("decode") else answer.split() == python.split()
    if line.startswith("encode"):  # whatever is wrong, nothing was written
        return answer.startswith("error") and python.startswith(("error", "skip"))
    return answer.split(" ")[:2] == python.split(" ")[:2]


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


def odd_questions(asked: list[Question]) -> list[str]:
    """Questions whose answers no vector states, the same every time."""
    dice = random.Random(20231008)
    return [
        *damaged_bytes(asked, dice),
        *other_values(asked, dice),
        *other_lists(asked, dice),
        *short_configurations(dice),
        # a value that is a number by itself
        "decode virtio_admin_cmd_dev_parts_get_result 030100000000000000000000010000005b",
    ]
