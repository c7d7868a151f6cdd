"""The conformance runner, a package inside virtwire: the same text whatever the specification, but for what values have
to meet and for the clauses that its rules decide."""

from __future__ import annotations

from virtspec.emit.conformance.clauses import rule_clauses
from virtspec.emit.conformance.requirements import Requirements
from virtspec.emit.engine import Emission, render
from virtspec.model import Spec
from virtspec.resources import template_root

RUNNER = "python/virtwire/conformance"


def render_runner(spec: Spec) -> Emission:
    """The files of `virtwire.conformance`. They belong to the target `python`."""
    requirements = Requirements(spec)
    views = {"rules": rule_clauses(spec), "requirements": requirements.by_struct, "functions": requirements.functions()}
    emission = Emission(not_rendered=requirements.not_rendered)
    emission.files["python/hatch_build.py"] = render("python/hatch_build.py.jinja")
    for template in sorted((template_root() / "python" / "conformance").glob("*.py.jinja")):
        name = template.name.removesuffix(".jinja")
        emission.files[f"{RUNNER}/{name}"] = render(f"python/conformance/{template.name}", **views)
    return emission
