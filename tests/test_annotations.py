"""Annotations hold for the text they were made from; those that hold no more are reported and not applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.annotations import condition_of, length_of, load_annotations, relation_of
from virtspec.diagnostics import Sink, SpecError
from virtspec.inputs import open_source
from virtspec.latex.document import read_document
from virtspec.latex.text import digest
from virtspec.link import link_document
from virtspec.model import AllOf, Array, Expression, Feature, FieldIs, FieldRef, Not, Relation, Rest, Spec
from virtspec.pipeline import read_spec

EDITIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

PARAGRAPH = "There are \\field{count} parts."
CHAPTER = f"""\\section{{Widget Device}}\\label{{sec:Widget}}

{PARAGRAPH}

\\begin{{lstlisting}}
struct widget {{
        u8 count;
        u8 parts[];
        union {{
                u8 dot;
                le16 line;
        }} shape;
}};
#define WIDGET_CMD_A 1
#define WIDGET_CMD_B 2
\\end{{lstlisting}}
"""


def fact(body: str, text: str = PARAGRAPH, section: str = "sec:Widget") -> str:
    return f'[[fact]]\n{body}\nsection = "{section}"\ndigest = ["{digest(text)}"]\n'


def read(tmp_path: Path, facts: str, edition: str = "", chapter: str = CHAPTER) -> tuple[Spec, list[str]]:
    (tmp_path / "facts.toml").write_text(facts, "utf-8")
    (tmp_path / "widget.tex").write_text(chapter, "utf-8")
    sink = Sink()
    document = read_document(open_source(str(tmp_path / "widget.tex")), sink)
    load_annotations.cache_clear()
    spec = link_document(document, sink, edition, load_annotations(tmp_path / "facts.toml"))
    return spec, [f"{d.span.line}: {d.rule} {d.message}" for d in sink.in_order() if d.rule in ("VS260", "VS261")]


def test_facts_are_applied(tmp_path: Path) -> None:
    key = "widget/struct/widget"
    spec, found = read(
        tmp_path,
        fact(f'key = "{key}/parts"\nlength = "count"')
        + fact(f'key = "{key}/shape.dot"\ncondition = "count is WIDGET_CMD_A"')
        + fact(f'key = "{key}/count"\ndirection = "writable"')
        + fact('key = "widget/registry/widget_cmd"\nfields = ["widget.count"]')
        + fact('key = "widget/registry/widget_cmd"\nascending = true')
        + fact('key = "widget/registry/widget_cmd/WIDGET_CMD_A"\nbind = { data = "widget *", result = "widget" }'),
    )
    assert not found
    count, parts, shape = spec.structs[0].members
    assert isinstance(parts.type, Array)
    assert parts.type.length == FieldRef(path="count")
    assert count.direction == "writable"
    assert shape.type.members[0].condition == FieldIs(path="count", value="WIDGET_CMD_A")  # type: ignore[union-attr]
    assert shape.type.members[0].evidence.line == 3  # type: ignore[union-attr]
    registry = spec.registries[0]
    assert registry.fields == ("widget.count",)
    assert registry.ascending
    assert [(b.role, b.struct, b.many) for b in registry.entries[0].bindings] == [
        ("data", "widget", True),
        ("result", "widget", False),
    ]
    assert dict(spec.coverage.tallies)["annotations"].read == 6


def test_changed_text_makes_a_fact_stale(tmp_path: Path) -> None:
    spec, found = read(tmp_path, fact('key = "widget/struct/widget/parts"\nlength = "count"', "There were parts."))
    assert found == [
        "1: VS260 length of 'widget/struct/widget/parts' is not applied: the text that states it has changed"
    ]
    assert isinstance(spec.structs[0].members[1].type, Array)
    assert spec.structs[0].members[1].type.length == Rest()
    assert [s.what for s in spec.coverage.skipped] == ["annotation"]


def test_blanks_and_line_breaks_change_nothing(tmp_path: Path) -> None:
    facts = fact('key = "widget/struct/widget/parts"\nlength = "count"')
    _, found = read(tmp_path, facts, chapter=CHAPTER.replace("There are ", "There\n   are "))
    assert not found


def test_a_fact_of_nothing_is_unused(tmp_path: Path) -> None:
    _, found = read(tmp_path, fact('key = "widget/struct/widget/pairs"\nlength = "count"'))
    assert found == [
        "1: VS261 length of 'widget/struct/widget/pairs' is not applied: no such member, registry or entry"
    ]


def test_a_fact_on_another_chapter_is_no_matter(tmp_path: Path) -> None:
    spec, found = read(tmp_path, fact('key = "gadget/struct/gadget/parts"\nlength = "count"', section="sec:Gadget"))
    assert not found
    assert "annotations" not in dict(spec.coverage.tallies)


def test_a_fact_whose_paragraph_is_gone_as_well_is_unused(tmp_path: Path) -> None:
    facts = fact('key = "widget/struct/widget/pairs"\nlength = "count"', "There were pairs.")
    spec, found = read(tmp_path, facts)
    assert found == [
        "1: VS261 length of 'widget/struct/widget/pairs' is not applied: no such member, registry or entry"
    ]
    assert [s.what for s in spec.coverage.skipped] == ["annotation"]


LIMITS = """\\section{Widget Device}\\label{sec:Widget}

