"""How the command line behaves: what it says, to whom, when it is quiet, and how it leads on after a mistake."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtspec import progress
from virtspec.cli import main, parser
from virtspec.commands.completion import NO_PATH, SHELLS

ROOT = Path(__file__).parents[1]
CHAPTER = ROOT / "spec" / "device-context.tex"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "codegen")}
VIRTSPEC = [sys.executable, "-m", "virtspec"]

DEFECT = r"""\begin{lstlisting}
struct virtio_toy_config {
    le32 speed
    le32 size;
};
\end{lstlisting}
"""


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


@pytest.fixture
def defect(tmp_path: Path) -> Path:
    path = tmp_path / "toy.tex"
    path.write_text(DEFECT)
    return path


# --- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["laout"], ["did you mean 'layout'?", "'virtspec --help' shows all commands"]),
        (["generate", "--chek"], ["did you mean '--check'?", "'virtspec generate --help' shows examples"]),
        (["layout"], ["required: SPEC", "'virtspec layout --help' shows examples"]),
        (["layout", str(CHAPTER), "--format", "jsn"], ["did you mean 'json'?"]),
        (["completion", "csh"], ["did you mean 'zsh'?"]),
        (["layout", "-q", "-v", str(CHAPTER)], ["not allowed with"]),
    ],
)
def test_a_mistake_leads_on(arguments: list[str], said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    for text in said:
        assert text in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layout", str(CHAPTER), "virtio_dev_ctx_feature"], "did you mean 'virtio_dev_ctx_features'?"),
        (["layout", str(CHAPTER), "zzz"], f"'virtspec layout {CHAPTER}' shows all it defines"),
        (["layout", str(ROOT / "docs")], "name the directory of the LaTeX sources"),
        (["layout", f"{ROOT}@no-such-revision"], f"see 'git -C {ROOT} tag' and 'log --oneline'"),
        (["layout", f"{ROOT}@HEAD"], f"{ROOT}@HEAD: no virtio.tex there; name the directory of the LaTeX"),
        (["lint", f"{CHAPTER}@v1.4"], f"is a file, and REPO@REV needs a directory; 'git show v1.4:./{CHAPTER.name} >"),
        (["layout", "absent@v1.4"], "there is no directory 'absent'; REPO@REV needs a git checkout"),
        (["review", "absent.patch"], "absent.patch: no such file or directory; give a patch, an mbox or a mail"),
        (["extract", str(CHAPTER)], "give -o MODEL.json"),
        (["generate", "--only", "ada"], "choose from python"),
        (["atlas", str(CHAPTER), str(CHAPTER)], "give each one once"),
    ],
)
def test_an_error_names_the_next_step(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("virtspec: error: ") and said in err


def test_who_stands_in_a_chapter_is_told_where_the_specification_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "device-types" / "toy").mkdir(parents=True)
    (tmp_path / "virtio.tex").touch()
    monkeypatch.chdir(tmp_path / "device-types")
    assert main(["lint", "toy"]) == 2
    assert "toy: no virtio.tex in this directory; it is in '..'" in capsys.readouterr().err


def test_an_installed_virtspec_in_a_checkout_says_whose_templates_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["extract", str(CHAPTER), "-o", str(tmp_path / "model.json")]) == 0
    assert capsys.readouterr().err == ""
    for file in ("codegen/virtspec/__init__.py", "spec/spec.toml", "templates/x"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    assert main(["extract", str(CHAPTER), "-o", "model.json"]) == 0
    assert "'pip install --editable .' lets those here count" in capsys.readouterr().err


def test_a_file_without_any_definition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.tex"
    path.write_text("Notes.")
    assert main(["layout", str(path)]) == 0
    assert "is it the right file?" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(commands()))
def test_help_shows_examples_that_parse(name: str) -> None:
    """What a command's help shows can be typed: the parser takes every example."""
    text = commands()[name].format_help()
    assert "-q, --quiet" in text and "-v, --verbose" in text
    examples = text.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    shown = [line.strip() for line in examples if f"virtspec {name}" in line]
    assert shown
    for line in shown:
        if f"'virtspec {name}" in line:
            continue  # what another program is told to run
        typed = line.partition("  ")[0]
        for end in (" > ", " && "):
            typed = typed.partition(end)[0]
        parser().parse_args(typed[typed.index("virtspec ") :].split()[1:])


# --- quiet and verbose ------------------------------------------------------------------------------------


