"""What became of constants and feature bits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from virtspec.diff.change import Change, Sample
from virtspec.diff.match import Match, Matched
from virtspec.diff.respell import Respelling
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text
from virtspec.model import AllOf, Condition, Constant, FeatureBit

# enumerators that count or end the others and are not exchanged themselves
_SENTINEL = re.compile(r"(?:.*_)?(?:MAX|NR|NUM|COUNT|LAST|END|SENTINEL)(?:_[A-Z0-9]+)?|__.*|.*_(?:MAX|LAST)_.*")


# --- constants --------------------------------------------------------------------------------------------


def compare_constants(matched: Matched[Constant], spelling: Respelling) -> Iterator[Change]:
    """The findings about constants that are no feature bits; `spelling` gives old names their new ones."""
    shifted = _shifted(matched)
    for match in matched.pairs:
        yield from _constant(match, shifted, spelling)
    yield from _enumerations(matched)
    yield from _chapters(matched)
    appended = _appended(matched)
    for constant in matched.added:
        rule = "VD135" if constant.key in appended else "VD132"
        what = "is appended to its enumeration" if rule == "VD135" else "is new"
        yield change(
            rule,
            constant.name,
            f"'{constant.name}' = {shown(constant)} {what}",
            new=constant_facts(constant),
            new_place=constant.place,
            sample=code_sample(constant.name, None, constant.value),
        )
    for constant in matched.removed:
        yield change(
            "VD133",
            constant.name,
            f"'{constant.name}' = {shown(constant)} is gone",
            old=constant_facts(constant),
            old_place=constant.place,
            sample=code_sample(constant.name, constant.value, None),
        )


def constant_facts(constant: Constant) -> dict[str, Any]:
    """A constant as the reports give it."""
    facts: dict[str, Any] = {"name": constant.name, "value": constant.value, "kind": constant.kind}
    if constant.value is None:
        facts["expression"] = constant.expression
    if constant.parameters is not None:
        facts["parameters"] = list(constant.parameters)
    return facts


def shown(constant: Constant) -> str:
    """A constant's value as text."""
    if constant.value is None:
        return constant.expression or "unknown"
    return f"0x{constant.value:x}" if constant.value > 0xFFFF else str(constant.value)


def code_sample(name: str, old: int | None, new: int | None) -> Sample | None:
    """A code's bytes in the smallest integer that holds both values, little-endian."""
    values = [v for v in (old, new) if v is not None]
    if not values or any(not 0 <= v < 1 << 64 for v in values):
        return None
    width = next(w for w in (1, 2, 4, 8) if max(values) < 1 << (8 * w))
    note = f"as le{8 * width}" if width > 1 else "as u8"
    return Sample(
        value=((name, "its code"),),
        old=None if old is None else old.to_bytes(width, "little"),
        new=None if new is None else new.to_bytes(width, "little"),
        note=note,
    )


def example_turned(what: str, subject: str, *, example: bool, **facts: Any) -> Change:
    """The finding about a definition that has become an example, or is none any more."""
    now = "is only an example now" if example else "is no mere example any more"
    return change("VD128", subject, f"{what} {now}", old=not example, new=example, **facts)


def _constant(match: Match[Constant], shifted: Mapping[str, str], spelling: Respelling) -> Iterator[Change]:
    a, b = match.old, match.new
    places: dict[str, Any] = {"old_place": a.place, "new_place": b.place}
    facts: dict[str, Any] = {"old": constant_facts(a), "new": constant_facts(b), **places}
    if a.name != b.name:
        message = f"'{a.name}' is called '{b.name}' now"
        yield change("VD203", b.name, message, evidence=match.evidence, **facts)
    if a.value != b.value and (a.value is None or b.value is None):
        message = f"'{b.name}' is {shown(b)} and was {shown(a)}"
        yield change("VD137", b.name, message, **facts)
    elif a.value != b.value:
        message = f"'{b.name}' is {shown(b)} and was {shown(a)}"
        sample = code_sample(b.name, a.value, b.value)
        if _is_sentinel(a, b):
            yield change("VD136", b.name, f"{message}: the end of the enumeration", **facts)
        elif b.key in shifted:
            yield change("VD134", b.name, f"{message}: {shifted[b.key]}", sample=sample, **facts)
        else:
            yield change("VD131", b.name, message, sample=sample, **facts)
    elif a.parameters != b.parameters or (a.value is None and spelling.text(a.expression) != b.expression):
        yield change("VD137", b.name, f"'{b.name}' is '{_macro(b)}' and was '{_macro(a)}'", **facts)
    elif a.kind != b.kind:
        message = f"'{b.name}' is defined by {_a(b.kind)} and was by {_a(a.kind)}; its value is the same"
        yield change("VD223", b.name, message, **facts)
    if a.example != b.example:
        yield example_turned(f"'{b.name}'", b.name, example=b.example, **places)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _macro(constant: Constant) -> str:
    """What stands behind a constant's name."""
    parameters = "" if constant.parameters is None else f"({', '.join(constant.parameters)}) "
    return f"{parameters}{constant.expression or shown(constant)}"


