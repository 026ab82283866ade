"""AArch64 without exceptions and address translation, for the board `raw`.

| module | reason to exist |
|---|---|
| `cpu` | `AArch64`: what happens when the engine stops; semihosting |
| `registers` | numbers and names for GDB |
| `isa` | the core as Unicorn has it, and its state |
"""

from ttd.cpu.base import CpuModel

from .cpu import AArch64
from .isa import AARCH64

__all__ = ["AArch64"]

MODELS = (CpuModel("aarch64", AARCH64, ("EM_AARCH64", 64), AArch64),)
