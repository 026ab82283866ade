"""Host clocks and randomness: handed to the replay layer, used by nothing else."""

from __future__ import annotations

import os
import time


def host_ns() -> int:
    """Nanoseconds since 1970."""
    return time.time_ns()


def running_ns() -> int:
    """Nanoseconds from an arbitrary moment on; never goes back."""
    return time.monotonic_ns()


def random_bytes(count: int) -> bytes:
    """`count` bytes from the host's generator."""
    return os.urandom(count)
