"""What a recording says about itself without being read in full."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from ttd.recording.events import Event


class ChunkInfo(NamedTuple):
    """Where a chunk of events stands: sequence numbers, steps, and a mask of 1 << kind."""

    first: int
    events: int
    first_step: int
    last_step: int
    kinds: int

    @classmethod
    def of(cls, first: int, events: Sequence[Event]) -> Self:
        """The description of `events`, of which there is at least one."""
        kinds = 0
        for kind in {event.kind for event in events}:
            kinds |= 1 << kind
        return cls(first, len(events), events[0].step, events[-1].step, kinds)


class SnapshotInfo(NamedTuple):
    """A stored snapshot: `sequence` events came before it; `hash` is the machine's state hash."""

    id: int
    step: int
    sequence: int
    virtual_ns: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """How far a recording goes and how it ended."""

    steps: int = 0
    virtual_ns: int = 0
    warp_ns: int = 0
    events: int = 0
    complete: bool = False
    """False while it grows, and for ever if the recorder was killed."""
    reason: str = ""
    exit_code: int | None = None
    state_hash: bytes | None = None


class PageHistory:
    """The pages of a machine at any stored snapshot, from what changed at each."""

    def __init__(self) -> None:
        self.snapshots = 0
        """How many are known."""
        self._pages: dict[int, tuple[list[int], list[bytes]]] = {}

    def add(self, changed: Iterable[tuple[int, bytes]]) -> None:
        """The next snapshot: (page number, hash) of the pages that changed since the last."""
        for page, name in changed:
            ids, hashes = self._pages.setdefault(page, ([], []))
            ids.append(self.snapshots)
            hashes.append(name)
        self.snapshots += 1

    def at(self, snapshot: int) -> dict[int, bytes]:
        """Hash of every page at this snapshot, which is known, by page number."""
        pages = {}
        for page, (ids, hashes) in self._pages.items():
            last = bisect_right(ids, snapshot)
            if last:
                pages[page] = hashes[last - 1]
        return pages
