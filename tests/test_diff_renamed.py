"""A fact is tied to a key: where a text has another name for what the fact is about, it follows it, or is missed."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from virtspec.annotations import load_annotations
from virtspec.comparison import compare_readings, read_text
from virtspec.diagnostics import Sink
from virtspec.diff.compare import compare_specs
from virtspec.diff.respell import Respelling
from virtspec.inputs import open_source
from virtspec.latex.document import read_document
from virtspec.latex.text import digest
from virtspec.link import link_document
from virtspec.model import (
    NOWHERE,
    UNPLACED,
    AllOf,
    Array,
    Binding,
    ConfigRef,
    Count,
    Coverage,
    Expression,
    Feature,
    FieldIs,
    FieldRef,
    Not,
    Relation,
    Skipped,
    Spec,
)

STATED = "There are as many parts as is said above, and they fit each other."
CHAPTER = f"""\\section{{Widget Device}}

\\subsection{{Feature bits}}

\\begin{{description}}
\\item[WIDGET_F_PARTS (3)] There are parts.
\\end{{description}}

\\subsection{{Device Operation}}\\label{{sec:Widget}}

{STATED}

\\begin{{lstlisting}}
struct widget_piece {{
        le32 weight;
}};

struct widget_request {{
        le32 command;
        le32 count;
        le32 limit;
        union {{
                u8 dot;
                le16 line;
        }} shape;
        u8 parts[];
}};

#define WIDGET_CMD_ASK   1
#define WIDGET_CMD_GIVE  2
\\end{{lstlisting}}

Nothing else.

