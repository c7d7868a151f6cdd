"""The Python emitter on small hand-built models: the generated package is imported and used."""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import sys
from array import array as bytes_of
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from virtspec.emit.python import render_python
from virtspec.layout import Layouts
from virtspec.model import (
    Aggregate,
    AnyOf,
    Array,
    Binding,
    Bit,
    Bits,
    ConfigRef,
    Constant,
    Count,
    Entry,
    Expression,
    External,
    ExternalLength,
    Feature,
    FeatureBit,
    FieldRef,
    Integer,
    Member,
    Range,
    Registry,
    Rest,
    Spec,
    Struct,
    StructRef,
    Type,
)

U8 = Integer(bits=8, order="little", spelling="u8")
LE16 = Integer(bits=16, order="little", spelling="le16")
LE32 = Integer(bits=32, order="little", spelling="le32")
LE64 = Integer(bits=64, order="little", spelling="le64")
BE16 = Integer(bits=16, order="big", spelling="be16")
U32 = Integer(bits=32, order="native", spelling="u32")
REST = Rest()


def member(name: str, type_: Type, **more: Any) -> Member:
    return Member(name=name, type=type_, **more)


def array(element: Type, length: Any) -> Array:
    return Array(element=element, length=Count(value=length) if isinstance(length, int) else length)


def struct(name: str, *members: Member, **more: Any) -> Struct:
    more.setdefault("key", f"m/struct/{name}")
    return Struct(name=name, kind=more.pop("kind", "struct"), module=more.pop("module", "m"), members=members, **more)


