"""Golden models: a small specification, and the complete model of it.

A case is a folder under `tests/golden/model/` with `spec.tex`, `model.json` and `diagnostics.txt`. `pytest
tests/test_link_model.py --rewrite-golden` writes the expected files anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec import model_json
from virtspec.diagnostics import Sink, render_all
from virtspec.pipeline import read_spec

GOLDEN = Path(__file__).parent / "golden" / "model"
CASES = sorted(p.name for p in GOLDEN.iterdir() if (p / "spec.tex").is_file())


@pytest.mark.parametrize("name", CASES)
def test_golden_model(name: str, rewrite_golden: bool) -> None:
    case = GOLDEN / name
    sink = Sink()
    spec = read_spec(str(case / "spec.tex"), sink)
    found = render_all(sink.in_order())
    observed = {"model.json": model_json.dump(spec), "diagnostics.txt": f"{found}\n" if found else ""}
    if rewrite_golden:
        for file, text in observed.items():
            (case / file).write_text(text, "utf-8")
    expected = {file: (case / file).read_text("utf-8") for file in observed}
    assert observed == expected, f"rewrite with: pytest {Path(__file__).name} -k {name} --rewrite-golden"


def test_there_are_cases() -> None:
    assert len(CASES) >= 5
