"""The comparison of two models: every definition paired, every pair compared, every finding shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from virtspec.diff.change import Change, Comparison, finish
from virtspec.diff.clauses import compare_clauses
from virtspec.diff.constants import compare_constants, compare_features
from virtspec.diff.devices import compare_devices
from virtspec.diff.pairing import compare_definitions, pair_specs
from virtspec.diff.registries import compare_registries
from virtspec.diff.relations import compare_relations
from virtspec.diff.rules import change
from virtspec.diff.stale import Taken, take_over_facts
from virtspec.diff.unread import find_gaps
from virtspec.model import Spec, names_in


def compare_specs(old: Spec, new: Spec, old_name: str = "old", new_name: str = "new") -> Comparison:
    """All differences between two models."""
    paired = pair_specs(old, new)
    spelling = paired.context.spelling
    taken = take_over_facts(old, new, spelling)
    old, new = taken.old, taken.new
    paired = paired.over(old, new)
    context = paired.context
    added = _names(new) - _names(old)
    renamed = spelling.all_names()
    clauses = list(compare_clauses(old.clauses, new.clauses, added, renamed))
    changes = [
        *_with_statements(compare_definitions(paired.structs, context), clauses),
        *(c for match in paired.structs.pairs for c in compare_relations(match.old, match.new, spelling)),
        *compare_constants(paired.constants, spelling),
        *compare_features(paired.features, spelling),
        *compare_devices(old.devices, new.devices, spelling),
        *compare_registries(paired.registries, context),
        *clauses,
    ]
    changes += _taken(taken, renamed, changes)
    done = finish(changes)
    return Comparison(
        old_name=old_name,
        new_name=new_name,
        changes=done,
        old_coverage=old.coverage,
        new_coverage=new.coverage,
        gaps=tuple(find_gaps(old, new, done)),
    )


def _subjects(finding: Change) -> Iterator[str]:
    """What a finding is about, by its new name and by its old one."""
    yield finding.subject
    if isinstance(finding.old, dict) and "name" in finding.old:
        yield f"{finding.subject.rpartition('.')[0]}.{finding.old['name']}"


def _taken(taken: Taken, renamed: Mapping[str, str], changes: Sequence[Change]) -> Iterator[Change]:
    """The findings about facts that one of the texts does not state as it was reviewed."""
    told = {subject for c in changes for subject in _subjects(c)}
    gone = {c.old_place for c in changes if c.old is not None and c.new is None}
    for fact in taken.restated:
        if fact.in_other_words(renamed):
            message = f"the text that states the {_FACTS.get(fact.kind, fact.kind)} of '{fact.subject}' has changed"
            yield change("VD315", fact.subject, message, old_place=fact.old_place, new_place=fact.new_place)
    for lost in taken.lost:
        # where it is gone, or something else has taken its place, that is told
        if lost.subject not in told and not {lost.place, lost.within} & gone:
            what = _FACTS.get(lost.kind, lost.kind)
            message = f"the {what} of '{lost.subject}' is recorded, and nothing in the new text is found to have it"
            yield change("VD320", lost.subject, message, old_place=lost.place)


def _with_statements(changes: Iterable[Change], clauses: Sequence[Change]) -> Iterator[Change]:
    """The findings about members; those about their limits at the statement that was changed. A limit that the reader
    only finds on one side, while the statement is written in another way, is the same: he does not know all wordings.
    """
    for one in changes:
        if one.rule in ("VD316", "VD317", "VD318"):
            name = one.new["name"]
            stated = next((c for c in clauses if name in (c.new or c.old)["names"] and c.file == one.file), None)
            if stated is not None and stated.rule == "VD227" and not ("allowed" in one.old and "allowed" in one.new):
                continue
            if stated is not None:
                one = replace(one, old_place=stated.old_place, new_place=stated.new_place)
        yield one


_FACTS = {"bind": "payload", "fields": "place", "optional": "presence"}
"""What the kinds of facts that only prose states are called, where it is not their name."""


# --- names ------------------------------------------------------------------------------------------------


def _names(spec: Spec) -> set[str]:
    """Everything that a statement can speak of by name."""
    names = {s.name for s in spec.structs} | {c.name for c in spec.constants} | {f.name for f in spec.features}
    for struct in spec.structs:
        names.update(names_in(struct.members))
    return names
