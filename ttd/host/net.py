"""Host sides of networks, by the names that `--netdev` takes."""

# A backend is imported when somebody wants it: a recording without a network does not wait for it.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ttd.boards.base import Board
from ttd.boards.networks import Networks
from ttd.devices.net import DEFAULT_MAC
from ttd.errors import UserError, reason
from ttd.host.options import OptionError, Options
from ttd.replay.net import NetBackend
from ttd.values import dataclass

KINDS = ("dgram", "tap", "pcap")


@dataclass(frozen=True, slots=True)
class OpenNetdev:
    """What a `--netdev` option has opened."""

    name: str
    backend: NetBackend
    filtered: bool
    """False: the user wants no replay filter on it, so it cannot be recorded."""


def netdev_name(text: str) -> str:
    """The name of a netdev; nothing is opened."""
    return Options.parse("--netdev", text, kinds=KINDS).need("id")


def open_netdev(text: str, say: Callable[[str], None] = lambda text: None) -> OpenNetdev:
    """Open what `text` names; an error is one sentence.

    `say` is told what a person must know to connect.
    """
    options = Options.parse("--netdev", text, kinds=KINDS)
    name = options.need("id")
    filtered = options.flag("filter", default=True)
    opener = {"dgram": _open_dgram, "tap": _open_tap, "pcap": _open_pcap}[options.kind]
    return OpenNetdev(name, opener(options, name, say), filtered)


def _open_dgram(options: Options, name: str, say: Callable[[str], None]) -> NetBackend:
    from ttd.host.net_dgram import Datagrams

    local, remote = options.address("local"), options.address("remote")
    options.done()
    try:
        backend = Datagrams(local, remote)
    except (OSError, UnicodeError) as error:
        raise options.error(f"there can be no such connection: {reason(error)}") from error
    if local[1] == 0:
        say(f"{name} is on {local[0]} port {backend.port}")
    return backend


def _open_tap(options: Options, name: str, say: Callable[[str], None]) -> NetBackend:
    from ttd.host.net_tap import Tap

    interface = options.need("ifname")
    options.done()
    if len(interface.encode()) > 15:
        raise options.error("an interface's name has at most 15 bytes")
    try:
        return Tap(interface)
    except OSError as error:
        raise options.error(f"{interface} cannot be opened: {reason(error)}") from error


def _open_pcap(options: Options, name: str, say: Callable[[str], None]) -> NetBackend:
    from ttd.host.net_pcap import Capture

    path, pace = options.need("file"), options.choice("pace", ("time", "fast"), "time")
    options.done()
    try:
        return Capture(path, in_time=pace == "time")
    except OSError as error:
        raise options.error(f"the capture cannot be read: {reason(error)}") from error


@dataclass(frozen=True, slots=True)
class NicOptions:
    """`--nic`: which netdev the board's network interface is connected to."""

    netdev: str | None
    mac: bytes | None

    @classmethod
    def parse(cls, text: str) -> NicOptions:
        """Take `netdev=ID,mac=XX:XX:XX:XX:XX:XX` apart, both optional."""
        options = Options.parse("--nic", text)
        netdev, mac = options.get("netdev"), options.get("mac")
        options.done()
        return cls(netdev, None if mac is None else _mac(options, mac))


def _mac(options: Options, text: str) -> bytes:
    parts = text.split(":")
    try:
        mac = bytes(int(part, 16) for part in parts)
    except ValueError:
        mac = b""
    if len(mac) != 6 or any(len(part) != 2 for part in parts):
        raise options.error(f"mac is like 52:54:00:12:34:56, not {text!r}")
    if mac[0] & 1:
        raise options.error(f"{text} is a group's address, not a device's")
    return mac


def open_networks(
    board: Board,
    netdevs: Sequence[str],
    nic: str | None,
    taken: Collection[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Networks, dict[str, NetBackend]]:
    """What was given for `--netdev` and `--nic`: as the machine knows it, and the backends by name.

    `taken`: netdevs that other devices are connected to. The board's interface gets the first of
    the others, unless the user says which.
    """
    wanted = NicOptions.parse(nic) if nic is not None else NicOptions(None, None)
    if nic is not None and board.nic is None:
        raise OptionError(f"--nic {nic}: {board.name} has no network interface")
    opened: dict[str, OpenNetdev] = {}
    try:
        for text in netdevs:
            netdev = open_netdev(text, say)
            if netdev.name in opened:
                netdev.backend.close()
                raise OptionError(f"--netdev {text}: there already is a netdev {netdev.name}")
            opened[netdev.name] = netdev
        free = [name for name in opened if name not in taken]
        chosen = wanted.netdev or (free[0] if free and board.nic is not None else None)
        _check_use(list(opened), chosen, taken)
    except UserError:
        for netdev in opened.values():
            netdev.backend.close()
        raise
    networks = Networks(
        netdevs=tuple(opened),
        nic=chosen,
        mac=wanted.mac or DEFAULT_MAC,
        unfiltered=tuple(name for name, netdev in opened.items() if not netdev.filtered),
    )
    return networks, {name: netdev.backend for name, netdev in opened.items()}


def _check_use(names: list[str], nic: str | None, taken: Collection[str]) -> None:
    """Each netdev belongs to one device, and each device to a netdev that is there."""
    for name in (*taken, *([] if nic is None else [nic])):
        if name not in names:
            there = ", ".join(names) or "none"
            raise OptionError(f"there is no netdev {name}; there are {there}")
    if nic in taken:
        raise OptionError(f"netdev {nic} has two devices connected to it")
    for name in names:
        if name != nic and name not in taken:
            raise OptionError(f"netdev {name} has no device connected to it")
