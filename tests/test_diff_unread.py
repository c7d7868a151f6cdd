"""What one side could not be read of makes a comparison incomplete, where it may hide a difference."""

from __future__ import annotations

import diff_texts as texts
import pytest

from virtspec.diff.change import Comparison, Verdict
from virtspec.diff.compare import compare_specs

PARTS = [
    "le32 a b;",
    "le32 a = 5;",
    "struct x *next;",
    "register le32 a;",
    "unsigned int a;",
    "le32;",
    "@@@",
    "#include <more.h>",
    "static_assert(1);",
    "le32 2a;",
    "le32 a : ;",
    "enum { T_A = };",
    "le16 {\na : 3;\n? : 4;\n};",
]


def struct(members: str) -> str:
    return f"struct virtio_toy_req {{\n{members}\n}};"


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("where", ["old", "new"])
def test_what_is_lost_in_a_listing(part: str, where: str) -> None:
    whole, damaged = struct("le32 first;"), struct(f"le32 first;\n{part}")
    comparison = texts.compare(damaged, whole) if where == "old" else texts.compare(whole, damaged)
    assert not comparison.complete
    assert comparison.gaps[0].side == where
    # what is lost on both sides hides nothing that either side could show
    assert texts.compare(damaged, damaged).complete


def test_what_is_lost_on_both_sides_is_the_same_or_hides_a_change() -> None:
    comparison = texts.compare(struct("le32 a;\nstruct x *next;"), struct("le32 a;\nstruct x *last;"))
    assert not comparison.complete


@pytest.mark.parametrize("old", ["", struct("le32 a;")])
def test_a_definition_that_is_none(old: str) -> None:
    comparison = texts.compare(f"#define T_A 1\n{old}", f"#define T_A 1\nsturct {struct('le32 a;')[7:]}")
    assert not comparison.complete


def test_a_formula_is_no_definition() -> None:
    comparison = texts.compare(struct("le32 a;"), struct("le32 a;\nle32 b;") + "\nx = a + le16_to_cpu(b);")
    assert comparison.complete and comparison.verdict is Verdict.UNDECIDED


def compare(old: str, new: str, **files: str) -> Comparison:
    one, other = texts.reading(old, **files).spec, texts.reading(new, **files).spec
    comparison: Comparison = compare_specs(one, other)
    return comparison


ROWS = (
    "\\section{{Toy}}\n\\begin{{tabular}}{{|l|l|l|}}\n\\hline\nOpcode & Name & Use \\\\\n\\hline\n"
    "0 & T_A & text \\\\\n{} & T_B & text \\\\\n2 & T_C & text \\\\\n\\end{{tabular}}\n"
)


def test_a_row_whose_code_cannot_be_read() -> None:
    comparison = compare(ROWS.format("1"), ROWS.format("1x"))
    assert not comparison.complete and "T_B" in comparison.gaps[0].reason


FEATURES = "\\section{{Toy Device}}\n\\subsection{{Feature bits}}\n\\begin{{description}}\n{}\\end{{description}}\n"


@pytest.mark.parametrize("number", ["TBD", "l7", "?"])
def test_a_feature_whose_bit_cannot_be_read(number: str) -> None:
    one = "\\item[VIRTIO_T_F_A (0)] Something.\n"
    comparison = compare(FEATURES.format(one), FEATURES.format(f"{one}\\item[VIRTIO_T_F_B ({number})] More.\n"))
    assert not comparison.complete


LISTING = "\\begin{lstlisting}\nstruct x { le32 a; };\n\\end{lstlisting}\n"


def test_what_is_gone_may_stand_in_a_file_that_is_not_there() -> None:
    # moved out of the file that includes the new one
    comparison = compare(f"\\section{{A}}\n{LISTING}", "\\section{A}\n\\input{other}\n")
    assert not comparison.complete and comparison.gaps[0].hides
    # in a file that is not included any more
    comparison = compare("\\section{A}\n\\input{one}\n", "\\section{A}\n\\input{oen}\n", one=LISTING)
    assert not comparison.complete and comparison.gaps[0].hides


def test_a_new_file_that_is_not_there_hides_nothing_that_was() -> None:
    new = "\\section{A}\n" + LISTING.replace("le32 a;", "le32 a; le32 b;") + "\\input{other}\n"
    comparison = compare(f"\\section{{A}}\n{LISTING}", new)
    assert comparison.complete and not comparison.gaps[0].hides
    # but "nothing found" would be a claim about text that nobody has read
    assert not compare(f"\\section{{A}}\n{LISTING}", f"\\section{{A}}\n{LISTING}\\input{{other}}\n").complete


def test_what_moves_with_its_file_is_missing_on_both_sides() -> None:
    formula = "\\section{A}\n\\begin{lstlisting}\nx = a + b;\n\\end{lstlisting}\n"
    one = texts.reading("\\input{one}\n", one=formula).spec
    other = texts.reading("\\input{other}\n", other=formula).spec
    assert compare_specs(one, other).complete and not compare_specs(one, other).changes
