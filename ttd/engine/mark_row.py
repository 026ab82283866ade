"""The marks of what happens natively, exceptions and input: a row that a run fills, or is compared
with."""

from __future__ import annotations

from array import array
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.types import NEVER

MAX_MARKS: int = lib.TTD_MAX_MARKS
"""What a row takes."""
INTERRUPT: int = lib.MARK_INTERRUPT
EXCEPTION: int = lib.MARK_EXCEPTION


def key(kind: int, number: int) -> int:
    """What was taken, as one number."""
    return kind << 32 | number


class MarkRow:
    """The row of one engine. Between runs its marks are taken (record) or given (play), by columns,
    arrays of "q": before which steps, `key` of each, and values: of input the byte, of idle time
    the sum of it, of others 0 (None: there is neither)."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._row = lib.marks_of(native)

    def keep_none(self) -> None:
        """Nothing is recorded."""
        self._begin(lib.MARKS_OFF, 0)
        self._row.seen = NEVER

    def record(self, seen: int, warp: tuple[int, int] | None) -> None:
        """From now on there is an empty row to be filled.

        `seen`: a step whose position somebody has seen (negative: none), so that no input enters
        there natively. `warp`: step and sum of the last idle time that the log has.
        """
        self._begin(lib.MARKS_RECORD, MAX_MARKS)
        row = self._row
        row.seen = seen if seen >= 0 else NEVER
        self.warp = warp

    @property
    def warp(self) -> tuple[int, int] | None:
        """Record: step and sum of the last idle time that the log has."""
        row = self._row
        return None if row.warp_step == NEVER else (row.warp_step, row.warp_ns)

    @warp.setter
    def warp(self, warp: tuple[int, int] | None) -> None:
        self._row.warp_step, self._row.warp_ns = (NEVER, 0) if warp is None else warp

    def expect(self, steps: array[int], keys: array[int], values: array[int] | None = None) -> None:
        """From now on these have to come, `MAX_MARKS` of them at most."""
        count = len(steps)
        if count > MAX_MARKS:
            raise ValueError(f"a row has room for {MAX_MARKS} marks, not for {count}")
        self._begin(lib.MARKS_PLAY, count)
        ffi.memmove(self._row.steps, steps, 8 * count)
        ffi.memmove(self._row.keys, keys, 8 * count)
        if values is not None:
            ffi.memmove(self._row.values, values, 8 * count)

    def _begin(self, mode: int, count: int) -> None:
        row = self._row
        row.mode, row.count, row.at, row.inputs = mode, count, 0, 0
        row.ahead_of = row.ahead = 0

    @property
    def at(self) -> int:
        """How many have been noted, or met."""
        return self._row.at  # type: ignore[no-any-return]

    @at.setter
    def at(self, count: int) -> None:
        self._row.at = count

    def take(self) -> tuple[array[int], array[int], array[int] | None]:
        """Those that have been noted; the row is empty afterwards."""
        row = self._row
        count, inputs, row.at, row.inputs = row.at, row.inputs, 0, 0
        values = _column(row.values, count) if inputs else None
        return _column(row.steps, count), _column(row.keys, count), values

    def note(self, step: int, kind: int, number: int) -> bool:
        """As a core does it: False if in play something else has to come, or there is no room."""
        return lib.mark_note(self._native, step, kind, number)  # type: ignore[no-any-return]

    def take_back(self) -> None:
        """What was noted last has not been taken."""
        lib.mark_take_back(self._native)

    @property
    def next_step(self) -> int | None:
        """Play: where the next one has to come, if the row has it."""
        step: int = lib.marks_next(self._native)
        return None if step == NEVER else step


def _column(data: Any, count: int) -> array[int]:
    column = array("q")
    column.frombytes(ffi.buffer(data, 8 * count))
    return column