\\begin{lstlisting}
struct point {
        le16 x;
};
struct limits {
        le32 least;
        le32 most;
        le16 { wide : 1; rest : 15; };
        struct point at;
        u8 name[4];
        union {
                u8 dot;
        } shape;
};
#define WIDGET_MAX 9
\\end{lstlisting}

\\devicenormative{\\subsection}{Limits}{Widget / Limits}

The device MUST set \\field{least} to \\field{most} or less. The device MAY change
\\field{least} and \\field{most}.

The device MUST NOT change \\field{most}.
""".replace("\\\\", "\\")
STATED = LIMITS.split("\n\n")[3]
SECTION = "devicenormative:Widget / Limits"


def relation(body: str, text: str = STATED) -> str:
    return fact(f'key = "widget/struct/limits"\n{body}', text, SECTION)


def test_relations_are_given_to_the_struct(tmp_path: Path) -> None:
    texts = ["least <= most", "at.x % 2 == 0", "wide <= least", "(most & (most - 1)) == 0", "most < WIDGET_MAX"]
    facts = relation(f"relation = {texts}") + relation('relation = "least != 0"\nwhen = "not VIRTIO_X_F_Y"')
    spec, found = read(tmp_path, facts, chapter=LIMITS)
    assert not found
    limits = next(s for s in spec.structs if s.name == "limits")
    assert [r.text for r in limits.relations] == [*texts, "least != 0"]
    assert limits.relations[-1].condition == Not(term=Feature(name="VIRTIO_X_F_Y"))
    assert {r.evidence.line for r in limits.relations} == {22}
    assert dict(spec.coverage.tallies)["annotations"].read == 6


@pytest.mark.parametrize("text", ["least < more", "name < 4", "shape.dot < 4", "at < 4", "at.y < 4"])
def test_a_relation_of_what_is_no_number_is_unused(text: str, tmp_path: Path) -> None:
    spec, found = read(tmp_path, relation(f'relation = "{text}"'), chapter=LIMITS)
    reason = "no such member, registry or entry"
    assert found == [f"1: VS261 relation of 'widget/struct/limits/{text}' is not applied: {reason}"]
    assert not any(s.relations for s in spec.structs)


def test_a_stale_relation_names_itself(tmp_path: Path) -> None:
    facts = relation('relation = "least <= most"', "Something else.") + relation('relation = "least != 0"')
    _, found = read(tmp_path, facts, chapter=LIMITS)
    reason = "the text that states it has changed"
    assert found == [f"1: VS260 relation of 'widget/struct/limits/least <= most' is not applied: {reason}"]


def test_the_clause_that_states_a_relation_says_so(tmp_path: Path) -> None:
    def stating(facts: str, chapter: str) -> dict[str, tuple[str, ...]]:
        spec, _ = read(tmp_path, facts, chapter=chapter)
        return {" ".join(c.words.split()): c.states for c in spec.clauses if c.states}

    first = r"The device MUST set \field{least} to \field{most} or less."
    key = ("widget/struct/limits",)
    assert stating(relation('relation = "least <= most"'), LIMITS) == {first: key}  # what it MAY do states nothing
    chapter = LIMITS.replace("MAY", "MUST NOT")
    text = chapter.split("\n\n")[3]
    second = r"The device MUST NOT change \field{least} and \field{most}."
    assert stating(relation('relation = "least <= most"', text), chapter) == {first: key, second: key}
    one = relation(f'relation = "least <= most"\nclause = "{digest(first)}"', text)
    assert stating(one, chapter) == {first: key}


def test_since(tmp_path: Path) -> None:
    facts = fact('key = "widget/struct/widget/parts"\nlength = "count"\nsince = "1.10"', "not there")
    assert not read(tmp_path, facts, "1.9")[1]
    assert read(tmp_path, facts, "1.10")[1]


def test_until(tmp_path: Path) -> None:
    gone = fact('key = "widget/struct/widget/parts"\nlength = "count"\nuntil = "1.9"', "not there")
    assert read(tmp_path, gone, "1.9")[1]
    assert not read(tmp_path, gone, "1.10")[1]
    assert not read(tmp_path, gone)[1]  # a text that does not tell its edition is the newest


def test_lengths_and_conditions() -> None:
    assert length_of("a.b") == FieldRef(path="a.b")
    assert length_of("mask + 1") == Expression(text="mask + 1")
    assert length_of("rest") == Rest()
    assert condition_of("not VIRTIO_X_F_Y") == Not(term=Feature(name="VIRTIO_X_F_Y"))
    assert relation_of("a%b==0", "a is 3") == (
        Relation(text="a % b == 0", condition=FieldIs(path="a", value="3")),
        ("a", "b"),
    )
    assert condition_of("VIRTIO_X_F_Y and a is 3") == AllOf(
        terms=(Feature(name="VIRTIO_X_F_Y"), FieldIs(path="a", value="3"))
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fact = 1", "one after the other"),
        ("[[fact]\n", "facts.toml"),
        ('[[fact]]\nkey = "x"\n', "a fact states one of"),
        (fact('key = "x"'), "a fact states one of"),
        (fact('key = "x"\nlength = "1"\noptional = true'), "a fact states one of"),
        (fact('key = "x"\nlength = "__import__(\'os\')"'), "is no length"),
        (fact('key = "x"\ncondition = "when it rains"'), "is no condition"),
        (fact('key = "x"\nbind = { gift = "y" }'), "binds nothing"),
        (fact('key = "x"\nfields = ["a; b"]'), "are members"),
        (fact('key = "x"\noptional = true\nsince = "soon"'), "are editions"),
        (fact('key = "x"\noptional = true\nuntil = "1"'), "are editions"),
        (fact('key = "x"\noptional = true\nsince = "1.10"\nuntil = "1.9"'), "are editions"),
        (fact('key = "x"\ndirection = "up"'), "readable or writable"),
        (fact('key = "x"\noptional = true\nhint = "?"'), "'hint' is no part of a fact"),
        (fact('key = "x"\nrelation = "a + b"'), "is no relation"),
        (fact('key = "x"\nrelation = "a < b < c"'), "goes on behind the comparison"),
        (fact('key = "x"\nrelation = "__import__(\'os\') == 0 or 1"'), "is no relation"),
        (fact('key = "x"\nrelation = ["a < b", "a"]'), "is no relation"),
        (fact('key = "x"\nrelation = "a < b"\nwhen = "when it rains"'), "is no condition"),
        (fact('key = "x"\nrelation = "a < b"\nclause = "the second"'), "'clause' is a text of 16"),
        (fact('key = "x"\noptional = true\nclause = "0123456789abcdef"'), "'clause' goes with"),
        (fact('key = "x"\noptional = true\nwhen = "a is 3"'), "'when' goes with 'bind' and 'relation'"),
        ('[[fact]]\nkey = "x"\noptional = true\nsection = "s"\ndigest = ["xyz"]\n', "16 hexadecimal digits"),
        ('[[fact]]\noptional = true\nsection = "s"\ndigest = ["0123456789abcdef"]\n', "no 'key'"),
    ],
)
def test_a_wrong_file_is_one_error(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"facts\.toml") as raised:
        read(tmp_path, text)
    assert message in str(raised.value)


def test_every_committed_fact_holds_and_is_used(releases: Path, root: Path) -> None:
    load_annotations.cache_clear()
    facts = load_annotations(root / "spec/annotations.toml")
    assert len(facts) > 100
    specs = [releases / f"v{edition}" for edition in EDITIONS] + [root / "spec/device-context.tex"]
    used: set[str] = set()
    for spec in specs:
        sink = Sink()
        model = read_spec(str(spec), sink)
        assert not [d.render() for d in sink.in_order() if d.rule in ("VS260", "VS261")]
        known = {x.key for x in (*model.structs, *model.registries, *model.constants)}
        used |= {f.key for f in facts if f.key in known or f.key.rpartition("/")[0] in known}
    assert {f.key for f in facts} == used
