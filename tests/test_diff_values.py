"""The verdict on changes to constants, feature bits, tables of codes, devices and normative statements."""

from __future__ import annotations

from dataclasses import replace

import diff_texts as texts
import pytest

from virtspec.diff.clauses import compare_clauses
from virtspec.diff.compare import compare_specs
from virtspec.model import (
    Access,
    AllOf,
    Allowed,
    Binding,
    Clause,
    Constant,
    Device,
    Entry,
    External,
    Feature,
    FeatureBit,
    Integer,
    Member,
    Place,
    Range,
    Registry,
    Spec,
    Struct,
)


def features(*rows: str) -> str:
    items = "\n".join(f"\\item[{row}] Something." for row in rows)
    return (
        "\\chapter{Device Types}\n\\section{Toy Device}\n\\subsection{Feature bits}\n"
        f"\\begin{{description}}\n{items}\n\\end{{description}}\n"
    )


def table(*rows: str, title: str = "Toy Device", head: str = "Opcode & Name & Description") -> str:
    body = "\n".join(f"{row} & text \\\\\n\\hline" for row in rows)
    return (
        f"\\section{{{title}}}\n\\begin{{tabularx}}{{\\textwidth}}{{ |l|l|X| }}\n\\hline\n{head} \\\\\n"
        f"\\hline \\hline\n{body}\n\\end{{tabularx}}\n"
    )


def gated(feature: str) -> str:
    """A chapter in which a member, a bit-field and another feature depend on a feature."""
    return features(f"{feature} (0)", f"VIRTIO_T_F_B (1)] Requires {feature}.\n\\item[VIRTIO_T_F_C (2)") + (
        "\\subsection{Device ID}\n99\n\\subsection{Device configuration layout}\n"
        "\\begin{lstlisting}\nstruct virtio_toy_config {\n"
        f"le32 a;\nle16 b; /* (Only if {feature} negotiated) */\n"
        f"le16 c : 3; /* (Only if {feature} negotiated) */\nle16 d : 13;\n"
        "};\n\\end{lstlisting}\n"
    )


LISTINGS = {
    "value": ("#define T_A 1", "#define T_A 2", {("VD131", "T_A", "breaking")}),
    "new": ("#define T_A 1", "#define T_A 1\n#define T_B 2", {("VD132", "T_B", "compatible")}),
    "gone": ("#define T_A 1\n#define T_B 2", "#define T_A 1", {("VD133", "T_B", "breaking")}),
    "renamed": (
        "#define VIRTIO_T_CMD_GET 1\n#define T_B 2",
        "#define VIRTIO_T_COMMAND_GET 1\n#define T_B 2",
        {("VD203", "VIRTIO_T_COMMAND_GET", "compatible")},
    ),
    "swapped values": (
        "#define T_A 1\n#define T_B 2",
        "#define T_A 2\n#define T_B 1",
        {("VD131", "T_A", "breaking"), ("VD131", "T_B", "breaking")},
    ),
    "enum appended": ("enum t { T_A, T_B };", "enum t { T_A, T_B, T_C };", {("VD135", "T_C", "compatible")}),
    "enum shifted": (
        "enum t { T_A, T_B, T_C };",
        "enum t { T_A, T_X, T_B, T_C };",
        {("VD132", "T_X", "compatible"), ("VD134", "T_B", "breaking"), ("VD134", "T_C", "breaking")},
    ),
    "enum with one taken out": (
        "enum t { T_A, T_B, T_C };",
        "enum t { T_A, T_C };",
        {("VD133", "T_B", "breaking"), ("VD134", "T_C", "breaking")},
    ),
    "enum reordered": (
        "enum t { T_A, T_B };",
        "enum t { T_B, T_A };",
        {("VD131", "T_A", "breaking"), ("VD131", "T_B", "breaking")},
    ),
    "enum reordered with values": ("enum t { T_A = 1, T_B = 2 };", "enum t { T_B = 2, T_A = 1 };", set()),
    "sentinel": (
        "enum t { T_A, T_B, T_MAX };",
        "enum t { T_A, T_B, T_C, T_MAX };",
        {("VD135", "T_C", "compatible"), ("VD136", "T_MAX", "compatible")},
    ),
    "enum becomes defines": (
        "enum t { T_A = 1 };",
        "#define T_A 1",
        {("VD223", "T_A", "compatible")},
    ),
}


