"""What stops an engine's run, or is noted by a scan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.pages import Pages
from ttd.engine.types import NEVER, Access, Collected, Wanted, WatchHit


class Stops(Pages):
    """Breakpoints, watchpoints, bounds."""

    def set_breakpoints(self, addresses: Sequence[int]) -> None:
        """Stop before the instructions at these addresses."""
        where = ffi.new("uint64_t[]", list(addresses))
        lib.ttd_set_breakpoints(self._native, where, len(addresses))

    def set_watchpoints(self, watches: Sequence[tuple[int, int, int, bool]]) -> None:
        """Stop before accesses to (address, length, `Access` mask, changes only).

        Accesses that no instruction makes are found too, when they have happened: `take_late_hit`.
        """
        self.watches = watches
        lib.ttd_set_watchpoints(
            self._native,
            ffi.new("uint64_t[]", [w[0] for w in watches]),
            ffi.new("uint64_t[]", [min(w[0] + w[1] - 1, NEVER) for w in watches]),
            ffi.new("int[]", [int(w[2]) for w in watches]),
            ffi.new("int[]", [int(w[3]) for w in watches]),
            len(watches),
        )

    def take_late_hit(self) -> WatchHit | None:
        """The first watched access since the last call that no instruction made."""
        if not lib.ttd_take_late(self._native):
            return None
        lib.ttd_watch_hit(self._native, self._hits)
        return replace(self._hit(self._hits), late=True)

    def collect(self, wanted: Wanted | None, most: int = 0) -> None:
        """From now on nothing stops, and what is wanted is noted: all of it, as long as that is not
        more than `most`, and then the latest. None: that ends; `collected` has it still."""
        lib.ttd_compare_end(self._native)
        code = () if wanted is None else wanted.executed
        memory = () if wanted is None else wanted.accessed
        flag = lib.WATCH_PHYSICAL if wanted is not None and wanted.physical else 0
        lows, highs = [low for low, _ in code], [min(high, NEVER) for _, high in code]
        lib.ttd_set_traced(
            self._native, ffi.new("uint64_t[]", lows), ffi.new("uint64_t[]", highs), len(code)
        )
        self.watches = [(low, high - low, kinds, only) for low, high, kinds, only in memory]
        lib.ttd_set_watchpoints(
            self._native,
            ffi.new("uint64_t[]", [low for low, *_ in memory]),
            ffi.new("uint64_t[]", [min(high - 1, NEVER) for _, high, *_ in memory]),
            ffi.new("int[]", [int(kinds) | flag for *_, kinds, _ in memory]),
            ffi.new("int[]", [int(only) for *_, only in memory]),
            len(memory),
        )
        lib.ttd_note_handlers(self._native, wanted is not None and wanted.handlers)
        lib.ttd_set_scan(self._native, wanted is not None, most)
        sought = b"" if wanted is None else wanted.sought
        if not lib.ttd_seek(self._native, sought, len(sought)):
            raise MemoryError
        compared = None if wanted is None else wanted.compared
        if compared is not None and not lib.ttd_compare(self._native, *compared):
            raise ValueError("this processor's registers cannot be compared natively")

    @contextmanager
    def collecting(self, wanted: Wanted, most: int) -> Iterator[None]:
        """Meanwhile; `collected` has it then."""
        self.collect(wanted, most)
        try:
            yield
        finally:
            self.collect(None)

    @property
    def noted(self) -> int:
        """How many hits there are by now."""
        return lib.ttd_noted(self._native)  # type: ignore[no-any-return]

    def collected(self) -> Collected:
        """What has been noted since `collect`."""
        (breaks, _, first), (watches, _, second) = self._noted(False), self._noted(True)
        return Collected(
            bytes(ffi.buffer(breaks)), bytes(ffi.buffer(watches)), max(first, second), self.makers
        )

    @property
    def makers(self) -> tuple[str, ...]:
        """Who makes accesses, by the numbers in hits; the first one is the instruction."""
        return tuple(self._makers)

    def _noted(self, watches: bool) -> tuple[Any, int, int]:
        complete_from = self._step_out
        count = lib.ttd_hits(self._native, watches, ffi.NULL, complete_from)
        raw = ffi.new("ttd_hit[]", count)
        lib.ttd_hits(self._native, watches, raw, complete_from)
        return raw, count, complete_from[0]

    def trace(self, on: bool) -> None:
        """While on, it is noted what runs, and when it did last. `MemoryError`."""
        if not lib.ttd_set_trace(self._native, on):
            raise MemoryError

    def traced(self) -> tuple[memoryview, int]:
        """What ran between `trace(True)` and `trace(False)`, five numbers each, in one row: the
        step in which it ran last, PC, its physical address, how many instructions, and how many
        times; and the step from which on none is missing, with code that is in memory now.

        No instructions: it is when an exception returned last. `NEVER`: the last block has
        changed code.
        """
        begin = self._step_out
        count = lib.ttd_traced(self._native, ffi.NULL, begin)
        raw = ffi.new("ttd_block_run[]", count)
        lib.ttd_traced(self._native, raw, begin)
        return memoryview(ffi.buffer(raw)).cast("B").cast("Q"), begin[0]

    def stay_within(self, bounds: tuple[int, int] | None) -> None:
        """Stop before an instruction outside [first, end); None: anywhere is inside."""
        self._bounds = bounds
        lib.ttd_set_range(self._native, *(bounds or (0, 0)))

    @property
    def out_of_bounds(self) -> bool:
        """PC is not where `stay_within` said."""
        return self._bounds is not None and not self._bounds[0] <= self.pc < self._bounds[1]

    def pass_over(self, access: WatchHit) -> None:
        """Go on after this access; the next one of its step stops as others do. That is so until
        `skip_stops_at` is told of no step."""
        hit = ffi.new("ttd_hit *")
        hit.step, hit.address, hit.size = access.step, access.address, access.size
        hit.id = -1 if access.seen_by is None else access.seen_by
        hit.kind, hit.value, hit.by = access.kind, access.value, self._makers.index(access.by)
        lib.ttd_pass_over(self._native, hit)

    def skip_stops_at(self, step: int | None, *, watchpoints: bool = True) -> None:
        """Do not stop at a breakpoint that hits at this very step, nor at a watchpoint, if
        `watchpoints`."""
        at = NEVER if step is None else step
        lib.ttd_skip_stops_at(self._native, at, at if watchpoints else NEVER)

    def _hit(self, hit: Any) -> WatchHit:
        by = self._makers[hit.by]
        seen_by = hit.id if hit.by and hit.id >= 0 else None
        where = hit.step, hit.pc, hit.address, hit.size
        return WatchHit(*where, Access(hit.kind), hit.value, by, seen_by=seen_by)
