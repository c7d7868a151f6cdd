"""What must not be in the repository: machine paths, loose ends, and sentences of the specification."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

# no more of a text than this many words in a row; a title or a table cell can be as long
RUN = 10
# of these, so many must be words of a language and not identifiers: lists of names are facts
PLAIN = 6

WORD = re.compile(r"[A-Za-z0-9_]+")
LISTING = re.compile(r"\\begin\{lstlisting\}.*?\\end\{lstlisting\}", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# `Basic Facilities of a Virtio Device / Feature Bits` names a place
LABEL = re.compile(r"\{[^{}]*\s/\s[^{}]*\}")
HEADING = re.compile(r"\\(?:chapter|(?:sub)*section|(?:sub)?paragraph)\*?\s*\{[^{}]*\}")
MACRO = re.compile(r"\\(?:begin|end|label|ref|nameref|hyperref|input)\s*(?:\[[^\]]*\]|\{[^}]*\})|\\[A-Za-z]+")


def tracked(root: Path, *under: str) -> list[Path]:
    """The repository's files: those in git and new ones that are not ignored."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *under]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, or no git")
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def texts(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        data = path.read_bytes()
        if b"\0" not in data:
            yield path, data.decode("utf-8", "replace")


def test_no_machine_paths(root: Path) -> None:
    # written in pieces, so that this file does not hold what it forbids
    forbidden = re.compile(
        "|".join(["/" + "work/", "/" + "home/[a-z]", "/" + "root/", "/" + r"Users/\w", r"C:\\" + "Users"])
    )
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path, text in texts(tracked(root))
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found, "\n".join(found)


def test_no_loose_ends(root: Path) -> None:
    forbidden = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b")
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path, text in texts(tracked(root))
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found, "\n".join(found)


def words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def all_runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[i:] for i in range(RUN)), strict=False)


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of words that is long and plain enough to be somebody's sentence."""
    found = words(text)
    plain = list(accumulate((word.isalpha() for word in found), initial=0))
    return {run for i, run in enumerate(all_runs(found)) if plain[i + RUN] - plain[i] >= PLAIN}


def prose(latex: str) -> Iterator[str]:
    """The sentences of a LaTeX file, without its headings, which name places; and the comments in its listings."""
    for text in HEADING.split(LABEL.sub(" ", LISTING.sub(" ", latex))):
        yield MACRO.sub(" ", text)
    for listing in LISTING.findall(latex):
        yield " ".join(COMMENT.findall(listing))


def test_runs_find_a_sentence_and_not_a_list_of_names() -> None:
    sentence = "The device SHOULD do what \\field{x} says whenever the driver asks it to."
    ours = "// the device should do what x says, whenever the driver asks."
    said = {run for text in prose(sentence) for run in all_runs(words(text))}
    assert said & runs(ours)
    assert not runs("virtio_net_hdr hdr le16 num_buffers le32 hash_value le16 hash_report le16 padding_reserved x")


def test_no_sentence_of_the_specification(root: Path, releases: Path) -> None:
    ours: dict[tuple[str, ...], Path] = {}
    for path, text in texts(tracked(root, "generated", "spec", "templates", "codegen")):
        ours.update(dict.fromkeys(runs(text), path))
    assert ours, "nothing to compare"
    found: set[str] = set()
    seen: set[bytes] = set()
    for path in [*sorted(releases.rglob("*.tex")), *sorted(releases.parent.glob("seed/*.txt"))]:
        data = path.read_bytes()
        if data in seen:
            continue
        seen.add(data)
        for text in prose(data.decode("utf-8", "replace")):
            found |= {
                f"{ours[run].relative_to(root)}: {' '.join(run)!r}, as in {path.name}"
                for run in all_runs(words(text))
                if run in ours
            }
    assert not found, "\n".join(sorted(found))
