"""Numbers in prose, tables and items are read as they are written, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.pipeline import read_spec
from virtspec.read.numbers import number
from virtspec.read.tables import Code, parse_code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("006", 6),
        ("0x1F", 31),
        ("0B101", 5),
        ("1000000000000000000000000", 10**24),
        ("0" * 40, 0),
        ("0" * 41, None),
        ("0x" + "f" * 38, (1 << 152) - 1),
        ("0x" + "f" * 39, None),
    ],
)
def test_a_number_is_never_cut(text: str, value: int | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5", Code(5, 5)),
        ("3 - 0x10", Code(3, 16)),
        ("07 and above", Code(7, None)),
        ("9 to 3", None),
        ("1 - " + "9" * 41, None),
        ("9" * 41 + "+", None),
        ("five", None),
    ],
)
def test_codes(text: str, code: Code | None) -> None:
    assert parse_code(text) == code


def test_a_feature_bit_is_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "widget.tex"
    items = "\n".join(f"\\item[WIDGET_F_{n} ({'1' + '0' * n})]" for n in (1, 24, 60))
    path.write_text(
        f"\\section{{Widget Device}}\n\\subsection{{Feature bits}}\n"
        f"\\begin{{description}}\n{items}\n\\end{{description}}\n"
    )
    spec = read_spec(str(path))
    assert [(f.name, f.bit) for f in spec.features] == [("WIDGET_F_1", 10), ("WIDGET_F_24", 10**24)]
    assert [s.reason for s in spec.coverage.skipped] == ["gives no number"]
