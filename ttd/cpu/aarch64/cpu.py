"""The AArch64 processor model."""

from __future__ import annotations

from enum import IntEnum

from ttd.cpu.base import After, CoreWiring, Over
from ttd.cpu.constants import arm64_const as a64
from ttd.cpu.flat import FlatCpu
from ttd.engine._native import lib
from ttd.engine.types import EngineStop

from .isa import AARCH64, CPACR_EL1, X
from .registers import REGISTERS, UNICORN_IDS

_SEMIHOSTING = 0xD45E0000
"""HLT #0xF000 ("Semihosting for AArch32 and AArch64", chapter "The semihosting interface")."""
_RESET = {
    a64.UC_ARM64_REG_PSTATE: 0x3C5,  # D, A, I, F; EL1h
    CPACR_EL1: 3 << 20,  # FPEN: nothing is trapped
}


class _Excp(IntEnum):
    """Unicorn's exception numbers (its target/arm/cpu.h); what is not here is undefined."""

    SWI = 2
    PREFETCH_ABORT = 3
    DATA_ABORT = 4
    BKPT = 7
    HVC = 11
    SMC = 13


_CALLS: dict[int, str] = {_Excp.SWI: "SVC", _Excp.HVC: "HVC", _Excp.SMC: "SMC"}
"""PC is after these."""


class AArch64(FlatCpu):
    """A core that begins at EL1 on SP_EL1, with floating point and SIMD on and all else as it is
    after a reset: the MMU off, interrupts masked."""

    gdb_architecture = "aarch64"
    triple = "aarch64-none-elf"
    link, stack = "x30", "sp"
    watch_after = False
    has_calls_anywhere = True
    registers = REGISTERS

    def __init__(self, core: CoreWiring) -> None:
        super().__init__(core, AARCH64, ids=UNICORN_IDS, sp=a64.UC_ARM64_REG_SP, reset=_RESET)
        self._semihosting = core.semihosting
        lib.a64_set_timebase(core.engine.native, core.timebase_hz)

    def write_register(self, name: str, value: int) -> None:
        super().write_register(name, value)
        if name == "cpsr":
            # Unicorn acts on a new exception level when a system register is written.
            self._engine.reg_write(CPACR_EL1, self._engine.reg_read(CPACR_EL1))

    # Semihosting -------------------------------------------------------------------------------

    def call_arguments(self) -> tuple[int, int]:
        return self._engine.reg_read(X[0]) & 0xFFFFFFFF, self._engine.reg_read(X[1])

    def call_result(self, value: int) -> None:
        self._engine.reg_write(X[0], value & (1 << 64) - 1)

    def skip_instruction(self) -> None:
        self._engine.reg_write(self._isa.pc, self._engine.reg_read(self._isa.pc) + 4)

    # Stops -------------------------------------------------------------------------------------

    def _waits(self, pc: int) -> Over:
        return Over(f"the guest waits for an interrupt (WFI at {pc - 4:#x})", 0, retired=True)

    def _instruction(self, pc: int) -> int:
        return int.from_bytes(self._engine.read(pc, 4), "little")

    def _exception(self, stop: EngineStop) -> After | Over:
        call = _CALLS.get(stop.code)
        if call is not None:
            number = self._instruction(stop.pc - 4) >> 5 & 0xFFFF
            return self._over(f"{call} #{number:#x}", stop.pc - 4, retired=True)
        match stop.code:
            case _Excp.BKPT:
                return self._over(f"BRK #{self._instruction(stop.pc) >> 5 & 0xFFFF:#x}", stop.pc)
            case _Excp.PREFETCH_ABORT:
                return self._over("an instruction abort", stop.pc)
            case _Excp.DATA_ABORT:
                return self._over("a data abort", stop.pc)
        return self._invalid(stop.pc)

    def _invalid(self, pc: int) -> After | Over:
        instruction = self._instruction(pc)
        if instruction == _SEMIHOSTING and self._semihosting:
            return After.SEMIHOST
        return self._over(f"an undefined instruction ({instruction:#010x})", pc)
