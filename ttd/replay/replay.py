"""The border between the machine and the outside world: QEMU's `replay.h`, with its names.

The machine calls the same methods in all modes. In record they go to the outside world and leave
an event in the log, in play they are answered from the log and checked against it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum, IntEnum
from typing import Any, NoReturn

from ttd.replay.block import BlockBackend, BlockDriver
from ttd.replay.chars import CharBackend, CharDriver
from ttd.replay.config import MachineConfig, check_devices
from ttd.replay.errors import Blocked, Divergence, RecordingError, ReplayError
from ttd.replay.events import Event, Kind, describe, number, small, to_number, to_small
from ttd.replay.input import InputDriver, InputEvent
from ttd.replay.log import EventLog
from ttd.replay.net import Netdev, NetFilter
from ttd.replay.recording import Recording
from ttd.replay.sources import BottomHalves, DebugWrites, Requests, Source
from ttd.replay.varint import varint

State = dict[str, Any]
"""str keys; values are int, bool, str, bytes, None, or lists and dicts of these."""

SnapshotTimer = Callable[[int], int]
"""Given the step of the snapshot just taken (or of the start): the step of the next one."""


class Mode(Enum):
    """What the border does."""

    NONE = "none"
    RECORD = "record"
    PLAY = "play"


class Clock(IntEnum):
    """Clocks of the host that a guest can read; values are what the device makes of them."""

    HOST = Kind.CLOCK_HOST
    """Wall-clock time."""
    VIRTUAL_RT = Kind.CLOCK_VIRTUAL_RT
    """Host time that has passed while the machine ran."""


class Checkpoint(IntEnum):
    """The places in the machine's loop; QEMU's `ReplayCheckpoint`. Numbers are in the file."""

    CLOCK_WARP_START = 0
    CLOCK_WARP_ACCOUNT = 1
    RESET_REQUESTED = 2
    SUSPEND_REQUESTED = 3
    CLOCK_VIRTUAL = 4
    CLOCK_HOST = 5
    CLOCK_VIRTUAL_RT = 6
    INIT = 7
    RESET = 8


class Cause(IntEnum):
    """Who asked for a shutdown, reset or suspend. Numbers are in the file."""

    GUEST = 0
    """The guest, through a device."""
    GUEST_PANIC = 1
    """The guest cannot go on (lockup)."""
    HOST = 2
    """The person at the keyboard, or a signal."""
    DEBUGGER = 3

    @property
    def by_guest(self) -> bool:
        """True if the request follows from what the guest did."""
        return self in (Cause.GUEST, Cause.GUEST_PANIC)


_LOGGED_CHECKPOINTS = (
    Checkpoint.RESET_REQUESTED,
    Checkpoint.SUSPEND_REQUESTED,
    Checkpoint.CLOCK_HOST,
    Checkpoint.CLOCK_VIRTUAL_RT,
    Checkpoint.INIT,
    Checkpoint.RESET,
)
_REQUESTS = (Kind.SHUTDOWN, Kind.RESET, Kind.SUSPEND)
_WITH_DEVICE = (Kind.CHAR_READ, Kind.NET, Kind.BLOCK, Kind.INPUT, Kind.INPUT_SYNC)
_ASYNC = (*_REQUESTS, *_WITH_DEVICE, Kind.DEBUG_WRITE, Kind.BH)
"""Kinds that enter at a checkpoint."""
_STOPS = (*_ASYNC, Kind.WARP, Kind.SNAPSHOT, Kind.CHECKPOINT, Kind.INTERRUPT, Kind.END)
"""Kinds at whose step the machine must not be in the middle of a run of instructions."""
# Looking up a member of an enumeration costs as much as the rest of a checkpoint.
_NONE, _RECORD, _PLAY = Mode.NONE, Mode.RECORD, Mode.PLAY
_CLOCK_VIRTUAL = Checkpoint.CLOCK_VIRTUAL
_MOST_DEVICES = 256
_COMMIT_SECONDS = 0.4
_COMMIT_BYTES = 1 << 19


class Replay:
    """One machine's border. All but `wake`, `*_request`, `CharDriver.be_write` and
    `NetFilter.packet_event` belong to the machine's thread.

    Over one `EventLog`, in which it stands at a *cursor*: the sequence number of the next event.
    A recording that is being made is *live*: `load` of an earlier state makes the mode PLAY, and
    when the machine is back at the furthest place it has been, the mode is RECORD again. A
    finished recording is PLAY throughout, and `at_end` tells when it is over.
    """

    def __init__(self) -> None:
        self._mode = _NONE
        self._config: MachineConfig | None = None
        self._step: Callable[[], int] = lambda: 0
        self._warp_ns: Callable[[], int] = lambda: 0
        self._warp_step: Callable[[], int] | None = None
        self._random: Callable[[int], bytes] | None = None
        self._echo: Callable[[str, bytes], None] | None = None
        self._recording: Recording | None = None
        self.log = EventLog()
        self.live = False
        self._cursor = 0
        self._next: Event | None = None
        self._frontier = (0, 0)
        self._stop = (-1, 0)
        self._marked_warp: tuple[int, int] | None = None
        self._blockers: list[tuple[str, str]] = []
        self._devices: list[str] = []
        self._recorded_devices: list[str] | None = None
        self._drivers: list[CharDriver] = []
        self.disks: list[BlockDriver] = []
        """Every disk, in the order of their registration."""
        self._inputs: dict[str, InputDriver] = {}
        self._next_block_id = 0
        self._filters: list[NetFilter] = []
        self._sources: dict[tuple[Kind, str], Source] = {}
        self._clocks: dict[Clock, tuple[int | None, int]] = {c: (None, -1) for c in Clock}
        self._events_enabled = False
        self._timer: SnapshotTimer | None = None
        self._snapshot_due: int | None = None
        self._last_commit = 0.0
        self._on_wake: Callable[[], None] | None = None
        self._wake = threading.Event()
        self._input = False
        self._delivering = False
        self._requests = {kind: Requests(kind, self.wake) for kind in _REQUESTS}
        self._debug_writes = DebugWrites()
        self._bottom_halves = BottomHalves()
        for kind, requests in self._requests.items():
            self._sources[kind, ""] = requests
        self._sources[Kind.BH, ""] = self._bottom_halves
        self._sources[Kind.DEBUG_WRITE, ""] = self._debug_writes

    # --- set-up and end

    def configure(
        self,
        mode: Mode,
        recording: Recording | None = None,
        config: MachineConfig | None = None,
        *,
        echo: Callable[[str, bytes], None] | None = None,
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        """Choose the mode and the recording. QEMU: `replay_configure`.

        `config` describes this machine; in play it is compared with the recorded one and
        `ConfigMismatch` names both values of what differs. `echo` gets the output of character
        devices in play (device, data). `random` gives bytes from the host in record.
        """
        if mode is not _NONE and recording is None:
            raise ReplayError("recording and replaying need a recording")
        if mode is _PLAY and recording is not None:
            if config is not None:
                config.check(recording.config)
            self._recorded_devices = recording.devices
            self._frontier = (recording.status.steps, recording.status.warp_ns)
        self._mode = mode
        self._recording = recording
        self._config = config
        self._echo = echo
        self._random = random
        self.live = mode is _RECORD
        self.log = EventLog(recording)
        self._go_to(0)

    def attach(
        self,
        step: Callable[[], int],
        warp_ns: Callable[[], int],
        *,
        warp_step: Callable[[], int] | None = None,
        on_request: Callable[[Kind, int], None] | None = None,
        on_debug_write: Callable[[bytes], None] | None = None,
        on_wake: Callable[[], None] | None = None,
    ) -> None:
        """Hand in the machine.

        `step` is the current step, exact inside device callbacks too; `warp_ns` the sum of idle
        warps so far; `warp_step` the step of the last warp (without it the recording is a little
        larger). `on_request` is called at a checkpoint with SHUTDOWN, RESET or SUSPEND and the
        cause, and must do it at once: the next input may follow. `on_debug_write` applies the
        payload of a `debug_write`, in record and in play.
        `on_wake` is called from host threads when there is input: it may end a run early.
        """
        self._step = step
        self._warp_ns = warp_ns
        self._warp_step = warp_step
        for requests in self._requests.values():
            requests.on_request = on_request
        self._debug_writes.on_write = on_debug_write
        self._on_wake = on_wake

    def add_blocker(self, device: str, reason: str) -> None:
        """Veto recording. QEMU: `replay_add_blocker`."""
        self._blockers.append((device, reason))

    def check_blockers(self) -> None:
        """Raise `Blocked` with every reason, if there is one: `start` would, but later."""
        if self._blockers:
            reasons = "; ".join(f"{device}: {reason}" for device, reason in self._blockers)
            raise Blocked(f"this machine cannot be recorded: {reasons}")

    def start(self, snapshots: SnapshotTimer | None = None) -> None:
        """Begin: events are enabled, backends read, snapshots armed. QEMU: `replay_start`.

        Raises `Blocked` with every reason (record and play), and `ConfigMismatch` if in play the
        devices with a host side are not those of the recording.
        """
        if self._mode is not _NONE:
            self.check_blockers()
        if self._recorded_devices is not None:
            # A recorder that was killed before its first commit has not named any.
            if self._recorded_devices or len(self.log):
                check_devices(self._recorded_devices, self._devices)
        elif self._recording is not None:
            self._recording.set_devices(self._devices)
        self._events_enabled = True
        if self._mode is not _PLAY:
            self._timer = snapshots
            if snapshots is not None:
                self._snapshot_due = snapshots(self._step())
            for driver in self._drivers:
                if driver.backend is not None:
                    driver.backend.start(driver.be_write)
            for net in self._filters:
                net.start()

    def finish(
        self, reason: str, exit_code: int | None = None, state_hash: bytes | None = None
    ) -> None:
        """End the session: of a recording too, if it is being made. QEMU: `replay_finish`.

        `reason` is a sentence for people; `state_hash` the machine's at the end of history, None
        if the machine stands in the past.
        """
        try:
            if self._recording is not None and self.live:
                self._note_frontier()
                step = self._frontier[0]
                self.log.append(Event(step, Kind.END, reason.encode()))
                self._save_progress()
                self._recording.finish(reason, exit_code, state_hash)
        finally:
            self.live = False
            self.close()

    def close(self) -> None:
        """Let go of the host: every backend is closed."""
        for driver in self._drivers:
            driver.close()
        for disk in self.disks:
            disk.close()
        for net in self._filters:
            net.close()

    # --- where we are

    @property
    def mode(self) -> Mode:
        """The mode now; a live recording is in PLAY while the machine is in the past."""
        if self._mode is _PLAY:
            self._playing()
        return self._mode

    @property
    def in_play(self) -> bool:
        """True if what the guest asks for is answered from the log."""
        return self._mode is _PLAY and self._playing()

    @property
    def events_enabled(self) -> bool:
        """QEMU: `replay_events_enabled`."""
        return self._events_enabled

    @property
    def sequence(self) -> int:
        """The cursor: sequence number of the next event."""
        return self._cursor

    @property
    def end_step(self) -> int:
        """Furthest step of the history known; grows while recording."""
        if self._mode is _RECORD:
            self._note_frontier()
        return self._frontier[0]

    @property
    def at_end(self) -> bool:
        """True where a finished recording ends; never in a live one."""
        if self._mode is not _PLAY or self.live or not self._at_frontier():
            return False
        return self._next is None or self._next.kind is Kind.END

    def get_current_step(self) -> int:
        """QEMU: `replay_get_current_step`."""
        return self._step()

    def get_instructions(self) -> int | None:
        """How many steps may run at most before this layer must be asked again.

        Play: up to the next event that enters at a checkpoint or is a mark, or to the end of the
        known history; 0 when that is here. Record: up to the next snapshot; None without limit.
        Raises `Divergence` if a logged event was passed. QEMU: `replay_get_instructions`.
        """
        step = self._step()
        if not self._playing():
            return None if self._snapshot_due is None else max(0, self._snapshot_due - step)
        self.check_passed(step)
        if self._stop[0] < self._cursor:
            self._stop = self._find_stop()
        return max(0, self._stop[1] - step)

    def next_warp(self) -> int | None:
        """Play: the sum of idle warps (ns) that something at this step waits for, else None.

        An idle machine warps to this, or to its next deadline if that is earlier.
        """
        if not self._playing():
            return None
        head = self._next
        if head is None or head.kind is Kind.END:
            step, warp = self._frontier
            return warp if step == self._step() and warp > self._warp_ns() else None
        if head.kind is Kind.WARP and head.step == self._step():
            return to_number(head.payload)
        return None

    def check_passed(self, step: int) -> None:
        """Play: raise `Divergence` if an event before `step` has not been met."""
        head = self._next
        if head is not None and head.step < step and self._playing():
            raise Divergence(step, describe(head), "that the machine went on without it")

    def unmet(self, found: str) -> NoReturn:
        """Raise `Divergence`: the next event is due but the machine cannot meet it.

        For a machine to which `get_instructions` still says 0 when neither a checkpoint nor an
        interrupt, a warp or a snapshot gets it further; `found` says what it is doing.
        """
        raise Divergence(self._step(), self._expected(), found)

    # --- cross-checks

    def exception(self, number_: int) -> None:
        """A synchronous exception is being entered. QEMU: `replay_exception`."""
        self._mark(Kind.EXCEPTION, small(number_))

    def has_exception(self) -> bool:
        """Play: the log has an exception here. Otherwise True. QEMU: `replay_has_exception`."""
        return self._has(Kind.EXCEPTION)

    def interrupt(self, number_: int) -> None:
        """An interrupt is being taken. QEMU: `replay_interrupt`.

        Play: it must be the next event, at this step; else `Divergence`.
        """
        self._mark(Kind.INTERRUPT, small(number_))

    def has_interrupt(self) -> bool:
        """Play: the log has an interrupt here. Otherwise True. QEMU: `replay_has_interrupt`."""
        return self._has(Kind.INTERRUPT)

    def snapshot_due(self) -> bool:
        """True in record when the machine must take a snapshot that is stored."""
        return (
            self._snapshot_due is not None
            and self._step() >= self._snapshot_due
            and not self._playing()
        )

    def snapshot_mark(self, state_hash: bytes) -> None:
        """Record: a snapshot is taken here; also arms the next one. Nothing in play.

        `save` for that snapshot comes first: then its cursor is at the mark, and a machine that
        is restored from it begins by checking itself.
        """
        if self._mode is _NONE or self._playing():
            return
        self._append(Kind.SNAPSHOT, state_hash)
        if self._timer is not None:
            self._snapshot_due = self._timer(self._step())

    def at_snapshot_mark(self) -> bool:
        """Play: the next event says that a snapshot was taken here."""
        return self._playing() and self._has(Kind.SNAPSHOT)

    def check_snapshot(self, state_hash: bytes | None) -> None:
        """Play: pass the mark; `Divergence` unless the hash is the recorded one (None: trust)."""
        head = self._take(Kind.SNAPSHOT, "a snapshot")
        if state_hash is not None and head.payload != state_hash:
            raise Divergence(head.step, f"state {head.payload.hex()}", f"state {state_hash.hex()}")

    def check_end(self, state_hash: bytes) -> None:
        """At the end of a finished recording: `Divergence` unless the final state is the same."""
        recorded = None if self._recording is None else self._recording.status.state_hash
        if recorded is not None and recorded != state_hash:
            raise Divergence(
                self._step(), f"final state {recorded.hex()}", f"state {state_hash.hex()}"
            )

    # --- the outside world, asked by the guest

    def clock(self, kind: Clock, read: Callable[[], int]) -> int:
        """A host clock as the guest sees it. QEMU: `REPLAY_CLOCK`.

        `read` asks the host (record only). Within one step a clock stands still. Only values that
        differ from the last one are logged; in play the last one holds until then.
        """
        if self._mode is _NONE:
            return read()
        step = self._step()
        value, when = self._clocks[kind]
        if value is not None and when == step:
            return value
        log_kind = Kind(kind)
        if self._playing():
            head = self._next
            if head is not None and head.kind is log_kind and head.step == step:
                self._go_to(self._cursor + 1)
                value = to_number(head.payload)
            elif value is None:
                raise Divergence(step, self._expected(), f"a first read of the {kind.name} clock")
        else:
            new = read()
            if new != value:
                self._append(log_kind, number(new))
            value = new
        self._clocks[kind] = (value, step)
        return value

    def host_call(self, tag: str, call: Callable[[], bytes]) -> bytes:
        """The result of something the host does for the guest, such as semihosting.

        Record: `call` runs and its result is logged. Play: the logged result; `Divergence` if the
        log has none with this tag (at most 255 bytes) here. Errors must be in the result.
        """
        name = tag.encode()
        head = bytes((len(name),)) + name
        if self._mode is _NONE:
            return call()
        if not self._playing():
            result = call()
            self._append(Kind.HOST_CALL, head + result)
            return result
        event = self._take(Kind.HOST_CALL, f"host call {tag}")
        if not event.payload.startswith(head):
            recorded = event.payload[1 : 1 + event.payload[0]].decode(errors="replace")
            raise Divergence(event.step, f"host call {recorded}", f"host call {tag}")
        return event.payload[len(head) :]

    def random_bytes(self, count: int) -> bytes:
        """`count` random bytes from the host. QEMU: `replay_save_random`/`replay_read_random`."""
        if not self._playing():
            if self._random is None:
                raise ReplayError("no source of random bytes was configured")
            data = self._random(count)
            if self._mode is _RECORD:
                self._append(Kind.RANDOM, data)
            return data
        event = self._take(Kind.RANDOM, f"a read of {count} random bytes")
        if len(event.payload) != count:
            raise Divergence(event.step, f"{len(event.payload)} random bytes", f"a read of {count}")
        return event.payload

    # --- character devices

    def register_char_driver(self, name: str, backend: CharBackend | None = None) -> CharDriver:
        """A character device with a host side; `backend` is None in play, or for none.

        QEMU: `replay_register_char_driver`; ids are by name.
        """
        driver = CharDriver(self, name, backend)
        self.register_source(Kind.CHAR_READ, name, driver)
        self._drivers.append(driver)
        return driver

    def chr_be_write(self, name: str, data: bytes) -> None:
        """Host to guest, from any thread but the machine's. QEMU: `replay_chr_be_write`.

        Waits while 64 KiB are queued.
        """
        for driver in self._drivers:
            if driver.name == name:
                driver.be_write(data)
                return
        raise ReplayError(f"there is no character device {name}")

    def char_write(self, driver: CharDriver, data: bytes, offset: int) -> int:
        """For `CharDriver.write`; `offset` counts the bytes the guest has written before."""
        if not self._playing():
            result = len(data) if driver.backend is None else driver.backend.write(data)
            if result != len(data) and self._mode is _RECORD:
                payload = self._device(driver.name) + number(offset) + number(result)
                self._append(Kind.CHAR_WRITE, payload)
            return result
        if self._echo is not None:
            self._echo(driver.name, data)
        head = self._next
        mark = self._device(driver.name) + number(offset)
        if (
            head is not None
            and head.step == self._step()
            and head.kind is Kind.CHAR_WRITE
            and head.payload.startswith(mark)
        ):
            self._go_to(self._cursor + 1)
            return to_number(head.payload[len(mark) :])
        return len(data)

    def char_read_all(self, driver: CharDriver, count: int) -> bytes:
        """For `CharDriver.read_all`. QEMU: `replay_char_read_all_load/save_buf/save_error`."""
        device = self._device(driver.name)
        if not self._playing():
            try:
                data = b"" if driver.backend is None else driver.backend.read_all(count)
            except OSError as error:
                if self._mode is _RECORD:
                    self._append(Kind.CHAR_READ_ALL_ERROR, device + small(error.errno or 0))
                raise
            if self._mode is _RECORD:
                self._append(Kind.CHAR_READ_ALL, device + data)
            return data
        event = self._take((Kind.CHAR_READ_ALL, Kind.CHAR_READ_ALL_ERROR), "a read")
        if not event.payload.startswith(device):
            raise Divergence(event.step, describe(event), f"a read from {driver.name}")
        if event.kind is Kind.CHAR_READ_ALL_ERROR:
            errno = to_small(event.payload[1:])
            raise OSError(errno, "the recorded read failed")
        return event.payload[1:]

    # --- networks

    @property
    def filters(self) -> tuple[NetFilter, ...]:
        """The filters on all netdevs."""
        return tuple(self._filters)

    def register_net(self, netdev: Netdev) -> NetFilter:
        """Put a filter on a netdev, which is what a device then connects to.

        QEMU: `replay_register_net`; ids are by name.
        """
        net = NetFilter(self, netdev)
        self.register_source(Kind.NET, netdev.name, net)
        self._filters.append(net)
        return net

    def unregister_net(self, net: NetFilter) -> None:
        """Take a filter off its netdev again, which is closed. QEMU: `replay_unregister_net`."""
        self.unregister_source(Kind.NET, net.name)
        self._filters.remove(net)
        net.close()

    def net_packet_event(self, name: str, flags: int, iov: Sequence[bytes]) -> None:
        """A packet in parts has come in, from any thread but the machine's.

        Waits while 256 of them are queued. QEMU: `replay_net_packet_event`.
        """
        for net in self._filters:
            if net.name == name:
                net.packet_event(flags, iov)
                return
        raise ReplayError(f"there is no netdev {name}")

    def net_sent(self, name: str, checksum: int, size: int) -> bool:
        """For `NetFilter.send`: the guest sends a packet; True if it is to go out.

        Record: it is logged, not its contents, which a replay makes anew. Play: `Divergence`
        unless it is the next event, here.
        """
        payload = self._device(name) + checksum.to_bytes(4, "little") + varint(size)
        if not self._playing():
            if self._mode is _RECORD:
                self._append(Kind.NET_TX, payload)
            return True
        event = self._take(Kind.NET_TX, f"a packet of {size} bytes sent to {name}")
        if event.payload != payload:
            found = Event(event.step, Kind.NET_TX, payload)
            raise Divergence(event.step, describe(event), describe(found))
        return False

    # --- disks

    def register_block_driver(
        self, name: str, size: int, backend: BlockBackend | None = None, *, embed: bool = True
    ) -> BlockDriver:
        """A disk of `size` bytes. `backend` is its image: None in play, if the recording has what
        was read (`embed`)."""
        driver = BlockDriver(self, name, size, backend, embed)
        self.register_source(Kind.BLOCK, name, driver)
        self.disks.append(driver)
        return driver

    def blkreplay_next_id(self) -> int:
        """A number for a disk request; they count up from 0. QEMU: `blkreplay_next_id`."""
        number = self._next_block_id
        self._next_block_id += 1
        return number

    def block_event(self) -> None:
        """A disk request is done on the host, and waits in its driver to enter; from any thread.

        QEMU: `replay_block_event`.
        """
        self.wake()

    # --- keyboards, mice, tablets

    def register_input_driver(self, name: str) -> InputDriver:
        """An input device."""
        driver = InputDriver(name)
        self.register_source(Kind.INPUT, name, driver.events)
        self.register_source(Kind.INPUT_SYNC, name, driver.syncs)
        self._inputs[name] = driver
        return driver

    def input_event(self, name: str, event: InputEvent) -> bool:
        """Queue an event for a device, from any thread; it is dropped in play.

        False: the guest is so far behind that there is no room. QEMU: `replay_input_event`.
        """
        return self._put_input(name, event)

    def input_sync_event(self, name: str) -> bool:
        """End a group of events; as `input_event`. QEMU: `replay_input_sync_event`."""
        return self._put_input(name, None)

    def _put_input(self, name: str, event: InputEvent | None) -> bool:
        if self._mode is _PLAY:
            return True
        taken = self._inputs[name].put(event)
        self.wake()
        return taken

    # --- what enters at checkpoints

    def register_source(self, kind: Kind, name: str, source: Source) -> None:
        """Add an origin of asynchronous events of `kind` for the device `name`.

        QEMU: `replay_register_net` and others.
        """
        if kind not in _WITH_DEVICE:
            raise ReplayError(f"events of kind {kind.name} do not belong to a device")
        if (kind, name) in self._sources:
            raise ReplayError(f"the device {name} is registered twice")
        if name not in self._devices:
            self._devices.append(name)
        if len(self._devices) > _MOST_DEVICES:
            raise ReplayError(f"more than {_MOST_DEVICES} devices with a host side")
        self._sources[kind, name] = source

    def unregister_source(self, kind: Kind, name: str) -> None:
        """Take it out again. QEMU: `replay_unregister_net`."""
        del self._sources[kind, name]
        if not any(name == other for _, other in self._sources):
            self._devices.remove(name)

    def checkpoint(self, kind: Checkpoint) -> bool:
        """The machine's loop is at the place `kind`. QEMU: `replay_checkpoint`.

        CLOCK_VIRTUAL is where input enters: in record what the host has queued is logged at this
        step and delivered, in play what the log has at this step is delivered. CLOCK_WARP_START
        and CLOCK_WARP_ACCOUNT return True: their place follows from the step. All others are
        logged; in play they return True only if they are the next event, here. CLOCK_HOST and
        CLOCK_VIRTUAL_RT come, in record, only when a timer of that clock is due.
        """
        if kind is _CLOCK_VIRTUAL:
            self._flush_events()
            if self._mode is _RECORD:
                self._commit_if_due()
            return True
        return kind not in _LOGGED_CHECKPOINTS or self._logged_checkpoint(kind)

    def disable_events(self) -> None:
        """Let in what can enter, then nothing more; bottom halves run at once.

        What is done meanwhile must leave a mark in the log if it changes the machine (a logged
        checkpoint, a snapshot): it tells play which events came before and which after. In the
        middle of a delivery (a reset is one) nothing more is let in. QEMU:
        `replay_disable_events`.
        """
        self._flush_events()
        self._events_enabled = False

    def enable_events(self) -> None:
        """QEMU: `replay_enable_events`."""
        self._events_enabled = True

    def shutdown_request(self, cause: Cause) -> None:
        """Ask for a shutdown, from any thread. QEMU: `replay_shutdown_request`."""
        self._request(Kind.SHUTDOWN, cause)

    def reset_request(self, cause: Cause) -> None:
        """Ask for a reset, from any thread."""
        self._request(Kind.RESET, cause)

    def suspend_request(self, cause: Cause) -> None:
        """Ask for suspension, from any thread."""
        self._request(Kind.SUSPEND, cause)

    def register_bh(self, name: str, handler: Callable[[bytes], None]) -> None:
        """Say what runs for the bottom halves of `name`."""
        self._bottom_halves.register(name, handler)

    def bh_schedule_event(self, name: str, argument: bytes = b"") -> None:
        """Run `name`'s handler once at the next checkpoint, however often it is asked for before.

        QEMU: `replay_bh_schedule_event`.
        """
        if not (self._events_enabled and self._bottom_halves.is_pending(name, argument)):
            self.bh_schedule_oneshot_event(name, argument)

    def bh_schedule_oneshot_event(self, name: str, argument: bytes = b"") -> None:
        """Run `name`'s handler at the next checkpoint, once for each time this is called.

        QEMU: `replay_bh_schedule_oneshot_event`.
        """
        if self._events_enabled:
            self._bottom_halves.schedule(name, argument)
            self._input = True
            if self._on_wake is not None:
                self._on_wake()
        else:
            self._bottom_halves.run_now(name, argument)

    def debug_write(self, payload: bytes) -> None:
        """The debugger changes the machine: logged and applied here. Record only.

        In play it raises `ReplayError`: the past is read-only.
        """
        if self._playing():
            raise ReplayError("the past cannot be changed: go to the end of the live recording")
        self._enter(Kind.DEBUG_WRITE, "", self._debug_writes, payload)

    # --- waiting, state

    def wake(self) -> None:
        """End a `wait` that is under way, from any thread."""
        self._input = True
        self._wake.set()
        if self._on_wake is not None:
            self._on_wake()

    def wait(self, timeout: float) -> bool:
        """Sleep until the host has new input or `wake` is called, `timeout` seconds at most.

        For an idle machine in record. True if woken. Commits what has been recorded first.
        """
        if self._mode is _RECORD and self._uncommitted():
            self._save_progress()
        return self._wake.wait(timeout)

    def note_position(self) -> None:
        """The machine stops here: in record, history up to this step is now known to somebody.

        Input that enters after a visit to the past must not enter before this place.
        """
        if self._mode is _RECORD:
            self._note_frontier()

    def save(self) -> State:
        """What of this layer is part of the machine's state.

        The same at the same place in record and in play, so it may be hashed.
        """
        if self._mode is _RECORD:
            self._note_frontier()
            # So that a snapshot's mark, which follows, is met when the warps are the same.
            self._mark_warp()
        return {
            "sequence": self._cursor,
            "clocks": {c.name: list(self._clocks[c]) for c in Clock},
            "bh": self._bottom_halves.save(),
            "block_id": self._next_block_id,
            "devices": {
                f"{kind.name} {name}": source.save()
                for (kind, name), source in self._sources.items()
                if name
            },
        }

    def load(self, state: State) -> None:
        """Stand where `save` was called. A live recording is in PLAY until it has caught up.

        `note_position` must have been called at the place that is left.
        """
        if self._mode is _RECORD:
            self._note_frontier()
            self._mode = _PLAY
        self._go_to(state["sequence"])
        self._stop = (-1, 0)
        self._input = True
        self._marked_warp = None
        self._clocks = {c: (state["clocks"][c.name][0], state["clocks"][c.name][1]) for c in Clock}
        self._bottom_halves.load(state["bh"])
        self._next_block_id = state["block_id"]
        for (kind, name), source in self._sources.items():
            if name:
                source.load(state["devices"][f"{kind.name} {name}"])

    # --- inside

    def _playing(self) -> bool:
        """True in play; a live recording that has caught up becomes RECORD here."""
        if self._mode is not _PLAY:
            return False
        if self.live and self._next is None and self._at_frontier():
            self._mode = _RECORD
            return False
        return True

    def _at_frontier(self) -> bool:
        return (self._step(), self._warp_ns()) >= self._frontier

    def _note_frontier(self) -> None:
        self._frontier = max(self._frontier, (self._step(), self._warp_ns()))

    def _find_stop(self) -> tuple[int, int]:
        """Play: number and step of the next event to stop for; or of the end of history."""
        end = self._frontier[0]
        head = self._next
        if head is not None and head.kind in _STOPS:
            return self._cursor, min(head.step, end)
        found = self.log.next_of(_STOPS, self._cursor)
        return (len(self.log), end) if found is None else (found[0], min(found[1].step, end))

    def _go_to(self, sequence: int) -> None:
        self._cursor = sequence
        self._next = self.log.get(sequence)

    def _device(self, name: str) -> bytes:
        """How events name a device: its place in the recording's list."""
        known = self._devices if self._recorded_devices is None else self._recorded_devices
        return bytes((known.index(name),))

    def _expected(self) -> str:
        head = self._next
        return "the end of the recording" if head is None else describe(head)

    def _has(self, kind: Kind) -> bool:
        if not self._playing():
            return True
        head = self._next
        return head is not None and head.kind is kind and head.step == self._step()

    def _take(self, kinds: Kind | tuple[Kind, ...], found: str) -> Event:
        """Play: consume the next event, which must be one of `kinds`, here."""
        head = self._next
        wanted = (kinds,) if isinstance(kinds, Kind) else kinds
        if head is None or head.kind not in wanted or head.step != self._step():
            raise Divergence(self._step(), self._expected(), found)
        self._go_to(self._cursor + 1)
        return head

    def _append(self, kind: Kind, payload: bytes) -> None:
        self.log.append(Event(self._step(), kind, payload))
        self._cursor = len(self.log)

    def _mark(self, kind: Kind, payload: bytes) -> None:
        if self._mode is _NONE:
            return
        if not self._playing():
            self._append(kind, payload)
            return
        found = f"{kind.name.lower()} {to_small(payload)}"
        if self._take(kind, found).payload != payload:
            self._go_to(self._cursor - 1)
            raise Divergence(self._step(), self._expected(), found)

    def _logged_checkpoint(self, kind: Checkpoint) -> bool:
        payload = small(kind)
        if not self._playing():
            if self._mode is _RECORD:
                self._mark_warp()
                self._append(Kind.CHECKPOINT, payload)
            return True
        head = self._next
        here = (
            head is not None
            and head.kind is Kind.CHECKPOINT
            and head.step == self._step()
            and head.payload == payload
        )
        if here:
            self._go_to(self._cursor + 1)
        return here

    def _request(self, kind: Kind, cause: Cause) -> None:
        # In play requests come from the log. One by the host waits until a live recording has
        # caught up; one by the guest is in the log, or will be made again there.
        if self._mode is _PLAY and (cause.by_guest or not self.live) and self._playing():
            return
        self._requests[kind].put(cause)

    def _flush_events(self) -> None:
        if not self._events_enabled or self._delivering:
            return
        self._delivering = True
        try:
            if self._mode is _PLAY and self._playing():
                step = self._step()
                self.check_passed(step)
                self._deliver_logged(step)
            if self._input and not self._playing():
                self._drain()
        finally:
            self._delivering = False

    def _drain(self) -> None:
        """Record: let in everything that the host has and the devices can take."""
        self._wake.clear()
        self._input = False
        entered = True
        while entered:
            # Again, because one delivery may make room for another: the end of a group of input
            # events lets in the next group.
            entered = False
            for (kind, name), source in self._sources.items():
                while (payload := source.take()) is not None:
                    self._enter(kind, name, source, payload)
                    entered = True
        for source in self._sources.values():
            if source.waiting:
                self._input = True

    def _enter(self, kind: Kind, name: str, source: Source, payload: bytes) -> None:
        if self._mode is _RECORD:
            self._mark_warp()
            self._append(kind, self._device(name) + payload if name else payload)
        source.deliver(payload)

    def _mark_warp(self) -> None:
        """Say at which idle warp the next event enters, if the step alone does not tell."""
        now = (self._step(), self._warp_ns())
        if self._warp_step is not None and self._warp_step() != now[0]:
            return
        if self._warp_step is None and now[1] == (self._marked_warp or (0, 0))[1]:
            return
        if now != self._marked_warp:
            self._append(Kind.WARP, number(now[1]))
            self._marked_warp = now

    def _deliver_logged(self, step: int) -> None:
        """Play: let in what the log has at this step."""
        while (head := self._next) is not None and head.step == step:
            kind = head.kind
            if kind is Kind.WARP:
                target, warp = to_number(head.payload), self._warp_ns()
                if warp > target:
                    raise Divergence(step, f"an idle warp to {target} ns", f"{warp} ns")
                if warp < target:
                    return
                self._go_to(self._cursor + 1)
                continue
            if kind not in _ASYNC:
                return
            name, payload = self._split(head)
            source = self._sources.get((kind, name))
            if source is None:
                raise RecordingError(f"the recording has {describe(head)}, for no device")
            if kind is Kind.BH and source.take() != payload:
                raise Divergence(step, describe(head), "that it is not pending")
            self._go_to(self._cursor + 1)
            source.deliver(payload)

    def _split(self, event: Event) -> tuple[str, bytes]:
        """Device (or "") and the rest of the payload."""
        if event.kind not in _WITH_DEVICE:
            return "", event.payload
        known = self._devices if self._recorded_devices is None else self._recorded_devices
        if not event.payload or event.payload[0] >= len(known):
            raise RecordingError(f"the recording has {describe(event)}, for no device")
        return known[event.payload[0]], event.payload[1:]

    def _commit_if_due(self) -> None:
        now = time.monotonic()
        if now - self._last_commit >= _COMMIT_SECONDS or self._uncommitted() >= _COMMIT_BYTES:
            self._save_progress()

    def _uncommitted(self) -> int:
        stored = 0 if self._recording is None else self._recording.uncommitted_bytes
        return stored + self.log.pending_bytes

    def _save_progress(self) -> None:
        """Commit everything recorded so far, and how far that is."""
        if self._recording is not None and self.live:
            self._note_frontier()
            self._last_commit = time.monotonic()
            step, warp = self._frontier
            clock_ns = self._recording.config.clock_ns
            self._recording.commit(step, step * clock_ns + warp, warp)
