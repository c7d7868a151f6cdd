"""Source trees: paths stay inside, sizes are bounded, and a git revision reads like a directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from virtspec.source import (
    DirectoryTree,
    GitTree,
    MissingFile,
    OutsideTree,
    SourceError,
    SourceFile,
    Span,
    decode,
    normalise,
    open_source,
)


def test_paths_are_shortened() -> None:
    assert normalise("a/./b/../c.tex") == "a/c.tex"


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a\0b", "a\\..\\b"])
def test_paths_that_leave_the_tree(path: str) -> None:
    with pytest.raises(OutsideTree):
        normalise(path)


def test_links_that_leave_the_tree(tmp_path: Path) -> None:
    (tmp_path / "secret.tex").write_text("secret")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "in.tex").write_text("inside")
    (tree / "out.tex").symlink_to(tmp_path / "secret.tex")
    (tree / "alias.tex").symlink_to(tree / "in.tex")
    source = DirectoryTree(tree)
    with pytest.raises(OutsideTree):
        source.read("out.tex")
    assert source.read("alias.tex").text == "inside"
    with pytest.raises(MissingFile):
        source.read("absent.tex")


def test_texts_that_are_none() -> None:
    with pytest.raises(SourceError, match=r"a\.tex:2: not a text"):
        decode("a.tex", b"x\n\0")
    with pytest.raises(SourceError, match=r"a\.tex:2: not UTF-8: byte 0xe9"):
        decode("a.tex", b"x\ncaf\xe9")
    assert decode("a.tex", b"\xef\xbb\xbfa\r\nb\rc").text == "a\nb\nc"


def test_lines_and_columns() -> None:
    file = SourceFile("a.tex", "one\ntwo\n\nfour")
    assert [file.line_column(i) for i in (0, 3, 4, 8, 9)] == [(1, 1), (1, 4), (2, 1), (3, 1), (4, 1)]
    assert [file.line_text(n) for n in range(6)] == ["", "one", "two", "", "four", ""]
    span = Span(file, 4, 7)
    assert (str(span), span.text) == ("a.tex:2:1", "two")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with two revisions, and a work tree that differs from both."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "sub").mkdir()
    for number in (1, 2):
        (tmp_path / "virtio.tex").write_text(f"revision {number}")
        (tmp_path / "sub" / "a b.tex").write_text(f"part {number}")
        git("add", "-A")
        git("commit", "-q", "-m", f"{number}")
        git("tag", f"r{number}")
    (tmp_path / "virtio.tex").write_text("not committed")
    return tmp_path


def test_git_revision(repository: Path) -> None:
    tree = open_source(f"{repository}@r1")
    assert isinstance(tree, GitTree)
    assert tree.read(tree.root).text == "revision 1"
    assert tree.read("sub/../sub/a b.tex").text == "part 1"
    assert open_source(f"{repository}@HEAD").read("virtio.tex").text == "revision 2"
    assert (repository / "virtio.tex").read_text() == "not committed"
    with pytest.raises(MissingFile):
        tree.read("absent.tex")
    with pytest.raises(OutsideTree):
        tree.read("../absent.tex")


@pytest.mark.parametrize("revision", ["absent", "--help", "-n1", "r1:virtio.tex"])
def test_git_revision_that_is_none(repository: Path, revision: str) -> None:
    with pytest.raises(SourceError):
        open_source(f"{repository}@{revision}")


@pytest.mark.parametrize("spec", ["absent", "absent@HEAD", ""])
def test_no_source(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        open_source(spec)
