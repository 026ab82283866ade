"""What every device model is made of: state that is data, lines, time.

A device is a pure state machine. It sees the world through three things that the board hands
it: interrupt lines (`Line`), the machine's time (`Clock`) and, for devices with a host side, a
front end of the replay layer. It never reads a host clock, a random number or a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from ttd.contents import Contents
from ttd.devices.names import RegisterName
from ttd.engine.registers import LineSink, RegisterFile
from ttd.state import State, copied

NS_PER_SECOND = 1_000_000_000


class Clock(Protocol):
    """The machine's time, as a device sees it."""

    def now(self) -> int:
        """Virtual time in nanoseconds, exact at the access that is being served."""

    def rearm(self) -> None:
        """Say that a device's `deadline()` may have changed."""


class Dma(Protocol):
    """The machine's memory, for a device that is a bus master; addresses are physical.

    Both raise `BusError`, and have done nothing, unless there is memory at all of these addresses,
    however many: what a driver says can be handed on.
    """

    def read(self, address: int, size: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None: ...

    @property
    def native(self) -> tuple[Any, int]:
        """The same for native code: the engine, and the number of who accesses."""
        ...

    def look(self, address: int, size: int) -> bytes:
        """As `read`, for a question that must leave no trace: no watchpoint sees it."""


class HostTimer(NamedTuple):
    """A moment on a clock of the host."""

    clock: str
    """`host` for wall-clock time, `rt` for the time that the machine has been running."""
    ns: int


class Line:
    """One interrupt line: a level, and who listens to it."""

    __slots__ = ("_sink", "level", "native")

    def __init__(
        self, sink: Callable[[bool], None] | None = None, native: LineSink | None = None
    ) -> None:
        """`native`: the same as `sink`, for those who drive the line natively, and then alone."""
        self.level = False
        self.native = native
        self._sink = sink

    def set(self, level: bool) -> None:
        """Drive the line; the listener is called at changes only."""
        if level != self.level:
            self.level = level
            if self._sink is not None:
                self._sink(level)


class Stateful:
    """Has state that is data: the attributes named in `STATE`, and nothing else."""

    STATE: ClassVar[tuple[str, ...]] = ()

    def save(self) -> State:
        """Return the state as data, owned by the caller."""
        return {field: copied(getattr(self, field)) for field in self.STATE}

    def load(self, state: State) -> None:
        """Become the state that `save` returned."""
        for field in self.STATE:
            setattr(self, field, copied(state[field]))


def as_state(part: Any) -> State:
    """The fields of a device's part that is a dataclass, as data."""
    return {field: copied(getattr(part, field)) for field in part.__dataclass_fields__}


class Device(Stateful):
    """Base of all device models.

    `read` and `write` get an offset into the device's window and a size in bytes (1, 2 or 4);
    values are unsigned. An access that the hardware answers with a bus error raises `BusError`.
    """

    size: ClassVar[int] = 0x1000
    """Length of the register window in bytes."""
    NAMES: ClassVar[tuple[RegisterName, ...]] = ()
    """What its registers are called."""
    unit: ClassVar[int] = 4
    """Bytes of a register: how a debugger reads them."""
    shows_memory: ClassVar[bool] = False
    """A write changes what is read elsewhere in the window, as in a flash memory."""

    alone: ClassVar[bool] = False
    """What is read changes with time, and with accesses of this device; no other reaches in."""
    registers: RegisterFile | None = None
    """Those of its registers that are declared as data, if any are (`declared.py`)."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock

    def reset(self) -> None:
        """Put every state field to its value after a hardware reset."""
        raise NotImplementedError

    def read(self, offset: int, size: int) -> int:
        """Return the register at `offset`; side effects as in hardware."""
        raise NotImplementedError

    def write(self, offset: int, size: int, value: int) -> None:
        """Write the register at `offset`."""
        raise NotImplementedError

    def peek(self, offset: int, size: int) -> int:
        """Read as a debugger does: the same value, without side effects."""
        saved = self.save()
        try:
            return self.read(offset, size)
        finally:
            self.load(saved)

    def attach(self, base: int) -> None:
        """The guest finds it at this address from now on, unless what is native answers there."""

    def steady(self, offset: int) -> Steady | None:
        """How the register at `offset` goes on by itself; None if reading it has side effects,
        or if that is not known. Saves asking for what a guest polls."""
        return None

    def ignores(self, offset: int) -> bool:
        """After a write at `offset`: it has done nothing, nor will others until something else
        happens to the device."""
        return False

    def register_names(self) -> Mapping[str, tuple[RegisterName, ...]]:
        """What registers are called, in one block or several, each with a name."""
        return {self.name: self.NAMES}

    def deadline(self) -> int | None:
        """Virtual time (ns) at which `expire` wants to be called next; None for never."""
        return None

    def host_timer(self) -> HostTimer | None:
        """The moment on a clock of the host at which `expire` wants to be called; None: never."""
        return None

    @property
    def wakes(self) -> bool:
        """After `expire` for `host_timer()`: whether that wakes a suspended machine up."""
        return False

    def host_time_passed(self) -> None:
        """The machine has waited: the host's time may have gone on however far, while virtual time
        has not. A clock of the host is not what it last said any more."""

    @property
    def minds_waits(self) -> bool:
        """`host_time_passed` would change something. That may come to be so in an access only."""
        return False

    def views(self) -> tuple[View, ...]:
        """What a debugger may show of the device beside its registers."""
        return ()

    def contents(self) -> tuple[Contents, ...]:
        """What of the device's state is kept in pages, beside what `save` gives."""
        return ()

    def expire(self) -> None:
        """Time has reached `deadline()` or `host_timer()`; do what is due and move it on."""


@runtime_checkable
class FlashController(Protocol):
    """A device that serves the guest's stores to flash."""

    def program(self, address: int, size: int, value: int) -> None:
        """A store; raises `BusError` if it is not allowed."""


@runtime_checkable
class InterruptController(Protocol):
    """A device that takes interrupt lines by number and passes them on to the core."""

    def set_line(self, number: int, level: bool) -> None: ...

    def native_line(self, number: int) -> LineSink | None:
        """The same, for devices whose lines are driven natively."""


class Steady(NamedTuple):
    """How a register goes on if nothing but time happens.

    It changes by `slope` (-1, 0 or 1) with every tick; ticks are those of a clock of `hz`,
    divided by `divider`, counted from virtual time `since_ns`. From `until_ns` on (None: never)
    this no longer holds.
    """

    slope: int = 0
    hz: int = 1
    divider: int = 1
    since_ns: int = 0
    until_ns: int | None = None


class View(NamedTuple):
    """A picture of a device in text, for people; looking changes nothing."""

    name: str
    """The word to ask for it."""
    text: str
    """What it is, in a few words."""
    show: Callable[[], str]


class BusError(Exception):
    """The access is answered with an error response on the bus."""
