"""The micro:bit's devices without a machine: time set by hand, registers by address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from tests.unit.device_doubles import HandClock, HandFront, NoTimers
from ttd.boards.base import MappedDevice, Wiring
from ttd.boards.microbit import FLASH, UICR, build_devices
from ttd.bus.agenda import Agenda
from ttd.devices.base import Device

US, MS = 1_000, 1_000_000
POWER, RADIO, UART, TWI, GPIOTE, ADC = (0x40000000 + 0x1000 * n for n in (0, 1, 2, 3, 6, 7))
TIMER0, TIMER1, RTC0, TEMP, RNG, WDT = (0x40000000 + 0x1000 * n for n in (8, 9, 11, 12, 13, 16))
NVMC, PPI, GPIO, FICR = 0x4001E000, 0x4001F000, 0x50000000, 0x10000000
IRQ = {base: base >> 12 & 0x1F for base in (POWER, RADIO, UART, TWI, GPIOTE, ADC, TIMER0, TIMER1,
                                           RTC0, TEMP, RNG, WDT)}  # fmt: skip
INTENSET, INTENCLR, SHORTS = 0x304, 0x308, 0x200


class Memory:
    """Flash and UICR."""

    def __init__(self) -> None:
        self.parts = {region.base: bytearray(b"\xff" * region.size) for region in (FLASH, UICR)}

    def _part(self, address: int) -> tuple[bytearray, int]:
        base = max(base for base in self.parts if base <= address)
        return self.parts[base], address - base

    def read(self, address: int, size: int) -> bytes:
        part, at = self._part(address)
        return bytes(part[at : at + size])

    look = read

    def write(self, address: int, data: bytes) -> None:
        part, at = self._part(address)
        part[at : at + len(data)] = data


class Keys:
    """The front end of the buttons."""

    def connect(self, event: Callable[[int, int, int], None], sync: Callable[[], None]) -> None:
        self.event, self.sync = event, sync

    def press(self, code: int, down: bool) -> None:
        self.event(1, code, int(down))
        self.sync()


class Board:
    """All devices of the board."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.front = HandFront()
        self.keys = Keys()
        self.memory = Memory()
        self.levels: dict[int, bool] = {}
        self.resets: list[int] = []
        """When."""
        self.random: Iterator[int] = count(1)
        self.mapped: list[MappedDevice] = build_devices(
            Wiring(
                clock=self.clock,
                irq=self.levels.__setitem__,
                nmi=lambda level: None,
                reset=lambda: self.resets.append(self.clock.ns),
                char=lambda name: self.front,
                dma=lambda by: self.memory,
                random=lambda size: bytes(next(self.random) for _ in range(size)),
                input=lambda name: self.keys,
            )
        )
        self.devices = {mapped.device.name: mapped.device for mapped in self.mapped}
        self.agenda = Agenda(self.devices.values(), self.clock, NoTimers())

    def reset(self) -> None:
        for device in self.devices.values():
            device.reset()
        self.agenda.changed()

    def advance(self, ns: int) -> None:
        """Let time pass as the run loop does."""
        end = self.clock.ns + ns
        while (first := self.agenda.first()) is not None and first <= end:
            self.clock.ns = max(self.clock.ns, first)
            self.agenda.expire(self.clock.ns)
        self.clock.ns = end

    def _at(self, address: int) -> tuple[Device, int]:
        (found,) = [m for m in self.mapped if m.base <= address < m.base + m.size]
        return found.device, address - found.base

    def read(self, address: int) -> int:
        device, offset = self._at(address)
        return device.read(offset, 4)

    def write(self, address: int, value: int = 1) -> None:
        device, offset = self._at(address)
        device.write(offset, 4, value)

    def irq(self, base: int) -> bool:
        return self.levels.get(IRQ[base], False)
