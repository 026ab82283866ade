"""The rows of the border one by one: what each method does in each mode, and what it refuses."""

import threading
import time
from collections.abc import Callable

import pytest

from ttd.recording.config import MachineConfig
from ttd.recording.errors import ConfigMismatch
from ttd.recording.events import Event, Kind
from ttd.recording.recording import Recording
from ttd.replay.chars import CharDriver
from ttd.replay.errors import Blocked, Divergence, ReplayError
from ttd.replay.replay import Replay
from ttd.replay.terms import Cause, Checkpoint, Clock, Mode

CONFIG = MachineConfig("mps2-an385", "cortex-m3", 40, {"fw": b"\1" * 16}, {"semihosting": False})


class Place:
    """Where a machine would be."""

    def __init__(self) -> None:
        self.step = 0
        self.warp = 0


class Backend:
    def __init__(self, *results: int) -> None:
        self.results = list(results)
        self.written: list[bytes] = []
        self.closed = False

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self.on_input = on_input

    def write(self, data: bytes) -> int:
        self.written.append(data)
        return self.results.pop(0) if self.results else len(data)

    def room(self) -> int:
        return 0

    def put(self, data: bytes) -> None:
        self.write(data)

    def read_all(self, count: int) -> bytes:
        raise OSError(5, "no")

    def close(self) -> None:
        self.closed = True


class Rig:
    """A border, a place, one serial line with a FIFO of `room` bytes."""

    def __init__(self, mode: Mode, recording: Recording | None, backend: Backend | None) -> None:
        self.at = Place()
        self.replay = Replay()
        self.echoed: list[tuple[str, bytes]] = []
        self.requests: list[tuple[Kind, int]] = []
        self.debug: list[bytes] = []
        self.replay.configure(
            mode,
            recording,
            echo=lambda name, data: self.echoed.append((name, data)),
            random=lambda count: b"r" * count,
        )
        self.called = threading.Event()
        self.replay.attach(
            lambda: self.at.step,
            lambda: self.at.warp,
            on_request=lambda kind, cause: self.requests.append((kind, cause)),
            on_debug_write=self.debug.append,
            on_wake=self.called.set,
        )
        self.room = 1
        self.got = bytearray()
        self.uart: CharDriver = self.replay.register_char_driver("uart0", backend)
        self.uart.connect(self._receive, lambda: self.room)

    def _receive(self, data: bytes) -> None:
        self.got += data
        self.room -= len(data)

    def checkpoint(self) -> None:
        self.replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)


@pytest.fixture
def recording() -> Recording:
    return Recording.create(None, CONFIG)


@pytest.fixture
def rig(recording: Recording) -> Rig:
    rig = Rig(Mode.RECORD, recording, Backend())
    rig.replay.start()
    return rig


def play(recording: Recording) -> Rig:
    recording.finish("done") if recording.writable else None
    rig = Rig(Mode.PLAY, recording, None)
    rig.replay.start()
    return rig


def finish(rig: Rig, step: int) -> None:
    rig.at.step = step
    rig.replay.finish("done", 0)


def events(rig: Rig) -> list[Event]:
    return [event for _, event in rig.replay.log.select()]


# --- set-up


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (MachineConfig("virt", "cortex-m3", 40, CONFIG.images), ("board", "mps2-an385", "virt")),
        (MachineConfig("mps2-an385", "m4", 40, CONFIG.images), ("CPU", "cortex-m3", "m4")),
        (MachineConfig("mps2-an385", "cortex-m3", 20, CONFIG.images), ("40 ns", "20 ns")),
        (MachineConfig("mps2-an385", "cortex-m3", 40, {"fw": b"\2" * 16}), ("0101", "0202")),
        (MachineConfig("mps2-an385", "cortex-m3", 40, {"x": b""}), ("images", "fw", "x")),
        (
            MachineConfig("mps2-an385", "cortex-m3", 40, CONFIG.images, {"semihosting": True}),
            ("semihosting", "False", "True"),
        ),
    ],
)
def test_another_machine_is_refused_naming_both_values(
    other: MachineConfig, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigMismatch) as error:
        other.check(CONFIG)
    assert all(word in str(error.value) for word in words)
    CONFIG.check(CONFIG)


