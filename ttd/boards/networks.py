"""Which networks a machine has, as a recording knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from ttd.devices.net import DEFAULT_MAC
from ttd.recording.config import Option
from ttd.recording.errors import RecordingError
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Networks:
    """The netdevs by name, and what the board's own network interface is given."""

    netdevs: tuple[str, ...] = ()
    nic: str | None = None
    """The netdev that the board's network interface is connected to."""
    mac: bytes = DEFAULT_MAC
    unfiltered: tuple[str, ...] = ()
    """Netdevs without a replay filter: a machine that uses one cannot be recorded."""

    def to_options(self) -> dict[str, Option]:
        """As the recording keeps it; nothing of what is not there."""
        found: dict[str, Option] = {}
        if self.netdevs:
            found["netdevs"] = list(self.netdevs)
        if self.nic is not None:
            found["nic"] = self.nic
        if self.mac != DEFAULT_MAC:
            found["mac"] = self.mac
        return found

    @classmethod
    def from_options(cls, options: Mapping[str, Option]) -> Self:
        """Inverse of `to_options`, for data from a file."""
        netdevs, nic = options.get("netdevs", []), options.get("nic")
        mac = options.get("mac", DEFAULT_MAC)
        if (
            not isinstance(netdevs, list)
            or not all(isinstance(name, str) for name in netdevs)
            or len(set(netdevs)) < len(netdevs)
            or not isinstance(mac, bytes)
            or len(mac) != 6
            or not (nic is None or (isinstance(nic, str) and nic in netdevs))
        ):
            raise RecordingError("the recording does not say which networks its machine has")
        return cls(tuple(netdevs), nic, mac)
