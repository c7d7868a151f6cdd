"""The Rust crate by use: compiled without a warning and without `std`; its tests, the vectors, damaged bytes."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from virtspec.emit.rust import render_rust
from virtspec.layout import Layouts
from virtspec.link.merge import merge_specs
from virtspec.pipeline import default_inputs, read_spec

ROOT = Path(__file__).resolve().parents[1]

# one process builds the crate, once
pytestmark = pytest.mark.xdist_group("cargo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """A rendered crate, and where Cargo builds it."""

    path: Path
    target: Path

    def cargo(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["cargo", *arguments],
            cwd=self.path,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CARGO_TARGET_DIR": str(self.target),
            "CARGO_NET_OFFLINE": "true",
            "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "CARGO_PROFILE_TEST_DEBUG": "0",
            "CARGO_TERM_COLOR": "never",
            "RUSTFLAGS": "-D warnings",
            "RUST_BACKTRACE": "0",
        }

    @property
    def testee(self) -> list[str]:
        return [str(self.target / "debug" / "examples" / "testee")]


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Crate:
    """The crate of what `virtspec generate` renders by default, built with its example and its tests."""
    if shutil.which("cargo") is None:
        pytest.skip("no cargo; install cargo and rustc")
    directory = tmp_path_factory.mktemp("rust")
    spec = merge_specs([read_spec(spec) for spec in default_inputs()])
    for path, text in render_rust(spec, Layouts(spec)).files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    made = Crate(path=directory / "rust", target=directory / "target")
    built = made.cargo("test", "--no-run", "--quiet")
    assert built.returncode == 0, built.stderr[-8000:]
    return made


def has(tool: str) -> bool:
    """Whether one of Cargo's own tools is there."""
    try:
        return subprocess.run(["cargo", tool, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def answers(command: Sequence[str], lines: Sequence[str], **environment: str) -> list[str]:
    result = subprocess.run(
        command,
        input="".join(f"{line}\n" for line in lines),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    found = result.stdout.splitlines()
    assert len(found) == len(lines)
    return found


# --- the crate itself -------------------------------------------------------------------------------------


def test_its_own_tests_and_the_examples_of_its_documentation(crate: Crate) -> None:
    done = crate.cargo("test")
    assert done.returncode == 0, done.stdout + done.stderr
    results = [line for line in done.stdout.splitlines() if line.startswith("test ")]
    assert sum(line.startswith("test src/lib.rs") for line in results) >= 3
    assert sum("... ok" in line for line in results) >= 14


def test_clippy_has_nothing_to_say(crate: Crate) -> None:
    if not has("clippy"):
        pytest.skip("no clippy")
    done = crate.cargo("clippy", "--lib", "--examples", "--tests", "--quiet", "--", "-D", "warnings")
    assert done.returncode == 0, done.stderr


def test_it_is_formatted(crate: Crate) -> None:
    """By the templates: nothing of the generator runs rustfmt."""
    if not has("fmt"):
        pytest.skip("no rustfmt")
    done = crate.cargo("fmt", "--check")
    assert done.returncode == 0, done.stdout[-4000:]


def test_everything_public_is_documented_and_every_link_resolves(crate: Crate) -> None:
    done = crate.cargo("doc", "--no-deps", "--all-features", "--quiet", RUSTDOCFLAGS="-D warnings")
    assert done.returncode == 0, done.stderr


def test_what_the_readme_shows_is_compiled(crate: Crate) -> None:
    """The README shows a part of an example of the crate's own documentation."""
    (shown,) = re.findall(r"^```rust\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert shown in (crate.path / "README.md").read_text()


def test_the_package_holds_what_it_needs(crate: Crate) -> None:
    done = crate.cargo("package", "--list", "--allow-dirty")
    assert done.returncode == 0, done.stderr
    held = set(done.stdout.split())
    assert {"Cargo.toml", "LICENSE", "README.md", "src/lib.rs", "src/net.rs", "tests/messages.rs"} <= held
    assert not [name for name in held if name.startswith("target")]


FREESTANDING = """\
#![no_std]
#![forbid(unsafe_code)]

use virtwire::Message;

%s
#[panic_handler]
fn halt(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

pub fn queues(bytes: &[u8]) -> u16 {
    virtwire::net::VirtioNetRssConfig::from_bytes(bytes).map_or(0, |config| config.max_tx_vq.get())
}
"""


def test_it_needs_no_standard_library(crate: Crate, tmp_path: Path) -> None:
    """A program may have one panic handler. One of our own beside the crate compiles only if the crate does not bring
    `std`, which has one; that it would fail otherwise is seen by asking for `std`."""
    (library,) = (crate.target / "debug" / "deps").glob("libvirtwire-*.rlib")
    outcomes = []
    for name, line in (("free", ""), ("bound", "extern crate std;\n")):
        source = tmp_path / f"{name}.rs"
        source.write_text(FREESTANDING % line)
        command = ["rustc", "--edition=2021", "--crate-type=staticlib", "-Cpanic=abort", "-o", f"{tmp_path}/{name}.a"]
        command += ["--extern", f"virtwire={library}", str(source)]
        outcomes.append(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False))
    free, bound = outcomes
    assert free.returncode == 0, free.stderr
    assert bound.returncode != 0 and "panic_impl" in bound.stderr, bound.stderr


def test_it_has_no_unsafe_code_and_no_dependency(crate: Crate) -> None:
    library = (crate.path / "src" / "lib.rs").read_text()
    assert "\n#![no_std]\n" in library and "\n#![forbid(unsafe_code)]\n" in library
    tree = crate.cargo("tree", "--all-features")
    assert len(tree.stdout.strip().splitlines()) == 1, tree.stdout


# --- conformance ------------------------------------------------------------------------------------------


def vectors() -> Iterator[dict[str, Any]]:
    directory = ROOT / "generated" / "conformance" / "vectors"
    if not directory.is_dir():
        pytest.skip("generated/conformance is not there; run `virtspec generate`")
    for path in sorted(directory.glob("*.json")):
        for struct in json.loads(path.read_text())["structs"]:
            for case in struct["cases"]:
                yield {**case, "struct": struct["name"]}


def test_every_vector_passes(crate: Crate) -> None:
    """All of them: nothing is skipped, and no failure is expected."""
    runner = [sys.executable, "-m", "virtwire.conformance", "--format", "json", "--testee", " ".join(crate.testee)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generated" / "python")}
    done = subprocess.run(runner, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout[-4000:]
    statuses = Counter(case["status"] for case in json.loads(done.stdout)["cases"])
    assert set(statuses) == {"passed"} and statuses["passed"] > 7000


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        kind = dice.random()
        if changed and kind < 0.7:
            changed[dice.randrange(len(changed))] = dice.choice([0, 1, 2, 3, 8, 127, 128, 255, dice.randrange(256)])
        elif changed and kind < 0.85:
            del changed[dice.randrange(len(changed)) :]
        else:
            changed += bytes(dice.randrange(1, 9))
    return bytes(changed)


def damaged() -> Iterator[str]:
    """Questions about bytes that nobody wrote down."""
    dice = random.Random(20240229)
    for case in vectors():
        if case.get("operation", "both") != "encode":
            given = [f"{key}={value}" for key, value in case.get("arguments", {}).items()]
            for _ in range(3):
                data = mutated(bytes.fromhex(case["bytes"]), dice)
                yield " ".join(["decode", case["struct"], data.hex() or "-", *given])


def pairs(answer: str) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in answer.split(" ")[1:])


def test_damaged_bytes_never_panic_and_mean_what_python_says(crate: Crate) -> None:
    lines = list(damaged())
    ours = answers(crate.testee, lines)
    library = str(ROOT / "generated" / "python")
    python = answers([sys.executable, "-m", "virtwire.conformance.testee"], lines, PYTHONPATH=library)
    differ = []
    for line, rust, py in zip(lines, ours, python, strict=True):
        # of the rules that go beyond structure, Python has more: reserved members and types
        beyond = py.startswith("error invalid") and "the same selector" not in py
        both = rust.startswith("ok") and py.startswith("ok")
        same = pairs(rust).items() <= pairs(py).items() if both else rust.split(" ")[:2] == py.split(" ")[:2]
        if not (same or (beyond and not rust.startswith("skip"))):
            differ.append(f"{line[:160]}\n  Rust   {rust[:160]}\n  Python {py[:160]}")
    assert not differ, f"{len(differ)} of {len(lines)}:\n" + "\n".join(differ[:20])
    assert len(lines) > 7000


@pytest.mark.parametrize(
    "line",
    [
        "",
        "decode",
        "decode virtio_blk_config",
        "decode virtio_blk_config xyz",
        "decode virtio_blk_config 0",
        "decode virtio_net_hdr - features=0xffffffffffffffffffffffffffffffffffffffffff",
        "decode virtq - queue_size=18446744073709551615 features=0x0 padding=1",
        "decode virtq - queue_size=-1",
        "decode virtio_crypto_hash_data_vlf 00 src_data_len=18446744073709551615 hash_result_len=1",
        "encode virtio_blk_config capacity=99999999999999999999999",
        "encode virtio_blk_config =",
        "encode virtio_blk_config geometry=1",
        "encode virtio_dev_ctx fields[0].value.vq_index=1",
        "encode virtio_net_ctrl_mac macs[0]=00",
        "\u00e9 \u00e9",
    ],
)
def test_questions_that_are_none_are_answered(crate: Crate, line: str) -> None:
    (answer,) = answers(crate.testee, [line])
    assert answer.startswith(("error malformed", "error invalid", "skip"))
