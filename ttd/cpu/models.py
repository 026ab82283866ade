"""Every processor that boards can have, by the name that boards and users give."""

from __future__ import annotations

from ttd.cpu import armv7m, riscv
from ttd.cpu.base import CpuModel

CPUS: dict[str, CpuModel] = {model.name: model for model in (*armv7m.MODELS, *riscv.MODELS)}
