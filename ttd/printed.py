"""What the guest has printed, and in which step: no log has that, it follows from the run.

So parts of the history are run again, in order to look at what comes out: those between two stored
snapshots. Which of them print anything is known from the snapshots, in which each device has
counted its characters; and what a part has printed is kept for a while.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from heapq import merge
from itertools import pairwise

from ttd.machine import Machine
from ttd.recording.errors import RecordingError
from ttd.recording.rows import is_count
from ttd.replay.replay import written_by
from ttd.runs import RunEnd
from ttd.snapshot import Snapshots
from ttd.values import dataclass

CACHE = 64 << 20
"""Bytes that what is kept of parts takes, about."""
LONGEST = 1000
"""Bytes that are shown of a line, from its beginning."""
_MARCH = 30_000_000
"""Steps run between two looks at whether it is to go on."""
_PER_WRITE = 12
_ALL = 1 << 62
"""More than anybody prints."""

Sink = Callable[[str, int, bytes], None]
"""Gets what is printed: the device, the step, the characters."""


class Interrupted(Exception):
    """Somebody wanted an end before it was found."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that was printed, without its end."""

    label: str
    """Before the line: which device printed it, if that is not where a console is."""
    begin: int
    """The step that printed its first character."""
    data: bytes
    """Up to `LONGEST` bytes of it."""
    found: int
    """The step that printed the last character of what was looked for."""


@dataclass(slots=True)
class Piece:
    """What one device has printed in a part, in the order of its writes."""

    data: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("I"))
    """Of each write: where it ends in `data`."""
    steps: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, step: int, data: bytes) -> None:
        self.data += data
        self.ends.append(len(self.data))
        self.steps.append(step)

    def step(self, at: int) -> int:
        """The step that printed the character at `at`."""
        return self.steps[bisect_right(self.ends, at)]

    def before(self, step: int) -> int:
        """How many characters had been printed when `step` began."""
        writes = bisect_left(self.steps, step)
        return self.ends[writes - 1] if writes else 0


