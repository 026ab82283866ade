"""The address at which an access fails, as the engine has it, and a disassembler."""

from __future__ import annotations

import re

import capstone
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicorn import riscv_const as rv

from tests.unit.riscv_doubles import open_memory
from ttd.cpu.models import CPUS
from ttd.engine import Engine, StopReason

RAM, HOLE = 0x80000000, 0x40000800
FLOATING = 0x2000
"""mstatus.FS"""

NARROW = st.builds(
    lambda quadrant, funct, rest: (funct << 13 | rest << 2 | quadrant).to_bytes(2, "little"),
    st.sampled_from([0, 2]),
    st.sampled_from([1, 2, 3, 5, 6, 7]),
    st.integers(0, 0x7FF),
)
WIDE = st.builds(
    lambda opcode, low, width, high: (high << 15 | width << 12 | low << 7 | opcode).to_bytes(
        4, "little"
    ),
    st.sampled_from([0x03, 0x07, 0x23, 0x27]),
    st.integers(0, 31),
    st.sampled_from([0, 1, 2, 3]),
    st.integers(0, 0x1FFFF),
)


def bench(xlen: int) -> Engine:
    engine = Engine(CPUS[f"rv{xlen}"].isa)
    engine.map_ram(RAM, 0x2000)
    engine.start()
    open_memory(engine)
    return engine


ENGINES = {xlen: bench(xlen) for xlen in (32, 64)}


@pytest.mark.parametrize("xlen", [32, 64])
@given(code=NARROW | WIDE)
def test_the_address_of_a_fault(xlen: int, code: bytes) -> None:
    mode = capstone.CS_MODE_RISCV32 if xlen == 32 else capstone.CS_MODE_RISCV64
    found = next(
        capstone.Cs(capstone.CS_ARCH_RISCV, mode | capstone.CS_MODE_RISCVC).disasm(code, RAM), None
    )
    operand = found and re.search(r"(-?(?:0x)?[0-9a-f]+)\((\w+)\)$", found.op_str)
    if not found or not operand or found.size != len(code) or operand[2] == "zero":
        return
    engine = ENGINES[xlen]
    engine.write(RAM, code)
    engine.reg_write(rv.UC_RISCV_REG_MSTATUS, FLOATING)
    for number in range(1, 32):
        engine.reg_write(rv.UC_RISCV_REG_X0 + number, HOLE)
    engine.reg_write(rv.UC_RISCV_REG_PC, RAM)
    stop = engine.run(10)
    if stop.reason is StopReason.EXCEPTION:  # this processor has no such instruction
        return
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.FAULT, 0, RAM)
    assert stop.address == HOLE + int(operand[1], 0), found.op_str


def test_a_fault_needs_no_second_start() -> None:
    engine = ENGINES[64]
    engine.write(RAM, bytes.fromhex("83b50500"))  # ld a1, 0(a1)
    engine.reg_write(rv.UC_RISCV_REG_A1, HOLE)
    engine.reg_write(rv.UC_RISCV_REG_PC, RAM)
    before = engine.work
    assert engine.run(10).address == HOLE
    assert engine.work.since(before).starts == 1
