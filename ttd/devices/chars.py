"""What a device with a character stream has on its other side."""

from __future__ import annotations

from collections.abc import Callable
from errno import EAGAIN
from typing import Protocol

from ttd.engine.receiver import Receiver

RETRY_NS = 1_000_000
"""Virtual time after which a byte that the host side refused is offered again."""


class CharFront(Protocol):
    """The replay layer's side of a character device."""

    def connect(
        self,
        receive: Callable[[bytes], None],
        can_receive: Callable[[], int],
        native: Receiver | None = None,
    ) -> None:
        """Say where bytes from the host go, and how many can be taken now. `native`: who takes
        them while the engine runs, if that is done without Python."""

    def write(self, data: bytes) -> int:
        """Take bytes from the guest; return how many the host side took, or a negative errno."""

    def room(self) -> int:
        """How many bytes `put` may be given, from now on until this is asked again."""

    def put(self, data: bytes) -> None:
        """Take bytes that the guest has written, maybe in earlier steps; as many as are certain to
        be taken (`room`)."""


def is_lost(result: int) -> bool:
    """True if a `write` failed and will fail again: what was to be sent is lost, as it is when a
    cable is cut. A host side that is only busy says EAGAIN."""
    return result < 0 and result != -EAGAIN
