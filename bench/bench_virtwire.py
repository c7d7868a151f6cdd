"""Decoding and encoding with virtwire, side by side with raw `struct`, ctypes, construct and dissect.cstruct.

All in one process, in turns, results compared first; the best of many short rounds counts, as a ratio to raw `struct`.
Each contender is a statement in a loop of timeit's; bound methods are looked up before, as a loop over many structures
would do it.
construct and dissect.cstruct are left out, and said to be, where they are not installed.

    python bench/bench_virtwire.py
"""

from __future__ import annotations

import ctypes
import io
import os
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from timeit import Timer
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "generated" / "python"))

from virtwire import blk, device_context, pci, virtqueue  # noqa: E402

ROUNDS = 150
LOOPS = 400


def timed(statement: str, **names: Any) -> Timer:
    """A statement to time, with the names in it; unlike timeit by itself, the garbage collector stays on."""
    return Timer(statement, "import gc; gc.enable()", globals=names)


def best(contenders: dict[str, Timer], loops: int) -> dict[str, float]:
    """Nanoseconds of one execution: all contenders in turn, the best round of each."""
    times = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, timer in contenders.items():
            times[name] = min(times[name], timer.timeit(loops) * 1e9 / loops)
    return times


def race(title: str, limit: float | None, contenders: dict[str, Timer], loops: int = LOOPS) -> bool:
    """Print a line of the table; whether virtwire stays within its limit."""
    times = best(contenders, loops)
    raw = times.pop("raw struct")
    ratios = {name: value / raw for name, value in times.items()}
    own = ratios["virtwire"]
    cells = "  ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    within = limit is None or own <= limit
    bound = "" if limit is None else f"(limit {limit}{'' if within else ': EXCEEDED'})"
    print(f"{title:28} raw {raw:7.0f} ns   {cells}   {bound}".rstrip())
    peers = [ratio for name, ratio in ratios.items() if name in ("construct", "dissect.cstruct")]
    slower = not title.endswith("decode") or all(ratio >= 10 * own for ratio in peers)
    if not slower:
        print(f"{'':28} less than 10 times as fast as a peer")
    return within and slower


# --- flat: virtio_pci_common_cfg, twenty integers ---------------------------------------------------------

COMMON = "<4I2H2B5H3Q4H"
COMMON_FIELDS = [f.path for f in pci.VirtioPciCommonCfg.LAYOUT]
COMMON_TYPES = {"u8": "B", "le16": "H", "le32": "I", "le64": "Q"}


