"""Nothing that the model holds can change without a finding, but for what is listed here with its reason.

Every field of every class of the model is changed in the model of a release, in each of the ways in which it can be
reached from a definition: the order of an integer that is a member's type, that of an array's elements, and so on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from virtspec import model
from virtspec.diff.compare import compare_specs
from virtspec.diff.likeness import is_reserved
from virtspec.diff.registries import Listed
from virtspec.model import (
    Allowed,
    Binding,
    Bit,
    Constant,
    Entry,
    Feature,
    Integer,
    Member,
    Place,
    Range,
    Registry,
    Relation,
    Rest,
    Spec,
)
from virtspec.model_json import load

NO_FACTS = {
    # of every class
    "key": "what a definition is found by; what it is made of is compared",
    "place": "where it stands",
    "also": "where else it stands",
    "evidence": "where the text says so",
    # of one
    "Spec.edition": "the name of the text",
    "Spec.coverage": "what could not be read: a gap in the comparison, see test_diff_unread",
    "Spec.paragraphs": "the text that states a fact, which is compared by itself, see test_diff_stale",
    "Struct.packed": "every struct of the standard is, whether its listing says so or not",
    "Struct.parent": "in which other struct it is written down",
    "Struct.variant": "counts the definitions of one name in the order of the text",
    "Constant.reason": "why its value is not known",
    "Clause.words": "the text itself; the digest stands for it",
    "Clause.module": "where it stands",
    "Clause.section": "where it stands",
    "Clause.names": "follows from its text, which the digest stands for",
    "Clause.states": "which facts its text states: they are compared",
}
LEFT_OPEN = {
    "Member.direction": "where no text states it, it follows from what is bound to a code, which is told",
    "Clause.listed": "a text without a conformance chapter, such as one chapter alone, does not say",
}
"""Fields that may come to be stated, or not be stated any more, without a finding."""

SAMPLES = 2
"""In how many places a field is changed for each of the ways in which it can be reached."""

OTHERS: tuple[Any, ...] = (
    Rest(),
    Integer(bits=8, order="little", spelling="u8"),
    Feature(name="VIRTIO_F_OTHER"),
    Allowed(first=1, last=2),
    Relation(text="other != 0"),
    Range(first=1 << 60, last=1 << 61, meaning="reserved"),
    Binding(role="value", struct="other"),
    Entry(code=1 << 59, name="VIRTIO_OTHER"),
    Bit(name="other", offset=7, width=1),
    Member(name="other", type=Integer(bits=8, order="little", spelling="u8")),
)

Put = Callable[[Any], Spec]


@lru_cache(maxsize=64)
def hints_of(class_: type) -> dict[str, Any]:
    return get_type_hints(class_)


def others(value: Any, hint: Any) -> Iterator[Any]:
    """Values that a field could have in place of its own: one of each sort."""
    options = get_args(hint) if get_origin(hint) not in (tuple, Literal) else (hint,)
    if type(None) in options and value is not None:
        yield None
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str() if any(get_origin(o) is Literal for o in options or (hint,)):
            known = [v for o in options or (hint,) for v in get_args(o)]
            yield next(v for v in known if v != value)
        case str() if value.isupper() and "_" not in value:
            yield "MUST NOT" if value != "MUST NOT" else "MUST"  # how strictly a statement binds
        case str():
            yield f"{value}_other"
        case tuple():
            inner = get_args(next(o for o in options or (hint,) if get_origin(o) is tuple))[0]
            yield from ((*value, o) for o in OTHERS if isinstance(o, inner) and not isinstance(inner, str))
            if inner is str:
                yield (*value, "virtio_net_hdr.flags")
        case None:
            classes = tuple(o for o in options if isinstance(o, type) and is_dataclass(o))
            yield from [o for o in OTHERS if isinstance(o, classes)][:1]
            yield from [v for o in options if get_origin(o) is Literal for v in get_args(o)][:1]
            yield from [7 for o in options if o is int]
            yield from [("other",) for o in options if get_origin(o) is tuple]
        case _:
            classes = tuple(o for o in options if isinstance(o, type) and is_dataclass(o))
            yield from [o for o in OTHERS if isinstance(o, classes) and type(o) is not type(value)][:1]


def changes(
    node: Any, way: str, put: Put, skip: Callable[[Any, str], bool]
) -> Iterator[tuple[str, Callable[[], Spec]]]:
    """Every way to change one field of a node or of what is in it, and the model that has it so."""
    name = type(node).__name__
    for field in fields(node):
        if field.name in NO_FACTS or f"{name}.{field.name}" in NO_FACTS or skip(node, field.name):
            continue
        value = getattr(node, field.name)

        def set_(new: Any, name: str = field.name) -> Spec:
            return put(replace(node, **{name: new}))

        here = f"{way}{name}.{field.name}"
        for other in others(value, hints_of(type(node))[field.name]):
            if None in (value, other) and f"{name}.{field.name}" in LEFT_OPEN:
                continue
            yield f"{here} = {_name(other)}", partial(set_, other)
        if is_dataclass(value):
            yield from changes(value, f"{here} > ", set_, skip)
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            least = next((i for i, element in enumerate(value) if not skip(element, "")), None)
            if least is not None:
                yield f"{here} without one", partial(set_, (*value[:least], *value[least + 1 :]))
            for index, element in enumerate(value):

                def set_one(new: Any, value: Any = value, index: int = index, set_: Put = set_) -> Spec:
                    return set_((*value[:index], new, *value[index + 1 :]))

                yield from changes(element, f"{here} > ", set_one, skip)


def _name(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def skips(spec: Spec) -> Callable[[Any, str], bool]:
    """What cannot change by itself, or says nothing where it stands."""
    listed = Listed(spec, spec)
    told = {id(r) for r in spec.registries if listed.derives(r.entries)}

    def skip(node: Any, name: str) -> bool:
        match node:
            case Member() | Bit():
                return is_reserved(node.name)  # only space: where it lies is what its neighbours tell
            case Integer(bits=8):
                return name == "order"  # one byte has none
            case Constant(kind="feature" | "table" | "register"):
                return True  # feature bits and tables tell it
            case Constant():
                # the value tells it; where a #define stands is no more than that
                return (name == "expression" and node.value is not None) or (name == "owner" and node.kind != "enum")
            case Registry():
                return id(node) in told and name in ("", "name", "module", "tag", "entries")  # its constants tell it
            case Range():
                return name in ("first", "last")  # in any place it would lie over another range; see test_tables
            case _:
                return False

    return skip


@pytest.fixture(scope="module")
def release(root: Path) -> Spec:
    return load(root / "spec" / "models" / "virtio-1.4.json")


def test_every_change_is_told(release: Spec) -> None:
    ways: dict[str, list[Callable[[], Spec]]] = defaultdict(list)
    skip = skips(release)
    for way, changed in changes(release, "", lambda spec: spec, skip):
        ways[way.removeprefix("Spec.")].append(changed)
    assert len(ways) > 150
    silent = []
    for way, found in ways.items():
        step = max(1, len(found) // SAMPLES)
        for changed in found[::step][:SAMPLES]:
            new = changed()
            if not compare_specs(release, new).changes:
                silent.append(f"{way}: {_difference(release, new)}")
    assert not silent, "\n".join(silent)


def _difference(old: Spec, new: Spec) -> str:
    """The definition that differs, for whoever has to mend it."""
    for name in ("structs", "constants", "devices", "features", "registries", "clauses"):
        for a, b in zip(getattr(old, name), getattr(new, name), strict=False):
            if a != b:
                return str(getattr(a, "key", getattr(a, "module", a)))
    return ""


def test_what_is_no_fact_is_a_field_of_the_model() -> None:
    known: set[str] = set()
    for class_ in vars(model).values():
        if isinstance(class_, type) and is_dataclass(class_):
            known |= {f.name for f in fields(class_)} | {f"{class_.__name__}.{f.name}" for f in fields(class_)}
    assert NO_FACTS.keys() | LEFT_OPEN.keys() <= known


def test_places_are_no_facts(release: Spec) -> None:
    moved = tuple(replace(s, place=Place("elsewhere.tex", n)) for n, s in enumerate(release.structs))
    assert not compare_specs(release, replace(release, structs=moved)).changes
