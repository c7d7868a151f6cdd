"""A device type that defines types of records of its own: lists with them are judged the same in all languages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from questions import answers

from virtspec.model import (
    Array,
    Binding,
    Count,
    Device,
    Entry,
    FieldRef,
    Integer,
    Length,
    Member,
    Range,
    Registry,
    Spec,
    Struct,
    StructRef,
    Type,
)
from virtspec.model_json import dump

ROOT = Path(__file__).resolve().parents[2]

U8 = Integer(bits=8, order="little", spelling="u8")
LE16 = Integer(bits=16, order="little", spelling="le16")


def array(element: Type | str, length: int | str) -> Array:
    counted: Length = Count(value=length) if isinstance(length, int) else FieldRef(path=length)
    return Array(element=StructRef(name=element) if isinstance(element, str) else element, length=counted)


def struct(module: str, name: str, **members: Type) -> Struct:
    held = tuple(Member(name=name, type=type_) for name, type_ in members.items())
    return Struct(key=f"{module}/struct/{name}", name=name, kind="struct", module=module, members=held)


def registry(module: str, *ranges: Range, **structs: tuple[int, str]) -> Registry:
    return Registry(
        key=f"{module}/registry/notes",
        name="Notes",
        tag="type",
        module=module,
        entries=tuple(
            Entry(code=code, name=name, bindings=(Binding(role="value", struct=tag),) if tag else ())
            for name, (code, tag) in structs.items()
        ),
        ranges=ranges,
        fields=("note.type",),
    )


SPEC = Spec(
    edition="test",
    structs=(
        struct("notes", "pair", x=U8, y=U8),
        struct("notes", "note", type=LE16, length=U8, value=array(U8, "length")),
        struct("notes", "notes", count=U8, pad1=U8, items=array("note", "count")),
        struct("gadget", "state", reserved_0=array(U8, 2), x=LE16),
        struct("gadget", "step", at=U8, unused=U8),
        struct("gadget", "trail", count=U8, steps=array("step", "count")),
    ),
    constants=(),
    features=(),
    registries=(
        registry(
            "notes",
            Range(first=0x300, last=0x3FF, meaning="vendor"),
            Range(first=0x400, last=None, meaning="reserved"),
            NOTE_PAIR=(1, "pair"),
        ),
        registry(
            "gadget",
            VIRTIO_GADGET_NOTE_STATE=(0x200, "state"),
            VIRTIO_GADGET_NOTE_TRAIL=(0x201, "trail"),
            VIRTIO_GADGET_NOTE_SIZE=(0x202, "state.x"),
            VIRTIO_GADGET_NOTE_TEXT=(0x203, ""),
        ),
    ),
    devices=(Device(module="gadget", title="Gadget", id=99), Device(module="other", title="Other", id=98)),
)

VERDICTS = {
    "0100 0100 02 0102": "ok",
    "0100 0100 01 01": "error invalid",
    "0100 0100 02 01": "error malformed",
    "0101 0100 02 0102": "error invalid",
    "0100 0003 00": "ok",
    "0100 0004 00": "error invalid",
    "0100 0002 04 00000100": "error invalid",
    "0100 0002 04 00000100 device_type=other": "error invalid",
    "0100 0002 04 00000100 device_type=gadget": "ok",
    "0100 0002 04 00010100 device_type=gadget": "error invalid",
    "0100 0002 03 000001 device_type=gadget": "error invalid",
    "0100 0102 03 010700 device_type=gadget": "ok",
    "0100 0102 03 010701 device_type=gadget": "error invalid",
    "0100 0102 03 020700 device_type=gadget": "error invalid",
    "0100 0202 02 0102 device_type=gadget": "ok",
    "0100 0202 01 01 device_type=gadget": "error invalid",
    "0100 0302 01 01 device_type=gadget": "ok",
    "0200 0302 01 01 0402 00 device_type=gadget": "error invalid",
}
"""What all languages say of a list."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("gadget")
    (directory / "gadget.json").write_text(dump(SPEC))
    made(sys.executable, "-m", "virtspec", "generate", directory / "gadget.json", "-o", directory)
    return directory


def made(*command: str | Path, **environment: str) -> None:
    paths = {"PYTHONPATH": str(ROOT / "codegen"), **environment}
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def verdicts(rendered: Path, *testee: str | Path) -> dict[str, str]:
    lines = []
    for question in VERDICTS:
        data, device, name = question.partition(" device_type=")
        lines.append(f"decode notes {data.replace(' ', '')}{device}{name}")
    found = answers([str(part) for part in testee], lines, PYTHONPATH=str(rendered / "python"))
    kinds = ("ok", "error malformed", "error invalid")
    return dict(zip(VERDICTS, [next(k for k in kinds if answer.startswith(k)) for answer in found], strict=True))


def test_python(rendered: Path) -> None:
    assert verdicts(rendered, sys.executable, "-m", "virtwire.conformance.testee") == VERDICTS


def test_c(rendered: Path, compiler: str) -> None:
    testee, include = rendered / "c-testee", rendered / "c" / "include"
    flags = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror".split()
    source = rendered / "c" / "test" / "testee.c"
    made(compiler, *flags, "-I", include, "-I", rendered / "conformance", source, "-o", testee)
    assert verdicts(rendered, testee) == VERDICTS


@pytest.mark.xdist_group("cargo")
def test_rust(rendered: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo; install cargo and rustc")
    target, manifest = rendered / "target", rendered / "rust" / "Cargo.toml"
    command = ("cargo", "build", "--offline", "--quiet", "--examples", "--manifest-path", manifest)
    made(*command, CARGO_TARGET_DIR=str(target), RUSTFLAGS="-D warnings")
    assert verdicts(rendered, target / "debug" / "examples" / "testee") == VERDICTS
    text = (rendered / "rust" / "src" / "gadget.rs").read_text()
    for line in (
        "pub enum NoteValue<'a> of record: crate::notes::Note<'a> {",
        "0x200 => NoteState(State),",
        "0x201 => NoteTrail(Trail<'a>),",
        "0x202 => NoteSize(Le16),",
        'types of "note" NOTES_CODES, NoteValue;',
    ):
        assert f"    {line}\n" in text
