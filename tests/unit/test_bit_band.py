"""Bit-band aliases: an access to one is the access behind it, in time and in what it does."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from unicorn import arm_const as arm

from tests.snapshots import no_snapshots
from ttd.boards import BOARDS
from ttd.cpu.models import CPUS
from ttd.engine import BusFault, Engine, StopReason
from ttd.engine.types import Access
from ttd.host.semihost_files import SemihostFiles
from ttd.images import parse_image
from ttd.recorded import RecordedMachine, RecordOptions

RAM, PERIPHERALS, BAND = 0x20000000, 0x40000000, 0x02000000
TIMER0, UART0 = 0x40000000, 0x40004000
STORE = {4: 0x6001, 2: 0x8001, 1: 0x7001}
"""str, strh, strb r1, [r0]"""
LOAD = {4: 0x6801, 2: 0x8801, 1: 0x7801}
EORS_R7_R1, RORS_R7_R6, ADDS_R5 = 0x404F, 0x41F7, 0x3501
SPIN, BX_LR = 0xE7FE, 0x4770
CODE, HANDLER = 0x100, 0x8000


def alias(address: int, bit: int) -> int:
    return (address & 0xF0000000) + BAND + (address & 0xFFFFF) * 32 + 4 * bit


def constant(register: int, value: int) -> list[int]:
    """movw, movt"""
    code = []
    for opcode, half in ((0xF240, value & 0xFFFF), (0xF2C0, value >> 16)):
        code.append(opcode | half >> 12 | (half >> 11 & 1) << 10)
        code.append((half >> 8 & 7) << 12 | register << 8 | half & 0xFF)
    return code


def store(address: int, value: int, size: int = 4) -> list[int]:
    return [*constant(0, address), *constant(1, value), STORE[size]]


def load(address: int, size: int = 4) -> list[int]:
    """Into r7, among all the others."""
    return [*constant(0, address), LOAD[size], EORS_R7_R1, RORS_R7_R6]


# The timer's interrupt: acknowledged and counted in r5.
HANDLE = [*store(TIMER0 + 0xC, 1), ADDS_R5, BX_LR]


@pytest.fixture(autouse=True)
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two recordings are compared, and snapshots are part of them."""
    no_snapshots(monkeypatch)


def session(program: Sequence[int]) -> RecordedMachine:
    """A machine at its first step: `program`, a handler for all exceptions, r5 to r7 zero."""
    vectors = struct.pack("<40I", RAM + 0x8000, CODE + 1, *[HANDLER + 1] * 38)
    image = vectors.ljust(CODE, b"\0") + struct.pack(f"<{len(program) + 1}H", *program, SPIN)
    image = image.ljust(HANDLER, b"\0") + struct.pack(f"<{len(HANDLE)}H", *HANDLE)
    board = BOARDS["mps2-an385"]
    options = RecordOptions(board, parse_image("program", image, 0), 40)
    return RecordedMachine.record(options, None, {}, SemihostFiles(None), bytes)


def run(program: Sequence[int], steps: int, cuts: random.Random | None) -> tuple[bytes, int]:
    """The hash of the state after so many steps, and r5."""
    found = session(program)
    machine = found.machine
    while machine.engine.step < steps:
        size = steps if cuts is None else cuts.randint(1, 40)
        machine.run(min(steps, machine.engine.step + size))
    final = found.snapshots.state_hash(found.snapshots.capture())
    count = machine.cpu.read_register("r5")
    found.close()
    return final, count


def test_a_timer_started_through_its_alias() -> None:
    begin = [
        *store(TIMER0 + 8, 999),
        *store(0xE000E100, 1 << 8),
    ]
    direct = [*begin, *store(TIMER0, 8), *store(TIMER0, 9)]
    banded = [*begin, *store(alias(TIMER0, 3), 1), *store(alias(TIMER0, 0), 1)]
    # 1000 cycles of 25 MHz in steps of 40 ns.
    (_, expected), (final, count) = run(direct, 300_500, None), run(banded, 300_500, None)
    assert count == expected == 300
    assert run(banded, 300_500, random.Random(1)) == (final, count)


