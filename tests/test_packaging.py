"""What is released: exact contents, valid metadata, the same bytes from any checkout; it runs from any directory."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.version import Version

import virtspec
import virtwire
from virtspec.pipeline import default_inputs, editions

ROOT = Path(__file__).parents[1]
PROJECTS = {"virtspec": ROOT, "virtwire": ROOT / "generated" / "python"}
VERSION = virtspec.__version__


def build(project: Path, directory: Path, *targets: str, **environment: str) -> dict[str, Path]:
    """Build with the backend that is installed: no network, no other environment."""
    targets = targets or ("sdist", "wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *(f"-t{target}" for target in targets), "-d", str(directory)],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    suffixes = {"sdist": ".tar.gz", "wheel": ".whl"}
    return {t: next(p for p in directory.iterdir() if p.name.endswith(suffixes[t])) for t in targets}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """The archives of both packages."""
    return {name: build(project, tmp_path_factory.mktemp(name)) for name, project in PROJECTS.items()}


def contents(archive: Path) -> dict[str, bytes]:
    """The files of a wheel or sdist; those of an sdist without the directory that holds them all."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        files = {m.name: sdist.extractfile(m) for m in sdist.getmembers() if m.isfile()}
        return {name.partition("/")[2]: file.read() for name, file in files.items() if file}


