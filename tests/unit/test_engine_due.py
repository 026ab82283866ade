"""Where what is due is noticed: a function of the instructions executed, however they are run."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import capstone
import pytest
from capstone import CS_GRP_CALL, CS_GRP_JUMP, CS_GRP_RET, Cs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unicorn.arm_const import UC_ARM_REG_XPSR

from tests.unit import engine_bench, engine_programs, flat_programs, riscv_bench, riscv_programs
from tests.unit import test_engine_flat as flat
from ttd.engine import Engine, StopReason

EXAMPLES = int(os.environ.get("TTD_ENGINE_EXAMPLES", "30"))
LATENCY = 32
IT_BITS = 0x0600FC00
COMMON = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


class Core(NamedTuple):
    """A bench, what programs it runs, and who else can tell a branch from other instructions."""

    bench: Any
    programs: st.SearchStrategy[Any]
    judge: Cs | None


def judge(arch: int, mode: int) -> Cs:
    disassembler = Cs(arch, mode)
    disassembler.detail = True
    return disassembler


def core(name: str) -> Core:
    match name:
        case "cortex-m3" | "cortex-m0":
            small = name == "cortex-m0"
            dialect = engine_programs.BASELINE if small else engine_programs.THUMB2
            thumb = judge(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
            bench = engine_bench.Bench(dialect)
            return Core(bench, engine_programs.programs(dialect), thumb)
        case "rv64" | "rv32":
            bits = int(name[2:])
            return Core(riscv_bench.Bench(bits), riscv_programs.programs(bits), None)
        case "x86-64":
            x86 = judge(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
            x86_programs = flat_programs.programs(flat_programs.X86_64)
            return Core(flat.Bench(flat_programs.X86_64), x86_programs, x86)
    a64 = judge(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    return Core(
        flat.Bench(flat_programs.AARCH64), flat_programs.programs(flat_programs.AARCH64), a64
    )


@pytest.fixture(
    scope="module", params=["cortex-m3", "cortex-m0", "rv64", "rv32", "aarch64", "x86-64"]
)
def machine(request: pytest.FixtureRequest) -> Core:
    return core(request.param)


def in_it(engine: Engine) -> bool:
    """Are the next instructions those of an IT block?"""
    thumb = engine.isa.name.startswith("cortex")
    return thumb and bool(engine.reg_read(UC_ARM_REG_XPSR) & IT_BITS)


def load(bench: Any, program: Any) -> None:
    """A step takes 1 ns, whoever asks for the time; nothing is due."""
    bench.load(program)
    bench.engine.time.clock_ns = 1
    bench.engine.time.warp_ns = 0
    bench.engine.set_due(None)


def walked(bench: Any, program: Any, until: int) -> dict[int, tuple[bool, bool]]:
    """By single steps: of each position whether it is behind a branch, and inside an IT block."""
    engine = bench.engine
    load(bench, program)
    found = {0: (engine.follows_branch, in_it(engine))}
    while not bench.done and engine.step < until:
        bench.run(1)
        found[engine.step] = (engine.follows_branch, in_it(engine))
    return found


def noticed(positions: dict[int, tuple[bool, bool]], due: int) -> int | None:
    """Where what is due at step `due` is noticed, as docs/engine.md has it."""
    for step in range(due, max(positions) + 1):
        follows, inside = positions.get(step, (False, True))
        if follows or (step >= due + LATENCY and not inside):
            return step
    return None


@COMMON
@given(data=st.data(), due=st.integers(0, 400), slices=st.lists(st.integers(1, 60), min_size=1))
def test_noticed_at_the_same_step(
    machine: Core, data: st.DataObject, due: int, slices: list[int]
) -> None:
    bench, engine = machine.bench, machine.bench.engine
    program = data.draw(machine.programs)
    positions = walked(bench, program, due + 3 * LATENCY)
    expected = noticed(positions, due)
    for counts in ([1 << 20], slices):
        load(bench, program)
        engine.set_due(due)
        turn = 0
        while not engine.notices() and not bench.done and engine.step < max(positions):
            bench.run(min(counts[turn % len(counts)], max(positions) - engine.step))
            turn += 1
            if engine.step in positions:
                assert (engine.follows_branch, in_it(engine)) == positions[engine.step]
        if expected is not None:
            assert engine.step == expected
        engine.set_due(None)


@COMMON
@given(data=st.data(), due=st.integers(0, 400))
def test_noticed_at_once_if_that_is_wanted(data: st.DataObject, due: int) -> None:
    machine = core("cortex-m3")
    bench, engine = machine.bench, machine.bench.engine
    engine.notice_at_once()
    program = data.draw(machine.programs)
    positions = walked(bench, program, due + LATENCY)
    free = (step for step in sorted(positions) if step >= due and not positions[step][1])
    load(bench, program)
    engine.set_due(due)
    while not engine.notices() and not bench.done and engine.step < max(positions):
        bench.run(max(positions) - engine.step)
    assert engine.step == next(free, engine.step)


@COMMON
@given(data=st.data())
def test_branches_are_what_a_disassembler_takes_for_them(
    machine: Core, data: st.DataObject
) -> None:
    if machine.judge is None:
        pytest.skip("this disassembler knows no branches of RISC-V")
    bench, engine = machine.bench, machine.bench.engine
    bench.load(data.draw(machine.programs))
    while not bench.done:
        at, step, events = engine.pc, engine.step, len(bench.events)
        code = engine.read(at, 16)
        stop = bench.run(1)
        if stop.reason is not StopReason.BUDGET or len(bench.events) > events:
            continue
        insn = next(machine.judge.disasm(code, at, 1), None)
        if insn is None or engine.step != step + 1:
            continue
        groups = (CS_GRP_JUMP, CS_GRP_RET, CS_GRP_CALL)
        # It has no group for these.
        others = insn.mnemonic == "eret" or insn.mnemonic.startswith("loop")
        jumps = any(insn.group(group) for group in groups) or others
        loads_pc = (
            engine.isa.name.startswith("cortex")
            and "pc" in insn.op_str.split("{")[-1]
            and (insn.mnemonic.startswith(("pop", "ldm")) or insn.op_str.startswith("pc"))
        )
        assert engine.follows_branch == bool(jumps or loads_pc), f"{insn.mnemonic} {insn.op_str}"


MEPC, MSCRATCH = 0x341, 0x340
END = riscv_programs.RAM + riscv_programs.RAM_SIZE


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "step by step"])
@pytest.mark.parametrize(
    ("first", "second", "where", "follows"),
    [
        (
            riscv_programs.csrrw(0, MEPC, riscv_programs.S5),
            riscv_programs.MRET,
            riscv_programs.CODE + 4,
            True,
        ),
        (
            riscv_programs.jump(END - 4 - riscv_programs.CODE),
            riscv_programs.csrrw(0, MSCRATCH, 0),
            END - 4,
            False,
        ),
    ],
    ids=["a return", "none"],
)
def test_a_branch_counts_where_nothing_can_be_fetched_behind_it(
    first: bytes, second: bytes, where: int, follows: bool, at_once: bool
) -> None:
    bench = riscv_bench.Bench(64)
    engine = bench.engine
    bench.load(
        riscv_programs.Program(64, riscv_programs.M, False, first, 1, False, 0, (), (0,) * 8)
    )
    engine.write(where, second)
    for steps in (3,) if at_once else (1, 1, 1):
        stop = engine.run(steps)
    assert (stop.reason, engine.step) == (StopReason.FAULT, 2)
    assert engine.follows_branch is follows
