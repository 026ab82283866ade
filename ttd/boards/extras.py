"""Devices that users add to a board: what they may ask for, and how it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Self

from ttd.boards.base import Board, MappedDevice, Slot, Wiring
from ttd.cpu.models import CPUS
from ttd.devices.base import Device
from ttd.devices.chars import CharFront
from ttd.devices.net import NetFront
from ttd.devices.pl031 import Pl031
from ttd.devices.power import Power
from ttd.devices.virtio.block import BlockFront, VirtioBlock
from ttd.devices.virtio.console import VirtioConsole
from ttd.devices.virtio.input import KINDS as INPUT_KINDS
from ttd.devices.virtio.input import InputFront, VirtioInput
from ttd.devices.virtio.mmio import EmptySlot
from ttd.devices.virtio.net import VirtioNet
from ttd.devices.virtio.rng import BottomHalfFront, VirtioRng
from ttd.errors import UserError
from ttd.values import dataclass

SLOT_SIZE = 0x1000
INPUT_DEVICES = tuple(f"virtio-{kind}" for kind in INPUT_KINDS)
DEVICES = (
    "virtio-blk",
    "virtio-net",
    "virtio-rng",
    "virtio-console",
    *INPUT_DEVICES,
    "pl031",
    "power",
)
"""What `--device` takes."""
ALIASES = {
    "virtio-serial": "virtio-console",
    "virtio-serial-device": "virtio-console",
    # As QEMU calls those that are behind a virtio-mmio transport.
    **{f"{kind}-device": kind for kind in DEVICES if kind.startswith("virtio-")},
}
BUS = "virtio-mmio-bus."
"""How the places of virtio devices are called, with a number: QEMU's names."""
CLOCKS = ("host", "rt", "vm")
"""What `pl031,clock=` takes."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
"""What users may call a device or a drive."""


class ExtraError(UserError):
    """A device cannot be added; one sentence."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A device to add: its kind, its name, and what it is told."""

    kind: str
    name: str
    options: dict[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """As the recording keeps it."""
        return ",".join(
            (self.kind, f"id={self.name}", *(f"{k}={v}" for k, v in self.options.items()))
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Inverse of `to_text`, for text from a file."""
        kind, *rest = text.split(",")
        options = dict(part.partition("=")[::2] for part in rest)
        name = options.pop("id", "")
        if kind not in DEVICES or not NAME.fullmatch(name):
            raise ExtraError(f"the recording has a device {text!r}, which this ttd does not have")
        return cls(kind, name, options)


@dataclass(frozen=True, slots=True)
class Fronts:
    """The replay layer's sides of what is added."""

    chars: Mapping[str, CharFront]
    """By device."""
    disks: Mapping[str, tuple[BlockFront, bool]]
    """By drive; and whether it is read-only."""
    inputs: Mapping[str, InputFront]
    """By device."""
    nets: Mapping[str, NetFront]
    """By netdev."""
    random: Callable[[int], bytes]
    halves: BottomHalfFront
    seconds: Mapping[str, Callable[[], int]]
    """The host's clocks in seconds, `host` and `rt`."""


def build_extras(
    board: Board, extras: Sequence[Extra], fronts: Fronts, wiring: Wiring
) -> list[MappedDevice]:
    """Make the devices of `extras`; if there are virtio devices, their other slots are empty."""
    places, free = _virtio_places(board, extras)
    found = []
    for extra in extras:
        if extra.kind == "power":
            assert board.power_base is not None
            power = Power(
                extra.name,
                wiring.clock,
                reset=wiring.reset,
                shutdown=partial(wiring.shutdown, None),
                suspend=wiring.suspend,
            )
            found.append(MappedDevice(board.power_base, SLOT_SIZE, power))
            continue
        slot = board.rtc_slot if extra.kind == "pl031" else places[extra.name]
        assert slot is not None
        found.append(MappedDevice(slot.base, SLOT_SIZE, _build(extra, slot, fronts, wiring)))
    if board.empty_slots or any(_is_virtio(extra) for extra in extras):
        for slot in free:
            name, line = f"virtio-slot{slot.irq}", wiring.line(slot.irq)
            empty = EmptySlot(name, wiring.clock, wiring.dma(name), line)
            found.append(MappedDevice(slot.base, SLOT_SIZE, empty))
    return found


def _virtio_places(board: Board, extras: Sequence[Extra]) -> tuple[dict[str, Slot], list[Slot]]:
    """Where each virtio device goes, by its name, and the places that stay free.

    In their order each takes the bus that it names, or the first free place of the board's.
    """
    free = list(board.virtio_slots)
    buses = sorted(free, key=lambda slot: slot.base)
    virtio = list(filter(_is_virtio, extras))
    if len(virtio) > len(buses):
        raise ExtraError(
            f"{board.name} has places for {len(buses)} virtio devices, not for {len(virtio)}"
        )
    places = {}
    for extra in virtio:
        slot = free[0]
        if (bus := extra.options.get("bus")) is not None:
            number = int(bus) if bus.isascii() and bus.isdigit() and len(bus) < 3 else len(buses)
            if number >= len(buses):
                raise ExtraError(f"{board.name} has {BUS}0 to {len(buses) - 1}, but no {BUS}{bus}")
            slot = buses[number]
            if slot not in free:
                raise ExtraError(f"{BUS}{bus} has a device already: there is no place for "
                                 f"{extra.name}")  # fmt: skip
        free.remove(slot)
        places[extra.name] = slot
    return places, free


def _is_virtio(extra: Extra) -> bool:
    return extra.kind.startswith("virtio-")


def line_names(board: Board, extras: Sequence[Extra]) -> dict[int, str]:
    """What is at the external interrupts of the CPU, or of its interrupt controller."""
    names = dict(board.irq_names)
    places, _ = _virtio_places(board, extras)
    names |= {slot.irq: name for name, slot in places.items()}
    if board.irq_controller is None:
        clocks = [extra.name for extra in extras if extra.kind == "pl031"]
        if clocks and board.rtc_slot is not None:
            names[board.rtc_slot.irq] = clocks[0]
    return names


def exception_words(board: Board, extras: Sequence[Extra]) -> Callable[[int], str]:
    """What the exceptions and interrupts of a machine are called, by their numbers."""
    model = CPUS[board.cpu]
    lines: dict[int, str] = {}
    if model.first_line is not None:
        lines = {model.first_line + irq: name for irq, name in line_names(board, extras).items()}

    def name(number: int) -> str:
        found = model.exception_name(number)
        return f"{found}, {lines[number]}" if number in lines else found

    return name


def place_extras(board: Board, extras: Sequence[Extra]) -> None:
    """Raise `ExtraError` unless `board` has a place for each."""
    for kind, place in (("pl031", board.rtc_slot), ("power", board.power_base)):
        count = sum(extra.kind == kind for extra in extras)
        if count and place is None:
            raise ExtraError(f"{board.name} has no place for a device {kind}")
        if count > 1:
            raise ExtraError(f"{board.name} has no place for more than one device {kind}")
    _virtio_places(board, extras)
    names = [extra.name for extra in extras]
    drives = [extra.options["drive"] for extra in extras if "drive" in extra.options]
    for name in names:
        if names.count(name) > 1:
            raise ExtraError(f"two devices are called {name}")
        if name in board.serials or name == board.nic:
            raise ExtraError(f"two devices of this machine are called {name}")
    for drive in drives:
        if drives.count(drive) > 1:
            raise ExtraError(f"two devices use the drive {drive}")


def missing(name: str, needed: str) -> ExtraError:
    """What is said of a device whose other side nobody has named."""
    return ExtraError(f"the device {name} needs {needed!r}, which is not there")


def _build(extra: Extra, slot: Slot, fronts: Fronts, wiring: Wiring) -> Device:
    name, clock, line = extra.name, wiring.clock, wiring.line(slot.irq)
    dma = wiring.dma(f"{extra.kind} DMA ({name})")
    try:
        if extra.kind == "pl031":
            which = extra.options["clock"]
            if which == "vm":
                return Pl031(name, clock, line)
            return Pl031(name, clock, line, fronts.seconds[which], which)
        if extra.kind == "virtio-blk":
            front, readonly = fronts.disks[extra.options["drive"]]
            return VirtioBlock(name, clock, dma, line, front, fronts.halves, readonly)
        if extra.kind == "virtio-net":
            net, mac = fronts.nets[extra.options["netdev"]], bytes.fromhex(extra.options["mac"])
            return VirtioNet(name, clock, dma, line, net, mac, fronts.halves)
        if extra.kind == "virtio-rng":
            return VirtioRng(name, clock, dma, line, fronts.random, fronts.halves)
        if extra.kind == "virtio-console":
            return VirtioConsole(name, clock, dma, line, fronts.chars[name])
        kind = extra.kind.removeprefix("virtio-")
        return VirtioInput(name, clock, dma, line, fronts.inputs[name], kind)
    except KeyError as error:
        raise missing(name, error.args[0]) from None
    except ValueError:
        raise ExtraError(f"the recording is damaged: its device {name} is not one") from None


def inputs_of(board: Board, extras: Iterable[Extra]) -> dict[str, str]:
    """Kinds of the input devices (keyboard, mouse, tablet) by name."""
    found = {e.name: e.kind.removeprefix("virtio-") for e in extras if e.kind in INPUT_DEVICES}
    return dict(board.inputs) | found


@dataclass(frozen=True, slots=True)
class Drive:
    """A disk image as a recording knows it."""

    name: str
    size: int
    digest: str
    """Of the contents at the beginning, in hexadecimal, if the image is needed again; else ""."""
    readonly: bool = False
    embed: bool = True
    """What was read of it is in the recording."""

    def to_text(self) -> str:
        """As the recording keeps it."""
        flags = f"readonly={int(self.readonly)},embed={int(self.embed)}"
        known = f"hash={self.digest}," * bool(self.digest)
        return f"{self.name},size={self.size},{known}{flags}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Inverse of `to_text`, for text from a file."""
        match = _DRIVE.fullmatch(text)
        if match is None:
            raise ExtraError(f"the recording has a drive {text!r}, which this ttd does not know")
        name, size, name_of_contents, readonly, embed = match.groups()
        return cls(name, int(size), name_of_contents or "", readonly == "1", embed == "1")


_DRIVE = re.compile(
    rf"({NAME.pattern}),size=([0-9]{{1,11}}),(?:hash=([0-9a-f]{{32}}),)?"
    r"readonly=([01]),embed=([01])"
)
