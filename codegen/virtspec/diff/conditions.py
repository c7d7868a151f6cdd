"""What a change of the condition on a member, a bit-field or a code means, or of a member's direction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.members import Placed
from virtspec.diff.respell import Inside
from virtspec.diff.rules import change
from virtspec.diff.shape import allowed_text, condition_text
from virtspec.model import AllOf, Allowed, AnyOf, Condition, Feature, Not


def compare_conditions(a: Placed, b: Placed, subject: str, facts: dict[str, Any], inside: Inside) -> Iterator[Change]:
    """The differences between when a member means something, and in which part of an exchange it is. `inside` gives
    what is said of the old one in the names of the new model."""
    old, new = a.member, b.member
    condition = _turned(old.condition, new.condition, inside)
    name = b.label
    # whether a direction is stated depends on what is bound to a code, which is told where that changes
    if old.direction != new.direction and old.direction and new.direction:
        message = f"'{name}' is in the {new.direction} part and was in the {old.direction} one"
        yield change("VD122", subject, message, **facts)
    if old.allowed != new.allowed:
        yield from _allowed(name, inside.allowed(old.allowed), new.allowed, subject, facts)
    if not old.optional and not new.optional:
        yield from compare_validity(name, old.condition, new.condition, subject, facts, inside)
        return
    before, after = condition_text(condition), condition_text(new.condition)
    was = f"if {before}" if old.optional else "always"
    is_ = f"if {after}" if new.optional else "always"
    if was != is_:
        # a listing that does not say when a member is there may have left it to the text
        verdict = None if old.optional and new.optional else Verdict.UNDECIDED
        yield change("VD311", subject, f"the bytes of '{name}' are present {is_}, and were {was}", verdict, **facts)


def _allowed(
    name: str, old: Allowed | None, new: Allowed | None, subject: str, facts: dict[str, Any]
) -> Iterator[Change]:
    """The differences between the values that a member may have."""
    before, after = allowed_text(old), allowed_text(new)
    if before == after:
        return
    if old is None:
        yield change("VD316", subject, f"'{name}' has to be {after} now", **facts)
    elif new is None:
        yield change("VD316", subject, f"no limit of '{name}' is stated any more; it had to be {before}", **facts)
    else:
        lost = new.first > old.first or new.last < old.last
        more = new.first < old.first or new.last > old.last
        rule = "VD317" if lost else "VD318" if more else "VD316"
        yield change(rule, subject, f"'{name}' has to be {after}, and had to be {before}", **facts)


def compare_validity(
    name: str, old: Condition | None, new: Condition | None, subject: str, facts: dict[str, Any], inside: Inside
) -> Iterator[Change]:
    """The differences between when a member, bit-field or code means something. Where none of the features that are new
    is negotiated, there may be none."""
    turned = _turned(old, new, inside)
    same = without(new, inside.spelling.added) == (turned or True)
    verdict = Verdict.COMPATIBLE if same else None
    yield from compare_texts(name, condition_text(turned), condition_text(new), subject, facts, verdict)


def without(condition: Condition | None, features: Collection[str]) -> Condition | bool:
    """What is left of a condition where none of some features is negotiated."""
    match condition:
        case None:
            return True
        case Feature(name=name) if name in features:
            return False
        case Not(term=term):
            rest = without(term, features)
            return not rest if isinstance(rest, bool) else Not(term=rest)
        case AllOf(terms=terms) | AnyOf(terms=terms):
            decides = isinstance(condition, AnyOf)
            rests = [without(term, features) for term in terms]
            if decides in rests:
                return decides
            left = tuple(rest for rest in rests if not isinstance(rest, bool))
            return not decides if not left else left[0] if len(left) == 1 else type(condition)(terms=left)
        case _:
            return condition


def _turned(old: Condition | None, new: Condition | None, inside: Inside) -> Condition | None:
    """The old condition in the names of the new model. One that both texts write alike is the same: a name in it that
    something else has lost as well is not that one's."""
    return old if old == new else inside.condition(old)


def compare_texts(
    name: str, before: str, after: str, subject: str, facts: dict[str, Any], verdict: Verdict | None = None
) -> Iterator[Change]:
    """The same for conditions as the reports show them; "" is none."""
    if before == after:
        return
    if not before:
        yield change("VD312", subject, f"'{name}' is valid only if {after} now", verdict, **facts)
    elif not after:
        yield change("VD313", subject, f"'{name}' is always valid now, and was only if {before}", verdict, **facts)
    else:
        yield change("VD314", subject, f"'{name}' is valid if {after}, and was if {before}", verdict, **facts)
