"""GDB itself takes the register descriptions of RISC-V cores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.riscv_doubles import Bench
from ttd.rsp.description import target_xml

GDB = shutil.which("gdb-multiarch")


@pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")
@pytest.mark.parametrize("xlen", [64, 32])
def test_gdb_accepts_the_registers(tmp_path: Path, xlen: int) -> None:
    cpu = Bench(xlen).cpu
    description = tmp_path / "target.xml"
    description.write_text(target_xml(cpu.gdb_architecture, cpu.registers))
    commands = (f"set tdesc filename {description}", "show architecture", "maint print registers")
    arguments = [part for command in commands for part in ("-ex", command)]
    run = subprocess.run(
        [str(GDB), "-nx", "-batch", *arguments], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert f'currently "riscv:rv{xlen}")' in run.stdout
    rows = [line.split() for line in run.stdout.splitlines()]
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
