"""x86-64 without exceptions and address translation, for the board `raw`.

| module | reason to exist |
|---|---|
| `cpu` | `X86`: what happens when the engine stops |
| `registers` | numbers and names for GDB |
| `isa` | the core as Unicorn has it, and its state |
"""

from ttd.cpu.base import CpuModel

from .cpu import X86
from .isa import X86_64

__all__ = ["X86"]

MODELS = (CpuModel("x86-64", X86_64, ("EM_X86_64", 64), X86),)
