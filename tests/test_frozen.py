"""Frozen dataclasses: equal ones hash equal, and Python's development mode freezes them in earnest."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from virtspec.model import Feature

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[1]


def test_equal_ones_hash_equal() -> None:
    assert len({Feature(name="F"), Feature(name="F"), Feature(name="G")}) == 2


def test_development_mode_refuses_a_write() -> None:
    code = "from virtspec.model import Feature; Feature(name='F').name = 'G'"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "codegen"), "PYTHONDEVMODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert "FrozenInstanceError" in done.stderr


def test_reading_and_comparing_write_to_none(virtspec: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    chapter, model = tmp_path / "widget.tex", tmp_path / "widget.json"
    chapter.write_text(
        "\\section{Widget Device}\n\\subsection{Feature bits}\n\\begin{description}\n\\item[VIRTIO_WIDGET_F_A (0)] x\n"
        "\\end{description}\n\\begin{lstlisting}\nstruct virtio_widget_config {\n"
        "  le32 a; /* if VIRTIO_WIDGET_F_A is set */\n  u8 b[a];\n};\n\\end{lstlisting}\n",
        "utf-8",
    )
    assert (done := virtspec("extract", chapter, "-o", model)).returncode == 0, done.stderr
    assert (done := virtspec("diff", model, chapter)).returncode == 0, done.stderr
