"""The base of all errors that a user can cause."""

from __future__ import annotations


class UserError(Exception):
    """Something outside of ttd is not as it must be; the text is one sentence for people."""
