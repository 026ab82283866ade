"""How much random tests try."""

from __future__ import annotations

import os

PART = float(os.environ.get("TTD_EXAMPLES", "1"))


def examples(count: int) -> int:
    """`count`, or the part of it that TTD_EXAMPLES says: `make check` tries a quarter."""
    return max(3, int(count * PART))
