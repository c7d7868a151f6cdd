"""The Rust crate by use: compiled without a warning and without `std`; its tests, the vectors, damaged bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from questions import answers, odd_questions, questions, same

from virtspec.emit.rust import RUST_VERSION, render_rust
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


def version_of(program: Path) -> str:
    return subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout


def has(tool: str) -> bool:
    """Whether one of Cargo's own tools is there."""
    try:
        return subprocess.run(["cargo", tool, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


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
    # of the stricter ones, those that are about what a user is told
    told = ("-Dclippy::missing_errors_doc", "-Dclippy::missing_panics_doc", "-Dclippy::must_use_candidate")
    done = crate.cargo("clippy", "--lib", "--quiet", "--", *told)
    assert done.returncode == 0, done.stderr


def test_the_oldest_compiler_compiles_it(crate: Crate, tmp_path: Path) -> None:
    """Where one of that version is in the path, behind others perhaps."""
    oldest = [
        str(found)
        for directory in os.get_exec_path()
        if (found := Path(directory) / "rustc").is_file() and f"rustc {RUST_VERSION}." in version_of(found)
    ]
    if not oldest:
        pytest.skip(f"no rustc {RUST_VERSION}")
    library = tmp_path / "libvirtwire.rlib"
    for source, kind, output in (
        ("src/lib.rs", "rlib", library),
        ("examples/testee/main.rs", "bin", tmp_path / "testee"),
    ):
        command = [*oldest[:1], "--edition=2021", f"--crate-type={kind}", "-Dwarnings", "-o", str(output), source]
        command += ["--crate-name=virtwire"] if kind == "rlib" else [f"--extern=virtwire={library}"]
        done = subprocess.run(command, cwd=crate.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]


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


def vectors() -> list[dict[str, Any]]:
    directory = ROOT / "generated" / "conformance" / "vectors"
    if not directory.is_dir():
        pytest.skip("generated/conformance is not there; run `virtspec generate`")
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))]


def test_every_vector_passes(crate: Crate) -> None:
    """All of them: nothing is skipped, and no failure is expected."""
    runner = [sys.executable, "-m", "virtwire.conformance", "--format", "json", "--testee", " ".join(crate.testee)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generated" / "python")}
    done = subprocess.run(runner, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout[-4000:]
    statuses = Counter(case["status"] for case in json.loads(done.stdout)["cases"])
    assert set(statuses) == {"passed"} and statuses["passed"] > 7000


def test_odd_bytes_and_values_never_panic_and_mean_what_python_says(crate: Crate) -> None:
    lines = odd_questions(list(questions(vectors())))
    ours = answers(crate.testee, lines)
    library = str(ROOT / "generated" / "python")
    python = answers([sys.executable, "-m", "virtwire.conformance.testee"], lines, PYTHONPATH=library)
    differ = [
        f"{line[:160]}\n  Rust   {rust[:160]}\n  Python {py[:160]}"
        for line, rust, py in zip(lines, ours, python, strict=True)
        if not same(line, rust, py)
    ]
    assert not differ, f"{len(differ)} of {len(lines)}:\n" + "\n".join(differ[:20])
    verdicts = Counter(" ".join(answer.split(" ")[:2]) if answer.startswith("error") else "ok" for answer in ours)
    assert all(verdicts[kind] > 1000 for kind in ("ok", "error malformed", "error invalid")), verdicts


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