@pytest.mark.parametrize("case", LISTINGS)
def test_constants(case: str) -> None:
    old, new, expected = LISTINGS[case]
    assert texts.found(texts.compare(old, new)) == expected


TEXTS = {
    "feature added": (
        features("VIRTIO_T_F_A (0)"),
        features("VIRTIO_T_F_A (0)", "VIRTIO_T_F_B (1)"),
        {("VD301", "VIRTIO_T_F_B", "compatible")},
    ),
    "feature renumbered": (
        features("VIRTIO_T_F_A (0)", "VIRTIO_T_F_B (1)"),
        features("VIRTIO_T_F_A (0)", "VIRTIO_T_F_B (2)"),
        {("VD302", "VIRTIO_T_F_B", "breaking")},
    ),
    "features swapped": (
        features("VIRTIO_T_F_A (0)", "VIRTIO_T_F_B (1)"),
        features("VIRTIO_T_F_A (1)", "VIRTIO_T_F_B (0)"),
        {("VD302", "VIRTIO_T_F_A", "breaking"), ("VD302", "VIRTIO_T_F_B", "breaking")},
    ),
    "feature gone": (
        features("VIRTIO_T_F_A (0)", "VIRTIO_T_F_B (1)"),
        features("VIRTIO_T_F_A (0)"),
        {("VD303", "VIRTIO_T_F_B", "breaking")},
    ),
    "feature renamed": (
        features("VIRTIO_T_F_RING_INDIRECT (0)"),
        features("VIRTIO_T_F_INDIRECT (0)"),
        {("VD208", "VIRTIO_T_F_INDIRECT", "compatible")},
    ),
    "features in another order": (
        features("VIRTIO_T_F_A (0)", "VIRTIO_T_F_B (1)"),
        features("VIRTIO_T_F_B (1)", "VIRTIO_T_F_A (0)"),
        set(),
    ),
    "entry added from the reserved range": (
        table("0x0 & T_GET", "0x1 & T_SET", "0x2 - 0xff & -"),
        table("0x0 & T_GET", "0x1 & T_SET", "0x2 & T_MOVE", "0x3 - 0xff & -"),
        {("VD141", "Toy Device: T_MOVE", "compatible")},
    ),
    "entry moved": (
        table("0x0 & T_GET", "0x1 & T_SET"),
        table("0x0 & T_GET", "0x5 & T_SET"),
        {("VD142", "Toy Device: T_SET", "breaking")},
    ),
    "entry gone": (
        table("0x0 & T_GET", "0x1 & T_SET"),
        table("0x0 & T_GET"),
        {("VD143", "Toy Device: T_SET", "breaking")},
    ),
    "entry renamed": (
        table("0x0 & T_GET", "0x1 & T_SET_ALL"),
        table("0x0 & T_GET", "0x1 & T_SET_EVERY"),
        {("VD205", "Toy Device: T_SET_EVERY", "compatible")},
    ),
    "rows in another order": (
        table("0x0 & T_GET", "0x1 & T_SET"),
        table("0x1 & T_SET", "0x0 & T_GET"),
        set(),
    ),
    "range shrunk": (
        table("0x0 & T_GET", "0x1 & T_SET", "0x2 - 0xff & -"),
        table("0x0 & T_GET", "0x1 & T_SET", "0x9 - 0xff & -"),
        {("VD144", "Toy Device: other", "undecided")},
    ),
    "feature renamed where members and features depend on it": (
        gated("VIRTIO_T_F_RING_INDIRECT"),
        gated("VIRTIO_T_F_INDIRECT"),
        {("VD208", "VIRTIO_T_F_INDIRECT", "compatible")},
    ),
    "members depend on another feature": (
        gated("VIRTIO_T_F_A").replace("if VIRTIO_T_F_A negotiated", "if VIRTIO_T_F_B negotiated"),
        gated("VIRTIO_T_F_A"),
        {("VD314", "virtio_toy_config.b", "undecided"), ("VD314", "virtio_toy_config.c", "undecided")},
    ),
    "members that depend on a feature are grouped": (
        gated("VIRTIO_T_F_A"),
        gated("VIRTIO_T_F_A")
        .replace("struct virtio_toy_config {", "struct x { le32 a;\nle16 b; };\nstruct virtio_toy_config {")
        .replace("le32 a;\nle16 b; /* (Only if VIRTIO_T_F_A negotiated) */", "struct x g;"),
        {
            ("VD125", "x", "compatible"),
            ("VD207", "virtio_toy_config.g", "compatible"),
            ("VD313", "virtio_toy_config.g.b", "undecided"),
        },
    ),
    "table becomes a listing": (
        table("0 & T_GET", "1 & T_SET"),
        "\\section{Toy Device}\n\\begin{lstlisting}\n#define T_GET 0\n#define T_SET 1\n\\end{lstlisting}\n",
        {("VD223", "T_GET", "compatible"), ("VD223", "T_SET", "compatible")},
    ),
    "prose": ("\\section{Toy Device}\nIt does one thing.\n", "\\section{Toy Device}\nIt does another.\n", set()),
}