def constant(name: str, value: int | None, **more: Any) -> Constant:
    more.setdefault("key", f"m/const/{name}")
    return Constant(name=name, kind=more.pop("kind", "define"), module="m", value=value, **more)


Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Renders a model and imports its module `m`; the package in the repository is out of sight meanwhile."""
    shadowed = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "virtwire"}
    for name in shadowed:
        del sys.modules[name]
    monkeypatch.syspath_prepend(str(tmp_path / "python"))

    def render(*structs: Struct, module: str = "m", **more: Any) -> ModuleType:
        spec = Spec(edition="9.9", structs=structs, constants=more.pop("constants", ()), **more)
        emission = render_python(spec, Layouts(spec))
        load.not_rendered = emission.not_rendered  # type: ignore[attr-defined]
        for path, text in emission.files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, "utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(f"virtwire.{module}")

    load = render
    yield render
    for name in [n for n in sys.modules if n.split(".")[0] == "virtwire"]:
        del sys.modules[name]
    sys.modules.update(shadowed)


def errors(module: ModuleType) -> tuple[type[Any], type[Any]]:
    runtime = sys.modules["virtwire._runtime"]
    return runtime.DecodeError, runtime.EncodeError


def test_fixed_struct_with_nested_arrays_and_bits(load: Load) -> None:
    m = load(
        struct("in", member("a", U8), member("b", LE16)),
        struct(
            "out",
            member("x", LE32),
            member("nested", StructRef(name="in")),
            member("mac", array(U8, 6)),
            member("words", array(LE16, 3)),
            member(
                "",
                Bits(container=LE16, fields=(Bit(name="lo", offset=0, width=12), Bit(name="hi", offset=12, width=4))),
            ),
            member("pairs", array(StructRef(name="in"), 2)),
            member("rows", array(array(U8, 2), 2)),
            member("be", BE16),
        ),
    )
    _, encode_error = errors(m)
    # big-endian beside little-endian: two runs, still of fixed size
    assert m.Out.SIZE == 4 + 3 + 6 + 6 + 2 + 6 + 4 + 2
    data = bytes(range(1, m.Out.SIZE + 1))
    value = m.Out.from_bytes(data)
    assert value.x == 0x04030201 and value.nested == m.In(a=5, b=0x0706)
    assert value.mac == data[7:13] and value.words == (0x0F0E, 0x1110, 0x1312)
    assert (value.lo, value.hi) == (0x514, 0x1)
    assert value.pairs == (m.In(a=0x16, b=0x1817), m.In(a=0x19, b=0x1B1A))
    assert value.rows == (b"\x1c\x1d", b"\x1e\x1f") and value.be == 0x2021
    assert bytes(value) == data
    value.hi = 15
    assert m.Out.from_bytes(bytes(value)).hi == 15
    with pytest.raises(encode_error, match="4 bits"):
        value.hi = 16
    for name, wrong in [
        ("mac", b"12345"),
        ("words", (1, 2)),
        ("pairs", ()),
        ("rows", (b"1", b"2")),
        ("x", -1),
        ("x", 1 << 32),
        ("x", "1"),
    ]:
        broken = m.Out.from_bytes(data)
        setattr(broken, name, wrong)
        with pytest.raises(encode_error) as caught:
            bytes(broken)
        assert caught.value.path.partition("[")[0] == f"out.{name}"


def test_nested_errors_have_the_whole_path(load: Load) -> None:
    m = load(
        struct("item", member("length", U8), member("data", array(U8, FieldRef(path="length")))),
        struct("list", member("count", U8), member("items", array(StructRef(name="item"), FieldRef(path="count")))),
    )
    decode_error, encode_error = errors(m)
    value = m.List.from_bytes(b"\x02\x01a\x02bc")
    assert [item.data for item in value.items] == [b"a", b"bc"]
    with pytest.raises(decode_error) as caught:
        m.List.from_bytes(b"\x02\x01a\x09bc")
    assert caught.value.path == "list.items[1].data" and caught.value.offset == 4
    assert (caught.value.needed, caught.value.available) == (9, 2) and "^^ ^^" in str(caught.value)
    value.items[1].length = 7
    with pytest.raises(encode_error, match=r"list\.items\[1\]\.data: has 2 elements, but length is 7"):
        bytes(value)
    assert m.List(items=[m.Item(data=b"xyz")]).to_bytes() == b"\x01\x03xyz"


def test_hostile_counts_cost_no_memory(load: Load) -> None:
    m = load(
        struct("empty_item", member("n", array(U8, FieldRef(path="absent")))),
        struct("wide", member("count", LE64), member("data", array(LE64, FieldRef(path="count")))),
        struct("item", member("x", U8)),
        struct("items", member("count", LE64), member("list", array(StructRef(name="item"), FieldRef(path="count")))),
    )
    decode_error, _ = errors(m)
    for cls in (m.Wide, m.Items):
        with pytest.raises(decode_error):
            cls.from_bytes(b"\xff" * 8 + b"abc")


def test_expression_lengths(load: Load) -> None:
    m = load(
        struct("t", member("mask", LE16), member("table", array(LE16, Expression(text="mask + 1"))), member("end", U8)),
        struct("neg", member("size", U8), member("rest", array(U8, Expression(text="size - sizeof(struct t2)")))),
        struct("t2", member("a", LE32)),
    )
    decode_error, encode_error = errors(m)
    assert bytes(m.T()) == b"\0\0\0\0\0"
    value = m.T(mask=1, table=[5, 6], end=7)
    assert m.T.from_bytes(bytes(value)) == value
    with pytest.raises(encode_error, match=r"t\.table: has 1 elements, but mask \+ 1 is 2"):
        m.T(mask=1, table=[5]).to_bytes()
    assert m.Neg.from_bytes(b"\x05x").rest == b"x"
    with pytest.raises(decode_error, match="no room"):
        m.Neg.from_bytes(b"\x03")


def test_the_one_length_left_out_is_what_remains(load: Load) -> None:
    m = load(
        struct(
            "req",
            member("type", LE16),
            member("out", array(U8, REST)),
            member("cdb", array(U8, ConfigRef(struct="cfg", path="cdb_size"))),
            member("tail", array(LE16, ExternalLength(name="Tail Size"))),
            member("status", U8),
        )
    )
    data = b"\x01\0" + b"abc" + b"de" + b"\x05\0\x06\0" + b"\x09"
    for given in ({"cdb_size": 2, "tail_size": 2}, {"out_size": 3, "tail_size": 2}, {"out_size": 3, "cdb_size": 2}):
        value = m.Req.from_bytes(data, **given)
        assert (value.out, value.cdb, value.tail, value.status) == (b"abc", b"de", [5, 6], 9)
        assert bytes(value) == data
    with pytest.raises(TypeError, match="give out_size or cdb_size and tail_size"):
        m.Req.from_bytes(data)
    with pytest.raises(errors(m)[0]):
        m.Req.from_bytes(data, cdb_size=2, tail_size=200)


def test_what_remains_is_a_whole_number_of_elements(load: Load) -> None:
    m = load(struct("r", member("words", array(LE16, REST)), member("end", U8)))
    assert m.R.from_bytes(b"\1\0\2\0\3").words == [1, 2]
    for decode in (m.R.from_bytes, m.R.unpack_from):
        with pytest.raises(errors(m)[0], match=r"r\.words: no whole number of elements"):
            decode(b"\1\0\2\3")


def test_requests_in_two_buffers(load: Load) -> None:
    m = load(
        struct(
            "req",
            member("type", LE16, direction="readable"),
            member("dataout", array(U8, REST), direction="readable"),
            member("datain", array(U8, REST), direction="writable"),
            member("status", U8, direction="writable"),
        ),
        struct("fixed", member("a", LE16, direction="readable"), member("b", U8, direction="writable")),
    )
    decode_error, _ = errors(m)
    value = m.Req.from_buffers(b"\x01\0out", b"data\x07")
    assert (value.type, value.dataout, value.datain, value.status) == (1, b"out", b"data", 7)
    assert value.to_buffers() == (b"\x01\0out", b"data\x07")
    assert m.Req.from_bytes(b"\x01\0outdata\x07", datain_size=4) == value
    received = m.Req.from_readable(b"\x01\0out")
    assert (received.dataout, received.datain, received.status) == (b"out", b"", 0)
    assert m.Req.from_writable(b"data\x07", request=received) == value
    assert received.datain == b""
    with pytest.raises(decode_error):
        m.Req.from_buffers(b"\x01", b"data\x07")
    fixed = m.Fixed.from_buffers(b"\x01\0", b"\x02")
    assert (fixed.a, fixed.b) == (1, 2) and fixed.to_buffers() == (b"\x01\0", b"\x02")
    assert m.Fixed.from_readable(b"\x05\0").b == 0
    assert m.Fixed.from_writable(b"\x09", request=fixed) == m.Fixed(a=1, b=9)
    for readable, writable in [(b"\1", b"\2\3"), (b"\1\2\3", b""), (b"\1\2", b"")]:
        with pytest.raises(decode_error):
            m.Fixed.from_buffers(readable, writable)


def test_unions_named_unnamed_and_of_variable_size(load: Load) -> None:
    pair = Aggregate(kind="struct", members=(member("a", LE16), member("b", LE16)))
    m = load(
        struct(
            "u",
            member(
                "named",
                Aggregate(
                    kind="union", members=(member("n", LE32), member("raw4", array(U8, 4)), member("pair", pair))
                ),
            ),
            member("", Aggregate(kind="union", members=(member("first", LE16), member("bytes", array(U8, 2))))),
        ),
        struct(
            "v",
            member("", Aggregate(kind="union", members=(member("size", LE32), member("all", array(LE16, REST))))),
        ),
    )
    _, encode_error = errors(m)
    value = m.U.from_bytes(b"\x01\x02\x03\x04\x05\x06")
    assert value.named.n == 0x04030201 and value.named.pair == m.UNamedPair(a=0x0201, b=0x0403)
    assert value.first == 0x0605 and value.bytes_ == b"\x05\x06"  # a struct's attribute must not hide the type
    value.named.pair = m.UNamedPair(a=1, b=2)
    value.first = 0x1234
    assert bytes(value) == b"\x01\0\x02\0\x34\x12"
    with pytest.raises(encode_error):
        value.named.n = 1 << 32
    with pytest.raises(encode_error, match="4 bytes needed"):
        value.named.raw = b"123"
    value.named = b"abcd"  # bytes will do as well
    assert bytes(value)[:4] == b"abcd"
    assert m.U(named=m.UNamed(n=7)).to_bytes() == b"\x07\0\0\0\0\0"
    assert m.V.from_bytes(b"\x01\0\0\0zz").size == 1


def test_optional_members_follow_negotiated_features(load: Load) -> None:
    either = AnyOf(terms=(Feature(name="F_B"), Feature(name="F_C")))
    m = load(
        struct(
            "hdr",
            member("a", LE16),
            member("b", LE16, condition=Feature(name="F_A"), optional=True),
            member("c", LE32, condition=either, optional=True),
            member("d", U8),
        ),
        struct("config", member("x", LE16, condition=Feature(name="F_A")), member("y", LE16)),
        features=(
            FeatureBit(key="m/f/a", name="F_A", bit=3, module="m"),
            FeatureBit(key="m/f/b", name="F_B", bit=70, module="m", requires=Feature(name="F_A")),
            FeatureBit(key="m/f/c", name="F_C", bit=71, module="common"),
        ),
    )
    assert m.Hdr.from_bytes(b"\1\0\2", features=0) == m.Hdr(a=1, b=None, c=None, d=2)
    assert m.Hdr.from_bytes(b"\1\0\5\0\2", features=["F_A"]).b == 5
    assert m.Hdr.from_bytes(b"\1\0\7\0\0\0\2", features=1 << 71).c == 7
    full = m.Hdr.from_bytes(bytes(9))
    assert (full.b, full.c) == (0, 0)
    assert len(full.to_bytes(features=0)) == 3 and len(full.to_bytes()) == 9
    assert bytes(m.Hdr.from_bytes(b"\1\0\2", features=0)) == b"\1\0\2"
    with pytest.raises(ValueError, match="no feature 'F_X'"):
        m.Hdr.from_bytes(b"", features=["F_X"])
    # a member that is only not valid keeps its place
    assert m.Config.SIZE == 4 and m.Config.from_bytes(b"\1\0\2\0").y == 2
    assert m.FEATURES.mask(["F_A", "F_B"]) == 1 << 3 | 1 << 70
    assert m.FEATURES.names(1 << 3 | 1 << 5 | 1 << 71) == ["F_A", "bit 5", "F_C"]
    assert m.FEATURES.unmet(["F_B"]) == [("F_B", "F_A")] and m.FEATURES.unmet(["F_A", "F_B"]) == []
    assert m.FEATURES.from_words(m.FEATURES.to_words(["F_B"])) == 1 << 70


def test_features_reach_nested_structs(load: Load) -> None:
    m = load(
        struct("in", member("a", LE16), member("b", LE16, condition=Feature(name="F_A"), optional=True)),
        struct(
            "out", member("x", array(U8, FieldRef(path="n"))), member("n", U8), member("nested", StructRef(name="in"))
        ),
        features=(FeatureBit(key="m/f/a", name="F_A", bit=3, module="m"),),
    )
    value = m.Out(x=b"", n=0, nested=m.In(a=1, b=2))
    assert value.to_bytes() == b"\0\1\0\2\0" and value.to_bytes(features=0) == b"\0\1\0"
    assert m.Out.from_bytes(b"\0\1\0", features=0, x_size=0).nested.b is None
    with pytest.raises(TypeError):  # how long `x` is cannot be told from what is behind it
        m.Out.from_bytes(b"\0\1\0", features=0)
    assert m.Out(n=0, nested=m.In(a=1, b=None)).to_bytes() == b"\0\1\0"


def test_rows_of_another_size_are_refused(load: Load) -> None:
    m = load(struct("r", member("n", U8), member("rows", array(array(U8, 4), FieldRef(path="n")))))
    assert m.R(rows=[b"abcd", b"efgh"]).to_bytes() == b"\2abcdefgh"
    for wrong in (b"abc", b"abcde"):
        with pytest.raises(errors(m)[1], match=r"r\.rows\[1\]: 4 bytes needed"):
            m.R(rows=[b"abcd", wrong]).to_bytes()


def test_native_byte_order_is_stated(load: Load) -> None:
    m = load(
        struct("n", member("a", U32), member("b", array(U32, 2))), struct("mixed", member("le", LE32), member("n", U32))
    )
    for order in ("little", "big"):
        data = bytes(range(12))
        value = m.N.from_bytes(data, byteorder=order)
        assert value.a == int.from_bytes(data[:4], order)
        assert value.b == (int.from_bytes(data[4:8], order), int.from_bytes(data[8:], order))
        assert value.to_bytes(byteorder=order) == data
        mixed = m.Mixed.from_bytes(data[:8], byteorder=order)
        assert mixed.le == 0x03020100 and mixed.n == int.from_bytes(data[4:8], order)
        assert mixed.to_bytes(byteorder=order) == data[:8]
    with pytest.raises(errors(m)[1], match=r"n\.a"):
        m.N(a=-1).to_bytes(byteorder="big")


def test_arrays_of_structs_in_native_byte_order(load: Load) -> None:
    n = struct("n", member("a", U32), member("b", U8))
    item = struct("item", member("count", U8), member("words", array(U32, FieldRef(path="count"))))
    m = load(
        n,
        item,
        struct("fixed", member("le", LE32), member("all", array(StructRef(name="n"), 2)), member("end", LE16)),
        struct("open", member("count", LE16), member("all", array(StructRef(name="n"), FieldRef(path="count")))),
        struct("items", member("count", LE16), member("all", array(StructRef(name="item"), FieldRef(path="count")))),
    )
    for order in ("little", "big"):
        data = bytes(range(1, 17))
        fixed = m.Fixed.from_bytes(data, byteorder=order)
        assert (fixed.le, fixed.end) == (0x04030201, 0x100F)
        assert [e.a for e in fixed.all] == [int.from_bytes(data[at : at + 4], order) for at in (4, 9)]
        assert fixed.to_bytes(byteorder=order) == data
        data = b"\2\0" + bytes(range(10))
        value = m.Open.from_bytes(data, byteorder=order)
        assert [e.a for e in value.all] == [int.from_bytes(data[at : at + 4], order) for at in (2, 7)]
        assert value.to_bytes(byteorder=order) == data
        data = b"\2\0" + b"\1\0\1\2\3" + b"\0"
        items = m.Items.from_bytes(data, byteorder=order)
        assert items.all[0].words == [int.from_bytes(b"\0\1\2\3", order)] and items.all[1].words == []
        assert items.to_bytes(byteorder=order) == data
        with pytest.raises(errors(m)[1], match=r"open\.all\[0\]\.a"):
            m.Open(all=[m.N(a=1 << 32)]).to_bytes(byteorder=order)


def test_many_members_are_packed_in_pieces(load: Load) -> None:
    m = load(struct("many", *(member(f"f{i}", LE16 if i % 2 else U8) for i in range(70))))
    data = bytes(range(105))
    value = m.Many.from_bytes(data)
    assert value.to_bytes() == data and (value.f0, value.f69) == (0, 104 << 8 | 103)
    value.f50 = 256
    with pytest.raises(errors(m)[1], match=r"many\.f50: 256 is no unsigned integer of 8 bits"):
        value.to_bytes()


def test_structs_of_other_projects_are_bytes(load: Load) -> None:
    m = load(
        struct("r", member("in", External(name="fuse_in_header")), member("rest", array(U8, REST)), member("s", U8)),
    )
    value = m.R.from_bytes(b"headDATAs", in__size=4)
    assert (value.in_, value.rest, value.s) == (b"head", b"DATA", ord("s"))
    assert bytes(value) == b"headDATAs"


def test_configuration_that_ends_early(load: Load) -> None:
    m = load(
        struct("geo", member("c", LE16), member("h", U8)),
        struct("cfg", member("a", LE32), member("g", StructRef(name="geo")), member("z", LE16)),
    )
    decode_error, encode_error = errors(m)
    with pytest.raises(decode_error):
        m.Cfg.from_bytes(bytes(6))
    short = m.Cfg.from_bytes(b"\1\0\0\0\2\0", allow_short=True)
    assert (short.a, short.g.c, short.g.h, short.z) == (1, 2, None, None)
    assert bytes(short) == b"\1\0\0\0\2\0"
    assert m.Cfg.from_bytes(b"\1\0\0\0", allow_short=True).g is None
    with pytest.raises(decode_error, match="ends inside a field"):
        m.Cfg.from_bytes(b"\1\0\0", allow_short=True)
    with pytest.raises(decode_error, match="too many"):
        m.Cfg.from_bytes(bytes(99), allow_short=True)
    short.z = 3
    with pytest.raises(encode_error, match="absent"):
        bytes(short)


def test_configuration_in_several_byte_orders_may_end_early_too(load: Load) -> None:
    m = load(struct("cfg", member("a", LE16), member("b", BE16), member("name", array(U8, 4))))
    short = m.Cfg.from_bytes(b"\1\0\0\2", allow_short=True)
    assert (short.a, short.b, short.name) == (1, 2, None) and bytes(short) == b"\1\0\0\2"
    assert m.Cfg.from_bytes(b"\1\0\0\2name", allow_short=True).name == b"name"
    decode_error, _ = errors(m)
    for size, message in ((4, "cfg.name: ends too early"), (9, "too many")):
        with pytest.raises(decode_error, match=message):
            m.Cfg.from_bytes(bytes(size))
    with pytest.raises(decode_error, match="ends inside a field"):
        m.Cfg.from_bytes(bytes(3), allow_short=True)


def test_an_error_in_bit_fields_names_what_the_specification_names(load: Load) -> None:
    caps = Bits(container=LE32, fields=(Bit(name="trip", offset=0, width=4),))
    m = load(
        struct("cfg", member("a", LE16), member("caps", caps)), struct("bare", member("a", LE16), member("", caps))
    )
    decode_error, _ = errors(m)
    for cls, path in ((m.Cfg, "cfg.caps"), (m.Bare, "bare")):
        with pytest.raises(decode_error) as caught:
            cls.from_bytes(bytes(4), allow_short=True)
        assert caught.value.path == path


def test_the_length_of_a_member_whose_name_a_class_has(load: Load) -> None:
    """The vectors call it by the member, not by the attribute."""
    m = load(struct("s", member("raw", External(name="s32")), member("class", External(name="s32"))))
    value = m.S.from_bytes(b"abc", raw_size=1, class__size=2)
    assert (value.raw_, value.class_) == (b"a", b"bc")


def test_elements_that_depend_on_features(load: Load) -> None:
    m = load(
        struct(
            "sample",
            member("place", LE16),
            member("stamp", LE32, optional=True, condition=Feature(name="F_STAMP")),
            member("n", U8),
            member("past", array(BE16, FieldRef(path="n"))),
        ),
        struct("report", member("n", LE16), member("samples", array(StructRef(name="sample"), FieldRef(path="n")))),
        features=(FeatureBit(key="m/feature/F_STAMP", name="F_STAMP", bit=3, module="m"),),
    )
    plain = b"\2\0" + b"\1\0\1\0\7" + b"\2\0\0"
    stamped = b"\1\0" + b"\1\0\4\3\2\1\1\0\7"
    report = m.Report.from_bytes(plain, features=0)
    assert [(s.place, s.stamp, s.past) for s in report.samples] == [(1, None, [7]), (2, None, [])]
    assert report.to_bytes(features=0) == bytes(report) == plain
    report = m.Report.from_bytes(stamped, features=1 << 3)
    assert report.samples[0].stamp == 0x01020304 and report.to_bytes(features=1 << 3) == stamped
    made = m.Report(samples=[m.Sample(place=1, stamp=5, past=[7])])
    assert made.n == 1 and made.to_bytes(features=0) == b"\1\0" + b"\1\0\1\0\7"
    decode_error, encode_error = errors(m)
    with pytest.raises(decode_error, match=r"report\.samples\[1\]\.n: ends too early"):
        m.Report.from_bytes(plain[:-1], features=0)
    made.samples[0].past = [-1]
    with pytest.raises(encode_error, match=r"report\.samples\[0\]\.past\[0\]: -1 is no unsigned integer"):
        made.to_bytes(features=0)


def test_rows_of_integers_are_counted(load: Load) -> None:
    m = load(struct("s", member("n", U8), member("rows", array(array(LE32, 2), FieldRef(path="n"))), member("end", U8)))
    value = m.S.from_bytes(b"\1" + bytes(range(8)) + b"e")
    assert value.rows == [(0x03020100, 0x07060504)] and bytes(value) == b"\1" + bytes(range(8)) + b"e"
    decode_error, encode_error = errors(m)
    with pytest.raises(decode_error, match=r"s\.rows: ends too early"):
        m.S.from_bytes(b"\2" + bytes(9))
    for rows, path in (
        ([(1,)], "s.rows[0]"),
        ([(1, 2, 3)], "s.rows[0]"),
        ([(1, 1 << 32)], "s.rows[0][1]"),
        ([(1, "2")], "s.rows[0][1]"),
        ([iter((1, 2))], "s.rows[0]"),
        ([b"12"], "s.rows[0]"),
        (iter([(1, 2)]), "s.rows"),
    ):
        value.rows = rows
        with pytest.raises(encode_error) as error:
            value.to_bytes()
        assert error.value.path == path


def test_rows_of_everything(load: Load) -> None:
    pair = struct("pair", member("x", U8), member("y", LE16))
    row = array(array(StructRef(name="pair"), 2), 2)
    order = array(array(U32, 3), 2)
    m = load(
        pair,
        struct("fixed", member("t", row), member("u", order)),
        struct("deep", member("n", U8), member("t", array(array(array(U8, 4), 2), FieldRef(path="n")))),
        struct("outer", member("a", LE16), member("f", StructRef(name="fixed"))),
        struct("choice", member("u", Aggregate(kind="union", members=(member("r", array(array(LE16, 2), 2)),)))),
    )
    value = m.Fixed()
    assert value.u == ((0,) * 3,) * 2 and [len(r) for r in value.t] == [2, 2] and value.SIZE == 36
    value.t[1][0].y, value.u = 7, ((1, 2, 3), (4, 5, 6))
    data = value.to_bytes(byteorder="big")
    assert m.Fixed.from_bytes(data, byteorder="big") == value and data[12:16] == bytes((0, 0, 0, 1)) and data[7] == 7
    assert m.Outer.from_bytes(b"\1\0" + data, byteorder="big").f == value
    deep = m.Deep(t=[(b"abcd", b"efgh")])
    assert bytes(deep) == b"\1abcdefgh" and m.Deep.from_bytes(bytes(deep)) == deep
    choice = m.Choice()
    choice.u.r = ((1, 2), (3, 4))
    assert bytes(choice) == bytes((1, 0, 2, 0, 3, 0, 4, 0)) and choice.u.r == ((1, 2), (3, 4))
    for wrong, path in ((((1, 2),), ""), (((1, 2), (3, "4")), "[1][1]"), (5, "")):
        with pytest.raises(errors(m)[1]) as error:
            choice.u.r = wrong
        assert error.value.path == f"choice.u.r{path}"


def test_rows_have_types(load: Load, tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    pair = array(StructRef(name="pair"), 2)
    arms = (member("r", array(array(LE16, 2), 2)), member("s", pair))
    load(
        struct("pair", member("x", U8)),
        struct("fixed", member("t", array(pair, 2)), member("u", Aggregate(kind="union", members=arms))),
        struct("deep", member("n", U8), member("t", array(array(LE16, 2), Expression(text="n + 1")))),
    )
    user = tmp_path / "python" / "user.py"
    user.write_text(
        "from virtwire.m import Deep, Fixed\n"
        "reveal_type(Fixed().t)\nreveal_type(Fixed().u.r)\nreveal_type(Fixed().u.s)\nreveal_type(Deep().t)\n"
    )
    out, err, _ = api.run(
        [f"--config-file={os.devnull}", f"--cache-dir={tmp_path}", "--follow-imports=silent", str(user)]
    )
    assert re.findall(r'Revealed type is "(.*)"', out.replace("virtwire.m.", "").replace("builtins.", "")) == [
        "tuple[tuple[Pair, ...], ...]",
        "tuple[tuple[int, ...], ...]",
        "tuple[Pair, ...]",
        "list[tuple[int, ...]]",
    ], (
        out + err
    )


def test_an_error_in_an_arm_names_the_union(load: Load) -> None:
    pair = struct("pair", member("x", U8), member("y", LE16))
    arms = (member("p", StructRef(name="pair")), member("s", array(StructRef(name="pair"), 2)))
    m = load(pair, struct("choice", member("u", Aggregate(kind="union", members=arms))))
    choice, wrong = m.Choice(), m.Pair(x=300)
    for arm, value, path in (("p", wrong, "p.x"), ("s", (m.Pair(), wrong), "s[1].x"), ("s", (m.Pair(), 1), "s[1]")):
        with pytest.raises(errors(m)[1]) as error:
            setattr(choice.u, arm, value)
        assert error.value.path == f"choice.u.{path}"


def test_pieces_are_a_sequence(load: Load) -> None:
    m = load(struct("s", member("n", U8), member("t", array(array(U8, 2), FieldRef(path="n")))))
    for wrong in ({1: b"ab"}, {b"a": 1}, iter([b"ab"]), 5, "a"):
        value = m.S(n=1)
        value.t = wrong
        with pytest.raises(errors(m)[1], match=r"^s\.t"):
            value.to_bytes()


def test_a_length_with_a_negative_difference_is_told(load: Load) -> None:
    m = load(struct("s", member("n", U8), member("t", array(U8, Expression(text="(n - 2) * 2")))))
    decode_error, encode_error = errors(m)
    with pytest.raises(decode_error, match=r"^s\.t: no room for it at offset 1"):
        m.S.from_bytes(b"\1abc")
    with pytest.raises(encode_error, match=r"^s\.t: has 0 elements, but \(n - 2\) \* 2 is no length$"):
        m.S(n=1).to_bytes()


def test_a_number_of_elements_that_is_none(load: Load) -> None:
    m = load(struct("s", member("n", U8), member("t", array(U8, FieldRef(path="n")))))
    with pytest.raises(errors(m)[1], match=r"^s\.n: 'x' is no unsigned integer of 8 bits$"):
        m.S(n="x", t=b"a").to_bytes()


@pytest.mark.parametrize(
    "buffer",
    [(ctypes.c_ubyte * 8)(), ctypes.create_string_buffer(8), bytes_of("b", bytes(8)), bytes_of("H", bytes(8))],
    ids=["c_ubyte", "c_char", "signed", "words"],
)
def test_views_write_into_any_buffer_of_bytes(load: Load, buffer: Any) -> None:
    m = load(struct("s", member("a", LE16), member("b", array(U8, 4))))
    view = m.SView(buffer, 1)
    view.a, view.b = 0x0201, b"abcd"
    assert (view.a, view.b, bytes(memoryview(buffer).cast("B"))) == (0x0201, b"abcd", b"\0\1\2abcd\0")
    assert m.S.unpack_from(buffer, 1) == m.S(a=0x0201, b=b"abcd")


def test_what_fills_up_a_word(load: Load) -> None:
    m = load(struct("s", member("n", U8), member("t", array(U8, Expression(text="(4 - n) % 4"))), member("end", U8)))
    for n in range(10):
        data = bytes((n, *range(-n % 4), 9))
        value = m.S.from_bytes(data)
        assert (len(value.t), value.end, bytes(value)) == (-n % 4, 9, data)


def test_a_union_by_itself(load: Load) -> None:
    m = load(struct("u", member("a", LE32), member("b", array(U8, 9)), kind="union"), struct("s", member("a", U8)))
    assert m.U.from_bytes(b"\1" + bytes(8)).a == 1
    for size in (0, 8, 10):
        with pytest.raises(errors(m)[0], match=r"^u: ends too (early|late) at offset"):
            m.U.from_bytes(bytes(size))


def test_what_is_left_to_a_struct_inside_ends_where_the_next_part_begins(load: Load) -> None:
    m = load(
        struct("inner", member("kind", U8), member("data", array(LE16, REST))),
        struct(
            "outer",
            member("inner", StructRef(name="inner"), direction="readable"),
            member("end", U8, direction="readable"),
            member("room", array(U8, REST), direction="writable"),
            member("status", U8, direction="writable"),
        ),
    )
    parts = b"\1\2\0\3\0e", b"roomS"
    value = m.Outer.from_buffers(*parts)
    assert (value.inner.data, value.end, value.room, value.status) == ([2, 3], ord("e"), b"room", ord("S"))
    assert value.to_buffers() == parts and m.Outer.from_readable(parts[0]).inner == value.inner
    assert m.Outer.from_bytes(b"".join(parts), room_size=4) == value
    assert m.Outer.from_bytes(b"".join(parts), inner_data_count=2) == value
    with pytest.raises(TypeError, match="give inner_data_count or room_size, or both buffers"):
        m.Outer.from_bytes(b"".join(parts))
    with pytest.raises(errors(m)[0], match="outer: 1 byte too many"):
        m.Outer.from_buffers(parts[0] + b"x", parts[1])


@pytest.mark.parametrize("element", [External(name="page"), array(U8, REST)])
def test_a_number_of_unknown_elements_is_no_number_of_bytes(load: Load, element: Type) -> None:
    m = load(struct("s", member("n", U8), member("pages", array(element, FieldRef(path="n"))), member("end", U8)))
    value = m.S.from_bytes(b"\2" + bytes(16) + b"e")
    assert (value.n, value.pages, value.end) == (2, bytes(16), ord("e"))
    assert bytes(value) == b"\2" + bytes(16) + b"e"
    assert m.S.unpack_from(b"\2" + bytes(17), pages_size=3).pages == bytes(3)
    assert bytes(m.S(n=1, pages=b"1234", end=5)) == b"\0011234\5"


def test_views_read_and_write_in_place(load: Load) -> None:
    m = load(
        struct("in", member("a", LE16), member("", Bits(container=U8, fields=(Bit(name="b", offset=2, width=3),)))),
        struct(
            "out",
            member("x", LE32),
            member("n", StructRef(name="in")),
            member("mac", array(U8, 3)),
            member("words", array(LE16, 2)),
            member("list", array(StructRef(name="in"), 2)),
            member("tail", array(U8, REST)),
        ),
    )
    decode_error, encode_error = errors(m)
    buffer = bytearray(2 + 20)
    view = m.OutView(buffer, 2)
    view.x, view.n.a, view.n.b, view.mac, view.words = 1, 2, 5, b"abc", (3, 4)
    view.list_[1].a = 9
    assert bytes(buffer) == b"\0\0\1\0\0\0\2\0\x14abc\3\0\4\0\0\0\0\x09\0\0"[: len(buffer)].ljust(22, b"\0")
    assert (view.x, view.n.b, view.mac, view.words, view.list_[-1].a, len(view.list_)) == (1, 5, b"abc", (3, 4), 9, 2)
    view.n = m.In(a=7, b=1)
    assert view.n.a == 7 and m.InView(buffer, 6) == view.n
    for wrong in (-1, 1 << 32, "x"):
        with pytest.raises(encode_error):
            view.x = wrong
    with pytest.raises(encode_error):
        view.n.b = 8
    with pytest.raises(encode_error):
        view.mac = b"abcd"
    with pytest.raises(decode_error, match="negative"):
        m.OutView(buffer, -1)
    with pytest.raises(decode_error) as caught:
        m.OutView(buffer, 20).x  # noqa: B018
    assert (caught.value.needed, caught.value.available) == (4, 2)
    with pytest.raises(decode_error):
        m.OutView(buffer, 20).x = 1
    assert bytes(buffer)[20:] == b"\0\0"


def test_records_and_containers_are_found_and_typed(load: Load) -> None:
    registry = Registry(
        key="m/registry/types",
        name="types",
        tag="type",
        module="m",
        entries=(
            Entry(code=1, name="T_ONE", bindings=(Binding(role="value", struct="one"),)),
            Entry(code=2, name="T_STATUS", bindings=(Binding(role="value", struct="one.b"),)),
        ),
        ranges=(Range(first=3, last=None, meaning="reserved"),),
    )
    m = load(
        struct("one", member("vq_index", LE16), member("b", U8)),
        struct(
            "tlv",
            member("type", LE16),
            member("reserved", LE16),
            member("length", LE32),
            member("value", array(U8, FieldRef(path="length"))),
        ),
        struct("all", member("n", LE32), member("tlvs", array(StructRef(name="tlv"), FieldRef(path="n")))),
        registries=(registry,),
    )
    decode_error, _ = errors(m)
    one = m.One(vq_index=7, b=3)
    value = m.All(tlvs=[m.Tlv.of(one), m.Tlv(type=9, value=b"?"), m.Tlv(type=2, value=b"\x05"), m.Tlv.of(one)])
    again = m.All.from_bytes(bytes(value))
    assert again == value and [t.typed() for t in again.tlvs] == [one, b"?", 5, one]
    assert [t.type_name() for t in again.tlvs] == ["T_ONE", "reserved", "T_STATUS", "T_ONE"]
    again.tlvs[0].reserved = 1
    assert [(v.path, v.message) for v in again.validate()] == [
        ("all.tlvs[0].reserved", "is reserved, and not zero"),
        ("all.tlvs[1].type", "type 0x9 is reserved"),
        ("all.tlvs[3].value.vq_index", "T_ONE for virtqueue 7 stands in [0] already"),
    ]
    assert [r.code for r in m.All.iter_records(bytes(value))] == [1, 9, 2, 1]
    with pytest.raises(decode_error) as caught:
        m.Tlv(type=1, value=b"\1").typed()
    assert caught.value.path == "tlv.value.vq_index"


def test_one_name_with_two_values_keeps_both(load: Load) -> None:
    m = load(
        constants=(
            constant("F_X", 5, kind="feature"),
            constant("F_X", 7, owner="offloads", key="m/const/F_X#2"),
            constant("TWICE", 1, owner="a"),
            constant("TWICE", 2, owner="b", key="m/const/TWICE#2"),
            constant("SAME", 3),
            constant("SAME", 3, owner="again", key="m/const/SAME#2"),
            constant("BIG", 1 << 40),
            constant("UNKNOWN", None, reason="is not defined"),
            constant("OP", None, parameters=("service", "op"), expression="(service << 8) | op"),
        )
    )
    assert (m.F_X, m.F_X__OFFLOADS, m.TWICE__A, m.TWICE__B, m.SAME, m.BIG) == (5, 7, 1, 2, 3, 1 << 40)
    assert not hasattr(m, "TWICE") and not hasattr(m, "UNKNOWN")
    assert m.OP(2, 3) == 0x203
    assert ("m/const/UNKNOWN", "is not defined") in load.not_rendered  # type: ignore[attr-defined]


HOSTILE = [
    "2d",
    "_",
    'x"""; import os',
    "__import__('os')",
    "a\nb",
    "x]",
    "}",
    "self",
    "cls",
    "None",
    "__class__",
    "__slots__",
    "len",
    "from_bytes",
    "SIZE",
    "lambda",
    "é",
]


