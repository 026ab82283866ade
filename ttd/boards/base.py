"""What a board is: data, and one function that makes its devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from ttd.devices.base import Clock, Device, Dma, Line
from ttd.devices.chars import CharFront
from ttd.devices.net import Nic
from ttd.devices.virtio.input import InputFront
from ttd.engine.registers import LineSink
from ttd.images import Image, Load
from ttd.recording.config import Option
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """Memory. `mirrors`: further addresses at which the same memory is seen."""

    name: str
    base: int
    size: int
    writable: bool = True
    mirrors: tuple[int, ...] = ()
    fill: int = 0
    """The byte that all of it holds before anything is loaded."""
    stores_to: str | None = None
    """The device (`FlashController`) that decides what a store does, where memory is flash."""

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True, slots=True)
class BitBand:
    """Each bit of the 1 MB at `target` is a word of the 32 MB at `alias` (DDI0403E B3.1)."""

    alias: int
    target: int
    target_size: int = 0x0010_0000
    alias_size: int = 0x0200_0000


@dataclass(frozen=True, slots=True)
class MappedDevice:
    """A device and its register window; size 0 if it has none."""

    base: int
    size: int
    device: Device


class NoInput:
    """The front end of an input device that nobody operates."""

    def connect(self, event: Callable[[int, int, int], None], sync: Callable[[], None]) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a machine offers to the devices of its board."""

    clock: Clock
    """`now()` answers (0) while the devices are made, too."""
    irq: Callable[[int, bool], None]
    """Set the level of an external interrupt line of the CPU."""
    nmi: Callable[[bool], None]
    """Set the level of the CPU's non-maskable interrupt."""
    reset: Callable[[], None]
    """A device asks for a system reset."""
    char: Callable[[str], CharFront]
    """The front end of the character device with this name."""
    dma: Callable[[str], Dma]
    """The way into memory of a device that is a bus master; who it is, in words for people."""
    shutdown: Callable[[int | None], None] = lambda code: None
    """A device asks for the end of the machine, with the guest's exit code if it has one."""
    suspend: Callable[[], None] = lambda: None
    """A device asks that nothing runs until somebody outside wakes the machine up."""
    nic: Nic = field(default_factory=Nic)
    """What the board's network interface is connected to."""
    host_ns: Callable[[], int] = lambda: 0
    """The host's wall-clock time, in nanoseconds since 1970. The recording has one value of this
    clock: a PL031, which asks for seconds, cannot be on the same board."""
    native: Any = None
    """The native engine, for devices that are part of a native core."""

    random: Callable[[int], bytes] = bytes
    """So many random bytes of the host's, by way of the replay layer."""
    input: Callable[[str], InputFront] = lambda name: NoInput()
    """The front end of the board's input device (`Board.inputs`) with this name."""

    native_irq: Callable[[int], LineSink | None] = lambda number: None
    """The same as `irq`, for devices whose lines are driven natively."""

    def line(self, number: int) -> Line:
        """Return a line of its own to external interrupt `number`."""
        return Line(lambda level: self.irq(number, level), self.native_irq(number))


@dataclass(frozen=True, slots=True)
class Slot:
    """A free place for a device that the user adds: a window of 4 KiB, an interrupt."""

    base: int
    irq: int


@dataclass(frozen=True, slots=True)
class BootFiles:
    """What a user starts a machine with, by the names of QEMU's options: path and contents."""

    image: Image | None = None
    """Given without an option: it brings all that it needs."""
    kernel: tuple[str, bytes] | None = None
    bios: tuple[str, bytes] | None = None
    initrd: tuple[str, bytes] | None = None
    append: str = ""
    """The kernel's command line."""


Boot = Callable[["Board", BootFiles], list[Load]]
"""Makes the list of what is loaded, with what the board adds of its own."""


@dataclass(frozen=True, slots=True)
class Board:
    """A board that a machine can be made of."""

    name: str
    description: str
    """One line, for lists."""
    cpu: str
    irq_lines: int
    core_hz: int
    ns_per_step: int
    """Virtual time of a step unless the user chooses another."""
    reset_address: int
    """Where the core begins after reset, or finds its vector table."""
    regions: tuple[Region, ...]
    bit_bands: tuple[BitBand, ...]
    serials: tuple[str, ...]
    """Names of the character devices, in the order in which the user connects them."""
    build_devices: Callable[[Wiring], list[MappedDevice]]
    priority_bits: int | None = None
    """How many bits of an exception's priority there are, where the processor leaves that open."""
    timebase_hz: int = 0
    """Rate of the core's real-time counter; 0: it has none."""
    irq_names: Mapping[int, str] = field(default_factory=dict)
    """What is at external interrupts of the CPU, for people; added devices are not among it."""
    irq_controller: str | None = None
    """The device that takes the lines of added devices, by number (`set_line`); None: the core."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input devices of the board itself: name -> kind (`keyboard`, ...)."""
    nic: str | None = None
    """Name of the network interface, if the board has one."""
    virtio_slots: tuple[Slot, ...] = ()
    """Taken by virtio devices in the order in which the user adds them."""
    rtc_slot: Slot | None = None
    """Where a PL031 goes."""
    power_base: int | None = None
    """Where ttd's own power register goes."""
    empty_slots: bool = False
    """Free virtio slots answer even if the user has added no virtio device."""
    reloads: bool = False
    """A system reset loads everything again, instead of leaving memory as it is."""
    start: tuple[int, int] | None = None
    """PC and stack pointer after a reset; None: as the core does it, or the image says."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """What it was made with (`make_board`), if there is a choice; kept in recordings."""
    with_memory: Callable[[int], Board] | None = None
    """The same with so many bytes of memory; None: there is no choice."""
    boot: Boot | None = None
    """Places what `--kernel`, `--bios` and so on name."""

    def has_memory(self, start: int, end: int) -> bool:
        """Tell whether all of [start, end) is memory, and no byte of it is the same as another."""
        taken = dict.fromkeys((region.name for region in self.regions), 0)
        while start < end:
            found = self._view_at(start)
            if found is None:
                return False
            region, base = found
            upto = min(end, base + region.size)
            taken[region.name] += upto - start
            if taken[region.name] > region.size:  # it has come round to a mirror of its start
                return False
            start = upto
        return True

    def without_headers(self, image: Image) -> Image:
        """The image without the headers of its file, where these would come to lie beside memory.

        A linker that is told no more than where the code goes puts them into the page before it.
        """
        kept = [
            replace(s, address=s.address + s.headers, data=s.data[s.headers :], headers=0)
            if s.headers and not self.has_memory(s.address, s.address + s.headers)
            else s
            for s in image.segments
        ]
        segments = tuple(segment for segment in kept if segment.data)
        return replace(image, segments=segments) if segments else image

    def region_at(self, address: int) -> Region | None:
        """Return the memory that is seen at `address`, itself or a mirror of it."""
        found = self._view_at(address)
        return None if found is None else found[0]

    def _view_at(self, address: int) -> tuple[Region, int] | None:
        """The memory at `address`, and where what is seen of it there begins."""
        for region in self.regions:
            for base in (region.base, *region.mirrors):
                if base <= address < base + region.size:
                    return region, base
        return None
