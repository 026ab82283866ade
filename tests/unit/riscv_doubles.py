"""A hart without instructions, for the tests of `ttd.cpu.riscv`, and words to build code of."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.cpu.base import After
from ttd.cpu.riscv import Riscv
from ttd.cpu.riscv.isa import RV32, RV64
from ttd.engine.types import Access, EngineStop, Refusal, StopReason

RESET = 0x80000000
NS_PER_STEP = 10
TIMEBASE_HZ = 10_000_000

MSIP, MTIP, SEIP, MEIP = 3, 7, 9, 11
INTERRUPT = 64

CSRRW, CSRRS, CSRRC, CSRRWI, CSRRSI, CSRRCI = 1, 2, 3, 5, 6, 7


def csr(operation: int, number: int, rd: int = 0, rs1: int = 0) -> int:
    """A CSR instruction; `rs1` is the immediate of the last three operations."""
    return number << 20 | rs1 << 15 | operation << 12 | rd << 7 | 0x73


class FakeHart:
    """Registers that hold what is written, and memory that a test fills."""

    def __init__(self) -> None:
        self.registers: dict[int, int] = {}
        self.memory: dict[int, int] = {}
        self.refusals: dict[tuple[int, Access], Refusal] = {}
        self.counters: list[tuple[int, ...]] = []
        self.pmp: list[tuple[int, int, int, bool]] = []
        self.watch_masks = False
        self.step = 0

    def reg_read(self, register: int) -> int:
        return self.registers.get(register, 0)

    def reg_write(self, register: int, value: int) -> None:
        assert 0 <= value < 1 << 64
        self.registers[register] = value

    def regs_read(self, ids: tuple[int, ...]) -> list[int]:
        return [self.reg_read(register) for register in ids]

    def regs_write(self, ids: tuple[int, ...], values: Sequence[int]) -> None:
        for register, value in zip(ids, values, strict=True):
            self.reg_write(register, value)

    def load_state(self, values: Sequence[int]) -> None:
        self.regs_write(RV64.state, values)

    def poke(self, address: int, data: bytes) -> None:
        self.memory.update(enumerate(data, address))

    def read_virtual(self, address: int, size: int) -> bytes:
        found = bytearray()
        while len(found) < size and address + len(found) in self.memory:
            found.append(self.memory[address + len(found)])
        return bytes(found)

    def translate(self, address: int, kind: Access | None) -> tuple[int | None, Refusal]:
        why = Refusal.NONE if kind is None else self.refusals.get((address, kind), Refusal.NONE)
        return (address ^ 0x1000 if why is Refusal.NONE else None), why

    def set_counters(self, *how: int) -> None:
        self.counters.append(how)

    def set_pmp(self, entries: Sequence[tuple[int, int, int, bool]]) -> None:
        self.pmp = list(entries)


class Bench:
    """A `Riscv` on a fake hart, and shorthands for what happens to it."""

    def __init__(self, xlen: int = 64, *, semihosting: bool = True) -> None:
        self.hart = FakeHart()
        self.warp_ns = 0
        self.changes = 0
        self.cpu = Riscv(
            self.hart,
            self,
            isa=RV64 if xlen == 64 else RV32,
            xlen=xlen,
            reset_address=RESET,
            ns_per_step=NS_PER_STEP,
            timebase_hz=TIMEBASE_HZ,
            semihosting=semihosting,
            on_change=self._changed,
        )
        self.cpu.reset()
        self.changes = 0

    def now(self) -> int:
        return self.hart.step * NS_PER_STEP + self.warp_ns

    def rearm(self) -> None:
        pass

    def _changed(self) -> None:
        self.changes += 1

    def __getitem__(self, name: str) -> int:
        return self.cpu.read_register(name)

    def put(self, **registers: int) -> None:
        for name, value in registers.items():
            self.cpu.write_register(name, value)

    def stop(self, reason: StopReason, code: int = 0, address: int = 0) -> After:
        return self.cpu.stopped(EngineStop(reason, 1, self["pc"], code, address, True))

    def take(self) -> int | None:
        """Let the CPU take what is pending; its number."""
        number = self.cpu.pending()
        if number is not None:
            self.cpu.enter(number)
            self.hart.step += 1
        return number

    def instruction(self, word: int, code: int = 0x1001) -> bool:
        """The engine comes to an instruction at PC that it leaves to the model; False: illegal."""
        size = 4 if word & 3 == 3 else 2
        self.hart.poke(self["pc"], word.to_bytes(size, "little"))
        after = self.stop(StopReason.EXCEPTION, code)
        if after is After.ENTERED:
            self.hart.step += 1
        else:
            assert after is After.RAISED
        return after is After.ENTERED

    def csr(self, operation: int, number: int, operand: int = 0) -> int | None:
        """A CSR instruction to a0: the old value; None: illegal.

        From a5 or an immediate; a set or clear of nothing is from x0, a read.
        """
        source = operand if operation & 4 or (not operand and operation != CSRRW) else 15
        if not operation & 4:
            self.put(a5=operand)
        done = self.instruction(csr(operation, number, 10, source))
        return self["a0"] if done else None
