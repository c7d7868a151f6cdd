"""Edits as people make them to tables of codes and to requirements: what is told, and nothing beside it."""

from __future__ import annotations

import time

import pytest

from virtspec.comparison import compare_readings, read_text
from virtspec.diff.compare import compare_specs
from virtspec.diff.ranges import uncovered
from virtspec.model import Entry, Registry, Spec

CHAPTER = """\\section{Gizmo Device}\\label{sec:Device Types / Gizmo Device}
\\subsection{Device ID}
  63
\\subsection{Device Operation}\\label{sec:Device Types / Gizmo Device / Device Operation}

\\begin{lstlisting}
struct gizmo_request {
        le32 op;
        le32 size;
};
\\end{lstlisting}

"""


def found(old: str, new: str) -> list[tuple[str, str]]:
    comparison = compare_readings(read_text(CHAPTER + old), read_text(CHAPTER + new))
    assert comparison.complete
    return sorted((c.rule, str(c.verdict)) for c in comparison.changes)


# --- tables -------------------------------------------------------------------------------------------------

ASK, GIVE, TAKE, HOLD = (f"0x{code:x} & GIZMO_{name}" for code, name in enumerate(("ASK", "GIVE", "TAKE", "HOLD")))
KEPT, VENDOR = "0x4 - 0x7FFF & Reserved for future use", "0x8000 - 0xFFFF & Vendor specific"


def table(*rows: str, heading: str = "Opcodes") -> str:
    lines = "".join(f"{row} \\\\\n\\hline\n" for row in ("Opcode & Name", *rows))
    top = f"\\subsubsection{{{heading}}}\n" if heading else ""
    return f"{top}\\begin{{tabular}}{{|l|l|}}\n\\hline\n{lines}\\end{{tabular}}\n\n"


OLD = table(ASK, GIVE, TAKE, HOLD, KEPT, VENDOR)
MOVED = [("VD225", "compatible")]
TABLES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "rows in another order": (table(GIVE, ASK, TAKE, HOLD, KEPT, VENDOR), []),
    "a comment": (OLD.replace("0x1 &", "% 0x9 & GIZMO_OLD \\\\\n0x1 &"), []),
    "a range in two parts": (
        table(ASK, GIVE, TAKE, HOLD, "0x4 - 0xFF & Reserved for future use", KEPT.replace("0x4", "0x100"), VENDOR),
        [],
    ),
    "codes exchanged": (
        table("0x1 & GIZMO_ASK", "0x0 & GIZMO_GIVE", TAKE, HOLD, KEPT, VENDOR),
        [("VD142", "breaking")] * 2,
    ),
    "one put in before": (
        OLD.replace("0x3 &", "0x4 &")
        .replace("0x2 &", "0x3 &")
        .replace("0x1 &", "0x2 &")
        .replace("0x0 & GIZMO_ASK", "0x0 & GIZMO_NOP \\\\\n\\hline\n0x1 & GIZMO_ASK")
        .replace("0x4 -", "0x5 -"),
        [("VD141", "compatible"), *[("VD142", "breaking")] * 4],
    ),
    "a new code from reserved ones": (
        table(ASK, GIVE, TAKE, HOLD, "0x4 & GIZMO_NEW", KEPT.replace("0x4", "0x5"), VENDOR),
        [("VD141", "compatible")],
    ),
    "a new code from those of vendors": (
        table(ASK, GIVE, TAKE, HOLD, KEPT, "0x8000 & GIZMO_NEW", VENDOR.replace("8000", "8001")),
        [("VD141", "undecided")],
    ),
    "a code that goes to another range": (
        table(ASK, GIVE, TAKE, KEPT.replace("0x4", "0x3"), "0x8000 & GIZMO_HOLD", VENDOR.replace("8000", "8001")),
        [("VD142", "breaking")],
    ),
    "a range that is smaller at both ends": (
        table(ASK, GIVE, TAKE, HOLD, KEPT.replace("7FFF", "8FFF"), "0x9000 - 0xEFFF & Vendor specific").replace(
            "\\end{tabular}", "0xF000 - 0xFFFF & Reserved for future use \\\\\n\\hline\n\\end{tabular}"
        ),
        [("VD145", "undecided")] * 2,
    ),
    "a range that goes to two uses and to none": (
        table(ASK, GIVE, TAKE, HOLD, KEPT.replace("7FFF", "8FFF"), "0xA000 - 0xFFFF & Vendor specific"),
        [("VD144", "breaking"), ("VD145", "undecided")],
    ),
    "a table in two sections": (table(ASK, GIVE, KEPT, VENDOR) + table(TAKE, HOLD, heading="More"), MOVED),
    "two tables in one section": (table(ASK, GIVE, KEPT, VENDOR) + table(TAKE, HOLD, heading=""), MOVED),
    "a table in two sections of other names": (
        table(ASK, GIVE, heading="Asking") + table(TAKE, HOLD, KEPT, VENDOR, heading="Taking"),
        MOVED * 2,
    ),
    "a table in two sections, with a code lost": (
        table(ASK, GIVE, KEPT, VENDOR) + table(TAKE, heading="More"),
        [("VD143", "breaking"), *MOVED],
    ),
    "a table in two sections, with a range lost": (
        table(ASK, GIVE, KEPT) + table(TAKE, HOLD, heading="More"),
        [("VD144", "breaking"), *MOVED],
    ),
    "a table that is gone": ("Nothing.\n", [("VD146", "breaking")]),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables(case: str) -> None:
    new, expected = TABLES[case]
    assert found(OLD, new) == sorted(expected)


