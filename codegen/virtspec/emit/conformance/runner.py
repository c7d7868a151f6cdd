"""The conformance runner, a package inside virtwire: the same text whatever the specification, and the clauses that its
rules decide."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType

from virtspec.emit.conformance.clauses import rule_clauses
from virtspec.emit.engine import render
from virtspec.model import AnyOf, Feature, Spec, features_of
from virtspec.names import is_identifier, python_field
from virtspec.resources import template_root

RUNNER = "python/virtwire/conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeView:
    """The values that a member of a configuration may have where one of these features is offered."""

    member: str
    first: int
    last: int
    features: tuple[str, ...]


def ranges_of(spec: Spec) -> dict[str, tuple[RangeView, ...]]:
    """The limited members of each device's configuration structure, by its tag."""
    found: dict[str, tuple[RangeView, ...]] = {}
    for tag in sorted({d.config for d in spec.devices}):
        struct = spec.struct(tag)
        views = tuple(
            RangeView(
                member=python_field(m.name),
                first=m.allowed.first,
                last=m.allowed.last,
                features=features_of(m.allowed.condition),
            )
            for m in (struct.members if struct is not None else ())
            if m.allowed is not None
            and is_identifier(m.name)
            and isinstance(m.allowed.condition, (Feature, AnyOf, NoneType))  # one of the features is enough
        )
        if views:
            found[tag] = views
    return found


def runner_files(spec: Spec) -> dict[str, str]:
    """The files of `virtwire.conformance` by path. They belong to the target `python`."""
    files = {"python/hatch_build.py": render("python/hatch_build.py.jinja")}
    for template in sorted((template_root() / "python" / "conformance").glob("*.py.jinja")):
        name = template.name.removesuffix(".jinja")
        files[f"{RUNNER}/{name}"] = render(
            f"python/conformance/{template.name}", rules=rule_clauses(spec), ranges=ranges_of(spec)
        )
    return files
