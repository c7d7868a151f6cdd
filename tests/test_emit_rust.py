"""The Rust emitter on small hand-built models: what it decides, and that whatever a name holds stays a name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from virtspec.emit.engine import ruststring
from virtspec.emit.rust import render_rust
from virtspec.emit.rust.lines import statement, use
from virtspec.emit.rust.names import Scope, constant_name, module_name
from virtspec.layout import Layouts
from virtspec.model import (
    DEVICE_CONFIG,
    Aggregate,
    AllOf,
    Array,
    Binding,
    Bit,
    Bits,
    ConfigRef,
    Constant,
    Count,
    Device,
    Entry,
    Expression,
    External,
    ExternalLength,
    Feature,
    FeatureBit,
    FieldIs,
    FieldRef,
    Integer,
    Length,
    Member,
    Not,
    Place,
    Range,
    Registry,
    Rest,
    Spec,
    Struct,
    StructRef,
    Type,
)
from virtspec.names import rust_field, rust_module, rust_type

U8 = Integer(bits=8, order="little", spelling="u8")
LE16 = Integer(bits=16, order="little", spelling="le16")
LE32 = Integer(bits=32, order="little", spelling="le32")
LE64 = Integer(bits=64, order="little", spelling="le64")
BE32 = Integer(bits=32, order="big", spelling="be32")
U16 = Integer(bits=16, order="native", spelling="u16")
REST = Rest()
EVENT = Feature(name="VIRTIO_M_F_EVENT")


def member(name: str, type_: Type, **more: Any) -> Member:
    return Member(name=name, type=type_, **more)


def array(element: Type, length: Length | int) -> Array:
    return Array(element=element, length=Count(value=length) if isinstance(length, int) else length)


def struct(name: str, *members: Member, **more: Any) -> Struct:
    values: dict[str, Any] = {"key": f"m/struct/{name}", "kind": "struct", "module": "m", **more}
    return Struct(name=name, members=members, **values)


def constant(name: str, value: int | None, **more: Any) -> Constant:
    values: dict[str, Any] = {"key": f"m/const/{name}", "kind": "define", "module": "m", **more}
    return Constant(name=name, value=value, **values)


def model(*structs: Struct, **more: Any) -> Spec:
    values: dict[str, Any] = {
        "constants": (),
        "features": (FeatureBit(key="m/feature/VIRTIO_M_F_EVENT", name="VIRTIO_M_F_EVENT", bit=40, module="m"),),
        **more,
    }
    return Spec(edition="test", structs=structs, **values)


def rendered(*structs: Struct, **more: Any) -> dict[str, str]:
    spec = model(*structs, **more)
    return render_rust(spec, Layouts(spec)).files


def module(*structs: Struct, **more: Any) -> str:
    return rendered(*structs, **more)["rust/src/m.rs"]


# --- names and lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("mtu", "mtu"),
        ("type", "type_"),
        ("Self", "self_"),
        ("command-specific-data", "command_specific_data"),
        ("_", "__"),
    ],
)
def test_fields_keep_their_names(name: str, field: str) -> None:
    assert rust_field(name) == field


def test_types_modules_and_constants() -> None:
    assert (rust_type("virtio_net_config"), rust_type("_9"), rust_type("2d")) == (
        "VirtioNetConfig",
        "Struct9",
        "Struct2d",
    )
    assert (rust_module("9p"), rust_module("mod"), module_name("core"), module_name("net")) == (
        "9p",
        "mod_",
        "core_",
        "net",
    )
    named = [constant(name, 1) for name in ("VIRTIO_NET_HASH_TYPE_IPv4", "MagicValue", "x y", "9")]
    assert [constant_name(c) for c in named] == ["VIRTIO_NET_HASH_TYPE_IPv4", "MAGIC_VALUE", "X_Y", "N9"]


def test_a_scope_gives_no_name_twice() -> None:
    scope = Scope(frozenset({"a"}))
    assert [scope.claim("a"), scope.claim("a"), scope.claim("a_2")] == ["a_2", "a_3", "a_2_2"]
    assert [scope.claim_type("A"), scope.claim_type("A")] == ["A", "A2"]
    assert [scope.claim_accessors("b"), scope.claim_accessors("b")] == [("b", "set_b"), ("b_2", "set_b_2")]


def test_lines_break_as_rustfmt_breaks_them() -> None:
    assert statement("let a =", "b") == ("let a = b;",)
    assert statement("let a =", "b" * 85) == ("let a =", f"    {'b' * 85};")
    terms = " || ".join("c" * 40 for _ in range(3))
    assert statement("let a =", terms) == (f"let a = {'c' * 40}", f"    || {'c' * 40}", f"    || {'c' * 40};")
    assert use("crate::message", ["self"]) == ["use crate::message;"]
    assert use("crate", ["A"]) == ["use crate::A;"]
    assert max(map(len, use("crate", [f"Name{i}" for i in range(60)]))) <= 100


def test_strings_are_strings() -> None:
    assert ruststring('a"b\\c\n\u202e') == '"a\\u{22}b\\u{5c}c\\u{a}\\u{202e}"'


# --- decisions --------------------------------------------------------------------------------------------


def test_output_is_the_same_every_time() -> None:
    structs = (struct("a", member("x", LE16)), struct("b", member("data", array(U8, REST))))
    assert rendered(*structs) == rendered(*structs)


def test_a_struct_of_fixed_size_is_a_value_and_another_one_a_message() -> None:
    text = module(
        struct("point", member("x", LE16), member("y", BE32), place=Place("p.tex", 3)),
        struct("path", member("points", array(StructRef(name="point"), REST))),
    )
    assert "    /// `struct point`, 6 bytes (`p.tex:3`).\n    pub struct Point = " in text
    assert '        pub y "y": Be32 = 2,\n' in text
    assert "pub struct Path<'a> {\n    /// `struct point points[]`.\n    pub points: List<'a, Point>,\n}" in text


def test_constants_have_the_type_of_the_member_they_are_for() -> None:
    registry = Registry(
        key="m/registry/op", name="ops", tag="op", module="m", fields=("req.op",), entries=(Entry(code=7, name="OP_A"),)
    )
    text = module(
        struct("req", member("op", LE16)),
        constants=(
            constant("OP_A", 7),
            constant("A_B", 1 << 31, expression="1 << 31"),
            constant("A_C", 1 << 40, expression="0x10000000000"),
            constant("A_D", -1),
            constant("VIRTIO_M_F_EVENT", 40, kind="feature"),
        ),
        registries=(registry,),
    )
    for line in (
        "OP_A: u16 = 7;",
        "A_B: u32 = 1 << 31;",
        "A_C: u64 = 0x10000000000;",
        "A_D: i32 = -1;",
        "VIRTIO_M_F_EVENT: u32 = 40;",
    ):
        assert f"pub const {line}\n" in text


def test_one_name_with_two_values() -> None:
    text = module(constants=(constant("A_B", 1), constant("A_B", 2, key="m/const/2", owner="other")))
    assert "A_B: u32 = 1;" in text and "has another value elsewhere.\npub const A_B_OTHER: u32 = 2;" in text


def test_what_is_not_rendered_is_told() -> None:
    spec = model(
        struct("inner", member("data", array(U8, REST))),
        struct("outer", member("items", array(StructRef(name="inner"), REST))),
        struct("odd", member("a", LE16, optional=True, condition=FieldIs(path="x", value="1"))),
        struct("bits", member("b", Bits(container=U16, fields=(Bit(name="one", offset=0, width=1),)))),
        constants=(constant("A_B", None, reason="nobody knows"), constant("A_C", 1 << 64)),
        features=(FeatureBit(key="m/feature/VIRTIO_F_FAR", name="VIRTIO_F_FAR", bit=128, module="m"),),
    )
    told = dict(render_rust(spec, Layouts(spec)).not_rendered)
    assert told["m/struct/outer/items"] == "its elements do not tell their own size: kept as bytes"
    assert "taken for always" in told["m/struct/odd/a"]
    assert told["m/struct/bits/b"].startswith("bit-fields of an integer whose order")
    assert told["m/feature/VIRTIO_F_FAR"].startswith("bit 128")
    assert told["m/const/A_B"] == "nobody knows" and "64 bits" in told["m/const/A_C"]


def test_a_request_has_two_halves() -> None:
    text = module(
        struct(
            "request",
            member("a", LE16, direction="readable"),
            member("b", array(U8, FieldRef(path="a"))),
            member("c", array(U8, FieldRef(path="a")), direction="writable"),
        )
    )
    assert "/// What the device reads of `struct request`, of variable size.\n" in text
    assert "pub struct RequestReadable<'a> {" in text and "pub struct RequestWritable<'a> {" in text
    # the other half states its length
    assert "pub struct RequestWritableContext {\n    /// The bytes of `c`; `None`" in text


def test_a_model_without_the_examples_has_none() -> None:
    files = rendered(struct("a", member("x", LE16)))
    assert "rust/tests/messages.rs" not in files and "```" not in files["rust/README.md"]


# --- compiled ---------------------------------------------------------------------------------------------

Ask = Callable[[str], str]

HOSTILE = [
    "a b",
    'a"b',
    "a\\",
    "a`] fn main() {} //",
    "a\n*/ }",
    "a{{ 7 * 7 }}",
    "type",
    "self",
    "Self",
    "crate",
    "fn",
    "_",
    "__",
    "9",
    "u8",
    "Le16",
    "Option",
    "Vec",
    "core",
    "message",
    "input",
    "output",
    "context",
    "features",
    "size",
    "from_bytes",
    "write_to",
    "typed",
    "SIZE",
    "NAME",
    "$crate",
    "r#fn",
    "'a",
    "<script>",
    "é",
    "\u202e",
    "",
]


def hostile() -> Spec:
    """Every hostile name in every place where a name can stand."""
    structs = []
    for i, name in enumerate(HOSTILE):
        bits = Bits(container=LE16, fields=(Bit(name=name, offset=0, width=1), Bit(name=name, offset=1, width=15)))
        arms = Aggregate(kind="union", members=(member(name, LE16), member(name, array(U8, 4))))
        structs += [
            struct(
                name,
                member(name, LE16),
                member(f"{name}2", array(U8, 2)),
                member(name, bits),
                member("", bits),
                member("", arms),
                key=f"m/struct/f{i}",
                place=Place(name, 1),
            ),
            struct(
                f"{name}_message",
                member(name, LE16),
                member("e", LE16, optional=True, condition=EVENT),
                member(f"{name}_", array(LE16, FieldRef(path=name))),
                member(f"{name}3", array(U8, ExternalLength(name=name))),
                member(f"{name}4", array(LE32, Expression(text=name))),
                member(f"{name}5", External(name=name)),
                key=f"m/struct/m{i}",
            ),
            struct(
                f"{name}_record",
                member("type", LE16),
                member("length", U8),
                member(f"{name}6", StructRef(name="selector")),
                member(f"{name}7", array(U8, FieldRef(path="length"))),
                key=f"m/struct/r{i}",
            ),
            struct(
                f"{name}_list", member(f"{name}8", array(StructRef(name=f"{name}_record"), REST)), key=f"m/struct/l{i}"
            ),
        ]
    selector = Aggregate(kind="union", members=tuple(member(name, StructRef(name="place")) for name in HOSTILE))
    structs += [struct("place", member("at", LE16)), struct("selector", member("type", selector))]
    return model(
        *structs,
        constants=tuple(
            constant(name, i, key=f"m/const/{i}", owner=name, expression=name) for i, name in enumerate(HOSTILE)
        )
        + tuple(
            constant(name, None, key=f"m/const/p{i}", parameters=("a",), expression=name)
            for i, name in enumerate(HOSTILE)
        ),
        features=tuple(
            FeatureBit(key=f"m/feature/{i}", name=name, bit=i, module="m", requires=Feature(name=name))
            for i, name in enumerate(["VIRTIO_M_F_EVENT", *HOSTILE])
        ),
        registries=tuple(
            Registry(
                key=f"m/registry/{name}",
                name=name,
                tag=name,
                module="m",
                entries=(Entry(code=1, name=name, bindings=(Binding(role="value", struct=name),)),),
                ranges=(Range(first=2, last=None, meaning="reserved"),),
                fields=(f"{name}.{name}",),
                bits=(f"{name}.{name}2",),
            )
            for name in HOSTILE
        )
        + tuple(
            Registry(
                key=f"m/registry/{name}_records",
                name=name,
                tag="type",
                module="m",
                fields=(f"{name}_record.type",),
                entries=tuple(
                    Entry(code=code, name=f"{name}{code}", bindings=(Binding(role="value", struct=bound),))
                    for code, bound in enumerate(
                        (name, "place.at", f"place@{name}6.type.{name}.at", DEVICE_CONFIG, DEVICE_CONFIG), 1
                    )
                ),
                ascending=True,
            )
            for name in HOSTILE
        ),
        devices=tuple(Device(module=name, title=name, id=i, config=name) for i, name in enumerate(HOSTILE)),
    )


def odd() -> Spec:
    """Forms that the standard does not have, or once only."""
    directions: dict[str, Any] = {"direction": "readable"}
    ring = struct("ring", member("items", array(LE16, ExternalLength(name="Queue Size"))), member("end", LE16))
    record = struct("record", member("length", U8), member("value", array(U8, FieldRef(path="length"))))
    bits = Bits(container=LE16, fields=(Bit(name="low", offset=0, width=4), Bit(name="count", offset=4, width=12)))
    return model(
        ring,
        record,
        struct("by_bits", member("", bits), member("data", array(U8, FieldRef(path="count")))),
        struct("by_named_bits", member("b", bits), member("data", array(LE16, FieldRef(path="b.low")))),
        struct("difference", member("n", U8), member("data", array(U8, Expression(text="(n - 4) * 2 + sizeof(pair)")))),
        struct("filled", member("n", U8), member("data", array(U8, Expression(text="(4 - n) % 4 + (n | 1) % 2 - 1")))),
        struct("pair", member("x", U8), member("y", U8)),
        struct("two_rings", member("a", StructRef(name="ring")), member("b", StructRef(name="ring"))),
        struct("ring_first", member("ring", StructRef(name="ring")), member("tail", LE32)),
        struct(
            "optional_rest",
            member("e", LE16, optional=True, condition=EVENT),
            member("data", array(U8, REST), optional=True, condition=EVENT),
            member("n", array(U8, ConfigRef(struct="config", path="n_size")), optional=True, condition=Not(term=EVENT)),
            member("end", U8),
        ),
        struct(
            "both", member("a", U8, optional=True, condition=AllOf(terms=(EVENT, Not(term=EVENT)))), member("b", U8)
        ),
        struct("list", member("count", U8), member("records", array(StructRef(name="record"), FieldRef(path="count")))),
        struct("lists", member("first", array(StructRef(name="record"), REST)), member("end", LE16)),
        struct(
            "variable_union",
            member("kind", U8),
            member(
                "",
                Aggregate(
                    kind="union",
                    members=(
                        member("pair", StructRef(name="pair")),
                        member("record", StructRef(name="record")),
                        member("raw", array(U8, REST)),
                    ),
                ),
            ),
        ),
        struct("pairs", member("rows", array(array(StructRef(name="pair"), 2), 2))),
        struct("long", member("a", array(LE64, 40)), member("b", array(U8, REST))),
        struct("nothing"),
        struct(
            "halves",
            member("a", LE16, **directions),
            member("b", array(U8, REST)),
            member("c", U8, direction="writable"),
        ),
        struct("guest", member("a", U16), member("b", array(U16, 2))),
        struct(
            "sample",
            member("stamp", LE16, optional=True, condition=EVENT),
            member("n", U8),
            member("data", array(U8, FieldRef(path="n"))),
        ),
        struct(
            "samples", member("count", U8), member("items", array(StructRef(name="sample"), FieldRef(path="count")))
        ),
        struct(
            "survey",
            member("given", U8),
            member("inner", StructRef(name="samples")),
            member("more", array(StructRef(name="sample"), REST)),
            member("end", LE16),
        ),
        struct("guest_record", member("n", U16), member("data", array(U8, FieldRef(path="n")))),
        struct("guest_records", member("items", array(StructRef(name="guest_record"), REST))),
        struct(
            "featured_union",
            member(
                "",
                Aggregate(
                    kind="union",
                    members=(member("pair", StructRef(name="pair")), member("sample", StructRef(name="sample"))),
                ),
            ),
        ),
    )


def build(spec: Spec, directory: Path) -> Path:
    """Compile a crate, its testee included."""
    if shutil.which("cargo") is None:
        pytest.skip("no cargo; install cargo and rustc")
    for path, text in render_rust(spec, Layouts(spec)).files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    command = [
        "cargo",
        "build",
        "--offline",
        "--quiet",
        "--example",
        "testee",
        "--target-dir",
        str(directory / "target"),
    ]
    environment = {**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    built = subprocess.run(
        command, cwd=directory / "rust", env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr[-8000:]
    return directory / "target" / "debug" / "examples" / "testee"


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The testee of the odd forms."""
    program = build(odd(), tmp_path_factory.mktemp("odd"))

    def answer(line: str) -> str:
        done = subprocess.run([str(program)], input=f"{line}\n", capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return answer


@pytest.mark.xdist_group("cargo")
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("decode by_bits 2300ffff", "ok data=ffff low=3 count=2"),
        (
            "decode by_bits 3300ffff",
            "error malformed by_bits.data: ends too early at offset 2: 3 bytes needed, 2 available",
        ),
        ("encode by_bits low=3 count=2 data=ffff", "ok 2300ffff"),
        ("encode by_bits low=16", "error invalid a value does not fit"),
        ("decode by_named_bits 01000200", "ok data[0]=2 b.low=1 b.count=0"),
        ("decode difference 05aabbccdd", "ok n=5 data=aabbccdd"),
        ("decode difference 04aabb", "ok n=4 data=aabb"),
        ("decode filled 03aa", "ok n=3 data=aa"),
        ("decode filled 06aabb", "ok n=6 data=aabb"),
        ("decode ring 010002000300 queue_size=2", "ok items[0]=1 items[1]=2 end=3"),
        ("decode ring 010002000300", "ok items[0]=1 items[1]=2 end=3"),
        (
            "decode ring 0100020003",
            "error malformed ring.items: 3 bytes at offset 0 are no whole number of elements of 2",
        ),
        ("decode two_rings 0100020003000400 queue_size=1", "ok a.items[0]=1 a.end=2 b.items[0]=3 b.end=4"),
        ("decode two_rings 0100020003000400", "skip needs a length that was not given"),
        ("decode ring_first 0100020003000000", "ok ring.items[0]=1 ring.end=2 tail=3"),
        ("decode ring_first 010002", "error malformed ring.items: ends too early"),
        ("decode optional_rest 0100aabb07 features=0x10000000000", "ok e=1 data=aabb end=7"),
        ("decode optional_rest aabb07 features=0x0", "ok n=aabb end=7"),
        ("decode optional_rest aabb07 features=0x0 n_size=2", "ok n=aabb end=7"),
        (
            "decode optional_rest aabb07 features=0x0 n_size=1",
            "error malformed optional_rest: ends at offset 2, 1 bytes follow",
        ),
        ("decode both 01 features=0x10000000000", "ok b=1"),
        (
            "decode list 0201aa02bbcc",
            "ok count=2 records[0].length=1 records[0].value=aa records[1].length=2 records[1].value=bbcc",
        ),
        ("decode list 03", "error malformed record.length: ends too early at offset 1: 1 bytes needed, 0 available"),
        ("encode list count=1 records[0].length=1 records[0].value=aa", "ok 0101aa"),
        (
            "encode list count=2 records[0].length=1 records[0].value=aa",
            "error invalid list.records: 2 elements are stated, there are 1",
        ),
        (
            "encode list count=1 records[0].length=2 records[0].value=aa",
            "error invalid record.value: 2 elements are stated, there are 1",
        ),
        ("decode lists 01aa000900", "ok first[0].length=1 first[0].value=aa first[1].length=0 first[1].value= end=9"),
        (
            "decode lists 02aa0900",
            "error malformed record.value: ends too early at offset 1: 2 bytes needed, 1 available",
        ),
        ("decode variable_union 010203", "ok kind=1 pair.x=2 pair.y=3"),
        ("decode variable_union 0101ff", "ok kind=1 pair.x=1 pair.y=255 record.length=1 record.value=ff"),
        ("encode variable_union kind=1 record.length=1 record.value=ff", "ok 0101ff"),
        ("encode pairs rows[1][0].y=5", "ok 0000000000050000"),
        ("decode nothing -", "ok"),
        ("decode halves 0100aabbcc", "ok a=1 b=aabb c=204"),
        (
            "decode samples 02070001aa080000 features=0x10000000000",
            "ok count=2 items[0].stamp=7 items[0].n=1 items[0].data=aa items[1].stamp=8 items[1].n=0 items[1].data=",
        ),
        (
            "decode samples 0201aa00 features=0x0",
            "ok count=2 items[0].n=1 items[0].data=aa items[1].n=0 items[1].data=",
        ),
        ("encode samples count=1 items[0].stamp=7 items[0].n=1 items[0].data=aa", "ok 01070001aa"),
        (
            "decode survey 0301050000020001aa0900 features=0x10000000000",
            "ok given=3 inner.count=1 inner.items[0].stamp=5 inner.items[0].n=0 inner.items[0].data= "
            "more[0].stamp=2 more[0].n=1 more[0].data=aa end=9",
        ),
        (
            "decode survey 030001020a0b0900 features=0x0",
            "error malformed sample.data: ends too early at offset 5: 10 bytes needed, 1 available",
        ),
        ("decode guest_records 0000 byteorder=big", "ok items=0000"),
        ("decode featured_union 0102", "ok pair.x=1 pair.y=2"),
        ("decode guest 010200020003 byteorder=big", "ok a=258 b[0]=2 b[1]=3"),
        ("encode guest a=258 byteorder=big", "ok 010200000000"),
    ],
)
def test_odd_forms(ask: Ask, question: str, answer: str) -> None:
    given = ask(question)
    assert given.startswith(answer) if answer.startswith("error") else given == answer


