"""Columns of integers as bytes: small numbers, and numbers that grow evenly, cost little.

A *varint* is an unsigned integer in groups of 7 bits, lowest first, the high bit set in all bytes
but the last. *Zig-zag* maps signed to unsigned so that small magnitudes stay small. What goes
through many of them is native (`native/columns.c`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from ttd.recording._native import ffi, lib
from ttd.recording.errors import RecordingError

Pieces = list[tuple[int, bytes]]
"""Unsigned integers, each with some bytes."""
MAX_VARINT_BYTES: int = lib.COLUMN_NUMBER
_EXTRA: int = lib.COLUMN_EXTRA
_PROBLEMS = {
    lib.COLUMN_SHORT: "the data ends too early",
    lib.COLUMN_ENDLESS: "the data holds a number that does not end",
    lib.COLUMN_FORM: "the data has a column of an unknown form",
    lib.COLUMN_LARGE: "the recording is damaged: a number is too large",
    lib.COLUMN_STREAM: "the recording is damaged: a chunk names a missing stream",
    lib.COLUMN_ORDER: "the recording is damaged: its events are not in order",
    lib.COLUMN_MEMORY: "there is not enough memory for a column of numbers",
}


def put_varint(out: bytearray, value: int) -> None:
    """Append one unsigned integer."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def varint(value: int) -> bytes:
    """One unsigned integer as bytes."""
    out = bytearray()
    put_varint(out, value)
    return bytes(out)


def put_column(out: bytearray, values: list[int]) -> None:
    """Append unsigned integers; the reader must know how many."""
    if not values:
        return
    if max(values) <= 0x7F:
        out += bytes(values)
        return
    for value in values:
        put_varint(out, value)


def put_series(out: bytearray, values: Iterable[int]) -> None:
    """Append signed integers of 64 bits that tend to grow evenly; the reader must know how many.

    Written as second differences, which are zero for a steady rate, or as distances from the
    typical gap, which are smaller when the moments jitter; whichever is shorter.
    """
    column = array("q", values)
    count = len(column)
    buffer = ffi.new("uint8_t[]", MAX_VARINT_BYTES * count + _EXTRA)
    size = lib.series_put(buffer, ffi.from_buffer("int64_t[]", column), count)
    out += ffi.buffer(buffer, _checked(size))


def put_steps(out: bytearray, steps: array[int], ids: array[int], streams: int) -> None:
    """Append the stream of each event (`ids`, array of "H"), and of each stream its steps (array of
    "q"), a series."""
    count = len(ids)
    buffer = ffi.new("uint8_t[]", 2 * MAX_VARINT_BYTES * count + _EXTRA * streams)
    size = lib.steps_put(
        buffer,
        ffi.from_buffer("int64_t[]", steps),
        ffi.from_buffer("uint16_t[]", ids),
        count,
        streams,
    )
    out += ffi.buffer(buffer, _checked(size))


def _checked(size: int) -> int:
    if size < 0:
        raise RecordingError(_PROBLEMS[size])
    return size


class Reader:
    """Reads what the functions above wrote; anything wrong is a `RecordingError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        """True when every byte has been read."""
        return self._at == len(self._data)

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self._at

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if not self._at <= end <= len(self._data):
            raise RecordingError("the data ends too early")
        part = self._data[self._at : end]
        self._at = end
        return part

    def varint(self) -> int:
        """The next unsigned integer."""
        value = shift = 0
        for at in range(self._at, min(self._at + MAX_VARINT_BYTES, len(self._data))):
            byte = self._data[at]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._at = at + 1
                return value
            shift += 7
        raise RecordingError("the data holds a number that does not end")

    def pieces(self) -> Pieces:
        """All that is left: unsigned integers, each with bytes that follow their number."""
        data, begin, left = self._data, self._at, self.left
        raw = ffi.from_buffer("uint8_t[]", data) + begin
        count = _checked(lib.pieces_take(raw, left, ffi.NULL, ffi.NULL, ffi.NULL))
        columns = [ffi.new("int64_t[]", count + 1) for _ in range(3)]
        lib.pieces_take(raw, left, *columns)
        numbers, places, sizes = (column[0:count] for column in columns)
        self._at = len(data)
        return [
            (number, data[begin + place : begin + place + size])
            for number, place, size in zip(numbers, places, sizes, strict=True)
        ]

    def column(self, count: int) -> list[int]:
        """What `put_column` wrote."""
        self._check_room(count)
        part = self._data[self._at : self._at + count]
        if part.isascii():
            self._at += count
            return list(part)
        return [self.varint() for _ in range(count)]

    def series(self, count: int) -> array[int]:
        """What `put_series` wrote."""
        self._check_room(count)
        values = _numbers("q", count)
        self._skip(lib.series_take(self._rest(), self.left, _items("int64_t[]", values), count))
        return values

    def steps(self, count: int, streams: int) -> tuple[array[int], array[int], array[int]]:
        """What `put_steps` wrote: steps, streams, and how many events each stream has."""
        self._check_room(count)
        ids, counts, steps = _numbers("H", count), _numbers("I", streams), _numbers("q", count)
        of_events, of_streams = _items("uint16_t[]", ids), _items("uint32_t[]", counts)
        self._skip(lib.order_take(self._rest(), self.left, of_events, count, of_streams, streams))
        self._skip(
            lib.steps_take(
                self._rest(),
                self.left,
                _items("int64_t[]", steps),
                of_events,
                count,
                of_streams,
                streams,
            )
        )
        return steps, ids, counts

    def _check_room(self, count: int) -> None:
        """Of `count` numbers, each of a byte at least."""
        if not 0 <= count <= self.left:
            raise RecordingError("the data ends too early")

    def _rest(self) -> Any:
        return ffi.from_buffer("uint8_t[]", self._data) + self._at

    def _skip(self, size: int) -> None:
        self._at += _checked(size)


def _numbers(form: str, count: int) -> array[int]:
    return array(form, bytes(array(form).itemsize * count))


def _items(form: str, column: array[int]) -> Any:
    return ffi.from_buffer(form, column, require_writable=True)
