"""RISC-V with M, S and U modes, 32 and 64 bit, around the engine's core.

| module | reason to exist |
|---|---|
| `native/` | the core: traps, interrupts, CSRs, page tables, what Unicorn has otherwise |
| `cpu` | `Riscv`: the core as Python sees it; registers for GDB |
| `traps` | numbers and names of traps |
| `registers` | numbers and names for GDB |
| `paging` | page tables as somebody outside reads them |
| `isa` | the core as Unicorn has it |
| `bits` | numbers of the architecture |

Unicorn executes the instructions. Where CSRs differ from QEMU's `-cpu sifive-u54`:

- mhpmcounter3 to 31 and hpmcounter3 to 31 read as 0 (QEMU: illegal), and of the two debug
  triggers `load` and `store` cannot be set.
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
            isa=isa,
            xlen=xlen,
            reset_address=core.reset_address,
            timebase_hz=core.timebase_hz,
            semihosting=core.semihosting,
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
