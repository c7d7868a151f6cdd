"""Several models as one: what only one of them defines is taken over, and nothing is displaced in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import SpecError
from virtspec.link.merge import merge_specs
from virtspec.model import Spec
from virtspec.pipeline import read_spec

CHAPTER = """\\section{{Widget Device}}
\\subsection{{Device ID}}
{id}
\\subsection{{Feature bits}}
\\begin{{description}}
\\item[WIDGET_F_ONE ({bit})] One.
\\end{{description}}
\\begin{{tabular}}{{|l|l|}}
Opcode & Name \\\\
{code} & WIDGET_CMD_A \\\\
2 & WIDGET_CMD_B \\\\
\\end{{tabular}}
\\begin{{lstlisting}}
#define WIDGET_SIZE {size}
struct widget {{ {type} x; }};
\\end{{lstlisting}}
"""

FACTS = {"id": "77", "bit": "1", "code": "1", "size": "8", "type": "le32"}


def chapter(tmp_path: Path, name: str, **facts: str) -> Spec:
    path = tmp_path / f"{name}.tex"
    path.write_text(CHAPTER.format(**{**FACTS, **facts}), "utf-8")
    return read_spec(str(path))


def test_the_same_thing_may_be_defined_twice(tmp_path: Path) -> None:
    one, other = chapter(tmp_path, "one"), chapter(tmp_path, "other")
    assert merge_specs([one, other]).structs == one.structs


@pytest.mark.parametrize(
    ("fact", "value", "name"),
    [
        ("id", "78", "Widget Device"),
        ("bit", "2", "WIDGET_F_ONE"),
        ("code", "3", "WIDGET_CMD_A"),
        ("size", "9", "WIDGET_SIZE"),
        ("type", "le16", "widget"),
    ],
)
def test_nothing_is_displaced_by_another_definition(tmp_path: Path, fact: str, value: str, name: str) -> None:
    one, other = chapter(tmp_path, "one"), chapter(tmp_path, "other", **{fact: value})
    with pytest.raises(SpecError, match=rf"^other\.tex:\d+: '{name}' is defined differently at one\.tex:\d+$"):
        merge_specs([one, other])
