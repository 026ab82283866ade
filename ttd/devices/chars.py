"""What a device with a character stream has on its other side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

RETRY_NS = 1_000_000
"""Virtual time after which a byte that the host side refused is offered again."""


class CharFront(Protocol):
    """The replay layer's side of a character device."""

    def connect(self, receive: Callable[[bytes], None], can_receive: Callable[[], int]) -> None:
        """Say where bytes from the host go, and how many can be taken now."""

    def write(self, data: bytes) -> int:
        """Take bytes from the guest; return how many the host side took, negative for none."""
