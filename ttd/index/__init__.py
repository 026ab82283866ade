"""What each interval of a history executed, read and wrote, and what has been found out of it."""

from ttd.index.index import Index
from ttd.index.ranges import Ranges
from ttd.index.ticks import Ticks

__all__ = ["Index", "Ranges", "Ticks"]
