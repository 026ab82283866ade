"""Unicorn's TLB stays small, however often it is flushed while devices are accessed."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from unicorn import arm_const as arm

from ttd.cpu.models import CPUS
from ttd.engine import Engine

CODE, RAM, DEVICE = 0x100, 0x20000000, 0x40000000
INTERVALS = 14
ROOM_KB = 32 << 10


def resident_kb() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


# A page that shares the device's place in the table, and one that does not.
@pytest.mark.parametrize("memory", [RAM, RAM + 0x400])
def test_flushes_do_not_make_it_grow(memory: int) -> None:
    engine = Engine(CPUS["cortex-m3"].isa)
    engine.map_ram(0, 0x10000)
    engine.map_ram(RAM, 0x10000)
    engine.map_mmio(DEVICE, 0x1000, lambda address, size: 0, lambda address, size, value: None)
    engine.start()
    # loop: ldr r1, [r0]; str r1, [r0]; ldr r3, [r2]; b loop
    engine.write(CODE, struct.pack("<4H", 0x6801, 0x6001, 0x6813, 0xE7FB))
    engine.reg_write(arm.UC_ARM_REG_R0, memory)
    engine.reg_write(arm.UC_ARM_REG_R2, DEVICE)
    engine.reg_write(arm.UC_ARM_REG_PC, CODE | 1)
    engine.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
    began = resident_kb()
    for _ in range(INTERVALS):
        assert engine.run(3000).steps == 3000
        engine.new_interval()
        assert resident_kb() < began + ROOM_KB