def test_random_accesses() -> None:
    """Bits of memory, of timers that run and of a UART, freely and in slices; memory at the end is
    what it should be."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    program = store(0xE000E100, 1 << 8)
    memory = bytearray(64)
    for _ in range(300):
        size, bit = dice.choice((1, 2, 4)), dice.randrange(32)
        if dice.random() < 0.5:
            offset = dice.randrange(0, 64, 4)
            where, value = alias(RAM + 0x100 + offset, bit), dice.randrange(0x100)
            if dice.random() < 0.5:
                program += store(where, value, size)
                byte, mask = offset + bit // 8, 1 << bit % 8
                memory[byte] = memory[byte] & ~mask | (mask if value & 1 else 0)
            else:
                program += load(where, size)
            continue
        base = dice.choice((TIMER0, TIMER0 + 0x1000, UART0, 0x40028000))
        where = alias(base + 4 * dice.randrange(4 if base != 0x40028000 else 9), bit)
        program += dice.choice((store(where, dice.randrange(0x100), size), load(where, size)))
    steps = len(program) + 500
    assert len(program) * 2 < HANDLER - CODE
    expected = run(program, steps, None)
    assert run(program, steps, random.Random(seed)) == expected
    found = session(program)
    found.machine.run(steps)
    assert found.machine.engine.read(RAM + 0x100, 64) == memory
    found.close()


class Parts:
    """An engine with memory, two devices and their alias."""

    def __init__(self, *code: int) -> None:
        self.engine = engine = Engine(CPUS["cortex-m3"].isa)
        self.seen: list[tuple[str, int, int, int]] = []
        engine.map_ram(0, 0x1000)
        engine.map_ram(RAM, 0x1000)
        engine.map_alias(RAM + 0x1000, 0x1000, RAM)
        engine.map_mmio(PERIPHERALS, 0x1000, self.read, self.write)
        engine.map_bit_band(RAM + BAND, 0x02000000, RAM)
        engine.map_bit_band(PERIPHERALS + BAND, 0x02000000, PERIPHERALS)
        engine.start()
        engine.write(0, struct.pack(f"<{len(code)}H", *code))
        engine.regs_write((arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC), (1 << 24, 0))

    def read(self, address: int, size: int) -> int:
        self.seen.append(("read", address, size, self.engine.step))
        if address == PERIPHERALS + 0x20:
            raise BusFault("no such register")
        return 0x12345678

    def write(self, address: int, size: int, value: int) -> None:
        self.seen.append((f"write {value:#x}", address, size, self.engine.step))


def test_the_access_behind_has_the_same_size() -> None:
    where = alias(PERIPHERALS + 0x10, 20)
    parts = Parts(*store(where, 1), *store(where, 3, 2), *store(where, 2, 1))
    parts.engine.run(15)
    at = PERIPHERALS + 0x10
    assert parts.seen == [
        ("read", at, 4, 4), ("write 0x12345678", at, 4, 4),
        ("read", at + 2, 2, 9), ("write 0x5678", at + 2, 2, 9),
        ("read", at + 2, 1, 14), ("write 0x68", at + 2, 1, 14),
    ]  # fmt: skip


def test_a_bit_of_what_is_not_there() -> None:
    for where, kind in ((alias(PERIPHERALS + 0x2000, 0), 4), (alias(RAM + 0x2000, 0), 1)):
        for access, code in ((store(where, 1, kind), Access.WRITE), (load(where), Access.READ)):
            stop = Parts(*access).engine.run(5)
            assert (stop.reason, stop.code, stop.address) == (StopReason.FAULT, code, where)
    stop = Parts(*store(alias(PERIPHERALS + 0x20, 1), 1)).engine.run(5)
    assert (stop.reason, stop.code) == (StopReason.FAULT, Access.WRITE)


def test_watchpoints_on_either_side() -> None:
    """Of the word behind or of the alias, by stores to the one or the other, mirrors included."""
    bit = alias(RAM + 0x104, 9)
    program = [
        *store(alias(RAM + 0x100, 9), 1),
        *store(bit, 1),
        *store(RAM + 0x104, 0),
        *store(alias(RAM + 0x1104, 9), 1),
        *store(RAM + 0x1104, 0),
    ]
    for address, length in ((RAM + 0x104, 4), (bit, 4), (RAM + 0x1105, 1)):
        parts = Parts(*program)
        parts.engine.set_watchpoints([(address, length, Access.WRITE, True)])
        steps = []
        while (stop := parts.engine.run(25 - parts.engine.step)).reason is StopReason.WATCH:
            assert stop.watch is not None
            assert stop.watch.address < address + length
            assert address < stop.watch.address + stop.watch.size
            steps.append(stop.watch.step)
            parts.engine.skip_stops_at(parts.engine.step)
        assert steps == [9, 14, 19, 24], hex(address)


def test_code_behind_an_alias_changes() -> None:
    """A bit of the next instruction, movs r2, #1, becomes that of movs r2, #3."""
    at = RAM + 0x100
    engine = (parts := Parts()).engine
    code = [*constant(0, alias(at + 20, 1)), *constant(1, 1), STORE[4], 0x2201, SPIN]
    code = [*code[:9], 0xBF00, 0x2201, SPIN]
    engine.write(at, struct.pack(f"<{len(code)}H", *code))
    engine.regs_write((arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC), (1 << 24, at))
    engine.run(8)
    assert engine.reg_read(arm.UC_ARM_REG_R2) == 3
    assert parts.seen == []


def test_debuggers_see_and_set_bits(tmp_path: Path) -> None:
    found = session([SPIN])
    machine, timeline = found.machine, found.timeline
    machine.run(5)
    timeline.probe.write_memory(RAM + 0x104, struct.pack("<I", 0x80000010))
    assert timeline.probe.read_memory(alias(RAM + 0x104, 4) - 4, 12) == struct.pack("<3I", 0, 1, 0)
    timeline.probe.write_memory(alias(RAM + 0x104, 8), struct.pack("<2I", 1, 3))
    timeline.probe.write_memory(alias(RAM + 0x104, 31), struct.pack("<I", 2))
    machine.run(6)
    assert timeline.probe.read_memory(RAM + 0x104, 4) == struct.pack("<I", 0x310)
    timeline.probe.write_memory(alias(TIMER0 + 8, 7), b"\1\0\0\0")
    machine.run(7)
    assert timeline.probe.read_memory(TIMER0 + 8, 4) == struct.pack("<I", 0x80)
    found.close()
