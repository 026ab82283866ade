"""Platform-Level Interrupt Controller: "RISC-V Platform-Level Interrupt Controller Specification".

It is native (`ttd/cpu/riscv/native/plic.c`); this is what Python sees of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ttd.devices.base import Clock, Device
from ttd.devices.names import RegisterName, row
from ttd.devices.registers import bytes_of
from ttd.engine._native import ffi, lib
from ttd.engine.registers import LineSink, line_sink
from ttd.state import State


class Plic(Device):
    """Interrupts by number to one input of the core per context.

    There are `sources` - 1 of them: 0 is no interrupt.
    """

    STATE = ("priority", "level", "pending", "serving", "enabled", "threshold")
    size = lib.RISCV_PLIC_SIZE

    def __init__(
        self, name: str, clock: Clock, sources: int, native: Any, codes: Sequence[int]
    ) -> None:
        """`native`: the engine of a core of RISC-V; `codes`: its interrupts, by context number."""
        super().__init__(name, clock)
        assert sources <= lib.RISCV_PLIC_SOURCES and len(codes) <= lib.RISCV_PLIC_CONTEXTS
        self._plic = ffi.new("riscv_plic *")
        self._plic.engine = native
        self._plic.sources = sources
        self._plic.contexts = len(codes)
        self._plic.codes = list(codes)
        self._words = -(-sources // 32)
        self.reset()

    def reset(self) -> None:
        lib.riscv_plic_reset(self._plic)

    def attach(self, base: int) -> None:
        lib.riscv_plic_attach(self._plic, base)

    def set_line(self, number: int, level: bool) -> None:
        """The level of a source's line has changed."""
        lib.riscv_plic_set_line(self._plic, number, level)

    def native_line(self, number: int) -> LineSink:
        """Who drives that line natively."""
        return line_sink("riscv_plic_set_line", self._plic, number)

    def register_names(self) -> Mapping[str, tuple[RegisterName, ...]]:
        plic, words = self._plic, self._words
        found = [
            *row("PRIORITY", lib.RISCV_PLIC_PRIORITY, plic.sources)[1:],
            *row("PENDING", lib.RISCV_PLIC_PENDING, words),
        ]
        for context in range(plic.contexts):
            enable = lib.RISCV_PLIC_ENABLE + context * lib.RISCV_PLIC_ENABLE_STRIDE
            page = lib.RISCV_PLIC_CONTEXT + context * lib.RISCV_PLIC_CONTEXT_STRIDE
            found += row(f"ENABLE{context}_", enable, words)
            found.append(RegisterName(f"THRESHOLD{context}", page + lib.RISCV_PLIC_THRESHOLD))
            found.append(RegisterName(f"CLAIM{context}", page + lib.RISCV_PLIC_CLAIM))
        return {self.name: tuple(found)}

    def is_raised(self, source: int) -> bool:
        """It is pending, or its line is high."""
        plic, word = self._plic, source // 32
        return bool((plic.pending[word] | plic.level[word]) >> source % 32 & 1)

    def next_for(self, code: int) -> int:
        """The source that claiming would give to who takes the core's interrupt `code`; 0: none."""
        plic = self._plic
        found = 0
        for context in range(plic.contexts):
            if plic.codes[context] != code:
                continue
            for source in range(1, plic.sources):
                waits = plic.pending[source // 32] & plic.enabled[context][source // 32]
                if waits >> source % 32 & 1 and plic.priority[source] > plic.priority[found]:
                    found = source
        return found

    def save(self) -> State:
        plic, words = self._plic, self._words
        contexts = range(plic.contexts)
        return {
            "priority": list(plic.priority[0 : plic.sources]),
            "level": list(plic.level[0:words]),
            "pending": list(plic.pending[0:words]),
            "serving": list(plic.serving[0:words]),
            "enabled": [list(plic.enabled[context][0:words]) for context in contexts],
            "threshold": [plic.threshold[context] for context in contexts],
        }

    def load(self, state: State) -> None:
        plic, words = self._plic, self._words
        plic.priority[0 : plic.sources] = state["priority"]
        plic.level[0:words] = state["level"]
        plic.pending[0:words] = state["pending"]
        plic.serving[0:words] = state["serving"]
        for context, enabled in enumerate(state["enabled"]):
            plic.enabled[context][0:words] = enabled
        plic.threshold[0 : plic.contexts] = state["threshold"]
        lib.riscv_plic_loaded(plic)

    def read(self, offset: int, size: int) -> int:
        return bytes_of(lib.riscv_plic_read(self._plic, offset & ~3), offset, size)

    def peek(self, offset: int, size: int) -> int:
        return bytes_of(lib.riscv_plic_look(self._plic, offset & ~3), offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        word = value << 8 * (offset & 3) & 0xFFFFFFFF
        lib.riscv_plic_write(self._plic, offset & ~3, word)
