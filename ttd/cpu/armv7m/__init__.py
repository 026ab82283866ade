"""The M profile (Cortex-M3, Cortex-M0): exceptions, NVIC, SysTick, MPU registers, around the
engine's core.

What happens for every interrupt, access and sleep is native (`native/`):

| file | DDI0403E | reason to exist |
|---|---|---|
| `core.c` | B1.5.18, B1.5.19 | what is taken when, stops of the engine, sleep |
| `entry.c`, `leave.c` | B1.5.4 to B1.5.15, B1.5.8 | exception entry, escalation, lockup; return |
| `nvic.c` | B1.5.4, B3.4 | what is pending, active, enabled; priorities |
| `scs.c`, `scb.c` | B3.1 to B3.4, C1.6 | the registers at 0xE000E000 |
| `systick.c`, `dwt.c` | B3.3, C1.8 | the core's timer, the cycle counter |
| `api.h` | | their state, as the modules here see it |

| module | reason to exist |
|---|---|
| `profile` | what differs between the cores: Armv7-M and Armv6-M |
| `cpu` | `CortexM`: reset, faults of instructions, state as data, registers for GDB |
| `core` | the native state, and views of it |
| `exceptions`, `scs`, `dwt` | what is saved of it, and what debuggers see |
| `mpu` | the MPU's registers |
| `data_faults`, `fault_words` | effective addresses of faulting loads and stores; faults in words |
| `registers` | numbers and names for GDB |
| `isa` | the core as Unicorn has it |

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
