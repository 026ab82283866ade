"""`find`: when bytes first appeared in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from ttd.errors import UserError
from ttd.history.pages import Page, PageTable
from ttd.questions.frames import Frames
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import put, rows
from ttd.recording.errors import RecordingError
from ttd.replay.errors import Divergence
from ttd.search import Range, What
from ttd.search import Row as Made
from ttd.text import number, shown
from ttd.values import dataclass

_MOST = 256
"""Bytes that are looked for."""
_TOGETHER = 32
"""Addresses that are watched at once."""
_HEX = "hex:"


@dataclass(frozen=True, slots=True)
class Found(Row):
    """The step at `place` has completed the bytes; of those that are there at the beginning, they
    are there already."""

    address: Hex
    """Physical."""
    name: str
    """What is there: a variable."""
    where: str
    """The instruction that wrote the last of them; empty if they were there."""
    by: str
    """Who did, if no instruction."""

    @property
    def text(self) -> str:
        name = "" if self.name == str(self.address) else f" ({self.name})"
        made = f"  {self.where}" + (f" by {self.by}" if self.by else "") if self.where else ""
        return f"{self.address}{name}{made}"


def find(past: Past, stretch: Stretch, text: str, *, size: int | None = None) -> list[Found]:
    """Where the bytes are at the beginning, and then each place where they appear, in order.

    A number is looked for as `size` bytes, which are 4 or 8 unless said otherwise; other words are
    text, `hex:` is followed by bytes. Memory is compared where the recording has snapshots, and at
    the end: what has come and gone again between two of them is not seen.
    """
    search = _Search(past, _bytes(text, size))
    with past.staying():
        past.go(stretch.end)
        end = past.snapshots.capture().table
        past.go(stretch.begin)
        table = past.snapshots.capture().table
    there = search.places(None, table)
    found = [search.row(stretch.begin, address) for address in sorted(there)]
    low = stretch.begin
    for high, following in (*_stored(past, stretch), (stretch.end, end)):
        if not stretch.backward and stretch.limit is not None and len(found) >= stretch.limit:
            break
        # What is there at both ends may have been away, which is no first time.
        new = search.places(table, following) - there
        found += search.made(low, high, table, sorted(new))
        there = {address for address in there if search.holds(following, address)} | new
        low, table = high, following
        past.report((high - stretch.begin) / max(1, stretch.end - stretch.begin))
    return stretch.chosen(found)


def _stored(past: Past, stretch: Stretch) -> Iterator[tuple[int, PageTable]]:
    """Where there are snapshots within, and what memory held there; a damaged one is left out."""
    snapshots = past.snapshots
    for at, step in enumerate(snapshots.recording.snapshots.steps):
        if stretch.begin < step < stretch.end:
            with suppress(RecordingError, Divergence):
                yield step, snapshots.stored_table(at)


class _Search:
    """Bytes that are looked for."""

    def __init__(self, past: Past, wanted: bytes) -> None:
        self._past = past
        self._wanted = wanted
        self._frames = Frames(past.machine.engine)

    def places(self, before: PageTable | None, now: PageTable) -> set[int]:
        """Addresses at which they are, in what is not as it was in `before`."""
        pages = range(self._frames.count) if before is None else before.differing(now)
        wanted, beside = self._wanted, len(self._wanted) - 1
        found = set()
        empty: Page | None = None
        for page, address, length in self._frames.located(pages):
            if now[page] is empty:
                continue
            data = now[page].data
            if not any(data):
                empty = now[page]
                continue
            left = self._frames.read(now, address - beside, beside)
            right = self._frames.read(now, address + length, beside)
            around = left + data[:length] + right
            at = around.find(wanted)
            while at >= 0:
                found.add(address - len(left) + at)
                at = around.find(wanted, at + 1)
        return found

    def holds(self, table: PageTable, address: int) -> bool:
        return self._frames.read(table, address, len(self._wanted)) == self._wanted

    def made(self, low: int, high: int, table: PageTable, places: Sequence[int]) -> list[Found]:
        """When they first came to be at each of some addresses, between two steps."""
        size = len(self._wanted)
        found = []
        for first in range(0, len(places), _TOGETHER):
            now = {
                address: bytearray(self._frames.read(table, address, size))
                for address in places[first : first + _TOGETHER]
            }
            ranges = tuple(Range(address, address + size) for address in now)
            part = self._past.stretch(low, high)
            asked = rows(self._past, part, What.WRITTEN, ranges=ranges, physical=True)
            for row in asked:
                for address in [
                    a for a in now if a < row.address + row.size and row.address < a + size
                ]:
                    put(now[address], row.address - address, row)
                    if now[address] == self._wanted:
                        found.append(self.row(row.step, address, row))
                        del now[address]
                if not now:
                    break
        return sorted(found, key=lambda row: row.place.step)

    def row(self, step: int, address: int, made: Made | None = None) -> Found:
        past = self._past
        where = "" if made is None or made.pc is None else past.code(made.pc)
        by = "" if made is None else made.by
        return Found(past.place(step), Hex(address), past.data(address), where, by)


def _bytes(text: str, size: int | None) -> bytes:
    """What is looked for."""
    try:
        if text.startswith(_HEX):
            found = bytes.fromhex(text.removeprefix(_HEX))
        else:
            value = number(text)
            found = value.to_bytes(size or (4 if value < 1 << 32 else 8), "little")
    except OverflowError:
        raise UserError(f"{text} does not fit into {size} bytes.") from None
    except ValueError:
        if text.startswith(_HEX):
            raise UserError(
                f"{_HEX} is followed by hexadecimal digits, not {shown(text)}."
            ) from None
        found = text.encode()
    if not 0 < len(found) <= _MOST:
        raise UserError(f"What is looked for has 1 to {_MOST} bytes.")
    if not any(found):
        raise UserError("Zeros are everywhere: say what else is beside them.")
    return found
