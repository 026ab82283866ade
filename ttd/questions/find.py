"""`find`: when bytes first appeared in memory."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.history.pages import Page, PageTable
from ttd.questions.frames import Frames
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import rows
from ttd.search import Range, What
from ttd.search import Row as Made
from ttd.text import as_bytes, number, shown
from ttd.values import dataclass

_MOST = 256
"""Bytes that are looked for."""
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
    """Where the bytes are at the beginning, and then each place where they appear for the first
    time, in order.

    A number is looked for as `size` bytes, which are 4 or 8 unless said otherwise; other words are
    text, `hex:` is followed by bytes. Every write of memory is looked at, so what is overwritten
    at once is found, too; what comes again where it has been is not told again.
    """
    search = _Search(past, _bytes(text, size))
    with past.staying():
        past.go(stretch.begin)
        there = search.places(past.snapshots.capture().table)
    found = [search.row(stretch.begin, address) for address in sorted(there)]
    regions = past.machine.engine.regions()
    ranges = tuple(Range(base, base + length) for base, length in regions)
    asked = rows(past, stretch, What.FOUND, ranges=ranges, physical=True, data=search.wanted)
    if stretch.limit is None or len(found) < stretch.limit:
        for row in asked:
            if row.address in there:
                continue
            there.add(row.address)
            found.append(search.row(row.step, row.address, row))
            if len(found) == stretch.limit:
                break
    return stretch.chosen(found)


class _Search:
    """Bytes that are looked for."""

    def __init__(self, past: Past, wanted: bytes) -> None:
        self._past = past
        self.wanted = wanted
        self._frames = Frames(past.machine.engine)

    def places(self, now: PageTable) -> set[int]:
        """Addresses at which they are."""
        wanted, beside = self.wanted, len(self.wanted) - 1
        found = set()
        empty: Page | None = None
        for page, address, length in self._frames.located(range(self._frames.count)):
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

    def row(self, step: int, address: int, made: Made | None = None) -> Found:
        past = self._past
        where = "" if made is None or made.pc is None else past.code(made.pc)
        by = "" if made is None else past.maker(made.by, made.step)
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
        found = as_bytes(text)
    if not 0 < len(found) <= _MOST:
        raise UserError(f"What is looked for has 1 to {_MOST} bytes.")
    if not any(found):
        raise UserError("Zeros are everywhere: say what else is beside them.")
    return found
