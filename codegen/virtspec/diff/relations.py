"""What became of the relations between the members of a struct."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.conditions import without
from virtspec.diff.respell import Respelling
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text
from virtspec.model import Relation, Struct, relation_text


def compare_relations(old: Struct, new: Struct, spelling: Respelling) -> Iterator[Change]:
    """The findings about the relations of a struct that both models have. `spelling` gives old names their new ones."""
    added = spelling.added
    if not old.relations and not new.relations:
        return
    before = _by_text(tuple(spelling.relation(r, old.name) for r in old.relations))
    after = _by_text(new.relations)
    for text in dict.fromkeys((*before, *after)):
        was, is_ = before.get(text, {}), after.get(text, {})
        gone = [relation for condition, relation in was.items() if condition not in is_]
        come = [relation for condition, relation in is_.items() if condition not in was]
        for a, b in zip(gone, come, strict=False):
            message = f"'{text}' has to hold {_when(b)}, and had to {_when(a)}"
            yield _told(new, message, a, b, same=without(b.condition, added) == (a.condition or True))
        for a in gone[len(come) :]:
            yield _told(new, f"'{relation_text(a)}' does not have to hold any more", a, None)
        for b in come[len(gone) :]:
            message = f"'{relation_text(b)}' has to hold now"
            yield _told(new, message, None, b, same=without(b.condition, added) is False)


def _by_text(relations: tuple[Relation, ...]) -> dict[str, dict[str, Relation]]:
    found: dict[str, dict[str, Relation]] = {}
    for relation in relations:
        found.setdefault(relation.text, {})[condition_text(relation.condition)] = relation
    return found


def _when(relation: Relation) -> str:
    condition = condition_text(relation.condition)
    return f"if {condition}" if condition else "always"


def _told(struct: Struct, message: str, old: Relation | None, new: Relation | None, *, same: bool = False) -> Change:
    """The finding about a relation; `same` says that it is the same for those who know no new feature."""
    facts: dict[str, Any] = {}
    if old is not None:
        facts |= {"old": relation_text(old), "old_place": old.evidence}
    if new is not None:
        facts |= {"new": relation_text(new), "new_place": new.evidence}
    return change("VD319", struct.name, message, Verdict.COMPATIBLE if same else None, **facts)
