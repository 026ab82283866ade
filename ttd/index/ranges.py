"""Sets of addresses as ranges."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from operator import sub

from ttd.recording.errors import RecordingError
from ttd.recording.varint import Reader, put_series, put_varint
from ttd.values import dataclass

Range = tuple[int, int]
"""Begin, and the address behind the end."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Addresses below 2 ** 64, by ranges that ascend and do not touch."""

    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @staticmethod
    def of(ranges: Iterable[Range]) -> Ranges:
        """All addresses of any ranges."""
        begins: list[int] = []
        ends: list[int] = []
        for begin, end in sorted(ranges):
            if begin >= end:
                continue
            if ends and begin <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                begins.append(begin)
                ends.append(end)
        return Ranges(tuple(begins), tuple(ends))

    def __iter__(self) -> Iterator[Range]:
        return zip(self.begins, self.ends, strict=True)

    def meets(self, begin: int, end: int) -> bool:
        """Whether one of [begin, end) is among them."""
        at = bisect_left(self.begins, end)
        return at > 0 and self.ends[at - 1] > begin

    def pack(self) -> bytes:
        """As bytes, for a row."""
        out = bytearray()
        put_varint(out, len(self.begins))
        high = bool(self.begins) and self.begins[-1] >> 63
        put_series(out, map(_signed, self.begins) if high else self.begins)
        put_series(out, map(sub, self.ends, self.begins))
        return bytes(out)

    @staticmethod
    def unpack(data: bytes) -> Ranges:
        """Inverse of `pack`; `RecordingError` if it cannot be."""
        reader = Reader(data)
        count = reader.varint()
        begins = [_unsigned(value) for value in reader.series(count)]
        sizes = reader.series(count)
        ends = [begin + size for begin, size in zip(begins, sizes, strict=True)]
        edges = list(chain.from_iterable(zip(begins, ends, strict=True)))
        if not reader.done or any(a >= b for a, b in pairwise(edges)):
            raise RecordingError("the recording is damaged: ranges of addresses are none")
        return Ranges(tuple(begins), tuple(ends))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _unsigned(value: int) -> int:
    return value & (1 << 64) - 1
