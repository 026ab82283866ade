"""State as data: what snapshots are made of, and nothing but plain values."""

from __future__ import annotations

from typing import Any

State = dict[str, Any]
"""Device state: str keys; values are int, bool, str, bytes, None, or lists and dicts of these."""


_COPIED = frozenset((list, dict, bytearray))
"""All that can change. Most values are none of these; each step back copies a thousand."""


def copied(value: Any) -> Any:
    """A copy of state that shares nothing that can change."""
    kind = type(value)
    if kind is list:
        return [copied(item) if type(item) in _COPIED else item for item in value]
    if kind is dict:
        return {key: copied(item) if type(item) in _COPIED else item for key, item in value.items()}
    return bytes(value) if kind is bytearray else value
