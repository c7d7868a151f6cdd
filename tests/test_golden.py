"""Golden cases: a small specification, and what is read from it.

A case is a folder under `tests/golden/` with `spec.tex`, `layout.txt` (layouts, constants …) and `diagnostics.txt`.
Each shows one idea of the dialect. `pytest tests/test_golden.py --rewrite-golden` writes the expected files anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import Sink, SpecError, render_all
from virtspec.pipeline import check_layouts, read_spec
from virtspec.report.layouts import coverage_text, layout_text

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(p.name for p in GOLDEN.iterdir() if (p / "spec.tex").is_file())


def observe(case: Path) -> dict[str, str]:
    """What reading a case gives, by the name of the file that holds it."""
    sink = Sink()
    try:
        spec = read_spec(str(case / "spec.tex"), sink)
        layouts = check_layouts(spec)
    except SpecError as error:
        return {"diagnostics.txt": f"{error}\n".replace(f"{case}/", "")}
    shown = [layout_text(layouts[s.key]) for s in spec.structs]
    shown += [
        f"{c.key} = {c.value}{f' ({c.reason})' if c.reason else ''}  /* {c.kind}, {c.place} */" for c in spec.constants
    ]
    shown += [f"{f.key} = bit {f.bit}{' (legacy)' if f.legacy else ''}" for f in spec.features]
    for registry in spec.registries:
        shown.append(f"{registry.key} by {registry.tag}:")
        shown += [f"  {e.code:#x} {e.name}" for e in registry.entries]
        shown += [f"  {r.first:#x}..{'' if r.last is None else hex(r.last)} {r.meaning}" for r in registry.ranges]
    shown.append(coverage_text(spec.coverage))
    return {
        "layout.txt": "\n".join(shown) + "\n",
        "diagnostics.txt": (render_all(sink.in_order()) + "\n").lstrip("\n"),
    }


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, rewrite_golden: bool) -> None:
    case = GOLDEN / name
    observed = observe(case)
    if rewrite_golden:
        for file in ("layout.txt", "diagnostics.txt"):
            (case / file).unlink(missing_ok=True)
        for file, text in observed.items():
            (case / file).write_text(text, "utf-8")
    expected = {p.name: p.read_text("utf-8") for p in case.iterdir() if p.suffix == ".txt"}
    assert observed == expected, f"rewrite with: pytest {Path(__file__).name} -k {name} --rewrite-golden"


def test_cases_are_small() -> None:
    """A case of more than sixty lines shows more than one idea."""
    long = [n for n in CASES if len((GOLDEN / n / "spec.tex").read_text("utf-8").splitlines()) > 60]
    assert not long