def _enumerations(matched: Matched[Constant]) -> Iterator[Change]:
    """Enumerations with another name: told once, not for each of their enumerators."""
    renamed: dict[tuple[str, str], Match[Constant]] = {}
    for m in matched.pairs:
        if m.old.kind == "enum" == m.new.kind and m.old.owner != m.new.owner:
            renamed.setdefault((m.old.owner, m.new.owner), m)
    for (before, after), m in renamed.items():
        was, is_ = (f"'{name}'" if name else "one without a name" for name in (before, after))
        message = f"the enumeration of '{m.new.name}' is {is_}, and was {was}"
        places: dict[str, Any] = {"old_place": m.old.place, "new_place": m.new.place}
        yield change("VD210", after or m.new.name, message, old=before, new=after, **places)


def _is_sentinel(a: Constant, b: Constant) -> bool:
    if a.kind != "enum" or b.kind != "enum" or a.value is None or b.value is None:
        return False
    return b.value > a.value and _SENTINEL.fullmatch(b.name) is not None


def _group(constant: Constant) -> tuple[str, str]:
    return constant.module, constant.owner


def _shifted(matched: Matched[Constant]) -> dict[str, str]:
    """Enumerators whose values have moved by one step together: by key, what moved them."""
    groups: dict[tuple[str, str], list[Match[Constant]]] = defaultdict(list)
    for match in matched.pairs:
        if match.new.kind == "enum" and match.old.kind == "enum":
            groups[_group(match.new)].append(match)
    found: dict[str, str] = {}
    for group, matches in groups.items():
        steps: dict[int, list[Match[Constant]]] = defaultdict(list)
        for m in matches:
            if m.old.value is not None and m.new.value is not None and m.old.value != m.new.value:
                steps[m.new.value - m.old.value].append(m)
        for step, moved in steps.items():
            first = min(m.new.value or 0 for m in moved)
            cause = next((c for c in matched.added if _group(c) == group and c.value == first - step), None)
            lost = next((c for c in matched.removed if _group(c) == group), None)
            if step > 0 and cause is not None:
                reason = f"'{cause.name}' was put in before it"
            elif step < 0 and lost is not None:
                reason = f"'{lost.name}' was taken out before it"
            elif len(moved) > 1:
                reason = f"{len(moved)} enumerators have moved by {step:+d}"
            else:
                continue
            found.update((m.new.key, reason) for m in moved)
    return found


def _appended(matched: Matched[Constant]) -> set[str]:
    """New enumerators with values above all old ones of their enumeration."""
    top: dict[tuple[str, str], int] = {}
    for match in matched.pairs:
        old = match.old
        if match.new.kind == "enum" and old.value is not None and not _SENTINEL.fullmatch(old.name):
            group = _group(match.new)
            top[group] = max(top.get(group, old.value), old.value)
    return {
        c.key
        for c in matched.added
        if c.kind == "enum" and c.value is not None and _group(c) in top and c.value > top[_group(c)]
    }


