"""A board brought to life: engine, CPU model, devices and replay layer, and the one run loop.

Recording, replaying, stepping and searching are this loop with other limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import msgpack

from ttd.boards.base import Board, MappedDevice, Wiring
from ttd.bus.bus import Bus, MachineError
from ttd.bus.clockwork import Clockwork
from ttd.bus.dma import DmaPort
from ttd.bus.pace import Pace
from ttd.bus.virtual import SPACE, in_pages
from ttd.contents import Contents
from ttd.cpu.base import After, CoreWiring, Cpu, Over
from ttd.cpu.models import CPUS
from ttd.devices.base import InterruptController
from ttd.devices.chars import CharFront
from ttd.devices.net import Nic
from ttd.engine import Engine, EngineFault, EngineStop, StopReason
from ttd.engine.types import WatchHit
from ttd.images import Load
from ttd.loader import Start, check_fits, start_of
from ttd.recording.events import Event, Kind, small
from ttd.replay.errors import NoInputYet, NotYet
from ttd.replay.replay import Cause, Checkpoint, Mode, Replay
from ttd.runs import (
    Ended,
    Interruption,
    Onlooker,
    RunEnd,
    RunStop,
    SemihostingCalls,
    SnapshotKeeper,
)
from ttd.state import State

RECORD_SLICE = 50_000_000
"""Steps after which a recording machine looks at the host at the latest, to commit."""
HELD_SLICE = 500_000
"""The same while there is input that no device could take: it may have room by now, for it makes
that natively."""
LOOSE = 4096
"""Steps by which a run that need not end exactly may go further, at most: a block has fewer."""
IDLE_SECONDS = 0.2
"""Seconds after which an idle recording machine looks at the host at the latest."""
STATE_VERSION = 7
"""Changes whenever `Machine.save` gives other data, or the loop another run, for a machine."""
_ENTRIES = (StopReason.PENDING, StopReason.RAISED)
_HITS = (StopReason.BREAKPOINT, StopReason.WATCH, StopReason.RANGE)


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
        exact_interrupts: bool = False,
        nic: Nic | None = None,
        host_ns: Callable[[], int] = lambda: 0,
        extras: Callable[[Wiring], list[MappedDevice]] = lambda wiring: [],
    ) -> None:
        """`extras` makes the devices that the user has added to the board.

        `exact_interrupts`: what is due is noticed at once, and not behind a branch.

        `host_ns` is the host's wall-clock time as the guest sees it.
        """
        self.board = board
        self.replay = replay
        self.ended: Ended | None = None
        self.keeper: SnapshotKeeper | None = None
        self.semihosting: SemihostingCalls | None = None
        self.realtime = False
        """Record: idle time takes as long as on the real machine."""
        self.onlooker: Onlooker | None = None
        """Record: who looks whether the guest gets anywhere."""
        self.on_arrival: Callable[[], None] | None = None
        """Play: called where the run loop is in Python, at each position as it is seen there, and
        where it goes on from one (`beyond`)."""
        self._pace = Pace()
        self.suspended = False
        """Record: nothing runs until `wake_up`. Not part of the state: in play nobody waits."""
        self.interruption = Interruption()
        self._interruptible = self._exact = True
        self._reset_wanted = False
        self._late_hit: WatchHit | None = None
        """What has ended the run, if it was a watched access that no instruction made."""
        self._wanted: list[Kind] = []
        """SHUTDOWN and SUSPEND that a device has asked for in this run."""
        self._exit_code: int | None = None
        """The guest's, if a device has asked for SHUTDOWN."""
        self._start: Start | None = None
        self.loads: tuple[Load, ...] = ()
        model = CPUS[board.cpu]
        self.engine = Engine(model.isa)
        if exact_interrupts:
            self.engine.notice_at_once()
        self.clock = clock = Clockwork(self.engine, replay, clock_ns)
        self.bus = Bus(self.engine, clock)
        for region in board.regions:
            self.engine.map_ram(
                region.base,
                region.size,
                writable=region.writable,
                on_store=None
                if region.stores_to is None
                else self.bus.flash_store(region.stores_to),
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
                priority_bits=board.priority_bits,
                semihosting=semihosting,
                on_reset_request=self._want_reset,
            )
        )
        wiring = Wiring(
            clock=clock,
            irq=self.cpu.set_line,
            native_irq=self.cpu.native_line,
            nmi=self.cpu.set_nmi,
            reset=self._want_reset,
            shutdown=self._want_shutdown,
            suspend=lambda: self._want(Kind.SUSPEND),
            char=chars.__getitem__,
            dma=partial(DmaPort, self.engine),
            nic=nic or Nic(),
            host_ns=host_ns,
            native=self.engine.native,
            random=replay.random_bytes,
            input=replay.register_input_driver,
        )
        on_board = board.build_devices(wiring)
        if board.irq_controller is not None:
            controller = next(m.device for m in on_board if m.device.name == board.irq_controller)
            assert isinstance(controller, InterruptController)
            wiring = replace(wiring, irq=controller.set_line, native_irq=controller.native_line)
        on_board = [*on_board, *extras(wiring)]
        self._on_board = [mapped.device for mapped in on_board]
        inside = [MappedDevice(*unit) for unit in self.cpu.mapped_devices()]
        self.bus.connect([*inside, *on_board], board.regions, board.bit_bands)
        self.devices = self.bus.devices
        clock.watch(self.devices.values())
        self.engine.start()
        replay.attach(
            lambda: self.engine.step,
            lambda: clock.warp_ns,
            warp_step=lambda: clock.warp_step,
            on_request=self._on_request,
            on_debug_write=self._on_debug_write,
            on_wake=self.engine.request_stop,
            on_entered=self._on_entered,
            lets_in=lambda: self.engine.follows_branch,
        )

    @property
    def waiting(self) -> bool:
        """The CPU waits for something to wake it."""
        return self.engine.time.waiting  # type: ignore[no-any-return]

    @waiting.setter
    def waiting(self, waits: bool) -> None:
        self.engine.time.waiting = waits

    # -- time, and what devices ask for --------------------------------------------------

    @property
    def virtual_ns(self) -> int:
        """Virtual time in ns, exact inside device callbacks too."""
        return self.clock.now()

    def _want_reset(self) -> None:
        self._reset_wanted = True
        self.engine.stop_after_access()

    def _want(self, request: Kind) -> None:
        self._wanted.append(request)
        self.engine.stop_after_access()

    def _want_shutdown(self, code: int | None) -> None:
        self._exit_code = code
        self._want(Kind.SHUTDOWN)

    # -- image, reset --------------------------------------------------------------------

    def load(self, loads: Sequence[Load]) -> None:
        """Put images into memory; `reset` then starts the machine with them."""
        for load in loads:
            check_fits(load.image, self.board)
        self._start = start_of(loads, self.board)
        self.loads = tuple(loads)
        for region in self.board.regions:
            if region.fill:
                self.engine.write(region.base, bytes([region.fill]) * region.size)
        self._fill_memory()

    def _fill_memory(self) -> None:
        for load in self.loads:
            for start, end in load.image.zeros:
                region = self.board.region_at(start)
                if region is not None:
                    self._put(start, bytes(min(end - start, region.size)))
            for segment in load.image.segments:
                self._put(segment.address, segment.data)

    def _put(self, address: int, data: bytes) -> None:
        """Part of an image, as far as there is memory; it goes to ROM, too."""
        try:
            self.engine.store(address, data, "reset")
        except EngineFault:
            self.engine.write(address, data)

    def reset(self) -> None:
        """Hardware reset: CPU and devices; memory keeps its contents, unless the board reloads."""
        if self.board.reloads:
            self._fill_memory()
        for device in self._on_board:
            device.reset()
        self.cpu.reset()
        self.engine.follows_branch = True
        self.waiting = False
        self.clock.rearm()
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
        """Make the present or the next `run` come back soon with INTERRUPTED; from any thread."""
        self.interruption.ask()
        self.engine.request_stop()
        self.replay.wake()

    def wake_up(self) -> None:
        """End a suspension; from any thread."""
        self.suspended = False
        self.replay.wake()

    def run(
        self, limit: int | None = None, *, interruptible: bool = True, exact: bool = True
    ) -> RunStop:
        """Run until step `limit` (None: without limit), or until something else ends it. Not
        `exact`: until then, or a little later, where it costs less to stop.

        With `interruptible` False nobody's interruption does, which only ever is for short ways.
        At the position where it comes back, timers that are due have fired and inputs of that
        step are in; a pending interrupt is not taken yet.
        """
        host_time = None if self.replay.in_play else self.clock.host_time
        if host_time is not None:
            host_time.resume()
        self.replay.run_begins()
        self._interruptible, self._exact = interruptible, exact
        try:
            stop = self._run(limit)
        finally:
            if host_time is not None:
                host_time.pause()
        self.replay.run_ends()
        return stop

    def _run(self, limit: int | None) -> RunStop:
        replay = self.replay
        while True:
            end = self._settle(limit)
            if end is not None:
                return RunStop(end, self.engine.step, self.engine.pc, self._late_hit)
            if self.engine.has_core:
                stop = self._go(limit)
            else:
                number = self.cpu.pending()
                if number is not None:
                    self._enter(number)
                    continue
                stop = self._execute(limit)
            replay.account_executed_instructions()
            if self.onlooker is not None:
                self.onlooker.ran()
            if stop.reason in _HITS and self.beyond and not replay.in_play:
                # What has been hit is in front of the machine still, at the next position.
                self._idle_step()
                continue
            if stop.reason is StopReason.BREAKPOINT:
                return RunStop(RunEnd.BREAKPOINT, self.engine.step, stop.pc)
            if stop.reason is StopReason.RANGE:
                return RunStop(RunEnd.RANGE, self.engine.step, stop.pc)
            if stop.reason is StopReason.WATCH:
                return RunStop(RunEnd.WATCH, self.engine.step, stop.pc, stop.watch)
            self._deal_with(stop)

    def _enter(self, number: int) -> None:
        """Take an exception: one step. In play only where the log has it."""
        replay = self.replay
        asynchronous = self.cpu.is_asynchronous(number)
        if not replay.in_play:
            self.engine.exceptions.note(number, asynchronous)
        if asynchronous:
            if not replay.has_interrupt():
                replay.unmet(self._described(Kind.INTERRUPT, number))
            replay.interrupt(number)
        else:
            if not replay.has_exception():
                replay.unmet(self._described(Kind.EXCEPTION, number))
            replay.exception(number)
        self._act_in(self.engine.step)
        self.cpu.enter(number)
        self.engine.step += 1
        self.engine.follows_branch = True

    def _described(self, kind: Kind, number: int) -> str:
        return self.replay.words.describe(Event(self.engine.step, kind, small(number)))

    def _act_in(self, step: int) -> None:
        """What the machine now does beside running instructions belongs to this step."""
        if self.engine.watches:
            self.engine.outside_step(max(step, 0))

    def _settle(self, limit: int | None) -> RunEnd | None:
        """Let in what is due at this step, and stop here if it is a position to stop at.

        None if the machine may go on.
        """
        replay = self.replay
        self._late_hit = None
        while True:
            # What somebody has seen stays as it is until the machine goes on from there.
            seen = replay.seen
            if not seen:
                self._let_in()
                if self._hit_late():
                    if self._is_position():
                        return RunEnd.WATCH
                    continue
                seen = replay.seen  # where a live recording has caught up
            if self.on_arrival is not None:
                self.on_arrival()
            if not self.beyond:
                end = self._end_here(limit)
                if end is not None:
                    return end
            if seen:
                self._let_in()
                if self._hit_late():
                    if self._is_position():
                        return RunEnd.WATCH
                    continue
            if self._goes_on():
                return None

    @property
    def beyond(self) -> bool:
        """The machine is on its way from this position to the next one: it sleeps, or something
        has entered that the position is without. Nobody may look at it here."""
        return self.clock.warp_step == self.engine.step or self.replay.left

    def _let_in(self) -> None:
        """What is due at this step, or has come from outside."""
        replay, clock, step = self.replay, self.clock, self.engine.step
        known = replay.in_play
        while True:
            # Here the step before comes to an end, unless the way from this position has begun.
            self._act_in(step if self.beyond or replay.seen else step - 1)
            clock.fire()
            if clock.over and self.ended is None:
                self._end("the end of virtual time, 146 years, was reached", None, Cause.GUEST)
            if self._reset_wanted:
                self._reset_wanted = False
                replay.reset_request(Cause.GUEST)
            if self._wanted:
                self._serve_wanted()
            if not known:
                replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)
            elif replay.in_play:
                replay.arrive()
            # Before anything can end the run here: what is seen at a position does not depend on
            # whether the machine goes on from it.
            self._wake()
            if known and not replay.in_play:
                return  # Caught up: what enters now is after the position, which has been seen.
            fired = clock.fire_host_timer() if clock.host_timed else None
            if fired is not None:
                self.suspended &= not fired.wakes
                continue
            if self.keeper is None or not replay.at_snapshot_mark():
                break
            self._keep(self.keeper.check)
        if self.keeper is None or self.beyond:
            return
        if replay.at_end:
            self.keeper.check_end()
        elif not replay.seen and replay.snapshot_due():
            self._keep(self.keeper.take)

    def _wake(self) -> None:
        if self.waiting and self.cpu.wake():
            self.waiting = False
            self.clock.host_time_passed()

    def _keep(self, snapshot: Callable[[], None]) -> None:
        self.replay.disable_events()
        snapshot()
        self.replay.enable_events()

    def _on_entered(self) -> None:
        """Something has entered: what follows from it at once comes before the next."""
        self.clock.fire()
        self._wake()

    def _hit_late(self) -> bool:
        """Something that is watched has been accessed by no instruction."""
        if self.engine.watches:
            self._late_hit = self._late_hit or self.engine.take_late_hit()
        return self._late_hit is not None

    def _is_position(self) -> bool:
        """History can end here. False, in record, where the machine was on its way to the next
        position: that comes now, and there is more to let in."""
        if self.replay.in_play or not self.beyond:
            return True
        self._idle_step()
        return False

    def _end_here(self, limit: int | None) -> RunEnd | None:
        """Why the run ends at this position, if it does."""
        if self.interruption.asked and self._interruptible:
            self.interruption.answer()
            return RunEnd.INTERRUPTED
        if self.ended is not None:
            self.replay.check_over(self.ended.reason)
            return RunEnd.ENDED
        if limit is not None and self.engine.step >= limit:
            return RunEnd.LIMIT
        if self.engine.out_of_bounds:
            # Here, not after an interrupt or a sleep that the position begins with.
            return RunEnd.RANGE
        if self.replay.at_end:
            return RunEnd.HISTORY_END
        return None

    def _goes_on(self) -> bool:
        """Go on from this position; False if more is to enter before anything can run."""
        replay = self.replay
        if replay.in_play:
            if replay.leave_position():
                return False
            if replay.checkpoint(Checkpoint.CLOCK_WARP_ACCOUNT):
                self._pass_step()
                return False
        elif self.beyond and (self.interruption.asked or self.ended is not None):
            self._idle_step()
            return False
        elif self.suspended:
            self._rest()
            return False
        if not self.waiting:
            return True
        if self.beyond and self.keeper is not None and replay.snapshot_due():
            # A long sleep, with much to do in it: there must be places in it to start from.
            self._idle_step()
        else:
            self._idle()
        return False

    def _idle_step(self) -> None:
        """Record: somebody is to see the machine between two positions, so that becomes one: a
        step in which nothing runs."""
        self.replay.checkpoint(Checkpoint.CLOCK_WARP_ACCOUNT)
        self._pass_step()

    def _pass_step(self) -> None:
        """A step in which nothing runs: behind it is what was behind the one before."""
        follows = self.engine.follows_branch
        self.engine.step += 1
        self.engine.follows_branch = follows

    def _serve_wanted(self) -> None:
        wanted, self._wanted = self._wanted, []
        for kind in wanted:
            if kind is Kind.SHUTDOWN:
                self.replay.shutdown_request(Cause.GUEST)
            else:
                self.replay.suspend_request(Cause.GUEST)

    def _idle(self) -> None:
        """The CPU waits: let virtual time pass."""
        replay, clock = self.replay, self.clock
        deadline = clock.agenda.first()
        target = None if deadline is None else clock.warp_ns + deadline - clock.now()
        wanted = replay.next_warp()
        if wanted is not None and (target is None or wanted < target):
            target = wanted
        if target is not None and target > clock.warp_ns:
            replay.checkpoint(Checkpoint.CLOCK_WARP_START)
            if self.realtime and not replay.in_play:
                target = self._sleep(target)
            clock.warp(target)
        elif replay.mode is Mode.PLAY:
            replay.unmet("a machine that waits for an interrupt")
        elif not replay.hurry():
            self._rest()

    def _rest(self) -> None:
        """Record: until somebody wakes the machine."""
        if self.onlooker is not None and not self.clock.waits_for_host:
            self.onlooker.asleep()
        self.replay.wait(self.clock.host_wait(IDLE_SECONDS))

    def _sleep(self, target: int) -> int:
        """Let the host's time pass until the idle warp `target`, or until there is input.

        Returns the warp that has been reached.
        """
        clock = self.clock
        assert clock.host_time is not None
        return clock.warp_ns + self._pace.sleep(
            target - clock.warp_ns,
            clock.now(),
            clock.host_time.running_ns,
            lambda seconds: self.replay.wait(min(seconds, clock.host_wait(IDLE_SECONDS))),
        )

    def _budget(self, limit: int | None) -> tuple[int, bool]:
        """How many steps may run before there is something else to do here, and whether that is at
        just that step."""
        room = self.replay.get_instructions()
        if room == 0:
            self.replay.unmet("an ordinary instruction")
        most = HELD_SLICE if self.replay.holds_input else RECORD_SLICE
        budget, exact = most, False
        if limit is not None and limit - self.engine.step <= budget:
            budget, exact = limit - self.engine.step, self._exact
        if room is None:
            return budget, exact
        if self.replay.exact and room - budget < LOOSE:
            exact = True
        return min(budget, room), exact

    def _execute(self, limit: int | None) -> EngineStop:
        budget, exact = self._budget(limit)
        self.clock.tell_due()
        return self.engine.run(budget, exact=exact)

    def _go(self, limit: int | None) -> EngineStop:
        """As `_execute`, by a native core, which takes exceptions and sleeps, too."""
        engine, replay = self.engine, self.replay
        replay.lend_marks(engine.marks)
        try:
            budget, exact = self._budget(limit)
            realtime = self.realtime and not replay.in_play
            engine.time.tells_waits = self.clock.waits_matter or realtime
            self.clock.tell_due()
            return engine.go(engine.step + budget, exact=exact)
        finally:
            replay.take_marks()

    def _deal_with(self, stop: EngineStop) -> None:
        if stop.reason in _ENTRIES:
            number = self.cpu.pending()
            assert number is not None
            self._enter(number)
            return
        if stop.reason is StopReason.UNMET:
            self.replay.unmet("an ordinary instruction")
        if stop.reason in (StopReason.BUDGET, StopReason.REQUEST, StopReason.MASKS):
            return
        self._act_in(self.engine.step - 1)
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
            self.engine.follows_branch = True
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
        self._act_in(self.engine.step)
        try:
            ended = self.semihosting.call()
        except NotYet as wait:
            if self.onlooker is not None and isinstance(wait, NoInputYet):
                self.onlooker.reading()
            return  # the call has not begun: it is made again, unless something else comes first
        self.clock.host_time_passed()
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
            self.clock.host_time_passed()
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
        if address + len(data) > SPACE:
            raise MachineError(f"there is no memory at {address:#x} to be written")
        for virtual, size in in_pages(address, len(data)):
            physical = self.cpu.translate(virtual)
            # Now: what is once an event is part of every replay.
            if physical is None or not self.bus.writable(physical, size):
                raise MachineError(f"there is no memory at {virtual:#x} to be written")
            pieces.append((physical, data[virtual - address :][:size]))
        for physical, part in pieces:
            self.replay.debug_write(msgpack.packb(["memory", physical, part]))

    def write_register(self, name: str, value: int) -> None:
        """Change a register as an event of the recording."""
        # A number of msgpack has 64 bits at most.
        data = value if value < 1 << 64 else value.to_bytes(-(-value.bit_length() // 8), "little")
        self.replay.debug_write(msgpack.packb(["register", name, data]))

    def _on_debug_write(self, payload: bytes) -> None:
        what, where, value = msgpack.unpackb(payload)
        if what == "register":
            wide = isinstance(value, bytes)
            self.cpu.write_register(where, int.from_bytes(value, "little") if wide else value)
        else:
            self.bus.poke(where, value)

    @property
    def records(self) -> bool:
        """At the end of a live recording, where it goes on."""
        return self.replay.mode is Mode.RECORD and self.ended is None

    def read_memory(self, address: int, size: int) -> bytes:
        """What the CPU would read, without side effects; shorter where something is not there."""
        found = bytearray()
        for virtual, length in in_pages(address, size):
            physical = self.cpu.translate(virtual)
            part = b"" if physical is None else self.bus.peek(physical, length)
            found += part
            if len(part) < length:
                break
        return bytes(found)

    # -- state as data -------------------------------------------------------------------

    def contents(self) -> list[Contents]:
        """What of the state is kept in pages beside RAM: of disks, then of devices."""
        found = [disk.disk for disk in self.replay.disks]
        return found + [part for device in self.devices.values() for part in device.contents()]

    def save(self) -> State:
        """Everything that is not in RAM, in `contents` or in the engine's registers."""
        return {
            "follows_branch": self.engine.follows_branch,
            "warp_ns": self.clock.warp_ns,
            "warp_step": self.clock.warp_step,
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
        """Become the state that `save` returned; memory, registers and the step come first."""
        self.engine.follows_branch = state["follows_branch"]
        self.clock.warp_ns = state["warp_ns"]
        self.clock.warp_step = state["warp_step"]
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
        self.clock.rearm()
