"""What can go wrong when something of the host is opened."""

from __future__ import annotations

from ttd.errors import UserError


class ChardevError(UserError):
    """A serial backend cannot be opened; one sentence for people."""
