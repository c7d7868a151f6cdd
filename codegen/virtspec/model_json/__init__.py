"""The model as JSON and back: name-keyed, sorted, flat, one line for what is small.

A textual diff of two models reads like a diff of the facts; `places` says how line numbers stay out of it.
"""

from __future__ import annotations

from virtspec.model_json.read import load, parse
from virtspec.model_json.write import MODEL_SCHEMA, dump, render

__all__ = ["MODEL_SCHEMA", "dump", "load", "parse", "render"]