@pytest.mark.parametrize(
    "case", [case for case in TABLES if "table" in case and "lost" not in case and "gone" not in case]
)
def test_tables_that_become_one(case: str) -> None:
    new, expected = TABLES[case]
    assert found(new, OLD) == sorted(expected)


def test_a_code_that_goes_to_another_table_is_another_code() -> None:
    """Both tables were there, and each may have codes of its own."""
    old = table(ASK, GIVE, heading="Red") + table(ASK, GIVE, TAKE, heading="Blue")
    new = table(ASK, GIVE, TAKE, heading="Red") + table(ASK, GIVE, heading="Blue")
    assert found(old, new) == [("VD141", "compatible"), ("VD143", "breaking")]


def test_the_parts_of_a_run_that_nothing_covers() -> None:
    covered = [(2, 3), (5, 5), (9, 12)]
    assert list(uncovered((0, 10), covered)) == [(0, 1), (4, 4), (6, 8)]
    assert list(uncovered((3, 5), covered)) == [(4, 4)]
    assert list(uncovered((9, 12), covered)) == []
    assert list(uncovered((13, 20), covered)) == [(13, 20)]


def test_tables_of_many_codes_take_no_longer_than_they_are_long() -> None:
    def model(shift: int) -> Spec:
        entries = tuple(Entry(code=code + shift, name=f"GIZMO_{code}") for code in range(20_000))
        registry = Registry(key="t/registry/op", name="op", tag="opcode", module="t", entries=entries)
        return Spec(edition="", structs=(), constants=(), registries=(registry,))

    before = time.process_time()
    changes = compare_specs(model(0), model(1)).changes
    assert len(changes) == 20_000 and {c.rule for c in changes} == {"VD142"}
    assert time.process_time() - before < 20


# --- requirements -------------------------------------------------------------------------------------------

SAID = (
    "The driver MUST set \\field{op} to zero before it sends a request to the gizmo device.\n\n",
    "The driver SHOULD NOT set \\field{size} above 4096 for any one of the requests.\n\n",
    "The driver MUST NOT reuse a buffer of the device that is in flight.\n\n",
    "The device MUST complete every request in the order in which it was sent to it.\n\n",
)


def heading(role: str, name: str) -> str:
    return f"\\{role}normative{{\\paragraph}}{{{name}}}{{Device Types / Gizmo Device / {name}}}\n\n"


CLAUSES = (
    f"{heading('driver', 'Device Operation')}{SAID[0]}{SAID[1]}{heading('driver', 'Buffers')}{SAID[2]}"
    f"{heading('device', 'Device Operation')}{SAID[3]}"
)


def moved(behind: str, change: tuple[str, str] = ("", "")) -> str:
    """The first statement behind another one, perhaps with a change."""
    return CLAUSES.replace(SAID[0], "").replace(behind, behind + SAID[0].replace(*change))


