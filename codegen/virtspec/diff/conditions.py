"""What a change of a member's condition, or of its direction, means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.members import Placed
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text


def compare_conditions(a: Placed, b: Placed, subject: str, facts: dict[str, Any]) -> Iterator[Change]:
    """The differences between when a member means something, and in which part of an exchange it is."""
    old, new = a.member, b.member
    before, after = condition_text(old.condition), condition_text(new.condition)
    name = b.label
    if old.direction != new.direction and old.direction and new.direction:
        message = f"'{name}' is in the {new.direction} part and was in the {old.direction} one"
        yield change("VD122", subject, message, **facts)
    if before == after and old.optional == new.optional:
        return
    if old.optional or new.optional:
        was = f"if {before}" if old.optional else "always"
        is_ = f"if {after}" if new.optional else "always"
        if was != is_:
            stated = old.condition is not None and new.condition is not None
            verdict = None if stated else Verdict.UNDECIDED
            yield change("VD311", subject, f"the bytes of '{name}' are present {is_}, and were {was}", verdict, **facts)
    elif not before:
        yield change("VD312", subject, f"'{name}' is valid only if {after} now", **facts)
    elif not after:
        yield change("VD313", subject, f"'{name}' is always valid now, and was only if {before}", **facts)
    else:
        yield change("VD314", subject, f"'{name}' is valid if {after}, and was if {before}", **facts)
