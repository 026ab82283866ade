"""What is at which physical address: device windows, bit-bands, and how debuggers see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise
from typing import ClassVar

from ttd.boards.base import BitBand, MappedDevice, Region
from ttd.bus.clockwork import Clockwork
from ttd.devices.base import BusError, Device, FlashController
from ttd.engine import Access, BusFault, Engine
from ttd.errors import UserError


class MachineError(UserError):
    """The machine cannot do what was asked; one sentence."""


MOST_SHOWN = 4096
"""Bytes of a watched place in a device that are compared with what was there before a write."""


class Bus:
    """The devices of one machine, served to its engine."""

    native: ClassVar[bool] = True
    """What devices declare of their registers is done natively; tests compare with it asked."""

    def __init__(self, engine: Engine, clockwork: Clockwork) -> None:
        self._engine = engine
        self._clockwork = clockwork
        self.mapped: list[MappedDevice] = []
        self.devices: dict[str, Device] = {}
        self._bands: list[BitBand] = []

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
                unit.device.attach(unit.base)
        for band in bands:
            self._engine.map_bit_band(band.alias, band.alias_size, band.target)
            self._bands.append(band)

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

    def at(self, address: int) -> MappedDevice | None:
        """The device at a physical address."""
        for mapped in self.mapped:
            if mapped.base <= address < mapped.base + mapped.size:
                return mapped
        return None

    # -- the guest's accesses ------------------------------------------------------------

    def _map(self, mapped: MappedDevice) -> None:
        base, device, clockwork = mapped.base, mapped.device, self._clockwork
        ignores = type(device).ignores is not Device.ignores
        unit = device.unit

        def read(address: int, size: int) -> int:
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
            return value

        def write(address: int, size: int, value: int) -> None:
            shown = self._shown(mapped) if device.shows_memory and self._engine.watches else ()
            self._store(device.write, address - base, size, value)
            for watched, where, old in shown:
                beside = where + len(old) <= address or address + size <= where
                if beside and self.peek(where, len(old)) != old:
                    self._engine.note_write(watched, min(len(old), 8), device.name)
            if ignores and device.ignores(address - base):
                self._engine.keep_ignoring()

        self._engine.map_mmio(
            base,
            mapped.size,
            read,
            write,
            alone=device.alone,
            registers=device.registers if self.native else None,
        )

    def _store(
        self, serve: Callable[[int, int, int], None], at: int, size: int, value: int
    ) -> None:
        """A deadline may move."""
        try:
            serve(at, size, value)
        except BusError as error:
            raise BusFault(str(error)) from error
        self._clockwork.after_access()

    def _shown(self, mapped: MappedDevice) -> list[tuple[int, int, bytes]]:
        """What the device shows where writes are watched: address as the guest uses it, physical
        address, contents."""
        found = []
        for watched, length, kinds, _ in self._engine.watches:
            where, _ = self._engine.translate(watched)
            inside = where is not None and mapped.base <= where < mapped.base + mapped.size
            if inside and where is not None and kinds & Access.WRITE and length <= MOST_SHOWN:
                found.append((watched, where, self.peek(where, length)))
        return found

    def flash_store(self, name: str) -> Callable[[int, int, int], None]:
        """What serves stores to flash: the device of that name, as it serves its registers."""

        def store(address: int, size: int, value: int) -> None:
            controller = self.devices[name]
            assert isinstance(controller, FlashController)
            self._store(controller.program, address, size, value)

        return store

    # -- a debugger's --------------------------------------------------------------------

    def writable(self, address: int, size: int) -> bool:
        """Could a debugger write there, all of it?"""
        while size > 0:
            done = len(self._engine.read(address, size))
            mapped = self.at(address)
            if mapped is not None:
                done = mapped.base + mapped.size - address
            elif not done and self._behind(address) is not None:
                done = 1
            if not done:
                return False
            address, size = address + done, size - done
        return True

    def poke(self, address: int, value: bytes) -> None:
        """Write as a debugger does, who cannot take a bus error: to ROM too, and seen by no
        watchpoint. Devices get words, halfwords and bytes, each at a multiple of its size."""
        at = 0
        while at < len(value):
            where, left = address + at, len(value) - at
            mapped = self.at(where)
            size = next(n for n in (4, 2, 1) if where % n == 0 and n <= left)
            word = int.from_bytes(value[at : at + size], "little")
            if mapped is not None:
                with suppress(BusError):
                    mapped.device.write(where - mapped.base, size, word)
            elif (behind := self._behind(where)) is not None:
                # A word of an alias is as good as its first byte.
                size = min(4 - where % 4, left)
                if where % 4 == 0:
                    target, bit = behind
                    old = int.from_bytes(self.peek(target, 1), "little")
                    self.poke(target, bytes((old & ~(1 << bit) | (word & 1) << bit,)))
            else:
                size = self._engine.write(where, value[at:])
                if not size:
                    return
            at += size

    def peek(self, address: int, size: int) -> bytes:
        """What a debugger sees: memory and device registers, without side effects; shorter where
        something ends."""
        out = bytearray()
        while len(out) < size:
            where, left = address + len(out), size - len(out)
            part = self._engine.read(where, left) or self._peek_device(where, left)
            if not part:
                break
            out += part
        return bytes(out)

    def _peek_device(self, address: int, size: int) -> bytes:
        """One register at most."""
        mapped = self.at(address)
        if mapped is None:
            behind = self._behind(address)
            if behind is None:
                return b""
            found = self.peek(behind[0], 1)
            bit = found[0] >> behind[1] & 1 if found else 0
            return bytes((bit, 0, 0, 0))[address % 4 :][:size] if found else b""
        at, unit = address - mapped.base, mapped.device.unit
        width = unit if at % unit == 0 and size >= unit else 1
        try:
            word = mapped.device.peek(at & -unit, unit)
        except BusError:
            return b""
        return (word >> at % unit * 8 & (1 << 8 * width) - 1).to_bytes(width, "little")

    def _behind(self, address: int) -> tuple[int, int] | None:
        """The byte and the bit in it that a bit-band alias shows at `address`."""
        for band in self._bands:
            offset = address - band.alias
            if 0 <= offset < band.alias_size:
                return band.target + (offset >> 5), offset >> 2 & 7
        return None
