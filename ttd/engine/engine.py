"""Exact execution of guest code: a run of at most N steps, and all that can stop it."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import unicorn

from ttd.engine._native import ffi, lib
from ttd.engine.hits import HitRow
from ttd.engine.isa import Isa
from ttd.engine.mark_row import MarkRow
from ttd.engine.registers import RegisterFile
from ttd.engine.stuck import ExceptionLoop
from ttd.engine.types import FRAME, Access, EngineStop, Refusal, StopReason, WatchHit, Work

NEVER = (1 << 64) - 1
# By name: the types of Unicorn's binding cover but a part of it.
_UC: Any = vars(unicorn)["Uc"]
WINDOW_PAGES = 65536
MAX_SEEN: int = lib.TTD_MAX_SEEN
MAX_HITS: int = lib.TTD_MAX_HITS
"""Of breakpoints, and as many of watchpoints, that a scan keeps."""
_SMALL = 4096
"""Bytes read at a time for which a buffer is kept."""
_REASONS = tuple(StopReason)
_FLAGS: dict[Access, int] = {
    Access.READ: lib.PAGE_READ,
    Access.WRITE: lib.PAGE_DIRTY,
    Access.FETCH: lib.PAGE_EXEC,
}
"""What a page that was accessed is marked with."""
_HOST_ERROR: int = lib.WHY_HOST_ERROR

ReadCallback = Callable[[int, int], int]
"""(address, size) -> value: serve a guest's read of a device register."""
WriteCallback = Callable[[int, int, int], None]
"""(address, size, value): serve a guest's write of a device register."""
BurstCallback = Callable[[bytes], None]
"""(words): so much of a burst has happened."""


class EngineError(Exception):
    """The engine cannot do what was asked; one sentence."""


class EngineFault(Exception):
    """An access that no instruction makes met what is not memory, or is forbidden (`denied`)."""

    def __init__(self, address: int, kind: Access, denied: bool) -> None:
        super().__init__(f"{kind.name} at {address:#x} is not possible")
        self.address = address
        self.kind = kind
        self.denied = denied


class BusFault(Exception):
    """A device answers an access with an error; raised by MMIO callbacks."""


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_due(handle: Any) -> None:
    ffi.from_handle(handle).on_due()


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_read(handle: Any, address: int, size: int) -> int:
    return ffi.from_handle(handle).on_read(address, size)  # type: ignore[no-any-return]


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_write(handle: Any, address: int, size: int, value: int) -> None:
    ffi.from_handle(handle).on_write(address, size, value)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_output(handle: Any, registers: Any) -> None:
    ffi.from_handle(handle).on_registers(registers, RegisterFile.give_output)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_lines(handle: Any, registers: Any) -> None:
    ffi.from_handle(handle).on_registers(registers, RegisterFile.tell_lines)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_burst(handle: Any, write: bool, words: Any, count: int) -> None:
    ffi.from_handle(handle).on_burst(bytes(ffi.buffer(words, 4 * count)))


class _Port:
    """The way of a device access from the native side into Python, and of its failure back."""

    def __init__(self) -> None:
        self.windows: list[tuple[int, int, ReadCallback, WriteCallback]] = []
        self.files: dict[Any, RegisterFile] = {}
        """By the registers that they are of."""
        self.native: Any = None
        self.error: BaseException | None = None
        self.burst: BurstCallback = _no_burst
        self.due: Callable[[], None] = _nothing_due
        self._last: tuple[int, int, ReadCallback, WriteCallback] = (0, 0, _no_read, _no_write)

    def _window(self, address: int) -> tuple[int, int, ReadCallback, WriteCallback]:
        last = self._last
        if last[0] <= address < last[1]:
            return last
        for window in self.windows:
            if window[0] <= address < window[1]:
                self._last = window
                return window
        raise BusFault(f"no device at {address:#x}")

    def on_read(self, address: int, size: int) -> int:
        try:
            window = self._window(address)
            return window[2](address, size)
        except BusFault:
            lib.ttd_fail(self.native, 1)
        except BaseException as error:  # carried over the native frames, raised again by run()
            lib.ttd_fail(self.native, 2)
            self.error = error
        return 0

    def on_write(self, address: int, size: int, value: int) -> None:
        try:
            window = self._window(address)
            window[3](address, size, value)
        except BusFault:
            lib.ttd_fail(self.native, 1)
        except BaseException as error:  # as above
            lib.ttd_fail(self.native, 2)
            self.error = error

    def on_due(self) -> None:
        try:
            self.due()
        except BaseException as error:  # as above
            lib.ttd_fail(self.native, 2)
            self.error = error

    def on_registers(self, registers: Any, tell: Callable[[RegisterFile], None]) -> None:
        try:
            tell(self.files[registers])
        except BaseException as error:  # as above
            lib.ttd_fail(self.native, 2)
            lib.ttd_request_stop(self.native)
            self.error = error

    def on_burst(self, words: bytes) -> None:
        try:
            self.burst(words)
        except BaseException as error:  # as above
            self.error = error


