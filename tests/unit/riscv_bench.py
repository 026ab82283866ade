"""A hart with memory and a device for random programs: engine and processor model together."""

from __future__ import annotations

from typing import Any

from tests.unit.engine_bench import Mark, device_stops, device_value
from tests.unit.riscv_programs import (
    CODE,
    DATA,
    DEVICE,
    FINISH,
    HANDLERS,
    LOWER,
    MACHINE_HANDLER,
    NOWHERE,
    RAM,
    RAM_SIZE,
    SUPERVISOR_HANDLER,
    USER,
    V_CODE,
    V_DATA,
    A,
    D,
    M,
    PageTables,
    Program,
    R,
    U,
    W,
    X,
    handlers,
)
from ttd.cpu.base import After, CoreWiring
from ttd.cpu.models import CPUS
from ttd.engine import FRAME, Context, Engine, EngineStop, StopReason

LIMIT = 500
NS_PER_STEP = 10
FS = 0x2000
_PASSING = (StopReason.BUDGET, StopReason.MASKS, StopReason.REQUEST)


class Bench:
    """The run loop of a machine, cut down to one device and interrupts at given steps."""

    def __init__(self, xlen: int) -> None:
        self.xlen = xlen
        model = CPUS[f"rv{xlen}"]
        self.engine = Engine(model.isa)
        self.engine.map_ram(RAM, RAM_SIZE)
        self.engine.time.clock_ns = NS_PER_STEP
        self.cpu = model.build(
            CoreWiring(
                engine=self.engine,
                clock=self,
                hz=100_000_000,
                lines=0,
                reset_address=RAM,
                semihosting=False,
                ns_per_step=NS_PER_STEP,
                timebase_hz=10_000_000,
                priority_bits=None,
                on_reset_request=lambda: None,
            )
        )
        self.engine.map_mmio(DEVICE, 0x1000, self._read, self._write)
        self.engine.start()

    def now(self) -> int:
        return self.engine.step * NS_PER_STEP

    def rearm(self) -> None:
        pass

    # The machine ---------------------------------------------------------------------------------

    def load(self, program: Program) -> None:
        engine, cpu = self.engine, self.cpu
        engine.collect(None)
        engine.set_breakpoints([])
        engine.set_watchpoints([])
        engine.skip_stops_at(None)
        tables, entry = self._tables(program)
        memory = bytearray(RAM_SIZE)
        for where, data in ((HANDLERS, handlers()), (CODE, program.code)):
            memory[where - RAM : where - RAM + len(data)] = data
        for where, value in tables.memory.items():
            memory[where - RAM : where - RAM + tables.size] = value.to_bytes(tables.size, "little")
        engine.restore_frames((i, bytes(memory[i * FRAME :][:FRAME])) for i in range(engine.frames))
        engine.new_interval()
        engine.step = 0
        for line in (3, 7, 9, 11):
            cpu.set_line(line, False)
        cpu.reset()
        code, data = (V_CODE, V_DATA) if program.paging else (CODE, DATA)
        for name, value in self._registers(program, code, data, entry, tables.satp).items():
            cpu.write_register(name, value & (1 << self.xlen) - 1)
        self._lines = sorted(program.lines)
        self.accesses: list[Any] = []
        self.events: list[tuple[Any, ...]] = []
        self.done = False
        self._raise_lines()

    @staticmethod
    def _tables(program: Program) -> tuple[PageTables, int]:
        """The tables of a program with paging, and where the entry of its data is."""
        tables = PageTables(program.xlen)
        user = USER if program.mode == U else 0
        tables.map(V_CODE, CODE, R | W | X | user)
        entry = tables.map(V_DATA, DATA, R | W | user)
        tables.map(V_DATA + 0x1000, DATA + 0x1000, R | user | A)
        tables.map(DEVICE, DEVICE, R | W | user | A | D)
        tables.map(HANDLERS, HANDLERS, R | X | A)
        # The tables themselves, where a program changes them.
        table = entry & ~0xFFF
        tables.map(table, table, R | W | A | D)
        return tables, entry

    @staticmethod
    def _registers(program: Program, code: int, data: int, entry: int, satp: int) -> dict[str, int]:
        machine, supervisor = program.enables >> 16 & 1, program.enables >> 17 & 1
        delegate = program.delegate and program.mode != M and program.paging
        values = {f"a{n}": seed for n, seed in enumerate(program.seeds)}
        values |= {"s2": data, "s3": DEVICE, "s4": code, "s5": NOWHERE, "s6": data + 0xFC8}
        values |= {"s7": program.rounds, "s8": entry, "s11": code + len(program.code) - 8}
        values |= {f"f{kind}{n}": seed for kind, n, seed in _floats(program.seeds)}
        return values | {
            "mtvec": MACHINE_HANDLER,
            "stvec": SUPERVISOR_HANDLER,
            "medeleg": 0xB1FF if delegate else 0,
            "mideleg": 0x222 if delegate else 0,
            "mie": program.enables & 0xAAA,
            "mip": (0, 0x002, 0x020, 0x200)[program.rounds - 1],
            "mcounteren": 7,
            "scounteren": 5,
            "pmpaddr0": (1 << 54) - 1,
            "pmpcfg0": 0x1F,
            "satp": satp if program.paging else 0,
            "mstatus": FS | machine << 3 | supervisor << 1 | 1 << 18,
            "priv": program.mode,
            "pc": code,
        }

    def _read(self, address: int, size: int) -> int:
        value = device_value(self.engine.step, address, size)
        self._note("r", address, size, value)
        return value

    def _write(self, address: int, size: int, value: int) -> None:
        self._note("w", address, size, value)
        if address == DEVICE + LOWER:
            for line in (3, 7, 9, 11):
                self.cpu.set_line(line, False)
        elif address == DEVICE + FINISH:
            self.done = True
            self.engine.stop_after_access()
        elif value & 7 == 5:
            self.cpu.set_line((3, 7, 9, 11)[value >> 3 & 3], True)

    def _note(self, kind: str, address: int, size: int, value: int) -> None:
        step = self.engine.step
        self.accesses.append((step, self.engine.pc, kind, address, size, value))
        if device_stops(step, address):
            self.engine.stop_after_access()

    def state(self) -> tuple[Any, ...]:
        engine = self.engine
        saved = self.cpu.save()
        return (engine.pc, *engine.save_state(), repr(saved))

    def memory(self) -> bytes:
        return self.engine.read(RAM, RAM_SIZE)

    def run(self, steps: int) -> EngineStop | None:
        """At most so many steps; ends early at a breakpoint or watchpoint, which it returns."""
        engine, cpu = self.engine, self.cpu
        end = min(engine.step + steps, LIMIT)
        while engine.step < end and not self.done:
            number = cpu.pending()
            if number is not None:
                self._enter(number)
                continue
            due = self._lines[0][0] if self._lines else end
            before = engine.step
            stop = engine.run(min(end, due) - before)
            assert engine.step == before + stop.steps and engine.step <= min(end, due)
            if stop.reason in (StopReason.BREAKPOINT, StopReason.WATCH):
                return stop
            if engine.step < min(end, due) and engine.notices():
                return None
            if stop.reason not in _PASSING:
                self._deal_with(stop)
            self._raise_lines()
            if engine.notices():  # before an interrupt that a line has brought just now
                return None
        self.done |= engine.step >= LIMIT
        return None

    def _raise_lines(self) -> None:
        while self._lines and self._lines[0][0] <= self.engine.step:
            self.cpu.set_line(self._lines.pop(0)[1], True)

    def _enter(self, number: int) -> None:
        self.events.append((self.engine.step, number, self.engine.pc))
        self.cpu.enter(number)
        self.engine.step += 1
        self._raise_lines()

    def _deal_with(self, stop: EngineStop) -> None:
        after = self.cpu.stopped(stop)
        if after is After.RAISED:
            number = self.cpu.pending()
            assert number is not None
            self._enter(number)
        elif after is After.ENTERED:
            self.engine.step += 1
        elif after is After.WAIT:
            self.events.append((self.engine.step, "wait", self.engine.pc))
        else:
            assert after is After.CONTINUE

    # Snapshots -----------------------------------------------------------------------------------

    def mark(self) -> tuple[Mark, Any, list[tuple[int, int]]]:
        engine = self.engine
        context = Context(engine)
        context.save()
        pages = list(enumerate(engine.frames_data(range(engine.frames))))
        mark = Mark(
            engine.step,
            context,
            engine.save_state(),
            pages,
            len(self.accesses),
            len(self.events),
            self.done,
        )
        return mark, self.cpu.save(), list(self._lines)

    def back_to(self, marked: tuple[Mark, Any, list[tuple[int, int]]], architectural: bool) -> int:
        """Be as at the mark; returns its step."""
        engine = self.engine
        mark, state, lines = marked
        engine.restore_frames(mark.ram)
        engine.new_interval()
        if architectural:
            engine.load_state(mark.state)
        else:
            mark.context.restore()
        engine.step = mark.step
        self.cpu.load(state)
        self._lines = list(lines)
        del self.accesses[mark.accesses :]
        del self.events[mark.events :]
        self.done = mark.done
        return mark.step


def _floats(seeds: tuple[int, ...]) -> list[tuple[str, int, int]]:
    """Numbers of every kind in the argument registers and in ft0 to ft7."""
    boxed = [0xFFFFFFFF_00000000 | seed & 0xFFFFFFFF for seed in seeds]
    return [("a", n, seed) for n, seed in enumerate(seeds)] + [
        ("t", n, seed) for n, seed in enumerate(boxed)
    ]
