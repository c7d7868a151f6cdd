"""Source trees: paths stay inside, sizes are bounded, and a git revision reads like a directory."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path

import pytest

from virtspec import repository as repository_
from virtspec.inputs import open_source
from virtspec.repository import CommitTree, Repository
from virtspec.source import (
    DirectoryTree,
    MissingFile,
    OutsideTree,
    SourceError,
    SourceFile,
    Span,
    decode,
    normalise,
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


def git(path: Path, *arguments: str, given: bytes = b"") -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(path), *identity, *arguments], check=True, capture_output=True, input=given)
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with two revisions, and a work tree that differs from both."""
    path = tmp_path / "a repository"
    (path / "sub").mkdir(parents=True)
    git(path, "init", "-q")
    (path / "link.tex").symlink_to("virtio.tex")
    (path / "linked").symlink_to("sub")
    for number in (1, 2):
        (path / "virtio.tex").write_text(f"revision {number}")
        (path / "sub" / "a b.tex").write_text(f"part {number}")
        git(path, "add", "-A")
        git(path, "commit", "-q", "-m", f"{number}")
        git(path, "tag", f"r{number}")
    (path / "virtio.tex").write_text("not committed")
    return path


def test_git_revision(repository: Path) -> None:
    tree = open_source(f"{repository}@r1")
    assert isinstance(tree, CommitTree)
    assert tree.name == f"{repository}@r1"
    assert tree.read(tree.root).text == "revision 1"
    assert tree.read("sub/../sub/a b.tex").text == "part 1"
    assert open_source(f"{repository}@HEAD").read("virtio.tex").text == "revision 2"
    assert (repository / "virtio.tex").read_text() == "not committed"
    for path in ("absent.tex", "absent/a b.tex", "virtio.tex/a b.tex", "sub", ""):
        with pytest.raises(MissingFile):
            tree.read(path)
    with pytest.raises(OutsideTree):
        tree.read("../absent.tex")


def test_a_path_and_a_revision_may_have_the_mark_between_them_in_it(repository: Path) -> None:
    moved = repository.rename(repository.with_name("me@home"))
    git(moved, "branch", "topic@2", "r1")
    for revision, text in (("r1", "revision 1"), ("HEAD@{0}", "revision 2"), ("topic@2", "revision 1")):
        assert open_source(f"{moved}@{revision}").read("virtio.tex").text == text
    with pytest.raises(SourceError, match=r"there is no directory '.*absent@x'"):
        open_source(f"{moved.parent / 'absent'}@x@r1")


@pytest.mark.parametrize("path", ["link.tex", "linked/a b.tex"])
def test_links_in_a_git_revision_are_not_followed(repository: Path, path: str) -> None:
    with pytest.raises(MissingFile):
        open_source(f"{repository}@r1").read(path)


@pytest.mark.parametrize("revision", ["absent", "-", "--help", "-n1", "--all", "r1:virtio.tex", "r1^{tree}", "r1..r2"])
def test_git_revision_that_is_none(repository: Path, revision: str) -> None:
    with pytest.raises(SourceError, match="no revision"):
        open_source(f"{repository}@{revision}")


def test_no_git_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="not a git repository"):
        open_source(f"{tmp_path}@HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match="git cannot be run"):
        open_source(f"{tmp_path}@HEAD")


def test_a_directory_of_a_git_repository(repository: Path, tmp_path: Path) -> None:
    tree = Repository(str(repository / "sub")).at("r1", "a b.tex")
    assert tree.read(tree.root).text == "part 1"
    for path in ("virtio.tex", "sub/a b.tex"):
        with pytest.raises(MissingFile):
            tree.read(path)
    (repository / "new").mkdir()
    with pytest.raises(MissingFile):
        open_source(f"{repository / 'new'}@r1").read("virtio.tex")
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare")
    assert open_source(f"{tmp_path / 'bare'}@r1").read("virtio.tex").text == "revision 1"


def test_names_of_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    for name in ("virtio.tex", "z.tex"):
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "1")
    assert open_source(f"{tmp_path}@HEAD").read("z.tex").text == "z.tex"


def test_a_file_too_large_ends_nothing_else(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "large.tex").write_bytes(b"%" * (1 << 20))
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "large")
    monkeypatch.setattr(repository_, "MAX_FILE_BYTES", (1 << 20) - 1)
    tree = open_source(f"{repository}@HEAD")
    with pytest.raises(SourceError, match=r"^large\.tex: 1048576 bytes; at most 1048575 are read$"):
        tree.read("large.tex")
    assert tree.read("sub/a b.tex").text == "part 2"


def test_a_damaged_repository(repository: Path) -> None:
    blob, other = (git(repository, "rev-parse", f"r{number}:virtio.tex") for number in (1, 2))
    tree = open_source(f"{repository}@r1")
    for name in (blob, other):
        stored = repository / ".git" / "objects" / name[:2] / name[2:]
        stored.chmod(0o600)
        stored.write_bytes(b"damage")
    with pytest.raises(SourceError, match=r"virtio\.tex: git cannot read it"):
        tree.read("virtio.tex")
    assert tree.read("sub/a b.tex").text == "part 1"
    stored.unlink()
    with pytest.raises(SourceError, match=r"virtio\.tex: git cannot read it"):
        open_source(f"{repository}@r2").read("virtio.tex")


@pytest.mark.parametrize("content", [b"100644 virtio.tex", b"100644 virtio.tex\0short", b"damage"])
def test_a_tree_that_is_none(repository: Path, content: bytes) -> None:
    tree = git(repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=content)
    commit = git(repository, "commit-tree", tree, "-m", "damaged")
    with pytest.raises(SourceError, match="damaged tree"):
        open_source(f"{repository}@{commit}")


def test_a_tree_in_place_of_a_file(repository: Path) -> None:
    name = bytes.fromhex(git(repository, "rev-parse", "r1:sub"))
    content = b"100644 virtio.tex\0" + name
    tree = git(repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=content)
    commit = git(repository, "commit-tree", tree, "-m", "confused")
    with pytest.raises(SourceError, match=r"virtio\.tex: no blob"):
        open_source(f"{repository}@{commit}").read("virtio.tex")


def children() -> set[str]:
    """The processes that this one began and that are not over."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="no /proc on this system")
def test_the_git_process_ends_with_the_last_tree(repository: Path) -> None:
    before = children()
    tree, other = open_source(f"{repository}@r1"), open_source(f"{repository}@r2")
    tree.read("virtio.tex"), tree.read("sub/a b.tex"), other.read("virtio.tex")
    assert len(children() - before) == 2
    del tree
    assert len(children() - before) == 1
    del other
    assert children() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_reads_through_a_git_of_its_own(repository: Path) -> None:
    tree, unused = open_source(f"{repository}@r1"), open_source(f"{repository}@r2")
    answer, answering = os.pipe()
    end, ending = os.pipe()
    child = os.fork()
    if not child:
        text = ""
        try:
            text = tree.read("virtio.tex").text
        finally:
            os.write(answering, text.encode())
            os.close(ending)
            select.select([end], [], [], 20)  # holds the pipes of the git it does not use open meanwhile
            os._exit(0)
    try:
        assert tree.read("sub/a b.tex").text == "part 1"
        assert os.read(answer, 100) == b"revision 1"
        del unused
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "git ends only with the process that holds its pipes too"
        assert tree.read("virtio.tex").text == "revision 1"
    finally:
        for descriptor in (answer, answering, end, ending):
            os.close(descriptor)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("spec", ["absent", "absent@HEAD", ""])
def test_no_source(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        open_source(spec)