\\begin{{lstlisting}}
#define WIDGET_ALONE_CODE 7
\\end{{lstlisting}}
"""
KEYS = (
    ("widget/struct/widget_request/parts", 'length = "count + 1"'),
    ("widget/struct/widget_request/shape.dot", 'condition = "command is WIDGET_CMD_ASK"'),
    ("widget/struct/widget_request/shape", 'condition = "WIDGET_F_PARTS"'),
    ("widget/struct/widget_request/limit", 'direction = "readable"'),
    ("widget/struct/widget_piece", 'direction = "writable"'),
    ("widget/struct/widget_request", 'relation = "count <= limit"'),
    ("widget/struct/widget_request", 'relation = "limit != WIDGET_CMD_GIVE"\nwhen = "WIDGET_F_PARTS"'),
    ("widget/registry/widget_cmd", 'fields = ["widget_request.command"]'),
    ("widget/registry/widget_cmd/WIDGET_CMD_ASK", 'bind = { request = "widget_request", data = "widget_piece *" }'),
    ("widget/registry/widget_cmd/WIDGET_CMD_GIVE", 'condition = "WIDGET_F_PARTS"'),
    ("widget/registry/widget_alone_code", 'fields = ["widget_request.limit"]'),
)


def read(tmp_path: Path, *renamed: tuple[str, str], stated: str = STATED) -> Spec:
    """The chapter with names of its listing changed, wherever they stand, and perhaps with another paragraph."""
    facts = "".join(
        f'[[fact]]\nkey = "{key}"\n{fact}\nsection = "sec:Widget"\ndigest = ["{digest(STATED)}"]\n'
        for key, fact in KEYS
    )
    (tmp_path / "facts.toml").write_text(facts, "utf-8")
    chapter = CHAPTER.replace(STATED, stated)
    for old, new in renamed:
        assert old in chapter
        chapter = chapter.replace(old, new)
    (tmp_path / "widget.tex").write_text(chapter, "utf-8")
    document = read_document(open_source(str(tmp_path / "widget.tex")), Sink())
    load_annotations.cache_clear()
    return link_document(document, Sink(), "", load_annotations(tmp_path / "facts.toml"))


def found(old: Spec, new: Spec) -> list[tuple[str, str]]:
    return [(c.rule, str(c.verdict)) for c in compare_specs(old, new).changes]


def test_the_chapter_has_all_facts(tmp_path: Path) -> None:
    spec = read(tmp_path)
    assert dict(spec.coverage.tallies)["annotations"].read == len(KEYS)
    request = spec.struct("widget_request")
    assert request is not None
    assert isinstance(request.members[-1].type, Array)
    assert request.members[-1].type.length == Expression(text="count + 1")
    assert len(request.relations) == 2


RENAMED = [
    ("parts[]", "pieces[]", "VD202"),
    ("u8 dot", "u8 dott", "VD202"),
    ("} shape", "} form", "VD202"),
    ("le32 count", "le32 number", "VD202"),
    ("le32 limit", "le32 limits", "VD202"),
    ("le32 command", "le32 cmd", "VD202"),
    ("widget_piece", "widget_pieces", "VD201"),
    ("widget_request", "widget_requests", "VD201"),
    ("WIDGET_CMD_ASK", "WIDGET_CMD_ASKS", "VD203"),
    ("WIDGET_CMD_GIVE", "WIDGET_CMD_GIVES", "VD203"),
    ("WIDGET_F_PARTS", "WIDGET_F_PART", "VD208"),
    ("WIDGET_ALONE_CODE", "WIDGET_ALONE_CODES", "VD203"),
]


@pytest.mark.parametrize("turned", [False, True], ids=["forth", "back"])
@pytest.mark.parametrize(("old", "new", "rule"), RENAMED, ids=[new for _, new, _ in RENAMED])
@pytest.mark.parametrize("stated", [STATED, STATED.replace(", and", " and")], ids=["same", "respelled"])
def test_facts_follow_a_new_name(old: str, new: str, rule: str, stated: str, turned: bool, tmp_path: Path) -> None:
    before, after = read(tmp_path), read(tmp_path, (old, new), stated=stated)
    assert found(*((after, before) if turned else (before, after))) == [(rule, "compatible")]


def test_facts_follow_many_new_names(tmp_path: Path) -> None:
    several = [row for row in RENAMED if row[0] not in ("} shape", "widget_request")]
    new = read(tmp_path, *((old, new) for old, new, _ in several), stated=STATED.replace(", and", " and"))
    assert sorted(found(read(tmp_path), new)) == sorted((rule, "compatible") for _, _, rule in several)


def test_a_new_name_and_other_words_are_two_findings(tmp_path: Path) -> None:
    new = read(tmp_path, ("le32 limit", "le32 limits"), stated="Now everything is different.")
    rules = found(read(tmp_path), new)
    assert ("VD202", "compatible") in rules
    assert rules.count(("VD315", "undecided")) == len(KEYS)
    assert len(rules) == 1 + len(KEYS)


def test_what_changed_beside_the_name_is_told(tmp_path: Path) -> None:
    assert found(read(tmp_path), read(tmp_path, ("parts[]", "parts_list[4]"))) == [
        ("VD114", "breaking"),
        ("VD202", "compatible"),
    ]
    # nobody can tell what has become of it: that is one finding, and the fact needs none of its own
    assert found(read(tmp_path), read(tmp_path, ("        u8 parts[]", "        le64 words"))) == [
        ("VD106", "breaking")
    ]


def test_a_member_that_is_gone_is_told_once(tmp_path: Path) -> None:
    rules = found(read(tmp_path), read(tmp_path, ("        u8 parts[];\n", "")))
    assert [rule for rule, _ in rules] == ["VD103"]


def test_a_fact_whose_subject_is_not_found_is_told(tmp_path: Path) -> None:
    """The same bytes in another nesting: nothing is gone, and the member is not found by its path."""
    nested = "        struct {\n                le32 limit;\n        } more;\n"
    old, new = read(tmp_path), read(tmp_path, ("        le32 limit;\n", nested))
    lost = [c for c in compare_specs(old, new).changes if c.rule == "VD320"]
    assert [c.subject for c in lost] == ["widget_request.limit"]
    assert "the direction of 'widget_request.limit' is recorded" in lost[0].message
    assert str(lost[0].verdict) == "undecided"
    assert "VD207" in {c.rule for c in compare_specs(old, new).changes}
    # the old text has lost nothing
    assert "VD320" not in {c.rule for c in compare_specs(new, old).changes}


def test_a_table_whose_codes_are_gone_needs_no_finding_about_its_facts(tmp_path: Path) -> None:
    rules = found(read(tmp_path), read(tmp_path, ("WIDGET_ALONE_CODE 7", "WIDGET_SINGLE_SIGN 8")))
    assert ("VD133", "breaking") in rules
    assert "VD320" not in {rule for rule, _ in rules}


def test_what_one_text_does_not_have_at_all_has_no_facts_to_lose(tmp_path: Path) -> None:
    """A draft whose paragraph is not the reviewed one, against a text without the chapter."""
    draft = read(tmp_path, ("le32 limit", "le32 limits"), stated="Other words.")
    empty = replace(draft, structs=(), registries=(), constants=(), features=(), devices=(), coverage=Coverage())
    assert not {"VD315", "VD320"} & {rule for rule, _ in (*found(empty, draft), *found(draft, empty))}


@pytest.mark.parametrize(
    "key", ["", "/", "a", "a/b/c", "widget/registry/widget_cmd", "widget/struct/widget_piece/weight/x"]
)
@pytest.mark.parametrize("kind", ["relation", "length", "bind", "example", "no_such_kind"])
def test_a_model_may_say_anything_of_its_annotations(key: str, kind: str, tmp_path: Path) -> None:
    old = read(tmp_path)
    skipped = (Skipped(what="annotation", reason=f"{kind} of {key}: {UNPLACED}", place=NOWHERE),)
    new = replace(old, coverage=replace(old.coverage, skipped=skipped))
    assert found(old, new) == found(new, old) == []


def test_nothing_is_told_of_a_text_against_itself(tmp_path: Path) -> None:
    new = read(tmp_path, ("le32 limit", "le32 limits"))
    assert found(new, new) == []


def test_a_respelling_speaks_of_everything_by_its_new_name() -> None:
    spelling = Respelling(
        structs={"a": "b", "cfg": "config"},
        codes={"A_F_X": "B_F_X", "OLD": "NEW"},
        members={"b": {"u": "v", "v.x": "v.y", "n": "count"}, "config": {"size": "bytes"}},
    )
    assert spelling.path("a", "u.x") == "v.y"
    assert spelling.path("other", "u.x") == "u.x"
    assert spelling.member("a.n") == "b.count"
    assert spelling.member("a@u.x") == "b@v.y"
    inside = spelling.inside("a")
    assert inside.length(FieldRef(path="n")) == FieldRef(path="count")
    assert inside.length(ConfigRef(struct="cfg", path="size")) == ConfigRef(struct="config", path="bytes")
    assert inside.length(Expression(text="u.x * (n + 1)")) == Expression(text="v.y * (count + 1)")
    assert inside.length(Count(value=2, text="OLD")) == Count(value=2, text="NEW")
    condition = AllOf(terms=(Feature(name="A_F_X"), Not(term=FieldIs(path="n", value="OLD"))))
    respelled = AllOf(terms=(Feature(name="B_F_X"), Not(term=FieldIs(path="count", value="NEW"))))
    assert inside.condition(condition) == respelled
    # a name speaks of the nearest member: of `u.x` among those of `u`, and of those around them
    assert spelling.inside("a", "u").length(FieldRef(path="x")) == FieldRef(path="y")
    assert spelling.inside("a", "u").length(FieldRef(path="n")) == FieldRef(path="count")
    assert spelling.path("a", "u[0].x") == "v[0].y"
    assert spelling.relation(Relation(text="n <= OLD", condition=condition), "a") == Relation(
        text="count <= NEW", condition=respelled
    )
    binding = Binding(role="data", struct="a", member="a.u.x", condition=Feature(name="A_F_X"))
    assert spelling.binding(binding) == Binding(
        role="data", struct="b", member="b.v.y", condition=Feature(name="B_F_X")
    )
    assert spelling.key("m/struct/a/u.x") == "m/struct/a/v.y"
    back = spelling.reversed()
    assert back.path("b", "v.y") == "u.x"
    assert back.relation(spelling.relation(Relation(text="n <= OLD", condition=condition), "a"), "b") == Relation(
        text="n <= OLD", condition=condition
    )


@pytest.mark.parametrize("name", ["indirection_table", "indirection_table_mask", "virtio_net_rss_config"])
def test_a_name_of_a_release_that_is_changed_everywhere(name: str, releases: Path, tmp_path: Path) -> None:
    tree = tmp_path / "new"
    shutil.copytree(releases / "v1.4", tree)
    for path in tree.rglob("*.tex"):
        text = path.read_text("utf-8")
        if name in text and not path.name.startswith("cl-"):
            path.write_text(re.sub(rf"\b{name}\b", f"{name}s", text), "utf-8")
    specs = []
    for source in (releases / "v1.4", tree):
        load_annotations.cache_clear()
        facts = load_annotations(Path(__file__).parents[1] / "spec" / "annotations.toml")
        specs.append(link_document(read_document(open_source(str(source)), Sink()), Sink(), "1.4", facts))
    assert str(compare_specs(*specs).verdict) == "compatible"


DEVICE = """\\section{Gadget Device}\\label{sec:Device Types / Gadget Device}

