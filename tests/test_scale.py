"""What grows with the input grows in proportion to it: calls are counted, since a clock tells of the machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from virtspec import pipeline
from virtspec.diagnostics import Sink, SpecError
from virtspec.model import Spec

HEAD = r"""\section{Tiny Device}\label{sec:Device Types / Tiny Device}
\subsection{Device ID}\label{sec:Device Types / Tiny Device / Device ID}
77
"""


def listing(lines: list[str]) -> str:
    return "\\begin{lstlisting}\n" + "\n".join(lines) + "\n\\end{lstlisting}\n"


def structs(count: int) -> str:
    return HEAD + listing([f"struct virtio_tiny_m{i} {{ le32 a; u8 b[]; }};" for i in range(count)])


def codes(count: int) -> str:
    return HEAD + listing(["enum virtio_tiny_code {", *(f"VIRTIO_TINY_M{i} = {i}," for i in range(count)), "};"])


def bound(count: int) -> str:
    rows = (f"{i} & VIRTIO_TINY_M{i} & struct virtio_tiny_m{i} \\\\\n\\hline\n" for i in range(count))
    head = "\\begin{tabular}{|l|l|l|}\n\\hline\nCode & Name & Structure \\\\\n\\hline\n"
    return structs(count) + head + "".join(rows) + "\\end{tabular}\n"


def enums(count: int) -> str:
    return HEAD + listing([f"enum virtio_tiny_e{i} {{ VIRTIO_TINY_E{i} = 1 }};" for i in range(count)])


def features(count: int) -> str:
    numbered = "".join(f"\\item[VIRTIO_TINY_F_X{i} ({i})] It can.\n" for i in range(count))
    requiring = "".join(
        f"\\item[VIRTIO_TINY_F_X{i}] Requires VIRTIO_TINY_F_X{(i + 1) % count}.\n" for i in range(count)
    )
    return (
        f"{HEAD}\\subsection{{Feature bits}}\\label{{sec:Device Types / Tiny Device / Feature bits}}\n"
        f"\\begin{{description}}\n{numbered}\\end{{description}}\n"
        "\\subsubsection{Feature bit requirements}"
        "\\label{sec:Device Types / Tiny Device / Feature bits / Feature bit requirements}\n"
        f"\\begin{{description}}\n{requiring}\\end{{description}}\n"
    )


def read(tmp_path: Path, text: str) -> Spec:
    path = tmp_path / "chapter.tex"
    path.write_text(text)
    return pipeline.read_spec(str(path), Sink())


def calls(act: Callable[[], object]) -> int:
    """How many functions an action calls, those of C included; a generator's every step is one."""
    count = 0

    def tell(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.disable()  # what it calls, it calls when it likes
    sys.setprofile(tell)
    try:
        act()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize("text", [structs, codes, bound, enums, features])
def test_twice_as_much_is_read_and_rendered_with_twice_the_calls(tmp_path: Path, text: Callable[[int], str]) -> None:
    def render_all(count: int) -> None:
        spec = read(tmp_path, text(count))
        layouts = pipeline.check_layouts(spec)
        for target in pipeline.TARGETS:
            assert pipeline.render(target, spec, layouts).files

    render_all(4)  # compiles the templates
    small, middle, large = (calls(lambda n=n: render_all(n)) for n in (50, 100, 200))
    assert (large - middle) < 2.4 * (middle - small)


def test_a_small_model_is_rendered(tmp_path: Path) -> None:
    spec = read(tmp_path, bound(10))
    pipeline.require_renderable(spec, pipeline.check_layouts(spec))


@pytest.mark.parametrize(
    ("text", "line"), [(structs, 12), (codes, 6), (features, 21)], ids=["members", "codes", "feature bits"]
)
def test_more_than_is_rendered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: Callable[[int], str], line: int
) -> None:
    monkeypatch.setattr(pipeline, "MAX_RENDERED", 15)
    spec = read(tmp_path, text(16))
    with pytest.raises(SpecError, match=rf"chapter\.tex:{line}: .* more than 15 members, constants, codes and feature"):
        pipeline.require_renderable(spec, pipeline.check_layouts(spec))


def test_a_struct_of_more_members_than_are_rendered(tmp_path: Path) -> None:
    def spec(count: int) -> Spec:
        inner = [f"le16 n{i};" for i in range(count - 1)]
        return read(tmp_path, listing(["struct head {", *inner, "};", "struct whole { struct head head; };"]))

    largest, larger = spec(pipeline.MAX_MEMBERS), spec(pipeline.MAX_MEMBERS + 1)
    pipeline.require_renderable(largest, pipeline.check_layouts(largest))
    with pytest.raises(SpecError, match=r"chapter\.tex:516: struct 'whole' has more than 512 members in all"):
        pipeline.require_renderable(larger, pipeline.check_layouts(larger))
