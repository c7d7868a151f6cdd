"""The conformance runner, a package inside virtwire: the same text whatever the specification, and the clauses that its
rules decide."""

from __future__ import annotations

from virtspec.emit.conformance.clauses import rule_clauses
from virtspec.emit.engine import render
from virtspec.model import Spec
from virtspec.resources import template_root

RUNNER = "python/virtwire/conformance"


def runner_files(spec: Spec) -> dict[str, str]:
    """The files of `virtwire.conformance` by path. They belong to the target `python`, whose emitter adds them."""
    files = {"python/hatch_build.py": render("python/hatch_build.py.jinja")}
    for template in sorted((template_root() / "python" / "conformance").glob("*.py.jinja")):
        name = template.name.removesuffix(".jinja")
        files[f"{RUNNER}/{name}"] = render(f"python/conformance/{template.name}", rules=rule_clauses(spec))
    return files
