"""The way into memory for devices that are bus masters."""

from __future__ import annotations

from typing import Any

from ttd.devices.base import BusError
from ttd.engine import Engine, EngineFault


class DmaPort:
    """One device's way into memory (`Dma`); what watchpoints see names it."""

    def __init__(self, engine: Engine, by: str) -> None:
        """`by`: who accesses memory, in words for people."""
        self._engine = engine
        self._by = by

    @property
    def native(self) -> tuple[Any, int]:
        return self._engine.native, self._engine.maker(self._by)

    def read(self, address: int, size: int) -> bytes:
        try:
            return self._engine.load(address, size, self._by)
        except EngineFault as fault:
            raise BusError(str(fault)) from fault

    def write(self, address: int, data: bytes) -> None:
        try:
            self._engine.store(address, data, self._by)
        except EngineFault as fault:
            raise BusError(str(fault)) from fault

    def look(self, address: int, size: int) -> bytes:
        data = self._engine.read(address, size) if address + size <= 1 << 64 else b""
        if len(data) < size:
            raise BusError(f"there is no memory at {address + len(data):#x}")
        return data