def test_hostile_names_stay_data(load: Load) -> None:
    """Whatever a name holds, the module can be imported, and does what it does for other names."""
    structs = [
        struct(name, member(field, LE16), member(field + "2", array(U8, 2)), key=f"m/struct/{i}")
        for i, (name, field) in enumerate(zip(HOSTILE, reversed(HOSTILE), strict=True))
    ]
    m = load(
        *structs,
        constants=tuple(constant(name, i, key=f"m/const/{i}", owner=name) for i, name in enumerate(HOSTILE)),
        registries=(
            Registry(key='m/registry/"""', name='"""', tag="'''", module="m", entries=(Entry(code=1, name='"\\\n"'),)),
        ),
    )
    classes = [
        c for c in vars(m).values() if isinstance(c, type) and c.__module__ == m.__name__ and hasattr(c, "LAYOUT")
    ]
    assert len(classes) == len(HOSTILE)
    for cls in classes:
        value = cls.from_bytes(b"\1\2\3\4")
        assert bytes(value) == b"\1\2\3\4" and cls.SIZE == 4


def test_hostile_lengths_stay_data(load: Load) -> None:
    texts = ["__import__('os').system('x')", "1 << a", "a / 0", "a if a else b", "(" * 500, "a; b", "0x", "9" * 500]
    m = load(
        *[
            struct(f"s{i}", member("a", LE32), member("data", array(U8, Expression(text=text))))
            for i, text in enumerate(texts)
        ]
    )
    for i in range(len(texts)):
        cls = getattr(m, f"S{i}")
        assert cls.from_bytes(b"\1\0\0\0xyz").data in (b"xyz", b"") or cls.LAYOUT
        assert bytes(cls.from_bytes(b"\0\0\0\0")) == b"\0\0\0\0"


