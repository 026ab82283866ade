"""Promises of the engine that the RISC-V processor model rests on, one by one."""

from __future__ import annotations

import pytest

from tests.unit.riscv_bench import Bench
from tests.unit.riscv_doubles import CSRRS, CSRRW, csr
from tests.unit.riscv_programs import CODE, S2, S3, S5, Program, S, half, i_type, jump, load, r_type
from ttd.cpu.riscv.registers import CSR_NUMBERS
from ttd.engine import Context, StopReason


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


@pytest.mark.parametrize("leave", [jump(8), i_type(0x67, 0, 0, S5, 0)])
def test_a_range_is_left_before_what_comes_after_it_raises(bench: Bench, leave: bytes) -> None:
    """For an illegal instruction of 16 bits, and for one that cannot be fetched."""
    put(bench, leave)
    bench.engine.stay_within((CODE, CODE + 8))
    stop = bench.engine.run(100)
    bench.engine.stay_within(None)
    assert (stop.reason, stop.steps) == (StopReason.RANGE, 1)
    assert not CODE <= stop.pc < CODE + 8


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


EXISTING = {
    "scounteren": 0xFFFFFFFF,
    "sepc": ~1,
    "medeleg": 0xB3FF,
    "mideleg": 0x222,
    "mie": 0xAAA,
    "mcounteren": 0xFFFFFFFF,
    "mepc": ~1,
}
"""What they keep of all ones; all of them begin at 0."""


@pytest.mark.parametrize("by_debugger", [False, True], ids=["instruction", "debugger"])
@pytest.mark.parametrize("operation", [CSRRW, CSRRS])
@pytest.mark.parametrize("name", EXISTING)
def test_bits_that_there_are_not_cannot_be_set(
    bench: Bench, name: str, operation: int, by_debugger: bool
) -> None:
    ones = (1 << bench.xlen) - 1
    put(bench, csr(operation, CSR_NUMBERS[name], 10, 11).to_bytes(4, "little"))
    bench.cpu.write_register("a1", ones)
    bench.cpu.write_register(name, 0)
    if by_debugger:
        bench.cpu.write_register(name, ones)
    else:
        bench.run(1)
        assert bench.cpu.read_register("a0") == 0
    assert bench.events == []
    assert bench.cpu.read_register(name) == EXISTING[name] & ones


@pytest.mark.parametrize("mode", range(16))
def test_modes_of_translation_that_there_are_not(mode: int) -> None:
    """A write with one has no effect at all, by an instruction or a debugger."""
    bench = Bench(64)
    put(bench, csr(CSRRW, CSR_NUMBERS["satp"], 0, 11).to_bytes(4, "little"))
    value = mode << 60 | 0x12345
    bench.cpu.write_register("a1", value)
    bench.cpu.write_register("satp", 0x777)
    bench.run(1)
    expected = value if mode in (0, 8) else 0x777
    assert bench.cpu.read_register("satp") == expected
    bench.cpu.write_register("satp", 0x777)
    bench.cpu.write_register("satp", value)
    assert bench.cpu.read_register("satp") == expected


@pytest.mark.parametrize("offset", [0, 4, 0xFFC, 0x1000])
@pytest.mark.parametrize("before", [b"", half(1)])
def test_an_illegal_halfword_that_is_overwritten_is_gone(
    bench: Bench, offset: int, before: bytes
) -> None:
    """Alone in its block, or its last; at the border of a page. By a debugger, or by a restore."""
    engine, cpu = bench.engine, bench.cpu
    put(bench, b"")
    at = CODE + offset
    engine.write(at, before + half(0))
    frames = list(enumerate(engine.frames_data(range(engine.frames))))

    def run() -> tuple[int, int]:
        cpu.write_register("pc", at)
        bench.events.clear()
        bench.run(len(before) // 2 + 1)
        return len(bench.events), engine.pc - at

    for change in (half(0x0505), bytes.fromhex("13050500")):
        assert run()[0] == 1
        engine.write(at, before + change)
        assert run() == (0, len(before) + len(change))
        engine.restore_frames(frames)


def test_flags_alone_make_floating_point_dirty(bench: Bench) -> None:
    """feq.s a0, ft0, ft1; c.nop"""
    put(bench, r_type(0x53, 2, 0x50, 10, 0, 1) + half(1) + half(1))
    cpu = bench.cpu
    for ft0, flags, dirty in ((0xFFFFFFFF3F800000, 0, 2), (0xFFFFFFFF7F800001, 0x10, 3)):
        for register, value in (("ft0", ft0), ("ft1", ft0), ("fflags", 0), ("mstatus", 0x4000)):
            cpu.write_register(register, value)
        cpu.write_register("pc", CODE)
        bench.run(2)
        assert cpu.read_register("fflags") == flags
        assert cpu.read_register("mstatus") >> 13 & 3 == dirty


@pytest.mark.parametrize("width", [0, 1, 3, 4, 5, 6, 7])
def test_a_store_conditional_of_no_width_is_illegal(bench: Bench, width: int) -> None:
    """Wherever it points to; a doubleword is one on RV64."""
    insn = 0x3 << 27 | 12 << 20 | S2 << 15 | width << 12 | 10 << 7 | 0x2F
    put(bench, insn.to_bytes(4, "little"))
    bench.cpu.write_register("s2", CODE + 1)
    bench.run(1)
    assert bench.events == [(0, 6 if width == 3 and bench.xlen == 64 else 2, CODE)]


@pytest.mark.parametrize("insn", [0x041080D3 | 5 << 12, 0x0C1080D3 & ~0x7F | 0x43 | 2 << 25])
def test_an_illegal_instruction_leaves_what_is_no_single(insn: int) -> None:
    """fadd.s f1, f1, f1 with a reserved rounding mode, fmadd of a reserved format"""
    bench = Bench(64)
    put(bench, insn.to_bytes(4, "little"))
    bench.cpu.write_register("mstatus", 0x2000)
    bench.cpu.write_register("ft1", 0x4004000000000000)
    bench.run(1)
    assert bench.events == [(0, 2, CODE)]
    assert bench.cpu.read_register("ft1") == 0x4004000000000000


def test_a_single_is_boxed_though_its_block_is_forgotten(bench: Bench) -> None:
    """Memory protection changes while a single in a register is still without its box."""
    if bench.xlen == 32:
        pytest.skip("without doubles there are no boxes")
    forgets = csr(CSRRW, CSR_NUMBERS["pmpcfg0"]).to_bytes(4, "little")
    code = r_type(0x53, 0, 0x78, 31, 0, 0) + jump(8) + bytes(4) + forgets + jump(0)
    found = []
    for steps in ((1,) * 8, (8,)):
        put(bench, code)
        for count in steps:
            bench.run(count)
        found.append(bench.state())
    assert found[0] == found[1]
    assert bench.cpu.read_register("ft11") == 0xFFFFFFFF00000000