def test_missing_extra_and_turned_devices_are_refused(recording: Recording) -> None:
    """Events name devices by their numbers, so in another order input would enter at another."""
    rig = Rig(Mode.RECORD, recording, None)
    rig.replay.register_char_driver("uart1")
    rig.replay.start()
    rig.uart.be_write(b"a")
    rig.checkpoint()
    finish(rig, 1)
    missing = Rig(Mode.PLAY, recording, None)
    with pytest.raises(ConfigMismatch, match=r"has uart0, uart1, this machine uart0$"):
        missing.replay.start()
    extra = Rig(Mode.PLAY, recording, None)
    extra.replay.register_char_driver("uart1")
    extra.replay.register_char_driver("uart2")
    with pytest.raises(ConfigMismatch, match="uart2"):
        extra.replay.start()
    turned = Replay()
    turned.register_char_driver("uart1")
    turned.register_char_driver("uart0")
    turned.configure(Mode.PLAY, recording)
    with pytest.raises(ConfigMismatch, match=r"has uart0, uart1, this machine uart1, uart0$"):
        turned.start()


def test_start_lists_every_blocker(recording: Recording) -> None:
    rig = Rig(Mode.RECORD, recording, None)
    rig.replay.add_blocker("net0", "its backend has no filter-replay")
    rig.replay.add_blocker("gpu", "it asks the host for pixels")
    with pytest.raises(Blocked, match=r"net0: its backend .*; gpu: it asks"):
        rig.replay.start()
    assert not rig.replay.events_enabled


def test_none_passes_everything_through() -> None:
    backend = Backend(1)
    rig = Rig(Mode.NONE, None, backend)
    rig.replay.start()
    assert rig.uart.write(b"abc") == 1
    rig.uart.be_write(b"xy")
    rig.checkpoint()
    rig.room = 1
    rig.checkpoint()
    assert bytes(rig.got) == b"xy"
    assert rig.replay.clock(Clock.HOST, lambda: 5) == 5
    assert rig.replay.host_call("t", lambda: b"r") == b"r"
    rig.replay.interrupt(15)
    rig.replay.snapshot_mark(b"")
    assert len(rig.replay.log) == 0
    assert rig.replay.get_instructions() is None
    rig.replay.finish("done")
    assert backend.closed


# --- characters


def test_input_waits_for_room_and_is_logged_where_it_is_delivered(
    rig: Rig, recording: Recording
) -> None:
    rig.uart.be_write(b"abc")
    for step in (10, 20, 30, 40):
        rig.at.step = step
        rig.checkpoint()
        if step >= 20:
            rig.room = 2
    assert bytes(rig.got) == b"abc"
    assert [(e.step, e.payload) for e in events(rig)] == [(10, b"\0a"), (30, b"\0bc")]
    finish(rig, 50)
    played = play(recording)
    assert played.replay.get_instructions() == 10
    played.at.step = 10
    played.checkpoint()
    assert bytes(played.got) == b"a"
    assert played.replay.get_instructions() == 20


def test_input_holds_up_the_host_when_the_guest_is_behind(rig: Rig) -> None:
    rig.uart.be_write(bytes(1 << 16))
    thread = threading.Thread(target=rig.uart.be_write, args=(b"more",), daemon=True)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    rig.room = 100
    rig.checkpoint()
    thread.join(60)
    assert not thread.is_alive()


def test_partial_and_failing_writes_come_back(recording: Recording) -> None:
    backend = Backend(3, 1, -11, 2)
    rig = Rig(Mode.RECORD, recording, backend)
    rig.replay.start()
    results = []
    for step in (1, 1, 2, 2):
        rig.at.step = step
        results.append(rig.uart.write(b"abc"))
    assert results == [3, 1, -11, 2]
    state = rig.replay.save()
    finish(rig, 5)
    assert backend.closed
    played = play(recording)
    for step, result in zip((1, 1, 2, 2), results, strict=True):
        played.at.step = step
        assert played.uart.write(b"abc") == result
    assert played.echoed == [("uart0", b"abc")] * 4
    assert played.replay.save() == state


