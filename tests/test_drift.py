"""The comparison of a model with headers: what is a difference, what is explained, what is stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import SpecError
from virtspec.drift import Drift, Finding, Known, Verdict, compare, read_known
from virtspec.headers import HeaderFacts, HeaderMember, HeaderStruct
from virtspec.layout import Layouts
from virtspec.model import (
    Aggregate,
    Array,
    Bit,
    Bits,
    Constant,
    Count,
    Device,
    Integer,
    Member,
    Rest,
    Spec,
    Struct,
    StructRef,
    Type,
)

U8 = Integer(bits=8, order="little", spelling="u8")
LE16 = Integer(bits=16, order="little", spelling="le16")
LE32 = Integer(bits=32, order="little", spelling="le32")


def struct(name: str, *members: tuple[str, Type], variant: int = 1) -> Struct:
    return Struct(
        key=f"tiny/struct/{name}" + (f"~{variant}" if variant > 1 else ""),
        name=name,
        kind="struct",
        module="tiny",
        members=tuple(Member(name=n, type=t) for n, t in members),
        variant=variant,
    )


def header(
    name: str, size: int, *members: tuple[str, int | None, int | None] | tuple[str, int, int, str]
) -> HeaderStruct:
    return HeaderStruct(
        name=name,
        size=size,
        members=tuple(
            HeaderMember(path=m[0], offset=m[1], size=m[2], struct=m[3] if len(m) == 4 else "") for m in members
        ),
    )


def drift(
    *sides: Struct | HeaderStruct | Constant | Device, known: Known | None = None, values: dict[str, int] | None = None
) -> Drift:
    spec = Spec(
        edition="0",
        structs=tuple(s for s in sides if isinstance(s, Struct)),
        constants=tuple(s for s in sides if isinstance(s, Constant)),
        devices=tuple(s for s in sides if isinstance(s, Device)),
    )
    headers = HeaderFacts(structs={s.name: s for s in sides if isinstance(s, HeaderStruct)}, constants=values or {})
    return compare(spec, Layouts(spec), headers, known or Known())


def verdicts(result: Drift) -> dict[str, Verdict]:
    return {f.subject: f.verdict for f in result.findings}


def constant(name: str, value: int | None) -> Constant:
    return Constant(key=f"tiny/constant/{name}/{value}", name=name, kind="define", module="tiny", value=value)


TINY = struct("tiny", ("a", LE16), ("b", LE32))


def test_equal() -> None:
    result = drift(TINY, header("tiny", 6, ("a", 0, 2), ("b", 2, 4)))
    assert set(verdicts(result).values()) == {Verdict.EQUAL}
    assert not list(result.unexplained())


@pytest.mark.parametrize(
    ("other", "subject"),
    [
        (header("tiny", 8, ("a", 0, 2), ("b", 4, 4)), "tiny.b"),
        (header("tiny", 8, ("a", 0, 2), ("b", 4, 4)), "tiny"),
        (header("tiny", 6, ("a", 0, 4), ("b", 2, 4)), "tiny.a"),
        (header("tiny", 6, ("b", 0, 4), ("a", 4, 2)), "tiny.a"),
        (header("tiny", 6, ("a", 0, 2), ("c", 2, 4)), "tiny.c"),
        (header("tiny", 6, ("a", 0, 2), ("c", 2, 4)), "tiny.b"),
        (header("tiny", 6, ("a", 0, 2), ("b", 2, None)), "tiny.b"),
        (header("tiny", 7, ("a", 0, 2), ("b", 2, 4)), "tiny"),
    ],
)
def test_different(other: HeaderStruct, subject: str) -> None:
    result = drift(TINY, other)
    assert verdicts(result)[subject] is Verdict.DIFFERENT
    assert subject in {f.subject for f in result.unexplained()}


def test_one_side_goes_on() -> None:
    for result in (
        drift(TINY, header("tiny", 2, ("a", 0, 2))),
        drift(TINY, header("tiny", 7, ("a", 0, 2), ("b", 2, 4), ("c", 6, 1))),
        drift(struct("tiny", ("a", LE16), ("rest", Array(element=U8, length=Rest()))), header("tiny", 2, ("a", 0, 2))),
    ):
        assert verdicts(result)["tiny"] is Verdict.EXTENDED
        assert not list(result.unexplained())


def test_a_gap_is_no_extension() -> None:
    assert verdicts(drift(TINY, header("tiny", 4, ("a", 0, 2))))["tiny.b"] is Verdict.DIFFERENT


def test_renamed() -> None:
    known = Known(structs={"xtiny": "tiny"}, members={"xtiny.x": "a"})
    result = drift(TINY, header("xtiny", 6, ("x", 0, 2), ("b", 2, 4)), known=known)
    assert verdicts(result) == {"xtiny": Verdict.RENAMED, "xtiny.x": Verdict.RENAMED, "xtiny.b": Verdict.EQUAL}
    assert not result.stale


def test_a_renamed_member_takes_its_own_along() -> None:
    pair = Aggregate(kind="struct", members=(Member(name="low", type=LE16), Member(name="high", type=LE16)))
    spec = struct("outer", ("inner", pair))
    other = header("outer", 4, ("x", 0, 4), ("x.low", 0, 2), ("x.hi", 2, 2))
    known = Known(members={"outer.x": "inner", "outer.x.hi": "inner.high"})
    result = drift(spec, other, known=known)
    assert verdicts(result)["outer.x.low"] is Verdict.RENAMED
    assert verdicts(result)["outer.x.hi"] is Verdict.RENAMED
    assert not list(result.unexplained())


def test_a_header_in_a_header_struct_can_lie_flat_in_the_specification() -> None:
    known = Known(members={"outer.inner": ".", "outer.inner.x": "a"})
    spec = struct("outer", ("a", LE16), ("b", LE32))
    result = drift(spec, header("outer", 6, ("inner", 0, 2), ("inner.x", 0, 2), ("b", 2, 4)), known=known)
    assert verdicts(result) == {"outer": Verdict.EQUAL, "outer.inner.x": Verdict.RENAMED, "outer.b": Verdict.EQUAL}


def test_a_struct_around_members_of_both_is_no_difference() -> None:
    inner = Aggregate(kind="struct", members=(Member(name="a", type=LE16), Member(name="b", type=LE16)))
    known = Known(members={"outer.a": "inner.a", "outer.b": "inner.b"})
    spec = struct("outer", ("inner", inner))
    assert not list(drift(spec, header("outer", 4, ("a", 0, 2), ("b", 2, 2)), known=known).unexplained())
    assert list(drift(spec, header("outer", 4, ("c", 0, 2), ("d", 2, 2)), known=known).unexplained())


def test_the_inside_of_a_member_that_one_side_leaves_open() -> None:
    parts = Aggregate(kind="struct", members=(Member(name="x", type=LE16), Member(name="y", type=LE16)))
    assert not list(drift(struct("outer", ("u", parts)), header("outer", 4, ("u", 0, 4))).unexplained())
    plain = struct("outer", ("u", LE32))
    assert not list(drift(plain, header("outer", 4, ("u", 0, 4), ("u.x", 0, 2), ("u.y", 2, 2))).unexplained())


def test_bits_within_what_the_headers_give_whole() -> None:
    bits = Bits(container=LE16, fields=(Bit(name="low", offset=0, width=4), Bit(name="rest", offset=4, width=12)))
    named = struct("outer", ("flags", bits))
    assert not list(drift(named, header("outer", 2, ("flags", 0, 2))).unexplained())
    assert {f.subject for f in drift(named, header("outer", 4, ("flags", 0, 4))).unexplained()} == {
        "outer",
        "outer.flags",
    }
    bare = struct("outer", ("", bits), ("b", LE16))
    assert not list(drift(bare, header("outer", 4, ("low", 0, 2), ("b", 2, 2))).unexplained())


def test_constants_that_are_offsets() -> None:
    known = Known(offsets={"OFF_A": "tiny.a", "OFF_B": "tiny.b", "OFF_LATER": "tiny.b"})
    result = drift(TINY, known=known, values={"OFF_A": 0, "OFF_B": 4})
    assert verdicts(result) == {"tiny": Verdict.ONLY_SPEC, "OFF_A": Verdict.RENAMED, "OFF_B": Verdict.DIFFERENT}
    assert drift(TINY, known=Known(offsets={"OFF_A": "tiny.gone"})).stale


def test_what_a_shared_struct_holds_is_compared_once() -> None:
    outer = struct(
        "outer",
        ("inner", StructRef(name="tiny")),
        ("many", Array(element=StructRef(name="tiny"), length=Count(value=2))),
    )
    result = drift(
        TINY,
        outer,
        header("tiny", 6, ("a", 0, 2), ("c", 2, 4)),
        header(
            "outer",
            18,
            ("inner", 0, 6, "tiny"),
            ("inner.a", 0, 2),
            ("inner.c", 2, 4),
            ("many", 6, 12, "tiny"),
            ("many[].a", 6, 2),
        ),
    )
    assert {f.subject for f in result.unexplained()} == {"tiny.b", "tiny.c"}


def test_one_of_several_variants_suffices() -> None:
    other = struct("tiny", ("a", LE32), variant=2)
    assert not list(drift(TINY, other, header("tiny", 4, ("a", 0, 4))).unexplained())
    assert list(drift(TINY, other, header("tiny", 1, ("a", 0, 1))).unexplained())


def test_only_on_one_side() -> None:
    result = drift(TINY, header("other", 1, ("a", 0, 1)), constant("T", 1), values={"O": 1})
    assert verdicts(result) == {
        "tiny": Verdict.ONLY_SPEC,
        "other": Verdict.ONLY_HEADER,
        "T": Verdict.ONLY_SPEC,
        "O": Verdict.ONLY_HEADER,
    }


def test_bit_fields_are_not_compared() -> None:
    assert not list(drift(TINY, header("tiny", 6, ("a", None, None), ("b", 2, 4))).unexplained())


def test_byte_orders_where_both_tell_theirs() -> None:
    big = HeaderMember(path="a", offset=0, size=2, order="big")
    other = HeaderStruct(name="tiny", size=6, members=(big, HeaderMember(path="b", offset=2, size=4, order="little")))
    (found,) = drift(TINY, other).unexplained()
    assert (found.spec, found.header) == ("offset 0, 2 bytes, little-endian", "offset 0, 2 bytes, big-endian")
    native = Integer(bits=16, order="native", spelling="u16")
    assert not list(drift(struct("tiny", ("a", native), ("b", LE32)), other).unexplained())


def test_constants() -> None:
    facts = [constant("A", 1), constant("B", 2), constant("B", 3), constant("Status", 4), constant("N", None)]
    values = {"A": 2, "B": 3, "X_STATUS": 4, "N": 7}
    result = drift(*facts, known=Known(constants={"X_STATUS": "Status"}), values=values)
    assert verdicts(result) == {
        "A": Verdict.DIFFERENT,
        "B": Verdict.EQUAL,
        "X_STATUS": Verdict.RENAMED,
        "N": Verdict.ONLY_HEADER,
    }
    assert [str(f) for f in result.unexplained()] == ["constant A: different (specification: 0x1; headers: 0x2)"]


def test_device_ids() -> None:
    known = Known(devices={"ID_TINY": "tiny", "ID_BIG": "big"})
    devices = [Device(module="tiny", title="Tiny", id=7), Device(module="big", title="Big", id=8)]
    result = drift(*devices, known=known, values={"ID_TINY": 7, "ID_BIG": 9})
    assert verdicts(result) == {"ID_TINY": Verdict.RENAMED, "ID_BIG": Verdict.DIFFERENT}


def test_a_reason_explains_and_patterns_do() -> None:
    other = header("tiny", 6, ("a", 0, 2), ("c", 2, 4))
    result = drift(TINY, other, known=Known(differences={"tiny.[bc]": "named otherwise"}))
    assert not list(result.unexplained())
    assert not result.stale
    explained = [f for f in result.findings if f.verdict is Verdict.DIFFERENT]
    assert {f.reason for f in explained} == {"named otherwise"}


@pytest.mark.parametrize(
    "known",
    [
        Known(differences={"tiny.a": "no longer"}),
        Known(differences={"A": "no longer"}),
        Known(structs={"xtiny": "gone"}),
        Known(structs={"tiny": "tiny"}),
        Known(members={"tiny.gone": "a"}),
        Known(constants={"X": "GONE"}),
        Known(constants={"A": "A"}),
        Known(devices={"ID": "gone"}),
    ],
)
def test_stale(known: Known) -> None:
    other = header("tiny", 6, ("a", 0, 2), ("b", 2, 4))
    assert drift(TINY, other, constant("A", 1), known=known, values={"A": 1}).stale


def test_what_old_headers_lack_is_not_stale() -> None:
    known = Known(structs={"new": "tiny"}, members={"new.x": "a"}, differences={"new.*": "later", "NEW": "later"})
    assert not drift(TINY, known=known).stale


@pytest.mark.parametrize(
    "text", ["[", "[other]\n", "structs = 1\n", "[structs]\na = 1\n", '[differences]\na = ""\n', "\ud800"]
)
def test_a_table_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SpecError, match=r"table\.toml"):
        read_known(path)


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    path.write_text('[structs]\na = "b"\n[differences]\n"a.x" = "why"\n')
    assert read_known(path) == Known(structs={"a": "b"}, differences={"a.x": "why"})


def test_a_finding_reads_well() -> None:
    finding = Finding(kind="member", subject="tiny.a", verdict=Verdict.ONLY_HEADER, header="offset 0, 2 bytes")
    assert str(finding) == "member tiny.a: only in the headers (headers: offset 0, 2 bytes)"
