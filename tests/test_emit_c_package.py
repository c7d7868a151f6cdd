"""The C package as its users meet it: installed with make and with CMake, found by CMake and by pkg-config."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from virtspec import __version__
from virtspec.emit.c import render_c
from virtspec.layout import Layouts
from virtspec.link.merge import merge_specs
from virtspec.pipeline import default_inputs, read_spec

CONSUMER = Path(__file__).parent / "functional" / "c_consumer"

SAID = {
    "migrate": "49 bytes\nfeatures 0x100000001\nqueue 3: next available 0x1234, enabled\n"
    "wrong field 'fields' (problem 1)\n",
    "config": "mtu 1500, feature 3 is VIRTIO_NET_F_MTU, device 1 is a network device\n",
}


def tool(name: str) -> str:
    """A tool of this machine; without it the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", **environment}
    result = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `generated/c` holds."""
    directory = tmp_path_factory.mktemp("package")
    model = merge_specs([read_spec(spec) for spec in default_inputs()])
    for path, text in render_c(model, Layouts(model)).files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory / "c"


def installed(stage: Path) -> set[str]:
    return {str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file() and path.suffix != ".h"}


FILES = {
    "share/pkgconfig/virtwire.pc",
    "share/cmake/virtwire/virtwireConfig.cmake",
    "share/cmake/virtwire/virtwireConfigVersion.cmake",
}


def test_what_the_readme_shows_compiles(package: Path, tmp_path: Path, compiler: str) -> None:
    shown = re.findall(r"```c\n(.*?)```", (package / "README.md").read_text(), re.DOTALL)
    (tmp_path / "shown.c").write_text("#include <stdio.h>\n" + "".join(shown))
    options = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", f"-I{package / 'include'}"]
    run(compiler, *options, "-c", "shown.c", cwd=tmp_path)


def test_make_installs_into_a_stage(package: Path, tmp_path: Path) -> None:
    run(tool("make"), "install", "PREFIX=/opt/virtwire", f"DESTDIR={tmp_path}", cwd=package)
    stage = tmp_path / "opt" / "virtwire"
    assert installed(stage) == FILES
    assert (stage / "include/virtwire/net.h").is_file()
    assert "prefix=/opt/virtwire\n" in (stage / "share/pkgconfig/virtwire.pc").read_text()


def test_make_checks_itself(package: Path, tmp_path: Path, compiler: str) -> None:
    shutil.copytree(package, tmp_path / "c")
    assert ", 0 failures\n" in run(tool("make"), "check", f"CC={compiler}", cwd=tmp_path / "c")


def test_cmake_installs_tests_and_is_found(package: Path, tmp_path: Path, compiler: str) -> None:
    cmake = tool("cmake")
    stage, build = tmp_path / "stage", tmp_path / "build"
    run(cmake, "-S", package, "-B", build, f"-DCMAKE_INSTALL_PREFIX={stage}", cwd=tmp_path, CC=compiler)
    run(cmake, "--install", build, cwd=tmp_path)
    assert installed(stage) == FILES
    run(tool("ctest"), "--output-on-failure", cwd=build)

    # what is installed may be moved
    moved = stage.rename(tmp_path / "moved")
    consumer = tmp_path / "consumer"
    options = (f"-DCMAKE_PREFIX_PATH={moved}", "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Wconversion -Werror")
    run(cmake, "-S", CONSUMER, "-B", consumer, *options, cwd=tmp_path)
    run(cmake, "--build", consumer, cwd=tmp_path)
    for program, said in SAID.items():
        assert run(consumer / program, cwd=tmp_path) == said


def test_cmake_refuses_another_series(package: Path, tmp_path: Path) -> None:
    cmake = tool("cmake")
    run(tool("make"), "install", f"PREFIX={tmp_path}", cwd=package)
    for wanted, found in {__version__: True, "0.1": True, "0.0": False, "1.0": False}.items():
        project = tmp_path / f"project{wanted}"
        project.mkdir()
        lines = "cmake_minimum_required(VERSION 3.14)\nproject(p LANGUAGES NONE)\n"
        (project / "CMakeLists.txt").write_text(f"{lines}find_package(virtwire {wanted} REQUIRED)\n")
        command = [cmake, "-S", str(project), "-B", str(project / "build"), f"-DCMAKE_PREFIX_PATH={tmp_path}"]
        assert (subprocess.run(command, capture_output=True, check=False).returncode == 0) is found, wanted


def test_pkg_config_finds_it(package: Path, tmp_path: Path, compiler: str) -> None:
    run(tool("make"), "install", f"PREFIX={tmp_path}", cwd=package)
    search = {"PKG_CONFIG_PATH": str(tmp_path / "share/pkgconfig")}
    assert run(tool("pkg-config"), "--modversion", "virtwire", cwd=tmp_path, **search) == f"{__version__}\n"
    flags = run(tool("pkg-config"), "--cflags", "virtwire", cwd=tmp_path, **search).split()
    run(compiler, *flags, CONSUMER / "migrate.c", "-o", "migrate", cwd=tmp_path)
    assert run(tmp_path / "migrate", cwd=tmp_path) == SAID["migrate"]


def test_it_can_be_part_of_another_build(package: Path, tmp_path: Path, compiler: str) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.14)\nproject(p LANGUAGES C)\n"
        f"add_subdirectory({package} virtwire)\nadd_executable(migrate {CONSUMER}/migrate.c)\n"
        "target_link_libraries(migrate virtwire::virtwire)\n"
    )
    run(tool("cmake"), "-S", ".", "-B", "build", cwd=tmp_path, CC=compiler)
    run(tool("cmake"), "--build", "build", cwd=tmp_path)
    assert run(tmp_path / "build" / "migrate", cwd=tmp_path) == SAID["migrate"]
