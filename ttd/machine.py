"""A board brought to life: engine, CPU model, devices and replay layer, and the one run loop.

Recording, replaying, stepping and searching are this loop with other limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Protocol

import msgpack

from ttd.agenda import Agenda
from ttd.boards.base import BitBand, Board, MappedDevice, Wiring
from ttd.cpu.base import After, CoreWiring, Cpu, Over
from ttd.cpu.models import CPUS
from ttd.devices.base import (
    NS_PER_SECOND,
    Burst,
    BusError,
    Device,
    FlashController,
    InterruptController,
    State,
    Steady,
)
from ttd.devices.chars import CharFront
from ttd.devices.net import Nic
from ttd.engine import BusFault, Engine, EngineStop, StopReason
from ttd.engine.types import WatchHit
from ttd.errors import UserError
from ttd.images import Load
from ttd.loader import Start, check_fits, start_of
from ttd.replay.events import Kind
from ttd.replay.replay import Cause, Checkpoint, Mode, Replay

RECORD_SLICE = 50_000_000
"""Steps after which a recording machine looks at the host at the latest, to commit."""
IDLE_SECONDS = 0.2
"""Seconds after which an idle recording machine looks at the host at the latest."""
SECOND = NS_PER_SECOND
STATE_VERSION = 2
"""Changes whenever `Machine.save` gives other data, or the loop another run, for a machine."""
PAGE = 0x1000
"""No page table maps smaller parts."""
NEVER = 1 << 63
"""A step that no machine reaches."""
_HOST_CLOCKS = {"host": Checkpoint.CLOCK_HOST, "rt": Checkpoint.CLOCK_VIRTUAL_RT}


class RunEnd(Enum):
    """Why `Machine.run` came back."""

    LIMIT = "limit"
    BREAKPOINT = "breakpoint"
    WATCH = "watch"
    INTERRUPTED = "interrupted"
    HISTORY_END = "history end"
    """Play: the log is over."""
    ENDED = "ended"
    """The guest has ended (exit, shutdown, lockup); see `Machine.ended`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a guest ended: a sentence for people, and the exit code if it gave one."""

    reason: str
    code: int | None


@dataclass(frozen=True, slots=True)
class RunStop:
    """Where a run came back: PC and, for WATCH, the access that is about to happen."""

    end: RunEnd
    step: int
    pc: int
    watch: WatchHit | None = None


class SnapshotKeeper(Protocol):
    """Who takes the snapshots that the replay layer asks for."""

    def take(self) -> None:
        """Record: a snapshot is due."""

    def check(self) -> None:
        """Play: the log has the mark of a snapshot here."""


class SemihostingExit(Protocol):
    """What a semihosting call says when it ends the guest."""

    @property
    def code(self) -> int: ...


class SemihostingCalls(Protocol):
    """Semihosting, as the machine uses it."""

    def call(self) -> SemihostingExit | None: ...
    def save(self) -> State: ...
    def load(self, state: State) -> None: ...


class HostTime(Protocol):
    """The clocks of the host, in nanoseconds."""

    def host_ns(self) -> int:
        """Wall-clock time since 1970."""

    def running_ns(self) -> int:
        """Time between `resume` and `pause`, all in all."""

    def resume(self) -> None: ...
    def pause(self) -> None: ...


class _MachineClock:
    """The `Clock` that devices get."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def now(self) -> int:
        return self._machine.virtual_ns

    def rearm(self) -> None:
        self._machine.agenda.changed()


