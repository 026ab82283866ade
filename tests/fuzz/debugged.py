"""Machines that a debugger plays with: finished recordings and live ones, of every processor.

Whatever a client sends, there is one answer, soon; afterwards the session goes on, the recording
replays equal, and what is live goes on recording.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import shutil
import socket
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.forked import forked
from tests.fuzz.talk import Talk
from tests.integration.cli_forks import load
from tests.integration.cli_tools import FIRMWARE
from ttd.gdbserver import Offer, listen, serve_tcp
from ttd.gdbstub import GdbSession
from ttd.host.files import Null
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.inspection import LoggedEvents
from ttd.recorded import SEMIHOSTING, RecordedMachine, RecordOptions
from ttd.recording.recording import Recording
from ttd.rsp.framing import Ack, Decoder, Packet, encode, escape
from ttd.stops import Why
from ttd.target import PACKET_SIZE

STEPS = 60_000
"""Steps of a recording, and of a live one before the debugger comes."""
PACKETS = 300
"""Of one attack."""
IMPATIENT = 0.1
"""Seconds until a movement gets a Ctrl-C."""
HANG = 20.0
"""Seconds within which it must then have ended."""
LONGEST_ANSWER = 4 << 20
MEMORY = 600 << 20
"""Bytes by which an attack may let the process grow."""

Make = Callable[[Talk], bytes]
Run = Callable[[int, int, Callable[[str], None]], int]


class Kind(NamedTuple):
    """What is debugged: a machine, what it runs, and where that has something."""

    choice: MachineChoice
    places: list[int]


def _raw(cpu: str) -> Kind:
    choice = MachineChoice(
        board="raw",
        cpu=cpu,
        ram=["0x100000:1M"],
        uart=["ns16550@0x40000000"],
        load=[str(FIRMWARE / "blob" / f"blob-{cpu}.elf")],
    )
    return Kind(choice, [0x100000, 0x100200, 0x1FFFE0, 0x40000000])


def _board(board: str, elf: str, *places: int) -> Kind:
    return Kind(MachineChoice(board=board, image=str(FIRMWARE / elf)), list(places))


KINDS = (
    _board("mps2-an385", "irqs/irqs.elf", 0, 0x200, 0x20000000, 0x40004000, 0xE000E010),
    _board("microbit", "microbit/microbit.elf", 0, 0x200, 0x20000000, 0x40008000),
    _board("virt", "rtos/rtos-rv64.elf", 0x80000000, 0x80001000, 0x10000000, 0xC000000),
    _board("virt32", "rtos/rtos-rv32.elf", 0x80000000, 0x80001000, 0x10000000, 0xC000000),
    _raw("x86-64"),
    _raw("aarch64"),
    _raw("rv64"),
)


def run(make: Make, count: int, seed: int, say: Callable[[str], None]) -> int:
    """Attack `count` times, each with `PACKETS` packets; returns how many found something."""
    load()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(seed, seed + count):
            path = Path(folder, f"{number % len(KINDS)}.ttd")
            if not path.exists():
                _record(KINDS[number % len(KINDS)], path)
            ended = forked(partial(_attack, make, number, path), patience=10 * HANG)
            found = ended.out.decode(errors="replace") + ended.err
            if ended.grown > MEMORY:
                found += f"it took {ended.grown >> 20} MB of memory\n"
            if ended.code or found:
                say(f"seed {number}: exit code {ended.code}\n{found}")
                bad += 1
    return bad


def _live(kind: Kind, path: Path) -> RecordedMachine:
    board, loads = kind.choice.make()
    options = RecordOptions(board, loads, board.ns_per_step, True, "fuzz")
    backends = {name: Null() for name in (SEMIHOSTING, *board.serials)}
    machine = RecordedMachine.record(options, str(path), backends, SemihostFiles(None), os.urandom)
    # A guest that waits for input waits for ever.
    with _impatient(machine.machine.interrupt, 1.0):
        machine.run(STEPS, lambda step: None)
    return machine


def _record(kind: Kind, path: Path) -> None:
    machine = _live(kind, path)
    machine.finish("made for an attack", None)
    machine.close()


@contextmanager
def _impatient(act: Callable[[], object], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _attack(make: Make, seed: int, path: Path, files: list[int]) -> None:
    """In a process of its own; prints what is wrong."""
    os.dup2(files[1], 1)
    os.dup2(files[2], 2)
    faults = _Faults()
    logging.basicConfig(level=logging.INFO, handlers=[faults])
    choose = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    try:
        if seed // len(KINDS) % 2:
            live = path.with_suffix(f".live{os.getpid()}")
            machine = _live(kind, live)
            _play(make, choose, machine, kind)
            faulthandler.dump_traceback_later(10 * HANG, exit=True)
            machine.leave("the attack is over")
            machine.close()
            _replays(live)
            live.unlink()
        else:
            own = path.with_suffix(f".own{os.getpid()}")
            shutil.copy(path, own)
            machine = RecordedMachine.open(str(own), SemihostFiles(None))
            _play(make, choose, machine, kind)
            faulthandler.dump_traceback_later(10 * HANG, exit=True)
            if any(machine.branches.grows(branch.id) for branch in machine.branches.all):
                machine.leave("the attack is over")
            machine.close()
            _replays(own)
            own.unlink()
        assert not faults.lines, "\n".join(faults.lines)
    except Exception:
        os.write(1, traceback.format_exc().encode())


class _Faults(logging.Handler):
    """Collects what should not have happened."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.lines.append(record.getMessage())


