"""A small machine around the engine for its tests, and the same machine on plain Unicorn."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc

from tests.unit.engine_programs import (
    DATA,
    DEVICE,
    FLASH,
    FLASH_SIZE,
    NOWHERE,
    RAM,
    RAM_SIZE,
    STACK,
    Dialect,
    Program,
)
from tests.unit.native_doors import set_traps
from ttd.cpu.armv7m.data_faults import data_access
from ttd.cpu.models import CPUS
from ttd.engine import FRAME, Access, Context, Engine, EngineStop, StopReason
from ttd.engine.types import EXCEPTION_DIVIDE

REGS = (
    *(getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)),
    arm.UC_ARM_REG_SP,
    arm.UC_ARM_REG_LR,
    arm.UC_ARM_REG_PC,
    arm.UC_ARM_REG_XPSR,
    arm.UC_ARM_REG_PRIMASK,
)
XPSR = 16
Q = 1 << 27
LIMIT = 400
LONGEST = 128
"""Steps by which a run that need not end exactly goes further, at most."""
SVC, UNALIGNED = 2, 4

DeviceAccess = tuple[int, int, str, int, int, int]
"""step, pc, 'r' or 'w', address, size, value"""


def device_value(step: int, address: int, size: int) -> int:
    return (step * 2654435761 + address * 40503 + 17) & ((1 << 8 * size) - 1)


def device_stops(step: int, address: int) -> bool:
    """Some registers always, as one that raises an interrupt; others now and then."""
    return address & 0x18 == 8 or (step * 7 + address // 4) % 5 == 0


def length_of(code: bytes) -> int:
    return 4 if struct.unpack_from("<H", code)[0] >> 11 >= 0x1D else 2


def advance_it(xpsr: int) -> int:
    """XPSR after the instruction, as far as the IT block goes."""
    it = (xpsr >> 25 & 3) | (xpsr >> 10 & 0x3F) << 2
    it = (it & 0xE0) | (it << 1 & 0x1F) if it & 7 else 0
    return (xpsr & ~0x0600FC00) | (it & 3) << 25 | (it >> 2) << 10


def is_store_exclusive(code: bytes) -> bool:
    first, second = struct.unpack("<2H", code)
    return first & 0xFFF0 == 0xE840 or (first & 0xFFF0 == 0xE8C0 and second & 0xF0 in (0x40, 0x50))


def holds(xpsr: int) -> bool:
    """Is the instruction about to run, in a state with this XPSR, one that is not skipped?"""
    it = (xpsr >> 25 & 3) | (xpsr >> 8 & 0xFC)
    n, z, c, v = (bool(xpsr >> bit & 1) for bit in (31, 30, 29, 28))
    yes = (z, c, n, v, c and not z, n == v, n == v and not z, True)[it >> 5]
    return not it & 15 or yes != bool(it >> 4 & 1) or it >> 5 == 7


def in_it(xpsr: int) -> bool:
    return bool(xpsr & 0x0600FC00)


def start_regs(program: Program) -> list[int]:
    # The end of a page: of data, or right below the code.
    edge = RAM + (0x7F0 if program.regs[0] & 1 else 0xFF0)
    regs = [*program.regs, DEVICE, DATA, program.loops, program.start, NOWHERE, edge, 0, 0, 0]
    return [*regs, STACK, 0xFFFFFFFF, program.start, 1 << 24, 0]


@dataclass
class Mark:
    """A snapshot of the test machine."""

    step: int
    context: Any
    state: list[int]
    ram: list[tuple[int, bytes]]
    accesses: int
    events: int
    done: bool


class Bench:
    """One engine with memory, a device whose answers depend on the step, and a fault handler."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.engine = Engine(CPUS[dialect.model].isa)
        self.engine.map_ram(FLASH, FLASH_SIZE)
        self.engine.map_ram(RAM, RAM_SIZE)
        self.engine.map_mmio(DEVICE, 0x1000, self._read, self._write)
        self.engine.start()
        self.traps = False
        self.exact = True
        """Runs end just where they are said to."""

    def load(self, program: Program) -> None:
        engine = self.engine
        engine.collect(None)
        engine.set_breakpoints([])
        engine.set_watchpoints([])
        engine.skip_stops_at(None)
        set_traps(engine, divide=self.traps, unaligned=self.traps)
        ram = bytearray(RAM_SIZE)
        ram[program.start - RAM : program.start - RAM + len(program.code)] = program.code
        memory = bytes(FRAME) + ram  # flash, which is smaller than its frame
        engine.restore_frames((i, memory[i * FRAME :][:FRAME]) for i in range(engine.frames))
        engine.new_interval()
        engine.clear_exclusive()
        engine.regs_write(REGS, start_regs(program))
        engine.step = 0
        self.accesses: list[DeviceAccess] = []
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

    def state(self) -> tuple[int, ...]:
        return tuple(self.engine.regs_read(REGS))

    def memory(self) -> bytes:
        return self.engine.read(FLASH, FLASH_SIZE) + self.engine.read(RAM, RAM_SIZE)

    def run(self, steps: int) -> EngineStop:
        """One engine run; what a CPU model would do about its end is done."""
        before = self.engine.step
        exact = self.exact or LIMIT - before - steps < LONGEST
        stop = self.engine.run(min(steps, LIMIT - before), exact=exact)
        step = self.engine.step
        assert step == before + stop.steps and stop.steps <= steps + (0 if exact else LONGEST)
        if stop.reason is StopReason.FAULT:
            self.events.append(("fault", step, stop.pc, stop.code, stop.address, stop.exact))
            self._skip()
        elif stop.reason is StopReason.INVALID:
            self.events.append(("invalid", step, stop.pc))
            self._skip()
        elif stop.reason is StopReason.EXCEPTION:
            self.events.append(("exception", step, stop.pc, stop.code))
            self.done = stop.code not in (SVC, UNALIGNED, EXCEPTION_DIVIDE)
            if stop.code in (UNALIGNED, EXCEPTION_DIVIDE):
                self._skip()
        elif stop.reason is StopReason.WAIT:
            self.events.append(("wait", step, stop.pc))
        if self.engine.step >= LIMIT:
            self.done = True
        return stop

    def _skip(self) -> None:
        """Pass over the instruction at PC in one step, as a fault handler might."""
        pc, xpsr = self.engine.pc, self.engine.reg_read(arm.UC_ARM_REG_XPSR)
        code = self.engine.read(pc, 2)
        if len(code) < 2 or self.engine.step >= LIMIT:
            self.done = True
            return
        self.engine.regs_write(
            (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC), (advance_it(xpsr), pc + length_of(code))
        )
        self.engine.step += 1

    def mark(self) -> Mark:
        engine = self.engine
        context = Context(engine)
        context.save()
        pages = list(enumerate(engine.frames_data(range(engine.frames))))
        return Mark(
            engine.step,
            context,
            engine.save_state(),
            pages,
            len(self.accesses),
            len(self.events),
            self.done,
        )

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


