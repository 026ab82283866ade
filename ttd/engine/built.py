"""An engine as it is built: Unicorn, the native half, memory and devices."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.binding import library_of
from ttd.engine.isa import Isa
from ttd.engine.mark_row import MarkRow
from ttd.engine.port import EngineError, Port, ReadCallback, WriteCallback, no_read
from ttd.engine.registers import RegisterFile
from ttd.engine.stuck import ExceptionLoop
from ttd.engine.types import FRAME

WINDOW_PAGES = 65536
MAX_SEEN: int = lib.TTD_MAX_SEEN
_OPEN = (1 << 64) - 1
"""What the exclusive monitor has in place of an address while it is open."""
SMALL = 4096
"""Bytes read at a time for which a buffer is kept."""


class Built:
    """The native half, and the memory that is put into it."""

    def __init__(self, isa: Isa) -> None:
        self.isa = isa
        self.page_size = isa.page_size
        self.pages = 0
        self._port = Port()
        self._handle = ffi.new_handle(self._port)
        self._native = ffi.gc(
            lib.ttd_new(
                str(library_of("unicorn")).encode(),
                isa.uc_arch,
                isa.uc_mode,
                isa.uc_model,
                isa.instructions.encode(),
                isa.page_size,
                isa.window_base,
                WINDOW_PAGES,
                self._handle,
            ),
            lib.ttd_free,
        )
        self._port.native = self._native
        self._now = lib.ttd_now(self._native)
        self.time = lib.ttd_time_of(self._native)
        """Virtual time and waiting, shared with the native side: the fields of `ttd_time`."""
        self._raise_problem()
        self._regions: list[tuple[int, int, Any, Any, int, int]] = []
        """Base, size, memory, pointer to it, kind, number of the first page."""
        self._frame_shift = (FRAME // isa.page_size).bit_length() - 1
        self._stop = ffi.new("ttd_stop *")
        self._wide = ffi.new("uint64_t[2]")
        self._hits = ffi.new("ttd_hit *")
        self._step_out = ffi.new("uint64_t *")
        self._shift_out = ffi.new("int *")
        self._arrays: dict[tuple[int, ...], tuple[Any, Any, int]] = {}
        self._small = ffi.new("uint8_t[]", SMALL)
        self._makers = ["", "page walk"]
        """Who makes accesses, by the numbers that the native side knows them by."""
        self._numbers = {name: number for number, name in enumerate(self._makers)}
        self._bounds: tuple[int, int] | None = None
        self.watches: Sequence[tuple[int, int, int, bool]] = ()
        """The watchpoints, as `set_watchpoints` takes them."""

    def _raise_problem(self) -> None:
        problem = lib.ttd_problem(self._native)
        if problem != ffi.NULL:
            raise EngineError(ffi.string(problem).decode())

    def map_ram(
        self, base: int, size: int, *, writable: bool = True, on_store: WriteCallback | None = None
    ) -> None:
        """Put zeroed memory at `base`; with `writable=False` the guest cannot store to it.

        With `on_store` the guest's stores change nothing by themselves: they go there, as those
        to a device do.
        """
        frames = -(-size // FRAME)
        buffer = mmap.mmap(-1, frames * FRAME)
        pointer = ffi.from_buffer("uint8_t[]", buffer)
        kind = lib.REGION_RAM if writable else lib.REGION_ROM
        if on_store is not None:
            kind = lib.REGION_FLASH
            self._port.windows.append((base, base + size, no_read, on_store))
        self._add(kind, base, size, pointer, base, self.pages)
        self._regions.append((base, size, buffer, pointer, kind, self.pages))
        self.pages += frames << self._frame_shift

    def map_alias(self, base: int, size: int, target: int) -> None:
        """Make `size` bytes at `base` the same memory as at `target`."""
        for start, length, _, pointer, kind, _ in self._regions:
            if start <= target and target + size <= start + length:
                first = self.page_number(target)
                self._add(kind, base, size, pointer + (target - start), target, first)
                return
        raise EngineError(f"an alias at {base:#x} is of memory that is not there ({target:#x})")

    def map_bit_band(self, base: int, size: int, target: int) -> None:
        """Make each word at `base` one bit of what is at `target`, memory or devices."""
        self._add(lib.REGION_BAND, base, size, ffi.NULL, target, 0)

    def map_mmio(
        self,
        base: int,
        size: int,
        read: ReadCallback,
        write: WriteCallback,
        *,
        alone: bool = False,
        registers: RegisterFile | None = None,
    ) -> None:
        """Hand accesses to [base, base + size) to the callbacks; in them `step` is exact.

        `alone`: what is read there changes with time and with accesses there only (for
        `keep_reading`). `registers`: who is asked first, without a callback.
        """
        self._add(2, base, size, ffi.NULL, base, 0)
        self._port.windows.append((base, base + size, read, write))
        if alone:
            lib.ttd_set_alone(self._native, base)
        if registers is not None:
            self._port.files[registers.native] = registers
            if not lib.ttd_attach_registers(self._native, base, size, registers.native):
                raise EngineError(f"too many devices: the one at {base:#x} has no room")

    def _add(self, kind: int, base: int, size: int, host: Any, canonical: int, page: int) -> None:
        if lib.ttd_add_region(self._native, kind, base, size, host, canonical, page):
            raise EngineError(f"memory at {base:#x} (size {size:#x}) cannot be mapped")

    def start(self) -> None:
        """End of building; the engine is now ready to run."""
        state, wide = self.isa.state, self.isa.wide
        self._monitor = [_OPEN, 0, 0][: lib.ttd_monitor_words(self._native)]
        count = len(state) + 2 * len(wide) + len(self._monitor)
        self._state = ffi.new("uint64_t[]", count)
        name = self.isa.disassembler
        if name and lib.ttd_use_disassembler(self._native, str(library_of(name)).encode()):
            raise EngineError(f"{name}'s library does not load")
        ids = ffi.new("int[]", [*state, *wide])
        if lib.ttd_start(self._native, ids, len(ids), len(wide)):
            raise EngineError("Unicorn cannot be set up as this version is expected to be")
        self._collected = ffi.new("uint32_t[]", max(1, self.pages))
        self._seen = ffi.new("uint64_t[]", MAX_SEEN)
        self._ran = ffi.new("uint64_t[]", 3 * lib.TTD_MAX_RAN)
        self.marks = MarkRow(self._native)
        self.exceptions = ExceptionLoop(self._native)

    @property
    def native(self) -> Any:
        """The native half, for an architecture's own."""
        return self._native

    def page_number(self, address: int) -> int:
        """The page that holds a RAM address (not an alias)."""
        for base, size, *_, first in self._regions:
            if base <= address < base + size:
                return first + (address - base) // self.page_size
        raise EngineError(f"there is no memory at {address:#x}")