@pytest.mark.parametrize("case", TEXTS)
def test_texts(case: str) -> None:
    old, new, expected = TEXTS[case]
    comparison = compare_specs(texts.reading(old).spec, texts.reading(new).spec)
    assert texts.found(comparison) == expected
    for text in (old, new):
        spec = texts.reading(text).spec
        assert not compare_specs(spec, spec).changes


# --- what a model can say, by hand ------------------------------------------------------------------------


def spec(**parts: object) -> Spec:
    return Spec(edition="", **{"structs": (), "constants": (), **parts})  # type: ignore[arg-type]


def clause(level: str, digest: str = "d1", *, names: tuple[str, ...] = ("x",), **facts: object) -> Clause:
    given = {"key": "t/clause/1", "role": "driver", "module": "t", "section": "S", **facts}
    return Clause(level=level, digest=digest, names=names, **given)  # type: ignore[arg-type]


CLAUSES = {
    "the same elsewhere": (clause("MUST"), clause("MUST", key="t/clause/9", section="T"), None),
    "strengthened": (clause("SHOULD"), clause("MUST", "d2"), ("VD403", "breaking")),
    "weakened": (clause("MUST"), clause("SHOULD", "d2"), ("VD404", "undecided")),
    "reworded": (clause("MUST"), clause("MUST", "d2"), ("VD405", "undecided")),
    "turned": (clause("MUST"), clause("MUST NOT", "d2"), ("VD406", "breaking")),
    "another role": (clause("MUST"), clause("MUST", role="device"), ("VD407", "breaking")),
    "listed": (clause("MUST", listed=False), clause("MUST", listed=True), ("VD408", "compatible")),
    "not listed": (clause("MUST", listed=True), clause("MUST", listed=False), ("VD408", "undecided")),
    "added": (None, clause("MUST"), ("VD401", "undecided")),
    "permitted": (None, clause("MAY"), ("VD401", "compatible")),
    "gone": (clause("MUST"), None, ("VD402", "undecided")),
}


@pytest.mark.parametrize("case", CLAUSES)
def test_clauses(case: str) -> None:
    old, new, expected = CLAUSES[case]
    comparison = compare_specs(
        spec(clauses=(old,) if old else ()),
        spec(clauses=(new,) if new else ()),
    )
    assert {(c.rule, str(c.verdict), c.class_) for c in comparison.changes} == (
        {(*expected, "normative")} if expected else set()
    )