\\subsection{Device ID}
  63

\\subsection{Feature bits}

\\begin{description}
\\item[GADGET_F_PARTS (3)] There are parts.
\\item[GADGET_F_MANY (4)] There are many parts.
\\end{description}
\\begin{description}
\\item[GADGET_F_MANY] Requires GADGET_F_PARTS.
\\end{description}

\\subsection{Device configuration layout}

\\begin{lstlisting}
struct gadget_config {
        le32 part_size;
        le32 flags;
        le16 many; /* only if GADGET_F_MANY is negotiated */
};
\\end{lstlisting}

\\subsection{Device Operation}

\\begin{lstlisting}
#define GADGET_CMD_ASK 1
#define GADGET_ROWS 4

struct gadget_head {
        le16 type : 12;
        le16 mode : 4;
        le32 length;
};

struct gadget_request {
        struct gadget_head head;
        le32 count;
        struct {
                le16 inner;
                u8 table[inner];
                u8 more[count];
        } nested;
        le32 rows[GADGET_ROWS];
        u8 body[head.length];
        u8 part[part_size];
        u8 parts[count * part_size];
        u8 tail[sizeof(struct gadget_head)];
};
\\end{lstlisting}
"""


@pytest.mark.parametrize("turned", [False, True], ids=["forth", "back"])
@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("part_size", ["VD202"]),
        ("gadget_config", ["VD201"]),
        ("gadget_head", ["VD201"]),
        ("count", ["VD202"]),
        ("inner", ["VD202"]),
        ("nested", ["VD202"]),
        ("head", ["VD202"]),
        ("length", ["VD202"]),
        ("mode", ["VD209"]),
        ("GADGET_ROWS", ["VD203"]),
        ("GADGET_F_PARTS", ["VD208"]),
        ("GADGET_F_MANY", ["VD208"]),
    ],
)
def test_what_depends_on_a_name_follows_it(name: str, rules: list[str], turned: bool) -> None:
    """Lengths, conditions and requirements that speak of what has another name are the same as before."""
    new = re.sub(rf"\b{name}\b", f"x_{name}" if name.islower() else f"{name}_X", DEVICE)
    texts = (new, DEVICE) if turned else (DEVICE, new)
    comparison = compare_readings(*(read_text(text) for text in texts))
    assert [c.rule for c in comparison.changes] == rules
    assert str(comparison.verdict) == "compatible"


def test_a_name_that_is_not_followed_everywhere_is_told() -> None:
    """The length is another member's now: no new name explains it."""
    new = DEVICE.replace("le32 part_size;", "le32 part_bytes;").replace("part[part_size]", "part[flags]")
    rules = {c.rule for c in compare_readings(read_text(DEVICE), read_text(new)).changes}
    assert {"VD202", "VD114"} <= rules


