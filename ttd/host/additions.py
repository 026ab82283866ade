"""What users add to a board: `--device`, `--drive`, taken apart and opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from ttd.boards.extras import ALIASES, BUS, CLOCKS, DEVICES, NAME, Drive, Extra
from ttd.host.drive import RawImage
from ttd.host.options import OptionError, Options
from ttd.replay.net import NetBackend
from ttd.values import dataclass


@dataclass
class Additions:
    """Devices and drives as the machine knows them, and their host sides by name."""

    extras: list[Extra] = field(default_factory=list)
    drives: list[Drive] = field(default_factory=list)
    chardevs: dict[str, str] = field(default_factory=dict)
    """Chardev to open, by device."""
    images: dict[str, RawImage] = field(default_factory=dict)
    nets: dict[str, NetBackend] = field(default_factory=dict)
    """Host sides by netdev."""

    @property
    def taken(self) -> list[str]:
        """The netdevs that devices are connected to."""
        return [extra.options["netdev"] for extra in self.extras if "netdev" in extra.options]

    def close(self) -> None:
        """Close the images."""
        for image in self.images.values():
            image.close()


def parse_additions(devices: Sequence[str], drives: Sequence[str], embed: bool) -> Additions:
    """Take apart what was given for `--device` and `--drive`, and open the images.

    `embed`: what is read of the images goes into the recording.
    """
    found = Additions()
    for text in devices:
        _add_device(found, text, embed)
    for text in drives:
        _add_drive(found, text, embed)
    return found


def _add_device(found: Additions, text: str, embed: bool) -> None:
    options = Options.parse("--device", text, kinds=(*DEVICES, *ALIASES))
    kind = ALIASES.get(options.kind, options.kind)
    number = sum(extra.kind == kind for extra in found.extras)
    stem = "rtc" if kind == "pl031" else kind.removeprefix("virtio-")
    name = _name(options, f"{stem}{number}")
    told = {}
    if kind == "virtio-blk":
        if options.get("file") is not None:  # a disk with an image of its own
            told["drive"] = f"{name}disk"
            _open_drive(found, options, told["drive"], embed)
        else:
            told["drive"] = options.need("drive")
        if not NAME.fullmatch(told["drive"]):
            raise options.error(f"{told['drive']!r} is not the name of a drive")
    elif kind == "virtio-net":
        told["netdev"] = options.need("netdev")
        if not NAME.fullmatch(told["netdev"]):
            raise options.error(f"{told['netdev']!r} is not the name of a netdev")
        told["mac"] = f"5254001234{0x57 + number:02x}"
    elif kind == "virtio-console":
        found.chardevs[name] = options.get("chardev") or "null"
    elif kind == "pl031":
        told["clock"] = options.choice("clock", CLOCKS, "host")
    if kind.startswith("virtio-") and (bus := options.get("bus")) is not None:
        if not bus.startswith(BUS):
            raise options.error(f"bus is like {BUS}0, not {bus!r}")
        told["bus"] = bus.removeprefix(BUS)
    options.done()
    found.extras.append(Extra(kind, name, told))


def _add_drive(found: Additions, text: str, embed: bool) -> None:
    options = Options.parse("--drive", text)
    _open_drive(found, options, _name(options, f"disk{len(found.drives)}"), embed)
    options.done()


def _open_drive(found: Additions, options: Options, name: str, embed: bool) -> None:
    """Open the image that the options name, as drive `name`."""
    path = options.need("file")
    options.choice("format", ("raw",), "raw")
    options.choice("if", ("none",), "none")
    readonly = options.flag("readonly")
    if name in found.images:
        raise options.error(f"there already is a drive {name}")
    image = found.images[name] = RawImage(path)
    # What was read is in the recording: the image is not wanted again, and need not be the same.
    known = "" if embed else image.digest().hex()
    found.drives.append(Drive(name, image.size, known, readonly, embed))


def _name(options: Options, default: str) -> str:
    name = options.get("id") or default
    if not NAME.fullmatch(name):
        raise OptionError(f"{options.option} {options.text}: {name!r} is not a name")
    return name
