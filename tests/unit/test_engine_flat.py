"""Random programs of AArch64 and x86-64 behave the same however they are run.

The state that is compared is all that a stored snapshot has. TTD_ENGINE_EXAMPLES sets how many
programs each test tries.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unicorn import arm64_const, x86_const

from tests.unit.device_doubles import HandClock
from tests.unit.engine_bench import device_stops, device_value
from tests.unit.flat_programs import (
    AARCH64,
    CODE,
    DEVICE,
    RAM,
    RAM_SIZE,
    X86_64,
    Dialect,
    Program,
    programs,
)
from tests.unit.single_steps import WHEN
from ttd.cpu.base import After, CoreWiring, Over
from ttd.cpu.models import CPUS
from ttd.engine import FRAME, Context, Engine, EngineStop, StopReason
from ttd.engine._native import lib

EXAMPLES = int(os.environ.get("TTD_ENGINE_EXAMPLES", "30"))
COMMON = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SLICES = st.lists(st.integers(1, 30), min_size=1, max_size=8)
LIMIT = 400
CLOCK_NS = 10
MONITOR = -1
"""In place of a register."""

States = dict[int, list[int]]


@dataclass
class Mark:
    """A snapshot of the test machine."""

    step: int
    context: Context
    state: list[int]
    ram: list[tuple[int, bytes]]
    accesses: int
    events: int
    done: bool


class Bench:
    """A core with memory, and a device whose answers depend on the step."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        model = CPUS[dialect.model]
        self.engine = engine = Engine(model.isa)
        engine.map_ram(RAM, RAM_SIZE)
        engine.map_mmio(DEVICE, 0x1000, self._read, self._write)
        self.cpu = model.build(
            CoreWiring(
                engine=engine,
                clock=HandClock(),
                hz=0,
                priority_bits=None,
                lines=0,
                reset_address=0,
                semihosting=False,
                ns_per_step=CLOCK_NS,
                timebase_hz=25_000_000,
                on_reset_request=lambda: None,
            )
        )
        engine.start()
        names = vars(x86_const if dialect is X86_64 else arm64_const)
        prefix = "UC_X86_REG_" if dialect is X86_64 else "UC_ARM64_REG_"
        found = {name.removeprefix(prefix): n for name, n in names.items() if prefix in name}
        self.ids: dict[str, int] = found

    def registers(self, program: Program) -> dict[int, int]:
        dialect = self.dialect
        values = dict(zip(dialect.free, program.regs, strict=True)) | dialect.fixed
        values |= {dialect.counter: program.loops, dialect.program: program.start}
        return {self.ids[name]: value for name, value in values.items()}

    def load(self, program: Program) -> None:
        engine = self.engine
        ram = bytearray(RAM_SIZE)
        ram[program.start - RAM : program.start - RAM + len(program.code)] = program.code
        engine.restore_frames((i, bytes(ram[i * FRAME :][:FRAME])) for i in range(engine.frames))
        engine.new_interval()
        self.cpu.reset()
        values = self.registers(program) | {engine.isa.pc: program.start}
        engine.regs_write(tuple(values), tuple(values.values()))
        engine.time.clock_ns = CLOCK_NS
        if engine.isa.instructions == "aarch64":
            lib.a64_set_timebase(engine.native, 25_000_000)
        engine.step = 0
        self.accesses: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.done = False

    def _read(self, address: int, size: int) -> int:
        value = device_value(self.engine.step, address, size)
        self._note("r", address, size, value)
        return value

    def _write(self, address: int, size: int, value: int) -> None:
        self._note("w", address, size, value)

    def _note(self, kind: str, address: int, size: int, value: int) -> None:
        step = self.engine.step
        self.accesses.append((step, self.engine.pc, kind, address, size, value))
        if device_stops(step, address):
            self.engine.stop_after_access()

    def memory(self) -> bytes:
        return self.engine.read(RAM, RAM_SIZE)

    def run(self, steps: int) -> EngineStop:
        """One engine run. What retires and ends a real run, such as SVC, does not end this one."""
        before = self.engine.step
        stop = self.engine.run(min(steps, LIMIT - before))
        step = self.engine.step
        assert step == before + stop.steps and stop.steps <= steps
        if stop.reason is not StopReason.BUDGET:
            over = self.cpu.stopped(stop)
            if over is After.ENTERED:  # as the machine's loop has it
                self.engine.step += 1
                return stop
            self.events.append((stop.reason, step, stop.pc, over))
            assert isinstance(over, Over)
            self.done = not over.retired
            if self.done:  # a step too: what was raised may be in a register, such as MXCSR
                self.engine.step += 1
        if self.engine.step >= LIMIT:
            self.done = True
        return stop

    def mark(self) -> Mark:
        engine = self.engine
        context = Context(engine)
        context.save()
        pages = list(enumerate(engine.frames_data(range(engine.frames))))
        state = engine.save_state()
        counts = len(self.accesses), len(self.events)
        return Mark(engine.step, context, state, pages, *counts, self.done)

    def back_to(self, mark: Mark, architectural: bool) -> None:
        engine = self.engine
        engine.restore_frames(mark.ram)
        engine.new_interval()
        if architectural:
            engine.load_state(mark.state)
        else:
            mark.context.restore()
        engine.step = mark.step
        del self.accesses[mark.accesses :]
        del self.events[mark.events :]
        self.done = mark.done


