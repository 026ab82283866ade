"""Instructions of AArch64 and x86-64 that access memory: a run stops right before each that does a
watched access, with nothing of it done, and how a run is cut makes no difference where they access
devices, the code that is running, or nothing.

What each accesses is what plain Unicorn says of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from unicorn import (
    UC_ARCH_ARM64,
    UC_ARCH_X86,
    UC_HOOK_MEM_READ,
    UC_HOOK_MEM_WRITE,
    UC_MEM_WRITE,
    UC_MODE_64,
    UC_MODE_ARM,
    Uc,
    UcError,
    arm64_const,
    x86_const,
)

from tests.unit import flat_forms
from tests.unit.flat_programs import (
    AARCH64,
    CODE,
    DATA,
    DEVICE,
    RAM,
    RAM_SIZE,
    STACK,
    X86_64,
)
from tests.unit.test_engine_flat import Bench
from ttd.engine import FRAME, Access, StopReason

OPERAND = DATA + 0x40
SPAN = 512
"""The longest access, of FXSAVE."""
STEPS = 12
BEFORE = {"x86-64": bytes.fromhex("4983e801"), "aarch64": bytes.fromhex("080500f1")}
"""sub $1, %r8; subs x8, x8, #1: flags that the block has yet to make."""
BEHIND = {
    "x86-64": bytes.fromhex("909090f4"),
    "aarch64": bytes.fromhex("1f2003d5" * 3 + "7f2003d5"),
}
"""NOPs, and what waits."""
READS_LESS = {"cvtps2pi (%rdi), %mm1": 8, "cvtps2pd (%rdi), %xmm0": 8}
"""Unicorn reads sixteen bytes."""
State = tuple[list[int], bytes]


@pytest.fixture(scope="module")
def x86() -> Bench:
    return Bench(X86_64)


@pytest.fixture(scope="module")
def a64() -> Bench:
    return Bench(AARCH64)


class Case:
    """One instruction between two others, with its operand at `operand`."""

    def __init__(self, bench: Bench, code: str, operand: int = OPERAND, stack: int = STACK) -> None:
        self.bench = bench
        self.engine = bench.engine
        self.model = bench.dialect.model
        self.code = bytes.fromhex(code)
        self.operand = operand
        self.stack = stack

    def load(self) -> None:
        bench, engine = self.bench, self.engine
        r = random.Random(1)
        ram = bytearray(RAM_SIZE)
        ram[DATA - RAM : 0x2000] = r.randbytes(0x2000 - (DATA - RAM))
        ram[STACK - RAM - 0x100 : STACK - RAM + 0x100] = r.randbytes(0x200)
        program = BEFORE[self.model] + self.code + BEHIND[self.model]
        ram[CODE - RAM : CODE - RAM + len(program)] = program
        engine.restore_frames((i, bytes(ram[i * FRAME :][:FRAME])) for i in range(engine.frames))
        engine.new_interval()
        engine.set_watchpoints([])
        engine.skip_stops_at(None)
        bench.cpu.reset()
        values = {name: r.getrandbits(64) for name in bench.dialect.free}
        values["R8" if self.model == "x86-64" else "X8"] = 0
        if self.model == "x86-64":
            second = DATA + 0x300
            values |= {"RDI": self.operand, "RBX": self.operand, "RSI": second, "RCX": 3, "RDX": 1}
            values |= {"RSP": self.stack, "RBP": STACK + 0x80, "R14": CODE}
        else:
            values |= {"X0": self.operand, "SP": self.stack}
        for n in range(4):
            # A bit that MASKMOVDQU looks at.
            mask = 0x80 << 56 if self.model == "x86-64" else 0
            engine.wide_write(self.vector(n), r.getrandbits(128) | mask)
        numbers = {bench.ids[name]: value for name, value in values.items()} | {engine.isa.pc: CODE}
        engine.regs_write(tuple(numbers), tuple(numbers.values()))
        engine.step = 0
        bench.accesses, bench.events, bench.done = [], [], False

    def vector(self, n: int) -> int:
        return self.bench.ids[f"XMM{n}" if self.model == "x86-64" else f"Q{n}"]

    def state(self) -> State:
        return self.engine.save_state(), self.bench.memory()

    def accesses(self, steps: int) -> list[tuple[Access, int, int]]:
        """Of the instructions before step `steps`, by plain Unicorn: kind, address, size."""
        self.load()
        found: list[tuple[Access, int, int]] = []
        if self.model == "x86-64":
            uc = Uc(UC_ARCH_X86, UC_MODE_64)
            uc.reg_write(x86_const.UC_X86_REG_CR4, 0x220)
            others: tuple[str, ...] = ("RBP", "RSP", "R8")
        else:
            uc = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
            uc.ctl_set_cpu_model(arm64_const.UC_CPU_ARM64_A72)
            uc.reg_write(arm64_const.UC_ARM64_REG_CPACR_EL1, 3 << 20)
            others = ("SP",)
        uc.mem_map(RAM, RAM_SIZE)
        uc.mem_write(RAM, self.bench.memory())
        for name in (*self.bench.dialect.free, *others):
            uc.reg_write(self.bench.ids[name], self.engine.reg_read(self.bench.ids[name]))
        for n in range(4):
            uc.reg_write(self.vector(n), self.engine.wide_read(self.vector(n)))

        def note(_uc: Uc, kind: int, address: int, size: int, _value: int, _data: Any) -> None:
            found.append((Access.WRITE if kind == UC_MEM_WRITE else Access.READ, address, size))

        uc.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, note)
        with suppress(UcError):  # it may go somewhere else
            uc.emu_start(CODE, 0, 0, steps)
        return found

    @contextmanager
    def watched(self, address: int, kind: Access) -> Iterator[None]:
        self.load()
        self.engine.set_watchpoints([(address, 1, kind, False)])
        try:
            yield
        finally:
            self.engine.set_watchpoints([])
            self.engine.skip_stops_at(None)

    def outcome(self, slices: int) -> tuple[Any, ...]:
        """All there is to see when it is run in such slices."""
        self.load()
        while True:
            stop = self.engine.run(min(slices, STEPS - self.engine.step))
            if stop.reason is not StopReason.BUDGET or self.engine.step >= STEPS:
                break
        return stop.reason, self.engine.step, stop.pc, self.state(), self.bench.accesses


