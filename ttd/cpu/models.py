"""Every processor that boards can have, by the name that boards and users give."""

from __future__ import annotations

from ttd.cpu import aarch64, armv7m, riscv, x86
from ttd.cpu.base import CpuModel

CPUS: dict[str, CpuModel] = {
    model.name: model for model in (*armv7m.MODELS, *riscv.MODELS, *aarch64.MODELS, *x86.MODELS)
}
