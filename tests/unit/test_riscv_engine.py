"""Promises of the engine that the RISC-V processor model rests on, one by one."""

from __future__ import annotations

import pytest

from tests.unit.riscv_bench import Bench
from tests.unit.riscv_programs import CODE, S2, S3, Program, S, half, load
from ttd.engine import Context


@pytest.fixture(params=[64, 32])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


def put(bench: Bench, code: bytes, mode: int = 3) -> None:
    seeds = (0,) * 8
    bench.load(Program(bench.xlen, mode, False, code.ljust(16, b"\0"), 1, False, 0, (), seeds))


@pytest.mark.parametrize("first", [load(2, 10, S3, 0), load(2, 10, S2, 0)])
def test_what_comes_after_the_last_instruction_is_not_raised(bench: Bench, first: bytes) -> None:
    """Also after a device access, which the engine does alone."""
    put(bench, first + half(0))
    bench.run(1)
    assert (bench.engine.step, bench.engine.pc, bench.events) == (1, CODE + 4, [])
    bench.run(1)
    assert bench.events == [(1, 2, CODE + 4)]


def test_floating_point_flags_come_back(bench: Bench) -> None:
    """By contexts, by architectural state; though floating point is off meanwhile."""
    engine, cpu = bench.engine, bench.cpu
    put(bench, b"")
    cpu.write_register("fcsr", 0x75)
    for status in (0x2000, 0):
        cpu.write_register("mstatus", status)
        context, state = Context(engine), engine.save_state()
        context.save()
        cpu.write_register("fcsr", 0x0A)
        context.restore()
        assert cpu.read_register("fcsr") == 0x75
        cpu.write_register("fcsr", 0x0A)
        engine.load_state(state)
        assert cpu.read_register("fcsr") == 0x75
        assert cpu.read_register("mstatus") & 0xFFFFFFFF == status


def test_supervisor_mode_enables_what_is_delegated(bench: Bench) -> None:
    """csrrw a0, sie, a1; csrrs a0, sie, x0"""
    put(bench, bytes.fromhex("73954510" + "73254010"), S)
    for name, value in {"pmpcfg0": 0x1F, "mideleg": 0x200, "mie": 0x80, "a1": 0xFFF}.items():
        bench.cpu.write_register(name, value)
    bench.run(2)
    assert bench.cpu.read_register("a0") == 0x200
    assert bench.cpu.read_register("mie") == 0x280
