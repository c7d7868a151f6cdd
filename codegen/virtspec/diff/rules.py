"""The catalogue of the comparison's rules: what each one sees, which verdicts it gives, and why.

docs/verdicts.md explains the policy behind them. An id never changes its meaning. VD1xx: what is on the wire; VD2xx:
names; VD3xx: features and conditions; VD4xx: normative statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from virtspec.diff.change import Change, Class, Verdict

_COMPATIBLE, _UNDECIDED, _BREAKING = Verdict.COMPATIBLE, Verdict.UNDECIDED, Verdict.BREAKING


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of finding. `verdicts` are all that it can give, the usual one first; `why` is the reasoning."""

    id: str
    name: str
    class_: Class
    verdicts: tuple[Verdict, ...]
    purpose: str
    why: str


def _rules(class_: Class, *rows: tuple[str, str, tuple[Verdict, ...], str, str]) -> tuple[Rule, ...]:
    return tuple(
        Rule(id=id_, name=name, class_=class_, verdicts=verdicts, purpose=purpose, why=why)
        for id_, name, verdicts, purpose, why in rows
    )


_STRUCTS = _rules(
    "wire",
    (
        "VD101",
        "member-appended",
        (_COMPATIBLE, _UNDECIDED, _BREAKING),
        "a member behind all that were there",
        "What was there keeps its place. In a configuration space, behind a condition, or as a tail that may be empty, "
        "peers that do not know the member are not affected.",
    ),
    (
        "VD102",
        "member-inserted",
        (_BREAKING,),
        "a member before others that were there",
        "Everything behind it moves: old and new peers read different bytes.",
    ),
    (
        "VD103",
        "member-removed",
        (_BREAKING,),
        "a member that is gone, with its bytes",
        "What followed it moves, or the struct is shorter than an old peer expects.",
    ),
    ("VD104", "member-moved", (_BREAKING,), "a member at another place", "Old and new peers read different bytes."),
    (
        "VD105",
        "members-swapped",
        (_BREAKING,),
        "two members that have exchanged their places",
        "Each peer takes one for the other; where both have the same type, nothing notices.",
    ),
    (
        "VD106",
        "member-retyped",
        (_BREAKING, _UNDECIDED),
        "a member of another type",
        "The same bytes mean something else. Undecided where one of the two types says nothing about the bytes.",
    ),
    ("VD107", "width-changed", (_BREAKING,), "an integer of another width", "The member takes more or fewer bytes."),
    (
        "VD108",
        "byte-order-changed",
        (_BREAKING,),
        "little-endian turned big-endian, or the reverse",
        "The same bytes are another number.",
    ),
    (
        "VD109",
        "byte-order-stated",
        (_UNDECIDED,),
        "a byte order where the type gave none, or none any more",
        "The old listing left the byte order open. Who took it as the new one states it is not affected; the listing "
        "does not say whether all did.",
    ),
    (
        "VD110",
        "reserved-consumed",
        (_COMPATIBLE,),
        "reserved space or padding that has got a meaning",
        "Nothing moves. A sender of the old text leaves these bytes zero, and a receiver of the old text ignores them.",
    ),
    (
        "VD111",
        "member-retired",
        (_UNDECIDED,),
        "a member whose bytes are reserved now",
        "Nothing moves, but an old peer still fills or reads the bytes; whether that matters, only the text can say.",
    ),
    (
        "VD112",
        "tail-grown",
        (_UNDECIDED, _COMPATIBLE, _BREAKING),
        "a struct that is larger than before, without a condition",
        "A check for the exact size fails between old and new peers; where the struct lies inside another one or in an "
        "array, what follows it moves.",
    ),
    ("VD113", "dimension-changed", (_BREAKING,), "an array of another number of elements", "Its size changes."),
    (
        "VD114",
        "variable-part-changed",
        (_BREAKING, _UNDECIDED),
        "an array whose length is given in another way",
        "Peers disagree about where it ends. Undecided where the old text did not say it, or the new one does not.",
    ),
    (
        "VD115",
        "arm-added",
        (_COMPATIBLE,),
        "another arm of a union",
        "It fits into the union's size; who does not know it sees the bytes it saw before.",
    ),
    ("VD116", "arm-removed", (_BREAKING,), "an arm of a union that is gone", "Old peers still send it."),
    (
        "VD117",
        "bit-field-split",
        (_UNDECIDED, _BREAKING),
        "an integer divided into bit-fields, a bit-field into several, or the reverse",
        "The bytes stay; whether old values still mean the same, only the text can say.",
    ),
    ("VD118", "bits-moved", (_BREAKING,), "a bit-field at another position", "Old and new peers read different bits."),
    ("VD119", "bit-field-added", (_COMPATIBLE,), "a bit-field where bits were free", "No other bit moves."),
    (
        "VD120",
        "bit-field-removed",
        (_UNDECIDED,),
        "a bit-field that is gone or reserved now",
        "No other bit moves, but an old peer still sets or reads the bits.",
    ),
    ("VD121", "bits-resized", (_BREAKING,), "a bit-field of another width", "Its range and its neighbours change."),
    (
        "VD122",
        "direction-changed",
        (_BREAKING, _UNDECIDED),
        "a member in the other part of a descriptor chain",
        "It is written by the other side.",
    ),
    ("VD123", "kind-changed", (_BREAKING,), "a struct that is a union, or the reverse", "Its members move."),
    ("VD124", "struct-removed", (_BREAKING,), "a struct that is gone", "Old peers still exchange it."),
    ("VD125", "struct-added", (_COMPATIBLE,), "a new struct", "Nobody exchanged it before."),
    (
        "VD126",
        "embedded-size-changed",
        (_BREAKING,),
        "a struct whose members move because one inside it has another size",
        "What follows the inner struct moves.",
    ),
    (
        "VD127",
        "stride-changed",
        (_BREAKING,),
        "an array of structs whose elements have another size",
        "From the second element on, old and new peers read different bytes.",
    ),
)