def below(directory: Path, prefix: str = "") -> dict[str, bytes]:
    """The files of a directory, by path."""
    return {
        f"{prefix}{path.relative_to(directory).as_posix()}": path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def generator_files(*, installed: bool) -> dict[str, bytes]:
    """What the generator consists of, by the path in its wheel or in its sdist."""
    code, data = ("virtspec/", "virtspec/") if installed else ("codegen/virtspec/", "")
    return {
        **below(ROOT / "codegen" / "virtspec", code),
        **below(ROOT / "templates", f"{data}templates/"),
        **below(ROOT / "spec", f"{data}spec/"),
    }


def runtime_files() -> dict[str, bytes]:
    """What the codecs consist of, by the path in their wheel and in their sdist."""
    vectors = ROOT / "generated" / "conformance" / "vectors"
    return {
        **below(ROOT / "generated" / "python" / "virtwire", "virtwire/"),
        **below(vectors, "virtwire/conformance/vectors/"),
    }


# --- contents ---------------------------------------------------------------------------------------------

INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


@pytest.mark.parametrize("name", PROJECTS)
def test_a_wheel_holds_the_package_and_nothing_else(name: str, built: dict[str, dict[str, Path]]) -> None:
    files = contents(built[name]["wheel"])
    info = {path for path in files if path.startswith(f"{name}-{VERSION}.dist-info/")}
    assert {path.partition("/")[2] for path in info} == INFO
    assert files[f"{name}/py.typed"] == b""
    expected = generator_files(installed=True) if name == "virtspec" else runtime_files()
    assert {path: data for path, data in files.items() if path not in info} == expected


@pytest.mark.parametrize("name", PROJECTS)
def test_an_sdist_holds_what_a_wheel_is_made_of(name: str, built: dict[str, dict[str, Path]]) -> None:
    files = contents(built[name]["sdist"])
    about = {"LICENSE", "PKG-INFO", "README.md", "hatch_build.py", "pyproject.toml"}
    if name == "virtspec":
        expected, about = generator_files(installed=False), about | {"CHANGELOG.md"}
    else:
        expected = runtime_files()
    assert {path: data for path, data in files.items() if path in expected} == expected
    # hatchling adds the file that says what does not belong into the archive
    assert files.keys() - expected.keys() == about | {".gitignore"}


@pytest.mark.parametrize("name", PROJECTS)
def test_the_licence_is_in_every_archive(name: str, built: dict[str, dict[str, Path]]) -> None:
    licence = (PROJECTS[name] / "LICENSE").read_bytes()
    assert contents(built[name]["sdist"])["LICENSE"] == licence
    assert contents(built[name]["wheel"])[f"{name}-{VERSION}.dist-info/licenses/LICENSE"] == licence


def test_no_module_lies_among_the_templates() -> None:
    # an editable install would take it for a module of the package
    assert not list((ROOT / "templates").rglob("*.py"))


# --- metadata ---------------------------------------------------------------------------------------------


def metadata(name: str, built: dict[str, dict[str, Path]]) -> Metadata:
    """The metadata, valid by the standards of Python packaging, and the same in wheel and sdist."""
    wheel = contents(built[name]["wheel"])[f"{name}-{VERSION}.dist-info/METADATA"]
    assert contents(built[name]["sdist"])["PKG-INFO"] == wheel
    return Metadata.from_email(wheel, validate=True)


@pytest.mark.parametrize("name", PROJECTS)
def test_metadata(name: str, built: dict[str, dict[str, Path]]) -> None:
    fields = metadata(name, built)
    assert (fields.name, fields.version) == (name, Version(VERSION))
    assert str(fields.requires_python) == ">=3.10"
    assert (fields.license_expression, fields.license_files) == ("BSD-3-Clause", ["LICENSE"])
    readme = (PROJECTS[name] / "README.md").read_text("utf-8")
    if name == "virtwire":
        assert fields.description == readme
    assert fields.description_content_type == "text/markdown"
    assert "Typing :: Typed" in (fields.classifiers or ())
    scripts = contents(built[name]["wheel"])[f"{name}-{VERSION}.dist-info/entry_points.txt"].decode()
    target = {"virtspec": "virtspec.cli:process", "virtwire": "virtwire.__main__:main"}[name]
    assert scripts == f"[console_scripts]\n{name} = {target}\n"


def test_a_description_needs_no_other_file(built: dict[str, dict[str, Path]]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    text = metadata("virtspec", built).description or ""
    fences = r"(?ms)^```.*?^```$"
    assert re.findall(fences, text) == re.findall(fences, readme), "code is code"
    prose = re.sub(fences, "", text)
    assert re.findall(r"\]\(([^)]*)\)", prose) == ["https://github.com/oasis-tcs/virtio-spec"] and "![" not in prose
    assert "conformance suite" in prose and "\n\n\n" not in text
    assert "[`docs/`](docs/README.md)" in readme and "`docs/` go on from here: regenerate when" in prose


def test_what_they_need(built: dict[str, dict[str, Path]]) -> None:
    needed = [r for r in metadata("virtspec", built).requires_dist or () if "extra" not in str(r.marker)]
    names = {r.name for r in needed}
    assert names == {"black", "jinja2", "pylatexenc", "shtab", "tomli", "tqdm", "typing-extensions"}
    assert [str(r.specifier) for r in needed if r.name == "black"] == ["==26.10.1"], "its output is committed"
    assert not metadata("virtwire", built).requires_dist


# --- versions ---------------------------------------------------------------------------------------------


def test_one_version() -> None:
    """It is stated in `virtspec/__init__.py`; everything else has it from there."""
    generated = ROOT / "generated"
    assert virtwire.__version__ == VERSION == str(Version(VERSION))
    assert f'version = "{VERSION}"\n' in (generated / "python" / "pyproject.toml").read_text("utf-8")
    assert f"VERSION {VERSION} " in (generated / "c" / "CMakeLists.txt").read_text("utf-8")
    assert f"Version: {VERSION}\n" in (generated / "c" / "virtwire.pc.in").read_text("utf-8")
    stated = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "codegen").rglob("*.py")
        if re.search(r'^__version__ = "', path.read_text("utf-8"), re.MULTILINE)
    ]
    assert stated == ["codegen/virtspec/__init__.py"]
    assert re.search(r"^dynamic = \[.*\"version\".*\]$", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)


def test_the_changelog_goes_with_the_version() -> None:
    titles = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = [Version(title) for title in titles if title != "Unreleased"]
    assert titles[:1] == ["Unreleased"] and titles.count("Unreleased") == 1
    assert released == sorted(released, reverse=True)
    assert not released or released[0] <= Version(VERSION)


def test_editions_and_schemas_agree() -> None:
    from virtspec.model_json import MODEL_SCHEMA

    models = {path.stem.removeprefix("virtio-"): json.loads(path.read_text("utf-8")) for path in MODELS}
    assert {edition: model["edition"] for edition, model in models.items()} == {edition: edition for edition in models}
    assert {model["schema"] for model in models.values()} == {MODEL_SCHEMA}
    schema = json.loads((ROOT / "spec" / "models" / "model.schema.json").read_text("utf-8"))
    assert schema["properties"]["schema"]["const"] == MODEL_SCHEMA
    since = json.loads((ROOT / "spec" / "models" / "since.json").read_text("utf-8"))
    assert since["editions"] == sorted(models, key=Version)
    assert default_inputs()[0].endswith(f"virtio-{virtwire.EDITION}.json")


