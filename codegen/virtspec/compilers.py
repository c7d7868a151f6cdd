"""A C compiler, asked about text that nobody vouches for.

Nothing that it makes of the text is run, and it works in a temporary directory of its own, which is all that it writes
into. Its time is bounded, and so are its memory and what it writes, where the system has such bounds. What a program
in C can have included, a text can too: it may read any file that the user may.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from virtspec.diagnostics import SpecError

try:
    import resource
except ImportError:  # not everywhere are there such bounds
    resource = None  # type: ignore[assignment]

MOST_SECONDS = 120
"""How long one call may take."""

MOST_MEMORY = 4 << 30
"""How many bytes of memory it may have."""

MOST_OUTPUT = 64 << 20
"""How many bytes it may write into one file."""

_BYTES = 8
_NUMBER = f"""
#define VIRTSPEC_NUMBER(x) ((x) < 0), {", ".join(
    f"(unsigned char)((unsigned long long)(x) >> {8 * i} & 255)" for i in range(_BYTES)
)},
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a compiler says: its exit code, its output and its messages, and what it was told to make."""

    code: int
    output: str
    messages: str
    made: bytes


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler by the name or the path of its program, and the directories that it looks for headers in."""

    program: str
    include: Sequence[Path] = ()

    def answer(self, arguments: Sequence[str], text: str) -> Answer:
        """What the compiler says of a text; `made` is the file `made` where the arguments name it. Raises `SpecError`
        where it cannot be run, or does not end."""
        program = shutil.which(self.program)
        if program is None:
            raise SpecError(f"'{self.program}' cannot be run: no such program; name a C compiler with --cc")
        include = (f"-I{Path(directory).resolve()}" for directory in self.include)
        command = [str(Path(program).absolute()), "-w", "-x", "c", *include, *arguments, "-"]
        with tempfile.TemporaryDirectory(prefix="virtspec-") as name:
            directory = Path(name)
            code = self._run(command, text, directory)
            read = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
        output, messages = (read[kind].decode("utf-8", "replace") for kind in ("output", "messages"))
        return Answer(code, output, messages, read.get("made", b""))

    def accept(self, arguments: Sequence[str], text: str) -> Answer:
        """The same. Raises `SpecError` with its first complaint, too."""
        answer = self.answer(arguments, text)
        if answer.code:
            lines = answer.messages.splitlines()
            complaint = next((line for line in lines if "error:" in line), answer.messages[:200].strip())
            hint = "; -I DIR says where headers are" if "No such file" in complaint else ""
            complaint = complaint or f"it ended with {answer.code}"
            raise SpecError(f"the headers do not compile with '{self.program}': {complaint}{hint}")
        return answer

    def numbers(self, text: str, expressions: Iterable[str]) -> list[int]:
        """The values of integer constant expressions behind a text. Raises `SpecError`.

        They are bytes of an array in an object file. What marks its ends is not known to the text.
        """
        marks = [secrets.token_bytes(16) for _ in range(2)]
        first, last = (", ".join(map(str, mark)) for mark in marks)
        values = "\n".join(f"VIRTSPEC_NUMBER({expression})" for expression in expressions)
        array = f"const unsigned char virtspec_numbers[] = {{\n{first},\n{values}\n{last}\n}};\n"
        made = self.accept(["-c", "-o", "made"], f"{text}{_NUMBER}{array}").made
        _, found, rest = made.partition(marks[0])
        data, closed, _ = rest.partition(marks[1])
        size = 1 + _BYTES
        if not found or not closed or len(data) % size:
            raise SpecError(f"the numbers are not in what '{self.program}' makes of the headers")
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        return [int.from_bytes(piece[1:], "little", signed=piece[0] == 1) for piece in pieces]

    def _run(self, command: Sequence[str], text: str, directory: Path) -> int:
        # the messages of a compiler are read, so they have to be the English ones
        environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(directory)}
        (directory / "text").write_text(text, "utf-8", "surrogateescape")
        with (
            (directory / "text").open("rb") as source,
            (directory / "output").open("wb") as output,
            (directory / "messages").open("wb") as messages,
        ):
            try:
                process = subprocess.Popen(
                    command,
                    stdin=source,
                    stdout=output,
                    stderr=messages,
                    cwd=directory,
                    env=environment,
                    start_new_session=True,  # a compiler is several processes, which end together
                    preexec_fn=_limit if os.name == "posix" else None,
                )
            except OSError as error:
                raise SpecError(
                    f"'{self.program}' cannot be run: {error.strerror}; name a C compiler with --cc"
                ) from None
            try:
                return process.wait(MOST_SECONDS)
            except subprocess.TimeoutExpired:
                raise SpecError(f"'{self.program}' does not end within {MOST_SECONDS} s") from None
            finally:
                _end(process)


def _limit() -> None:
    """Bound what the process may use, and all that it starts; where it may use less already, that stays. Not every
    system knows every bound."""
    bounds = {
        "RLIMIT_CPU": MOST_SECONDS,
        "RLIMIT_AS": MOST_MEMORY,
        "RLIMIT_FSIZE": MOST_OUTPUT,
        "RLIMIT_CORE": 0,
    }
    for name, bound in bounds.items():
        with suppress(AttributeError, OSError, ValueError):
            kind = getattr(resource, name)
            _, most = resource.getrlimit(kind)
            bound = bound if most == resource.RLIM_INFINITY else min(bound, most)
            resource.setrlimit(kind, (bound, bound))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that has not ended, and those that it has started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
