"""A place in a recorded history, as a value that can be kept, compared and pasted."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A position on a branch, by its number; ordered along the branch."""

    branch: int
    step: int
