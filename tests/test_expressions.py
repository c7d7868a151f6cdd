"""Expressions: one parser for listings and for the model's own text of them."""

from __future__ import annotations

import pytest

from virtspec.emit.arithmetic import length_to_python, to_python
from virtspec.emit.formulas import count_of, parse_formula
from virtspec.emit.rust.lengths import to_rust
from virtspec.expressions import ExpressionError, evaluate, expression_text, names, parse, parse_comparison


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 - 4 - 2", 2),
        ("1 << 2 + 1", 8),
        ("1 | 6 ^ 3 & 2", 5),
        ("-1 + ~0u", 0xFFFFFFFE),
        ("010 + 0x10 + 'a'", 8 + 16 + 97),
        ("a->b / sizeof(struct s)", 3),
        ("twice(a.b) % 5", 4),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 / -2 * 10 + 7 % -2", -29),
        ("- -3 - - -4", -1),
        ("~ ~5 + !!a.b", 6),
    ],
)
def test_an_expression_has_the_value_that_c_gives_it(text: str, value: int) -> None:
    tree = parse(text)
    for again in (tree, parse(expression_text(tree))):
        assert evaluate(again, {"a.b": 12}.__getitem__, lambda _, x: 2 * x[0], {"s": 4}.get) == value
    assert set(names(tree)) == ({"a.b"} if "a" in text.replace("'a'", "") else set())


@pytest.mark.parametrize(
    "text", ["", "1 +", "a b", "a[1]", "(a", "a)", "f(a", "09", "1 # 2", "1 - see below", "1" * 401]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_a_sign_behind_a_sign_is_no_other_operator() -> None:
    assert expression_text(parse("- -x + + +y - ~-z")) == "(-(-x) + +(+y)) - ~-z"


@pytest.mark.parametrize("text", ["+".join("1" * 129), "~" * 66 + "1", "(" * 66 + "1" + ")" * 66])
def test_trees_stay_so_small_that_they_can_be_walked_through(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"too many operands|nest too deep"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["1 << a", "1 << 64", "a / 0", "a % b", "f(a)", "~a", "2 * (a >> b)", "(a / (b + 1)) + 1"]
)
def test_bytes_decide_on_no_shift_and_no_division(text: str) -> None:
    parse(text)
    with pytest.raises(ExpressionError):
        parse_formula(text)


@pytest.mark.parametrize(
    "text", ["2 * (a + 1)", "a - (b - 1)", "(a - b) - 1", "(a & 3) << 2", "a / sizeof(struct s) + b % 4"]
)
def test_python_computes_the_same(text: str) -> None:
    values = {"a": 77, "b": 30}
    python = to_python(parse_formula(text), str, {"s": 4}.get)
    assert eval(python, {}, values) == evaluate(parse(text), values.__getitem__, size_of={"s": 4}.get)


@pytest.mark.parametrize(
    ("text", "python", "rust"),
    [
        ("(4 - a) % 4 + 1", "(4 - a) % 4 + 1", "lengths::add(lengths::wrapping_sub(4, a) % 4, 1)"),
        ("3 & (2 * (a - b))", "3 & 2 * (a - b)", "3 & lengths::mul(2, lengths::wrapping_sub(a, b))"),
        ("(a - b) % 3", "difference(a, b) % 3", "lengths::sub(a, b) % 3"),
        ("(a - b) / 2 % 4", "difference(a, b) // 2 % 4", "(lengths::sub(a, b) / 2) % 4"),
        ("(a | b) % 4", "(a | b) % 4", "(a | b) % 4"),
        ("(a ^ b) >> 2", "(a ^ b) >> 2", "(a ^ b) >> 2"),
    ],
)
def test_a_difference_may_be_negative_where_its_low_bits_count(text: str, python: str, rust: str) -> None:
    assert length_to_python(parse_formula(text), str, {}.get) == python
    assert to_rust(parse_formula(text), str, {}.get) == rust


@pytest.mark.parametrize(
    ("text", "unsigned"),  # the same as numbers of 32 bits have it
    [
        ("(4 - a) % 4", "(0x100000004 - a) % 4"),
        ("(a - 3) & 7", "(0xfffffffd + a) & 7"),
        ("7 & 2 * (3 - a) + 1", "7 & 2 * (0x100000003 - a) + 1"),
        ("(2 * a - 5) % 8 + 1", "(0xfffffffb + 2 * a) % 8 + 1"),
    ],
)
def test_low_bits_are_those_of_unsigned_numbers(text: str, unsigned: str) -> None:
    python = length_to_python(parse_formula(text), str, {}.get)
    for a in range(20):
        wanted = evaluate(parse(unsigned), {"a": a}.__getitem__)
        assert count_of(parse_formula(text), {"a": a}.__getitem__, {}.get) == eval(python, {}, {"a": a}) == wanted


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a%b==0", "a % b == 0"),
        ("a & (a - 1) == 0", "(a & (a - 1)) == 0"),
        ("0x10000 - a.b >= c << 1", "0x10000 - a.b >= c << 1"),
        ("(a) != 1", "a != 1"),
        ("a < b", "a < b"),
        ("a <= b | 1", "a <= (b | 1)"),
    ],
)
def test_a_comparison_is_written_so_that_c_and_python_read_the_same(text: str, written: str) -> None:
    comparison = parse_comparison(text)
    assert str(comparison) == written
    assert parse_comparison(written) == comparison
    python = eval(written.replace(".", "_").replace(" / ", " // "), {"a": 6, "b": 3, "c": 1, "a_b": 2})
    assert isinstance(python, bool)


@pytest.mark.parametrize(
    "text", ["", "a", "a = b", "a == ", "== b", "a < b < c", "a == b == c", "a < b or c", "a =< b"]
)
def test_what_is_no_comparison_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_comparison(text)
