"""Relations between members, from the model to what is generated and printed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from virtspec.diff.compare import compare_specs
from virtspec.emit.conformance.clauses import Clauses
from virtspec.emit.conformance.requirements import Requirements
from virtspec.emit.conformance.runner import render_runner
from virtspec.layout import Layouts
from virtspec.model import (
    AllOf,
    Allowed,
    AnyOf,
    Array,
    Bit,
    Bits,
    Clause,
    Condition,
    Constant,
    Feature,
    FeatureBit,
    FieldIs,
    Integer,
    Member,
    Not,
    Place,
    Prose,
    Relation,
    Rest,
    Spec,
    Struct,
    StructRef,
)
from virtspec.model_json import dump, load
from virtspec.report.layouts import layout_json, layout_text
from virtspec.since import load_since
from virtwire.__main__ import main

LE32 = Integer(bits=32, order="little", spelling="le32")
PLACE = Place("widget.tex", 7)


def spec_of(*relations: Relation, **more: Condition) -> Spec:
    """A model with one struct of interest; `more` are conditions of its members."""

    def member(name: str, **facts: object) -> Member:
        return Member(name=name, type=LE32, condition=more.get(name), **facts)  # type: ignore[arg-type]

    wide = Bit(name="wide", offset=0, width=3)
    point = Struct(key="w/struct/point", name="point", kind="struct", module="w", members=(member("x"),))
    widget = Struct(
        key="w/struct/widget",
        name="widget",
        kind="struct",
        module="w",
        members=(
            member("a"),
            member("b"),
            member("class"),
            Member(name="at", type=StructRef(name="point")),
            Member(name="", type=Bits(container=LE32, fields=(wide,))),
            Member(name="rest", type=Array(element=LE32, length=Rest())),
        ),
        relations=relations,
        place=PLACE,
    )
    constant = Constant(key="w/const/W_MAX", name="W_MAX", kind="define", module="w", value=9)
    return Spec(edition="", structs=(point, widget), constants=(constant,))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a % b == 0", "remainder(c.a, c.b) == 0"),
        ("a % 4 == 0", "c.a % 4 == 0"),
        ("(a & (a - 1)) == 0", "(c.a & c.a - 1) == 0"),
        ("a <= W_MAX", "c.a <= 9"),
        ("at.x < class", "c.at.x < c.class_"),
        ("wide != 3", "c.wide != 3"),
        ("a / 2 >= b << 3", "c.a // 2 >= c.b << 3"),
    ],
)
def test_a_relation_becomes_a_check(text: str, holds: str) -> None:
    requirements = Requirements(spec_of(Relation(text=text, evidence=PLACE)))
    (view,) = requirements.by_struct["widget"]
    assert (view.holds, view.words, view.source) == (holds, text, "widget.tex:7")
    assert not requirements.not_rendered


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x') == 0",
        "a == 0 or True",
        "nobody == 0",
        "rest == 0",
        "at == 0",
        "at.y == 0",
        "a.__class__ == 0",
        "a << b == 0",
        "a << 64 == 0",
        "a % 0 == 0",
        "a / b == 0",
        "a % (b - b) == 0",
        "~a == 0",
        "sizeof(struct point) == a",
        "f(a) == 0",
        "1 == 1",
        "a",
        "",
    ],
)
def test_what_cannot_be_checked_is_told_and_becomes_no_code(text: str) -> None:
    requirements = Requirements(spec_of(Relation(text=text)))
    assert "widget" not in requirements.by_struct
    assert [key for key, _ in requirements.not_rendered] == [f"w/struct/widget/{text}"]
    assert render_runner(spec_of(Relation(text=text))).not_rendered == requirements.not_rendered


@pytest.mark.parametrize(
    ("condition", "holds", "negotiated"),
    [
        (None, "c.a < c.b", ""),
        (Feature(name="W_F_X"), "c.a < c.b", 'has("W_F_X")'),
        (Not(term=Feature(name="W_F_X")), "c.a < c.b", 'not has("W_F_X")'),
        (FieldIs(path="class", value="3"), "not ((c.class_ == 3)) or c.a < c.b", ""),
        (FieldIs(path="class", value="W_MAX"), "not ((c.class_ == 9)) or c.a < c.b", ""),
        (
            AllOf(terms=(FieldIs(path="at.x", value="1"), Feature(name="W_F_X"))),
            "not ((c.at.x == 1)) or c.a < c.b",
            'has("W_F_X")',
        ),
        (
            AnyOf(terms=(Feature(name="W_F_X"), Feature(name="W_F_Y"))),
            "c.a < c.b",
            '(has("W_F_X") or has("W_F_Y"))',
        ),
    ],
)
def test_when_a_check_counts(condition: Condition | None, holds: str, negotiated: str) -> None:
    (view,) = Requirements(spec_of(Relation(text="a < b", condition=condition))).by_struct["widget"]
    assert (view.holds, view.negotiated) == (holds, negotiated)


@pytest.mark.parametrize(
    "condition",
    [
        Prose(digest="0" * 16),
        Feature(name='X")or(print("'),
        FieldIs(path="nobody", value="3"),
        FieldIs(path="class", value="NOBODY"),
        AllOf(terms=()),
    ],
)
def test_a_condition_that_cannot_be_decided_leaves_no_check(condition: Condition) -> None:
    requirements = Requirements(spec_of(Relation(text="a < b", condition=condition)))
    assert not requirements.by_struct or condition == AllOf(terms=())
    assert bool(requirements.not_rendered) == (not requirements.by_struct)


def test_a_member_that_means_nothing_has_nothing_to_meet() -> None:
    spec = spec_of(Relation(text="a < b"), b=Feature(name="W_F_B"), x=Feature(name="W_F_POINT"))
    (view,) = Requirements(spec).by_struct["widget"]
    assert (view.negotiated, view.when) == ('has("W_F_B")', "W_F_B")
    (view,) = Requirements(spec_of(Relation(text="at.x < 4"), x=Feature(name="W_F_POINT"))).by_struct["widget"]
    assert view.when == "W_F_POINT"


def test_a_clause_that_states_what_is_not_checked_is_decided_by_no_rule() -> None:
    clause = Clause(
        key="w/clause/device/x",
        role="device",
        level="MUST",
        module="w",
        section="W",
        digest="0" * 16,
        names=("a",),
        states=("w/struct/widget",),
    )
    for relation, how in ((Relation(text="a < b"), "rule"), (Relation(text="f(a) == 0"), "data")):
        clauses = Clauses(replace(spec_of(relation), clauses=(clause,)))
        assert [view.how for view in clauses.views()] == [how]


def test_ranges_are_checked_in_every_struct() -> None:
    spec = spec_of()
    widget = spec.structs[1]
    limited = replace(widget.members[0], allowed=Allowed(first=1, last=5))
    spec = replace(spec, structs=(replace(widget, members=(limited, *widget.members[1:])),))
    (view,) = Requirements(spec).by_struct["widget"]
    assert (view.words, view.holds) == ("1 <= a <= 5", "1 <= c.a <= 5")


def test_a_model_file_keeps_relations_and_their_places(tmp_path: Path) -> None:
    relations = (
        Relation(text="a < b", evidence=PLACE),
        Relation(text="a < b", condition=Feature(name="W_F_X"), evidence=Place("widget.tex", 9)),
        Relation(text="a != 0", evidence=Place("other.tex", 3)),
    )
    (tmp_path / "model.json").write_text(dump(spec_of(*relations)), "utf-8")
    found = load(tmp_path / "model.json").struct("widget")
    assert found is not None
    assert found.relations == relations
    assert [r.evidence for r in found.relations] == [r.evidence for r in relations]


def test_layouts_show_relations() -> None:
    spec = spec_of(Relation(text="a < b", condition=Feature(name="W_F_X"), evidence=PLACE))
    layouts = Layouts(spec)
    assert "        /* required: a < b if W_F_X */" in layout_text(layouts["w/struct/widget"]).split("\n")
    (document,) = layout_json(spec, layouts, load_since(), ["widget"])["structs"]
    assert document["relations"] == [{"holds": "a < b", "source": "widget.tex:7", "if": "W_F_X"}]


def test_all_targets_say_what_holds(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "usable_region_size >= requested_size"
    generated = root / "generated"
    for path in ("python/virtwire/mem.py", "c/include/virtwire/mem.h", "rust/src/mem.rs"):
        assert text in (generated / path).read_text("utf-8"), path
    assert main(["show", "virtio_mem_config"]) == 0
    assert f"{text}  # required, device-types/mem/description.tex:" in capsys.readouterr().out
    assert main(["show", "virtio_net_config", "--json"]) == 0
    assert '"holds": "68 <= mtu <= 65535, if VIRTIO_NET_F_MTU"' in capsys.readouterr().out


def feature(name: str) -> FeatureBit:
    return FeatureBit(key=f"w/feature/{name}", name=name, bit=0, module="w")


OLD, NEW = Feature(name="W_F_OLD"), Feature(name="W_F_NEW")


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((), (None,), "undecided"),
        ((), (NEW,), "compatible"),
        ((), (OLD,), "undecided"),
        ((), (AllOf(terms=(OLD, NEW)),), "compatible"),
        ((), (AnyOf(terms=(OLD, NEW)),), "undecided"),
        ((), (Not(term=NEW),), "undecided"),
        ((None,), (Not(term=NEW),), "compatible"),
        ((None,), (NEW,), "undecided"),
        ((OLD,), (AllOf(terms=(OLD, Not(term=NEW))),), "compatible"),
        ((OLD,), (AnyOf(terms=(OLD, NEW)),), "compatible"),
        ((OLD,), (Not(term=OLD),), "undecided"),
        ((None,), (), "undecided"),
    ],
)
def test_what_only_new_features_change_is_compatible(
    before: tuple[Condition | None, ...], after: tuple[Condition | None, ...], verdict: str
) -> None:
    old, new = (
        replace(
            spec_of(*(Relation(text="a <= b", condition=condition) for condition in conditions)),
            features=tuple(feature(name) for name in names),
        )
        for conditions, names in ((before, ("W_F_OLD",)), (after, ("W_F_OLD", "W_F_NEW")))
    )
    (found,) = (change for change in compare_specs(old, new).changes if change.rule == "VD319")
    assert str(found.verdict) == verdict


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, Not(term=NEW), ("VD312", "compatible")),
        (None, NEW, ("VD312", "undecided")),
        (OLD, AnyOf(terms=(OLD, NEW)), ("VD314", "compatible")),
        (OLD, AllOf(terms=(OLD, NEW)), ("VD314", "undecided")),
        (OLD, None, ("VD313", "undecided")),
    ],
)
def test_a_condition_that_only_new_features_change_is_compatible(
    before: Condition | None, after: Condition | None, expected: tuple[str, str]
) -> None:
    old, new = (
        replace(spec_of(**({"a": condition} if condition else {})), features=tuple(feature(name) for name in names))
        for condition, names in ((before, ("W_F_OLD",)), (after, ("W_F_OLD", "W_F_NEW")))
    )
    found = [(c.rule, str(c.verdict)) for c in compare_specs(old, new).changes if c.rule.startswith("VD31")]
    assert found == [expected]
