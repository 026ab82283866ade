"""RISC-V with M, S and U modes, 32 and 64 bit, around the engine's core.

| module | reason to exist |
|---|---|
| `cpu` | `Riscv`: what happens when the engine stops; waiting; registers for GDB |
| `traps` | taking a trap |
| `csrs` | CSR instructions that the engine leaves to the model |
| `interrupts` | mip, sip and sie, and which interrupt comes first |
| `counters` | cycle, time, instret |
| `pmp` | physical memory protection |
| `registers` | numbers and names for GDB |
| `isa` | the core as Unicorn has it |
| `bits` | numbers of the architecture |
| `access` | what is asked of the engine |

Unicorn executes the instructions, most CSR accesses and xRET among them. Where its CSRs differ
from the manual or from QEMU's `-cpu sifive-u54`:

- mstatus.SXL and UXL read as 0, and TW and TSR are bits 29 and 30: a guest that sets bits 21 and
  22 does not get WFI and SRET of S-mode trapped.
- mhpmcounter3 to 31 and hpmcounter3 to 31 read as 0 (QEMU: illegal), 0x321 is mcounteren, and
  there are no debug triggers (QEMU: tselect, tdata1 to 3, tinfo).
- marchid and mimpid are 0, "not implemented"; QEMU puts its version there.
"""

from collections.abc import Callable

from ttd.cpu.base import CoreWiring, CpuModel
from ttd.engine import Isa

from . import traps
from .cpu import Riscv
from .isa import RV32, RV64

__all__ = ["Riscv"]


def _core(isa: Isa, xlen: int) -> Callable[[CoreWiring], Riscv]:
    def build(core: CoreWiring) -> Riscv:
        return Riscv(
            core.engine,
            core.clock,
            isa=isa,
            xlen=xlen,
            reset_address=core.reset_address,
            ns_per_step=core.ns_per_step,
            timebase_hz=core.timebase_hz,
            semihosting=core.semihosting,
            on_change=core.on_change,
        )

    return build


MODELS = tuple(
    CpuModel(
        f"rv{xlen}",
        isa,
        ("EM_RISCV", xlen),
        _core(isa, xlen),
        lines=12,
        paged=True,
        exception_name=traps.name,
    )
    for isa, xlen in ((RV64, 64), (RV32, 32))
)
"""RV64GC and RV32GC; lines are numbered as their interrupts are in mcause."""
