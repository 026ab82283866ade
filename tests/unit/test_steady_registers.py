"""Registers that the engine answers by itself hold what the devices would have said."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from ttd.boards import BOARDS
from ttd.devices.mps2_fpgaio import Mps2Fpgaio
from ttd.engine import Engine
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import RecordedMachine, RecordOptions

# Reads TIMER0 VALUE and CTRL, FPGAIO CLK1HZ, CLK100HZ, COUNTER and PSCNTR, SysTick CVR and UART
# STATE again and again, and folds them into r7; now and then writes a timer.
#   loop: ldr r1,[r0,#4]; eors r7,r1; ldr r1,[r0]; adds r7,r1; ldr r1,[r2,#0x10]; adds r7,r1
#         ldr r1,[r2,#0x14]; adds r7,r1; ldr r1,[r2,#0x18]; adds r7,r1; ldr r1,[r2,#0x20]
#         eors r7,r1; ldr r1,[r3,#8]; adds r7,r1; ldr r1,[r4,#4]; adds r7,r1; rors r7,r6
#         subs r5,#1; bne loop; str r7,[r0,#8]; movs r5,#200; b loop
LOOP = [
    *(0x6841, 0x404F, 0x6801, 0x187F, 0x6911, 0x187F, 0x6951, 0x187F, 0x6991, 0x187F, 0x6A11),
    *(0x404F, 0x6899, 0x187F, 0x6861, 0x187F, 0x41F7, 0x3D01, 0xD1EC, 0x6087, 0x25C8, 0xE7E9),
]
# The same with a byte in the middle of COUNTER, ldrb r1,[r2,#0x19], for the whole of it.
BYTES = [0x7E51 if code == 0x6991 else code for code in LOOP]
# ldr r0..r4,[pc,#..] from the pool; movs r5,#200; movs r6,#5; movs r7,#3; str r7,[r3,#4]
# (SysTick reload 3); str r7,[r3]... then enables both timers.
POOL = [0x40000000, 0, 0x40028000, 0xE000E010, 0x40004000]


def image(path: Path, reload: int, loop: list[int]) -> Path:
    """The program as a raw image: vectors, set-up, loop, pool."""
    setup = [0x25C8, 0x2605, 0x2700 | reload]
    setup += [0x605F, 0x609F, 0x2105, 0x6019]  # SysTick RVR, CVR, CSR = 5
    setup += [0x6087, 0x2101, 0x6001]  # TIMER0 RELOAD, CTRL = 1
    count = len(setup) + 4
    loads = []
    base = 8 + 2 * (count + len(loop))
    base += -base % 4
    for at, register in enumerate((0, 2, 3, 4)):
        pc = (8 + 2 * at + 4) & ~3
        word = (0, 2, 3, 4)[at]
        loads.append(0x4800 | register << 8 | (base + 4 * word - pc) // 4)
    code = struct.pack(f"<{count + len(loop)}H", *loads, *setup, *loop)
    data = struct.pack("<2I", 0x20001000, 9) + code
    data += bytes(base - len(data)) + struct.pack("<5I", *POOL)
    path.write_bytes(data)
    return path


def run(firmware: Path, cuts: random.Random | None) -> bytes:
    board = BOARDS["mps2-an385"]
    options = RecordOptions(board, load_image(f"{firmware}@0"), 13)
    session = RecordedMachine.record(options, None, {}, SemihostFiles(None), bytes)
    machine = session.machine
    while machine.engine.step < 60_000:
        size = 60_000 if cuts is None else cuts.randint(1, 300)
        machine.run(min(60_000, machine.engine.step + size))
    registers = [machine.cpu.read_register(f"r{n}") for n in range(13)]
    session.close()
    return repr((registers, machine.engine.read(0x20000000, 64))).encode()


@pytest.mark.parametrize(("reload", "loop"), [(3, LOOP), (100, LOOP), (255, LOOP), (100, BYTES)])
def test_kept_registers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reload: int, loop: list[int]
) -> None:
    firmware = image(tmp_path / "fw.bin", reload, loop)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    kept = []
    original = Engine.keep_reading
    monkeypatch.setattr(Engine, "keep_reading", lambda *a: (kept.append(1), original(*a))[1])
    at_once = run(firmware, None)
    # The four counters of FPGAIO, for good: the timers beside them are declared.
    assert len(kept) >= 4
    assert run(firmware, random.Random(seed)) == at_once
    monkeypatch.setattr(Engine, "keep_reading", lambda *a: None)
    assert run(firmware, None) == at_once


def test_what_is_known_ends_with_its_own_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 200 rounds the program writes a timer, which the counters beside it do not mind."""
    asked = []
    read = Mps2Fpgaio.read
    monkeypatch.setattr(
        Mps2Fpgaio,
        "read",
        lambda *a: (asked.append(a[1]), read(*a))[1],  # offset
    )
    run(image(tmp_path / "fw.bin", 255, LOOP), None)
    assert len(asked) < 12, asked