@pytest.fixture(scope="module", params=[AARCH64, X86_64], ids=lambda dialect: dialect.model)
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


def stepped(bench: Bench, program: Program) -> tuple[States, list[Any], list[Any], bytes]:
    """One step at a time: the state at each position, and what happened."""
    bench.engine.note_when(WHEN)
    bench.load(program)
    bench.engine.new_interval()
    states = {0: bench.engine.save_state()}
    while not bench.done:
        bench.run(1)
        states[bench.engine.step] = bench.engine.save_state()
    return states, bench.accesses, bench.events, bench.memory()


def differences(bench: Bench, states: States) -> list[tuple[str, int, int]]:
    """Registers that are not as they were at this step: name, now, then."""
    isa, step = bench.engine.isa, bench.engine.step
    names = {number: name for name, number in bench.ids.items()}
    ids = [*isa.state, *(register for register in isa.wide for _ in range(2))]
    now = bench.engine.save_state()
    ids += [MONITOR] * (len(now) - len(ids))
    both = zip(ids, now, states[step], strict=True)
    return [(names.get(i, hex(i)), a, b) for i, a, b in both if a != b]


def check_end(bench: Bench, stepped_run: tuple[States, list[Any], list[Any], bytes]) -> None:
    states, accesses, events, memory = stepped_run
    assert bench.accesses == accesses
    assert bench.events == events
    assert bench.engine.step == max(states)
    assert not differences(bench, states)
    assert bench.memory() == memory


@COMMON
@given(data=st.data())
def test_free_run_equals_single_steps(bench: Bench, data: st.DataObject) -> None:
    program = data.draw(programs(bench.dialect))
    expected, reached = stepped(bench, program), bench.engine.code_reached()
    bench.load(program)
    bench.engine.new_interval()
    while not bench.done:
        bench.run(LIMIT)
        assert not differences(bench, expected[0])
    check_end(bench, expected)
    assert bench.engine.code_reached() == reached


@COMMON
@given(data=st.data(), slices=SLICES)
def test_slices_equal_single_steps(bench: Bench, data: st.DataObject, slices: list[int]) -> None:
    program = data.draw(programs(bench.dialect))
    expected, reached = stepped(bench, program), bench.engine.code_reached()
    bench.load(program)
    bench.engine.new_interval()
    for count in cycle(slices):
        if bench.done:
            break
        bench.run(count)
        assert not differences(bench, expected[0])
    check_end(bench, expected)
    assert bench.engine.code_reached() == reached


@COMMON
@given(data=st.data(), slices=SLICES, kinds=st.lists(st.booleans(), min_size=1, max_size=4))
def test_snapshots_equal_single_steps(
    bench: Bench, data: st.DataObject, slices: list[int], kinds: list[bool]
) -> None:
    """Run ahead, go back, run on: by contexts, and by architectural state."""
    program = data.draw(programs(bench.dialect))
    expected = stepped(bench, program)
    bench.load(program)
    for count, architectural in zip(cycle(slices), cycle(kinds)):
        if bench.done:
            break
        mark = bench.mark()
        for _ in range(2):
            if not bench.done:
                bench.run(count)
        bench.back_to(mark, architectural)
        assert not differences(bench, expected[0])
        bench.run(count)
        assert not differences(bench, expected[0])
    check_end(bench, expected)


@pytest.mark.parametrize(("cr4", "vector"), [(0x620, "#XM"), (0x220, "#UD")])
def test_what_simd_raises_depends_on_osxmmexcpt(cr4: int, vector: str) -> None:
    bench = Bench(X86_64)
    engine = bench.engine
    engine.write(CODE, bytes.fromhex("f30f5ec1"))  # divss %xmm1, %xmm0
    bench.cpu.reset()
    engine.reg_write(engine.isa.pc, CODE)
    engine.reg_write(x86_const.UC_X86_REG_CR4, cr4)
    engine.reg_write(x86_const.UC_X86_REG_MXCSR, 0)
    engine.wide_write(x86_const.UC_X86_REG_XMM0, 0x3F800000)
    engine.wide_write(x86_const.UC_X86_REG_XMM1, 0)
    over = bench.cpu.stopped(engine.run(10))
    assert isinstance(over, Over)
    assert vector in over.reason
    assert engine.reg_read(x86_const.UC_X86_REG_MXCSR) == 4


@pytest.mark.parametrize("insn", ["9c", "669c", "0f31", "0f05", "cd21"])
@pytest.mark.parametrize("count", [1, 2, 3, LIMIT])
def test_a_call_goes_with_its_instruction(insn: str, count: int) -> None:
    """Where FXSAVE, before which there is a call, has become an instruction that has none: with
    the call still there Unicorn loses the flags of the ADD before PUSHF, RDTSC, SYSCALL or INT."""
    dec_add, fxsave = bytes.fromhex("49ffca 0f8000000000 4801c8"), bytes.fromhex("0fae4500")
    after = bytes.fromhex(insn + "90 0f92c1 cc")
    before, then = (
        Program(code=dec_add + rest, start=RAM + 0x5004, loops=1, regs=[0] * len(X86_64.free))
        for rest in (fxsave + b"\xcc", after)
    )
    bench, expected = Bench(X86_64), stepped(Bench(X86_64), then)
    bench.load(before)
    while not bench.done:
        bench.run(LIMIT)
    bench.load(then)
    while not bench.done:
        bench.run(count)
        assert not differences(bench, expected[0])
    check_end(bench, expected)