def _chapters(matched: Matched[Constant] | Matched[FeatureBit]) -> Iterator[Change]:
    """What belongs to another chapter: told once for all that have gone the same way."""
    gone: dict[tuple[str, str], list[Match[Constant] | Match[FeatureBit]]] = defaultdict(list)
    for m in matched.pairs:
        if m.old.module != m.new.module:
            gone[m.old.module, m.new.module].append(m)
    for (before, after), found in gone.items():
        first = found[0]
        names = (
            f"'{first.new.name}' belongs" if not found[1:] else f"'{first.new.name}' and {len(found) - 1} more belong"
        )
        message = f"{names} to the chapter '{after}' now, and did to '{before}'"
        places: dict[str, Any] = {"old_place": first.old.place, "new_place": first.new.place}
        yield change("VD221", first.new.name, message, old=before, new=after, **places)


# --- feature bits -----------------------------------------------------------------------------------------


def feature_facts(feature: FeatureBit) -> dict[str, Any]:
    """A feature bit as the reports give it."""
    facts: dict[str, Any] = {"name": feature.name, "bit": feature.bit}
    if feature.requires is not None:
        facts["requires"] = condition_text(feature.requires)
    if feature.legacy:
        facts["legacy"] = True
    return facts


def _word(name: str, old: int | None, new: int | None) -> Sample:
    """The feature bits as 64-bit words, with only this one set."""
    words = max(b for b in (old, new) if b is not None) // 64 + 1
    size = 8 * min(words, 16)

    def encoded(bit: int | None) -> bytes | None:
        return None if bit is None or bit >= 8 * size else (1 << bit).to_bytes(size, "little")

    return Sample(value=((name, "negotiated alone"),), old=encoded(old), new=encoded(new), note="the feature bits")


def compare_features(matched: Matched[FeatureBit], spelling: Respelling) -> Iterator[Change]:
    """The findings about feature bits; `spelling` gives old names their new ones."""
    for match in matched.pairs:
        a, b = match.old, match.new
        facts: dict[str, Any] = {
            "old": feature_facts(a),
            "new": feature_facts(b),
            "old_place": a.place,
            "new_place": b.place,
        }
        if a.name != b.name:
            message = f"feature '{a.name}' is called '{b.name}' now"
            yield change("VD208", b.name, message, evidence=match.evidence, **facts)
        if a.bit != b.bit:
            message = f"feature '{b.name}' is bit {b.bit} and was bit {a.bit}"
            yield change("VD302", b.name, message, sample=_word(b.name, a.bit, b.bit), **facts)
        if a.legacy != b.legacy:
            message = f"feature '{b.name}' is {'a legacy one now' if b.legacy else 'no legacy one any more'}"
            yield change("VD307", b.name, message, **facts)
        yield from _requirement(a, b, facts, spelling)
    yield from _chapters(matched)
    for feature in matched.added:
        needs = f"; it requires {condition_text(feature.requires)}" if feature.requires is not None else ""
        yield change(
            "VD301",
            feature.name,
            f"feature '{feature.name}' is new, bit {feature.bit}{needs}",
            new=feature_facts(feature),
            new_place=feature.place,
            sample=_word(feature.name, None, feature.bit),
        )
    for feature in matched.removed:
        yield change(
            "VD303",
            feature.name,
            f"feature '{feature.name}', bit {feature.bit}, is gone",
            old=feature_facts(feature),
            old_place=feature.place,
            sample=_word(feature.name, feature.bit, None),
        )


def _terms(condition: Condition | None) -> frozenset[str]:
    if condition is None:
        return frozenset()
    if isinstance(condition, AllOf):
        return frozenset(map(condition_text, condition.terms))
    return frozenset((condition_text(condition),))


def _requirement(a: FeatureBit, b: FeatureBit, facts: dict[str, Any], spelling: Respelling) -> Iterator[Change]:
    before, after = _terms(spelling.condition(a.requires)), _terms(b.requires)
    if before == after:
        return
    more, less = ", ".join(sorted(after - before)), ", ".join(sorted(before - after))
    if before < after:
        yield change("VD304", b.name, f"feature '{b.name}' requires {more} now", **facts)
    elif after < before:
        yield change("VD305", b.name, f"feature '{b.name}' does not require {less} any more", **facts)
    else:
        yield change("VD306", b.name, f"feature '{b.name}' requires {more}, and required {less}", **facts)
