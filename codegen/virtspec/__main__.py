"""`python -m virtspec` is the console script `virtspec`."""

from __future__ import annotations

import sys

from virtspec.cli import process

if __name__ == "__main__":
    sys.exit(process())
