"""The border between the machine and the outside world: QEMU's `replay.h`, with its names.

The machine calls the same methods in all modes. In record they go to the outside world and leave
an event in the log, in play they are answered from the log and checked against it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar

from ttd.recording.config import MachineConfig
from ttd.recording.errors import RecordingError
from ttd.recording.events import Kind, small
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.replay.again import Change
from ttd.replay.block import BlockBackend, BlockDriver, DiskOptions
from ttd.replay.bottom_halves import BottomHalves
from ttd.replay.chars import CharBackend, CharDriver, Echo
from ttd.replay.commits import Commits
from ttd.replay.drivers import Drivers
from ttd.replay.entrance import Entrance
from ttd.replay.errors import Blocked, ReplayError
from ttd.replay.input import InputDriver, InputEvent
from ttd.replay.log_cursor import REQUESTS, Line, LogCursor
from ttd.replay.marks import SnapshotMarks
from ttd.replay.net import Netdev, NetFilter
from ttd.replay.outside import Clocks, HostCalls, RandomBytes
from ttd.replay.requests import DebugWrites, Requests
from ttd.replay.terms import Cause, Checkpoint, Clock, Mode, SnapshotTimer
from ttd.replay.words import EventWords
from ttd.state import State

if TYPE_CHECKING:
    from ttd.engine.mark_row import MarkRow

__all__ = ["Cause", "Checkpoint", "Clock", "Mode", "Replay", "SnapshotTimer", "State"]

# Looking up a member of an enumeration costs as much as the rest of a checkpoint.
_NONE, _PLAY = Mode.NONE, Mode.PLAY
_CLOCK_VIRTUAL = Checkpoint.CLOCK_VIRTUAL
_T = TypeVar("_T")


class Replay:
    """One machine's border. All but `wake`, `*_request`, `*_event`, `CharDriver.be_write` and
    `NetFilter.packet_event` belong to the machine's thread.

    The functions of `replay.h` are methods here; what they do is in the objects that this is made
    of: a `LogCursor` in the log, the `Entrance` of input, and what stands on those two.
    """

    def __init__(self) -> None:
        self._at = LogCursor()
        self._entrance = Entrance(self._at)
        self._commits = Commits(self._at)
        self._at.waiting = self._commits.resting
        self._marks = SnapshotMarks(self._at)
        self._clocks = Clocks(self._at)
        self._host_calls = HostCalls(self._at)
        self._random = RandomBytes(self._at)
        self._bottom_halves = BottomHalves(self._entrance)
        self._debug_writes = DebugWrites(self._entrance)
        self._requests = {kind: Requests(kind, self._entrance) for kind in REQUESTS}
        for kind, requests in self._requests.items():
            self._entrance.add(kind, requests)
        self._entrance.add(Kind.BH, self._bottom_halves)
        self._entrance.add(Kind.DEBUG_WRITE, self._debug_writes)
        self._blockers: list[tuple[str, str]] = []
        self._drivers = Drivers(self._entrance)

    # --- set-up and end

    def configure(
        self,
        mode: Mode,
        recording: Recording | None = None,
        config: MachineConfig | None = None,
        *,
        echo: Echo | None = None,
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        """Choose the mode and the recording. QEMU: `replay_configure`.

        `config` describes this machine; in play it is compared with the recorded one and
        `ConfigMismatch` names both values of what differs. `echo` gets the output of character
        devices in play (device, data). `random` gives bytes from the host in record. This comes
        before devices are registered.
        """
        if mode is not _NONE and recording is None:
            raise ReplayError("recording and replaying need a recording")
        if mode is _PLAY and recording is not None and config is not None:
            config.check(recording.config)
        self._drivers.ears.echo = echo
        self._random.source = random
        self._commits.recording = recording
        self._at.begin(mode, recording)

    def attach(
        self,
        step: Callable[[], int],
        warp_ns: Callable[[], int],
        *,
        warp_step: Callable[[], int] | None = None,
        on_request: Callable[[Kind, int], None] | None = None,
        on_debug_write: Callable[[bytes], None] | None = None,
        on_wake: Callable[[], None] | None = None,
        on_entered: Callable[[], None] | None = None,
        lets_in: Callable[[], bool] | None = None,
    ) -> None:
        """Hand in the machine.

        `step` is the current step, exact inside device callbacks too; `warp_ns` the sum of idle
        warps so far; `warp_step` the step of the last warp (without it the recording is a little
        larger). `on_request` is called at a checkpoint with SHUTDOWN, RESET or SUSPEND and the
        cause, and must do it at once: the next input may follow. `on_debug_write` applies the
        payload of a `debug_write`, in record and in play.
        `on_wake` is called from host threads when there is input: it may end a run early.
        `on_entered` is called after each thing that has entered at a checkpoint, or by
        `debug_write`: what follows from it at once must not depend on what else enters here.
        `lets_in` is asked in record: false where no input may enter, but people's requests.
        """
        self._at.step = step
        self._at.warp_ns = warp_ns
        self._at.warp_step = warp_step
        for requests in self._requests.values():
            requests.on_request = on_request
        self._debug_writes.on_write = on_debug_write
        self._entrance.on_wake = on_wake
        if on_entered is not None:
            self._entrance.on_entered = on_entered
        if lets_in is not None:
            self._entrance.lets_in = lets_in

    def name_exceptions(self, name: Callable[[int], str]) -> None:
        """Say what exceptions and interrupts are called, for messages."""
        self._at.exception = name

    @property
    def words(self) -> EventWords:
        """What tells events of this machine to people."""
        return self._at.words

    def add_blocker(self, device: str, reason: str) -> None:
        """Veto recording. QEMU: `replay_add_blocker`."""
        self._blockers.append((device, reason))

    def check_blockers(self) -> None:
        """Raise `Blocked` with every reason, if there is one: `start` would, but later."""
        if self._blockers:
            reasons = "; ".join(f"{device}: {reason}" for device, reason in self._blockers)
            raise Blocked(f"this machine cannot be recorded: {reasons}")

    def start(
        self,
        snapshots: SnapshotTimer | None = None,
        spent: Callable[[], bool] | None = None,
    ) -> None:
        """Begin: events are enabled, backends read, snapshots armed. QEMU: `replay_start`.

        `snapshots` says at which steps they are due, `spent` is asked often and says if one is due
        all the same. Raises `Blocked` with every reason (record and play), and `ConfigMismatch` if
        in play the devices with a host side are not those of the recording.
        """
        at, recording = self._at, self._commits.recording
        if at.mode is not _NONE:
            self.check_blockers()
        if at.mode is _PLAY:
            at.devices.check(bool(len(at.log)))
        elif recording is not None:
            recording.file.set_devices(at.devices.names)
        at.natives = self._drivers.number_natives()
        self._entrance.enabled = True
        for net in self.filters:
            net.open()
        if at.mode is not _PLAY:
            self._marks.arm(snapshots)
            self._marks.spent = spent
            self._drivers.start()
            self._commits.start(self._entrance.call)

    def finish(
        self,
        reason: str,
        exit_code: int | None = None,
        state_hash: bytes | None = None,
        *,
        commit_disks: bool = False,
    ) -> None:
        """End the session: of a recording too, if it is being made. QEMU: `replay_finish`.

        `reason` is a sentence for people; `state_hash` the machine's at the end of history, None
        if the machine stands in the past. `commit_disks`: put into the images what the guest has
        written; `ReplayError` if that fails.
        """
        try:
            self.finish_line(reason, exit_code, state_hash)
            if commit_disks:
                self._drivers.commit_disks()
        finally:
            self.close()

    def finish_line(self, reason: str, exit_code: int | None, state_hash: bytes | None) -> None:
        """As `finish`, of the line of history that the machine is on only: others may grow."""
        try:
            self._commits.finish(reason, exit_code, state_hash)
        finally:
            self._at.live = False

    def close(self) -> None:
        """Let go of the host: every backend is closed."""
        self._commits.stop()
        self._drivers.close()
        for net in self.filters:
            self.unregister_net(net)

    # --- branches: QEMU has none

    def line(self) -> Line:
        """The line of history that the machine is on; inside of `still`."""
        return self._at.line()

    @contextmanager
    def still(self, lost: Callable[[RecordingError], None]) -> Iterator[None]:
        """Everything is committed, and meanwhile nothing more but by who asks for it. For the
        machine's thread, at a position. `lost` hears why something cannot be committed any more,
        as on a full disk; what is in memory is as good as before."""
        self._commits.stir()
        try:
            try:
                self._commits.commit()
            except RecordingError as error:
                lost(error)
            yield
        finally:
            self._commits.rest()

    def branch_off(
        self,
        recording: Recording,
        snapshots: SnapshotTimer,
        spent: Callable[[], bool],
        random: Callable[[int], bytes],
        changes: Mapping[int, Change],
    ) -> None:
        """Go on from here as a new branch, which has what came before: in RECORD, with a snapshot
        due here. Devices have the host sides that they have, and what the log that is left has to
        come from outside comes again, with `changes` (`Again`). Parameters as for `start`.

        The line of history until now is left (`line`).
        """
        self._at.branch_off(EventLog(recording), changes)
        self._begin_line(recording)
        self._random.source = self._random.source or random
        self._marks.arm(snapshots)
        self._marks.spent = spent
        self._marks.want()

    def turn_to(self, recording: Recording, line: Line) -> None:
        """Be on another line of history, that of `recording`. The caller has got the present one
        (`line`), and then restores (`load`) a place that both have in common."""
        self._at.turn_to(line)
        self._begin_line(recording)
        if line.live:
            self._marks.arm_at(line.frontier[0])

    def _begin_line(self, recording: Recording) -> None:
        self._commits.turn_to(recording)
        self._commits.start(self._entrance.call)

    def hold_input(self, held: bool) -> None:
        """Record: let nothing in from outside (`again.INPUT`) until this is called with False."""
        self._entrance.hold(held)

    @property
    def log_digest(self) -> bytes:
        """Hash of all events up to here."""
        return self._at.digest

    def last_clock(self, kind: Clock) -> int | None:
        """What the guest has read last of a clock of the host; None: nothing."""
        return self._clocks.last(kind)

    # --- where we are

    @property
    def log(self) -> EventLog:
        """All events, over which the machine stands at a cursor."""
        return self._at.log

    @property
    def live(self) -> bool:
        """True while a recording is being made, in its past too."""
        return self._at.live

    @property
    def mode(self) -> Mode:
        """The mode now; a live recording is in PLAY while the machine is in the past."""
        return _PLAY if self._at.playing() else self._at.mode

    @property
    def in_play(self) -> bool:
        """True if what the guest asks for is answered from the log."""
        return self._at.playing()

    @property
    def events_enabled(self) -> bool:
        """QEMU: `replay_events_enabled`."""
        return self._entrance.enabled

    @property
    def sequence(self) -> int:
        """The cursor: sequence number of the next event."""
        return self._at.cursor

    @property
    def end_step(self) -> int:
        """Furthest step of the history known; grows while recording."""
        return self._at.end_step

    @property
    def at_end(self) -> bool:
        """True where a finished recording ends; never in a live one."""
        return self._at.at_end

    def get_current_step(self) -> int:
        """QEMU: `replay_get_current_step`."""
        return self._at.step()

    @property
    def seen(self) -> bool:
        """Record: `note_position` has been called here. What enters belongs to the next step."""
        return self._at.seen

    @property
    def left(self) -> bool:
        """Something has entered at this step after it was seen."""
        return self._at.left

    def leave_position(self) -> bool:
        """Play: the machine goes on from here. True if the log has more for this step, which came
        after somebody had seen this position and may enter at the next checkpoint."""
        return self._at.leave()

    def get_instructions(self) -> int | None:
        """How many steps may run at most before this layer must be asked again.

        Play: up to the next event that enters at a checkpoint or is a mark, or to the end of the
        known history; 0 when that is here. Record: up to the next snapshot, or to input that comes
        again on a branch; None without limit.
        Raises `Divergence` if a logged event was passed. QEMU: `replay_get_instructions`.
        """
        if self._at.playing():
            return self._at.until_stop()
        room, again = self._marks.room(), self._at.again
        to_input = None if again is None else again.room(self._at.step())
        return to_input if room is None else min(room, to_input or room)

    @property
    def exact(self) -> bool:
        """What ends there (`get_instructions`) is at just that step: all but a snapshot that is due
        while recording."""
        return self._at.playing() or self._at.again is not None

    def account_executed_instructions(self) -> None:
        """The machine has run, to the present step: `Divergence` if it passed a logged event.

        QEMU: `replay_account_executed_instructions`, which counts what the engine here counts.
        """
        self._at.check_passed(self._at.step())

    def next_warp(self) -> int | None:
        """Play: the sum of idle warps (ns) that something at this step waits for, else None.

        An idle machine warps to this, or to its next deadline if that is earlier.
        """
        return self._at.next_warp()

    def unmet(self, found: str) -> NoReturn:
        """Raise `Divergence`: the next event is due, and the machine can only do what `found` says.

        For when `get_instructions` says 0 and no checkpoint, interrupt, warp or snapshot helps.
        """
        self._at.diverged(found)

    # --- cross-checks

    def exception(self, number: int) -> None:
        """A synchronous exception is being entered. QEMU: `replay_exception`."""
        self._at.mark(Kind.EXCEPTION, small(number))

    def has_exception(self) -> bool:
        """Play: the log has an exception here. Otherwise True. QEMU: `replay_has_exception`."""
        return self._at.has(Kind.EXCEPTION)

    def interrupt(self, number: int) -> None:
        """An interrupt is being taken. QEMU: `replay_interrupt`.

        Play: it must be the next event, at this step; else `Divergence`.
        """
        self._at.mark(Kind.INTERRUPT, small(number))

    def has_interrupt(self) -> bool:
        """Play: the log has an interrupt here. Otherwise True. QEMU: `replay_has_interrupt`."""
        return self._at.has(Kind.INTERRUPT)

    @property
    def holds_input(self) -> bool:
        """Record: there is input that could not enter yet."""
        return self._entrance.holds_input

    def lend_marks(self, row: MarkRow) -> None:
        """A native core is about to run, which notes in `row` what it takes, and what enters
        devices natively. In play the row has what has to come up to the next event of another kind,
        `get_instructions` counts up to that one, and the core comes back before it takes anything
        that is not in the row."""
        self._at.lend(row)
        self._drivers.lend()

    def take_marks(self) -> None:
        """The native core has come back: what it has noted is in the log, or has been met."""
        self._at.take_back()
        self._drivers.collect()

    def snapshot_due(self) -> bool:
        """True in record when the machine must take a snapshot that is stored."""
        return self._marks.due()

    def want_snapshot(self) -> None:
        """Record: a snapshot is due here."""
        self._marks.want()

    def snapshot_mark(self, state_hash: bytes, index: bytes = b"") -> None:
        """Record: a snapshot is taken here; also arms the next one. Nothing in play.

        `index` is a hash of what is stored of the time since the snapshot before (16 bytes, or
        b"" if nothing is).

        `save` for that snapshot comes first: then its cursor is at the mark, and a machine that
        is restored from it begins by checking itself.
        """
        self._marks.put(state_hash, index)

    def at_snapshot_mark(self) -> bool:
        """Play: the next event says that a snapshot was taken here."""
        return self._marks.here()

    def check_snapshot(self, state_hash: bytes | None) -> None:
        """Play: pass the mark; `Divergence` unless the hash is the recorded one (None: trust)."""
        self._marks.check(state_hash)

    def index_digest(self, sequence: int) -> bytes | None:
        """The digest that the mark with this number in the log has; None: it has no such mark."""
        return self._marks.index_digest(sequence)

    def check_over(self, reason: str) -> None:
        """The machine has come to an end of its own: `Divergence` if history goes on from here."""
        self._at.check_over(reason)

    def check_end(
        self, state_hash: bytes, ended: tuple[str | None, int | None] | None = None
    ) -> None:
        """Where a recording ends, after all of it has been played: `Divergence` unless its events,
        and what is said of its end, are those that were recorded.

        `ended`: reason and exit code of the guest's own end; reason None: it has not come to one.
        """
        self._commits.check_end(state_hash, ended)

    def commit(self) -> None:
        """Record: make permanent what there is, and that history goes up to here."""
        self._commits.commit()

    # --- the outside world, asked by the guest

    def clock(self, kind: Clock, read: Callable[[], int]) -> int:
        """A host clock as the guest sees it. QEMU: `REPLAY_CLOCK`.

        `read` asks the host (record only). Within one step a clock stands still.
        """
        return self._clocks.read(kind, read)

    def host_call(self, tag: str, call: Callable[[], bytes]) -> bytes:
        """The result of something the host does for the guest, such as semihosting.

        `tag`: at most 255 bytes. Errors must be in the result.
        """
        return self._host_calls.call(tag, call)

    def random_bytes(self, count: int) -> bytes:
        """`count` random bytes from the host. QEMU: `replay_save_random`/`replay_read_random`."""
        return self._random.read(count)

    # --- devices with a host side; their names are those of QEMU's ids

    def register_char_driver(self, name: str, backend: CharBackend | None = None) -> CharDriver:
        """A character device with a host side; `backend` is None in play, or for none.

        QEMU: `replay_register_char_driver`.
        """
        return self._drivers.add_char(name, backend)

    @contextmanager
    def heard(self, echo: Echo) -> Iterator[None]:
        """What character devices write in play meanwhile is given to `echo`, in its step."""
        ears = self._drivers.ears
        before, ears.echo, ears.exact = (ears.echo, ears.exact), echo, True
        try:
            yield
        finally:
            ears.echo, ears.exact = before

    def chr_be_write(self, name: str, data: bytes) -> None:
        """Host to guest, from any thread but the machine's. QEMU: `replay_chr_be_write`.

        Waits while 64 KiB are queued.
        """
        self._drivers.char_input(name, data)

    def give_chars(self, name: str, data: bytes) -> None:
        """`chr_be_write` on the machine's thread: `ReplayError` where that would wait, too."""
        self._drivers.char_input(name, data, patient=False)

    def chr_take_back(self, backend: CharBackend) -> bytes:
        """What this backend has brought and the guest has not been given; from any thread."""
        return self._drivers.take_back(backend)

    @property
    def inputs(self) -> Collection[str]:
        """The names of keyboards, mice and tablets."""
        return self._drivers.inputs

    @property
    def disks(self) -> list[BlockDriver]:
        """Every disk, in the order of their registration."""
        return self._drivers.disks

    @property
    def filters(self) -> tuple[NetFilter, ...]:
        """The filters on all netdevs."""
        return tuple(self._drivers.filters.values())

    def register_net(self, netdev: Netdev) -> NetFilter:
        """Put a filter on a netdev, which is what a device then connects to.

        QEMU: `replay_register_net`.
        """
        return self._drivers.add_net(netdev)

    def unregister_net(self, net: NetFilter) -> None:
        """Take a filter off its netdev, which is closed. QEMU: `replay_unregister_net`.

        What has passed the filter stays part of the machine's state.
        """
        self._drivers.remove_net(net)

    def net_packet_event(self, name: str, flags: int, iov: Sequence[bytes]) -> None:
        """A packet in parts has come in, from any thread but the machine's.

        Waits while 256 of them are queued. QEMU: `replay_net_packet_event`.
        """
        self._drivers.packet(name, flags, iov)

    def register_block_driver(
        self, name: str, size: int, backend: BlockBackend | None = None, *, embed: bool = True
    ) -> BlockDriver:
        """A disk, as `DiskOptions` says."""
        options = DiskOptions(name, size, backend, embed)
        return self._drivers.add_disk(options, self.blkreplay_next_id, self.block_event)

    def blkreplay_next_id(self) -> int:
        """A number for a disk request; they count up from 0. QEMU: `blkreplay_next_id`."""
        return self._drivers.block_id()

    def block_event(self) -> None:
        """A disk request is done on the host, and waits in its driver to enter; from any thread.

        QEMU: `replay_block_event`.
        """
        self.wake()

    def register_input_driver(self, name: str) -> InputDriver:
        """An input device: a keyboard, mouse or tablet."""
        return self._drivers.add_input(name)

    def input_event(self, name: str, event: InputEvent) -> bool:
        """Queue an event for a device, from any thread; it is dropped in play.

        False: the guest is so far behind that there is no room. QEMU: `replay_input_event`.
        """
        return self._drivers.input(name, event)

    def input_sync_event(self, name: str) -> bool:
        """End a group of events; as `input_event`. QEMU: `replay_input_sync_event`."""
        return self._drivers.input(name, None)

    def input_groups(self, groups: Mapping[str, Sequence[InputEvent]]) -> bool:
        """Queue whole groups of events, one for each of some devices, from any thread.

        All or nothing: False if there is no room. Raises `ReplayError` in play.
        """
        return self._drivers.input_groups(groups)

    # --- what enters at checkpoints

    def checkpoint(self, kind: Checkpoint) -> bool:
        """The machine's loop is at the place `kind`. QEMU: `replay_checkpoint`.

        CLOCK_VIRTUAL is where input enters: in record what the host has queued is logged at this
        step and delivered, in play what the log has at this step is delivered. CLOCK_WARP_START
        returns True: that a machine begins to sleep follows from the step. All others are logged;
        in play they return True only if they are the next event, here. CLOCK_HOST and
        CLOCK_VIRTUAL_RT come, in record, only when a timer of that clock is due,
        CLOCK_WARP_ACCOUNT only when time in which nothing ran has to become a step of its own.
        """
        if kind is _CLOCK_VIRTUAL:
            self._entrance.flush()
            if self._commits.wanted:
                self._commits.commit()
            return True
        return self._at.checkpoint(kind)

    def arrive(self) -> None:
        """Play: as at CLOCK_VIRTUAL, what the log has at this step is delivered, and nothing else.

        A live recording that has caught up with the last of it, or with nothing, is in RECORD from
        now on, but what the host has belongs to the way on: this position has been seen.
        """
        self._entrance.flush(known=True)
        if self._commits.wanted:
            self._commits.commit()

    def disable_events(self) -> None:
        """Let in what can enter, then nothing more; bottom halves run at once.

        What is done meanwhile must leave a mark in the log if it changes the machine (a logged
        checkpoint, a snapshot): it tells play which events came before and which after. In the
        middle of a delivery (a reset is one) nothing more is let in. QEMU:
        `replay_disable_events`.
        """
        self._entrance.flush()
        self._entrance.enabled = False

    def enable_events(self) -> None:
        """QEMU: `replay_enable_events`."""
        self._entrance.enabled = True

    def shutdown_request(self, cause: Cause) -> None:
        """Ask for a shutdown, from any thread. QEMU: `replay_shutdown_request`."""
        self._requests[Kind.SHUTDOWN].ask(cause)

    def reset_request(self, cause: Cause) -> None:
        """Ask for a reset, from any thread."""
        self._requests[Kind.RESET].ask(cause)

    def suspend_request(self, cause: Cause) -> None:
        """Ask for suspension, from any thread."""
        self._requests[Kind.SUSPEND].ask(cause)

    def shutdown_now(self) -> None:
        """The debugger shuts the machine down at the position that it sees. As `debug_write`."""
        self._change(self._requests[Kind.SHUTDOWN].ask_now, Cause.DEBUGGER)

    def suspend_now(self) -> None:
        """The debugger suspends the machine at the position that it sees. As `debug_write`."""
        self._change(self._requests[Kind.SUSPEND].ask_now, Cause.DEBUGGER)

    def register_bh(self, name: str, handler: Callable[[bytes], None]) -> None:
        """Say what runs for the bottom halves of `name`."""
        self._bottom_halves.register(name, handler)

    def bh_schedule_event(self, name: str, argument: bytes = b"") -> None:
        """Run `name`'s handler once at the next checkpoint, however often it is asked for before.

        QEMU: `replay_bh_schedule_event`.
        """
        self._bottom_halves.schedule(name, argument)

    def bh_schedule_oneshot_event(self, name: str, argument: bytes = b"") -> None:
        """Run `name`'s handler at the next checkpoint, once for each time this is called.

        QEMU: `replay_bh_schedule_oneshot_event`.
        """
        self._bottom_halves.schedule_oneshot(name, argument)

    def debug_write(self, payload: bytes) -> None:
        """The debugger changes the machine: logged and applied here. Record only.

        In play it raises `ReplayError`: the past is read-only.
        """
        self._change(self._debug_writes.write, payload)

    def _change(self, change: Callable[[_T], None], what: _T) -> None:
        self._commits.stir()
        change(what)
        self._commits.rest()

    # --- waiting, state

    def wake(self) -> None:
        """End a `wait` that is under way, from any thread."""
        self._entrance.wake()

    def hurry(self) -> bool:
        """Record: the machine waits, and has no deadline. On a branch the next input that came in
        the other future comes now; False if there is none."""
        return self._entrance.hurry()

    def wait(self, timeout: float) -> bool:
        """Sleep until the host has new input or `wake` is called, `timeout` seconds at most.

        For an idle machine in record. True if woken.
        """
        self._commits.rest()
        try:
            return self._entrance.wait(timeout)
        finally:
            self._commits.stir()

    def run_begins(self) -> None:
        """The machine's thread leaves the position at which it has been."""
        self._commits.stir()

    def run_ends(self) -> None:
        """The machine's thread is at a position, in the hands of somebody who looks at it.

        What is known by now is history, and committed soon, even if nothing happens any more.
        """
        self._commits.rest()

    def note_position(self) -> None:
        """Somebody sees the machine here: what this position is does not change any more.

        Except by that somebody's own changes. Input that enters at this step from now on enters
        on the way to the next one.
        """
        self._at.look()

    def save(self) -> State:
        """What of this layer is part of the machine's state.

        The same at the same place in record and in play, so it may be hashed.
        """
        return {
            "sequence": self._at.save(),
            "clocks": self._clocks.save(),
            "bh": self._bottom_halves.save(),
            "block_id": self._drivers.next_block_id,
            "devices": self._entrance.save(),
            "requests": {kind.name: asked.save() for kind, asked in self._requests.items()},
        }

    def load(self, state: State) -> None:
        """Stand where `save` was called. A live recording is in PLAY until it has caught up.

        `note_position` must have been called at the place that is left.
        """
        self._at.load(state["sequence"])
        self._clocks.load(state["clocks"])
        self._bottom_halves.load(state["bh"])
        self._drivers.next_block_id = state["block_id"]
        self._entrance.load(state["devices"])
        for kind, asked in self._requests.items():
            asked.load(state["requests"][kind.name])


def written_by(state: State) -> dict[str, int]:
    """How much each character device had been given to write where `Replay.save` was called."""
    before = f"{Kind.CHAR_READ.name} "
    return {
        name.removeprefix(before): source[0]
        for name, source in state["devices"].items()
        if name.startswith(before)
    }
