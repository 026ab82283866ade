"""Columns of integers as bytes: small numbers, and numbers that grow evenly, cost little.

A *varint* is an unsigned integer in groups of 7 bits, lowest first, the high bit set in all bytes
but the last. *Zig-zag* maps signed to unsigned so that small magnitudes stay small.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from ttd.recording.errors import RecordingError

MAX_VARINT_BYTES = 10
_SECOND_DIFFERENCES = 0
_FROM_TYPICAL_GAP = 1


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


def zigzag(value: int) -> int:
    """Signed to unsigned: 0, -1, 1, -2, ... become 0, 1, 2, 3, ..."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    """Inverse of `zigzag`."""
    return -((value + 1) >> 1) if value & 1 else value >> 1


def put_column(out: bytearray, values: list[int]) -> None:
    """Append unsigned integers; the reader must know how many."""
    if not values:
        return
    if max(values) <= 0x7F:
        out += bytes(values)
        return
    for value in values:
        put_varint(out, value)


def put_series(out: bytearray, values: list[int]) -> None:
    """Append signed integers that tend to grow evenly; the reader must know how many.

    Written as second differences, which are zero for a steady rate, or as distances from the
    typical gap, which are smaller when the moments jitter; whichever is shorter.
    """
    if not values:
        return
    put_varint(out, zigzag(values[0]))
    gaps = [b - a for a, b in pairwise(values)]
    if not gaps:
        return
    second = bytearray((_SECOND_DIFFERENCES,))
    put_varint(second, zigzag(gaps[0]))
    put_column(second, [zigzag(b - a) for a, b in pairwise(gaps)])
    if len(second) > len(values) + MAX_VARINT_BYTES:
        typical = sorted(gaps)[len(gaps) // 2]
        other = bytearray((_FROM_TYPICAL_GAP,))
        put_varint(other, zigzag(typical))
        put_column(other, [zigzag(gap - typical) for gap in gaps])
        second = min(second, other, key=len)
    out += second


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

    def column(self, count: int) -> list[int]:
        """What `put_column` wrote."""
        if not 0 <= count <= len(self._data) - self._at:
            raise RecordingError("the data ends too early")
        part = self._data[self._at : self._at + count]
        if part.isascii():
            self._at += count
            return list(part)
        return [self.varint() for _ in range(count)]

    def series(self, count: int) -> list[int]:
        """What `put_series` wrote."""
        if count == 0:
            return []
        first = unzigzag(self.varint())
        if count == 1:
            return [first]
        how = self.bytes(1)[0]
        if how == _SECOND_DIFFERENCES:
            first_gap = unzigzag(self.varint())
            gaps = list(accumulate(map(unzigzag, self.column(count - 2)), initial=first_gap))
        elif how == _FROM_TYPICAL_GAP:
            typical = unzigzag(self.varint())
            gaps = [typical + unzigzag(value) for value in self.column(count - 1)]
        else:
            raise RecordingError("the data has a column of an unknown form")
        return list(accumulate(gaps, initial=first))
