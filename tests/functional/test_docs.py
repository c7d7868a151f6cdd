"""The documentation does what it says: its commands and its Python are run, its links and its map held to the code."""

from __future__ import annotations

import ast
import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from virtspec.cli import parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "codegen" / "virtspec"
PAGES = sorted(DOCS.glob("*.md"))

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. `line` is that of its first line of content."""

    page: Path
    line: int
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        inside = "".join(line[len(match[1]) :] for line in match[3].splitlines(keepends=True))
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(page=page, line=line, language=match[2], text=inside))
    return found


def with_blocks(language: str) -> list[Path]:
    """The pages that have blocks of a language."""
    return [page for page in PAGES if any(b.language == language for b in blocks(page))]


# --- commands ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a console block, the exit code that it says, and the output that it shows."""

    line: int
    text: str
    code: int
    shown: tuple[str, ...]


def commands(block: Block) -> Iterator[Command]:
    lines = block.text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("$ ")]
    assert starts and starts[0] == 0, f"{block.page.name}:{block.line}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        typed, shown = [lines[start][2:]], lines[start + 1 : end]
        while shown and re.match("> ?", shown[0]) and "<<" in typed[0]:
            typed.append(re.sub("^> ?", "", shown.pop(0)))
        text, _, code = typed[0].partition("    # exit code ")
        whole = "\n".join([text, *typed[1:]])
        yield Command(line=block.line + start, text=whole, code=int(code or 0), shown=tuple(shown))


def missing(shown: tuple[str, ...], printed: str) -> str | None:
    """The first line that is shown and was not printed; `…` stands for any number of lines, and for any text in one."""
    lines = [line.rstrip() for line in printed.splitlines()]
    at, loose = 0, False
    for line in shown:
        if line == "…":
            loose = True
            continue
        pattern = ".*".join(re.escape(part) for part in line.rstrip().split("…"))
        here = range(at, len(lines)) if loose else range(at, min(at + 1, len(lines)))
        hit = next((i for i in here if re.fullmatch(pattern, lines[i])), None)
        if hit is None:
            return line
        at, loose = hit + 1, False
    return None if loose or not shown or at == len(lines) else f"(the end; then comes: {lines[at]})"


@pytest.fixture
def desk(releases: Path, tmp_path: Path) -> Path:
    """What the documentation expects around it: a checkout, and the specification's releases as a git repository."""
    top = tmp_path / "virtspec"
    top.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in ("codegen", "templates", "spec", "docs", "generated"):
        if not (ROOT / folder).is_dir():
            pytest.skip(f"no {folder}/ here; run 'virtspec generate'")
        shutil.copytree(ROOT / folder, top / folder, ignore=ignore)
    texts = tmp_path / "virtio-spec"
    git = ["git", "-C", str(texts), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "--quiet", str(texts)], check=True)
    for edition in ("1.3", "1.4"):
        subprocess.run([*git, "rm", "-r", "--quiet", "--ignore-unmatch", "."], check=True)
        shutil.copytree(releases / f"v{edition}", texts, dirs_exist_ok=True)
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", edition], check=True)
        subprocess.run([*git, "tag", f"v{edition}"], check=True)
    (tmp_path / "bin").mkdir()
    for name, module in (("virtspec", "virtspec.__main__"), ("python", "")):
        script = tmp_path / "bin" / name
        run = f"-m {module.removesuffix('.__main__')} " if module else ""
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {run}"$@"\n')
        script.chmod(0o755)
    return top


def environment(desk: Path) -> dict[str, str]:
    home = desk.parent
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))},
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{desk / 'codegen'}{os.pathsep}{desk / 'generated' / 'python'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }


@pytest.mark.parametrize("page", with_blocks("console"), ids=lambda p: p.stem)
def test_commands_do_what_is_shown(page: Path, desk: Path) -> None:
    console = [b for b in blocks(page) if b.language == "console"]
    if any(re.search(r"^\$ cc ", b.text, re.MULTILINE) for b in console) and not shutil.which("cc"):
        pytest.skip("no C compiler")
    for block in console:
        for command in commands(block):
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command.text],
                cwd=desk,
                env=environment(desk),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
                check=False,
            )
            where = f"{page.name}:{command.line}: $ {command.text}"
            assert done.returncode == command.code, f"{where}\nexit code {done.returncode}\n{done.stdout[-3000:]}"
            absent = missing(command.shown, done.stdout)
            assert absent is None, f"{where}\ndoes not print: {absent}\nbut:\n{done.stdout[-6000:]}"


def test_what_is_missing_is_seen() -> None:
    assert missing(("a", "c"), "a\nb\nc") == "c"
    assert missing(("a", "…", "c"), "a\nb\nc") is None
    assert missing(("a",), "a\nb") == "(the end; then comes: b)"
    assert missing(("x … z",), "x y z\n") is None
    assert missing((), "anything") is None