def test_full_writes_cost_nothing_and_other_output_changes_the_state(rig: Rig) -> None:
    rig.uart.write(b"abc")
    assert len(rig.replay.log) == 0
    first = rig.replay.save()
    rig.uart.write(b"")
    assert rig.replay.save() == first
    rig.uart.write(b"d")
    assert rig.replay.save() != first


def test_a_read_that_failed_fails_again(rig: Rig, recording: Recording) -> None:
    with pytest.raises(OSError, match="no"):
        rig.uart.read_all(3)
    finish(rig, 1)
    played = play(recording)
    with pytest.raises(OSError) as error:
        played.uart.read_all(3)
    assert error.value.errno == 5


def test_an_unknown_character_device(rig: Rig) -> None:
    with pytest.raises(ReplayError, match="uart7"):
        rig.replay.chr_be_write("uart7", b"")
    with pytest.raises(ReplayError, match="twice"):
        rig.replay.register_char_driver("uart0")


# --- clocks, calls, dice


def test_clocks_are_logged_when_they_change_and_stand_still_within_a_step(
    rig: Rig, recording: Recording
) -> None:
    readings = iter((5, 5, 9, 9))
    seen = []
    for step in (1, 1, 2, 3, 4):
        rig.at.step = step
        seen.append(rig.replay.clock(Clock.HOST, lambda: next(readings)))
    assert seen == [5, 5, 5, 9, 9]
    assert [e.step for e in events(rig)] == [1, 3]
    state = rig.replay.save()
    finish(rig, 9)
    played = play(recording)
    for step, value in zip((1, 1, 2, 3, 4), seen, strict=True):
        played.at.step = step
        assert played.replay.clock(Clock.HOST, lambda: -1) == value
    assert played.replay.save() == state
    fresh = play(recording)
    fresh.at.step = 0
    with pytest.raises(Divergence, match="clock_host 5 at step 1, found a first read"):
        fresh.replay.clock(Clock.HOST, lambda: -1)


def test_host_calls_and_dice_come_from_the_log(rig: Rig, recording: Recording) -> None:
    assert rig.replay.host_call("open", lambda: b"\3") == b"\3"
    assert rig.replay.random_bytes(4) == b"rrrr"
    finish(rig, 1)
    played = play(recording)
    with pytest.raises(Divergence, match="host call open, found host call close"):
        played.replay.host_call("close", lambda: b"")
    played = play(recording)
    assert played.replay.host_call("open", lambda: b"") == b"\3"
    with pytest.raises(Divergence, match="4 random bytes"):
        played.replay.random_bytes(5)


# --- marks


def test_interrupts_are_taken_where_they_were(rig: Rig, recording: Recording) -> None:
    for step in (10, 20):
        rig.at.step = step
        assert rig.replay.has_interrupt()
        rig.replay.interrupt(15)
    rig.replay.exception(3)
    finish(rig, 30)
    played = play(recording)
    played.at.step = 10
    assert played.replay.has_interrupt()
    assert not played.replay.has_exception()
    with pytest.raises(Divergence) as error:
        played.replay.interrupt(16)
    assert (error.value.step, error.value.found) == (10, "interrupt 16")
    assert error.value.expected == "interrupt 15 at step 10"
    played.replay.interrupt(15)
    played.at.step = 19
    assert not played.replay.has_interrupt()
    with pytest.raises(Divergence, match="step 19: expected interrupt 15 at step 20"):
        played.replay.interrupt(15)
    played.at.step = 21
    with pytest.raises(Divergence, match="went on without it"):
        played.replay.get_instructions()