def test_an_array_of_enormous_length_costs_nothing_until_it_is_made(load: Load) -> None:
    m = load(
        struct(
            "huge",
            member("a", array(U8, 1 << 30)),
            member("b", array(LE16, 1 << 28)),
            member("c", array(array(U8, 4), 1 << 27)),
        ),
        struct(
            "big",
            member("a", array(U8, 1 << 17)),
            member("b", array(LE16, 1 << 16)),
            member("c", array(array(U8, 4), 1 << 15)),
        ),
    )
    assert m.Huge.SIZE == (1 << 30) + (1 << 29) + (1 << 29)
    with pytest.raises(errors(m)[0], match=r"huge\.a"):
        m.Huge.from_bytes(b"abc")
    assert m.Big.from_bytes(bytes(m.Big())) == m.Big()


def test_the_same_model_renders_to_the_same_bytes() -> None:
    spec = Spec(edition="1", structs=(struct("a", member("x", LE16)),), constants=(constant("C", 1),))
    assert render_python(spec, Layouts(spec)).files == render_python(spec, Layouts(spec)).files


def test_a_negative_number_of_structs_of_variable_size(load: Load) -> None:
    m = load(
        struct("v", member("n", U8), member("data", array(U8, FieldRef(path="n")))),
        struct("s", member("n", U8), member("items", array(StructRef(name="v"), Expression(text="n - 2")))),
    )
    assert m.S.from_bytes(b"\3\1\7").items == [m.V(data=b"\7")]
    with pytest.raises(sys.modules["virtwire"].DecodeError, match="no room for it at offset 1"):
        m.S.from_bytes(b"\1")


def test_packing_in_place_takes_the_byte_order(load: Load) -> None:
    m = load(struct("s", member("n", U32)))
    buffer = bytearray(4)
    assert m.S(n=1).pack_into(buffer, byteorder="big") == 4
    assert buffer == b"\0\0\0\1"