_VALUES = _rules(
    "wire",
    ("VD131", "value-changed", (_BREAKING,), "a constant with another value", "Old and new peers say different codes."),
    ("VD132", "constant-added", (_COMPATIBLE,), "a new constant", "Nobody used it before."),
    ("VD133", "constant-removed", (_BREAKING,), "a constant that is gone", "Old peers still use its value."),
    (
        "VD134",
        "enum-shifted",
        (_BREAKING,),
        "values of an enumeration that have changed together",
        "An enumerator put in or taken out shifts all that follow without a value of their own.",
    ),
    ("VD135", "enum-appended", (_COMPATIBLE,), "an enumerator behind all others", "No other value changes."),
    (
        "VD136",
        "sentinel-moved",
        (_COMPATIBLE,),
        "the end marker of an enumeration at its new end",
        "It counts the enumerators and is not exchanged.",
    ),
    (
        "VD137",
        "value-restated",
        (_UNDECIDED,),
        "a macro or value that cannot be computed, and is written in another way",
        "Whether it is the same value cannot be told.",
    ),
    ("VD141", "entry-added", (_COMPATIBLE,), "a new code in a table", "Nobody used the code before."),
    ("VD142", "entry-moved", (_BREAKING,), "a name with another code", "Old and new peers say different codes."),
    ("VD143", "entry-removed", (_BREAKING,), "a code that is gone from a table", "Old peers still use it."),
    (
        "VD144",
        "range-shrunk",
        (_UNDECIDED, _BREAKING),
        "a range of codes that is smaller by more than its new entries",
        "Codes that were kept for a use, or for the future, have lost that.",
    ),
    ("VD145", "range-changed", (_UNDECIDED, _COMPATIBLE), "a range of codes with another meaning", "The text decides."),
    ("VD146", "registry-removed", (_BREAKING,), "a table of codes that is gone", "Old peers still use its codes."),
    ("VD147", "registry-added", (_COMPATIBLE,), "a new table of codes", "Nobody used its codes before."),
    (
        "VD148",
        "binding-changed",
        (_BREAKING,),
        "a code with another struct as its payload",
        "Old and new peers read the payload differently.",
    ),
    ("VD149", "binding-added", (_COMPATIBLE,), "a code whose payload is stated now", "It was left open before."),
    ("VD150", "binding-removed", (_UNDECIDED,), "a code whose payload is not stated any more", "The text decides."),
    ("VD151", "device-added", (_COMPATIBLE,), "a new device type", "Nobody implements it yet."),
    ("VD152", "device-removed", (_BREAKING,), "a device type that is gone", "Implementations of it exist."),
    ("VD153", "device-id-changed", (_BREAKING,), "a device type with another id", "Drivers do not find the device."),
)

_NAMES = _rules(
    "source",
    *(
        (id_, name, (_COMPATIBLE,), purpose, "The wire does not carry names; programs and generated code use them.")
        for id_, name, purpose in (
            ("VD201", "struct-renamed", "a struct with another tag"),
            ("VD202", "member-renamed", "a member with another name"),
            ("VD203", "constant-renamed", "a constant with another name and the same value"),
            ("VD205", "entry-renamed", "a code with another name"),
            ("VD206", "type-respelled", "a type written in another way that means the same bytes"),
            ("VD207", "member-regrouped", "members in another nesting, at the same bytes"),
            ("VD208", "feature-renamed", "a feature bit with another name"),
            ("VD209", "bit-field-renamed", "a bit-field with another name"),
        )
    ),
)

