"""Imports inside the generator go one way; see "The house" in CONTRIBUTING.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "codegen" / "virtspec"

# Rooms from the ground up, and what each may use besides itself. A room is a module or a package.
MAY_USE = {
    room: set(used.split())
    for room, used in {
        "compat": "",
        "resources": "",
        "rendering": "resources",
        "source": "",
        "repository": "source",
        "inputs": "repository source",
        "names": "",
        "progress": "",
        "frozen": "",
        "model": "compat frozen source",
        "diagnostics": "source",
        "layout": "compat model",
        "latex": "compat diagnostics source",
        "expressions": "compat frozen",
        "listing": "compat diagnostics expressions frozen latex source",
        "chapters": "diagnostics latex model source",
        "read": "chapters compat diagnostics frozen latex listing model source",
        "annotations": "compat diagnostics expressions frozen latex model source",
        "link": "annotations chapters compat diagnostics expressions latex listing model names read source",
        "model_json": "compat diagnostics link model",
        "since": "layout model resources",
        "releases": "diff layout model since",
        "headers": "compilers diagnostics",
        "compilers": "diagnostics",
        "drift": "compat diagnostics headers layout model names",
        "emit": "compat diagnostics expressions layout model names progress rendering resources since",
        "diff": "compat diagnostics layout model names source",
        "review": "compat diagnostics source",
        "report": "compat diagnostics diff drift layout model rendering repository review since source",
        "suppressions": "compat diagnostics",
        "triage": "diagnostics diff report suppressions",
        "lint": "chapters compat diagnostics latex layout listing model names read report source suppressions",
        "atlas": "compat diagnostics emit layout model model_json progress rendering report resources since",
    }.items()
}

# These stand above all rooms: the order of the passes for each kind of work, and the commands that a user gives.
TOP = {"pipeline", "comparison", "linting", "history", "commands", "cli", "__main__", "__init__"}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """The rooms that a file imports, wherever in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=str(name), level=0) if name == "virtspec":
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom(module=str(name), level=0) if name.startswith("virtspec."):
                yield node.lineno, name.split(".")[1]
            case ast.Import(names=names):
                yield from ((node.lineno, a.name.split(".")[1]) for a in names if a.name.startswith("virtspec."))
            case ast.ImportFrom(level=level) if level:
                yield node.lineno, f"{'.' * level}{node.module or ''}"


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: '{room(path)}' must not use '{name}'"
        for path in sorted(PACKAGE.rglob("*.py"))
        if room(path) not in TOP
        for line, name in imported(path)
        if name != room(path) and name not in MAY_USE.get(room(path), set()) and name != "__version__"
    ]
    assert not wrong, "\n".join(wrong)


def test_emitters_do_not_know_each_other() -> None:
    emit = PACKAGE / "emit"
    targets = {path.name for path in emit.iterdir() if path.is_dir() and path.name != "__pycache__"}
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: '{node.module}'"
        for target in targets
        for path in sorted((emit / target).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("virtspec.emit.")
        for other in [str(node.module).split(".")[2:3], *([alias.name] for alias in node.names)]
        if (targets - {target}) & set(other)
    ]
    assert not wrong, "\n".join(wrong)
    shared = [path for path in emit.glob("*.py") if path.name != "__init__.py"]
    below = [f"{path.name}: '{t}'" for path in shared for t in targets if f"virtspec.emit.{t}" in path.read_text()]
    assert not below, "\n".join(below)


def test_every_room_has_its_rule() -> None:
    rooms = {room(path) for path in PACKAGE.rglob("*.py")} - TOP
    assert rooms <= MAY_USE.keys(), f"say in MAY_USE what these may use: {sorted(rooms - MAY_USE.keys())}"


def test_the_rules_themselves_go_one_way() -> None:
    order: list[str] = []
    while len(order) < len(MAY_USE):
        ready = [name for name, used in MAY_USE.items() if name not in order and used <= set(order)]
        assert ready, f"these use each other: {sorted(MAY_USE.keys() - set(order))}"
        order += ready


def test_the_command_line_knows_commands_only() -> None:
    assert {name for _, name in imported(PACKAGE / "cli.py")} <= {"commands", "diagnostics", "progress", "__version__"}


def test_nothing_knows_what_stands_above_it() -> None:
    above = {
        "commands": {"cli"},
        "comparison": {"cli", "commands"},
        "history": {"cli", "commands"},
        "linting": {"cli", "commands"},
        "pipeline": {"cli", "commands", "comparison", "history", "linting"},
    }
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: '{name}'"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, name in imported(path)
        if name in above.get(room(path), set())
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other() -> None:
    """Not even for types only: what two modules need of each other is a third."""
    names = {".".join(("virtspec", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in PACKAGE.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        nodes = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.ImportFrom) and n.module]
        graph[name] = {n.module for n in nodes if n.module in names} | {
            f"{n.module}.{alias.name}" for n in nodes for alias in n.names if f"{n.module}.{alias.name}" in names
        }
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names them