def test_a_statement_that_another_section_makes_too_is_new() -> None:
    there = clause("MUST", section="T", module="u", listed=True)
    here = clause("MUST", listed=False)
    # the new one stands first, and may not take the place of the one that stays
    (change,) = compare_clauses((there,), (here, there), (), {})
    assert (change.rule, change.subject) == ("VD401", "S")


WORDINGS = {
    "markup": ("The driver MUST set \\field{size}.", "The driver MUST set size.", True),
    "punctuation": ("If so, the driver MUST stop.", "If so the driver MUST stop;", True),
    "an article": ("The driver MUST set the size.", "The driver MUST set size.", True),
    "a repeated word": ("The driver driver MUST stop.", "The driver MUST stop.", True),
    "a slip": ("The driver MUST recieve it.", "The driver MUST receive it.", True),
    "a label": ("The driver MUST do it, see \\ref{one}.", "The driver MUST do it, see \\ref{other}.", True),
    "a renamed member": ("The driver MUST set \\field{num}.", "The driver MUST set \\field{size}.", True),
    "a renamed constant": ("It MUST be T_F_OLD_NAME.", "It MUST be T_F_NEW_NAME.", True),
    "another name": ("The driver MUST set \\field{size}.", "The driver MUST set \\field{length}.", False),
    "another number": ("There MUST be 1024 bytes.", "There MUST be 1025 bytes.", False),
    "a sign": ("It MUST be < 16.", "It MUST be <= 16.", False),
    "the opposite": ("It MUST be valid before.", "It MUST be invalid before.", False),
    "a short word": ("The driver MUST do it to all.", "The driver MUST do it to any.", False),
    "a word more": ("The driver MUST stop.", "The driver MUST stop here.", False),
    "another order": ("It MUST be read before it is written.", "It MUST be written before it is read.", False),
}


@pytest.mark.parametrize("case", WORDINGS)
def test_another_spelling_is_no_other_requirement(case: str) -> None:
    old, new, same = WORDINGS[case]
    renamed = {"num": "size", "T_F_OLD_NAME": "T_F_NEW_NAME"}
    before, after = clause("MUST", words=old), clause("MUST", "d2", words=new)
    rules = {c.rule for c in compare_clauses((before,), (after,), (), renamed)}
    assert rules == {"VD227" if same else "VD405"}


def test_a_model_file_has_no_words_to_compare() -> None:
    rules = {c.rule for c in compare_clauses((clause("MUST"),), (clause("MUST", "d2"),), (), {})}
    assert rules == {"VD405"}


def test_a_clause_about_what_is_new_binds_nobody_who_was_there() -> None:
    new = FeatureBit(key="t/feature/T_F_NEW", name="T_F_NEW", bit=3, module="t")
    comparison = compare_specs(spec(), spec(features=(new,), clauses=(clause("MUST", names=("T_F_NEW", "size")),)))
    assert texts.found(comparison) == {("VD301", "T_F_NEW", "compatible"), ("VD401", "S", "compatible")}


def needs(*names: str) -> FeatureBit:
    terms = tuple(Feature(name=n) for n in names)
    requires = None if not terms else terms[0] if len(terms) == 1 else AllOf(terms=terms)
    return FeatureBit(key="t/feature/F", name="F", bit=1, module="t", requires=requires)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (needs(), needs("G"), ("VD304", "breaking")),
        (needs("G"), needs("G", "H"), ("VD304", "breaking")),
        (needs("G", "H"), needs("H"), ("VD305", "compatible")),
        (needs("G"), needs("H"), ("VD306", "undecided")),
        (needs("G", "H"), needs("H", "G"), None),
    ],
)
def test_requirements(old: FeatureBit, new: FeatureBit, expected: tuple[str, str] | None) -> None:
    comparison = compare_specs(spec(features=(old,)), spec(features=(new,)))
    assert {(c.rule, str(c.verdict)) for c in comparison.changes} == ({expected} if expected else set())