def check_watches(case: Case, name: str) -> None:
    instructions = 2 + name.count(";")
    case.load()
    states = [case.state()]
    for _ in range(instructions):
        case.engine.run(1)
        states.append(case.state())
    whole = case.outcome(STEPS)
    places = {
        (kind, at)
        for kind, address, size in case.accesses(instructions)
        for at in (address, address + size - 1)
    }
    assert places or "zva" not in name
    for kind, at in sorted(places):
        if at >= OPERAND + READS_LESS.get(name, SPAN) and at < STACK - 0x800:
            continue
        with case.watched(at, kind):
            stop = case.engine.run(STEPS)
            assert stop.reason is StopReason.WATCH, (kind, hex(at))
            assert stop.watch is not None and stop.watch.kind == kind
            assert 1 <= case.engine.step < instructions, (kind, hex(at))
            assert case.state() == states[case.engine.step], (kind, hex(at))
            case.engine.skip_stops_at(case.engine.step)
            stop = case.engine.run(STEPS - case.engine.step)
            if stop.reason is not StopReason.WATCH:  # another iteration of REP, or the load before
                assert (stop.reason, case.engine.step, stop.pc, case.state()) == whole[:4]


@pytest.mark.parametrize("name", flat_forms.X86)
def test_watches_of_x86(x86: Bench, name: str) -> None:
    check_watches(Case(x86, flat_forms.X86[name]), name)


@pytest.mark.parametrize("name", flat_forms.A64)
def test_watches_of_aarch64(a64: Bench, name: str) -> None:
    check_watches(Case(a64, flat_forms.A64[name]), name)


def check_cuts(bench: Bench, code: str) -> None:
    """Stores to the code that follows; a device; nothing at all."""
    behind = CODE + len(BEFORE[bench.dialect.model]) + len(code) // 2
    aligned = (behind + 15) & ~15
    nothing = RAM + RAM_SIZE + 0x1000
    for operand, stack in (behind, behind + 16), (aligned, aligned + 16), (DEVICE, DEVICE + 0x100):
        case = Case(bench, code, operand, stack)
        assert case.outcome(STEPS) == case.outcome(1)
    for operand, stack in (nothing, nothing), (RAM + RAM_SIZE - 16, RAM + 8), (RAM - 8, RAM):
        case = Case(bench, code, operand, stack)
        alone, together = case.outcome(1), case.outcome(STEPS)
        assert alone[:3] == together[:3]


@pytest.mark.parametrize("name", flat_forms.X86)
def test_cuts_of_x86(x86: Bench, name: str) -> None:
    check_cuts(x86, flat_forms.X86[name])


@pytest.mark.parametrize("name", flat_forms.A64)
def test_cuts_of_aarch64(a64: Bench, name: str) -> None:
    check_cuts(a64, flat_forms.A64[name])


ABSENT = {
    "vzeroupper": "c5f877",
    "vpaddb %xmm1, %xmm0, %xmm2": "c5f9fcd1",
    "vpermilps (%rdi), %xmm0, %xmm1": "c4e2790c0f",
    "setnb by a prefix of AVX": "c5909090f4",
    "pop by one of XOP": "8f9090f4",
    "lock decb, of a register": "f0fec8",
}


@pytest.mark.parametrize("name", ABSENT)
@pytest.mark.parametrize("slices", [1, STEPS])
def test_instructions_that_there_are_not_end_the_run(x86: Bench, name: str, slices: int) -> None:
    reason, step, pc, _, _ = Case(x86, ABSENT[name]).outcome(slices)
    assert (reason, step, pc) == (StopReason.INVALID, 1, CODE + len(BEFORE["x86-64"]))
