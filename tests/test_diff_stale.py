"""A fact that only a paragraph states, when the paragraph has other words on one side."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from virtspec.annotations import load_annotations
from virtspec.diagnostics import Sink
from virtspec.diff.compare import compare_specs
from virtspec.diff.stale import stale_facts
from virtspec.inputs import open_source
from virtspec.latex.document import read_document
from virtspec.latex.text import digest
from virtspec.link import link_document
from virtspec.model import Array, FieldRef, Rest, Spec
from virtspec.model_json import dump, load

STATED = "There are \\field{count} parts, and the first one has a dot."
CHAPTER = """\\section{{Widget}}\\label{{sec:Widget}}

{stated}

\\begin{{lstlisting}}
struct widget {{
        le32 count;
        u8 parts[{length}];
}};

#define WIDGET_CMD_A 1
#define WIDGET_CMD_B 2

struct gadget {{
        u8 a;
}};

#define GADGET_SIZE 7
\\end{{lstlisting}}
"""
KEYS = (
    ("widget/struct/widget/parts", 'length = "count"'),
    ("widget/struct/widget/count", 'condition = "count is WIDGET_CMD_A"'),
    ("widget/struct/widget/count", 'direction = "readable"'),
    ("widget/struct/widget/count", "optional = true"),
    ("widget/registry/widget_cmd", 'fields = ["widget.count"]'),
    ("widget/registry/widget_cmd/WIDGET_CMD_A", 'bind = { data = "widget" }'),
    ("widget/registry/widget_cmd/WIDGET_CMD_B", 'condition = "WIDGET_F_B"'),
    ("widget/registry/widget_cmd", 'bits = ["widget.count"]'),
    ("widget/registry/widget_cmd", "ascending = true"),
    ("widget/struct/gadget", "example = true"),
    ("widget/const/GADGET_SIZE", "example = true"),
)
FACTS = "".join(
    f'[[fact]]\nkey = "{key}"\n{fact}\nsection = "sec:Widget"\ndigest = ["{digest(STATED)}"]\n' for key, fact in KEYS
)


def read(tmp_path: Path, stated: str = STATED, length: str = "") -> Spec:
    (tmp_path / "facts.toml").write_text(FACTS, "utf-8")
    (tmp_path / "widget.tex").write_text(CHAPTER.format(stated=stated, length=length), "utf-8")
    document = read_document(open_source(str(tmp_path / "widget.tex")), Sink())
    load_annotations.cache_clear()
    return link_document(document, Sink(), "", load_annotations(tmp_path / "facts.toml"))


def found(old: Spec, new: Spec) -> list[tuple[str, str]]:
    return [(c.rule, str(c.verdict)) for c in compare_specs(old, new).changes]


def test_a_paragraph_in_another_spelling_changes_nothing(tmp_path: Path) -> None:
    old, new = read(tmp_path), read(tmp_path, STATED.replace(", and", " and"))
    assert isinstance(new.structs[0].members[1].type, Array)
    assert new.structs[0].members[1].type.length == Rest()
    assert found(old, new) == found(new, old) == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_paragraph_in_other_words_is_to_be_read(tmp_path: Path, turned: bool) -> None:
    old, new = read(tmp_path), read(tmp_path, STATED.replace("There are", "Since today there are"))
    if turned:
        old, new = new, old
    assert found(old, new) == [("VD315", "undecided")] * len(KEYS)
    assert not [c for c in compare_specs(old, new).changes if c.class_ != "normative"]


def test_what_the_listing_says_now_goes_before(tmp_path: Path) -> None:
    new = read(tmp_path, "Other words.", length="16")
    assert ("VD114", "breaking") in found(read(tmp_path), new)
    # with the words as they were, too
    assert found(read(tmp_path), read(tmp_path, length="16")) == [("VD114", "breaking")]


def test_a_model_file_has_the_fact_and_not_the_paragraph(tmp_path: Path) -> None:
    (tmp_path / "widget.json").write_text(dump(read(tmp_path)), "utf-8")
    old = load(tmp_path / "widget.json")
    assert isinstance(old.structs[0].members[1].type, Array)
    assert old.structs[0].members[1].type.length == FieldRef(path="count")
    assert set(found(old, read(tmp_path, "Other words."))) == {("VD315", "undecided")}
    assert found(old, read(tmp_path)) == []


@pytest.mark.parametrize("edition", ["1.0", "1.2", "1.4"])
def test_no_fact_of_a_release_is_lost_with_its_paragraph(
    edition: str, releases: Path, root: Path, tmp_path: Path
) -> None:
    """Where every reviewed paragraph has changed its digest and none its words, nothing has changed."""
    facts = root / "spec" / "annotations.toml"
    bogus = tmp_path / "facts.toml"
    bogus.write_text(re.sub(r"digest = \[[^\]]*\]", f'digest = ["{16 * "0"}"]', facts.read_text("utf-8")), "utf-8")
    specs = []
    for file in (facts, bogus):
        document = read_document(open_source(str(releases / f"v{edition}")), Sink())
        specs.append(link_document(document, Sink(), edition, load_annotations(file)))
    assert len(stale_facts(specs[1])) > 50
    assert found(specs[0], specs[1]) == found(specs[1], specs[0]) == []