def registry(*structs: str) -> Registry:
    bindings = tuple(Binding(role="data", struct=s) for s in structs)
    return Registry(
        key="t/registry/r", name="r", tag="type", module="t", entries=(Entry(code=1, name="ONE", bindings=bindings),)
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((), ("a",), ("VD149", "compatible")),
        (("a",), ("b",), ("VD148", "breaking")),
        (("a",), (), ("VD150", "undecided")),
        (("a",), ("a", "b"), ("VD149", "compatible")),
    ],
)
def test_bindings(old: tuple[str, ...], new: tuple[str, ...], expected: tuple[str, str]) -> None:
    comparison = compare_specs(spec(registries=(registry(*old),)), spec(registries=(registry(*new),)))
    assert {(c.rule, str(c.verdict)) for c in comparison.changes} == {expected}


def table_of(**facts: object) -> Registry:
    return replace(registry(), **facts)  # type: ignore[arg-type]


def register(access: Access | None) -> Registry:
    return table_of(entries=(Entry(code=1, name="ONE", access=access),))


def bound(**facts: object) -> Registry:
    given = {"role": "data", "struct": "a", **facts}
    return table_of(entries=(Entry(code=1, name="ONE", bindings=(Binding(**given),)),))  # type: ignore[arg-type]


def kept(*ranges: tuple[int, int | None]) -> Registry:
    return table_of(ranges=tuple(Range(first=a, last=b, meaning="reserved") for a, b in ranges))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (register("R"), register("RW"), ("VD154", "undecided")),
        (register("RW"), register("R"), ("VD154", "breaking")),
        (register("R"), register("W"), ("VD154", "breaking")),
        (register(None), register("R"), ("VD154", "undecided")),
        (register("R"), register(None), ("VD154", "undecided")),
        (bound(), bound(many=True), ("VD148", "breaking")),
        (bound(), bound(behind=True), ("VD148", "breaking")),
        (bound(), bound(condition=Feature(name="F")), ("VD312", "undecided")),
        (bound(condition=Feature(name="F")), bound(condition=Feature(name="G")), ("VD314", "undecided")),
        (kept((2, 9)), kept((2, 12)), ("VD155", "compatible")),
        (kept((2, 9)), kept((2, None)), ("VD155", "compatible")),
        (kept((2, 9)), kept((2, 5), (6, 9)), None),
        (kept((2, 9)), kept((2, 7)), ("VD144", "undecided")),
        (table_of(), table_of(fields=("s.type",)), ("VD156", "compatible")),
        (table_of(fields=("s.type",)), table_of(fields=("s.type", "t.type")), ("VD156", "compatible")),
        (table_of(fields=("s.type",)), table_of(fields=("s.kind",)), ("VD156", "breaking")),
        (table_of(fields=("s.type",)), table_of(), ("VD156", "undecided")),
        (table_of(under="CLASS_A"), table_of(under="CLASS_B"), ("VD156", "breaking")),
        (table_of(), table_of(flags=True), ("VD157", "undecided")),
        (table_of(), table_of(bits=("s.type",)), ("VD156", "compatible")),
        (table_of(bits=("s.type",)), table_of(bits=("s.kind",)), ("VD156", "breaking")),
        (table_of(bits=("s.type",)), table_of(), ("VD156", "undecided")),
        (table_of(), table_of(ascending=True), ("VD158", "undecided")),
        (table_of(), table_of(tag="opcode"), ("VD228", "compatible")),
        (table_of(), table_of(module="u"), ("VD221", "compatible")),
        (table_of(), table_of(name="s"), ("VD225", "compatible")),
    ],
)
def test_tables(old: Registry, new: Registry, expected: tuple[str, str] | None) -> None:
    type_ = Integer(bits=16, order="little", spelling="le16")
    members = (Member(name="type", type=type_), Member(name="kind", type=type_))
    structs = [Struct(key=f"t/struct/{n}", name=n, kind="struct", module="t", members=members) for n in "st"]
    comparison = compare_specs(spec(structs=structs, registries=(old,)), spec(structs=structs, registries=(new,)))
    assert {(c.rule, str(c.verdict)) for c in comparison.changes} == ({expected} if expected else set())


