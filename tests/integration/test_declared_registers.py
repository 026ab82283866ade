"""What devices declare of their registers is what they do when they are asked.

Random accesses by a guest (tests/firmware/poker) to devices that declare registers: done natively,
and asked; in one run and in slices; recorded and replayed.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from errno import EAGAIN, EIO
from pathlib import Path

import pytest

from tests.fuzz.guests import (
    ACTIONS,
    FIRMWARE,
    MARKER,
    READ,
    TARGETS,
    UNMASK,
    WRITE,
    Script,
    Target,
)
from ttd.boards import BOARDS
from ttd.bus.bus import Bus
from ttd.engine import Engine
from ttd.host.files import Null
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import RecordedMachine, RecordOptions
from ttd.replay.chars import CharDriver
from ttd.runs import RunEnd

END = 60_000
DEVICES = {
    "mps2-an385": (
        *((0x40004000, 0x14), (0x40005000, 0x14), (0x40000000, 0x10), (0x40028000, 0x50)),
        *((0x40002000, 0x40), (0x40002F00, 8)),
        *((0x4002F000, 0x10), (0x40010000, 0x20)),
    ),
    "virt": ((0x10000000, 8), (0x10000000, 16), (0xC000028, 4), (0xC002000, 4), (0xC200000, 8)),
    "microbit": (
        *(
            (base + offset, size)
            for base in (0x40002000, 0x40008000, 0x4000B000, 0x4000D000)
            for offset, size in ((0, 16), (0x40, 16), (0x100, 0x80), (0x304, 8), (0x500, 0x60))
        ),
        *((0x40002518, 8), (0x40008540, 16), (0x50000504, 28), (0x4001F500, 32)),
    ),
}
"""Base and size of what is accessed: mostly UARTs and timers."""
SWITCH_ON = {
    "mps2-an385": (
        *((0x40004008, 3, 4), (0x40004008, 15, 4), (0x40005008, 0x37, 4), (0x40000000, 9, 4)),
        *((0xE000E100, 0xFFFFFFFF, 4), (0x40002008, 0xE2, 4), (0x40002028, 0xA1, 4)),
    ),
    "virt": (
        *((0x10000001, 15, 1), (0x10000001, 2, 1), (0x10000003, 3, 1), (0x10000004, 0, 1)),
        *((0x10000002, 7, 1), (0xC000028, 7, 4), (0xC002000, 1 << 10, 4), (0xC200000, 0, 4)),
    ),
    "microbit": (
        *((0x40002500, 4, 4), (0x40002008, 1, 4), (0x40002000, 1, 4), (0x40002304, 0x84, 4)),
        *((0x40008000, 1, 4), (0x40008508, 3, 4), (0x40008304, 0xF0000, 4), (0x40008200, 1, 4)),
        *((0x40008540, 60, 4), (0x4000B508, 0, 4), (0x4000B344, 0x10003, 4), (0x40008140, 0, 4)),
        *((0x4000D000, 1, 4), (0xE000E100, 0xFFFFFFFF, 4), (0x4001F500, 1, 4)),
        *((0x4001F518, 0x40008140, 4), (0x4001F51C, 0x4000B000, 4), (0x4001F500, 2, 4)),
        *((0x4001F510, 0x4000211C, 4), (0x4001F514, 0x40008040, 4), (0x4001F514, 0x4000800C, 4)),
    ),
}
"""Writes without which not much happens: address, value, size."""
KIND = {target.board: target for target in TARGETS}


class Pokes(Script):
    """Many accesses, most of them of whole registers; of values that switch things on."""

    def number(self) -> int:
        choose = self.random
        return choose.randrange(128) if choose.random() < 0.7 else super().number()

    def poke(self) -> None:
        choose = self.random
        base, size = choose.choice(self.target.devices)
        bytes_ = self.target.board == "virt" and size <= 16
        width = choose.choice((1, 1, 1, 2, 4) if bytes_ else (4, 4, 4, 4, 4, 2, 1))
        address = base + (choose.randrange(size) & -width)
        op, count = choose.choice((WRITE, WRITE, READ)), choose.choice((1, 1, 1, 2, 3, 20))
        self.add(op, address, self.number(), width, count, choose.choice((0, 0, 4)))

    def to_bytes(self) -> bytes:
        while len(self.actions) < ACTIONS - 1:
            self.poke()
            if self.random.random() < 0.3:
                self.add(WRITE, *self.random.choice(SWITCH_ON[self.target.board]))
            if self.random.random() < 0.1:
                self.add(UNMASK, 0)
        return b"".join(self.actions).ljust(ACTIONS * len(self.actions[0]), b"\0")


def image(folder: Path, target: Target, seed: int, kind: type[Script] = Pokes) -> Path:
    data = (FIRMWARE / target.elf).read_bytes()
    at, script = data.index(MARKER), kind(target, seed).to_bytes()
    path = folder / "guest.elf"
    path.write_bytes(data[:at] + script + data[at + len(script) :])
    return path


class Line(Null):
    """A serial line that takes, write by write, what `plan` says; the test types on it."""

    def __init__(self, plan: Callable[[bytes], int] = len) -> None:
        self.plan = plan
        self.printed = bytearray()

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self.type = on_input

    def write(self, data: bytes) -> int:
        taken = self.plan(data)
        self.printed += data[: max(0, taken)]
        return taken


def options(elf: Path, target: Target) -> RecordOptions:
    board = BOARDS[target.board]
    return RecordOptions(board, load_image(str(elf)), board.ns_per_step)


def states(elf: Path, target: Target, seed: int) -> list[object]:
    """What the machine is at places of the run, and what is printed.

    Without input: it would come in where the recorder looks at the host, which is no certain step.
    """
    dice, line = random.Random(seed), Line()
    serial = BOARDS[target.board].serials[0]
    session = RecordedMachine.record(
        options(elf, target), None, {serial: line}, SemihostFiles(None), bytes
    )
    machine, found = session.machine, []
    while machine.engine.step < END:
        machine.run(min(END, machine.engine.step + dice.choice((1, 30, 500, 3000))))
        parts = machine.save()
        state = {name: parts[name] for name in ("devices", "cpu", "warp_ns", "waiting")}
        registers = machine.engine.save_state()
        found.append((machine.engine.step, state, registers, bytes(line.printed)))
    session.close()
    return found


def switch_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every access is asked, and every byte of output."""
    monkeypatch.setattr(Bus, "native", False)
    monkeypatch.setattr(CharDriver, "room", lambda driver: 0)
    monkeypatch.setattr(Engine, "keep_reading", lambda *values: None)
    monkeypatch.setattr(Engine, "keep_ignoring", lambda *values: None)


