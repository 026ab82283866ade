"""The x86-64 processor model."""

from __future__ import annotations

from ttd.cpu.base import After, CoreWiring, Over
from ttd.cpu.constants import x86_const as x86
from ttd.cpu.flat import FlatCpu
from ttd.engine.types import EXCEPTION_OURS, EXCEPTION_SYSCALL, EngineStop

from .isa import EFER, X86_64
from .registers import REGISTERS, UNICORN_IDS
from .x87 import Unit

# "Intel 64 and IA-32 Architectures Software Developer's Manual", volume 3, chapter "System
# Architecture Overview", section "Control Registers".
_CR0 = 0x80000033
"""PE, MP, ET, NE, PG."""
_CR4 = 0x620
"""PAE, OSFXSR, OSXMMEXCPT."""
_EFER = 0x501
"""SCE, LME, LMA."""
_RESET = {
    x86.UC_X86_REG_CR4: _CR4,
    EFER: _EFER,
    x86.UC_X86_REG_CR0: _CR0,
    x86.UC_X86_REG_FPCW: 0x37F,
    x86.UC_X86_REG_FPTAG: 0xFFFF,
    x86.UC_X86_REG_MXCSR: 0x1F80,
    x86.UC_X86_REG_RFLAGS: 2,
}
_INVALID = "an invalid instruction (#UD)"
_FAULTS = {
    0: "a division error (#DE)",
    1: "a debug exception (#DB)",
    4: "an overflow (#OF)",
    5: "a bound error (#BR)",
    6: _INVALID,
    7: "a device that is not available (#NM)",
    10: "an invalid TSS (#TS)",
    11: "a segment that is not present (#NP)",
    12: "a stack fault (#SS)",
    13: "a general protection fault (#GP)",
    14: "a page fault (#PF)",
    16: "a floating-point error (#MF)",
    17: "an unaligned access (#AC)",
    19: "a SIMD floating-point error (#XM)",
}
"""Exceptions that leave PC at the instruction (volume 3, chapter "Interrupt and Exception
Handling", section "Exception and Interrupt Vectors")."""


class X86(FlatCpu):
    """A core that begins in 64-bit mode and ring 0, with SSE on and interrupts off."""

    gdb_architecture = "i386:x86-64"
    triple = "x86_64-none-elf"
    link, stack = "", "rsp"
    watch_after = True
    has_calls_anywhere = False
    registers = REGISTERS

    def __init__(self, core: CoreWiring) -> None:
        super().__init__(core, X86_64, ids=UNICORN_IDS, sp=x86.UC_X86_REG_RSP, reset=_RESET)

    def _waits(self, pc: int) -> Over:
        return Over(f"the guest has halted (HLT at {pc - 1:#x})", 0, retired=True)

    def _exception(self, stop: EngineStop) -> After | Over:
        """Beside the faults: instructions that call, which PC is after."""
        if stop.code == EXCEPTION_OURS:
            return self._compute(stop.pc)
        if stop.code == EXCEPTION_SYSCALL:
            fast = self._engine.read(stop.pc - 2, 2) == b"\x0f\x34"
            return self._over("SYSENTER" if fast else "SYSCALL", stop.pc - 2, retired=True)
        if self._engine.read(stop.pc - 2, 2) == bytes((0xCD, stop.code & 0xFF)):
            return self._over(f"INT {stop.code:#x}", stop.pc - 2, retired=True)
        if stop.code == 3:
            return self._over("INT3", stop.pc - 1, retired=True)
        return self._over(_FAULTS.get(stop.code, f"exception {stop.code}"), stop.pc)

    def _compute(self, pc: int) -> After | Over:
        """A function of the x87 is at `pc`."""
        unit = Unit(self._engine)
        if unit.faults:
            return self._over(_FAULTS[16], pc)
        code = self._engine.read(pc, 16)
        escape = code.index(0xD9)
        unit.run(code[escape + 1])
        self._engine.reg_write(self._isa.pc, pc + escape + 2)
        return After.ENTERED

    def _invalid(self, pc: int) -> After | Over:
        return self._over(_INVALID, pc)