def test_quiet_leaves_the_result(defect: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", str(defect)]) == 0
    loud = capsys.readouterr()
    assert "VS012" in loud.err
    assert main(["layout", "--quiet", str(defect)]) == 0
    quiet = capsys.readouterr()
    assert (quiet.out, quiet.err) == (loud.out, "")


def test_quiet_leaves_what_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", "-q", "absent.tex"]) == 2
    assert "absent.tex: no such file" in capsys.readouterr().err


def test_quiet_work_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "-q", str(CHAPTER), "-o", str(tmp_path / "site")]) == 0
    assert capsys.readouterr() == ("", "")


def test_verbose_tells_the_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", "--verbose", str(CHAPTER)]) == 0
    passes = [line.partition(" s  ")[2] for line in capsys.readouterr().err.splitlines()]
    assert passes == ["read the LaTeX", "link it into a model", "lay out"]
    assert main(["layout", str(CHAPTER)]) == 0
    assert capsys.readouterr().err == "", "nothing without the option"


def test_times_of_a_pass_that_fails() -> None:
    progress.take_times()

    def fail() -> None:
        with progress.timed("try"):
            raise ValueError("wrong")

    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            fail()
    runs, seconds = progress.take_times()["try"]
    assert runs == 2 and seconds >= 0
    assert progress.take_times() == {}


# --- progress ---------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "DELAY", 0)
    assert list(progress.track(["a", "b", "c"], "counting")) == ["a", "b", "c"]
    assert "counting" in terminal.getvalue() and "/3" in terminal.getvalue()


def test_no_bar_for_short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress.track(range(3), "counting")) == [0, 1, 2]
    assert "counting" not in terminal.getvalue()


def test_no_bar_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    things: Iterator[int] = iter(range(3))
    assert progress.track(things, "counting") is things


