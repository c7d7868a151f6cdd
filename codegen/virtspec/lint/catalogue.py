"""The catalogue of rules: as a list for the terminal, and as Markdown with a page for each rule."""

from __future__ import annotations

from virtspec.lint.registry import FAMILIES, Rule, rules


def listing() -> str:
    """All rules by family: id, usual severity, name, purpose."""
    lines: list[str] = []
    for family, members in _families():
        lines += ["", family, "-" * len(family)] if lines else [family, "-" * len(family)]
        width = max(len(rule.name) for rule in members)
        lines += [f"{r.id}  {r.severity.label:<7}  {r.name:<{width}}  {r.purpose}" for r in members]
    return "\n".join(lines) + "\n"


def catalogue() -> dict[str, str]:
    """The pages of the catalogue by file name."""
    lines = [
        "# Rules of the linter",
        "",
        "Made by `virtspec rules -o docs/rules`; the examples are the fixtures of the tests.",
        "How to use the linter stands in [lint.md](../lint.md).",
        "",
        "A severity here is the usual one: where a rule cannot decide, it gives a note.",
    ]
    pages: dict[str, str] = {}
    for family, members in _families():
        lines += ["", f"## {family}", "", "| rule | severity | name | purpose |", "| --- | --- | --- | --- |"]
        for rule in members:
            name = f"{rule.id}.md"
            pages[name] = rule.markdown()
            purpose = rule.purpose.replace("|", "\\|")
            lines.append(f"| [{rule.id}]({name}) | {rule.severity.label} | {rule.name} | {purpose} |")
    return {"README.md": "\n".join(lines) + "\n", **pages}


def _families() -> list[tuple[str, list[Rule]]]:
    return [(title, [r for r in rules().values() if r.id.startswith(prefix)]) for prefix, title in FAMILIES.items()]