def test_tables_of_two_chapters_with_a_common_name_are_two() -> None:
    def queues(module: str, *names: str) -> Registry:
        entries = tuple(Entry(code=code, name=name) for code, name in enumerate(names))
        key = f"{module}/registry/virtqueues/virtqueue"
        return Registry(key=key, name="Virtqueues", tag="virtqueue", module=module, entries=entries)

    old, new = queues("blk", "requestq"), (queues("blk", "requestq1"), queues("gpio", "requestq", "eventq"))
    found = texts.found(compare_specs(spec(registries=(old,)), spec(registries=new)))
    assert found == {("VD205", "Virtqueues: requestq1", "compatible"), ("VD147", "Virtqueues", "compatible")}


def test_what_a_table_says_follows_what_is_renamed() -> None:
    def model(tag: str, name: str, constant: str) -> Spec:
        type_ = Integer(bits=16, order="little", spelling="le16")
        struct = Struct(key="t/struct/s", name=tag, kind="struct", module="t", members=(Member(name=name, type=type_),))
        value = Constant(key="t/const/c", name=constant, kind="define", module="t", value=1)
        table = table_of(
            fields=(f"{tag}.{name}",),
            under=constant,
            entries=(Entry(code=1, name="ONE", bindings=(Binding(role="data", struct=f"{tag}.{name}"),)),),
        )
        return spec(structs=(struct,), constants=(value,), registries=(table,))

    old, new = model("t_s", "type", "T_ONE"), model("t_t", "types", "T_ONCE")
    assert {c.rule for c in compare_specs(old, new).changes} == {"VD201", "VD202", "VD203"}
    # a recorded fact may still say the old names
    stale = replace(new, registries=old.registries)
    assert {c.rule for c in compare_specs(old, stale).changes} == {"VD201", "VD202", "VD203"}


def test_a_member_that_is_gone_is_told_once() -> None:
    struct = Struct(
        key="t/struct/s",
        name="s",
        kind="struct",
        module="t",
        members=(Member(name="type", type=Integer(bits=16, order="little", spelling="le16")),),
    )
    tables = (table_of(fields=("s.type",)),)
    comparison = compare_specs(spec(structs=(struct,), registries=tables), spec(registries=(table_of(),)))
    assert texts.found(comparison) == {("VD124", "s", "breaking")}


def test_a_table_may_contradict_its_listing() -> None:
    """A row that changes alone is told; what a listing changes too is told once."""
    constants = [Constant(key="t/const/A", name="T_A", kind="define", module="t", value=v) for v in (1, 2)]
    rows = [table_of(entries=(Entry(code=v, name="T_A", place=Place("x.tex", 9)),)) for v in (1, 2)]
    old = spec(constants=(constants[0],), registries=(rows[0],))
    both = compare_specs(old, spec(constants=(constants[1],), registries=(rows[1],)))
    assert {c.rule for c in both.changes} == {"VD131"}
    alone = compare_specs(old, spec(constants=(constants[0],), registries=(rows[1],)))
    assert {c.rule for c in alone.changes} == {"VD142"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "toy_config", ("VD159", "compatible")),
        ("toy_config", "", ("VD159", "undecided")),
        ("toy_config", "toy_space", ("VD159", "breaking")),
    ],
)
def test_the_configuration_of_a_device(old: str, new: str, expected: tuple[str, str]) -> None:
    devices = [spec(devices=(Device(module="toy", title="Toy", id=99, config=config),)) for config in (old, new)]
    assert {(c.rule, str(c.verdict)) for c in compare_specs(*devices).changes} == {expected}