MODELS = sorted((ROOT / "spec" / "models").glob("virtio-*.json"))


@pytest.mark.parametrize("module", PROJECTS)
def test_version_on_the_command_line(module: str) -> None:
    path = os.pathsep.join([str(ROOT / "codegen"), str(ROOT / "generated" / "python")])
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    known = editions()
    standard = {"virtspec": f"{known[0]} to {known[-1]}", "virtwire": virtwire.EDITION}[module]
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{module} {VERSION} (VIRTIO {standard})\n", "")


# --- the same bytes ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is released, with other times, permissions and order of files, in another directory."""
    top = tmp_path_factory.mktemp("another place ä") / "checkout"
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in ("templates", "generated", "spec", "codegen"):
        shutil.copytree(ROOT / folder, top / folder, ignore=ignore)
    for file in ("README.md", "LICENSE", "CHANGELOG.md", "hatch_build.py", "pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / file, top / file)
    for number, path in enumerate(sorted(top.rglob("*"), reverse=True)):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (number, 10**9 + number))
    return top


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize("epoch", [None, "1700000000"])
def test_builds_are_reproducible(
    name: str, epoch: str | None, built: dict[str, dict[str, Path]], elsewhere: Path, tmp_path: Path
) -> None:
    first = built[name] if epoch is None else build(PROJECTS[name], tmp_path / "1", SOURCE_DATE_EPOCH=epoch)
    other = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    second = build(
        elsewhere / PROJECTS[name].relative_to(ROOT),
        tmp_path / "2",
        **other,
        **({} if epoch is None else {"SOURCE_DATE_EPOCH": epoch}),
    )
    for target, archive in first.items():
        assert archive.name == second[target].name
        assert archive.read_bytes() == second[target].read_bytes(), target


@pytest.mark.parametrize("name", PROJECTS)
def test_a_wheel_of_the_sdist_is_the_wheel(name: str, built: dict[str, dict[str, Path]], tmp_path: Path) -> None:
    with tarfile.open(built[name]["sdist"]) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    (top,) = (tmp_path / "sdist").iterdir()
    assert top.name == f"{name}-{VERSION}"
    wheel = build(top, tmp_path / "wheel", "wheel")["wheel"]
    assert wheel.read_bytes() == built[name]["wheel"].read_bytes()


# --- use --------------------------------------------------------------------------------------------------

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(built: dict[str, dict[str, Path]], tmp_path: Path) -> Run:
    """Runs a module of the unpacked wheels in an empty directory, without the checkout on the path."""
    site = tmp_path / "pâckages with blanks"
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    for archives in built.values():
        with zipfile.ZipFile(archives["wheel"]) as archive:
            archive.extractall(site)
    before = below(site)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # what is rendered must not depend on any of these
        elsewhen = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Pacific/Auckland", "PYTHONUTF8": "0"}
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONIOENCODING", "LANG")}
        environment |= {**elsewhen, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=empty, env=environment, capture_output=True, text=True, check=False
        )
        assert below(site) == before, "an installed package may lie where nothing can be written"
        return done

    return run


def test_generator_runs_from_its_wheel(run: Run, tmp_path: Path) -> None:
    # the C headers: they need no formatting by Black, which takes long; `make release-check` compares everything
    done = run("virtspec", "generate", "-o", "rendered", "--only", "c")
    assert done.returncode == 0, done.stderr
    rendered = below(tmp_path / "elsewhere" / "rendered" / "c")
    assert rendered == below(ROOT / "generated" / "c")


def test_runtime_runs_from_its_wheel(run: Run) -> None:
    done = run("virtwire", "show", "virtio_blk_config")
    assert done.returncode == 0, done.stderr
    assert "capacity" in done.stdout


# --- other Pythons ----------------------------------------------------------------------------------------


def test_the_pythons_of_this_machine() -> None:
    """`.ci/pythons` names one of each version that works, and takes those that it is told."""
    script = ROOT / ".ci" / "pythons"
    told = {**os.environ, "PYTHON_MATRIX": f"/absent/python3 {sys.executable} sh {sys.executable}"}
    done = subprocess.run(["sh", str(script)], env=told, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{sys.executable}\n", "")
    found = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True).stdout.splitlines()
    versions = [
        subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=True
        ).stdout
        for python in found
    ]
    assert found and len(set(versions)) == len(versions)
