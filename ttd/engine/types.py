"""What an engine run says when it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from ttd.values import dataclass

FRAME = 4096
"""Bytes of RAM that are remembered together: one or several of the engine's pages."""
NEVER = (1 << 64) - 1
"""To the native side, a step or a time (virtual ns) that does not come."""
TIMELESS = 63
"""Ticks of 2 ** 63 steps: it is not known when."""


class StopReason(IntEnum):
    """Why `Engine.run` returned. The numbers are shared with `_native.h`."""

    BUDGET = 0
    """All the steps asked for have run."""
    BREAKPOINT = 1
    """A breakpoint is at PC; the instruction there has not run."""
    WATCH = 2
    """The instruction at PC is about to do a watched access; it has not run."""
    EXCEPTION = 3
    """The CPU raised exception `code` (Unicorn's number for the architecture)."""
    WAIT = 4
    """A wait-for-interrupt instruction retired; PC is after it."""
    REQUEST = 5
    """`Engine.request_stop` was called."""
    FAULT = 6
    """The instruction at PC made an access that nothing answers or that is forbidden."""
    INVALID = 7
    """The instruction at PC is not one."""
    MASKS = 8
    """An interrupt mask register changed while the core watched them (`ttd_watch_masks`)."""
    RANGE = 9
    """The instruction at PC is not in the range of `Engine.stay_within`; it has not run."""
    PENDING = 10
    """`Engine.go`: an exception is pending, which the caller has to take."""
    RAISED = 11
    """The same, at once: nothing may look at the machine before."""
    UNMET = 12
    """`Engine.go`: the next mark of the row is an interrupt at this step, and none comes."""


EXCEPTION_DIVIDE = 0x1000
"""Code of an EXCEPTION stop: the instruction at PC divides by zero, which is asked for."""
EXCEPTION_OURS = 0x1001
"""Code of an EXCEPTION stop: the instruction at PC is the processor model's to do."""
EXCEPTION_SYSCALL = 0x1002
"""Code of an EXCEPTION stop: SYSCALL or SYSENTER has run, and has done nothing; PC is after it."""
UNALIGNED = 8
"""In the code of a FAULT stop: the access is not aligned and has to be."""


class Access(IntEnum):
    """Kinds of memory access; may be or-ed for watchpoints."""

    READ = 1
    WRITE = 2
    FETCH = 4


class Refusal(IntEnum):
    """Why an address cannot be accessed. The numbers are shared with `native.h`."""

    NONE = 0
    PAGE = 1
    """The page tables have no translation that allows it."""
    ACCESS = 2
    """Physical memory protection forbids it, or nothing is there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scan notes: instructions in ranges, accesses of ranges, each [first, end)."""

    executed: Sequence[tuple[int, int]] = ()
    accessed: Sequence[tuple[int, int, int, bool]] = ()
    """And of which kinds (an `Access` mask), and whether only writes that change something."""
    physical: bool = False
    """The ranges accessed are not by the addresses that the guest uses, but by the memory's own."""
    handlers: bool = False
    """Entries to exceptions and returns from them, among what is executed, as `HandlerHit`s."""
    sought: bytes = b""
    """Of writes only those by which memory comes to have these bytes: `FOUND` hits at their
    address."""
    compared: tuple[int, int] | None = None
    """Changes of a register, by the engine's number, in the bits of a mask: among what is executed,
    as a `HandlerHit`, with value and what was there before."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a scan has noted: rows of `HIT`, ascending by steps."""

    executed: bytes
    accessed: bytes
    complete_from: int
    """Of no step from there on one is missing."""
    makers: Sequence[str]
    """Who made an access, by number; the first one is the instruction."""


class Reached(NamedTuple):
    """Code that an interval has reached, and when: ranges of addresses, ascending."""

    begins: list[int]
    ends: list[int]
    """Before these."""
    ticks: list[int]
    """Of each range a mask, from the first to the last tick in which it was: bit i is that of the
    steps from (`first` + i) << `shift` to before (`first` + i + 1) << `shift`."""
    first: int = 0
    shift: int = TIMELESS


class HandlerHit(IntEnum):
    """What a row with this in place of an `Access` is of: then its stop is the exception's number,
    and PC where the step leads to."""

    ENTERED = 16
    LEFT = 17
    CHANGED = 18
    FOUND = 19


HANDLERS_LEFT = -2
"""The number of a LEFT hit behind which no handler runs, whatever was entered before."""

HIT = Struct("=5Q4i")
"""step, pc, address, value, what is there before; size, `Access`, number of the stop, maker."""


@dataclass(frozen=True, slots=True)
class WatchHit:
    """One watched access, in step `step`.

    `value` is what is written, or read; `size` in bytes, 8 at most. `by` is who made it: empty for
    the instruction at `pc`.
    """

    step: int
    pc: int
    address: int
    size: int
    kind: Access
    value: int
    by: str = ""
    late: bool = False
    """The access has happened, as what no instruction makes cannot be stopped before."""
    seen_by: int | None = None
    """The number of the only watchpoint that is meant, of an access that no instruction makes: each
    that sees it is told of it. None: all that overlap are."""


class Work(NamedTuple):
    """What an engine has done that is not the guest's own work, counted.

    How often Unicorn was started, a block looked at closely, a trapped access asked about, a TLB
    entry filled, a call of the block hook shortened.
    """

    starts: int
    looks: int
    traps: int
    fills: int
    shortened: int

    def since(self, before: Work) -> Work:
        return Work(*(now - then for now, then in zip(self, before, strict=True)))


class EngineStop(NamedTuple):
    """Result of `Engine.run`: `steps` is exactly how many steps ran."""

    reason: StopReason
    steps: int
    pc: int
    code: int = 0
    """EXCEPTION: Unicorn's exception number. FAULT: an `Access`."""
    address: int = 0
    """FAULT: exact address where the engine knows it (`exact`), else the start of the page."""
    exact: bool = False
    watch: WatchHit | None = None
    returns: bool = False
    """The last instruction may return from an exception, and PC says so; in the mode that handles
    exceptions that is still to be done."""
    behind: bool = False
    """The last instruction has run, and the one at PC has not begun."""