@pytest.mark.parametrize("page", with_blocks("python"), ids=lambda p: p.stem)
def test_python_runs(page: Path) -> None:
    """The Python blocks of a page, one after the other, at the top of the checkout."""
    if not (ROOT / "generated" / "python" / "virtwire").is_dir():
        pytest.skip("no generated/python here; run 'virtspec generate'")
    script = "\n".join(b.text for b in blocks(page) if b.language == "python")
    path = f"{ROOT / 'codegen'}{os.pathsep}{ROOT / 'generated' / 'python'}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"],
        input=script,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_shows_what_is(desk: Path, tmp_path: Path) -> None:
    """Its commands are ones that there are; those that show output print it; its Python session is a doctest."""
    readme = blocks(ROOT / "README.md")
    typed = [command for block in readme if block.language == "console" for command in commands(block)]
    for command in typed:
        words = shlex.split(command.text.partition(" # ")[0])
        if words[0] == "virtspec":
            parser().parse_args(words[1:])
        if command.shown:
            done = subprocess.run(
                ["bash", "-c", command.text],
                cwd=desk,
                env=environment(desk),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == command.code
            assert missing(command.shown, done.stdout) is None, command.text
    sessions = "\n".join(block.text for block in readme if block.language == "python")
    assert sessions.count(">>> ") > 3 and any(command.shown for command in typed)
    test = doctest.DocTestParser().get_doctest(sessions, {}, "README.md", None, 0)
    # a traceback shows the name of the exception only; what follows its message is compared, too
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


# --- text -------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get, by the rule of the common forges."""
    text = FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{page.name}: {target}"


def test_paths_exist() -> None:
    """Paths in code spans that begin with a folder of the checkout are there."""
    text = "\n".join(FENCE.sub("", page.read_text("utf-8")) for page in PAGES)
    named = set(re.findall(r"`((?:codegen|docs|spec|templates|tests|bench)/[\w./-]+)`", text))
    assert named
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


def test_targets_of_make_exist() -> None:
    """What the pages tell to make can be made."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    # in commands and in code spans; `make -C` is about another Makefile, or another checkout
    named = " ".join(re.findall(r"(?:`|^ *(?:\$ )?)make ((?:[a-z][a-z-]+ ?)+)", text, re.MULTILINE)).split()
    assert "test" in named
    assert not sorted(set(named) - targets)


def test_every_page_is_found_from_the_first() -> None:
    first = (DOCS / "README.md").read_text("utf-8")
    assert not [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in first]


# --- the map ----------------------------------------------------------------------------------------------

LEFT_OUT = frozenset({"compat", "frozen", "progress", "__init__", "__main__"})

FLOORS = {
    "Commands": ("cli", "commands"),
    "Order of the passes": ("pipeline", "comparison", "linting", "history"),
    "Results": (
        "emit",
        "lint",
        "diff",
        "review",
        "suppressions",
        "triage",
        "report",
        "atlas",
        "drift",
        "headers",
        "compilers",
        "releases",
    ),
    "Model": ("expressions", "model", "model_json", "layout", "since", "names", "rendering", "resources"),
    "Reading": ("link", "annotations", "read", "chapters", "listing", "latex", "diagnostics"),
    "Texts": ("inputs", "repository", "source"),
}


def uses() -> dict[str, set[str]]:
    """The rooms that each room uses, by the import statements of its files."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        names = found.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.ImportFrom(module="virtspec"):
                    names |= {alias.name for alias in node.names if not alias.name.startswith("__")}
                case ast.ImportFrom(module=str(name)) if name.startswith("virtspec."):
                    names.add(name.split(".")[1])
        names.discard(room)
    return {room: names - LEFT_OUT for room, names in found.items() if room not in LEFT_OUT}


def reach(graph: dict[str, set[str]], room: str) -> set[str]:
    """The rooms below a room."""
    return graph[room].union(*(reach(graph, used) for used in graph[room]))


def drawn_map() -> str:
    graph = uses()
    lines = ["flowchart TD"]
    for title, rooms in FLOORS.items():
        lines += [f'    subgraph "{title}"', *(f"        {room}" for room in rooms if room in graph), "    end"]
    for room, used in sorted(graph.items()):
        through = {name for between in used for name in reach(graph, between)}
        lines += [f"    {room} --> {name}" for name in sorted(used - through)]
    return "\n".join(lines) + "\n"


def test_the_map_is_that_of_the_imports(rewrite_golden: bool) -> None:
    page = DOCS / "architecture.md"
    (block,) = [b for b in blocks(page) if b.language == "mermaid"]
    if rewrite_golden:
        page.write_text(page.read_text("utf-8").replace(block.text, drawn_map()), "utf-8")
    else:
        assert block.text == drawn_map(), "pytest --rewrite-golden draws it anew"


def test_every_room_stands_on_a_floor() -> None:
    assert set(uses()) == {room for rooms in FLOORS.values() for room in rooms}
