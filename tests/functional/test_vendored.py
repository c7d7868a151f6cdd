"""virtwire as a part of another package: a copy works under whatever name it lies, beside others."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "generated" / "python" / "virtwire"
VECTORS = ROOT / "generated" / "conformance" / "vectors"

# two names in packages, and one by itself
COPIES = ("project._vendor.virtwire", "project.other.wire", "wire")

PROGRAM = """
import copy, importlib, pickle, sys

COPIES = sys.argv[1:]
packages = [importlib.import_module(name) for name in COPIES]
configs = []
for name, package in zip(COPIES, packages, strict=True):
    net = package.net
    assert set(map(net.__name__.startswith, COPIES)) == {True, False} and net.__package__ == name
    assert package.lookup("virtio_net_config") is net.VirtioNetConfig
    config = net.VirtioNetConfig(mtu=3)
    assert pickle.loads(pickle.dumps(config)) == copy.deepcopy(config) == config
    assert repr(config) == repr(configs[0] if configs else config)
    configs.append(config)
    try:
        net.VirtioNetConfig.from_bytes(b"")
    except package.DecodeError as error:
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is package.DecodeError and str(again) == str(error)
        assert type(error).__module__ == name
    try:
        package.nothing
    except AttributeError as error:
        assert name in str(error)
    assert package.typed(package.crypto.VirtioCryptoOpHeader(opcode=1), "opcode") == b"\\1\\0\\0\\0"
    assert package.device_context.VirtioDevCtx.from_bytes(bytes(4)).fields == []
    package.pci.VirtioPciCommonCfgView(bytearray(64)).queue_size = 1
    for module in package.MODULES:
        getattr(package, module)
assert configs[0] != configs[1]
assert not [name for name in sys.modules if name.partition(".")[0] == "virtwire"]
"""


def run(directory: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return subprocess.run(
        [str(part) for part in command], env=environment, cwd=directory, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the copies, and without virtwire itself."""
    directory = tmp_path_factory.mktemp("vendored")
    for name in COPIES:
        place = directory.joinpath(*name.split("."))
        shutil.copytree(PACKAGE, place, ignore=shutil.ignore_patterns("__pycache__"))
        for above in place.parents:
            if above.is_relative_to(directory) and above != directory:
                (above / "__init__.py").touch()
    return directory


def test_no_module_knows_the_name_of_the_package() -> None:
    imports = re.compile(r"^\s*(from|import) virtwire\b|(__import__|import_module)\(f?[\"']virtwire", re.MULTILINE)
    docstring = re.compile(r'"""(.|\n)*?"""')
    sources = {path.name: docstring.sub("", path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
    assert len(sources) > 50 and not [name for name, text in sources.items() if imports.search(text)]


def test_copies_work_side_by_side(project: Path) -> None:
    done = run(project, sys.executable, "-W", "error", "-c", PROGRAM, *COPIES)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COPIES)
def test_the_command_lines_work(project: Path, name: str) -> None:
    done = run(project, sys.executable, "-m", name, "find", "VIRTIO_NET_F_MTU")
    assert (done.stdout.split(), done.stderr) == (["net", "VIRTIO_NET_F_MTU", "3", "(0x3)"], "")
    testee = f"{sys.executable} -m {name}.conformance.testee"
    command = (sys.executable, "-m", f"{name}.conformance", "--vectors", VECTORS, "--only", "vsock")
    done = run(project, *command, "--testee", testee)
    assert done.returncode == 0 and "passed" in done.stdout, done.stderr
    done = run(project, *command)
    assert f"-m {name}.conformance.testee" in done.stderr


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_accept_a_copy(project: Path, checker: str) -> None:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    if checker == "mypy":
        done = run(project, sys.executable, "-m", "mypy", "--strict", "-p", COPIES[0])
    else:
        done = run(project, sys.executable, "-m", "pyright", project.joinpath(*COPIES[0].split(".")))
        if "nodejs" in done.stderr.lower():
            pytest.skip("pyright cannot be started here: it needs Node.js")
    assert done.returncode == 0, done.stdout + done.stderr
