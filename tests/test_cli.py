"""The command line: exit codes, where output goes, and that a run can be repeated byte for byte."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from virtspec.cli import COMMANDS, main, parser

CHAPTER = Path(__file__).parents[1] / "spec" / "device-context.tex"


def test_layout_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", str(CHAPTER), "virtio_dev_ctx_field_tlv"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()[1:5]] == [
        ["le32", "type;"],
        ["le32", "reserved;"],
        ["le64", "length;"],
        ["u8", "value[length];"],
    ]
    assert err == ""


def test_layout_text_names_a_union(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "port.tex"
    path.write_text("\\begin{lstlisting}\nunion port_value { le32 word; u8 bytes[4]; };\n\\end{lstlisting}\n", "utf-8")
    assert main(["layout", str(path)]) == 0
    assert capsys.readouterr().out.startswith("union port_value {  /* port.tex:2 */\n")


def test_layout_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", str(CHAPTER), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "virtspec.layout/1"
    structs = {s["name"]: s for s in document["structs"]}
    assert list(structs) == [
        "virtio_dev_ctx_field_tlv",
        "virtio_dev_ctx",
        "virtio_dev_ctx_features",
        "virtio_dev_ctx_pci_vq_cfg",
        "virtio_dev_ctx_vq_split_runtime",
        "virtio_dev_ctx_vq_split_dev_descs",
    ]
    assert (structs["virtio_dev_ctx_pci_vq_cfg"]["size"], structs["virtio_dev_ctx_vq_split_runtime"]["size"]) == (30, 5)
    tail = structs["virtio_dev_ctx_vq_split_dev_descs"]["fields"][-1]
    assert (tail["path"], tail["type"], tail["offset"], tail["size"]) == ("desc_idx", "le16", 4, None)
    assert {c["name"]: c["value"] for c in document["constants"]}["VIRTIO_DEV_CTX_VQ_SPLIT_DEV_OWN_DESC"] == 5
    assert document["coverage"]["listings"]["total"] == document["coverage"]["listings"]["read"]


def test_an_unknown_name_is_answered_with_the_likely_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", str(CHAPTER), "virtio_dev_ctxt"]) == 2
    assert "did you mean 'virtio_dev_ctx'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layout", "absent.tex"], "no such file"),
        (["extract", "absent.tex"], "give -o MODEL.json"),
        (["generate", "--only", "cobol"], "unknown target 'cobol'"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_every_command_has_help_with_examples() -> None:
    for action in parser()._actions:
        for command in getattr(action, "choices", None) or {}:
            text = action.choices[command].format_help()  # type: ignore[index, call-overload, union-attr]
            assert "examples:" in text, command
            assert f"virtspec {command}" in text
    assert COMMANDS


def test_a_reader_that_stops_early(tmp_path: Path) -> None:
    command = f"{sys.executable} -m virtspec layout {CHAPTER} | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=environment())
    assert done.stderr == ""
    assert done.stdout.startswith("struct ")


def test_runs_are_identical(tmp_path: Path) -> None:
    """Whatever the hash seed, locale and directory."""
    outputs = set()
    for seed, language in (("0", "C"), ("1", "C.UTF-8"), ("77", "POSIX")):
        path = tmp_path / f"model-{seed}.json"
        subprocess.run(
            [sys.executable, "-m", "virtspec", "extract", str(CHAPTER), "-o", str(path)],
            check=True,
            cwd=tmp_path,
            env={**environment(), "PYTHONHASHSEED": seed, "LC_ALL": language},
        )
        outputs.add(path.read_bytes())
    assert len(outputs) == 1


def environment() -> dict[str, str]:
    import os

    source = str(Path(__file__).parents[1] / "codegen")
    return {**os.environ, "PYTHONPATH": source}


def test_facts_that_do_not_hold_for_an_unknown_edition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text(CHAPTER.read_text("utf-8").replace("queue_size", "queue_length"), "utf-8")
    assert main(["extract", str(chapter), "-o", "-"]) == 0
    assert "name it with --edition X.Y" in capsys.readouterr().err
    assert main(["extract", str(chapter), "-o", "-", "--edition", "1.5"]) == 0
    assert "name it with --edition X.Y" not in capsys.readouterr().err
