"""`virtspec drift` as a user runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CHAPTER = r"""\section{Tiny Device}
\begin{lstlisting}
#define TINY_A 1
struct tiny { le16 a; le32 b; };
struct longer { u8 x; u8 rest[]; };
struct other { u8 x; };
\end{lstlisting}
"""
HEADER = (
    "#define TINY_A 1\n#define TINY_X 9\nstruct tiny { unsigned short a; unsigned b; };\nstruct longer { char x; };\n"
)


@pytest.fixture
def sides(tmp_path: Path, compiler: str) -> tuple[Path, Path]:
    (tmp_path / "chapter.tex").write_text(CHAPTER)
    (tmp_path / "tiny.h").write_text(HEADER)
    return tmp_path / "chapter.tex", tmp_path / "tiny.h"


def test_text(virtspec: Run, sides: tuple[Path, Path]) -> None:
    done = virtspec("drift", *sides)
    assert done.returncode == 1, done.stderr
    assert "member tiny.b (specification: offset 2, 4 bytes; headers: offset 4, 4 bytes)" in done.stdout
    assert "constant TINY_X (headers: 0x9)" in done.stdout
    assert "TINY_A" not in done.stdout
    assert "without a known reason" in done.stdout.splitlines()[-1]
    assert "TINY_A" in virtspec("drift", *sides, "--all").stdout


def test_markdown(virtspec: Run, sides: tuple[Path, Path]) -> None:
    done = virtspec("drift", *sides, "--format", "markdown")
    assert done.returncode == 1
    assert "| member | `tiny.b` | offset 2, 4 bytes | offset 4, 4 bytes |  |" in done.stdout


def test_json_is_the_same_each_time(virtspec: Run, sides: tuple[Path, Path]) -> None:
    first, second = (virtspec("drift", *sides, "--format", "json") for _ in range(2))
    assert first.stdout == second.stdout
    document = json.loads(first.stdout)
    assert document["schema"] == "virtspec.drift/1"
    verdicts = {f["subject"]: f["verdict"] for f in document["findings"]}
    assert verdicts["tiny.b"] == "different"
    assert verdicts["tiny.a"] == "equal"
    assert verdicts["longer.rest"] == "only-specification"
    assert verdicts["other"] == "only-specification"
    assert verdicts["TINY_X"] == "only-headers"
    assert sum(document["counts"].values()) == len(document["findings"])


def test_a_table_makes_it_clean_and_goes_stale(virtspec: Run, sides: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "table.toml"
    table.write_text('[differences]\n"tiny.b" = "alignment"\n"tiny" = "alignment"\n')
    clean = virtspec("drift", *sides, "--table", table)
    assert clean.returncode == 0, clean.stdout
    assert "known: alignment" in clean.stdout
    table.write_text(table.read_text() + '"tiny.a" = "no longer"\n')
    stale = virtspec("drift", *sides, "--table", table)
    assert stale.returncode == 1
    assert "stale: [differences] tiny.a" in stale.stdout


def test_what_cannot_be_compared(virtspec: Run, sides: tuple[Path, Path], tmp_path: Path) -> None:
    chapter, header = sides
    for arguments in (
        [chapter, tmp_path / "absent.h"],
        [tmp_path / "absent.tex", header],
        [chapter, header, "--cc", "no-such-compiler"],
        [chapter, header, "--table", tmp_path / "absent.toml"],
    ):
        done = virtspec("drift", *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("virtspec: error: ")
        assert "Traceback" not in done.stderr
        assert not done.stdout
