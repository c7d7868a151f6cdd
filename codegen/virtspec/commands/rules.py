"""`virtspec rules`: the catalogue of rules, the linter's with examples and the comparison's with their reasons."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from virtspec.commands import Commands, command
from virtspec.diagnostics import SpecError


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = command(
        commands,
        "rules",
        "show the rules of the linter and of the comparison",
        "  virtspec rules                     all rules\n"
        "  virtspec rules VS012               one rule of the linter with its examples\n"
        "  virtspec rules VD101               one rule of the comparison with its reasons\n"
        "  virtspec rules -o docs/rules       the catalogue as Markdown",
    )
    parser.add_argument("rule", nargs="?", metavar="RULE", help="a rule's id or name")
    parser.add_argument("-o", "--output", metavar="DIR", help="write the catalogue as Markdown, a page a rule")
    parser.add_argument("--check", action="store_true", help="with -o: write nothing; exit 1 if something would change")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from virtspec.diff.rules import RULES
    from virtspec.lint.catalogue import catalogue, listing
    from virtspec.lint.registry import rules
    from virtspec.lint.spelling import did_you_mean

    if arguments.output:
        return _write(Path(arguments.output), catalogue(), check=arguments.check)
    if not arguments.rule:
        print(listing(), end="")
        print("\nComparison\n----------")
        for compared in RULES.values():
            print(f"{compared.id}  {compared.name:<32}  {compared.purpose}")
        return 0
    checked = {**rules(), **{r.name: r for r in rules().values()}}
    compared_by = {**RULES, **{r.name: r for r in RULES.values()}}
    wanted = arguments.rule.upper() if arguments.rule[:2].upper() in ("VS", "VD") else arguments.rule
    if wanted in checked:
        print(checked[wanted].markdown(), end="")
    elif wanted in compared_by:
        found = compared_by[wanted]
        verdicts = ", ".join(verdict.name.lower() for verdict in found.verdicts)
        print(f"# {found.id} {found.name}\n\n*{found.class_}: {verdicts}*\n\n{found.purpose}\n\n{found.why}")
    else:
        hint = did_you_mean(difflib.get_close_matches(wanted, [*checked, *compared_by], n=2))
        raise SpecError(f"there is no rule '{arguments.rule}'; {hint or 'see virtspec rules'}")
    return 0


def _write(directory: Path, pages: dict[str, str], *, check: bool) -> int:
    """Write the pages, and remove those of rules that there are no more."""
    from virtspec.pipeline import write_text

    present = {path.name for path in directory.glob("*.md")} if directory.is_dir() else set()
    stale = sorted(name for name in present - set(pages) if name.startswith("VS"))
    changed = [
        name for name, text in pages.items() if name not in present or (directory / name).read_text("utf-8") != text
    ]
    if check:
        for name in (*changed, *stale):
            print(f"differs: {directory / name}")
        return int(bool(changed or stale))
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(f"{directory}: cannot be made: {error.strerror}") from None
    for name in changed:
        write_text(directory / name, pages[name])
    for name in stale:
        (directory / name).unlink()
    print(f"{directory}: {len(pages)} pages, {len(changed)} written, {len(stale)} removed")
    return 0
