"""What became of the bit-fields of one integer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.conditions import compare_validity
from virtspec.diff.likeness import ALIKE, is_reserved, similarity
from virtspec.diff.members import MovedBit
from virtspec.diff.respell import Inside
from virtspec.diff.rules import change
from virtspec.diff.shape import condition_text
from virtspec.model import Bit, Bits


def _range(bit: Bit) -> str:
    last = bit.offset + bit.width - 1
    return f"bit {bit.offset}" if bit.width == 1 else f"bits {bit.offset} to {last}"


def _overlap(one: Bit, other: Bit) -> bool:
    return one.offset < other.offset + other.width and other.offset < one.offset + one.width


def bit_facts(bit: Bit) -> dict[str, Any]:
    """A bit-field as the reports give it."""
    facts: dict[str, Any] = {"name": bit.name, "bit_offset": bit.offset, "bit_size": bit.width}
    if bit.condition is not None:
        facts["condition"] = condition_text(bit.condition)
    return facts


def moved_bit(moved: MovedBit, prefix: str) -> Change:
    """The finding about a bit-field that is in another integer now."""
    one, other = (
        f"{_range(bit)} of '{to.label}'" for bit, to in ((moved.old, moved.source), (moved.new, moved.target))
    )
    return change(
        "VD118",
        prefix + moved.new.name,
        f"bit-field '{moved.new.name}' lies in {other} and lay in {one}",
        old={**bit_facts(moved.old), "in": moved.source.label},
        new={**bit_facts(moved.new), "in": moved.target.label},
        old_place=moved.source.member.place,
        new_place=moved.target.member.place,
    )


@dataclass(slots=True)
class BitPairs:
    """The bit-fields of two divisions of an integer: pairs, those that are gone, and those that have come."""

    pairs: list[tuple[Bit, Bit]]
    gone: list[Bit]
    come: list[Bit]


def pair_bits(old: Bits, new: Bits, moved: Collection[Bit] = ()) -> BitPairs:
    """Pair bit-fields by name, then by the bits that they take, then by names that are alike. What has `moved` to or
    from another integer stands aside."""
    known = {b.name: b for b in old.fields if not is_reserved(b.name) and b not in moved}
    come = [b for b in new.fields if not is_reserved(b.name) and b not in moved]
    pairs = [(known.pop(b.name), b) for b in list(come) if b.name in known]
    gone = list(known.values())
    come = [b for b in come if all(b is not n for _, n in pairs)]

    def take(partner_of: Callable[[Bit], Bit | None]) -> None:
        for a in list(gone):
            b = partner_of(a)
            if b is not None:
                gone.remove(a)
                come.remove(b)
                pairs.append((a, b))

    def alike(a: Bit) -> Bit | None:
        best = max(come, key=lambda b: similarity(a.name, b.name), default=None)
        return best if best is not None and similarity(a.name, best.name) >= ALIKE and best.width == a.width else None

    take(lambda a: next((b for b in come if (a.offset, a.width) == (b.offset, b.width)), None))
    take(alike)
    return BitPairs(pairs, gone, come)


def compare_bits(old: Bits, new: Bits, prefix: str, inside: Inside, moved: Collection[Bit] = ()) -> Iterator[Change]:
    """The differences between two divisions of an integer; `prefix` leads to its bit-fields, and `inside` gives what is
    said of the old ones in the names of the new model. What has `moved` to or from another integer is told elsewhere.
    """
    found = pair_bits(old, new, moved)
    for a, b in found.pairs:
        yield from _pair(a, b, old, new, prefix)
        facts: dict[str, Any] = {"old": bit_facts(a), "new": bit_facts(b)}
        yield from compare_validity(b.name, a.condition, b.condition, prefix + b.name, facts, inside)
    for b in found.come:
        yield _added(b, old, prefix)
    for a in found.gone:
        if any(_overlap(a, b) for b in found.come):
            continue  # told with what took its bits
        yield change(
            "VD120",
            prefix + a.name,
            f"bit-field '{a.name}' ({_range(a)}) is gone; its bits are free",
            old=bit_facts(a),
        )


def _pair(a: Bit, b: Bit, old: Bits, new: Bits, prefix: str) -> Iterator[Change]:
    facts: dict[str, Any] = {"old": bit_facts(a), "new": bit_facts(b)}
    subject = prefix + b.name
    if a.offset != b.offset:
        yield change("VD118", subject, f"bit-field '{b.name}' lies in {_range(b)} and lay in {_range(a)}", **facts)
    elif a.width != b.width:
        others = [o for o in old.fields if o is not a and not is_reserved(o.name)]
        if b.width > a.width and not any(_overlap(b, o) for o in others):
            message = f"bit-field '{b.name}' grows from {a.width} to {b.width} bits, into reserved ones"
            yield change("VD110", subject, message, **facts)
        elif b.width < a.width and any(not is_reserved(n.name) and _overlap(a, n) for n in new.fields if n is not b):
            message = f"bit-field '{b.name}' ({_range(a)}) is split; it keeps {_range(b)}"
            yield change("VD117", subject, message, Verdict.BREAKING, **facts)
        else:
            message = f"bit-field '{b.name}' has {b.width} bits and had {a.width}"
            yield change("VD121", subject, message, **facts)
    if a.name != b.name:
        same = "the same bits" if (a.offset, a.width) == (b.offset, b.width) else "as many bits"
        evidence = (same, f"names alike by {similarity(a.name, b.name):.0%}")
        message = f"bit-field '{a.name}' is called '{b.name}' now, {_range(b)}"
        yield change("VD209", subject, message, evidence=evidence, **facts)


def _added(b: Bit, old: Bits, prefix: str) -> Change:
    subject = prefix + b.name
    taken = [a for a in old.fields if not is_reserved(a.name) and _overlap(a, b)]
    if taken:
        names = ", ".join(f"'{a.name}' ({_range(a)})" for a in taken)
        return change(
            "VD117",
            subject,
            f"bit-field '{b.name}' ({_range(b)}) takes bits of {names}",
            old=[bit_facts(a) for a in taken],
            new=bit_facts(b),
        )
    reserved = [a for a in old.fields if is_reserved(a.name) and _overlap(a, b)]
    if reserved:
        return change(
            "VD110",
            subject,
            f"bit-field '{b.name}' takes {_range(b)}, reserved before ('{reserved[0].name}')",
            old=[bit_facts(a) for a in reserved],
            new=bit_facts(b),
        )
    return change("VD119", subject, f"bit-field '{b.name}' takes {_range(b)}, which were free", new=bit_facts(b))
