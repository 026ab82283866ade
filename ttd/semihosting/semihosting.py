"""Arm semihosting: "Semihosting for AArch32 and AArch64", release 3.0, chapter 5 to 7.

RISC-V has taken it over ("RISC-V Semihosting"); its 64-bit cores behave as AArch64 does.

A call is answered from three sources, and it shows in the code which:

- state of this model and virtual time, which replay by themselves;
- the console, a character device of the replay layer;
- the host (files, the time of day): always through `Replay.host_call`, so that in play the host
  is not touched. Every result begins with an errno; the open files themselves live in `HostFiles`,
  keyed by handles that are allotted here and are therefore the same in every replay.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EINVAL, ENOSYS

from ttd.devices.base import Clock
from ttd.semihosting.calls import NAMES, Call
from ttd.semihosting.files import FAILED, Files
from ttd.semihosting.guest import CallError, Parameters
from ttd.semihosting.host import Host
from ttd.semihosting.sides import Caller, Console, HostCalls, HostFiles, Memory
from ttd.state import State
from ttd.values import dataclass

ADP_STOPPED_APPLICATION_EXIT = 0x20026
INT = (1 << 32) - 1
NS_PER_S = 1_000_000_000
NS_PER_CENTISECOND = NS_PER_S // 100


@dataclass(frozen=True, slots=True)
class Heap:
    """Answer of SYS_HEAPINFO; a zero means that the host does not know."""

    heap_base: int = 0
    heap_limit: int = 0
    stack_base: int = 0
    stack_limit: int = 0


@dataclass(frozen=True, slots=True)
class Exit:
    """The program is over."""

    code: int
    """The 32 bits of a C program's `int`, whatever the word of the CPU."""


class Semihosting:
    """Answers the semihosting calls of one CPU."""

    def __init__(
        self,
        memory: Memory,
        caller: Caller,
        clock: Clock,
        *,
        console: Console,
        replay: HostCalls,
        host: HostFiles,
        heap: Heap,
        command_line: str,
    ) -> None:
        self._memory = memory
        self._caller = caller
        self._bits = 8 * caller.word_size
        self._virtual = clock
        self._heap = heap
        self._command_line = command_line.encode()
        self._guest = Parameters(memory, caller.word_size)
        self._host = Host(replay)
        self._host_side = host
        self.files = Files(self._guest, self._host, host, console)
        self.errno = 0
        # SYS_SYSTEM is among the calls that are not there: a guest does not run programs here.
        self._calls: dict[int, Callable[[int], int]] = {
            **self.files.calls,
            Call.ISERROR: self._iserror,
            Call.CLOCK: self._clock,
            Call.TIME: self._time,
            Call.ERRNO: self._errno,
            Call.GET_CMDLINE: self._get_cmdline,
            Call.HEAPINFO: self._heapinfo,
            Call.ELAPSED: self._elapsed,
            Call.TICKFREQ: self._tickfreq,
        }

    def reset(self) -> None:
        """Forget handles and errno, as at the start of a program."""
        self.errno = 0
        self.files.reset()

    def save(self) -> State:
        """Return the state as data."""
        return {"errno": self.errno, **self.files.save()}

    def load(self, state: State) -> None:
        """Become the state that `save` returned."""
        self.errno = state["errno"]
        self.files.load(state)

    def call(self) -> Exit | None:
        """Serve the call that the CPU is at, and give it the result.

        Returns how the program ended if the call is one that ends it. The caller moves PC on.
        """
        number, parameter = self._caller.call_arguments()
        self._memory.by = f"semihosting {NAMES.get(number, hex(number))}"
        try:
            if number == Call.EXIT and self._bits == 32:
                return Exit(0 if parameter == ADP_STOPPED_APPLICATION_EXIT else 1)
            if number in (Call.EXIT, Call.EXIT_EXTENDED):
                reason, code = self._guest.words(parameter, 2)
                return Exit(code & INT if reason == ADP_STOPPED_APPLICATION_EXIT else 1)
            serve = self._calls.get(number)
            if serve is None:
                raise CallError(ENOSYS)
            result = serve(parameter)
        except CallError as failure:
            self.errno = failure.errno
            result = FAILED
        self._caller.call_result(result & (1 << self._bits) - 1)
        return None

    # -- time ------------------------------------------------------------------------------

    def _clock(self, parameter: int) -> int:
        return self._virtual.now() // NS_PER_CENTISECOND

    def _time(self, parameter: int) -> int:
        return self._host.number("time", self._host_side.time)

    def _elapsed(self, parameter: int) -> int:
        now = self._virtual.now()
        self._guest.put(parameter, (now & (1 << 64) - 1).to_bytes(8, "little"))
        return 0

    def _tickfreq(self, parameter: int) -> int:
        return NS_PER_S

    # -- the program -----------------------------------------------------------------------

    def _iserror(self, parameter: int) -> int:
        (status,) = self._guest.words(parameter, 1)
        return status >> self._bits - 1

    def _errno(self, parameter: int) -> int:
        return self.errno

    def _get_cmdline(self, parameter: int) -> int:
        address, length = self._guest.words(parameter, 2)
        if len(self._command_line) + 1 > length:
            raise CallError(EINVAL)
        self._guest.put(address, self._command_line + b"\0")
        self._guest.put_words(parameter, [address, len(self._command_line)])
        return 0

    def _heapinfo(self, parameter: int) -> int:
        (block,) = self._guest.words(parameter, 1)
        heap = self._heap
        self._guest.put_words(
            block, [heap.heap_base, heap.heap_limit, heap.stack_base, heap.stack_limit]
        )
        return 0