def _replays(path: Path) -> None:
    """All of its branches."""
    for branch in Recording.open(str(path)).file.branches.values():
        machine = RecordedMachine.open(str(path), SemihostFiles(None), branch=branch.name)
        assert machine.recording.status.complete, "the recording is not complete"
        machine.run(None, lambda step: None)
        machine.compare_end()
        machine.verify_snapshots()
        machine.close()


def _play(make: Make, choose: random.Random, machine: RecordedMachine, kind: Kind) -> None:
    """All packets, then a few as a debugger in its right mind sends them."""
    talk = Talk(choose, kind.places, len(machine.machine.cpu.registers))
    packets = [make(talk) for _ in range(PACKETS)]
    if choose.random() < 0.12:
        _over_sockets(machine, packets, choose)
    else:
        client = _Client(machine, choose)
        for packet in packets:
            client.say(packet)
        client.session.close()
    client = _Client(machine, None)
    client.say(b"QStartNoAckMode")
    assert client.say(b"?").startswith(b"T05")
    timeline = machine.timeline
    while timeline.go_to_end(0).why is Why.INTERRUPTED:
        pass  # what the attacker has begun may be short, or wait for ever
    _go(machine, max(timeline.end // 2, 1))
    here, registers = timeline.position, client.say(b"g")
    answer = client.say(b"bs")
    assert answer.startswith(b"T05thread"), answer
    assert timeline.position == here - 1, f"{here} - 1 is not {timeline.position}"
    assert client.say(b"vCont;s").startswith(b"T05")
    assert (timeline.position, client.say(b"g")) == (here, registers)
    assert client.say(b"bc").startswith(b"T05")
    assert timeline.position == 0
    client.session.close()


def _go(machine: RecordedMachine, step: int) -> None:
    while machine.timeline.seek(step).why is Why.INTERRUPTED:
        pass
    assert machine.timeline.position == step


class _Client:
    """One after another it has sessions with a machine, without a connection."""

    def __init__(self, machine: RecordedMachine, choose: random.Random | None) -> None:
        self._machine = machine
        self._choose = choose
        self._wire = bytearray()
        self.session = self._begin()

    def _begin(self) -> GdbSession:
        timeline = self._machine.timeline
        events = LoggedEvents(lambda: self._machine.replay.log, self._machine.replay.words)
        return GdbSession(timeline, self._wire.extend, events=events)

    def say(self, packet: bytes) -> bytes:
        """Send a packet; returns its answer."""
        if self.session.over:
            self.session.close()
            self.session = self._begin()
        if self._choose is not None and self._choose.random() < 0.05:
            self.session.interrupts.seen()
        self._wire.clear()
        faulthandler.dump_traceback_later(HANG, exit=True)
        patience = HANG if self._choose is None else IMPATIENT
        with _impatient(self._interrupt, patience):
            for event in Decoder(2 * PACKET_SIZE).feed(encode(escape(packet))):
                self.session.handle(event)
        faulthandler.cancel_dump_traceback_later()
        assert len(self._wire) <= LONGEST_ANSWER, f"{len(self._wire)} bytes for {packet[:99]!r}"
        found = Decoder(LONGEST_ANSWER).feed(bytes(self._wire))
        wrong = [event for event in found if not isinstance(event, (Packet, Ack))]
        assert not wrong, f"{wrong} for {packet[:99]!r}"
        answers = [event.payload for event in found if isinstance(event, Packet) and event.intact]
        answers = [answer for answer in answers if answer[:1] != b"O" or answer == b"OK"]
        silent = packet[:1] in (b"R", b"k") or packet.startswith(b"qSupported")
        assert len(answers) == 1 or (silent and not answers), f"{answers} for {packet[:99]!r}"
        return answers[0] if answers else b""

    def _interrupt(self) -> None:
        self.session.interrupts.seen()
        self.session.interrupts.deliver()


def _over_sockets(machine: RecordedMachine, packets: list[bytes], choose: random.Random) -> None:
    """As a stream with noise, cut anywhere, on connections that break."""
    stop, ready = threading.Event(), threading.Event()
    ports: list[int] = []

    def listening(port: int) -> None:
        ports.append(port)
        ready.set()

    def attack() -> None:
        try:
            assert ready.wait(HANG)
            stream = bytearray()
            for packet in packets:
                frame = encode(escape(packet))
                if choose.random() < 0.1:
                    frame = choose.choice(
                        (frame[:-1], frame[1:], frame[:3], frame + b"-", b"+" + frame)
                    )
                stream += frame + choose.choice((b"", b"", b"+", b"\x03", b"$", b"-", b"\x03\x03"))
            while stream:
                with socket.create_connection(("127.0.0.1", ports[0]), timeout=HANG) as client:
                    for _ in range(choose.randrange(1, 30)):
                        length = choose.choice((1, 7, 100, 3000))
                        client.sendall(bytes(stream[:length]))
                        del stream[:length]
                        time.sleep(choose.choice((0, 0, 0.001, 0.01)))
                    client.sendall(b"\x03")
        except OSError:
            pass  # it is for the server to turn such a client away
        finally:
            stop.set()
            machine.timeline.interrupt()

    thread = threading.Thread(target=attack)
    thread.start()
    faulthandler.dump_traceback_later(4 * HANG, exit=True)
    events = LoggedEvents(lambda: machine.replay.log, machine.replay.words)
    serve_tcp(machine.timeline, listen(), ready=listening, stop=stop, offer=Offer(events))
    thread.join()
    faulthandler.cancel_dump_traceback_later()
