"""Clauses and what tests them: vectors, a rule about real data, or nothing that bytes could show.

What a clause is about is read from the names in it, since its sentence is not part of the model. Where it states
values, a relation or an order that the model has, the rule that checks these decides it.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from virtspec.emit.conformance.cases import Case
from virtspec.emit.conformance.requirements import Requirements
from virtspec.emit.conformance.values import RESERVED
from virtspec.emit.containers import containers_of
from virtspec.emit.engine import GENERATE_COMMAND, render
from virtspec.model import Clause, Member, Registry, Spec, Struct, bits_of, features_of, members_in, names_in

CLAUSES_SCHEMA = "virtwire.clauses/1"

How: TypeAlias = Literal["vectors", "rule", "data", "behaviour"]

MEANINGS: dict[How, str] = {
    "vectors": "vectors exercise it",
    "rule": "a rule of `virtwire.conformance check` decides it on real data",
    "data": "it is about members of structures: bytes can show it, no rule looks yet",
    "behaviour": "not testable from bytes: it is about behaviour, or names nothing that is in them",
}

_ORDER = "parts-are-in-order"
_ALLOWED = "values-are-allowed"


def ordering_clauses(spec: Spec, registry: Registry) -> tuple[str, ...]:
    """The clauses that say that records stand in the order of their types."""
    return tuple(c.key for c in spec.clauses if registry.key in c.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseView:
    """A clause with what tests it."""

    key: str
    module: str
    role: str
    level: str
    place: str
    names: tuple[str, ...]
    how: How
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """How many clauses of a chapter or device type are tested in which way."""

    module: str
    total: int
    counts: tuple[int, ...]


class Clauses:
    """The clauses of a model, and the cases and rules that test them."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        checked = Requirements(spec).by_struct
        self.features = {f.name: f for f in reversed(spec.features)}
        self.members: dict[str, set[str]] = {}
        for struct in spec.structs:
            self.members.setdefault(struct.module, set()).update(names_in(struct.members))
        self._looked_at: dict[str, tuple[str, str]] = {
            s.key: (_ALLOWED, s.name) for s in spec.structs if s.name in checked
        }
        self._looked_at |= {c.registry.key: (_ORDER, c.record.name) for c in containers_of(spec)}
        self._cases: dict[str, list[str]] = {}
        self._reserved: dict[str, list[str]] = {}
        for clause in spec.clauses:
            for struct in self._with_reserved(clause):
                self._reserved.setdefault(struct.name, []).append(clause.key)

    def of_rules(self) -> dict[str, dict[str, list[str]]]:
        """The clauses that a rule decides, by rule and by the struct that it looks at."""
        found: dict[str, dict[str, list[str]]] = {"reserved-is-zero": self._reserved}
        for clause in self.spec.clauses:
            for rule, struct in self._decided(clause):
                found.setdefault(rule, {}).setdefault(struct, []).append(clause.key)
        return found

    def _decided(self, clause: Clause) -> list[tuple[str, str]]:
        """The rules that check what a clause states, each with the struct that it looks at."""
        return [self._looked_at[key] for key in clause.states if key in self._looked_at]

    def _with_reserved(self, clause: Clause) -> Sequence[Struct]:
        """The structs whose reserved members a clause is about: those it names, else the nearest one before it."""
        reserved = {name for name in clause.names if RESERVED.fullmatch(name)}
        if not reserved or "/legacy_" in clause.key:
            return ()
        having = [s for s in self.spec.structs if s.module == clause.module and reserved & set(names_in(s.members))]
        named = [s for s in having if s.name in clause.names]
        before = [s for s in having if s.place.file == clause.place.file and s.place < clause.place]
        return named or before[-1:]

    def exercised(self, struct: Struct, cases: Sequence[Case]) -> tuple[Case, ...]:
        """The cases of a struct, each with the clauses that it exercises."""
        reserved = self._reserved.get(struct.name, [])
        forms = [c.key for c in self.spec.clauses if c.module == struct.module and _about_form(c, struct)]
        result = []
        for case in cases:
            keys = [*case.clauses]
            keys += (reserved if "reserved" in case.flags else []) + (forms if "feature-form" in case.flags else [])
            for key in keys:
                self._cases.setdefault(key, []).append(f"{struct.name}/{case.name}")
            result.append(replace(case, clauses=tuple(keys)) if keys else case)
        return tuple(result)

    def views(self) -> Iterator[ClauseView]:
        """All clauses, in the order of the sources. To be asked for after the cases."""
        for clause in self.spec.clauses:
            how, by = self._tested(clause)
            yield ClauseView(
                key=clause.key,
                module=clause.module,
                role=clause.role,
                level=clause.level,
                place=str(clause.place),
                names=clause.names,
                how=how,
                by=by,
            )

    def _tested(self, clause: Clause) -> tuple[How, tuple[str, ...]]:
        if clause.key in self._cases:
            return "vectors", tuple(self._cases[clause.key])
        if decided := self._decided(clause):
            return "rule", tuple(dict.fromkeys(rule for rule, _ in decided))
        if self._about_requirement(clause):
            return "rule", ("features-have-what-they-require",)
        tags = {s.name for s in self.spec.structs}
        if any(name in self.members.get(clause.module, ()) or name in tags for name in clause.names):
            return "data", ()
        return "behaviour", ()

    def _about_requirement(self, clause: Clause) -> bool:
        """Whether a clause names features only, and one of them requires another."""
        names = set(clause.names)
        if len(names) < 2 or not names <= self.features.keys():
            return False
        needed = {n: self.features[n].requires for n in names}
        return any(names & set(features_of(need)) - {name} for name, need in needed.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule of `virtwire.conformance check`, and the clauses that it decides by the struct that it looks at."""

    name: str
    clauses: tuple[tuple[str, tuple[str, ...]], ...]


def rule_clauses(spec: Spec) -> tuple[RuleView, ...]:
    """The rules that decide clauses."""
    found = Clauses(spec).of_rules()
    return tuple(
        RuleView(name=name, clauses=tuple((struct, tuple(keys)) for struct, keys in sorted(by_struct.items())))
        for name, by_struct in sorted(found.items())
    )


def _about_form(clause: Clause, struct: Struct) -> bool:
    """Whether a clause names a member that is only there with a feature, and that feature."""
    return any(
        member.optional and name in clause.names and set(features_of(member.condition)) & set(clause.names)
        for name, member in _named(struct)
    )


def _named(struct: Struct) -> Iterator[tuple[str, Member]]:
    """The names of members and bit-fields, each with the member that has it or that it is in."""
    for _, member in members_in(struct.members):
        yield from ((name, member) for name in (member.name, *(bit.name for bit in bits_of(member))) if name)


# --- as files ---------------------------------------------------------------------------------------------


def render_clauses(edition: str, views: Sequence[ClauseView]) -> Mapping[str, str]:
    """The table of the clauses as JSON, Markdown and HTML."""
    order = tuple(MEANINGS)
    modules = []
    for module in sorted({view.module for view in views}):
        counts = Counter(view.how for view in views if view.module == module)
        modules.append(ModuleView(module=module, total=counts.total(), counts=tuple(counts[how] for how in order)))
    total = Counter(view.how for view in views)
    common = {
        "edition": edition,
        "meanings": tuple((how, total[how], MEANINGS[how]) for how in order),
        "total": len(views),
        "modules": modules,
    }
    return {
        "conformance/clauses.json": _json(edition, views),
        "conformance/clauses.md": render("conformance/clauses.md.jinja", clauses=[_plain(v) for v in views], **common),
        "conformance/clauses.html": render(
            "conformance/clauses.html.jinja", clauses=[_escaped(v) for v in views], **common
        ),
    }


def _json(edition: str, views: Sequence[ClauseView]) -> str:
    lines = [
        "{",
        f' "schema": {json.dumps(CLAUSES_SCHEMA)},',
        f' "generated_by": {json.dumps(GENERATE_COMMAND)},',
        f' "edition": {json.dumps(edition)},',
        ' "clauses": [',
    ]
    rows = []
    for view in views:
        entry: dict[str, object] = {
            "key": view.key,
            "role": view.role,
            "level": view.level,
            "source": view.place,
            "names": list(view.names),
            "tested": view.how,
        }
        if view.by:
            entry["by"] = list(view.by)
        rows.append(f"  {json.dumps(entry)}")
    return "\n".join(lines) + "\n" + ",\n".join(rows) + "\n ]\n}\n"


def _plain(view: ClauseView) -> ClauseView:
    """A clause for Markdown: nothing in it ends a cell or begins markup."""
    return _changed(view, lambda text: text.replace("|", "/").replace("`", "'").replace("<", "&lt;"))


def _escaped(view: ClauseView) -> ClauseView:
    return _changed(view, html.escape)


def _changed(view: ClauseView, change: Callable[[str], str]) -> ClauseView:
    return replace(
        view,
        key=change(view.key),
        module=change(view.module),
        place=change(view.place),
        names=tuple(map(change, view.names)),
        by=tuple(map(change, view.by)),
    )