def _no_burst(words: bytes) -> None:
    raise EngineError("a burst that nobody began")


def _nothing_due() -> None:
    pass


def _no_read(address: int, size: int) -> int:
    raise BusFault(f"no device at {address:#x}")


def _no_write(address: int, size: int, value: int) -> None:
    raise BusFault(f"no device at {address:#x}")


class Context:
    """The whole CPU state inside Unicorn, quick to save and restore; good for one engine only."""

    def __init__(self, engine: Engine) -> None:
        self._native = engine._native
        context = lib.ttd_context_new(engine._native)
        if not context:
            raise EngineError("there is no memory for another context")
        self._context = ffi.gc(context, lib.ttd_context_free)

    def save(self) -> None:
        lib.ttd_context_save(self._native, self._context)

    def restore(self) -> None:
        lib.ttd_context_restore(self._native, self._context)


class Engine:
    """One CPU and its memory.

    Map everything, call `start`, then `run`. RAM pages are numbered 0.. in the order of the
    `map_ram` calls; `page_size` bytes each. A *frame* is the pages of `FRAME` bytes; each RAM
    begins with a new one, so that there may be page numbers without a page at the end of others.
    """

    def __init__(self, isa: Isa) -> None:
        self.isa = isa
        self.page_size = isa.page_size
        self.pages = 0
        self._uc = _UC(isa.uc_arch, isa.uc_mode)
        self._uc.ctl_set_cpu_model(isa.uc_model)
        # Small enough to stay in the caches of the host: exact stops translate a lot.
        self._uc.ctl_set_tcg_buffer_size(32 << 20)
        self._port = _Port()
        self._handle = ffi.new_handle(self._port)
        library = next(Path(unicorn.__file__).parent.glob("lib/libunicorn.so*"))
        self._native = ffi.gc(
            lib.ttd_new(
                str(library).encode(),
                ffi.cast("void *", self._uc._uch.value),
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
        self._arrays: dict[tuple[int, ...], tuple[Any, Any, int]] = {}
        self._masks_watched = False
        self._small = ffi.new("uint8_t[]", _SMALL)
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

    # -- building ------------------------------------------------------------------------

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
            self._port.windows.append((base, base + size, _no_read, on_store))
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
        self._state = ffi.new("uint64_t[]", len(state) + 2 * len(wide))
        if name := self.isa.disassembler:
            package = find_spec(name)
            assert package is not None and package.origin is not None
            library = next(Path(package.origin).parent.glob(f"lib/lib{name}.so*"))
            if lib.ttd_use_disassembler(self._native, str(library).encode()):
                raise EngineError(f"{name}'s library does not load")
        ids = ffi.new("int[]", [*state, *wide])
        if lib.ttd_start(self._native, ids, len(ids), len(wide)):
            raise EngineError("Unicorn cannot be set up as this version is expected to be")
        self._collected = ffi.new("uint32_t[]", max(1, self.pages))
        self._seen = ffi.new("uint64_t[]", MAX_SEEN)
        self.marks = MarkRow(self._native)
        self.exceptions = ExceptionLoop(self._native)

    @property
    def native(self) -> Any:
        """The native half, for an architecture's own."""
        return self._native

    # -- running -------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """The number of steps done; exact at stops and inside device callbacks."""
        return self._now[0]  # type: ignore[no-any-return]

    @step.setter
    def step(self, value: int) -> None:
        lib.ttd_set_step(self._native, value)

    @property
    def follows_branch(self) -> bool:
        """True where what is due is noticed: behind a branch, taken or not, an entry to an
        exception, a return from one, or a wait. Part of the state; others tell of entries."""
        return bool(lib.ttd_follows(self._native))

    @follows_branch.setter
    def follows_branch(self, follows: bool) -> None:
        lib.ttd_set_follows(self._native, follows)

    def set_due(self, ns: int | None) -> None:
        """Something of the host's falls due at this virtual time (None: never): a run ends where
        that is noticed, which is the first position behind a branch, or `DUE_LATENCY` steps later
        (docs/engine.md)."""
        lib.ttd_set_due(self._native, NEVER if ns is None else ns)

    def notice_at_once(self) -> None:
        """From now on what is due is noticed where it falls due, branch or not."""
        lib.ttd_set_latency(self._native, 0)

    def notices(self) -> bool:
        """Is something due, of the host's (`set_due`) or the core's, and noticed here?"""
        return bool(lib.ttd_notices(self._native))

    @property
    def core_deadline(self) -> int | None:
        """Virtual time (ns) at which the next timer of a native core is due; None: never."""
        due: int = lib.ttd_core_deadline(self._native)
        return None if due == NEVER else due

    def expire_core(self) -> bool:
        """Let the timers of a native core do what is due; True if there was something."""
        return bool(lib.ttd_expire_core(self._native))

    @property
    def has_core(self) -> bool:
        """The processor model is native, and `go` does its part of the machine's loop."""
        return bool(lib.ttd_has_core(self._native))

    @property
    def work(self) -> Work:
        """What has been done so far that is not the guest's own work."""
        done = lib.ttd_work_done(self._native)
        return Work(done.starts, done.looks, done.traps, done.fills)

    def run(self, max_steps: int) -> EngineStop:
        """Run at most `max_steps` steps, or until what is due is noticed; say how many ran and why
        it ended.

        An exception that a device callback raised is raised again here.
        """
        return self._ended(lib.ttd_run(self._native, max_steps, self._stop))

    def go(self, limit: int) -> EngineStop:
        """With a native core: run, take exceptions and sleep, up to step `limit`, or until there
        is something else to do. `steps` says nothing then; `marks` has what was taken."""
        return self._ended(lib.ttd_go(self._native, limit, self._stop))

    def _ended(self, why: int) -> EngineStop:
        stop, error = self._stop, self._port.error
        if error is not None:
            self._port.error = None
            raise error
        if why == _HOST_ERROR:
            self._raise_problem()
        watch = None
        if why == StopReason.WATCH:
            lib.ttd_watch_hit(self._native, self._hits)
            watch = self._hit(self._hits)
        elif why == StopReason.REQUEST:
            lib.ttd_take_request(self._native)
        return EngineStop(
            _REASONS[why],
            stop.steps,
            stop.pc,
            stop.code,
            stop.address,
            stop.exact != 0,
            watch,
            stop.returns != 0,
            stop.behind != 0,
        )

    def _hit(self, hit: Any) -> WatchHit:
        by = self._makers[hit.by]
        return WatchHit(hit.step, hit.pc, hit.address, hit.size, Access(hit.kind), hit.value, by)

    def request_stop(self) -> None:
        """Make the present or the next `run` end at the next block; from any thread."""
        lib.ttd_request_stop(self._native)

    def on_due(self, serve: Callable[[], None]) -> None:
        """Who is called when what was `set_due` is noticed, or before an access to a device."""
        self._port.due = serve

    def stop_after_access(self) -> None:
        """Inside a device callback: end the run right after the instruction that is accessing.

        The run then says BUDGET unless something else ended it.
        """
        lib.ttd_stop_after_access(self._native)

    def open_burst(self, lo: int, hi: int, words: bytes | int, done: BurstCallback) -> None:
        """Inside a device callback: let the guest go on at the port of a FIFO without asking.

        Reads of words in [lo, hi) give `words` one after the other; or, if that is a number, so
        many writes there are only kept. This ends with them, before any other access to a
        device, and with the run: `done` is then called with what was read or written.
        """
        self._port.burst = done
        if isinstance(words, int):
            lib.ttd_open_burst(self._native, lo, hi, True, b"", words)
        else:
            lib.ttd_open_burst(self._native, lo, hi, False, words, len(words) // 4)

    def keep_reading(
        self, value: int, slope: int, since_ns: int, hz: int, divider: int, until_ns: int
    ) -> None:
        """Inside a read callback: answer further reads of this register without asking.

        It holds `value` now and changes by `slope` (-1, 0, 1) with every tick; ticks are
        (virtual time - since_ns) * hz // divider. Good until `until_ns`, until the host has had
        control, or until the next access of the same device that does not say this; of any device,
        unless the device is `alone`.
        """
        lib.ttd_keep_reading(self._native, value, slope, since_ns, hz, divider, until_ns)

    def keep_ignoring(self) -> None:
        """Inside a write callback: this write has done nothing, nor will others of its place and
        size. Ends as `keep_reading` does."""
        lib.ttd_keep_ignoring(self._native)

    @property
    def watch_masks(self) -> bool:
        """While on, a run ends with MASKS as soon as an interrupt mask differs from now."""
        return self._masks_watched

    @watch_masks.setter
    def watch_masks(self, on: bool) -> None:
        if on or self._masks_watched:
            self._masks_watched = on
            lib.ttd_watch_masks(self._native, on)

    # -- stops ---------------------------------------------------------------------------

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

    def scan(self, on: bool) -> None:
        """While on, breakpoints and watchpoints do not stop: their hits are noted."""
        lib.ttd_set_scan(self._native, on)

    def hits(self) -> tuple[HitRow[tuple[int, int]], HitRow[WatchHit]]:
        """Since `scan(True)`: breakpoint hits as (step, address), and watch hits."""
        return (
            HitRow(*self._noted(False), lambda hit: (hit.step, hit.pc)),
            HitRow(*self._noted(True), self._hit),
        )

    def _noted(self, watches: bool) -> tuple[Any, int, int]:
        complete_from = self._step_out
        count = lib.ttd_hits(self._native, watches, ffi.NULL, complete_from)
        raw = ffi.new("ttd_hit[]", count)
        lib.ttd_hits(self._native, watches, raw, complete_from)
        return raw, count, complete_from[0]

    def stay_within(self, bounds: tuple[int, int] | None) -> None:
        """Stop before an instruction outside [first, end); None: anywhere is inside."""
        self._bounds = bounds
        lib.ttd_set_range(self._native, *(bounds or (0, 0)))

    @property
    def out_of_bounds(self) -> bool:
        """PC is not where `stay_within` said."""
        return self._bounds is not None and not self._bounds[0] <= self.pc < self._bounds[1]

    def skip_stops_at(self, step: int | None, *, watchpoints: bool = True) -> None:
        """Do not stop at a breakpoint that hits at this very step, nor at a watchpoint, if
        `watchpoints`."""
        at = NEVER if step is None else step
        lib.ttd_skip_stops_at(self._native, at, at if watchpoints else NEVER)

    # -- registers -----------------------------------------------------------------------

    def regs_read(self, ids: tuple[int, ...]) -> list[int]:
        """Read registers by Unicorn's ids, in one go."""
        c_ids, values, count = self._array(ids)
        lib.ttd_regs_read(self._native, c_ids, values, count)
        return ffi.unpack(values, count)  # type: ignore[no-any-return]

    def regs_write(self, ids: tuple[int, ...], values: Sequence[int]) -> None:
        """Write registers in the order given."""
        c_ids, c_values, count = self._array(ids)
        c_values[0:count] = list(values)
        lib.ttd_regs_write(self._native, c_ids, c_values, count)

    def _array(self, ids: tuple[int, ...]) -> tuple[Any, Any, int]:
        found = self._arrays.get(ids)
        if found is None:
            found = (ffi.new("int[]", ids), ffi.new("uint64_t[]", len(ids)), len(ids))
            self._arrays[ids] = found
        return found

    def reg_read(self, register: int) -> int:
        return self.regs_read((register,))[0]

    def reg_write(self, register: int, value: int) -> None:
        self.regs_write((register,), (value,))

    def wide_read(self, register: int) -> int:
        """A register of `isa.wide`."""
        lib.ttd_wide_read(self._native, register, self._wide)
        return self._wide[0] | self._wide[1] << 64  # type: ignore[no-any-return]

    def wide_write(self, register: int, value: int) -> None:
        self._wide[0:2] = [value & NEVER, value >> 64]
        lib.ttd_wide_write(self._native, register, self._wide)

    @property
    def pc(self) -> int:
        return self.regs_read((self.isa.pc,))[0]

    def clear_exclusive(self) -> None:
        """Open the exclusive monitor."""
        lib.ttd_clear_exclusive(self._native)

    def reset_registers(self) -> None:
        """All registers as they were at `start`."""
        lib.ttd_reset_registers(self._native)

    def save_state(self) -> list[int]:
        """The architectural registers, in the order of `isa.state`; then those of `isa.wide`, each
        its lower half first."""
        lib.ttd_save_state(self._native, self._state)
        return ffi.unpack(self._state, len(self._state))  # type: ignore[no-any-return]

    def load_state(self, values: Sequence[int]) -> None:
        """Become the state that `save_state` returned; the exclusive monitor is open."""
        lib.ttd_load_state(self._native, ffi.new("uint64_t[]", list(values)))

    # -- memory without an instruction ---------------------------------------------------

    def load(self, address: int, size: int, by: str) -> bytes:
        """An access of the machine that no instruction makes, by physical address.

        `by` says who makes it. Raises `EngineFault` if not all of it is memory.
        """
        self._check_span(address, size, Access.READ)
        buffer = self._small if size <= _SMALL else ffi.new("uint8_t[]", size)
        done = lib.ttd_load(self._native, address, buffer, size, self._maker(by))
        if done < size:
            raise EngineFault(address + done, Access.READ, False)
        return ffi.buffer(buffer, size)[:]  # type: ignore[no-any-return]

    def store(self, address: int, data: bytes, by: str) -> None:
        """As `load`; flash takes it, ROM does not. Nothing is stored if not all of it can be."""
        self._check_span(address, len(data), Access.WRITE)
        done = lib.ttd_store(self._native, address, data, len(data), self._maker(by))
        if done < len(data):
            raise EngineFault(address + done, Access.WRITE, False)

    def _check_span(self, address: int, size: int, kind: Access) -> None:
        """Before there is a buffer for it, or a number that has no room."""
        if address + size > 1 << 64 or size > self.pages * self.page_size:
            raise EngineFault(address, kind, False)

    def _maker(self, by: str) -> int:
        number = self._numbers.get(by)
        if number is None:
            number = self._numbers[by] = len(self._makers)
            self._makers.append(by)
        return number

    def name_makers(self, names: Sequence[str]) -> int:
        """Who makes accesses natively: the number of the first name; the others follow it."""
        first = len(self._makers)
        self._makers.extend(names)
        return first

    def note_write(self, address: int, size: int, by: str) -> None:
        """A device has changed what it shows at a watched address, by no access to it."""
        lib.ttd_note_write(self._native, address, size, self._maker(by))

    def outside_step(self, step: int) -> None:
        """Between runs: accesses that no instruction makes belong to this step from now on."""
        lib.ttd_set_outside_step(self._native, step)

    def read(self, address: int, size: int) -> bytes:
        """A look from outside; shorter than `size` where memory ends. Devices are not touched."""
        size = min(size, self.pages * self.page_size)
        buffer = self._small if size <= _SMALL else ffi.new("uint8_t[]", size)
        done = lib.ttd_read(self._native, address, buffer, size)
        return ffi.buffer(buffer, done)[:]  # type: ignore[no-any-return]

    def write(self, address: int, data: bytes) -> int:
        """A change from outside, in ROM too; returns how many bytes were there to be written."""
        return lib.ttd_write(self._native, address, data, len(data))  # type: ignore[no-any-return]

    def is_ram(self, address: int, kind: Access = Access.READ) -> bool:
        """True if memory (not a device) answers this kind of access."""
        return bool(lib.ttd_is_ram(self._native, address, kind))

    def accessible(self, address: int, kind: Access) -> bool:
        """True if an access by the CPU in its present mode would be answered."""
        return bool(lib.ttd_mapped(self._native, address, kind)) and not self.denies(address, kind)

    def denies(self, address: int, kind: Access) -> bool:
        """True if protection forbids the access to the instruction at PC."""
        return bool(lib.ttd_denies(self._native, address, kind))

    # -- address translation -------------------------------------------------------------

    def translate(self, address: int, kind: Access | None = None) -> tuple[int | None, Refusal]:
        """Where an access by the CPU in its present mode would go: (physical, why not).

        `kind` None: as a debugger looks, without rights. Nothing is marked accessed or dirty.
        """
        found = ffi.new("uint64_t *")
        why = Refusal(lib.ttd_translate(self._native, address, int(kind or 0), found))
        return (None if why else int(found[0])), why

    def read_virtual(self, address: int, size: int) -> bytes:
        """Memory as a debugger sees it at the CPU's present addresses; shorter where it ends."""
        out = b""
        while len(out) < size:
            at = address + len(out)
            physical, _ = self.translate(at)
            if physical is None:
                break
            part = min(size - len(out), self.page_size - at % self.page_size)
            data = self.read(physical, part)
            out += data
            if len(data) < part:
                break
        return out

    # -- pages ---------------------------------------------------------------------------

    def page_number(self, address: int) -> int:
        """The page that holds a RAM address (not an alias)."""
        for base, size, *_, first in self._regions:
            if base <= address < base + size:
                return first + (address - base) // self.page_size
        raise EngineError(f"there is no memory at {address:#x}")

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

    def new_interval(self) -> None:
        """Forget which pages were touched."""
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