@pytest.mark.xdist_group("cargo")
def test_hostile_names_stay_names(tmp_path: Path) -> None:
    """Whatever a name holds, the crate compiles, and nothing of the name is code or markup."""
    spec = hostile()
    files = render_rust(spec, Layouts(spec)).files
    for path, text in files.items():
        assert "\u202e" not in text and "é" not in text and "a49" not in text
        code = re.sub(r'"[^"]*"|//[^\n]*', "", text)
        if "/src/" in path:
            assert "fn main()" not in code and "<script" not in code
    program = build(spec, tmp_path)
    line = 'decode a" 01000203'
    done = subprocess.run([str(program)], input=f"{line}\n", capture_output=True, text=True, check=True)
    assert done.stdout.startswith("skip")


def test_hostile_lengths_stay_lengths() -> None:
    texts = [
        "panic!()",
        "1 << a",
        "a << 63",
        "a / 0",
        "a ? a : b",
        "(" * 500,
        "a; b",
        "9" * 500,
        "-1",
        "a - b",
        "sizeof(x)",
    ]
    files = rendered(
        *[struct(f"s{i}", member("a", LE32), member("d", array(U8, Expression(text=t)))) for i, t in enumerate(texts)]
    )
    text = re.sub(r"//[^\n]*", "", files["rust/src/m.rs"])
    assert "panic" not in text and "?" not in re.sub(r"\)\?;", "", text) and "9999" not in text
    assert text.count("context.d_size") == len(texts)
