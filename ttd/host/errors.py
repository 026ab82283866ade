"""What can go wrong when something of the host is opened."""

from __future__ import annotations


class ChardevError(ValueError):
    """A serial backend cannot be opened; one sentence for people."""