_EDITORIAL = _rules(
    "editorial",
    *(
        (id_, name, (_COMPATIBLE,), purpose, "Neither the wire nor a name changes.")
        for id_, name, purpose in (
            ("VD221", "chapter-changed", "a definition that belongs to another chapter now"),
            ("VD222", "dimension-respelled", "an array's number of elements written in another way"),
            ("VD223", "kind-respelled", "a constant defined by other means with the same value"),
            ("VD224", "title-changed", "a device type with another title"),
            ("VD225", "table-moved", "a table of codes under another heading"),
            ("VD226", "entry-retitled", "a code whose description, which is no identifier, reads differently"),
            ("VD227", "clause-respelled", "a statement in other markup, punctuation or spelling, or with a new name"),
        )
    ),
)

_FEATURES = _rules(
    "wire",
    ("VD301", "feature-added", (_COMPATIBLE,), "a new feature bit", "It is only used where both sides offer it."),
    (
        "VD302",
        "feature-renumbered",
        (_BREAKING,),
        "a feature with another bit",
        "Old and new peers negotiate different features.",
    ),
    ("VD303", "feature-removed", (_BREAKING,), "a feature bit that is gone", "Old peers still offer it."),
    (
        "VD311",
        "presence-changed",
        (_BREAKING, _UNDECIDED),
        "bytes that are present under another condition than before",
        "Old and new peers disagree about where the next member starts. Undecided where one of the two listings states "
        "no condition: it may only have left it to the text.",
    ),
) + _rules(
    "normative",
    (
        "VD304",
        "requirement-added",
        (_BREAKING,),
        "a feature that needs another one now",
        "A device that offers it alone conformed before and does not now.",
    ),
    ("VD305", "requirement-removed", (_COMPATIBLE,), "a feature that needs less now", "All old combinations remain."),
    ("VD306", "requirement-changed", (_UNDECIDED,), "a feature that needs something else now", "The text decides."),
    (
        "VD307",
        "legacy-changed",
        (_UNDECIDED,),
        "a feature that became legacy, or stopped being it",
        "The text decides.",
    ),
    (
        "VD312",
        "condition-added",
        (_UNDECIDED,),
        "a member, bit-field or code that is not always valid any more",
        "Whether an old peer relied on it without the condition, only the text can say.",
    ),
    (
        "VD313",
        "condition-removed",
        (_UNDECIDED,),
        "a member, bit-field or code that is always valid now",
        "Old peers may not fill it.",
    ),
    (
        "VD314",
        "condition-changed",
        (_UNDECIDED,),
        "a member, bit-field or code that is valid under another condition",
        "The text decides.",
    ),
    (
        "VD315",
        "fact-restated",
        (_UNDECIDED,),
        "a fact that only prose states, whose paragraph has other words now",
        "A person has to read whether the fact still holds. The comparison takes it as it was.",
    ),
)

_CLAUSES = _rules(
    "normative",
    (
        "VD401",
        "clause-added",
        (_UNDECIDED, _COMPATIBLE),
        "a new normative statement",
        "Compatible where it only permits or recommends, or where it is about names that are new. A new requirement "
        "about what existed may only say what everybody does; the model cannot tell.",
    ),
    (
        "VD402",
        "clause-removed",
        (_UNDECIDED, _COMPATIBLE),
        "a normative statement that is gone",
        "Peers may rely on it.",
    ),
    (
        "VD403",
        "clause-strengthened",
        (_BREAKING,),
        "a statement that binds more strictly",
        "An implementation that conformed before may not conform now.",
    ),
    (
        "VD404",
        "clause-weakened",
        (_UNDECIDED,),
        "a statement that binds less strictly",
        "Implementations still conform, but peers may have relied on it.",
    ),
    (
        "VD405",
        "clause-reworded",
        (_UNDECIDED, _COMPATIBLE),
        "a statement with another text and the same strictness",
        "Whether it says the same, only a reader can tell.",
    ),
    ("VD406", "clause-turned", (_BREAKING,), "a requirement that became a prohibition, or the reverse", "It reverses."),
    ("VD407", "clause-role-changed", (_BREAKING,), "a statement that binds the other side", "Another side must act."),
    (
        "VD408",
        "conformance-listing-changed",
        (_COMPATIBLE, _UNDECIDED),
        "a statement whose section the conformance chapter lists, or lists no more",
        "The statement binds all the same; one that is not listed may be missed.",
    ),
)

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in sorted((*_STRUCTS, *_VALUES, *_NAMES, *_EDITORIAL, *_FEATURES, *_CLAUSES), key=lambda rule: rule.id)
}


def change(rule: str, subject: str, message: str, verdict: Verdict | None = None, **facts: Any) -> Change:
    """A finding of a rule, with the rule's usual verdict where none is given."""
    found = RULES[rule]
    given = found.verdicts[0] if verdict is None else verdict
    assert given in found.verdicts, f"{rule} gives no verdict {given}"
    return Change(
        rule=rule,
        name=found.name,
        class_=found.class_,
        verdict=given,
        subject=subject,
        message=message,
        why=found.why,
        **facts,
    )
