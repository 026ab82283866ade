"""The devices with a host side: who they are, and that they begin and end together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ttd.recording.events import Kind
from ttd.replay.block import BlockDriver, DiskOptions
from ttd.replay.chars import CharBackend, CharDriver, Ears
from ttd.replay.entrance import Entrance
from ttd.replay.errors import ReplayError
from ttd.replay.input import InputDriver, InputEvent, InputGroups
from ttd.replay.net import Netdev, NetFilter


class Drivers:
    """The front ends that devices hold, by name."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.ears = Ears()
        """Of all character devices."""
        self._chars: dict[str, CharDriver] = {}
        self._natives: list[CharDriver] = []
        self._lent: list[CharDriver] = []
        self.filters: dict[str, NetFilter] = {}
        self.disks: list[BlockDriver] = []
        """In the order of their registration."""
        self._inputs = InputGroups(entrance)
        self.next_block_id = 0

    def add_char(self, name: str, backend: CharBackend | None) -> CharDriver:
        driver = CharDriver(self._entrance, name, backend, self.ears)
        self._entrance.add(Kind.CHAR_READ, driver, name)
        self._chars[name] = driver
        return driver

    def add_net(self, netdev: Netdev) -> NetFilter:
        net = NetFilter(self._entrance, netdev)
        self._entrance.add(Kind.NET, net, netdev.name)
        self.filters[netdev.name] = net
        return net

    def remove_net(self, net: NetFilter) -> None:
        """Let go of a netdev; what has passed it stays part of the machine's state."""
        del self.filters[net.name]
        net.close()

    def add_disk(
        self, options: DiskOptions, next_id: Callable[[], int], done: Callable[[], None]
    ) -> BlockDriver:
        """`next_id`, `done`: the border's functions for requests, as `BlockDriver` has them."""
        driver = BlockDriver(self._entrance, options, next_id, done)
        self._entrance.add(Kind.BLOCK, driver, driver.name)
        self.disks.append(driver)
        return driver

    def add_input(self, name: str) -> InputDriver:
        driver = self._inputs.add(name)
        self._entrance.add(Kind.INPUT, driver.events, name)
        self._entrance.add(Kind.INPUT_SYNC, driver.syncs, name)
        return driver

    @property
    def inputs(self) -> Collection[str]:
        """The names of all input devices."""
        return self._inputs.drivers

    def commit_disks(self) -> None:
        """Put what the guest has written into all images that can be written; then raise what
        went wrong."""
        problems = []
        for disk in self.disks:
            try:
                disk.commit()
            except ReplayError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def start(self) -> None:
        """Let every backend bring input."""
        for driver in self._chars.values():
            driver.start()
        for net in self.filters.values():
            net.start()

    def number_natives(self) -> set[int]:
        """Tell devices that bytes enter natively by which numbers the log knows them; which."""
        # A recorder that was killed before its first commit has not named any.
        known = self._entrance.at.devices.known
        for driver in self._chars.values():
            if driver.native is not None and driver.name in known:
                self._natives.append(driver)
                driver.native.is_known_as(known.index(driver.name))
        return {known.index(driver.name) for driver in self._natives}

    def lend(self) -> None:
        """Record: the engine is about to run, and lets in what is queued for such devices."""
        if self._entrance.holds_input and not self._entrance.at.held:
            self._lent = self._natives
            for driver in self._natives:
                driver.lend()

    def collect(self) -> None:
        """It has run."""
        lent, self._lent = self._lent, []
        for driver in lent:
            driver.collect()

    def close(self) -> None:
        """Let go of the host, but for netdevs."""
        for driver in self._chars.values():
            driver.close()
        for disk in self.disks:
            disk.close()

    def block_id(self) -> int:
        """A number for a disk request, of whatever disk; they count up from 0."""
        self.next_block_id += 1
        return self.next_block_id - 1

    def char_input(self, name: str, data: bytes, *, patient: bool = True) -> None:
        """`CharDriver.be_write` of the one with this name; not `patient`: if it does not wait."""
        if name not in self._chars:
            known = ", ".join(self._chars)
            raise ReplayError(f"there is no character device {name}, only {known or 'none'}")
        if not patient and self._chars[name].is_behind:
            raise ReplayError(f"the guest has not taken what was given to {name} before")
        self._chars[name].be_write(data)

    def take_back(self, backend: CharBackend) -> bytes:
        """`CharDriver.take_back` of the one with this backend."""
        return b"".join(d.take_back() for d in self._chars.values() if d.backend is backend)

    def packet(self, name: str, flags: int, iov: Sequence[bytes]) -> None:
        """`NetFilter.packet_event` of the one with this name."""
        if name not in self.filters:
            raise ReplayError(f"there is no netdev {name}")
        self.filters[name].packet_event(flags, iov)

    def input(self, name: str, event: InputEvent | None) -> bool:
        """`InputDriver.put` of the one with this name."""
        return self._inputs.drivers[name].put(event)

    def input_groups(self, groups: Mapping[str, Sequence[InputEvent]]) -> bool:
        """`InputGroups.put`."""
        return self._inputs.put(groups)
