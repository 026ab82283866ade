"""What is known of the intervals of one line of history, without running them."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgpack

from ttd.index.ranges import Ranges
from ttd.index.rows import Rows
from ttd.index.ticks import Ticks
from ttd.recording.errors import RecordingError
from ttd.recording.recording import Recording

REACHED = "reached"
"""The kind of rows with the code that an interval has reached, and when."""
_EXECUTED = "executed"
"""The same without when: earlier versions of this program write those."""
_WRITTEN = "written"
"""The kind with the words that it has written, at the addresses at which the memory is."""
_MOVED = "written moved"
"""The same where page tables may have put it elsewhere."""
_FOUND = "found"
"""The kind with many answers, by their keys."""
_KEPT = 4096
"""Rows that are kept as they have been read."""

_T = TypeVar("_T")


class Index:
    """Of the intervals between stored snapshots, each with the number of the one it begins with;
    the last goes on to the end of the recording.

    It excludes only what is certain: of what is not known, damaged or of another run, it says that
    it may be. Methods never raise for a file.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._rows = Rows(recording)
        self._executed: OrderedDict[int, Ticks | None] = OrderedDict()
        self._written: OrderedDict[int, Ranges | None] = OrderedDict()
        self._moved: OrderedDict[int, Ranges | None] = OrderedDict()
        self._found: OrderedDict[int, Mapping[bytes, bytes] | None] = OrderedDict()

    # -- intervals -----------------------------------------------------------------------

    def number_at(self, step: int) -> int:
        """The interval of a step; -1 before the first."""
        return bisect_right(self._recording.snapshots.steps, step) - 1

    def span(self, number: int) -> tuple[int, int]:
        """Steps from which on, and before which, an interval is."""
        steps = self._recording.snapshots.steps
        last = number + 1 == len(steps)
        return steps[number], self._recording.status.steps if last else steps[number + 1]

    # -- code ----------------------------------------------------------------------------

    def executed(self, number: int) -> Ticks | None:
        """Where an interval has reached instructions, by the addresses that the guest used: of all
        of them, and of no others. None: not known."""
        found = self._read(self._executed, number, REACHED, Ticks.unpack)
        if found is not None:
            return found
        return self._read(self._executed, number, _EXECUTED, _without_when)

    def may_execute(self, number: int, begin: int, end: int) -> bool:
        """False if no instruction at [begin, end) has been reached in an interval."""
        executed = self.executed(number)
        return executed is None or executed.meets(begin, end)

    # -- memory --------------------------------------------------------------------------

    def written(self, number: int) -> Ranges | None:
        """Numbers of the words of 4 bytes that an interval has written, in the order in which the
        machine has its memories; maybe some too many. None: not known."""
        still = self.written_in_place(number)
        return self._read(self._moved, number, _MOVED, Ranges.unpack) if still is None else still

    def written_in_place(self, number: int) -> Ranges | None:
        """The same, if the addresses that the guest has used were those at which the memory is."""
        return self._read(self._written, number, _WRITTEN, Ranges.unpack)

    # -- what has been found out -----------------------------------------------------------

    def known(self, number: int, key: bytes) -> bytes | None:
        """What has been learned of an interval under this key; None if nothing is known."""
        own = self._rows.answer(number, key)
        return (self.found(number) or {}).get(key) if own is None else own

    def found(self, number: int) -> Mapping[bytes, bytes] | None:
        """What has been learned of an interval without having been asked, by keys. None: nobody
        has looked."""
        return self._read(self._found, number, _FOUND, _unpack_found)

    def learn_found(self, number: int, found: Mapping[bytes, bytes]) -> None:
        """Keep that."""
        self._rows.keep(number, _FOUND, msgpack.packb(sorted(found.items())))
        self._found.pop(number, None)

    def learn(self, number: int, key: bytes, data: bytes) -> None:
        """Keep something; `flush` puts it into the file."""
        self._rows.keep_answer(number, key, data)

    def learn_executed(self, number: int, executed: Ticks) -> None:
        """Keep what an interval has executed."""
        self._rows.keep(number, REACHED, executed.pack())
        self._executed.pop(number, None)

    def learn_written(self, number: int, words: Ranges, moved: bool = False) -> None:
        """Keep which words an interval has written; `moved`: page tables were set up."""
        self._rows.keep(number, _MOVED if moved else _WRITTEN, words.pack())
        self._written.pop(number, None)
        self._moved.pop(number, None)

    def flush(self) -> None:
        """Put what has been learned into the file, if it can be written now; it stays known."""
        self._rows.flush()

    def write(self) -> None:
        """As `flush`, but `RecordingError` if it cannot be written now."""
        self._rows.write()

    def _read(
        self,
        kept: OrderedDict[int, _T | None],
        number: int,
        kind: str,
        unpack: Callable[[bytes], _T],
    ) -> _T | None:
        if number in kept:
            return kept[number]
        found = None
        with suppress(RecordingError):
            data = self._rows.row(number, kind)
            found = None if data is None else unpack(data)
        if found is not None:  # what is not known yet may be some day
            kept[number] = found
            if len(kept) > _KEPT:
                kept.popitem(last=False)
        return found


def _unpack_found(data: bytes) -> Mapping[bytes, bytes]:
    try:
        found = dict(msgpack.unpackb(data))
    except (TypeError, ValueError, msgpack.UnpackException) as error:
        raise RecordingError("the recording is damaged: what was found of it is nothing") from error
    if not all(isinstance(each, bytes) for item in found.items() for each in item):
        raise RecordingError("the recording is damaged: what was found of it is nothing")
    return found


def _without_when(data: bytes) -> Ticks:
    return Ticks.timeless(Ranges.unpack(data))
