"""Looking at a machine where it stands, and doing something to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ttd.cpu.base import Cpu
from ttd.cpu.models import CPUS
from ttd.devices.base import View
from ttd.history.trials import Trials, Write
from ttd.images import Image
from ttd.keys import key_event
from ttd.machine import Machine
from ttd.probe_api import PastIsReadOnly, SystemRequest, TimelineError
from ttd.replay.replay import Cause
from ttd.space import AddressSpace, Span


class Probe:
    """`ProbeApi` of a machine; what is written is on trial first."""

    def __init__(self, machine: Machine, trials: Trials) -> None:
        self._machine = machine
        self._trials = trials
        self._space = AddressSpace(machine)

    # -- looking -----------------------------------------------------------------------------

    @property
    def cpu(self) -> Cpu:
        return self._machine.cpu

    @property
    def images(self) -> Sequence[Image]:
        return [load.image for load in self._machine.loads]

    def read_memory(self, address: int, size: int) -> bytes:
        return _found(self._machine.read_memory(address, size), address, size)

    def read_physical(self, address: int, size: int) -> bytes:
        return _found(self._machine.bus.peek(address, size), address, size)

    def views(self) -> Sequence[View]:
        return [view for device in self._machine.devices.values() for view in device.views()]

    def memory_map(self) -> list[tuple[str, int, int]]:
        board = self._machine.board
        if CPUS[board.cpu].paged:
            return []
        return [
            ("ram" if region.writable else "rom", base, region.size)
            for region in board.regions
            for base in (region.base, *region.mirrors)
        ]

    def span_at(self, address: int) -> Span:
        return self._space.at(address)

    def mapped(self) -> Iterator[Span]:
        return self._space.mapped()

    # -- doing -------------------------------------------------------------------------------

    def write_memory(self, address: int, data: bytes) -> None:
        if self._machine.read_memory(address, len(data)) == data:
            return  # nothing is changed by that
        count = "1 byte" if len(data) == 1 else f"{len(data)} bytes"
        verb = "was" if len(data) == 1 else "were"
        self._trials.write(Write(address, data), f"{count} at {address:#x} {verb} written")

    def write_register(self, name: str, value: int) -> None:
        self._trials.write(Write(name, value), f"{name} was set to {value:#x}")

    def give_input(self, device: str, data: bytes) -> None:
        self._need_recording("takes input")
        replay = self._machine.replay
        if device not in replay.inputs:
            replay.give_chars(device, data)
            return
        event = key_event(data.decode(errors="replace"))
        if event is None:
            raise TimelineError(f"{device} takes 'press KEY' and 'release KEY', such as: press a")
        if not replay.input_groups({device: [event]}):
            raise TimelineError(f"{device}: there is no room, the guest is far behind")

    def request(self, what: SystemRequest) -> None:
        self._need_recording("can be asked")
        replay = self._machine.replay
        match what:
            case SystemRequest.RESET:
                replay.reset_request(Cause.DEBUGGER)
            case SystemRequest.SUSPEND:
                replay.suspend_now()
                self._trials.changed()
            case SystemRequest.SHUTDOWN:
                replay.shutdown_now()
                self._trials.changed()
            case SystemRequest.WAKE_UP:
                if not self._machine.suspended:
                    raise TimelineError("The machine is not suspended.")
                self._machine.wake_up()

    def _need_recording(self, able: str) -> None:
        self._trials.keep()
        if not self._machine.records:
            raise PastIsReadOnly(
                f"This is the past: 'monitor branch NAME' begins another future, which {able}."
            )


def _found(data: bytes, address: int, size: int) -> bytes:
    if not data and size:
        raise TimelineError(f"there is nothing at {address:#x}")
    return data
