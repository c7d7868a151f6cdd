"""The atlas: a static site with every struct, constant, feature bit, registry and clause of a specification.

`history` compares the editions, `drawing` places bytes and bits on paper, `entries` and `pages` turn models into what
templates show, `render` makes the files.
"""

from __future__ import annotations
