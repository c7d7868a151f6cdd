"""Since when a thing exists, and what became of what is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from virtspec import model_json
from virtspec.diagnostics import SpecError
from virtspec.pipeline import editions, read_spec, renamed_names
from virtspec.releases import compute_since
from virtspec.since import Since

HEAD = "\\section{Widget Device}\n\\begin{lstlisting}\n"
TAIL = "\\end{lstlisting}\n"


def history(tmp_path: Path, *listings: str) -> dict[str, dict[str, object]]:
    models = []
    for index, listing in enumerate(listings):
        path = tmp_path / f"{index}.tex"
        path.write_text(HEAD + listing + TAIL, "utf-8")
        models.append(read_spec(str(path), edition=f"1.{index}"))
    return compute_since(models)


def test_first_release(tmp_path: Path) -> None:
    table = history(
        tmp_path,
        "struct a { u8 x; };\n#define W_ONE 1\n",
        "struct a { u8 x; struct { le16 z; } y[2]; };\nstruct b { u8 q; };\n#define W_ONE 1\n#define W_TWO 2\n",
    )
    since = Since(table)
    assert since.struct("a") == "1.0"
    assert since.member("a", "x") == "1.0"
    assert since.member("a", "y[].z") == "1.1"
    assert since.member("a", "w") is None
    assert since.struct("b") == "1.1"
    assert since.constant("W_TWO") == "1.1"
    assert since.entry("widget", "W_TWO") == "1.1"
    assert since.struct("c") is None


def test_what_became_of_what_is_gone(tmp_path: Path) -> None:
    table = history(
        tmp_path,
        "struct a { u8 x; le32 y; };\nstruct old { u8 p; le64 q; };\nstruct lost { u8 r; };\n"
        "#define WIDGET_F_OLD 5\n#define WIDGET_F_LOST 6\n",
        "struct a { u8 x; le32 z; };\nstruct new { u8 p; le64 q; };\n#define WIDGET_F_NEW 5\n#define OTHER 6\n",
    )
    gone = table["gone"]
    assert gone["structs"] == {
        "lost": {"last": "1.0", "module": "widget"},
        "old": {"last": "1.0", "became": "new", "module": "widget"},
    }
    assert gone["members"] == {"a.y": {"last": "1.0", "became": "z"}}
    assert gone["constants"] == {
        "WIDGET_F_LOST": {"last": "1.0", "module": "widget"},
        "WIDGET_F_OLD": {"last": "1.0", "became": "WIDGET_F_NEW", "module": "widget"},
    }


def test_what_comes_back_is_not_gone(tmp_path: Path) -> None:
    table = history(tmp_path, "struct a { u8 x; };\n", "struct b { u8 y; };\n", "struct a { u8 x; };\n")
    assert set(table["gone"]["structs"]) == {"b"}  # type: ignore[call-overload]
    assert table["structs"]["a"] == "1.0"


def test_the_committed_table(root: Path) -> None:
    models = [model_json.load(root / f"spec/models/virtio-{edition}.json") for edition in editions()]
    committed = (root / "spec/models/since.json").read_text("utf-8")
    assert model_json.render(compute_since(models, renamed_names())) == committed, "run 'make models'"
    since = Since(json.loads(committed))
    assert since.member("virtio_net_config", "mac") == "1.0"
    assert since.member("virtio_net_config", "mtu") == "1.1"
    assert since.feature("VIRTIO_NET_F_MTU") == "1.1"
    assert since.entry("admin", "VIRTIO_ADMIN_CMD_LIST_QUERY") == "1.3"


def test_reviewed_renamings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtspec.pipeline.spec_file", lambda path: tmp_path / path)
    settings = tmp_path / "spec.toml"
    with pytest.raises(SpecError, match=r"spec\.toml: cannot be read"):
        renamed_names()
    settings.write_text('[renamed]\n"a.b" = "c"\n"d" = ""\n[editions]\n"1.0" = "x"\n"1.1" = "y"\n', "utf-8")
    assert renamed_names() == {"a.b": "c", "d": ""}
    assert editions() == ["1.0", "1.1"]
    settings.write_text("[renamed]\na = 3\n", "utf-8")
    with pytest.raises(SpecError, match="one line for each name"):
        renamed_names()
    with pytest.raises(SpecError, match=r"no \[editions\]"):
        editions()
    settings.write_bytes(b"\xff")
    with pytest.raises(SpecError, match="cannot be read"):
        renamed_names()