class CommonCtypes(ctypes.LittleEndianStructure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [
        (
            f.path,
            {"u8": ctypes.c_uint8, "le16": ctypes.c_uint16, "le32": ctypes.c_uint32, "le64": ctypes.c_uint64}[f.type],
        )
        for f in pci.VirtioPciCommonCfg.LAYOUT
    ]


def with_construct(cls: type[Any]) -> Any:
    """A compiled construct of a struct of integers, bytes and such structs; None where construct is not installed."""
    try:
        import construct as c
    except ImportError:
        return None
    types = {"u8": c.Int8ul, "le16": c.Int16ul, "le32": c.Int32ul, "le64": c.Int64ul}
    members: list[Any] = []
    groups: dict[str, list[Any]] = {}
    for field in cls.LAYOUT:
        owner, _, name = field.path.rpartition(".")
        if field.type.startswith("struct"):
            groups[field.path] = []
            members.append((field.path, None))
        else:
            type_ = types[field.type] if field.count is None else c.Bytes(field.count)
            if owner:
                groups[owner].append(name / type_)
            else:
                members.append((name, type_))
    return c.Struct(*[n / (c.Struct(*groups[n]) if t is None else t) for n, t in members]).compile()


def with_cstruct(cls: type[Any]) -> Any:
    """A compiled dissect.cstruct type of such a struct; None where dissect.cstruct is not installed."""
    try:
        from dissect.cstruct import cstruct
    except ImportError:
        return None
    types = {"u8": "uint8", "le16": "uint16", "le32": "uint32", "le64": "uint64"}
    text = "struct subject {\n"
    inside = ""
    for field in cls.LAYOUT:
        owner, _, name = field.path.rpartition(".")
        if inside and owner != inside:
            text += f"}} {inside};\n"
            inside = ""
        if field.type.startswith("struct"):
            text += "struct {\n"
            inside = field.path
        else:
            text += f"{types[field.type]} {name};\n" if field.count is None else f"char {name}[{field.count}];\n"
    text += f"}} {inside};\n" if inside else ""
    parser = cstruct(endian="<")
    parser.load(text + "};", compiled=True)
    return parser.subject


def peers(cls: type[Any], data: bytes, expected: dict[str, Any]) -> dict[str, Timer]:
    """The decoders of other libraries, after they have been compared."""
    found: dict[str, Timer] = {}
    parser = with_construct(cls)
    if parser is not None:
        value = parser.parse(data)
        assert all(value[name] == number for name, number in expected.items())
        found["construct"] = timed("decode(data)", decode=parser.parse, data=data)
    subject = with_cstruct(cls)
    if subject is not None:
        value = subject(data)
        assert all(getattr(value, name) == number for name, number in expected.items())
        found["dissect.cstruct"] = timed("decode(data)", decode=subject, data=data)
    return found


def bench_flat() -> list[bool]:
    raw = struct.Struct(COMMON)
    cls = pci.VirtioPciCommonCfg
    data = bytes(range(1, cls.SIZE + 1))
    values = raw.unpack(data)
    value = cls.from_bytes(data)
    expected = dict(zip(COMMON_FIELDS, values, strict=True))
    assert (
        expected == {name: getattr(value, name) for name in COMMON_FIELDS} and bytes(value) == raw.pack(*values) == data
    )
    assert all(getattr(CommonCtypes.from_buffer_copy(data), name) == number for name, number in expected.items())
    buffer = bytearray(data)
    view = pci.VirtioPciCommonCfgView(buffer)
    return [
        race(
            f"{len(values)} fields, decode",
            1.7,
            {
                "raw struct": timed("decode(data, 0)", decode=raw.unpack_from, data=data),
                "virtwire": timed("decode(data)", decode=cls.from_bytes, data=data),
                "unpack_from": timed("decode(data, 0)", decode=cls.unpack_from, data=data),
                "ctypes": timed("decode(data)", decode=CommonCtypes.from_buffer_copy, data=data),
                **peers(cls, data, expected),
            },
        ),
        race(
            f"{len(values)} fields, encode",
            1.5,
            {
                "raw struct": timed("pack(*values)", pack=raw.pack, values=values),
                "virtwire": timed("encode()", encode=value.to_bytes),
                "ctypes": timed("bytes(CommonCtypes())", CommonCtypes=CommonCtypes),
            },
        ),
        race(
            "view, one read",
            0.5,
            {
                "raw struct": timed("decode(data, 0)", decode=raw.unpack_from, data=data),
                "virtwire": timed("view.queue_size", view=view),
                "with a new view": timed("View(buffer).queue_size", View=pci.VirtioPciCommonCfgView, buffer=buffer),
            },
        ),
    ]


# --- nested: virtio_blk_config holds three structs --------------------------------------------------------


def bench_nested() -> list[bool]:
    cls = blk.VirtioBlkConfig
    raw = struct.Struct("<QIIHBBIBBHIBBHIIIIIB3sIIIIIIIIB3s")
    data = bytes(range(1, (cls.SIZE or 0) + 1))
    values = raw.unpack(data)
    value = cls.from_bytes(data)
    assert (value.geometry.heads, value.topology.min_io_size, value.zoned.model) == (values[4], values[9], values[-2])
    expected = {f.path: getattr(value, f.path) for f in cls.LAYOUT if "." not in f.path and "struct" not in f.type}
    assert bytes(value) == data
    return [
        race(
            "three nested objects, decode",
            2.2,
            {
                "raw struct": timed("decode(data, 0)", decode=raw.unpack_from, data=data),
                "virtwire": timed("decode(data)", decode=cls.from_bytes, data=data),
                **peers(cls, data, expected),
            },
        ),
        # two checks of the length of byte arrays are in this: `struct` would pad and cut in silence
        race(
            "three nested objects, encode",
            None,
            {
                "raw struct": timed("pack(*values)", pack=raw.pack, values=values),
                "virtwire": timed("encode()", encode=value.to_bytes),
            },
        ),
    ]


# --- records and tables -----------------------------------------------------------------------------------


def bench_records() -> list[bool]:
    record = device_context.VirtioDevCtxFieldTlv
    head = struct.Struct("<IIQ")
    fields = [record(type=i % 6, value=bytes(24)) for i in range(64)]
    data = b"".join(map(bytes, fields))

    def raw() -> list[Any]:
        found = []
        at = 0
        end = len(data)
        while at < end:
            type_, reserved, length = head.unpack_from(data, at)
            at += 16
            found.append((type_, reserved, length, data[at : at + length]))
            at += length
        return found

    assert [(r.type, r.reserved, r.length, r.value) for r in record.iter_from(data)] == raw()
    whole = device_context.VirtioDevCtx
    blob = len(fields).to_bytes(4, "little") + data
    assert whole.from_bytes(blob).fields == fields
    table = bytes(range(256)) * 16
    descriptor = struct.Struct("<QIHH")
    assert [(d.addr, d.len, d.flags, d.next) for d in virtqueue.VirtqDesc.iter_unpack(table)] == list(
        descriptor.iter_unpack(table)
    )
    return [
        race(
            "64 TLV records",
            1.9,
            {
                "raw struct": timed("raw()", raw=raw),
                "virtwire": timed("list(read(data))", read=record.iter_from, data=data),
                "as a container": timed("decode(data)", decode=whole.from_bytes, data=blob),
            },
            12,
        ),
        race(
            "256 descriptors",
            2.2,
            {
                "raw struct": timed("list(read(data))", read=descriptor.iter_unpack, data=table),
                "virtwire": timed("list(read(data))", read=virtqueue.VirtqDesc.iter_unpack, data=table),
            },
            8,
        ),
    ]


class Stream(io.RawIOBase):
    """A device context of any size, made as it is read."""

    def __init__(self, record: bytes, count: int) -> None:
        super().__init__()
        self.head = count.to_bytes(4, "little")
        self.record = record
        self.left = count

    def read(self, size: int = -1) -> bytes:
        while self.left and len(self.head) < size:
            self.head += self.record
            self.left -= 1
        piece, self.head = self.head[:size], self.head[size:]
        return piece


def bench_stream() -> list[bool]:
    record = bytes(device_context.VirtioDevCtxFieldTlv(type=7, value=bytes(4096)))
    count = (100 << 20) // len(record)
    start = time.perf_counter()
    total = sum(len(f.value) for f in device_context.VirtioDevCtx.iter_records(Stream(record, count)))
    seconds = time.perf_counter() - start
    tracemalloc.start()
    for _ in device_context.VirtioDevCtx.iter_records(Stream(record, 2000)):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{'100 MB device context':28} {seconds:.2f} s, {peak / 1024:.0f} KiB at most")
    return [total == 4096 * count and peak < 1 << 20]


def bench_import() -> list[bool]:
    """`from virtwire import net` in a fresh interpreter, its bytecode cached."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generated" / "python")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    code = "import time; t = time.perf_counter(); from virtwire import net; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True).stdout)
        for _ in range(15)
    ]
    print(f"{'import of virtwire and net':28} {1000 * min(times):.1f} ms (limit 10)")
    return [min(times) <= 0.010]


def main() -> int:
    from importlib.util import find_spec

    for name in ("construct", "dissect"):
        if find_spec(name) is None:
            print(f"{name} is not installed: left out")
    results = [*bench_flat(), *bench_nested(), *bench_records(), *bench_stream(), *bench_import()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
