"""Mutated bytes against every struct and container: an object that encodes to the same bytes, or a `DecodeError`.

Bounded and deterministic under pytest; `FUZZ_SECONDS=600` goes on for that long from a fresh seed. As a program it is a
target for atheris: `python tests/fuzz/test_fuzz_python.py [atheris options]`.
"""

from __future__ import annotations

import inspect
import io
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "generated" / "python"))

import virtwire
from virtwire import DecodeError, admin, device_context, device_parts, framing
from virtwire._dump import dump, plain
from virtwire._requests import Request
from virtwire._runtime import Struct

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
INTERESTING = (0, 1, 2, 3, 4, 7, 8, 16, 0x7F, 0x80, 0xFE, 0xFF)


def all_structs() -> list[type[Any]]:
    found = []
    for module in virtwire.MODULES:
        loaded = import_module(f"virtwire.{module}")
        found += [
            value
            for value in vars(loaded).values()
            if inspect.isclass(value) and issubclass(value, Struct) and value.__module__ == loaded.__name__
        ]
    return found


STRUCTS = all_structs()
LENGTHS = {
    cls: [
        p.name
        for p in inspect.signature(cls.from_bytes).parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.name not in ("allow_short", "features", "byteorder")
    ]
    for cls in STRUCTS
}


def seed_context() -> bytes:
    record = device_context.VirtioDevCtxFieldTlv
    return bytes(device_context.VirtioDevCtx(fields=[record(type=i, value=bytes(8 * i)) for i in range(8)]))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, added, removed or repeated."""
    result = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(result) + 1)
        match chance.randrange(5):
            case 0:
                result[at:at] = bytes(chance.choice(INTERESTING) for _ in range(chance.randrange(9)))
            case 1:
                del result[at : at + chance.randrange(9)]
            case 2 if at < len(result):
                result[at] = chance.choice(INTERESTING)
            case 3 if at < len(result):
                result[at] ^= 1 << chance.randrange(8)
            case _:
                result[at:at] = result[: chance.randrange(17)]
    return bytes(result)


def decode_struct(cls: type[Any], data: bytes, chance: random.Random) -> None:
    lengths = {name: chance.choice((0, 1, 2, 3, 8)) for name in LENGTHS[cls]}
    try:
        value = cls.from_bytes(data, **lengths)
    except DecodeError as error:
        assert error.path and str(error)  # noqa: PT017 - bytes need not be wrong
        return
    assert value.to_bytes() == data
    assert sum(leaf.size for leaf in value.leaves()) == len(data)
    repr(value)
    device = chance.choice((None, "net", "blk", "crypto"))
    assert sum(line.size for line in dump(value, 0, device)) == len(data)
    plain(value, device)


def decode_buffers(cls: type[Any], data: bytes, chance: random.Random) -> None:
    """A request in two buffers: the same object as from both together, or a `DecodeError`."""
    lengths = {name: chance.choice((0, 1, 2, 3, 8)) for name in LENGTHS[cls]}
    split = chance.randrange(len(data) + 1)
    try:
        value = cls.from_buffers(data[:split], data[split:], **lengths)
    except DecodeError as error:
        assert error.path and str(error)  # noqa: PT017 - bytes need not be wrong
        return
    assert value.to_buffers() == (data[:split], data[split:])
    assert value == cls.from_bytes(data, **lengths)


def failure(records: Iterable[Any]) -> str:
    """How decoding records ends: the first line of the error."""
    try:
        for _ in records:
            pass
    except DecodeError as error:
        return str(error).partition("\n")[0]
    return ""


def decode_containers(data: bytes) -> None:
    for cls in (
        device_context.VirtioDevCtx,
        admin.VirtioAdminCmdDevPartsGetResult,
        admin.VirtioAdminCmdDevPartsSetData,
    ):
        try:
            value = cls.from_bytes(data)
        except DecodeError:
            continue
        assert value.to_bytes() == data
        for device in (None, "net", "blk", "input"):
            value.validate(device)
    for records in (device_context.VirtioDevCtx.iter_records, device_parts.VirtioDevPart.iter_from):
        assert failure(records(data)) == failure(records(io.BytesIO(data)))
        for source in (data, framing.DeviceData(data), framing.DeviceData(framing.frame(data))):
            try:
                for record in records(source):
                    record.type_name("net")
                    try:
                        record.typed("net")
                        record.typed_selector("net")
                    except DecodeError as error:
                        assert error.path  # noqa: PT017 - bytes need not be wrong
            except DecodeError as error:
                assert error.path  # noqa: PT017 - bytes need not be wrong


def rounds(least: int) -> Iterator[random.Random]:
    """Sources of chance: `least` of them always the same, then new ones until the time is over."""
    for number in range(least):
        yield random.Random(number)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        yield random.Random()


def test_every_struct_survives_mutated_bytes() -> None:
    seeds = {cls: cls().to_bytes() for cls in STRUCTS}
    for chance in rounds(12):
        for cls in STRUCTS:
            decode_struct(cls, mutated(seeds[cls], chance), chance)
            if issubclass(cls, Request):
                decode_buffers(cls, mutated(seeds[cls], chance), chance)


def test_containers_survive_mutated_bytes_in_little_memory() -> None:
    seed = seed_context()
    tracemalloc.start()
    try:
        for chance in rounds(300):
            decode_containers(mutated(seed, chance))
            peak = tracemalloc.get_traced_memory()[1]
            assert peak < 16 << 20, f"{peak} bytes for an input of some hundred"
            tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()


def main() -> None:
    import atheris

    def one(data: bytes) -> None:
        if len(data) < 4:
            return
        cls = STRUCTS[int.from_bytes(data[:2], "little") % len(STRUCTS)]
        decode_struct(cls, data[4:], random.Random(data[:4]))
        decode_containers(data)

    atheris.instrument_all()
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