class Machine:
    """One machine. Build it, `load` an image, `reset`, start the replay layer, `run`."""

    def __init__(
        self,
        board: Board,
        replay: Replay,
        chars: Mapping[str, CharFront],
        *,
        clock_ns: int,
        semihosting: bool = False,
        nic: Nic | None = None,
        host_ns: Callable[[], int] = lambda: 0,
        extras: Callable[[Wiring], list[MappedDevice]] = lambda wiring: [],
    ) -> None:
        """`extras` makes the devices that the user has added to the board.

        `host_ns` is the host's wall-clock time as the guest sees it.
        """
        self.board = board
        self.replay = replay
        self.clock_ns = clock_ns
        self.warp_ns = 0
        self._warp_step = -1
        self.waiting = False
        self.ended: Ended | None = None
        self.keeper: SnapshotKeeper | None = None
        self.semihosting: SemihostingCalls | None = None
        self.host_time: HostTime | None = None
        self.realtime = False
        """Record: idle time takes as long as on the real machine."""
        self.suspended = False
        """Record: nothing runs until `wake_up`. Not part of the state: in play nobody waits."""
        self._run_end = 0
        self._late = False
        """A timer may be due at the access that comes next."""
        self._interrupted = False
        self._reset_wanted = False
        self._wanted: list[Kind] = []
        """SHUTDOWN and SUSPEND that a device has asked for in this run."""
        self._exit_code: int | None = None
        """The guest's, if a device has asked for SHUTDOWN."""
        self._start: Start | None = None
        self._loads: tuple[Load, ...] = ()
        model = CPUS[board.cpu]
        self.engine = Engine(model.isa)
        self.clock = clock = _MachineClock(self)
        self.agenda = Agenda((), clock)
        for region in board.regions:
            self.engine.map_ram(
                region.base,
                region.size,
                writable=region.writable,
                on_store=None if region.stores_to is None else self._store_to(region.stores_to),
            )
        for region in board.regions:
            for mirror in region.mirrors:
                self.engine.map_alias(mirror, region.size, region.base)
        self.cpu: Cpu = model.build(
            CoreWiring(
                engine=self.engine,
                clock=clock,
                hz=board.core_hz,
                lines=board.irq_lines,
                reset_address=board.reset_address,
                ns_per_step=clock_ns,
                timebase_hz=board.timebase_hz,
                semihosting=semihosting,
                on_change=self.engine.stop_after_access,
                on_reset_request=self._want_reset,
            )
        )
        wiring = Wiring(
            clock=clock,
            irq=self.cpu.set_line,
            nmi=self.cpu.set_nmi,
            reset=self._want_reset,
            shutdown=self._want_shutdown,
            suspend=lambda: self._want(Kind.SUSPEND),
            char=chars.__getitem__,
            memory=self.engine,
            nic=nic or Nic(),
            host_ns=host_ns,
            timebase=self.cpu.timebase,
            random=replay.random_bytes,
            input=replay.register_input_driver,
        )
        on_board = board.build_devices(wiring)
        if board.irq_controller is not None:
            controller = next(m.device for m in on_board if m.device.name == board.irq_controller)
            assert isinstance(controller, InterruptController)
            wiring = replace(wiring, irq=controller.set_line)
        on_board = [*on_board, *extras(wiring)]
        self._on_board = [mapped.device for mapped in on_board]
        inside = [MappedDevice(*unit) for unit in self.cpu.mapped_devices()]
        self.mapped = [*inside, *on_board]
        self._check_apart()
        self.devices = {mapped.device.name: mapped.device for mapped in self.mapped}
        names = [mapped.device.name for mapped in self.mapped]
        for name in names:
            if names.count(name) > 1:
                raise MachineError(f"two devices of this machine are called {name}")
        self.agenda = Agenda(self.devices.values(), clock)
        self._host_timed = [
            device
            for device in self.devices.values()
            if type(device).host_timer is not Device.host_timer
        ]
        for mapped in self.mapped:
            if mapped.size:
                self._map(mapped)
        for band in board.bit_bands:
            self._map_bit_band(band)
        self.engine.start()
        replay.attach(
            lambda: self.engine.step,
            lambda: self.warp_ns,
            warp_step=lambda: self._warp_step,
            on_request=self._on_request,
            on_debug_write=self._on_debug_write,
            on_wake=self.engine.request_stop,
        )

    # -- time and lines ------------------------------------------------------------------

    @property
    def virtual_ns(self) -> int:
        """Virtual time in ns, exact inside device callbacks too."""
        return self.engine.step * self.clock_ns + self.warp_ns

    def _want_reset(self) -> None:
        self._reset_wanted = True
        self.engine.stop_after_access()

    def _want(self, request: Kind) -> None:
        self._wanted.append(request)
        self.engine.stop_after_access()

    def _want_shutdown(self, code: int | None) -> None:
        self._exit_code = code
        self._want(Kind.SHUTDOWN)

    def _due_step(self) -> int:
        """The first step at which virtual time has reached the next deadline, or NEVER."""
        first = self.agenda.first()
        return NEVER if first is None else -((self.warp_ns - first) // self.clock_ns)

    def _fire_timers(self, step: int) -> None:
        if self._due_step() <= step:
            self.agenda.expire(self.virtual_ns)

    def _next_host_timer(self, clock: str) -> tuple[int, Device] | None:
        """The earliest timer on a clock of the host, and whose it is."""
        found = None
        for device in self._host_timed:
            timer = device.host_timer()
            if timer is not None and timer.clock == clock and (not found or timer.ns < found[0]):
                found = (timer.ns, device)
        return found

    def _fire_host_timer(self) -> bool:
        """Let one timer of the host's clocks fire, if one is due.

        The host's time is not part of the recording here: that a timer was due, is.
        """
        for clock, checkpoint in _HOST_CLOCKS.items():
            found = self._next_host_timer(clock)
            if found is None:
                continue
            due = self.replay.in_play or self._host_now(clock) >= found[0]
            if due and self.replay.checkpoint(checkpoint):
                found[1].expire()
                return True
        return False

    def _host_now(self, clock: str) -> int:
        if self.host_time is None:
            return 0
        return self.host_time.host_ns() if clock == "host" else self.host_time.running_ns()

    # -- devices -------------------------------------------------------------------------

    def _check_apart(self) -> None:
        """Users choose addresses, too: what overlaps could not be mapped."""
        spans = [(m.base, m.base + m.size, m.device.name) for m in self.mapped]
        spans += [
            (base, base + region.size, region.name)
            for region in self.board.regions
            for base in (region.base, *region.mirrors)
        ]
        for (_, end, name), (start, _, other) in pairwise(sorted(spans)):
            if end > start:
                raise MachineError(f"{name} and {other} of this machine overlap at {start:#x}")

    def _map(self, mapped: MappedDevice) -> None:
        base, device, engine, agenda = mapped.base, mapped.device, self.engine, self.agenda
        bursts = type(device).burst is not Device.burst

        def read(address: int, size: int) -> int:
            if self._late:
                self._fire_timers(engine.step)
            try:
                value = device.read(address - base, size)
            except BusError as error:
                raise BusFault(str(error)) from error
            if agenda.moved:
                self._after_access()
            steady = device.steady(address - base)
            if steady is not None:
                self._keep_reading(value, steady)
            elif bursts:
                self._open_burst(base, device.burst(address - base, False))
            return value

        def write(address: int, size: int, value: int) -> None:
            if self._late:
                self._fire_timers(engine.step)
            try:
                device.write(address - base, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error
            if agenda.moved:
                self._after_access()
            if bursts:
                self._open_burst(base, device.burst(address - base, True))

        self.engine.map_mmio(base, mapped.size, read, write)

    def _store_to(self, name: str) -> Callable[[int, int, int], None]:
        """What serves stores to flash: the device of that name, as it serves its registers."""

        def store(address: int, size: int, value: int) -> None:
            controller = self.devices[name]
            assert isinstance(controller, FlashController)
            if self._late:
                self._fire_timers(self.engine.step)
            try:
                controller.program(address, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error

        return store

    def _keep_reading(self, value: int, steady: Steady) -> None:
        """Let the engine answer this register as long as it is known how it goes on."""
        until = NEVER
        if steady.until_ns is not None:
            until = -((self.warp_ns - steady.until_ns) // self.clock_ns)
        self.engine.keep_reading(
            value,
            steady.slope,
            self.clock_ns,
            self.warp_ns - steady.since_ns,
            steady.hz,
            steady.divider * SECOND,
            until,
        )

    def _open_burst(self, base: int, burst: Burst | None) -> None:
        if burst is not None:
            first, end = base + burst.first, base + burst.end
            self.engine.open_burst(first, end, burst.words, burst.done)

    def _after_access(self) -> None:
        """A deadline has moved. If it is now before this run's end, the run must be cut."""
        if self._due_step() < self._run_end:
            self._late = True
            self.engine.stop_after_access()

    def _map_bit_band(self, band: BitBand) -> None:
        # The access behind has the size of the access to the alias (Cortex-M3 TRM, bit-banding).
        def locate(address: int, size: int) -> tuple[int, int]:
            offset = address - band.alias
            byte = offset >> 5
            return band.target + (byte & -size), (offset >> 2 & 7) + 8 * (byte & size - 1)

        def read(address: int, size: int) -> int:
            target, bit = locate(address, size)
            return self._bus_read(target, size) >> bit & 1

        def write(address: int, size: int, value: int) -> None:
            target, bit = locate(address, size)
            old = self._bus_read(target, size)
            self._bus_write(target, size, old & ~(1 << bit) | (value & 1) << bit)

        self.engine.map_mmio(band.alias, band.alias_size, read, write)

    def _mapped_at(self, address: int) -> MappedDevice | None:
        for mapped in self.mapped:
            if mapped.base <= address < mapped.base + mapped.size:
                return mapped
        return None

    def _bus_read(self, address: int, size: int) -> int:
        mapped = self._mapped_at(address)
        if mapped is not None:
            try:
                return mapped.device.read(address - mapped.base, size)
            except BusError as error:
                raise BusFault(str(error)) from error
        data = self.engine.read(address, size)
        if len(data) < size:
            raise BusFault(f"nothing at {address:#x}")
        return int.from_bytes(data, "little")

    def _bus_write(self, address: int, size: int, value: int) -> None:
        mapped = self._mapped_at(address)
        if mapped is not None:
            try:
                mapped.device.write(address - mapped.base, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error
        elif self.engine.write(address, value.to_bytes(size, "little")) < size:
            raise BusFault(f"nothing at {address:#x}")

    # -- image, reset --------------------------------------------------------------------

    def load(self, loads: Sequence[Load]) -> None:
        """Put images into memory; `reset` then starts the machine with them."""
        for load in loads:
            check_fits(load.image, self.board)
        self._start = start_of(loads, self.board)
        self._loads = tuple(loads)
        for region in self.board.regions:
            if region.fill:
                self.engine.write(region.base, bytes([region.fill]) * region.size)
        self._fill_memory()

    def _fill_memory(self) -> None:
        for load in self._loads:
            for start, end in load.image.zeros:
                region = self.board.region_at(start)
                if region is not None:
                    self.engine.write(start, bytes(min(end - start, region.size)))
            for segment in load.image.segments:
                self.engine.write(segment.address, segment.data)

    def reset(self) -> None:
        """Hardware reset: CPU and devices; memory keeps its contents, unless the board reloads."""
        if self.board.reloads:
            self._fill_memory()
        for device in self._on_board:
            device.reset()
        self.cpu.reset()
        self.waiting = False
        self.agenda.changed()
        if self._start is not None:
            self.cpu.start_at(self._start.pc, self._start.sp)

    def begin(self) -> None:
        """The machine is complete and about to run for the first time."""
        self._pass(Checkpoint.INIT)

    def _pass(self, kind: Checkpoint) -> None:
        """Pass a checkpoint that is in the log, unless the log was cut off here."""
        if not self.replay.checkpoint(kind) and not self.replay.at_end:
            self.replay.unmet(f"the checkpoint {kind.name}")

    # -- the loop ------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Make `run` come back soon with INTERRUPTED; from any thread."""
        self._interrupted = True
        self.engine.request_stop()
        self.replay.wake()

    def wake_up(self) -> None:
        """End a suspension; from any thread."""
        self.suspended = False
        self.replay.wake()

    def cancel_interrupt(self) -> bool:
        """Forget an `interrupt` that nothing has answered; True if there was one."""
        was, self._interrupted = self._interrupted, False
        self.engine.cancel_request()
        return was

    def run(self, limit: int | None = None) -> RunStop:
        """Run until step `limit` (None: without limit), or until something else ends it.

        At the position where it comes back, timers that are due have fired and inputs of that
        step are in; a pending interrupt is not taken yet.
        """
        if self.host_time is None or self.replay.in_play:
            return self._run(limit)
        self.host_time.resume()
        try:
            return self._run(limit)
        finally:
            self.host_time.pause()

    def _run(self, limit: int | None) -> RunStop:
        while True:
            end = self._settle(limit)
            if end is not None:
                return RunStop(end, self.engine.step, self.engine.pc)
            number = self.cpu.pending()
            if number is not None:
                self._enter(number)
                continue
            stop = self._execute(limit)
            if stop.reason is StopReason.BREAKPOINT:
                return RunStop(RunEnd.BREAKPOINT, self.engine.step, stop.pc)
            if stop.reason is StopReason.WATCH:
                return RunStop(RunEnd.WATCH, self.engine.step, stop.pc, stop.watch)
            self._deal_with(stop)

    def _enter(self, number: int) -> None:
        """Take an exception: one step."""
        if self.cpu.is_asynchronous(number):
            self.replay.interrupt(number)
        else:
            self.replay.exception(number)
        self.cpu.enter(number)
        self.engine.step += 1

    def _settle(self, limit: int | None) -> RunEnd | None:
        """Let in what is due at this step; None if the machine may then go on."""
        replay, engine = self.replay, self.engine
        step = engine.step
        while True:
            self._fire_timers(step)
            if self._reset_wanted:
                self._reset_wanted = False
                replay.reset_request(Cause.GUEST)
            if self._wanted:
                self._serve_wanted()
            replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)
            # Before anything can end the run here: what is seen at a position does not depend on
            # whether the machine goes on from it.
            if self.waiting and self.cpu.wake():
                self.waiting = False
            if self._host_timed and self._fire_host_timer():
                continue
            if self.keeper is not None:
                if replay.at_snapshot_mark():
                    replay.disable_events()
                    self.keeper.check()
                    replay.enable_events()
                    continue
                if replay.snapshot_due():
                    replay.disable_events()
                    self.keeper.take()
                    replay.enable_events()
            if self._interrupted:
                self._interrupted = False
                engine.cancel_request()
                return RunEnd.INTERRUPTED
            if self.ended is not None:
                return RunEnd.ENDED
            if limit is not None and step >= limit:
                return RunEnd.LIMIT
            if self.suspended and not replay.in_play:
                replay.wait(IDLE_SECONDS)
                continue
            if replay.at_end:
                return RunEnd.HISTORY_END
            if not self.waiting:
                return None
            if not self._idle():
                return RunEnd.HISTORY_END

    def _serve_wanted(self) -> None:
        wanted, self._wanted = self._wanted, []
        for kind in wanted:
            if kind is Kind.SHUTDOWN:
                self.replay.shutdown_request(Cause.GUEST)
            else:
                self.replay.suspend_request(Cause.GUEST)

    def _idle(self) -> bool:
        """The CPU waits: let virtual time pass. False at the end of the history."""
        replay = self.replay
        deadline = self.agenda.first()
        target = None if deadline is None else self.warp_ns + deadline - self.virtual_ns
        wanted = replay.next_warp()
        if wanted is not None and (target is None or wanted < target):
            target = wanted
        if target is not None and target > self.warp_ns:
            replay.checkpoint(Checkpoint.CLOCK_WARP_START)
            if self.realtime and not replay.in_play:
                target = self._sleep(target)
            self.warp_ns = target
            self._warp_step = self.engine.step
            replay.checkpoint(Checkpoint.CLOCK_WARP_ACCOUNT)
            return True
        if replay.mode is not Mode.PLAY:
            replay.wait(self._idle_seconds())
            return True
        if replay.at_end:
            return False
        replay.unmet("a machine that waits for an interrupt")

    def _sleep(self, target: int) -> int:
        """Let the host's time pass until the idle warp `target`, or until there is input.

        Returns the warp that has been reached.
        """
        assert self.host_time is not None
        began = self.host_time.running_ns()
        wait = min((target - self.warp_ns) / SECOND, self._idle_seconds())
        self.replay.wait(wait)
        return min(target, self.warp_ns + self.host_time.running_ns() - began)

    def _idle_seconds(self) -> float:
        """How long an idle recorder waits at most before it looks around."""
        seconds = IDLE_SECONDS
        for clock in _HOST_CLOCKS:
            found = self._next_host_timer(clock)
            if found is not None:
                seconds = min(seconds, max(0.0, (found[0] - self._host_now(clock)) / SECOND))
        return seconds

    def _execute(self, limit: int | None) -> EngineStop:
        engine, replay = self.engine, self.replay
        step = engine.step
        end = step + RECORD_SLICE if limit is None else limit
        due = self._due_step()
        self._late = due <= step
        budget = min(end, due) - step
        room = replay.get_instructions()
        if room is None:
            budget = min(budget, RECORD_SLICE)
        elif room == 0:
            replay.unmet("an ordinary instruction")
        else:
            budget = min(budget, room)
        if self.cpu.single_step():
            budget = 1
        self._run_end = step + budget
        self.cpu.about_to_run()
        return engine.run(budget)

    def _deal_with(self, stop: EngineStop) -> None:
        if stop.reason in (StopReason.BUDGET, StopReason.REQUEST, StopReason.MASKS):
            return
        after = self.cpu.stopped(stop)
        if after is After.RAISED:
            # At once: a position before the instruction has no exception pending, so nothing may
            # look at the machine between the two.
            number = self.cpu.pending()
            assert number is not None
            self._enter(number)
        elif after is After.ENTERED:
            self.engine.step += 1
        elif after is After.WAIT:
            self.waiting = True
        elif after is After.SEMIHOST:
            self._semihost()
        elif isinstance(after, Over):
            if not after.retired:
                # A step too, as the exception entry would have been: in play the machine must get
                # past the instruction before the log says that the guest has ended.
                self.engine.step += 1
            cause = Cause.GUEST_PANIC if after.code else Cause.GUEST
            self._end(after.reason, after.code, cause)
        elif after is After.RESET:
            self._reset_wanted = True

    def _semihost(self) -> None:
        assert self.semihosting is not None
        ended = self.semihosting.call()
        self.cpu.skip_instruction()
        self.engine.step += 1
        if ended is not None:
            self._end(f"the guest exited with code {ended.code}", ended.code, Cause.GUEST)

    def _end(self, reason: str, code: int | None, cause: Cause) -> None:
        self.ended = Ended(reason, code)
        self.replay.shutdown_request(cause)

    def _on_request(self, kind: Kind, cause: int) -> None:
        """A request has come through the log."""
        if kind is Kind.RESET:
            self._pass(Checkpoint.RESET_REQUESTED)
            self.replay.disable_events()
            self.reset()
            self._pass(Checkpoint.RESET)
            self.replay.enable_events()
        elif kind is Kind.SUSPEND:
            # The checkpoint may be the last of the known history of a live recording.
            again = self.replay.in_play
            self._pass(Checkpoint.SUSPEND_REQUESTED)
            self.suspended |= not again
        elif kind is Kind.SHUTDOWN and self.ended is None:
            code = self._exit_code
            if cause == Cause.GUEST and code is not None:
                self.ended = Ended(f"the guest switched the machine off with code {code}", code)
            elif cause == Cause.GUEST:
                self.ended = Ended("the guest switched the machine off", None)
            else:
                self.ended = Ended("the recording was ended from outside", None)

    # -- what a debugger changes ---------------------------------------------------------

    def write_memory(self, address: int, data: bytes) -> None:
        """Change memory, by the addresses that the CPU uses now, as an event of the recording."""
        pieces = []
        for virtual, size in _in_pages(address, len(data)):
            physical = self.cpu.translate(virtual)
            # Now: what is once an event is part of every replay.
            if physical is None or not self._writable(physical, size):
                raise MachineError(f"there is no memory at {virtual:#x} to be written")
            pieces.append((physical, data[virtual - address :][:size]))
        for physical, part in pieces:
            self.replay.debug_write(msgpack.packb(["memory", physical, part]))

    def write_register(self, name: str, value: int) -> None:
        """Change a register as an event of the recording."""
        self.replay.debug_write(msgpack.packb(["register", name, value]))

    def _writable(self, address: int, size: int) -> bool:
        return self._mapped_at(address) is not None or len(self.engine.read(address, size)) == size

    def _on_debug_write(self, payload: bytes) -> None:
        what, where, value = msgpack.unpackb(payload)
        if what == "register":
            self.cpu.write_register(where, value)
            return
        mapped = self._mapped_at(where)
        if mapped is None:
            self.engine.write(where, value)
            return
        size = len(value) if len(value) in (1, 2, 4) else 1
        # Nobody is there who could take a bus error.
        with suppress(BusError):
            for at in range(0, len(value), size):
                word = int.from_bytes(value[at : at + size], "little")
                mapped.device.write(where - mapped.base + at, size, word)

    def read_memory(self, address: int, size: int) -> bytes:
        """What the CPU would read, without side effects; shorter where something is not there."""
        found = bytearray()
        for virtual, length in _in_pages(address, size):
            physical = self.cpu.translate(virtual)
            part = b"" if physical is None else self.read_physical(physical, length)
            found += part
            if len(part) < length:
                break
        return bytes(found)

    def read_physical(self, address: int, size: int) -> bytes:
        """Memory and device registers by physical address, without side effects."""
        data = self.engine.read(address, size)
        if data:
            return data
        mapped = self._mapped_at(address)
        if mapped is None:
            return b""
        out = bytearray()
        while len(out) < size and address + len(out) < mapped.base + mapped.size:
            at = address + len(out) - mapped.base
            unit = mapped.device.unit
            width = unit if at % unit == 0 and size - len(out) >= unit else 1
            try:
                word = mapped.device.peek(at & -unit, unit)
                value = word >> (at % unit * 8) & ((1 << 8 * width) - 1)
            except BusError:
                break
            out += value.to_bytes(width, "little")
        return bytes(out)

    # -- state as data -------------------------------------------------------------------

    def save(self) -> State:
        """Everything that is not in RAM or in the engine's registers."""
        return {
            "warp_ns": self.warp_ns,
            "warp_step": self._warp_step,
            "waiting": self.waiting,
            "ended": None if self.ended is None else [self.ended.reason, self.ended.code],
            "reset": self._reset_wanted,
            "cpu": self.cpu.save(),
            "devices": {name: device.save() for name, device in self.devices.items()},
            "semihosting": self.semihosting.save() if self.semihosting is not None else None,
            "replay": self.replay.save(),
        } | (self._save_wanted() if self._wanted else {})

    def _save_wanted(self) -> State:
        return {"wanted": [int(kind) for kind in self._wanted], "exit_code": self._exit_code}

    def load_state(self, state: State) -> None:
        """Become the state that `save` returned; memory and registers come first."""
        self.warp_ns = state["warp_ns"]
        self._warp_step = state["warp_step"]
        self.waiting = state["waiting"]
        self.ended = None if state["ended"] is None else Ended(*state["ended"])
        self._reset_wanted = state["reset"]
        self._wanted = [Kind(kind) for kind in state.get("wanted", ())]
        self._exit_code = state.get("exit_code")
        self.cpu.load(state["cpu"])
        for name, device in self.devices.items():
            device.load(state["devices"][name])
        if self.semihosting is not None:
            self.semihosting.load(state["semihosting"])
        self.replay.load(state["replay"])
        self.agenda.changed()


def _in_pages(address: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut memory at the borders of pages: address and length of each part."""
    end = address + size
    while address < end:
        length = min(end, (address // PAGE + 1) * PAGE) - address
        yield address, length
        address += length


class MachineError(UserError):
    """The machine cannot do what was asked; one sentence."""