def test_nothing_is_coloured_even_on_a_terminal(defect: Path) -> None:
    """So NO_COLOR has nothing left to ask for; that stays so."""
    primary, secondary = pty.openpty()
    done = subprocess.Popen(
        [*VIRTSPEC, "layout", str(defect)],
        stdout=secondary,
        stderr=secondary,
        stdin=secondary,
        env={**ENVIRONMENT, "NO_COLOR": "1", "TERM": "xterm-256color"},
    )
    os.close(secondary)
    shown = b""
    while True:
        try:
            data = os.read(primary, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not data:
            break
        shown += data
    os.close(primary)
    assert done.wait(30) == 0
    assert b"VS012" in shown
    assert b"\x1b[" not in shown


# --- pipes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["layout"], ["layout", "--format", "json"], ["extract", "-o", "-"]])
def test_a_pipe_that_closes_at_once(arguments: list[str]) -> None:
    process = subprocess.Popen(
        [*VIRTSPEC, *arguments, str(CHAPTER)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 0


@pytest.mark.parametrize("module", ["virtspec", "virtwire", "virtwire.conformance"])
def test_a_closed_output_is_no_error(module: str) -> None:
    """`>&-` leaves Python without a stream."""
    words = {"virtspec": ["rules"], "virtwire": ["list"], "virtwire.conformance": ["--list"]}[module]
    path = os.pathsep.join([str(ROOT / "codegen"), str(ROOT / "generated" / "python")])
    command = [sys.executable, "-m", module, *words]
    for redirected in (">&-", ">&- 2>&-", "| head -c 5"):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f'"$@" {redirected}', "bash", *command],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), redirected


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_without_a_character_gets_an_escape(encoding: str, tmp_path: Path) -> None:
    odd = tmp_path / "gr\u00fc\u00dfe \u2026 \udcff.tex"
    odd.write_text("\\section{Toy Device}\n\\begin{lstlisting}\nstruct t { u8 x; };\n\\end{lstlisting}\n", "utf-8")
    for words, code in ((["generate", "--help"], 0), (["layout", str(odd)], 0), (["layout", f"{odd} absent"], 2)):
        done = subprocess.run(
            [*VIRTSPEC, *words],
            env={**ENVIRONMENT, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == code
        done.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_document_is_utf_8_whatever_the_terminal_has(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "gr\u00fc\u00dfe.tex"
    path.write_text("\\section{P\u00f6rt \u2026}\nIt MUST not do \u00fc.\n", "utf-8")
    formats = [["--format", name] for name in ("json", "sarif", "junit", "github")]
    for options in (*formats, ["--fix", "-"]):
        done = subprocess.run(
            [*VIRTSPEC, "lint", str(path), *options],
            env={**ENVIRONMENT, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert "\u00fc" in done.stdout.decode("utf-8"), options  # of the name, or of the line
        if options[-1] in ("json", "sarif"):
            json.loads(done.stdout)


def test_the_help_of_virtwire_shows_examples_that_parse() -> None:
    from virtwire import _cli

    for action in _cli._parser()._actions:
        for name, command in (getattr(action, "choices", None) or {}).items():
            examples = command.format_help().partition("examples:\n")[2].splitlines()
            shown = [line.split("<")[0].split()[1:] for line in examples if line.startswith(f"  virtwire {name} ")]
            assert shown, name
            for words in shown:
                _cli._parser().parse_args(words)


# --- completion -------------------------------------------------------------------------------------------


def completion(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    assert main(["completion", shell]) == 0
    path = tmp_path / f"virtspec.{shell}"
    path.write_text(capsys.readouterr().out)
    return path


def run_shell(shell: str, script: str, cwd: Path) -> list[str]:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} here")
    plain = ["--norc", "--noprofile"] if shell == "bash" else ["-f"] if shell == "zsh" else ["--no-config"]
    done = subprocess.run(
        [found, *plain, "-c", script], capture_output=True, text=True, cwd=cwd, timeout=60, check=False
    )
    assert done.stderr == "", done.stderr
    assert done.returncode == 0
    return [line.partition("\t")[0].strip() for line in done.stdout.splitlines()]


def test_bash_completes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = completion("bash", capsys, tmp_path)

    def complete(*words: str) -> list[str]:
        typed = " ".join(f"'{word}'" for word in ("virtspec", *words))
        lines = f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _shtab_virtspec; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return run_shell("bash", f"source {script}; {lines}", tmp_path)

    (tmp_path / "draft.tex").touch()
    assert complete("lay") == ["layout"]
    assert complete("layout", "--form") == ["--format"]
    assert complete("layout", "--format", "") == ["text", "json"]
    assert complete("layout", "dra") == ["draft.tex"]


def test_fish_completes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = completion("fish", capsys, tmp_path)

    def complete(line: str) -> list[str]:
        return run_shell("fish", f"source {script}; complete -C '{line}'", tmp_path)

    (tmp_path / "draft.tex").touch()
    assert complete("virtspec lay") == ["layout"]
    assert "--format" in complete("virtspec layout --f")
    assert complete("virtspec layout --format ") == ["text", "json"]
    assert "draft.tex" in complete("virtspec layout dra")


def test_zsh_reads_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = completion("zsh", capsys, tmp_path)
    script.rename(tmp_path / "_virtspec")
    script = tmp_path / "_virtspec"
    said = run_shell(
        "zsh", 'fpath=($PWD $fpath); autoload -U compinit; compinit -D; print "$_comps[virtspec]"', tmp_path
    )
    assert said == ["_virtspec"]
    run_shell("zsh", "fpath=($PWD $fpath); autoload -Uz +X _virtspec", tmp_path)
    text = script.read_text()
    assert text.startswith("#compdef virtspec")
    assert all(f"_{name.replace('-', '_')}_options" in text for name in commands())


def test_every_argument_is_a_path_or_said_not_to_be() -> None:
    """A new argument that is no path must be added to NO_PATH, else shells offer files for it."""
    paths = {
        action.metavar
        for command in commands().values()
        for action in command._actions
        if action.choices is None and action.nargs != 0 and action.metavar not in NO_PATH
    }
    known = "SPEC OLD NEW PATCH HEADER DIR SITE REPO FILE FILE.toml MODEL.json REPORT.json ARGUMENT CHAPTER"
    assert {str(m) for m in paths} <= set(known.split()), "path or not? see NO_PATH"


def test_shells() -> None:
    assert SHELLS == ("bash", "zsh", "fish")


# --- start ------------------------------------------------------------------------------------------------


def test_the_start_imports_little() -> None:
    """What only one command or only a terminal needs is imported there: a start takes some 50 ms."""
    heavy = ("jinja2", "black", "pylatexenc", "shtab", "tqdm", "asyncio", "concurrent.futures", "virtspec.pipeline")
    script = "import sys; from virtspec.cli import parser; parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert not set(heavy) & set(done.stdout.split())
