"""Singles that are not boxed, read in the block that made them and in later ones."""

from __future__ import annotations

import pytest

from tests.unit.riscv_doubles import RAM, Bench
from tests.unit.riscv_programs import r_type

NAN, MINUS_NAN, MINUS_ONE = 0xFFFFFFFF7FC00000, 0xFFFFFFFFFFC00000, 0xFFFFFFFFBF800000
FS, NOP, BRANCH = 0x2000, 0x13, 0x00000463  # beq zero, zero, 8


def fsgnj(kind: int, rd: int, rs1: int, rs2: int) -> int:
    return int.from_bytes(r_type(0x53, kind, 0x10, rd, rs1, rs2), "little")


def fmv_d_x(rd: int, rs1: int) -> int:
    return int.from_bytes(r_type(0x53, 0, 0x79, rd, rs1, 0), "little")


PROGRAM = (
    fmv_d_x(0, 10), fsgnj(0, 1, 0, 0), BRANCH, NOP,
    fmv_d_x(2, 11), fsgnj(1, 3, 2, 0), BRANCH, NOP,
    fsgnj(2, 4, 0, 2), fsgnj(0, 5, 0, 2), fsgnj(1, 6, 0, 2), NOP,
)  # fmt: skip
"""Of f0, which is not boxed, and f2, which is: read right behind the write, and blocks later."""


@pytest.mark.parametrize("slices", [[10], [1] * 10, [2, 3, 5], [3, 7], [6, 4]])
def test_what_is_not_boxed_is_a_nan_wherever_it_is_read(slices: list[int]) -> None:
    bench = Bench(64)
    bench.put(mstatus=FS, a0=0x3F800000, a1=MINUS_ONE)
    bench.poke(RAM, *PROGRAM)
    for steps in slices:
        assert bench.run(steps).steps == steps
    found = [bench[name] for name in ("ft0", "ft1", "ft3", "ft4", "ft5", "ft6")]
    assert found == [0x3F800000, NAN, MINUS_ONE, MINUS_NAN, MINUS_NAN, NAN]
