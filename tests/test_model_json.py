"""The model as JSON: it says all that was read, places too, and an edit changes the lines it is about."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from virtspec import model_json
from virtspec.diagnostics import SpecError
from virtspec.model import Spec, Struct
from virtspec.pipeline import read_spec

EDITIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

jsonschema = pytest.importorskip("jsonschema")


TEXTS = frozenset({"words", "paragraphs"})


def everything(value: object) -> object:
    """A model with its places as a comparable value: places take no part in `==`. A model file holds no text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f for f in dataclasses.fields(value) if f.name not in TEXTS]
        return (type(value).__name__, *(everything(getattr(value, f.name)) for f in fields))
    if isinstance(value, tuple):
        return tuple(map(everything, value))
    return value


def again(spec: Spec) -> Spec:
    return model_json.parse(json.loads(model_json.dump(spec)), "model")


@pytest.fixture(scope="session")
def schema(root: Path) -> Any:
    document = json.loads((root / "spec/models/model.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_model_from_json_is_the_one_from_latex(edition: str, releases: Path) -> None:
    spec = read_spec(str(releases / f"v{edition}"))
    back = again(spec)
    for field in dataclasses.fields(Spec):
        if field.name not in TEXTS:
            assert everything(getattr(back, field.name)) == everything(getattr(spec, field.name)), field.name
    assert model_json.dump(back) == model_json.dump(spec)


@pytest.mark.parametrize("edition", EDITIONS)
def test_committed_models_are_what_the_releases_give(edition: str, releases: Path, root: Path) -> None:
    committed = (root / f"spec/models/virtio-{edition}.json").read_text("utf-8")
    assert model_json.dump(read_spec(str(releases / f"v{edition}"))) == committed, "run 'make models'"


@pytest.mark.parametrize("edition", EDITIONS)
def test_models_follow_the_schema(edition: str, root: Path, schema: Any) -> None:
    document = json.loads((root / f"spec/models/virtio-{edition}.json").read_text("utf-8"))
    assert not [f"{e.json_path}: {e.message}" for e in schema.iter_errors(document)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("places"),
        lambda d: d.update(comment="more"),
        lambda d: next(iter(d["structs"].values()))["members"].append({"name": "x"}),
        lambda d: next(iter(d["structs"].values()))["members"].append({"name": "x", "type": "le24"}),
        lambda d: next(iter(d["constants"].values())).update(value="1"),
        lambda d: next(iter(d["clauses"].values())).update(text="the sentence itself"),
        lambda d: next(iter(d["features"].values())).update(requires={"all": [{"feature": "A"}]}),
    ],
)
def test_the_schema_refuses(damage: Any, root: Path, schema: Any) -> None:
    document = json.loads((root / "spec/models/virtio-1.0.json").read_text("utf-8"))
    damage(document)
    assert not schema.is_valid(document)


# --- reviewable ---------------------------------------------------------------------------------------------

FIELDS = [
    ("device-types/blk/description.tex", "        le32 seg_max;", "virtio_blk_config"),
    ("device-types/net/description.tex", "        u8 gso_type;", "virtio_net_hdr"),
    ("admin.tex", "        le16 opcode;", "virtio_admin_cmd"),
    ("transport-pci.tex", "        u8 cap_len; ", "virtio_pci_cap"),
    ("split-ring.tex", "        le64 addr;", "virtq_desc"),
    ("device-types/crypto/description.tex", "    le32 algo;", "virtio_crypto_ctrl_header"),
]


@pytest.mark.parametrize(("file", "line", "struct"), FIELDS, ids=[struct for _, _, struct in FIELDS])
def test_a_field_more_changes_its_structs_lines_only(
    file: str, line: str, struct: str, releases: Path, tmp_path: Path
) -> None:
    tree = tmp_path / "v1.4"
    shutil.copytree(releases / "v1.4", tree)
    path = tree / file
    text = path.read_text("utf-8")
    assert line in text
    end = text.index("\n", text.index(line))
    path.write_text(f"{text[:end]}\n        le32 one_field_more;{text[end:]}", "utf-8")
    old = model_json.dump(read_spec(str(releases / "v1.4"))).splitlines()
    new = model_json.dump(read_spec(str(tree))).splitlines()
    changed = [
        row for row in difflib.unified_diff(old, new, n=0, lineterm="") if not row.startswith(("---", "+++", "@@"))
    ]
    assert len(changed) == 1, "\n".join(changed)
    assert "one_field_more" in changed[0]
    where = new.index(changed[0][1:])
    heads = [row for row in new[:where] if row.startswith("  ") and not row.startswith("   ")]
    assert struct in heads[-1]


def test_definitions_inside_a_struct_keep_their_places(tmp_path: Path) -> None:
    text = """\\section{Widget Device}
\\begin{lstlisting}
struct widget {
        u8 first;

#define WIDGET_INSIDE 1
        struct widget_part {
                u8 a;
        } part;
        union { u8 x; le16 y; } both;
#define WIDGET_BELOW 2
};

struct widget_next { u8 z; };
#define WIDGET_AFTER 3
\\end{lstlisting}
"""
    chapter = tmp_path / "widget.tex"
    chapter.write_text(text, "utf-8")
    spec = read_spec(str(chapter))
    assert everything(again(spec)) == everything(spec)
    lines = {c.name: c.place.line for c in spec.constants}
    assert lines == {"WIDGET_INSIDE": 6, "WIDGET_BELOW": 11, "WIDGET_AFTER": 15}
    old = json.loads(model_json.dump(spec))
    chapter.write_text(text.replace("u8 first;\n", "u8 first;\n        u8 second;\n"), "utf-8")
    new = json.loads(model_json.dump(read_spec(str(chapter))))
    added = new["structs"]["widget/struct/widget"]["members"].pop(1)
    assert added == {"name": "second", "type": "u8"}
    assert new == old


# --- hostile ------------------------------------------------------------------------------------------------


def mutations() -> list[Any]:
    def member(entry: Any) -> Any:
        return lambda d: d["structs"]["widget/struct/a"]["members"].append(entry)

    return [
        lambda d: d.pop("structs"),
        lambda d: d.update(places={"x.tex": ["no-number widget/struct/a"]}),
        lambda d: d.update(places={"x.tex": ["1 widget/struct/a", "1 widget/struct/a"]}),
        lambda d: d["structs"]["widget/struct/a"]["members"][0].update(above=["1 widget/struct/a"]),
        lambda d: d.update(structs=[]),
        lambda d: d["coverage"].update(tallies={"x": {"total": 1}}),
        member({"name": 1, "type": "u8"}),
        member({"name": "x", "type": "u7"}),
        member({"name": "x", "type": "u8", "array": [{"count": "9"}]}),
        member({"name": "x", "type": "u8", "if": {"feature": []}}),
        member("x"),
        lambda d: d["structs"]["widget/struct/a"].pop("members"),
        lambda d: d["structs"]["widget/struct/a"].update(members=""),
        lambda d: d["structs"]["widget/struct/a"].update(name="\ud800"),
        lambda d: d["structs"]["widget/struct/a"].update(below=""),
        lambda d: d["structs"]["widget/struct/a"]["members"][0].update(line=1.5),
        lambda d: d["structs"]["widget/struct/a"]["members"][0].update(line=float("nan")),
        lambda d: d["structs"]["widget/struct/a"]["members"][0].update(above={}),
        lambda d: d["places"].update({"widget.tex": ""}),
        lambda d: d["places"].update({"widget.tex": [f"{1 << 70} widget/struct/a"]}),
        lambda d: d["coverage"].update(skipped={}),
        member({"name": "x", "type": "u8", "array": {}}),
        member({"name": "x", "bits": "u8", "fields": ""}),
        member({"name": "x", "struct": ""}),
    ]


@pytest.mark.parametrize("damage", mutations())
def test_a_damaged_model_is_one_error(damage: Any, tmp_path: Path) -> None:
    chapter = tmp_path / "widget.tex"
    chapter.write_text(
        "\\section{Widget Device}\n\\begin{lstlisting}\nstruct a { u8 b; };\n\\end{lstlisting}\n", "utf-8"
    )
    document = json.loads(model_json.dump(read_spec(str(chapter))))
    damage(document)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(SpecError, match=r"model\.json: the model is damaged"):
        model_json.load(path)


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"schema": "virtspec.model/0"}', "[" * 100_000])
def test_no_model(text: str, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, "utf-8")
    with pytest.raises(SpecError, match=r"model\.json: (?:not JSON|no model)"):
        model_json.load(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d["structs"]["m/struct/a"].pop("name"), "structs: 'm/struct/a': 'name' is missing"),
        (lambda d: d["structs"]["m/struct/a"].update(variant=-1), "structs: 'm/struct/a': expected a number from 0"),
        (lambda d: d["places"].update({"a.tex": ["x y"]}), "places: 'a.tex': "),
        (lambda d: d.pop("clauses"), "'clauses' is missing"),
    ],
)
def test_a_damaged_model_says_where(damage: Any, message: str) -> None:
    a = Struct(key="m/struct/a", name="a", kind="struct", module="m", members=())
    document = json.loads(model_json.dump(Spec(edition="1", structs=(a,), constants=())))
    damage(document)
    with pytest.raises(SpecError, match=re.escape(f"m.json: the model is damaged: {message}")):
        model_json.parse(document, "m.json")
