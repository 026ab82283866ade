"""Code that ran, and when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain, pairwise
from operator import or_
from typing import TYPE_CHECKING

from ttd.index.ranges import Ranges
from ttd.recording.errors import RecordingError
from ttd.recording.varint import Reader, put_column, put_series, put_varint
from ttd.values import dataclass

if TYPE_CHECKING:
    from ttd.engine.types import Reached

TICKS = 16
"""Of an interval, at most, as the engine has them: who only reads an index needs none."""
TIMELESS = 63
"""Ticks of 2 ** 63 steps: it is not known when."""
_BITS = 64


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ranges of addresses below 2 ** 64 that ascend and do not overlap, each with a mask of ticks,
    from the first to the last one in which it ran. Bit i is the tick of steps from
    (`first` + i) << `shift` to before (`first` + i + 1) << `shift`. Of `TIMELESS` ones there is
    but one."""

    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    masks: tuple[int, ...] = ()
    first: int = 0
    shift: int = TIMELESS

    @staticmethod
    def of(reached: Reached) -> Ticks:
        """What an engine says."""
        begins, ends, masks, first, shift = reached
        return Ticks(tuple(begins), tuple(ends), tuple(masks), first, shift)

    @staticmethod
    def timeless(ranges: Ranges) -> Ticks:
        """Of which it is not known when they ran."""
        return Ticks(ranges.begins, ranges.ends, (1,) * len(ranges.begins))

    @property
    def ranges(self) -> Ranges:
        """All that ran."""
        return Ranges.of(zip(self.begins, self.ends, strict=True))

    def meets(self, begin: int, end: int) -> bool:
        """Whether something at [begin, end) ran."""
        at = bisect_left(self.begins, end)
        return at > 0 and self.ends[at - 1] > begin

    def latest(self, begin: int, end: int, low: int, high: int) -> tuple[int, int] | None:
        """The last tick with steps in [low, high) in which something at [begin, end) may have run,
        as steps, which may be others than these too; None if there is none."""
        found = slice(bisect_right(self.ends, begin), bisect_left(self.begins, end))
        mask = reduce(or_, self.masks[found], 0)
        mask &= (1 << max(0, ((high - 1) >> self.shift) - self.first + 1)) - 1
        tick = self.first + mask.bit_length() - 1
        if not mask or tick < low >> self.shift:
            return None
        return tick << self.shift, (tick + 1) << self.shift

    def joined(self, other: Ticks) -> Ticks:
        """With what ran in another part of the same interval."""
        if not self.begins or not other.begins:
            return self if self.begins else other
        shift = max(self.shift, other.shift)
        while True:
            one, two = self._folded(shift), other._folded(shift)
            first = min(one.first, two.first)
            if max(one._last, two._last) - first < TICKS:
                break
            shift += 1
        return _painted([*one._from(first), *two._from(first)], first, shift)

    def coarser(self, shift: int) -> Ticks:
        """The same in ticks of at least 2 ** `shift` steps."""
        found = self._folded(shift)
        return _painted([*found._from(found.first)], found.first, found.shift)

    @property
    def _last(self) -> int:
        """The last tick there can be."""
        return self.first + max(self.masks, default=1).bit_length() - 1

    def _folded(self, shift: int) -> Ticks:
        """With longer ticks, by the same ranges."""
        found = self
        while found.shift < shift:
            odd = found.first & 1
            masks = tuple(_folded(mask << odd) for mask in found.masks)
            found = Ticks(found.begins, found.ends, masks, found.first >> 1, found.shift + 1)
        return found

    def _from(self, first: int) -> Iterator[tuple[int, int, int]]:
        """Ranges with masks whose lowest bit is tick `first`."""
        for begin, end, mask in zip(self.begins, self.ends, self.masks, strict=True):
            yield begin, end, mask << (self.first - first)

    def pack(self) -> bytes:
        """As bytes, for a row: all that ran, which is much alike in all rows, and then what did not
        run in the ticks in which most of it did."""
        usual, _ = next(iter(Counter(self.masks).most_common(1)), (1, 0))
        other = [at for at, mask in enumerate(self.masks) if mask != usual]
        out, whole = bytearray(), self.ranges.pack()
        put_varint(out, len(whole))
        out += whole
        for number in (self.first, self.shift, _ends(usual), len(other)):
            put_varint(out, number)
        put_series(out, [_signed(self.begins[at]) for at in other])
        put_series(out, [self.ends[at] - self.begins[at] for at in other])
        put_column(out, [_ends(self.masks[at]) for at in other])
        return bytes(out)

    @staticmethod
    def unpack(data: bytes) -> Ticks:
        """Inverse of `pack`; `RecordingError` if it cannot be."""
        reader = Reader(data)
        whole = Ranges.unpack(reader.bytes(reader.varint()))
        first, shift, usual, count = (reader.varint() for _ in range(4))
        begins = [_unsigned(value) for value in reader.series(count)]
        ends = [a + size for a, size in zip(begins, reader.series(count), strict=True)]
        kinds = reader.column(count)
        if (
            not reader.done
            or not first < 1 << _BITS
            or shift > TIMELESS
            or any(kind >= _BITS**2 or kind // _BITS > kind % _BITS for kind in (usual, *kinds))
        ):
            raise _damaged()
        # What is unusual lies within all that ran; around it all is as usual.
        spans, unusual = list[tuple[int, int, int]](), deque(zip(begins, ends, kinds, strict=True))
        for low, high in whole:
            at = low
            while unusual and unusual[0][0] < high:
                begin, end, kind = unusual.popleft()
                if not at <= begin < end <= high:
                    raise _damaged()
                spans += [(at, begin, _mask(usual))] if at < begin else []
                spans.append((begin, end, _mask(kind)))
                at = end
            spans += [(at, high, _mask(usual))] if at < high else []
        if unusual:
            raise _damaged()
        return _listed(spans, first, shift)


def _painted(spans: Sequence[tuple[int, int, int]], first: int, shift: int) -> Ticks:
    """Of ranges that may overlap."""
    edges = sorted(set(chain.from_iterable((begin, end) for begin, end, _ in spans)))
    masks = [0] * len(edges)
    for begin, end, mask in spans:
        for at in range(bisect_left(edges, begin), bisect_left(edges, end)):
            masks[at] |= mask
    found = list[tuple[int, int, int]]()
    for (begin, end), some in zip(pairwise(edges), masks, strict=False):
        mask = _mask(_ends(some)) if some else 0
        if mask and found and found[-1][1:] == (begin, mask):
            found[-1] = found[-1][0], end, mask
        elif mask:
            found.append((begin, end, mask))
    return _listed(found, first, shift)


def _listed(spans: Sequence[tuple[int, int, int]], first: int, shift: int) -> Ticks:
    begins, ends, masks = zip(*spans, strict=True) if spans else ((), (), ())
    return Ticks(begins, ends, masks, first, shift)


def _damaged() -> RecordingError:
    return RecordingError("the recording is damaged: what ran when is not said")


def _ends(mask: int) -> int:
    """The lowest and the highest bit, as one number."""
    return _BITS * ((mask & -mask).bit_length() - 1) + mask.bit_length() - 1


def _mask(ends: int) -> int:
    """All bits between two."""
    low, high = divmod(ends, _BITS)
    return (2 << high) - (1 << low)


def _folded(mask: int) -> int:
    """Each two bits as one."""
    found = 0
    for bit in range(0, mask.bit_length(), 2):
        if mask >> bit & 3:
            found |= 1 << bit // 2
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _unsigned(value: int) -> int:
    return value & (1 << 64) - 1
