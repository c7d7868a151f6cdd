"""The rules: what one is, and the catalogue of all of them.

A rule is a function. Its docstring is its page in the catalogue: a sentence of purpose, more where it is needed, and
the examples under `Bad:` and `Good:`. A rule that the reader itself checks while it reads is declared by a function of
the same shape without a body; its findings come through the reader's `Sink`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from virtspec.diagnostics import NAMES, Severity
from virtspec.model import Place
from virtspec.report.findings import RuleInfo
from virtspec.source import SourceFile

if TYPE_CHECKING:
    from virtspec.lint.draft import Draft

FAMILIES = {
    "VS0": "Reading",
    "VS1": "Structs",
    "VS2": "Constants, registries and bindings",
    "VS3": "Features and conditions",
    "VS4": "Clauses and references",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A repair: the text from `start` to `end` of a file becomes `text`."""

    file: SourceFile
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a rule found, before it becomes a finding. `severity` is given where it is not the rule's own.

    It stands `at` an offset of a file, or at the place of a thing of the model; outside the document it is no finding.
    `edits` repair it where there is one certain way to; `again` are further offsets of the same thing.
    """

    at: tuple[SourceFile, int] | Place
    message: str
    subject: str = ""
    hint: str = ""
    severity: Severity | None = None
    edits: tuple[Edit, ...] = ()
    again: tuple[int, ...] = ()


Check: TypeAlias = "Callable[[Draft], Iterator[Hit]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `check` is None where the reader checks it."""

    id: str
    name: str
    severity: Severity
    purpose: str
    details: str
    bad: str
    good: str
    check: Check | None = field(compare=False)

    @property
    def family(self) -> str:
        return FAMILIES[self.id[:3]]

    @property
    def info(self) -> RuleInfo:
        """The rule as the writers of reports show it."""
        return RuleInfo(
            id=self.id, name=self.name, severity=self.severity, purpose=self.purpose, help=self.markdown(top=3)
        )

    def markdown(self, top: int = 1) -> str:
        """The rule's page; its heading has the level `top`."""
        mark = "#" * top
        parts = [f"{mark} {self.id} {self.name}", f"*{self.family}, {self.severity.label}*", self.purpose]
        if self.details:
            parts.append(self.details)
        language = "toml" if self.bad.startswith("[[") else "latex"
        parts.append(f"{mark}# Bad\n\n```{language}\n{self.bad}\n```")
        parts.append(f"{mark}# Good\n\n```{language}\n{self.good}\n```")
        return "\n\n".join(parts) + "\n"


_RULES: dict[str, Rule] = {}

_MODULES = (
    "reading",
    "annotations",
    "listings",
    "structs",
    "layouts",
    "constants",
    "registries",
    "bindings",
    "fields",
    "features",
    "clauses",
    "references",
)


def rule(id_: str, name: str, severity: Severity) -> Callable[[Check], Check]:
    """Make a function a rule that `run` calls."""

    def register(check: Check) -> Check:
        _add(id_, name, severity, check.__doc__, check)
        return check

    return register


def given(id_: str, severity: Severity) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Describe a rule that the reader checks; it has its name there. `severity` is the usual one."""

    def register(page: Callable[[], None]) -> Callable[[], None]:
        _add(id_, NAMES[id_], severity, page.__doc__, None)
        return page

    return register


def _add(id_: str, name: str, severity: Severity, doc: str | None, check: Check | None) -> None:
    assert id_ not in _RULES, f"two rules have the id {id_}"
    purpose, details, bad, good = _sections(inspect.cleandoc(doc or ""))
    _RULES[id_] = Rule(
        id=id_, name=name, severity=severity, purpose=purpose, details=details, bad=bad, good=good, check=check
    )


def _sections(doc: str) -> tuple[str, str, str, str]:
    """A docstring's purpose, details, bad and good example."""
    text, _, examples = doc.partition("\nBad:\n")
    bad, _, good = examples.partition("\nGood:\n")
    assert bad and good, f"a rule needs a Bad and a Good example: {doc[:60]!r}"
    purpose, _, details = text.strip().partition("\n\n")
    return " ".join(purpose.split()), details.strip(), _example(bad), _example(good)


def _example(text: str) -> str:
    return inspect.cleandoc("\n" + text).strip("\n")


def rules() -> dict[str, Rule]:
    """All rules by id, in the order of their ids."""
    if not _RULES:
        for module in _MODULES:
            import_module(f"virtspec.lint.{module}")
    return dict(sorted(_RULES.items()))
