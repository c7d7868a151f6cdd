"""The conformance vectors: what they are made of, and that the emitter's own arithmetic is right."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from virtspec.emit.conformance import render_conformance
from virtspec.emit.conformance.cases import NOTES, Case, cases_of
from virtspec.emit.conformance.examples import Examples
from virtspec.emit.conformance.values import Choice, NoExample
from virtspec.layout import Layouts
from virtspec.model import (
    Aggregate,
    Array,
    Bit,
    Bits,
    Count,
    Elided,
    Expression,
    External,
    ExternalLength,
    Feature,
    FeatureBit,
    FieldRef,
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
BE32 = Integer(bits=32, order="big", spelling="be32")
NATIVE = Integer(bits=16, order="native", spelling="u16")


def member(name: str, type_: Type, **more: Any) -> Member:
    return Member(name=name, type=type_, **more)


def struct(name: str, *members: Member, kind: Any = "struct") -> Struct:
    return Struct(key=f"test/struct/{name}", name=name, kind=kind, module="test", members=members)


def examples(*structs: Struct, features: tuple[FeatureBit, ...] = ()) -> Examples:
    spec = Spec(edition="9.9", structs=structs, constants=(), features=features)
    return Examples(spec, Layouts(spec))


def cases(*structs: Struct, features: tuple[FeatureBit, ...] = (), config: bool = False) -> dict[str, Case]:
    return {case.name: case for case in cases_of(structs[0], examples(*structs, features=features), config=config)}


class TestExamples:
    def test_members_follow_each_other_in_their_own_byte_order(self) -> None:
        pair = struct("pair", member("a", LE16), member("b", BE32), member("c", U8))
        example = examples(pair).make(pair, Choice())
        assert example.data == bytes((37 * i + 0x5B) & 0xFF for i in range(7))
        a, b, c = example.data[:2], example.data[2:6], example.data[6]
        assert example.values == {"a": int.from_bytes(a, "little"), "b": int.from_bytes(b, "big"), "c": c}

    def test_a_count_states_its_elements(self) -> None:
        listed = struct("listed", member("n", LE16), member("items", Array(element=BE32, length=FieldRef(path="n"))))
        example = examples(listed).make(listed, Choice())
        assert example.values["n"] == 2
        assert len(example.data) == 2 + 2 * 4
        assert example.counts == {"n": True}

    def test_two_counts_differ(self) -> None:
        two = struct(
            "two",
            member("m", LE16),
            member("n", LE16),
            member("a", Array(element=U8, length=FieldRef(path="m"))),
            member("b", Array(element=U8, length=FieldRef(path="n"))),
        )
        values = examples(two).make(two, Choice()).values
        assert values["m"] != values["n"]

    @pytest.mark.parametrize(
        ("text", "value"), [("n + 1", 1), ("(n - 8) / 4", 16), ("n << 1", 1), ("n / sizeof(struct two)", 4)]
    )
    def test_an_expression_is_solved(self, text: str, value: int) -> None:
        two = struct("two", member("x", LE16))
        listed = struct("listed", member("n", LE16), member("items", Array(element=U8, length=Expression(text=text))))
        example = examples(listed, two).make(listed, Choice())
        assert (example.values["n"], len(example.data)) == (value, 4)

    def test_an_expression_without_a_small_solution(self) -> None:
        listed = struct("l", member("n", LE16), member("i", Array(element=U8, length=Expression(text="n - 100000"))))
        with pytest.raises(NoExample, match="n - 100000"):
            examples(listed).make(listed, Choice())

    def test_a_length_from_outside_is_an_argument(self) -> None:
        packet = struct("packet", member("data", Array(element=LE16, length=ExternalLength(name="Queue Size"))))
        assert examples(packet).make(packet, Choice()).arguments == {"queue_size": 2}

    def test_a_struct_of_another_project_is_bytes(self) -> None:
        request = struct("request", member("in", External(name="other")), member("end", U8))
        example = examples(request).make(request, Choice())
        assert (len(example.data), example.arguments) == (3, {"in__size": 2})

    def test_empty_elements_are_not_counted_for_ever(self) -> None:
        empty = struct("empty")
        cube: Type = StructRef(name="empty")
        for _ in range(6):
            cube = Array(element=cube, length=Count(value=4096))
        holder = struct("holder", member("x", cube))
        with pytest.raises(NoExample, match="too many"):
            examples(holder, empty).make(holder, Choice())

    def test_what_takes_the_rest(self) -> None:
        one = struct("one", member("data", Array(element=LE16, length=Rest())), member("end", U8))
        example = examples(one).make(one, Choice())
        assert (example.arguments, example.unit, len(example.data)) == ({}, 2, 5)
        two = struct(
            "two", member("a", Array(element=U8, length=Rest())), member("b", Array(element=LE16, length=Rest()))
        )
        assert examples(two).make(two, Choice()).arguments == {"a_size": 2, "b_count": 3}

    def test_bits_are_counted_from_the_lowest(self) -> None:
        fields = (
            Bit(name="low", offset=0, width=3),
            Bit(name="reserved", offset=3, width=1),
            Bit(name="high", offset=4, width=12),
        )
        flags = struct("flags", member("f", Bits(container=LE16, fields=fields)))
        example = examples(flags).make(flags, Choice(fill="ones"))
        assert example.values == {"f.low": 7, "f.reserved": 0, "f.high": 0xFFF}
        assert example.data == (0xFFF7).to_bytes(2, "little")

    def test_a_union_is_one_arm_and_zeros(self) -> None:
        union = Aggregate(kind="union", members=(member("small", U8), member("large", BE32)))
        holder = struct("holder", member("u", union), member("end", U8))
        example = examples(holder).make(holder, Choice(fill="ones"))
        assert (example.data, example.unions) == (b"\xff\0\0\0\xff", {"u": 2})
        assert set(example.values) == {"u.small", "end"}
        assert examples(holder).make(holder, Choice(fill="ones", arms={"u": 1})).data == b"\xff" * 5
        assert examples(holder).make(holder, Choice(fill="zeros", behind=True)).data == b"\0\xa5\xa5\xa5\0"

    def test_members_that_a_feature_brings(self) -> None:
        form = struct("form", member("a", U8), member("b", U8, condition=Feature(name="F"), optional=True))
        maker = examples(form, features=(FeatureBit(key="test/feature/F", name="F", bit=70, module="test"),))
        with_it = maker.make(form, Choice(features=frozenset({"F"})))
        assert (len(with_it.data), with_it.arguments) == (2, {"features": hex(1 << 70)})
        without = maker.make(form, Choice())
        assert (len(without.data), without.arguments) == (1, {"features": "0x0"})
        others = maker.make(form, Choice(others=True))
        assert (len(others.data), int(str(others.arguments["features"]), 16)) == (1, ((1 << 128) - 1) ^ 1 << 70)

    def test_a_big_endian_guest(self) -> None:
        native = struct("native", member("x", NATIVE))
        example = examples(native).make(native, Choice(order="big"))
        assert example.values["x"] == int.from_bytes(example.data, "big")
        assert example.arguments == {"byteorder": "big"}

    @pytest.mark.parametrize(
        ("type_", "keyword"),
        [
            (External(name="other"), "x_size"),
            (Array(element=External(name="other"), length=Rest()), "x_size"),
            (Aggregate(kind="union", members=(member("y", External(name="other")), member("z", U8))), "x_size"),
        ],
    )
    def test_structs_of_other_projects_are_as_long_as_an_argument_says(self, type_: Type, keyword: str) -> None:
        odd = struct("odd", member("x", type_), member("behind", U8))
        example = examples(odd).make(odd, Choice(open=3))
        assert (len(example.data), example.arguments) == (4, {keyword: 3})

    @pytest.mark.parametrize(
        ("type_", "reason"),
        [
            (Array(element=U8, length=Elided()), "leaves a part of it out"),
            (Array(element=U8, length=Count(value=1 << 40)), "elements"),
            (StructRef(name="nothing"), "not defined"),
            (Array(element=External(name="other"), length=Count(value=2)), "several of struct 'other'"),
        ],
    )
    def test_what_no_example_can_be_made_of(self, type_: Type, reason: str) -> None:
        odd = struct("odd", member("x", type_))
        with pytest.raises(NoExample, match=reason):
            examples(odd).make(odd, Choice())


class TestCases:
    def test_every_member_is_cut(self) -> None:
        found = cases(struct("pair", member("a", LE16), member("b", BE32)))["truncated"]
        assert (found.result, found.prefixes) == ("malformed", (0, 1, 2, 5))

    def test_every_value_is_exceeded(self) -> None:
        found = cases(struct("pair", member("a", LE16), member("mac", Array(element=U8, length=Count(value=6)))))
        assert found["out-of-range"].each == {"a": 1 << 16, "mac": bytes(7)}

    def test_lying_counts(self) -> None:
        listed = struct("listed", member("n", LE16), member("items", Array(element=U8, length=FieldRef(path="n"))))
        found = cases(listed)
        for name, count in (("count-too-large-n", 3), ("count-too-small-n", 1), ("count-overflow-n", 0xFFFF)):
            data = found[name].data
            assert data is not None
            assert (found[name].result, int.from_bytes(data[:2], "little"), len(data)) == ("malformed", count, 4)

    def test_reserved_members_are_zero_but_in_one_case(self) -> None:
        found = cases(struct("pair", member("a", U8), member("reserved", LE16)))
        assert {name for name, case in found.items() if case.values.get("reserved")} == {"reserved"}
        assert found["reserved"].result == "acceptable"

    def test_a_configuration_may_end_early(self) -> None:
        found = cases(struct("conf", member("a", LE16), member("b", LE16), member("c", U8)), config=True)
        assert (found["ends-at-2"].result, found["ends-at-2"].absent) == ("valid", ("b", "c"))
        assert found["ends-inside"].result == "acceptable"

    def test_no_case_twice(self) -> None:
        found = cases_of(empty := struct("empty", member("x", U8)), examples(empty), config=False)
        seen = [(c.operation == "encode", c.data, tuple(c.arguments.items()), c.prefixes, tuple(c.each)) for c in found]
        assert len(seen) == len(set(seen))


def test_names_from_a_specification_stay_data() -> None:
    hostile = struct('x"}], "y": [{', member("a b\n=c", U8))
    spec = Spec(edition='9"', structs=(hostile,), constants=())
    emission = render_conformance(spec, Layouts(spec))
    document = json.loads(emission.files["conformance/vectors/test.json"])
    assert document["structs"][0]["name"] == hostile.name


# --- the generated files ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def documents(root: Path) -> dict[str, Any]:
    files = sorted((root / "generated" / "conformance" / "vectors").glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in files}


def test_vectors_keep_to_their_schema(root: Path, documents: dict[str, Any]) -> None:
    schema = json.loads((root / "generated" / "conformance" / "vectors.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for document in documents.values():
        validator.validate(document)


def test_ids_are_unique_and_flags_are_explained(documents: dict[str, Any]) -> None:
    entries = [case for d in documents.values() for s in d["structs"] for case in s["cases"]]
    assert [i for i, n in Counter(case["id"] for case in entries).items() if n > 1] == []
    used = {flag for case in entries for flag in case.get("flags", ())}
    assert used <= NOTES.keys()
    for document in documents.values():
        shown = {flag for s in document["structs"] for case in s["cases"] for flag in case.get("flags", ())}
        assert document["notes"].keys() == shown


def test_there_is_something_of_everything(documents: dict[str, Any]) -> None:
    entries = [case for d in documents.values() for s in d["structs"] for case in s["cases"]]
    assert {case["result"] for case in entries} == {"valid", "acceptable", "invalid", "malformed"}
    assert {flag for case in entries for flag in case.get("flags", ())} == NOTES.keys()
    assert sum(document["cases"] for document in documents.values()) > 7000


def test_malformed_bytes_are_not_those_of_a_valid_case(documents: dict[str, Any]) -> None:
    for document in documents.values():
        for entry in document["structs"]:
            valid = {
                (c["bytes"], json.dumps(c.get("arguments", {})))
                for c in entry["cases"]
                if c["result"] == "valid" and "bytes" in c
            }
            for case in entry["cases"]:
                if case["result"] == "malformed":
                    sizes = case.get("prefixes", [len(case["bytes"]) // 2])
                    for size in sizes:
                        assert (case["bytes"][: 2 * size], json.dumps(case.get("arguments", {}))) not in valid, case[
                            "id"
                        ]
