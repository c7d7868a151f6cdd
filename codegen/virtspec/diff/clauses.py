"""What became of the normative statements.

A statement with the same digest is the same one, wherever it stands; what has another digest is paired within its
section by the names it speaks of. A model that was read from LaTeX has the words of its statements: whether another
digest means more than another spelling, they tell, and which statement of another section it has been. A model file has
only the digests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.rules import change
from virtspec.diff.wording import likeness, same_text, same_wording
from virtspec.model import Clause

_STRENGTH = {
    "MAY": 0,
    "OPTIONAL": 0,
    "MAY NOT": 0,
    "SHOULD": 1,
    "RECOMMENDED": 1,
    "SHOULD NOT": 1,
    "NOT RECOMMENDED": 1,
    "MUST": 2,
    "SHALL": 2,
    "REQUIRED": 2,
    "MUST NOT": 2,
    "SHALL NOT": 2,
}


ALIKE = 0.7
"""From here on two statements of different sections count as one that has moved."""


def _strength(clause: Clause) -> int:
    return _STRENGTH.get(clause.level.upper(), 2)


def _forbids(clause: Clause) -> bool:
    return "NOT" in clause.level.upper().split()


def _subject(clause: Clause) -> str:
    return clause.section or clause.key


def _facts(clause: Clause) -> dict[str, Any]:
    return {"role": clause.role, "level": clause.level, "digest": clause.digest, "names": list(clause.names)}


def compare_clauses(
    old: Sequence[Clause], new: Sequence[Clause], added: Collection[str], renamed: Mapping[str, str]
) -> Iterator[Change]:
    """The findings about normative statements; `added` holds the names that only the new model has, `renamed` gives
    names of the old model their new ones."""
    pairs, gone, come = _match(old, new, renamed)
    known = {a.section for a in old}
    new_sections = {b.section for b in come if b.section not in known and set(b.names) & set(added)}
    for a, b in pairs:
        if a is not b and (a.digest, a.role, a.level, a.listed) != (b.digest, b.role, b.level, b.listed):
            yield from _pair(a, b, renamed)
    stated = {(a.digest, a.section, a.role) for a in old}, {(b.digest, b.section, b.role) for b in new}
    # what a section says twice, it says
    come = [b for b in come if (b.digest, b.section, b.role) not in stated[0]]
    gone = [a for a in gone if (a.digest, a.section, a.role) not in stated[1]]
    for b in come:
        fresh = sorted(set(b.names) & set(added))
        free = _strength(b) < 2
        reason = f"; it is about '{fresh[0]}', which is new" if fresh else ""
        if not fresh and b.section in new_sections:
            fresh = [b.section]
            reason = "; its section is new, and about what is new"
        yield change(
            "VD401",
            _subject(b),
            f"a new statement: {_who(b)} {b.level}{reason}",
            Verdict.COMPATIBLE if fresh or free else None,
            new=_facts(b),
            new_place=b.place,
        )
    for a in gone:
        yield change(
            "VD402",
            _subject(a),
            f"a statement is gone: {_who(a)} {a.level}",
            Verdict.COMPATIBLE if _strength(a) == 0 else None,
            old=_facts(a),
            old_place=a.place,
        )


def _who(clause: Clause) -> str:
    return "the driver or the device" if clause.role == "both" else f"the {clause.role}"


def _match(
    old: Sequence[Clause], new: Sequence[Clause], renamed: Mapping[str, str]
) -> tuple[list[tuple[Clause, Clause]], list[Clause], list[Clause]]:
    known: dict[str, list[Clause]] = defaultdict(list)
    for a in old:
        known[a.digest].append(a)
    pairs: list[tuple[Clause, Clause]] = []
    come = list(new)
    # every chapter may say "the device MUST ignore reserved": who stayed goes before who may have moved
    for place in (_section, _module, None):
        come = [b for b in come if not _take(known.get(b.digest, []), b, place, pairs)]
    gone = [a for clauses in known.values() for a in clauses]
    gone.sort(key=lambda c: (c.place, c.key))
    sections: dict[tuple[str, str], list[Clause]] = defaultdict(list)
    for a in gone:
        sections[a.module, a.section].append(a)
    for b in list(come):
        candidates = sections.get((b.module, b.section), [])
        best = max(candidates, key=lambda a: _likeness(a, b, renamed), default=None)
        if best is not None and _likeness(best, b, renamed) >= 1.0:
            candidates.remove(best)
            gone.remove(best)
            come.remove(b)
            pairs.append((best, b))
    moved = _moved(gone, come, renamed)
    away, here = ({id(clause) for clause in side} for side in (zip(*moved, strict=True) if moved else ((), ())))
    return [*pairs, *moved], [a for a in gone if id(a) not in away], [b for b in come if id(b) not in here]


def _section(clause: Clause) -> tuple[str, str]:
    return clause.section, clause.role


def _module(clause: Clause) -> tuple[str, str]:
    return clause.module, clause.role


def _take(
    same: list[Clause],
    clause: Clause,
    place: Callable[[Clause], tuple[str, str]] | None,
    pairs: list[tuple[Clause, Clause]],
) -> bool:
    """Pair the statement with the first of those with its digest that has the same place, if there is one."""
    index = next((i for i, other in enumerate(same) if place is None or place(other) == place(clause)), None)
    if index is None:
        return False
    pairs.append((same.pop(index), clause))
    return True


def _moved(gone: Sequence[Clause], come: Sequence[Clause], renamed: Mapping[str, str]) -> list[tuple[Clause, Clause]]:
    """Statements with other words that stand in another section of their chapter, or whose section is called otherwise:
    those that have most of their words in common."""
    places: dict[tuple[str, str], list[Clause]] = defaultdict(list)
    for a in gone:
        if a.words:
            places[a.module, a.role].append(a)
    ranked = [
        (score, a, b)
        for b in come
        if b.words
        for a in places.get((b.module, b.role), ())
        if (score := likeness(a.words, b.words, renamed)) >= ALIKE
    ]
    ranked.sort(key=lambda r: (-r[0], r[1].place, r[2].place))
    pairs: list[tuple[Clause, Clause]] = []
    taken: set[int] = set()
    for _, a, b in ranked:
        if not taken & {id(a), id(b)}:
            taken |= {id(a), id(b)}
            pairs.append((a, b))
    return pairs


def _likeness(a: Clause, b: Clause, renamed: Mapping[str, str]) -> float:
    """How much two statements of one section are about the same thing."""
    if a.role != b.role:
        return 0.0
    one, other = {renamed.get(name, name) for name in a.names}, set(b.names)
    names = 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.5
    same = bool(a.words and b.words) and same_wording(a.words, b.words, renamed)
    return names + 0.5 + 0.25 * (a.level == b.level) + 0.25 * (a.key == b.key) + same


def _pair(a: Clause, b: Clause, renamed: Mapping[str, str]) -> Iterator[Change]:
    subject = _subject(b)
    facts: dict[str, Any] = {"old": _facts(a), "new": _facts(b), "old_place": a.place, "new_place": b.place}
    if a.role != b.role:
        yield change("VD407", subject, f"a statement binds {_who(b)} and bound {_who(a)}", **facts)
    elif _forbids(a) != _forbids(b) and _strength(a) and _strength(b):
        yield change("VD406", subject, f"a statement says {b.level} and said {a.level}", **facts)
    elif _strength(b) > _strength(a):
        yield change("VD403", subject, f"{_who(b)} {b.level}, and {a.level} before", **facts)
    elif _strength(b) < _strength(a):
        yield change("VD404", subject, f"{_who(b)} {b.level}, and {a.level} before", **facts)
    elif a.digest != b.digest and a.words and b.words and same_text(a.words, b.words):
        pass
    elif a.digest != b.digest and a.words and b.words and same_wording(a.words, b.words, renamed):
        yield change("VD227", subject, f"a statement about {_names(b)} is written in another way", **facts)
    elif a.digest != b.digest:
        verdict = Verdict.COMPATIBLE if _strength(b) == 0 else None
        yield change("VD405", subject, f"a statement about {_names(b)} has another text", verdict, **facts)
    if a.listed is not None and b.listed is not None and a.listed != b.listed:
        verdict = None if b.listed else Verdict.UNDECIDED
        shown = "is listed" if b.listed else "is not listed any more"
        yield change("VD408", subject, f"the section {shown} in the conformance chapter", verdict, **facts)


def _names(clause: Clause) -> str:
    shown = ", ".join(f"'{name}'" for name in clause.names[:3])
    return shown or _who(clause)
