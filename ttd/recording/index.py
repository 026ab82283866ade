"""What a recording says about itself without being read in full."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import asdict, field
from typing import Any, NamedTuple, Self

from ttd.recording.blob import digest, pack
from ttd.recording.chunk import as_columns
from ttd.recording.events import Event
from ttd.values import dataclass

MAIN = "main"
"""The name of the first branch, unless somebody gives it another."""


class ChunkInfo(NamedTuple):
    """Where a chunk of events stands: sequence numbers, steps, and a mask of 1 << kind."""

    first: int
    events: int
    first_step: int
    last_step: int
    kinds: int

    @classmethod
    def of(cls, first: int, events: Iterable[Event]) -> Self:
        """The description of `events`, of which there is at least one."""
        columns = as_columns(events)
        steps = columns.steps
        kinds = sum(1 << kind for kind in columns.counts())
        return cls(first, len(columns), steps[0], steps[-1], kinds)


class Begin(NamedTuple):
    """Where a recording begins: at `step`, with the event of number `sequence`.

    Not at 0 if it was cut out of another one. Then its first snapshot is there.
    """

    step: int = 0
    sequence: int = 0


class SnapshotInfo(NamedTuple):
    """A stored snapshot: `sequence` events came before it; `hash` is the machine's state hash."""

    id: int
    step: int
    sequence: int
    virtual_ns: int
    hash: bytes


_HASH = 16


class SnapshotList:
    """The stored snapshots of a history, by number, in 40 bytes each: hours have many."""

    def __init__(self) -> None:
        self.steps = array("q")
        """Of each; they do not decrease."""
        self.sequences = array("q")
        """Of each; they do not decrease."""
        self._times = array("q")
        self._hashes = bytearray()

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, number: int) -> SnapshotInfo:
        number = range(len(self))[number]
        found = bytes(self._hashes[number * _HASH : (number + 1) * _HASH])
        times = self.steps[number], self.sequences[number], self._times[number]
        return SnapshotInfo(number, *times, found)

    def __iter__(self) -> Iterator[SnapshotInfo]:
        return map(self.__getitem__, range(len(self)))

    def append(self, info: SnapshotInfo) -> None:
        """Add the next one."""
        self.steps.append(info.step)
        self.sequences.append(info.sequence)
        self._times.append(info.virtual_ns)
        self._hashes += info.hash

    def first(self, count: int) -> SnapshotList:
        """A list of the first so many, or of all."""
        found = SnapshotList()
        found.steps, found.sequences = self.steps[:count], self.sequences[:count]
        found._times, found._hashes = self._times[:count], self._hashes[: count * _HASH]
        return found

    def in_common(self, other: SnapshotList) -> int:
        """With how many of the other's it begins."""
        pairs = zip(self, other, strict=False)
        return next((one.id for one, its in pairs if one != its), min(len(self), len(other)))


@dataclass(frozen=True, slots=True)
class Status:
    """How far a recording goes and how it ended."""

    steps: int = 0
    virtual_ns: int = 0
    warp_ns: int = 0
    events: int = 0
    snapshots: int | None = None
    """As many are stored; None where nothing is said of it, as in files of earlier versions."""
    complete: bool = False
    """False while it grows, and for ever if the recorder was killed."""
    reason: str = ""
    exit_code: int | None = None
    state_hash: bytes | None = None
    seal: bytes = b""
    """`sealed`, for what has been recorded."""

    def sealed(self, log: bytes) -> bytes:
        """16 bytes for all of this but `seal`, and for the events of a run, of which `log` is a
        hash that who replays them gets too."""
        fields = asdict(self)
        del fields["seal"]
        return digest(pack([log, list(fields.values())]))


class Fork(NamedTuple):
    """Where a branch leaves another one, its parent: at `step`, after `sequence` events.

    The first `chunk` events and the first `snapshots` snapshots are in the parent's rows.
    """

    parent: int
    step: int
    sequence: int
    warp_ns: int
    chunk: int
    snapshots: int


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of history. The first has number 0, and no `fork`."""

    id: int = 0
    name: str = MAIN
    reason: str = ""
    """Why there is one, for people."""
    fork: Fork | None = None
    status: Status = field(default_factory=Status)

    def to_data(self) -> dict[str, Any]:
        """As data for the recording; its number is that of its row."""
        return {
            "name": self.name,
            "reason": self.reason,
            "fork": self.fork,
            "status": asdict(self.status),
        }