def test_a_renamed_bit_field_keeps_its_bits_in_the_sample() -> None:
    new = re.sub(r"\bmode\b", "manner", DEVICE)
    comparison = compare_readings(read_text(DEVICE), read_text(new))
    (told,) = (c for c in comparison.changes if c.subject.startswith("gadget_head"))
    assert told.sample is not None and told.layout is not None
    assert told.sample.old == told.sample.new
    assert [row.mark for row in told.layout.rows] == ["same", "renamed", "same"]


def test_a_name_that_two_members_have_follows_neither() -> None:
    """One of them is renamed, and what speaks of the other one stays as it is."""
    old = (
        DEVICE.replace("u8 tail[", "le32 extra; /* valid only if count == GADGET_CMD_ASK */\n        u8 tail[")
        .replace("le16 inner;", "le16 inner;\n                le16 count;")
        .replace("u8 more[count]", "u8 more[inner]")
    )
    new = old.replace("                le16 count;", "                le16 number;")
    assert new != old and "extra" in old
    changes = compare_readings(read_text(old), read_text(new)).changes
    assert [(c.rule, c.subject) for c in changes] == [("VD202", "gadget_request.nested.number")]


def test_a_bit_field_is_called_by_its_name_alone() -> None:
    old = DEVICE.replace(
        "u8 tail[", "le32 extra; /* valid only if mode == GADGET_CMD_ASK */\n        u8 tail["
    ).replace(
        "le32 count;",
        "le16 {\n                type : 12;\n                mode : 4;\n        } bits;\n        le32 count;",
    )
    new = re.sub(r"\bmode\b", "manner", old)
    changes = compare_readings(read_text(old), read_text(new)).changes
    assert [(c.rule, c.subject) for c in changes] == [
        ("VD209", "gadget_head.manner"),
        ("VD209", "gadget_request.bits.manner"),
    ]
