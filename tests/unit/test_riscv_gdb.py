"""GDB itself takes the register descriptions of RISC-V cores."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gdb_registers import needs_gdb, read_by_gdb
from tests.unit.riscv_doubles import Bench


@needs_gdb
@pytest.mark.parametrize("xlen", [64, 32])
def test_gdb_accepts_the_registers(tmp_path: Path, xlen: int) -> None:
    cpu = Bench(xlen).cpu
    text = read_by_gdb(tmp_path, cpu.gdb_architecture, cpu.registers)
    assert f'currently "riscv:rv{xlen}")' in text
    rows = [line.split() for line in text.splitlines()]
    numbers = {row[0]: row[1] for row in rows if len(row) > 5 and row[1].isdigit()}
    for register in cpu.registers:
        assert numbers[register.name] == str(register.regnum)


@pytest.mark.parametrize("xlen", [64, 32])
def test_every_register_can_be_read_and_written(xlen: int) -> None:
    bench = Bench(xlen)
    numbers = [register.regnum for register in bench.cpu.registers]
    assert numbers == sorted(set(numbers))
    for register in bench.cpu.registers:
        assert 0 <= bench[register.name] < 1 << register.bits
        bench.put(**{register.name: 1})
