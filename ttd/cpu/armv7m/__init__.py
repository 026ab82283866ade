"""The M profile (Cortex-M3, Cortex-M0): exceptions, NVIC, SysTick, MPU registers, around the
engine's core.

| module | reason to exist |
|---|---|
| `profile` | what differs between the cores: Armv7-M and Armv6-M |
| `cpu` | `CortexM`: what happens when the engine stops; sleep; registers for GDB |
| `flow` | exception entry, return, escalation, lockup |
| `exceptions` | what is pending, active, enabled; priorities |
| `scs` | the registers at 0xE000E000 |
| `systick`, `mpu`, `dwt` | the units behind those registers, and the cycle counter |
| `data_faults` | effective addresses of faulting loads and stores |
| `registers` | numbers and names for GDB |
| `isa` | the core as Unicorn has it |
| `access` | what is asked of the engine |

Known gaps, all because the translated code does not offer the event:

- SEV is not seen, unless it stands right before a WFE; elsewhere it does not set the event
  register.
- A locked-up core is not revived by NMI: the run ends.
- VECTCLRACTIVE, VECTRESET and the halting debug registers belong to a debug probe: ignored.
"""

from functools import partial

from ttd.cpu.base import CoreWiring, CpuModel

from . import exceptions as exc
from .cpu import CortexM
from .profile import CORTEX_M0, CORTEX_M3, Profile

__all__ = ["CORTEX_M0", "CORTEX_M3", "CortexM"]


def _build(profile: Profile, core: CoreWiring) -> CortexM:
    return CortexM(
        profile,
        core.engine,
        core.clock,
        hz=core.hz,
        lines=core.lines,
        priority_bits=core.priority_bits,
        vtor=core.reset_address,
        semihosting=core.semihosting,
        on_change=core.on_change,
        on_reset_request=core.on_reset_request,
    )


MODELS = tuple(
    CpuModel(
        profile.name,
        profile.isa,
        ("EM_ARM", 32),
        partial(_build, profile),
        lines=240 if profile.mainline else 32,
        priority_bits=profile.choice_of_bits,
        vectors=True,
        exception_name=exc.name,
        first_line=exc.FIRST_IRQ,
        architectures=frozenset({"v6-M", "v6S-M"} | ({"v7"} if profile.mainline else set())),
    )
    for profile in (CORTEX_M3, CORTEX_M0)
)