EDITS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "weaker": (CLAUSES.replace("MUST set", "SHOULD set"), [("VD404", "undecided")]),
    "stricter": (CLAUSES.replace("SHOULD NOT set", "MUST NOT set"), [("VD403", "breaking")]),
    "turned": (CLAUSES.replace("SHOULD NOT set", "SHOULD set"), [("VD406", "breaking")]),
    "a comment": (CLAUSES.replace("to zero", "to % nought\nzero"), []),
    "another line": (CLAUSES.replace("before it sends", "before\nit sends"), []),
    "another order": (CLAUSES.replace(SAID[0] + SAID[1], SAID[1] + SAID[0]), []),
    "said twice": (CLAUSES.replace(SAID[1], SAID[1] + SAID[0]), []),
    "said in another section too": (CLAUSES.replace(SAID[2], SAID[2] + SAID[0]), [("VD401", "undecided")]),
    "moved": (moved(SAID[2]), []),
    "moved, in other words": (
        moved(SAID[2], ("before it sends a request", "before sending any request")),
        [("VD405", "undecided")],
    ),
    "moved, and weaker": (moved(SAID[2], ("MUST", "SHOULD")), [("VD404", "undecided")]),
    "moved to the other side": (moved(SAID[3]), [("VD407", "breaking")]),
    "moved, and quite another": (
        moved(SAID[2], (SAID[0], "The driver MUST read \\field{op} after the device has answered.\n\n")),
        [("VD401", "undecided"), ("VD402", "undecided")],
    ),
    "under another heading": (CLAUSES.replace("Buffers", "Memory"), []),
    "under another heading, and weaker": (
        CLAUSES.replace("Buffers", "Memory").replace("MUST NOT reuse", "SHOULD NOT reuse"),
        [("VD404", "undecided")],
    ),
    "another number": (CLAUSES.replace("4096", "8192"), [("VD405", "undecided")]),
}


@pytest.mark.parametrize("case", EDITS)
def test_requirements(case: str) -> None:
    new, expected = EDITS[case]
    assert new != CLAUSES
    assert found(CLAUSES, new) == sorted(expected)


def test_what_a_section_says_twice_may_be_left_out_once() -> None:
    assert not found(CLAUSES.replace(SAID[1], SAID[1] + SAID[0]), CLAUSES)


# --- reserved space -----------------------------------------------------------------------------------------


def listing(members: str, inner: str = "") -> str:
    lines = "".join(f"        {member};\n" for member in members.split("; "))
    return f"\\begin{{lstlisting}}\n{inner}struct gizmo_answer {{\n{lines}}};\n\\end{{lstlisting}}\n"


HEAD = "struct gizmo_head {\n        le32 op;\n};\n"
LARGE = HEAD.replace("op;", "op;\n        le32 more;")
SPACE: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "less at the end": ("le32 op; u8 reserved[8]", "le32 op; u8 reserved[4]", [("VD103", "breaking")]),
    "some of it at the end used, the rest gone": (
        "le32 op; u8 reserved[8]",
        "le32 op; le32 x",
        [("VD103", "breaking"), ("VD110", "compatible")],
    ),
    "one of two at the end used, the other gone": (
        "le32 op; u8 reserved0[4]; u8 reserved1[4]",
        "le32 op; le32 x",
        [("VD103", "breaking"), ("VD110", "compatible")],
    ),
    "all of it at the end used": ("le32 op; u8 reserved[8]", "le32 op; le64 x", [("VD110", "compatible")]),
    "less in the middle": (
        "le32 op; u8 reserved[8]; le32 x",
        "le32 op; u8 reserved[4]; le32 x",
        [("VD103", "breaking")],
    ),
    "a member between": (
        "le32 op; u8 reserved[8]; le32 x",
        "le32 op; u8 reserved0[2]; le32 y; u8 reserved1[2]; le32 x",
        [("VD110", "compatible")],
    ),
}


@pytest.mark.parametrize("case", SPACE)
def test_reserved_space(case: str) -> None:
    old, new, expected = SPACE[case]
    assert found(listing(old), listing(new)) == sorted(expected)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ("struct gizmo_head head; u8 reserved[8]; le32 x", [("VD101", "undecided"), ("VD110", "compatible")]),
        ("struct gizmo_head head; le32 y; le32 x", [("VD101", "breaking"), ("VD126", "breaking")]),
        ("struct gizmo_head head[2]; u8 reserved[8]; le32 x", [("VD101", "breaking"), ("VD127", "breaking")]),
    ],
)
def test_a_struct_that_grows_inside_another_one(members: str, expected: list[tuple[str, str]]) -> None:
    """Where reserved space behind it becomes smaller instead, nothing moves; the elements of an array do."""
    grown = (
        members.replace("reserved[8]", "reserved[4]") if "head;" in members else members.replace("u8 reserved[8]; ", "")
    )
    assert found(listing(members, HEAD), listing(grown, LARGE)) == sorted(expected)
