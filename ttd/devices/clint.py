"""Core-Local Interruptor: "SiFive FU540-C000 Manual", chapter "Core-Local Interruptor (CLINT)".

It is part of the native core (`ttd/cpu/riscv/native/clint.c`); this is what Python sees of it.
"""

from __future__ import annotations

from typing import Any

from ttd.devices.base import Clock, Device
from ttd.devices.names import names
from ttd.devices.registers import bytes_of
from ttd.engine._native import lib
from ttd.state import State


class Clint(Device):
    """Timer and software interrupt of hart 0.

    MTIME is the core's real-time counter, which belongs to the state of the core.
    """

    NAMES = (
        *names(MSIP=lib.RISCV_CLINT_MSIP),
        *names(8, MTIMECMP=lib.RISCV_CLINT_MTIMECMP, MTIME=lib.RISCV_CLINT_MTIME),
    )

    STATE = ("msip", "mtimecmp", "due")
    size = lib.RISCV_CLINT_SIZE

    def __init__(self, name: str, clock: Clock, native: Any) -> None:
        """`native`: the engine of a core of RISC-V."""
        super().__init__(name, clock)
        self._native = native
        self._clint = lib.riscv_core_of(native).clint
        self.reset()

    def reset(self) -> None:
        lib.riscv_clint_reset(self._native)

    def attach(self, base: int) -> None:
        lib.riscv_clint_attach(self._native, base)

    def save(self) -> State:
        return {field: getattr(self._clint, field) for field in self.STATE}

    def load(self, state: State) -> None:
        for field in self.STATE:
            setattr(self._clint, field, state[field])
        lib.riscv_clint_arm(self._native)

    def read(self, offset: int, size: int) -> int:
        return bytes_of(lib.riscv_clint_look(self._native, offset & ~3), offset, size)

    def peek(self, offset: int, size: int) -> int:
        return self.read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        word = value << 8 * (offset & 3) & 0xFFFFFFFF
        lib.riscv_clint_write(self._native, offset & ~3, word)
