"""An engine's pages: which were touched, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ttd.engine._native import ffi, lib
from ttd.engine.built import MAX_SEEN
from ttd.engine.memory import Memory
from ttd.engine.port import EngineError
from ttd.engine.types import FRAME, TIMELESS, Access, Reached

WORD = 4
"""Bytes of a word (words.c)."""
TICKS: int = lib.TTD_TICKS
"""Parts into which an interval is cut, at most, to say when something was."""
_FLAGS: dict[Access, int] = {
    Access.READ: lib.PAGE_READ,
    Access.WRITE: lib.PAGE_DIRTY,
    Access.FETCH: lib.PAGE_EXEC,
}
"""What a page that was accessed is marked with."""


class Pages(Memory):
    """Page sets of an interval, and frames."""

    def find_page(self, address: int) -> int | None:
        """As `page_number`; None where there is no RAM, aliases included."""
        try:
            return self.page_number(address)
        except EngineError:
            return None

    def regions(self) -> list[tuple[int, int]]:
        """(base, size) of each RAM, in page order."""
        return [(base, size) for base, size, *_ in self._regions]

    def pages_touched(self, kind: Access) -> list[int]:
        """Pages read, written or fetched from since `new_interval`; may name some too many."""
        return self._collect(_FLAGS[kind], 0)

    def _collect(self, mask: int, shift: int) -> list[int]:
        count = lib.ttd_collect(self._native, mask, shift, self._collected, self.pages)
        return ffi.unpack(self._collected, count)  # type: ignore[no-any-return]

    @property
    def moves_addresses(self) -> bool:
        """True where page tables may put any memory at any address."""
        return self.isa.moves_addresses

    def addresses_touched(self, kind: Access) -> list[int] | None:
        """Where `moves_addresses`: as `pages_touched`, but page numbers of the addresses that the
        guest used (address // page size); None if they were too many."""
        count = lib.ttd_seen(self._native, kind, self._seen, MAX_SEEN)
        return None if count < 0 else ffi.unpack(self._seen, count)

    def code_reached(self) -> Reached | None:
        """Where instructions were reached since `new_interval`, by the addresses that the guest
        used. None if they were too many."""
        count = lib.ttd_ran(self._native, self._ran, self._step_out, self._shift_out)
        if count < 0:
            return None
        found = ffi.unpack(self._ran, 3 * count) if count else []
        return Reached(found[::3], found[1::3], found[2::3], self._step_out[0], self._shift_out[0])

    def note_when(self, steps: int | None) -> None:
        """From the next interval on, `code_reached` says when; None: it does not.

        In at most `TICKS` ticks of 16 steps or more, which are as short as can be in an interval
        of at least half as many steps as are said here.
        """
        shift = TIMELESS if steps is None else max(0, (steps // TICKS).bit_length() - 1)
        lib.ttd_set_ticks(self._native, shift)

    @property
    def knows_words(self) -> bool:
        """Whether `note_words` can."""
        return bool(lib.ttd_knows_words(self._native))

    def note_words(self, on: bool) -> None:
        """Note from now on which words of `WORD` bytes are written."""
        if not lib.ttd_note_words(self._native, on):
            raise EngineError("there is not enough memory for words, or they cannot be known here")

    def words_written(self) -> tuple[list[int], list[int]] | None:
        """Which were since, maybe some too many: begins and ends of ranges of their numbers in
        the order of the pages, ascending, not touching."""
        count = lib.ttd_words(self._native, self._ran)
        found = ffi.unpack(self._ran, 2 * count) if count > 0 else []
        return None if count < 0 else (found[::2], found[1::2])

    @property
    def words_moved(self) -> bool:
        """Whether page tables were set up meanwhile: addresses need not be those of the memory."""
        return bool(lib.ttd_words_moved(self._native))

    def new_interval(self) -> None:
        """Forget which pages were touched, and what was executed."""
        lib.ttd_new_interval(self._native)

    @property
    def frames(self) -> int:
        """How many frames RAM has."""
        return self.pages >> self._frame_shift

    def frames_written(self) -> list[int]:
        """As `pages_touched` of writes, but numbers of frames."""
        return self._collect(lib.PAGE_DIRTY, self._frame_shift)

    def frames_data(self, frames: Sequence[int]) -> list[bytes]:
        """Contents of frames, whose numbers ascend; zeros where their RAM ends earlier."""
        found, at = [], 0
        for *_, buffer, _, _, first_page in self._regions:
            first = first_page >> self._frame_shift
            end = first + len(buffer) // FRAME
            while at < len(frames) and frames[at] < end:
                where = (frames[at] - first) * FRAME
                found.append(buffer[where : where + FRAME])
                at += 1
        return found

    def restore_frames(self, frames: Iterable[tuple[int, bytes]]) -> None:
        """Give frames their contents; code translated from them is dropped where it changes.

        The caller follows up with `new_interval`. `EngineError` for one that is not of `FRAME`
        bytes.
        """
        count = 1 << self._frame_shift
        for frame, data in frames:
            if len(data) != FRAME:
                raise EngineError(f"a frame of {len(data)} bytes")
            lib.ttd_restore(self._native, frame << self._frame_shift, count, data)
