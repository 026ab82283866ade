"""What can be wrong with a recording. Every text is one sentence for people."""

from __future__ import annotations

from ttd.errors import UserError


class RecordingError(UserError):
    """The recording file cannot be written, read or believed."""


class ConfigMismatch(RecordingError):
    """The machine that is to play a recording is not the one that was recorded."""