@pytest.mark.parametrize("board", DEVICES)
@pytest.mark.parametrize("n", range(3))
def test_declared_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str, n: int
) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    target = replace(KIND[board], devices=DEVICES[board], virtio=())
    elf = image(tmp_path, target, seed)
    done = states(elf, target, seed)
    switch_off(monkeypatch)
    asked = states(elf, target, seed)
    for one, other in zip(done, asked, strict=True):
        assert one == other


class Heard(Script):
    """TIMER0's first compare event starts RTC0, by the PPI."""

    def to_bytes(self) -> bytes:
        for address, value in (
            *((0x4001F518, 0x40008140), (0x4001F51C, 0x4000B000), (0x4001F500, 2)),
            *((0x40008540, 60), (0x40008304, 1 << 16), (0xE000E100, 1 << 8), (0x40008000, 1)),
        ):
            self.add(WRITE, address, value)
        for _ in range(4):
            self.add(READ, 0x4000B504, 0, 4, 400)
            self.add(WRITE, 0x40008140, 0)
            self.add(WRITE, 0x4000800C, 1)
        return super().to_bytes()


def test_a_timer_that_another_device_hears_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python sees to it then, and has to know when: its registers are written by the guest."""
    target = replace(KIND["microbit"], devices=DEVICES["microbit"], virtio=())
    elf = image(tmp_path, target, 1, Heard)
    done = states(elf, target, 1)
    counts = [state["devices"]["rtc0"] for _, state, *_ in done]  # type: ignore[misc]
    assert any(rtc["running"] for rtc in counts)
    switch_off(monkeypatch)
    for one, other in zip(done, states(elf, target, 1), strict=True):
        assert one == other


@pytest.mark.parametrize("board", DEVICES)
def test_what_a_slow_reader_refuses_is_refused_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str
) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    target = replace(KIND[board], devices=DEVICES[board][:2], virtio=())
    elf, path = image(tmp_path, target, seed), str(tmp_path / "run.ttd")

    class Slow(Line):
        """Says of some bytes only that there is room for them; what is `put` it takes."""

        def room(self) -> int:
            return dice.choice((0, 0, 1, 2, 5))

        def put(self, data: bytes) -> None:
            self.printed += data

    line = Slow(lambda data: dice.choice((len(data), len(data) - 1, -EAGAIN, -EIO)))
    serial = BOARDS[board].serials[0]
    session = RecordedMachine.record(
        options(elf, target), path, {serial: line}, SemihostFiles(None), os.urandom
    )
    while session.machine.engine.step < END:
        session.machine.run(min(END, session.machine.engine.step + 5000))
        line.type(dice.randbytes(3))
    session.finish("it is enough", None)
    session.close()
    for native in (True, False):
        if not native:
            switch_off(monkeypatch)
        for longest in (END, 900):
            heard = bytearray()
            played = RecordedMachine.open(
                path, SemihostFiles(None), lambda name, data, heard=heard: heard.extend(data)
            )
            end = RunEnd.LIMIT
            while end is RunEnd.LIMIT:
                length = dice.randrange(1, longest + 1)
                end = played.machine.run(played.machine.engine.step + length).end
            played.compare_end()
            played.close()


def test_a_prompt_appears_while_the_guest_polls(tmp_path: Path) -> None:
    """Two characters, and then reads of STATE without end, in one run."""
    # ldr r0,[pc,#20]; movs r1,#1; str r1,[r0,#8]; movs r1,#'>'; str r1,[r0]; str r1,[r0]
    # ldr r2,[r0,#4]; b .-2
    code = (0x4805, 0x2101, 0x6081, 0x213E, 0x6001, 0x6001, 0x6842, 0xE7FD)
    firmware = tmp_path / "prompt.bin"
    data = struct.pack("<2I8H", 0x20001000, 9, *code)
    firmware.write_bytes(data.ljust(32, b"\0") + struct.pack("<I", 0x40004000))
    steps = []

    class Prompt(Line):
        def put(self, data: bytes) -> None:
            steps.append(session.machine.engine.step)
            super().put(data)

    board, line = BOARDS["mps2-an385"], Prompt()
    made = RecordOptions(board, load_image(f"{firmware}@0"), board.ns_per_step)
    session = RecordedMachine.record(
        made, None, {board.serials[0]: line}, SemihostFiles(None), bytes
    )
    session.machine.run(8_000_000)
    session.close()
    assert line.printed == b">>"
    assert steps[-1] < 8_000_000, "it came while the run went on"
