"""A hart with a little memory, for the tests of `ttd.cpu.riscv`, and words to build code of."""

from __future__ import annotations

from tests.unit.riscv_programs import A, D, PageTables, R, W, X
from ttd.cpu.base import After
from ttd.cpu.riscv import Riscv
from ttd.cpu.riscv.isa import RV32, RV64
from ttd.engine import Engine
from ttd.engine._native import ffi, lib
from ttd.engine.types import EngineStop, StopReason

RAM = RESET = 0x80000000
RAM_SIZE = 0x20000
HOLE = 0x50000000
"""There is nothing."""
DEVICE = 0x10000000
NS_PER_STEP = 10
TIMEBASE_HZ = 10_000_000

MSIP, MTIP, SEIP, MEIP = 3, 7, 9, 11
INTERRUPT = 64

CSRRW, CSRRS, CSRRC, CSRRWI, CSRRSI, CSRRCI = 1, 2, 3, 5, 6, 7
_RAN = (StopReason.BUDGET, StopReason.MASKS)


def csr(operation: int, number: int, rd: int = 0, rs1: int = 0) -> int:
    """A CSR instruction; `rs1` is the immediate of the last three operations."""
    return number << 20 | rs1 << 15 | operation << 12 | rd << 7 | 0x73


def open_memory(engine: Engine) -> None:
    """Let every mode access all of memory, by the last entry of memory protection."""
    narrow = engine.isa is RV32
    lib.riscv_csr_change(engine.native, 0x3BF, (1 << 54) - 1)
    lib.riscv_csr_change(engine.native, 0x3A3 if narrow else 0x3A2, 0x1F << (24 if narrow else 56))


class Bench:
    """A `Riscv`, and shorthands for what happens to it. Stores to DEVICE drive its line of that
    number: bit 7 is the level."""

    def __init__(self, xlen: int = 64, *, semihosting: bool = True) -> None:
        self.engine = Engine(RV64 if xlen == 64 else RV32)
        self.engine.map_ram(RAM, RAM_SIZE)
        self.engine.time.clock_ns = NS_PER_STEP
        self.cpu = Riscv(
            self.engine,
            isa=self.engine.isa,
            xlen=xlen,
            reset_address=RESET,
            timebase_hz=TIMEBASE_HZ,
            semihosting=semihosting,
        )
        self.engine.map_mmio(DEVICE, 0x1000, lambda address, size: 0, self._store)
        self.engine.start()
        self.cpu.reset()
        self.tables = PageTables(xlen)

    @property
    def ns(self) -> int:
        """Virtual time; whoever sets it has slept."""
        return self.now()

    @ns.setter
    def ns(self, ns: int) -> None:
        self.engine.time.warp_ns = ns - self.engine.step * NS_PER_STEP

    def now(self) -> int:
        return self.engine.step * NS_PER_STEP + self.engine.time.warp_ns

    def rearm(self) -> None:
        pass

    def _store(self, address: int, size: int, value: int) -> None:
        self.cpu.set_line(value & 0x7F, bool(value & 0x80))

    def __getitem__(self, name: str) -> int:
        return self.cpu.read_register(name)

    def put(self, **registers: int) -> None:
        for name, value in registers.items():
            self.cpu.write_register(name, value)

    def poke(self, address: int, *words: int) -> None:
        self.engine.write(address, b"".join(word.to_bytes(4, "little") for word in words))

    def map(self, virtual: int, physical: int) -> None:
        """From now on there are page tables, and they have this page."""
        self.tables.map(virtual, physical, R | W | X | A | D)
        for where, value in self.tables.memory.items():
            self.engine.write(where, value.to_bytes(self.tables.size, "little"))
        self.put(satp=0)
        self.put(satp=self.tables.satp)

    @property
    def pmp(self) -> list[tuple[int, int, int, bool]]:
        """Regions of memory protection: (first address, end, rights, locked)."""
        found, core = [], lib.riscv_core_of(self.engine.native)
        low, high = ffi.new("uint64_t *"), ffi.new("uint64_t *")
        for entry, config in enumerate(core.pmp_config):
            if lib.riscv_region(core, entry, low, high):
                found.append((low[0], high[0], config & 7, bool(config & 0x80)))
        return found

    def stop(self, reason: StopReason, code: int = 0, address: int = 0) -> After:
        return self.cpu.stopped(EngineStop(reason, 1, self["pc"], code, address, True))

    def take(self) -> int | None:
        """Let the CPU take what is pending; its number."""
        number = self.cpu.pending()
        if number is not None:
            self.cpu.enter(number)
            self.engine.step += 1
        return number

    def run(self, steps: int) -> EngineStop:
        return self.engine.run(steps)

    def instruction(self, word: int) -> bool:
        """Run it at PC; False: it is illegal, which is still to be taken."""
        size = 4 if word & 3 == 3 else 2
        self.engine.write(self["pc"], word.to_bytes(size, "little"))
        stop = self.run(1)
        if stop.reason in _RAN:
            assert stop.steps == 1
            return True
        assert stop.steps == 0 and self.cpu.stopped(stop) is After.RAISED
        return False

    def csr(self, operation: int, number: int, operand: int = 0) -> int | None:
        """A CSR instruction to a0: the old value; None: illegal.

        From a5 or an immediate; a set or clear of nothing is from x0, a read.
        """
        source = operand if operation & 4 or (not operand and operation != CSRRW) else 15
        if not operation & 4:
            self.put(a5=operand)
        done = self.instruction(csr(operation, number, 10, source))
        if not done:
            self.cpu.load(self.cpu.save())  # it is not taken
        return self["a0"] if done else None
