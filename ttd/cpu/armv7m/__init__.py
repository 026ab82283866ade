"""Armv7-M (Cortex-M3): exceptions, NVIC, SysTick, MPU registers, around the engine's core.

| module | reason to exist |
|---|---|
| `cpu` | `CortexM`: what happens when the engine stops; sleep; registers for GDB |
| `flow` | exception entry, return, escalation, lockup |
| `exceptions` | what is pending, active, enabled; priorities |
| `scs` | the registers at 0xE000E000 |
| `systick`, `mpu`, `dwt` | the units behind those registers, and the cycle counter |
| `data_faults` | effective addresses of faulting loads and stores |
| `registers` | numbers and names for GDB |
| `access` | what is asked of the engine |

Known gaps, all because the translated code does not offer the event:

- LDM, STM, LDRD and STRD to unaligned addresses of Normal memory raise UNALIGNED only while
  CCR.UNALIGN_TRP is set (LDREX always does, and all accesses to Device memory).
- SEV is not seen, unless it stands right before a WFE; elsewhere it does not set the event
  register.
- MRS BASEPRI reads back priority bits that the core does not have.
- A locked-up core is not revived by NMI: the run ends.
- VECTCLRACTIVE, VECTRESET and the halting debug registers belong to a debug probe: ignored.
"""

from .cpu import CortexM

__all__ = ["CortexM"]
