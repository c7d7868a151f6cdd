"""One rule of the comparison, as the catalogue lists it."""

from __future__ import annotations

from dataclasses import dataclass

from virtspec.diff.change import Class, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of finding. `verdicts` are all that it can give, the usual one first; `why` is the reasoning."""

    id: str
    name: str
    class_: Class
    verdicts: tuple[Verdict, ...]
    purpose: str
    why: str


def rules(class_: Class, *rows: tuple[str, str, tuple[Verdict, ...], str, str]) -> tuple[Rule, ...]:
    """Rules of one class: id, name, verdicts, purpose, and why."""
    return tuple(
        Rule(id=id_, name=name, class_=class_, verdicts=verdicts, purpose=purpose, why=why)
        for id_, name, verdicts, purpose, why in rows
    )
