"""`virtspec completion`: complete commands, options and paths in a shell."""

from __future__ import annotations

import argparse

from virtspec.commands import Commands, command

SHELLS = ("bash", "zsh", "fish")

NO_PATH = frozenset({"CC", "N", "NAME", "PREFIX", "RANGE", "REV", "RULE", "SHELL", "TARGET,…", "URL", "X.Y"})
"""The metavars of arguments that are not paths; every other argument without choices is one."""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "completion",
        "print what makes a shell complete commands, options and paths",
        "  virtspec completion bash > ~/.local/share/bash-completion/completions/virtspec\n"
        "  virtspec completion zsh > ~/.zfunc/_virtspec                  with ~/.zfunc in $fpath\n"
        "  virtspec completion fish > ~/.config/fish/completions/virtspec.fish",
    )
    parser.add_argument(
        "shell", metavar="SHELL", choices=SHELLS, help=" or ".join((", ".join(SHELLS[:-1]), SHELLS[-1]))
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    import shtab

    parser: argparse.ArgumentParser = arguments.parser
    complete_paths(parser, shtab.FILE)
    print(shtab.complete(parser, arguments.shell))
    return 0


def complete_paths(parser: argparse.ArgumentParser, paths: object) -> None:
    """Say for every argument of the parser and its commands that takes a path that it does."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                complete_paths(sub, paths)
        elif action.choices is None and action.nargs != 0 and action.metavar not in NO_PATH:
            action.complete = paths  # type: ignore[attr-defined]
