"""What the condition of a stop may ask where that is reached (`ttd.conditions.Moment`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ttd.conditions import ConditionError
from ttd.cpu.base import Cpu
from ttd.engine.types import Access, WatchHit
from ttd.errors import UserError
from ttd.stops import Breakpoint, Watchpoint


class Asked(Protocol):
    """A machine, as much of it as conditions are about."""

    @property
    def cpu(self) -> Cpu: ...
    def read_memory(self, address: int, size: int) -> bytes:
        """Without side effects; shorter where something is not there; nothing, or a `UserError`, if
        nothing is."""
        ...


class Here:
    """The machine just before the instruction at a breakpoint, or before a watched access."""

    def __init__(
        self,
        machine: Asked,
        stop: Breakpoint | Watchpoint,
        access: WatchHit | None = None,
        *,
        hits: int = 1,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._machine = machine
        self._stop = stop
        self.access = access
        self.hits = hits
        self.interrupted = interrupted

    def register(self, name: str) -> int:
        return self._machine.cpu.read_register(name)

    def memory(self, address: int, size: int) -> bytes:
        try:
            return self._machine.read_memory(address, size)
        except UserError:
            return b""

    def watched(self, what: str) -> int:
        access, stop = self.access, self._stop
        if access is None or not isinstance(stop, Watchpoint):
            raise ConditionError(f"{what!r} is of a watched access, and this is a breakpoint")
        if what == "address":
            return access.address
        return self.new(stop, access) if what == "new" else int.from_bytes(self.old(stop), "little")

    def old(self, stop: Watchpoint) -> bytes:
        """What is watched, before the access."""
        data = self.memory(stop.address, stop.length)
        if len(data) < stop.length:
            raise ConditionError(f"there is nothing at {stop.address:#x}")
        return data

    def new(self, stop: Watchpoint, access: WatchHit) -> int:
        """The value of what is watched, after the access."""
        data = self.old(stop)
        if access.kind is Access.WRITE:
            data = _patched(stop.address, data, access)
        return int.from_bytes(data, "little")


def overlaps(stop: Watchpoint, access: WatchHit) -> bool:
    """Whether an access is of a kind and at a place that is watched."""
    return bool(stop.kind & access.kind) and (
        access.address < stop.address + stop.length and stop.address < access.address + access.size
    )


def is_seen(machine: Asked, stop: Watchpoint, access: WatchHit) -> bool:
    """Whether an access that overlaps, and has not happened yet, is one that is watched for."""
    if not stop.changes_only or access.kind is not Access.WRITE:
        return True
    begin = max(stop.address, access.address)
    end = min(stop.address + stop.length, access.address + access.size)
    try:
        data = machine.read_memory(begin, end - begin)
    except UserError:
        return True
    if not data:
        return True
    return _patched(begin, data, access) != data


def _patched(begin: int, data: bytes, access: WatchHit) -> bytes:
    """What is at `begin` after a write that covers some of it, or more."""
    written = (access.value & ((1 << 8 * access.size) - 1)).to_bytes(access.size, "little")
    low = max(begin, access.address)
    high = min(begin + len(data), access.address + access.size)
    middle = written[low - access.address : high - access.address]
    return data[: low - begin] + middle + data[high - begin :]
