"""Comparisons in git: the table of a history, and the drivers behind `git diff`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from virtspec.repository import Repository
from virtspec.source import MAX_FILE_BYTES

Run = Callable[..., "subprocess.CompletedProcess[str]"]

TEXT = """\\section{{Toy Device}}
{prose}
\\begin{{lstlisting}}
struct virtio_toy_config {{
        le32 capacity;
{members}}};
\\end{{lstlisting}}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    (path / "device-types" / "toy").mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    (path / "virtio.tex").write_text("\\chapter{Device Types}\n\\input{device-types/toy/description.tex}\n")
    commit(path, "start", prose="Words.", members="")
    commit(path, "prose", prose="Other words.", members="")
    commit(path, "grow", prose="Other words.", members="        le16 depth;\n")
    (path / "README.md").write_text("no source\n")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message=readme")
    commit(path, "narrow", prose="Other words.", members="        u8 depth;\n")
    commit(path, "tear", prose="\\input{missing.tex}", members="        u8 depth;\n")
    return path


def git(path: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_PAGER": "cat"}
    done = subprocess.run(
        ["git", "-C", str(path), *identity, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def commit(path: Path, subject: str, *, prose: str, members: str) -> None:
    (path / "device-types" / "toy" / "description.tex").write_text(TEXT.format(prose=prose, members=members))
    git(path, "add", "--all")
    git(path, "commit", "--quiet", f"--message={subject}")


def test_history_has_a_verdict_for_every_commit(virtspec: Run, repository: Path) -> None:
    done = virtspec("history", repository, "--format", "json")
    commits = json.loads(done.stdout)["commits"]
    assert [(c["subject"], c["verdict"]) for c in commits] == [
        ("start", "none"),
        ("prose", "none"),
        ("grow", "compatible"),
        ("readme", "none"),
        ("narrow", "breaking"),
        ("tear", "incomplete"),
    ]
    assert done.returncode == 2  # the last one
    assert virtspec("history", repository, "HEAD~2..HEAD~1").returncode == 1
    assert virtspec("history", repository, "HEAD~4..HEAD~2").returncode == 0
    assert virtspec("history", repository, "HEAD~4..HEAD~2", "--fail-on", "any").returncode == 1


def test_history_is_the_same_however_many_processes(virtspec: Run, repository: Path) -> None:
    for number in range(30):
        commit(repository, f"more {number}", prose=f"Words {number}.", members=f"        le32 m{number};\n")
    one = virtspec("history", repository, "HEAD~30..HEAD", "--jobs", "1")
    two = virtspec("history", repository, "HEAD~30..HEAD", "--jobs", "2")
    assert one.stdout == two.stdout and one.stdout.count("member-") >= 29
    assert "| `" in virtspec("history", repository, "HEAD~3..HEAD", "--format", "markdown").stdout


def test_an_output_that_knows_ascii_only(repository: Path, root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root / "codegen"), "PYTHONIOENCODING": "ascii"}
    for command in (["diff", f"{repository}@HEAD~3", f"{repository}@HEAD~1"], ["history", str(repository)]):
        done = subprocess.run([sys.executable, "-m", "virtspec", *command], capture_output=True, env=environment)
        assert done.returncode in (1, 2) and b"Traceback" not in done.stderr and b"breaking" in done.stdout


@pytest.mark.parametrize("range_", ["--output=x", "nothing..HEAD", "HEAD^{tree}"])
def test_a_range_that_is_none(virtspec: Run, repository: Path, range_: str) -> None:
    done = virtspec("history", "--", repository, range_)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert not (repository / "x").exists()


def test_a_tree_of_more_folders_than_can_be_walked_through(virtspec: Run, repository: Path) -> None:
    # seven trees that each hold the one before ten times: ten million folders
    tree = git(repository, "rev-parse", "HEAD^{tree}").strip()
    for _ in range(7):
        listing = "".join(f"040000 tree {tree}\tfolder{i}\n" for i in range(10))
        done = subprocess.run(
            ["git", "-C", str(repository), "mktree"], input=listing, capture_output=True, text=True, check=True
        )
        tree = done.stdout.strip()
    bomb = git(repository, "commit-tree", tree, "-p", "HEAD", "-m", "bomb").strip()
    done = virtspec("history", repository, f"HEAD..{bomb}")
    assert done.returncode == 2 and "too many or too deep folders" in done.stdout and "Traceback" not in done.stderr


def test_no_repository(virtspec: Run, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        done = virtspec("history", path)
        assert done.returncode == 2 and done.stderr.startswith("virtspec: error:")


def driver(root: Path) -> str:
    return f"PYTHONPATH={root / 'codegen'} {sys.executable} -m virtspec git-driver"


def test_textconv_shows_facts(repository: Path, root: Path) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.tex diff=virtspec\n")
    git(repository, "config", "diff.virtspec.textconv", driver(root))
    shown = git(repository, "diff", "HEAD~3", "HEAD~1", "--", "device-types")
    assert "-        le16" in shown and "+        u8" in shown and "/* size: 5 */" in shown
    assert not git(repository, "diff", "HEAD~5", "HEAD~4", "--", "device-types")  # only prose


def test_textconv_shows_what_is_not_read(repository: Path, root: Path) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.tex diff=virtspec\n")
    git(repository, "config", "diff.virtspec.textconv", driver(root))
    commit(repository, "pointer", prose="Words.", members="        struct x *next;\n")
    commit(repository, "another", prose="Words.", members="        struct x *previous;\n")
    assert "not read" in git(repository, "diff", "HEAD~2", "HEAD~1", "--", "device-types")
    assert "not read" in git(repository, "diff", "HEAD~1", "HEAD", "--", "device-types")


def test_a_file_that_is_not_there(virtspec: Run, tmp_path: Path) -> None:
    done = virtspec("git-driver", tmp_path / "none.tex")
    assert done.returncode == 2 and done.stderr.startswith("virtspec: error:")


def test_a_file_that_is_too_long_is_not_read(virtspec: Run, tmp_path: Path) -> None:
    paths = [tmp_path / "one.tex", tmp_path / "other.tex"]
    for path, end in zip(paths, ("a", "b"), strict=True):
        path.write_text("x" * MAX_FILE_BYTES + end)
    shown = [virtspec("git-driver", path).stdout for path in paths]
    assert shown[0] != shown[1] and all("is not read" in text and len(text) < 200 for text in shown)
    done = virtspec("git-driver", "x.tex", *(paths[0], "0", "100644"), *(paths[1], "0", "100644"))
    assert "no verdict" in done.stdout and done.returncode == 0


def test_a_name_commands_no_terminal(virtspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tex"
    path.write_text("Words.\n")
    for other in (path, tmp_path / "none.tex"):
        done = virtspec("git-driver", "\x1b[31mx.tex", *(path, "0", "100644"), *(other, "0", "100644"))
        assert done.stdout.startswith("virtspec ") and "\x1b" not in done.stdout
        assert ("no verdict" in done.stdout) is (other != path)


def test_external_diff_shows_findings(repository: Path, root: Path) -> None:
    (repository / ".git" / "info" / "attributes").write_text("*.tex diff=virtspec\n")
    git(repository, "config", "diff.virtspec.command", driver(root))
    shown = git(repository, "diff", "--ext-diff", "HEAD~3", "HEAD~1", "--", "device-types")
    assert "VD107 width-changed" in shown and "verdict: breaking" in shown
    shown = git(repository, "log", "-p", "--ext-diff", "-1", "--", "device-types")
    assert "INCOMPLETE" in shown


def test_a_hook_of_another_repository_changes_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet", "--initial-branch=main")
    (other / "virtio.tex").write_text("another\n")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message=other")
    expected = Repository(str(repository)).at("HEAD").identity()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert Repository(str(repository)).at("HEAD").identity() == expected


def test_a_hook_sees_the_objects_that_are_to_be_accepted(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    bare = tmp_path / "bare.git"
    git(repository, "init", "--quiet", "--bare", str(bare))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(repository / ".git" / "objects"))
    assert Repository(str(bare)).at(commit).read("virtio.tex").text.startswith("\\chapter")
