"""Every emitter on damaged chapters and models: what is rendered is code, or one clear error says why nothing is.

`VIRTSPEC_FUZZ=10000` runs as many variants; `VIRTSPEC_FUZZ_SEED` begins elsewhere. A failure prints its variant.
"""

from __future__ import annotations

import ast
import json
import os
import random
from pathlib import Path

import pytest
from damage import OneFile, damaged, damaged_document

from virtspec import model_json, pipeline
from virtspec.diagnostics import Sink, SpecError
from virtspec.model import Spec

VARIANTS = int(os.environ.get("VIRTSPEC_FUZZ", "80"))
SEED = int(os.environ.get("VIRTSPEC_FUZZ_SEED", "0"))
BATCH = 20


def render_all(spec: Spec) -> None:
    layouts = pipeline.check_layouts(spec)
    for target in pipeline.TARGETS:
        for path, text in pipeline.render(target, spec, layouts).files.items():
            if path.endswith(".py"):
                ast.parse(text)
            elif path.endswith(".json"):
                json.loads(text)


@pytest.mark.parametrize("batch", range(0, VARIANTS, BATCH))
def test_damaged_chapters(batch: int, root: Path) -> None:
    text = (root / "spec" / "device-context.tex").read_text("utf-8")
    for number in range(batch, min(batch + BATCH, VARIANTS)):
        variant = damaged(text, random.Random(SEED + number))
        try:
            render_all(pipeline.read_tree(OneFile(variant), Sink())[1])
        except SpecError:
            continue
        except Exception:
            print(f"variant {SEED + number}")
            raise


@pytest.mark.parametrize("batch", range(0, VARIANTS, BATCH))
def test_damaged_models(batch: int, root: Path) -> None:
    spec = pipeline.read_spec(str(root / "spec" / "device-context.tex"))
    document = json.loads(model_json.dump(spec))
    for number in range(batch, min(batch + BATCH, VARIANTS)):
        variant = damaged_document(document, random.Random(SEED + number))
        try:
            render_all(model_json.parse(variant, "variant"))
        except SpecError:
            continue
        except Exception:
            print(f"variant {SEED + number}")
            raise
