"""From the VIRTIO specification's LaTeX to a model, and from the model to code, reports and tests."""

from __future__ import annotations

__version__ = "0.1.0"