class Printed:
    """All that the guest of a machine has printed in the known history.

    Looking leaves the machine where it is (`staying`); `read` does not.
    """

    def __init__(self, machine: Machine, snapshots: Snapshots) -> None:
        self._machine = machine
        self._snapshots = snapshots
        self._parts: OrderedDict[tuple[int, int], dict[str, Piece]] = OrderedDict()
        self._bytes = 0
        self._known: dict[int, dict[str, int] | None] = {}
        """`_counts` by the number of the snapshot."""
        self._runs = 0

    @property
    def devices(self) -> list[str]:
        """The character devices."""
        return list(written_by(self._machine.replay.save()))

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Be at the present position again afterwards, whatever has happened."""
        home, runs = self._snapshots.remember(), self._runs
        try:
            yield
        finally:
            if self._runs != runs:
                self._machine.replay.note_position()
                self._snapshots.restore(home)

    # -- lines, the latest first -----------------------------------------------------------

    def lines(
        self,
        text: bytes,
        until: int,
        end: int | None = None,
        report: Callable[[float], None] = lambda done: None,
    ) -> Iterator[Line]:
        """The lines that have `text` in them, of what steps before `until` have printed, the latest
        first. In a line the last of several counts.

        `end`: where history ends, if it is to be looked at from there, and not from the present
        position. `report` is told the fraction that has been looked at. `Interrupted` if the
        machine is interrupted.
        """
        here = self._machine.engine.step if end is None else end
        counts = written_by(self._machine.replay.save())
        if end is not None:
            counts = dict.fromkeys(counts, _ALL)

        def pieces(device: str, count: int) -> Iterator[tuple[Piece, int]]:
            for low, high in self._borders_back(here):
                report(1 - low / here)
                base = self._count(low, device)
                if base < count:
                    piece = self._part(low, high).get(device, Piece())
                    yield piece, min(count - base, piece.before(until))
                count = min(count, base)

        board = self._machine.board

        def label(device: str) -> str:
            return f"[{device}] " if device in board.serials[1:] else ""

        found = (
            _lines(label(device), text, pieces(device, n)) for device, n in counts.items() if n
        )
        return (line for _, line in merge(*found, key=_latest_first) if line is not None)

    def _borders_back(self, end: int) -> Iterator[tuple[int, int]]:
        """The parts of the history before `end`, the last one first."""
        high = end
        for low in reversed(self._stored(end)):
            if low < high and self._counts(low) is not None:
                yield low, high
                high = low

    def _stored(self, end: int) -> list[int]:
        """Where stored snapshots are before `end`."""
        return sorted({step for step in self._snapshots.recording.snapshots.steps if step < end})

    def _counts(self, step: int) -> dict[str, int] | None:
        """How much each device had printed at the stored snapshot at `step`; None if that cannot
        be read."""
        infos = self._snapshots.recording.snapshots
        number = bisect_right(infos.steps, step) - 1
        if number not in self._known:
            self._known[number] = self._read_counts(number)
        return self._known[number]

    def _read_counts(self, number: int) -> dict[str, int] | None:
        with suppress(RecordingError, LookupError, TypeError, AttributeError):
            state = self._snapshots.recording.snapshot_state(number)
            found = written_by(state["machine"]["replay"])
            return found if all(map(is_count, found.values())) else None
        return None

    def _count(self, step: int, device: str) -> int:
        return (self._counts(step) or {}).get(device, 0)

    def _part(self, low: int, high: int) -> dict[str, Piece]:
        """What has been printed by the steps from `low` to before `high`."""
        found = self._parts.pop((low, high), None)
        if found is None:
            found = {}
            self._listen(low, high, lambda name, step, data: _add(found, name, step, data))
            self._bytes += _size(found)
        self._parts[low, high] = found
        while self._bytes > CACHE and len(self._parts) > 1:
            self._bytes -= _size(self._parts.popitem(last=False)[1])
        return found

    # -- running it again --------------------------------------------------------------------

    def read(self, devices: Collection[str], end: int, sink: Sink) -> None:
        """Give all that these devices have printed before `end` to `sink`, in its order.

        `Interrupted` if the machine is interrupted.
        """

        def hear(name: str, step: int, data: bytes) -> None:
            if name in devices:
                sink(name, step, data)

        for low, high in pairwise([*self._stored(end), end]):
            before, after = self._counts(low), self._counts(high) if high < end else None
            if before is None or after is None or _changed(before, after, devices):
                self._listen(low, high, hear)

    def _listen(self, low: int, high: int, sink: Sink) -> None:
        machine = self._machine
        self._runs += 1
        if machine.interruption.asked:
            raise Interrupted
        if machine.engine.step != low:
            self._snapshots.go_back(low)
            self._run(low)
        with machine.replay.heard(lambda name, data: sink(name, machine.engine.step, data)):
            self._run(high)

    def _run(self, limit: int) -> None:
        machine = self._machine
        while True:
            stop = machine.run(min(limit, machine.engine.step + _MARCH))
            if stop.end is RunEnd.INTERRUPTED:
                raise Interrupted
            if stop.end is not RunEnd.LIMIT or stop.step >= limit:
                return


_Ordered = tuple[int, Line | None]


def _latest_first(entry: _Ordered) -> int:
    return -entry[0]


def _lines(label: str, text: bytes, pieces: Iterator[tuple[Piece, int]]) -> Iterator[_Ordered]:
    """Where each line of a device begins, from the last to the first, with those that have `text`.

    `pieces`: the latest first, and how much of each counts.
    """
    line = _Growing(text)
    for piece, size in pieces:
        end = size
        while (cut := piece.data.rfind(b"\n", 0, end)) >= 0:
            line.prepend(piece, cut + 1, end)
            if line.begun:
                yield line.begin, line.told(label)
            line = _Growing(text)
            line.begun, line.begin = True, piece.step(cut)
            end = cut
        line.prepend(piece, 0, end)
    if line.begun:
        yield line.begin, line.told(label)


class _Growing:
    """A line that is read from its end."""

    def __init__(self, text: bytes) -> None:
        self.begun = False
        self.begin = 0
        self._text = text
        self._data = b""
        self._steps: list[int] = []
        """Of as many characters at the beginning as may belong to a `text` that begins before."""
        self._found: int | None = None

    def prepend(self, piece: Piece, low: int, high: int) -> None:
        """What comes before it."""
        if low == high:
            return
        data, overlap = bytes(piece.data[low:high]), len(self._text) - 1
        if self._text and self._found is None:
            last = (data + self._data[:overlap]).rfind(self._text) + overlap
            if last >= overlap:
                later = last - len(data)
                self._found = piece.step(low + last) if later < 0 else self._steps[later]
        steps = [piece.step(at) for at in range(low, min(high, low + overlap))]
        self._steps = (steps + self._steps)[: max(0, overlap)]
        self._data = (data[:LONGEST] + self._data)[:LONGEST]
        self.begun, self.begin = True, piece.step(low)

    def told(self, label: str) -> Line | None:
        """Now that it is whole; None if it does not have the text."""
        if self._text and self._found is None:
            return None
        found = self.begin if self._found is None else self._found
        return Line(label, self.begin, self._data.rstrip(b"\r"), found)


def _changed(before: dict[str, int], after: dict[str, int], names: Collection[str]) -> bool:
    return any(before.get(name) != after.get(name) for name in names)


def _add(pieces: dict[str, Piece], name: str, step: int, data: bytes) -> None:
    pieces.setdefault(name, Piece()).add(step, data)


def _size(pieces: dict[str, Piece]) -> int:
    return sum(len(piece.data) + _PER_WRITE * len(piece.ends) for piece in pieces.values())
