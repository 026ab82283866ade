"""What is at which physical address: device windows, bit-bands, and how debuggers see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise

from ttd.boards.base import BitBand, MappedDevice, Region
from ttd.bus.clockwork import Clockwork
from ttd.devices.base import Burst, BusError, Device, FlashController
from ttd.engine import BusFault, Engine
from ttd.errors import UserError


class MachineError(UserError):
    """The machine cannot do what was asked; one sentence."""


class Bus:
    """The devices of one machine, served to its engine."""

    def __init__(self, engine: Engine, clockwork: Clockwork) -> None:
        self._engine = engine
        self._clockwork = clockwork
        self.mapped: list[MappedDevice] = []
        self.devices: dict[str, Device] = {}

    def connect(
        self, mapped: list[MappedDevice], regions: Iterable[Region], bands: Iterable[BitBand]
    ) -> None:
        """These are all devices; `regions` is the memory beside them."""
        self.mapped = mapped
        self._check_apart(regions)
        for unit in mapped:
            name = unit.device.name
            if name in self.devices:
                raise MachineError(f"two devices of this machine are called {name}")
            self.devices[name] = unit.device
            if unit.size:
                self._map(unit)
        for band in bands:
            self._map_bit_band(band)

    def _check_apart(self, regions: Iterable[Region]) -> None:
        """Users choose addresses, too: what overlaps could not be mapped."""
        spans = [(m.base, m.base + m.size, m.device.name) for m in self.mapped]
        spans += [
            (base, base + region.size, region.name)
            for region in regions
            for base in (region.base, *region.mirrors)
        ]
        for (_, end, name), (start, _, other) in pairwise(sorted(spans)):
            if end > start:
                raise MachineError(f"{name} and {other} of this machine overlap at {start:#x}")

    # -- the guest's accesses ------------------------------------------------------------

    def _map(self, mapped: MappedDevice) -> None:
        base, device, clockwork = mapped.base, mapped.device, self._clockwork
        bursts = type(device).burst is not Device.burst
        unit = device.unit

        def read(address: int, size: int) -> int:
            clockwork.before_access()
            try:
                value = device.read(address - base, size)
            except BusError as error:
                raise BusFault(str(error)) from error
            clockwork.after_access()
            offset = address - base
            # Of a register's other bytes it is not known how they go on.
            steady = None if offset % unit else device.steady(offset)
            if steady is not None:
                clockwork.keep_reading(value, steady)
            elif bursts:
                self._open_burst(base, device.burst(offset, False))
            return value

        def write(address: int, size: int, value: int) -> None:
            clockwork.before_access()
            try:
                device.write(address - base, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error
            clockwork.after_access()
            if bursts:
                self._open_burst(base, device.burst(address - base, True))

        self._engine.map_mmio(base, mapped.size, read, write)

    def _open_burst(self, base: int, burst: Burst | None) -> None:
        if burst is not None:
            first, end = base + burst.first, base + burst.end
            self._engine.open_burst(first, end, burst.words, burst.done)

    def flash_store(self, name: str) -> Callable[[int, int, int], None]:
        """What serves stores to flash: the device of that name, as it serves its registers."""

        def store(address: int, size: int, value: int) -> None:
            controller = self.devices[name]
            assert isinstance(controller, FlashController)
            self._clockwork.before_access()
            try:
                controller.program(address, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error

        return store

    def _map_bit_band(self, band: BitBand) -> None:
        # The access behind has the size of the access to the alias (Cortex-M3 TRM, bit-banding).
        def locate(address: int, size: int) -> tuple[int, int]:
            offset = address - band.alias
            byte = offset >> 5
            return band.target + (byte & -size), (offset >> 2 & 7) + 8 * (byte & size - 1)

        def read(address: int, size: int) -> int:
            target, bit = locate(address, size)
            return self._read(target, size) >> bit & 1

        def write(address: int, size: int, value: int) -> None:
            target, bit = locate(address, size)
            old = self._read(target, size)
            self._write(target, size, old & ~(1 << bit) | (value & 1) << bit)

        self._engine.map_mmio(band.alias, band.alias_size, read, write)

    def at(self, address: int) -> MappedDevice | None:
        """The device at a physical address."""
        for mapped in self.mapped:
            if mapped.base <= address < mapped.base + mapped.size:
                return mapped
        return None

    def _read(self, address: int, size: int) -> int:
        mapped = self.at(address)
        if mapped is not None:
            try:
                return mapped.device.read(address - mapped.base, size)
            except BusError as error:
                raise BusFault(str(error)) from error
        data = self._engine.read(address, size)
        if len(data) < size:
            raise BusFault(f"nothing at {address:#x}")
        return int.from_bytes(data, "little")

    def _write(self, address: int, size: int, value: int) -> None:
        mapped = self.at(address)
        if mapped is not None:
            try:
                mapped.device.write(address - mapped.base, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error
        elif self._engine.write(address, value.to_bytes(size, "little")) < size:
            raise BusFault(f"nothing at {address:#x}")

    # -- a debugger's --------------------------------------------------------------------

    def writable(self, address: int, size: int) -> bool:
        """Could a debugger write there?"""
        return self.at(address) is not None or len(self._engine.read(address, size)) == size

    def poke(self, address: int, value: bytes) -> None:
        """Write as a debugger does, who cannot take a bus error."""
        mapped = self.at(address)
        if mapped is None:
            self._engine.write(address, value)
            return
        size = len(value) if len(value) in (1, 2, 4) else 1
        with suppress(BusError):
            for at in range(0, len(value), size):
                word = int.from_bytes(value[at : at + size], "little")
                mapped.device.write(address - mapped.base + at, size, word)

    def peek(self, address: int, size: int) -> bytes:
        """Memory and device registers, without side effects; shorter where something ends."""
        data = self._engine.read(address, size)
        if data:
            return data
        mapped = self.at(address)
        if mapped is None:
            return b""
        out = bytearray()
        while len(out) < size and address + len(out) < mapped.base + mapped.size:
            at = address + len(out) - mapped.base
            unit = mapped.device.unit
            width = unit if at % unit == 0 and size - len(out) >= unit else 1
            try:
                word = mapped.device.peek(at & -unit, unit)
                value = word >> (at % unit * 8) & ((1 << 8 * width) - 1)
            except BusError:
                break
            out += value.to_bytes(width, "little")
        return bytes(out)