def test_snapshots_are_armed_by_start_and_compared_in_play(recording: Recording) -> None:
    rig = Rig(Mode.RECORD, recording, None)
    rig.replay.start(lambda step: step + 100)
    assert rig.replay.get_instructions() == 100
    rig.at.step = 100
    assert rig.replay.snapshot_due()
    state = rig.replay.save()
    rig.replay.snapshot_mark(b"hash")
    assert not rig.replay.snapshot_due()
    assert rig.replay.get_instructions() == 100
    finish(rig, 150)
    for hash_, fine in ((b"hash", True), (None, True), (b"other", False)):
        played = play(recording)
        played.at.step = 100
        assert played.replay.at_snapshot_mark()
        assert played.replay.save() == state
        if fine:
            played.replay.check_snapshot(hash_)
            assert played.replay.get_instructions() == 50
        else:
            with pytest.raises(Divergence, match="step 100: expected state 68617368"):
                played.replay.check_snapshot(hash_)


def test_logged_checkpoints_hold_only_where_they_were(rig: Rig, recording: Recording) -> None:
    logged = (
        Checkpoint.CLOCK_WARP_ACCOUNT,
        Checkpoint.RESET_REQUESTED,
        Checkpoint.SUSPEND_REQUESTED,
        Checkpoint.CLOCK_HOST,
        Checkpoint.CLOCK_VIRTUAL_RT,
        Checkpoint.INIT,
    )
    for kind in Checkpoint:
        assert rig.replay.checkpoint(kind)
    assert {e.kind for e in events(rig)} == {Kind.CHECKPOINT}
    finish(rig, 1)
    played = play(recording)
    assert not played.replay.checkpoint(Checkpoint.RESET)
    for kind in (*logged, Checkpoint.RESET):
        assert played.replay.checkpoint(kind)
    assert not played.replay.checkpoint(Checkpoint.RESET)
    assert played.replay.checkpoint(Checkpoint.CLOCK_WARP_START)


# --- requests, debugger, bottom halves


def test_requests_are_served_at_their_step(rig: Rig, recording: Recording) -> None:
    rig.at.step = 7
    rig.replay.reset_request(Cause.HOST)
    rig.replay.suspend_request(Cause.DEBUGGER)
    rig.replay.shutdown_request(Cause.GUEST)
    assert rig.requests == []
    rig.checkpoint()
    wanted = [(Kind.SHUTDOWN, 0), (Kind.RESET, 2), (Kind.SUSPEND, 3)]
    assert rig.requests == wanted
    finish(rig, 8)
    played = play(recording)
    played.replay.shutdown_request(Cause.GUEST)
    played.at.step = 7
    played.checkpoint()
    assert played.requests == wanted


def test_debug_writes_are_recorded_and_the_past_is_read_only(
    rig: Rig, recording: Recording
) -> None:
    state = rig.replay.save()
    rig.at.step = 5
    rig.replay.debug_write(b"poke")
    assert rig.debug == [b"poke"]
    rig.replay.note_position()
    rig.replay.load(state)
    rig.at.step = 0
    with pytest.raises(ReplayError, match="past"):
        rig.replay.debug_write(b"poke")
    rig.at.step = 5
    rig.checkpoint()
    assert rig.debug == [b"poke", b"poke"]
    rig.replay.debug_write(b"again")
    finish(rig, 6)
    played = play(recording)
    played.at.step = 5
    played.checkpoint()
    assert played.debug == [b"poke", b"again"]


def test_bottom_halves_run_at_the_checkpoint_and_at_once_when_events_are_off(rig: Rig) -> None:
    ran: list[bytes] = []
    rig.replay.register_bh("dma", ran.append)
    rig.replay.bh_schedule_event("dma", b"1")
    assert ran == []
    state = rig.replay.save()
    rig.checkpoint()
    assert ran == [b"1"]
    assert rig.replay.save() != state
    rig.replay.disable_events()
    rig.replay.bh_schedule_event("dma", b"2")
    assert ran == [b"1", b"2"]
    rig.uart.be_write(b"x")
    rig.checkpoint()
    assert bytes(rig.got) == b""
    rig.replay.enable_events()
    rig.checkpoint()
    assert bytes(rig.got) == b"x"
    with pytest.raises(ReplayError, match="nothing is registered"):
        rig.replay.bh_schedule_event("other")
    with pytest.raises(ReplayError, match="twice"):
        rig.replay.register_bh("dma", ran.append)


# --- idle time, live


