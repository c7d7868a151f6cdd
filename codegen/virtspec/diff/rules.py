"""The catalogue of the comparison's rules: what each one sees, which verdicts it gives, and why.

docs/verdicts.md explains the policy behind them. An id never changes its meaning. VD1xx: what is on the wire; VD2xx:
names; VD3xx: features and conditions; VD4xx: normative statements.
"""

from __future__ import annotations

from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.rule import Rule, rules
from virtspec.diff.wire_rules import STRUCTS, VALUES

_COMPATIBLE, _UNDECIDED, _BREAKING = Verdict.COMPATIBLE, Verdict.UNDECIDED, Verdict.BREAKING


_NAMES = rules(
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
            ("VD210", "enumeration-renamed", "an enumeration with another name"),
        )
    ),
)

_EDITORIAL = rules(
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
            ("VD228", "codes-retitled", "a table whose codes are called otherwise"),
        )
    ),
)

_FEATURES = rules(
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
) + rules(
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
        (_UNDECIDED, _COMPATIBLE),
        "a member, bit-field, code or payload that is not always valid any more",
        "Whether an old peer relied on it without the condition, only the text can say.",
    ),
    (
        "VD313",
        "condition-removed",
        (_UNDECIDED,),
        "a member, bit-field, code or payload that is always valid now",
        "Old peers may not fill it.",
    ),
    (
        "VD314",
        "condition-changed",
        (_UNDECIDED, _COMPATIBLE),
        "a member, bit-field, code or payload that is valid under another condition",
        "The text decides.",
    ),
    (
        "VD315",
        "fact-restated",
        (_UNDECIDED,),
        "a fact that only prose states, whose paragraph has other words now",
        "A person has to read whether the fact still holds. The comparison takes it as it was.",
    ),
    (
        "VD316",
        "values-limited",
        (_UNDECIDED,),
        "a member whose values a statement limits now, limits no more, or limits under another condition",
        "A new limit may only put into words what everybody does, and peers may have relied on an old one.",
    ),
    (
        "VD317",
        "values-narrowed",
        (_BREAKING,),
        "a member that may not have all the values any more that it could have",
        "An implementation that conformed before may not conform now.",
    ),
    (
        "VD318",
        "values-widened",
        (_UNDECIDED,),
        "a member that may have more values than before",
        "Implementations still conform, but peers may have relied on the narrower limit.",
    ),
    (
        "VD319",
        "relation-changed",
        (_UNDECIDED, _COMPATIBLE),
        "members whose values have to fit each other in another way, or do not have to any more",
        "A new relation may only put into words what everybody does, and peers may have relied on an old one.",
    ),
    (
        "VD320",
        "fact-lost",
        (_UNDECIDED,),
        "a recorded fact about something that is not found in the other text by any name",
        "A person has to read what became of it, and to review spec/annotations.toml.",
    ),
)

_CLAUSES = rules(
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
    for rule in sorted((*STRUCTS, *VALUES, *_NAMES, *_EDITORIAL, *_FEATURES, *_CLAUSES), key=lambda rule: rule.id)
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