@dataclass
class Touch:
    """One access of an instruction, seen by plain Unicorn's hooks."""

    step: int
    pc: int
    kind: Access
    address: int
    size: int
    value: int


class Reference:
    """The same machine on plain Unicorn, an instruction (or a whole IT block) at a time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.uc = unicorn.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(CPUS[program.dialect.model].isa.uc_model)
        self.uc.mem_map(FLASH, FLASH_SIZE)
        self.uc.mem_map(RAM, RAM_SIZE)
        self.uc.mmio_map(DEVICE, 0x1000, self._read, None, self._write, None)
        self.uc.mem_write(program.start, program.code)
        self.uc.hook_add(uc.UC_HOOK_MEM_READ | uc.UC_HOOK_MEM_WRITE, self._touch)
        self.uc.hook_add(uc.UC_HOOK_INTR, self._interrupt)
        for register, value in zip(REGS, start_regs(program), strict=True):
            self.uc.reg_write(register, value)
        self.pc = program.start
        self.step = 0
        self.states: dict[int, tuple[int, ...]] = {}
        self.touches: list[Touch] = []
        self.accesses: list[DeviceAccess] = []
        self.code = -1
        self.stuck = False

    def _where(self, pc: int) -> int:
        """The step of the instruction at `pc` of the unit being run."""
        at, step = self.pc, self.step
        while at < pc:
            at += length_of(bytes(self.uc.mem_read(at, 2)))
            step += 1
        return step

    def _touch(self, _uc: Any, access: int, address: int, size: int, value: int, _: Any) -> None:
        pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
        kind = Access.WRITE if access == uc.UC_MEM_WRITE else Access.READ
        if kind is Access.READ:
            data = bytes(size) if address >= DEVICE else self.uc.mem_read(address, size)
            value = int.from_bytes(data, "little")
        value &= (1 << 8 * size) - 1
        self.touches.append(Touch(self._where(pc), pc, kind, address, size, value))

    def _read(self, _uc: Any, offset: int, size: int, _: Any) -> int:
        touch = self.touches[-1]
        value = device_value(touch.step, touch.address, size)
        self.accesses.append((touch.step, touch.pc, "r", touch.address, size, value))
        return value

    def _write(self, _uc: Any, offset: int, size: int, value: int, _: Any) -> None:
        touch = self.touches[-1]
        self.accesses.append((touch.step, touch.pc, "w", touch.address, size, value))

    def _interrupt(self, _uc: Any, number: int, _: Any) -> None:
        self.code = number
        self.uc.emu_stop()

    def state(self) -> tuple[int, ...]:
        return tuple(self.uc.reg_read(r) for r in REGS)

    def _settle(self) -> None:
        """Bits that no core has can be set in plain Unicorn."""
        sp, xpsr = self.uc.reg_read(arm.UC_ARM_REG_SP), self.uc.reg_read(arm.UC_ARM_REG_XPSR)
        if sp & 3:
            self.uc.reg_write(arm.UC_ARM_REG_SP, sp & ~3)
        if xpsr & Q and self.program.dialect.baseline:
            self.uc.reg_write(arm.UC_ARM_REG_XPSR, xpsr & ~Q)

    def _unaligned(self, pc: int) -> bool:
        """Must the instruction at `pc` fault for its address?"""
        registers = self.state()
        access = data_access(bytes(self.uc.mem_read(pc, 4)), pc, registers.__getitem__)
        return access is not None and access.unaligned

    def _touched_unaligned(self, touches: list[Touch]) -> bool:
        """Has one of these accesses been done where it must fault?"""
        first: dict[int, Touch] = {}
        for touch in touches:
            first.setdefault(touch.pc, touch)
        for touch in first.values():
            code = bytes(self.uc.mem_read(touch.pc, 4))
            access = data_access(code, touch.pc, lambda n: 0)
            if access is not None and touch.address % access.alignment:
                return True
        return False

    def run(self) -> None:
        """Until BKPT, the step limit, or something this reference cannot do (`stuck`)."""
        while self.step < LIMIT:
            self.states[self.step] = self.state()
            first, end, steps = struct.unpack("<H", self.uc.mem_read(self.pc, 2))[0], self.pc, 1
            in_thumb2 = (first >> 8 == 0xBF and first & 15) or first & 0xF500 == 0xB100
            if in_thumb2 and self.program.dialect.baseline:
                return  # Unicorn runs IT, CBZ and CBNZ all the same
            if first >> 8 == 0xBF and first & 15:
                steps += 4 - ((first & 15 & -(first & 15)).bit_length() - 1)
            exclusive = False
            for _ in range(steps):
                exclusive |= steps > 1 and is_store_exclusive(bytes(self.uc.mem_read(end, 4)))
                end += length_of(bytes(self.uc.mem_read(end, 2)))
            if exclusive or (steps == 1 and self._unaligned(self.pc)):
                return  # it does not look at the address, or writes to none
            self.code, touched = -1, len(self.touches)
            try:
                self.uc.emu_start(self.pc | 1, 0xFFFFFFFE, count=1)
            except unicorn.UcError:
                self.stuck = True
            pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
            left_early = steps > 1 and pc != end  # or late: its stop was lost in the IT block
            own_code = steps > 1 and any(
                t.kind is Access.WRITE and t.address < end and t.address + t.size > self.pc
                for t in self.touches[touched:]
            )
            unaligned = self._touched_unaligned(self.touches[touched:])
            if self.stuck or left_early or own_code or unaligned or self.code not in (-1, 2):
                del self.touches[touched:]
                self.accesses = [a for a in self.accesses if a[0] < self.step]
                return
            if steps > 1:  # its hooks leave the IT bits of the last access in the CPU
                xpsr = self.uc.reg_read(arm.UC_ARM_REG_XPSR)
                self.uc.reg_write(arm.UC_ARM_REG_XPSR, xpsr & ~0x0600FC00)
            self._settle()
            self.step += steps
            self.pc = pc