def test_what_enters_an_idle_machine_waits_for_the_warp(rig: Rig, recording: Recording) -> None:
    rig.at.step = 10
    rig.checkpoint()
    rig.at.warp = 500
    rig.uart.be_write(b"a")
    rig.checkpoint()
    finish(rig, 10)
    played = play(recording)
    played.at.step = 10
    played.checkpoint()
    assert bytes(played.got) == b""
    assert played.replay.next_warp() == 500
    played.at.warp = 500
    assert not played.replay.at_end
    played.checkpoint()
    assert bytes(played.got) == b"a"
    assert played.replay.at_end
    late = play(recording)
    late.at.step, late.at.warp = 10, 501
    with pytest.raises(Divergence, match="idle warp to 500 ns, found 501"):
        late.checkpoint()


def test_a_live_recording_goes_on_where_it_stopped_and_not_before(rig: Rig) -> None:
    state = rig.replay.save()
    rig.at.step = 100
    rig.checkpoint()
    rig.at.step = 150
    rig.replay.note_position()
    rig.replay.load(state)
    rig.at.step = 0
    assert rig.replay.mode is Mode.PLAY
    assert rig.replay.end_step == 150
    rig.uart.be_write(b"a")
    rig.checkpoint()
    assert bytes(rig.got) == b""
    assert rig.replay.get_instructions() == 150
    rig.at.step = 150
    assert not rig.replay.at_end
    rig.checkpoint()
    assert rig.replay.mode.value == "record"
    assert bytes(rig.got) == b"a"


def test_input_wakes_an_idle_recorder(rig: Rig) -> None:
    assert not rig.replay.wait(0.01)
    threading.Timer(0.05, rig.uart.be_write, (b"a",)).start()
    assert rig.replay.wait(60)
    rig.checkpoint()
    assert not rig.replay.wait(0.01)
    rig.replay.wake()
    assert rig.replay.wait(60)


def committed_at(recording: Recording, step: int) -> bool:
    """Whether the recording comes to be committed at `step`, which takes a moment."""
    deadline = time.monotonic() + 20
    while recording.status.steps != step and time.monotonic() < deadline:
        time.sleep(0.01)
    return recording.status.steps == step


def test_a_running_machine_is_asked_to_come_by_and_commit(rig: Rig, recording: Recording) -> None:
    rig.checkpoint()
    rig.replay.interrupt(15)
    rig.at.step = 123
    rig.called.clear()
    assert rig.called.wait(20)
    assert recording.status.steps == 0
    rig.checkpoint()
    assert (recording.status.steps, recording.status.virtual_ns) == (123, 123 * 40)
    assert recording.status.events == 1


def test_what_has_been_reached_is_committed_while_nothing_runs(
    rig: Rig, recording: Recording
) -> None:
    rig.replay.run_begins()
    rig.checkpoint()
    rig.replay.interrupt(15)
    rig.at.step = 123
    rig.replay.run_ends()
    assert committed_at(recording, 123)
    rig.replay.run_begins()
    rig.at.step = 200
    rig.replay.run_ends()
    assert committed_at(recording, 200)


def test_what_has_been_reached_is_committed_during_a_wait(rig: Rig, recording: Recording) -> None:
    rig.checkpoint()
    rig.at.step = 77
    threading.Timer(1, rig.replay.wake).start()
    assert rig.replay.wait(20)
    assert committed_at(recording, 77)


def test_a_long_call_to_the_host_is_cut_off_before_its_step(rig: Rig, recording: Recording) -> None:
    rig.checkpoint()
    rig.replay.interrupt(15)
    rig.at.step = 50

    def long() -> bytes:
        assert committed_at(recording, 50)
        return b"later"

    def longer() -> bytes:
        time.sleep(0.6)
        return b"later still"

    assert rig.replay.host_call("read", long) == b"later"
    assert recording.status.events == 1
    # The second call of one step: a history with the first alone would end in its middle.
    assert rig.replay.host_call("read", longer) == b"later still"
    assert recording.status.events == 1
    rig.at.step = 51
    rig.replay.run_ends()
    assert committed_at(recording, 51)
    assert recording.status.events == 3