def test_an_enumeration_is_renamed_once() -> None:
    old, new = (f"enum {name} {{ T_A, T_B }};" for name in ("t", "toy_kind"))
    assert texts.found(texts.compare(old, new)) == {("VD210", "toy_kind", "compatible")}


def member(**facts: object) -> Spec:
    type_ = Integer(bits=16, order="little", spelling="le16")
    given = {"name": "a", "type": type_, **facts}
    struct = Struct(key="t/struct/s", name="s", kind="struct", module="t", members=(Member(**given),))  # type: ignore[arg-type]
    return spec(structs=(struct,))


F, G = Feature(name="F"), Feature(name="G")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (member(), member(condition=F), ("VD312", "undecided")),
        (member(condition=F), member(), ("VD313", "undecided")),
        (member(condition=F), member(condition=G), ("VD314", "undecided")),
        (member(condition=F, optional=True), member(condition=G, optional=True), ("VD311", "breaking")),
        (member(), member(condition=F, optional=True), ("VD311", "undecided")),
        (member(direction="readable"), member(direction="writable"), ("VD122", "breaking")),
        (member(), member(direction="writable"), None),
        (member(), member(allowed=Allowed(first=1, last=9)), ("VD316", "undecided")),
        (member(allowed=Allowed(first=1, last=9)), member(), ("VD316", "undecided")),
        (member(allowed=Allowed(first=1, last=9)), member(allowed=Allowed(first=2, last=9)), ("VD317", "breaking")),
        (member(allowed=Allowed(first=1, last=9)), member(allowed=Allowed(first=2, last=99)), ("VD317", "breaking")),
        (member(allowed=Allowed(first=1, last=9)), member(allowed=Allowed(first=0, last=9)), ("VD318", "undecided")),
        (
            member(allowed=Allowed(first=1, last=9, condition=F)),
            member(allowed=Allowed(first=1, last=9)),
            ("VD316", "undecided"),
        ),
        (
            member(name="reserved", optional=True, condition=F),
            member(name="reserved", optional=True, condition=G),
            ("VD311", "breaking"),
        ),
        (
            member(type=External(name="x", tag="struct")),
            member(type=External(name="x", tag="enum")),
            ("VD106", "undecided"),
        ),
    ],
)
def test_conditions(old: Spec, new: Spec, expected: tuple[str, str] | None) -> None:
    comparison = compare_specs(old, new)
    assert {(c.rule, str(c.verdict)) for c in comparison.changes} == ({expected} if expected else set())


LIMIT = (
    "\\section{Toy Device}\\label{sec:Toy Device}\n\\begin{lstlisting}\nstruct virtio_toy_config { le16 mtu; };\n"
    "\\end{lstlisting}\n\\devicenormative{\\subsection}{Toy}{Toy Device}\n"
    "The device MUST set \\field{mtu} to between 68 and 1500 inclusive.\n"
)


@pytest.mark.parametrize(
    ("new", "expected", "line"),
    [
        (LIMIT.replace("68", "100"), {("VD317", "breaking"), ("VD405", "undecided")}, 6),
        (LIMIT.replace("set ", "set the "), {("VD227", "compatible")}, 0),
        (LIMIT.replace("inclusive", "exclusive"), {("VD316", "undecided"), ("VD405", "undecided")}, 6),
        (LIMIT.replace("MUST", "SHOULD"), {("VD316", "undecided"), ("VD404", "undecided")}, 6),
        (LIMIT.rpartition("The")[0], {("VD316", "undecided"), ("VD402", "undecided")}, 6),
        (LIMIT.replace("le16", "le32"), {("VD107", "breaking")}, 0),
    ],
)
def test_limits_stand_where_they_are_stated(new: str, expected: set[tuple[str, str]], line: int) -> None:
    changes = compare_specs(texts.reading(LIMIT).spec, texts.reading(new).spec).changes
    assert {(c.rule, str(c.verdict)) for c in changes} == expected
    assert [c.place.line for c in changes if c.rule in ("VD316", "VD317", "VD318")] == ([line] if line else [])
