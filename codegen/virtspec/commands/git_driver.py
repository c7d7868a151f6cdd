"""`virtspec git-driver`: let `git diff` and `git log -p` show what changes on the wire.

With one argument, as `textconv`, it prints the facts of a file; git compares them as text. With the seven arguments of
an external diff it prints the findings about the two versions.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from virtspec.commands import Commands, colourful, command
from virtspec.commands.diff import tolerate
from virtspec.diagnostics import SpecError, printable
from virtspec.source import MAX_FILE_BYTES


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "git-driver",
        "show wire changes in git diff and git log -p",
        "  git config diff.virtspec.textconv 'virtspec git-driver'\n"
        "  echo '*.tex diff=virtspec' >> .git/info/attributes\n"
        "or, for whole findings in 'git diff --ext-diff' and 'git log -p --ext-diff':\n"
        "  git config diff.virtspec.command 'virtspec git-driver'",
    )
    parser.add_argument("arguments", metavar="ARGUMENT", nargs="+", help="what git gives: FILE, or PATH OLD HEX MODE …")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    tolerate()
    given: list[str] = arguments.arguments
    if len(given) == 1:
        return _textconv(Path(given[0]))
    if len(given) >= 7:
        return _external(given)
    print("virtspec git-driver: git calls it with one argument (textconv) or seven (command)", file=sys.stderr)
    return 2


def _textconv(path: Path) -> int:
    """Print the facts; where there are none, or the file cannot be read, its text, for git to compare."""
    from virtspec.comparison import read_text
    from virtspec.report.facts import facts_text

    text = _read(path)
    if text is None:
        # two such files that differ must not look the same to git
        print(f"virtspec: {TOO_LONG}; its digest is {_digest(path)}")
        return 0
    try:
        facts = facts_text(read_text(text).spec)
    except SpecError as error:
        print(f"virtspec: {printable(str(error).splitlines()[0])}")
        facts = ""
    sys.stdout.write(facts or text)
    return 0


TOO_LONG = f"a file of more than {MAX_FILE_BYTES} bytes is not read"


def _read(path: Path) -> str | None:
    """The text of a file; None where it is too long. Raises `SpecError` where there is none."""

    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror or error}") from None
    if len(data) > MAX_FILE_BYTES:
        return None
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _digest(path: Path) -> str:
    """The digest of a file of any length."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _external(given: list[str]) -> int:
    """Print the findings about two versions of a file. The exit code only says whether git can go on."""
    from virtspec.comparison import compare_readings, read_text
    from virtspec.report.diff_text import diff_text
    from virtspec.report.outcome import Report, Step

    name, old, new = given[0], given[1], given[4]
    shown = printable(name)
    try:
        texts = [_read(Path(p)) if p != "/dev/null" else "" for p in (old, new)]
        if None in texts:
            raise SpecError(TOO_LONG)
        before, after = (read_text(text or "", name) for text in texts)
        step = Step(title=name, comparison=compare_readings(before, after))
        print(f"virtspec {shown}")
        sys.stdout.write(diff_text(Report(total=step), colour=colourful()))
    except SpecError as error:
        said = "\n".join(map(printable, str(error).splitlines()))
        print(f"virtspec {shown}: no verdict: {said}")
    return 0
