"""Conditions on negotiated features, as Python."""

from __future__ import annotations

from virtspec.emit.python.naming import Cls
from virtspec.emit.python.views import ConditionView
from virtspec.model import AllOf, AnyOf, Condition, Feature, Not


class Conditions:
    """Knows the bits of all features by name."""

    def __init__(self, features: dict[str, int]) -> None:
        self.features = features

    def of(self, cls: Cls) -> tuple[list[str], list[ConditionView]]:
        """The local name of each member's condition, "" where it is always present; and the conditions."""
        names: dict[str, str] = {}
        members: dict[str, list[str]] = {}
        result: list[str] = []
        for attribute, member in zip(cls.attributes, cls.sources, strict=True):
            condition = member.condition if member is not None else None
            expression = ""
            if attribute.optional and condition is not None:
                expression = self.truth(condition) or ""
            if not expression:
                result.append("")
                continue
            names.setdefault(expression, f"has_{attribute.name.strip('_')}")
            members.setdefault(expression, []).append(attribute.name)
            result.append(names[expression])
        views = [ConditionView(name=n, expression=e, members=tuple(members[e])) for e, n in names.items()]
        return result, views

    def truth(self, condition: Condition) -> str | None:
        """A condition over `bits`, the negotiated features; None where features do not decide it."""
        match condition:
            case Feature(name=name):
                bit = self.features.get(name)
                return None if bit is None else f"bits >> {bit} & 1 != 0"
            case Not(term=term):
                inner = self.truth(term)
                return None if inner is None else f"not ({inner})"
            case AllOf(terms=terms) | AnyOf(terms=terms):
                mask = self._mask(condition)
                if mask is not None:
                    return f"bits & {mask:#x} != 0"
                parts = [self.truth(term) for term in terms]
                word = " and " if isinstance(condition, AllOf) else " or "
                known = [f"({p})" for p in parts if p is not None]
                return word.join(known) if len(known) == len(parts) and known else None
            case _:
                return None

    def _mask(self, condition: Condition) -> int | None:
        """The bits of which any one makes the condition true."""
        if not isinstance(condition, AnyOf):
            return None
        mask = 0
        for term in condition.terms:
            bit = self.features.get(term.name) if isinstance(term, Feature) else None
            if bit is None:
                return None
            mask |= 1 << bit
        return mask
