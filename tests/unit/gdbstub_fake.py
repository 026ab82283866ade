"""A whole history small enough to keep as a list: a toy Cortex-M that knows a few Thumb encodings.

The machine code is real, so that GDB can disassemble and unwind it; time travel is list indexing.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from ttd.cpu.base import Register
from ttd.devices.base import View
from ttd.engine.types import Access, WatchHit
from ttd.history.place import Place
from ttd.printed import Line
from ttd.probe_api import PastIsReadOnly, SystemRequest, TimelineError
from ttd.recording.index import Branch
from ttd.recording.remarks import Bookmark
from ttd.search.here import Here
from ttd.space import Span
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why

_M = "org.gnu.gdb.arm.m-profile"
REGISTERS = (
    *(Register(f"r{n}", 32, n, "uint32", _M) for n in range(13)),
    Register("sp", 32, 13, "data_ptr", _M),
    Register("lr", 32, 14, "uint32", _M),
    Register("pc", 32, 15, "code_ptr", _M),
    Register("xpsr", 32, 25, "uint32", _M),
    Register("msp", 32, 26, "data_ptr", "org.gnu.gdb.arm.m-system", in_stop_reply=False),
    Register("psp", 32, 27, "data_ptr", "org.gnu.gdb.arm.m-system", in_stop_reply=False),
)

RAM = 0x20000000
COUNTER = RAM
"""Written by each turn of the loop, at STORE."""
CONSTANT = RAM + 4
"""Written by each turn of the loop with the same value."""
LOOP, STORE, LOAD, BACK = 0xE, 0x10, 0x12, 0x16
PROLOGUE = 3
"""Steps before the loop."""
TURN = 5
"""Steps of one turn of the loop."""

_CODE = struct.pack("<II", RAM + 0x100, 9) + struct.pack(
    "<8H",
    0x2000,  # 08 movs r0, #0
    0x2120,  # 0a movs r1, #0x20
    0x0609,  # 0c lsls r1, r1, #24
    0x3001,  # 0e loop: adds r0, #1
    0x6008,  # 10 str r0, [r1]
    0x680A,  # 12 ldr r2, [r1]
    0x604B,  # 14 str r3, [r1, #4]
    0xE7FA,  # 16 b loop
)


@dataclass(frozen=True)
class State:
    registers: tuple[int, ...]
    ram: bytes
    access: tuple[int, Access, int] | None
    """What the step that begins here does: address, kind, value."""


def _history(steps: int) -> list[State]:
    values = dict.fromkeys((register.name for register in REGISTERS), 0)
    values |= {"sp": RAM + 0x100, "msp": RAM + 0x100, "lr": 0xFFFFFFFF, "pc": 8}
    values["xpsr"] = 0x01000000
    ram = bytearray(16)
    states = []
    for _ in range(steps + 1):
        registers, before = tuple(values.values()), bytes(ram)
        access = None
        pc = values["pc"]
        match pc:
            case 0x8:
                values["r0"] = 0
            case 0xA:
                values["r1"] = 0x20
            case 0xC:
                values["r1"] = RAM
            case 0xE:
                values["r0"] += 1
            case 0x10:
                access = (COUNTER, Access.WRITE, values["r0"])
                ram[0:4] = struct.pack("<I", values["r0"])
            case 0x12:
                values["r2"] = values["r0"]
                access = (COUNTER, Access.READ, values["r0"])
            case 0x14:
                access = (CONSTANT, Access.WRITE, 0)
        values["pc"] = LOOP if pc == BACK else pc + 2
        states.append(State(registers, before, access))
    return states


class FakeCpu:
    """The part of `Cpu` that a debugger uses."""

    gdb_architecture = "arm"
    triple = "thumbv7m-none-eabi"
    registers = REGISTERS
    link, stack = "lr", "sp"
    watch_after = False

    def __init__(self, timeline: FakeTimeline) -> None:
        self._timeline = timeline

    def read_register(self, name: str) -> int:
        index = [register.name for register in REGISTERS].index(name)
        return self._timeline.state.registers[index]

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        return [self.read_register(name) for name in names]


class FakeBranches:
    """One line of history."""

    present = Branch()
    all = (present,)

    def now(self, place: Place) -> Place:
        return place

    def named(self, name: str) -> Branch:
        raise TimelineError(f"There is no branch {name}.")


class FakeBookmarks:
    """None."""

    all: dict[str, Bookmark] = {}


class FakeTrials:
    """Nothing is on trial."""

    present = None

    def keep(self, reason: str = "") -> None: ...
    def drop(self, kept: int = 0) -> None: ...
    def tries_nothing(self) -> bool:
        return False


class FakeOutput:
    """What a fake timeline has printed."""

    def __init__(self, timeline: FakeTimeline) -> None:
        self._timeline = timeline

    def lines(self, text: str, count: int) -> list[Line]:
        return self._timeline.printed(text, count)


class FakeTimeline:
    """`TimelineApi`, and its `ProbeApi`, over a list. Runs are as fast as Python, or `slow`: a
    millisecond a step."""

    begin = 0

    def __init__(self, steps: int = 1000, *, slow: bool = False, live: bool = False) -> None:
        self._states = _history(steps)
        self.end = steps
        self.position = 0
        self.live = live
        self.cpu = FakeCpu(self)
        self.progress: Callable[[float, str], None] | None = None
        self.written: list[tuple[int | str, bytes | int]] = []
        self.asked: list[SystemRequest] = []
        self.notes: list[str] = []
        self.trials = FakeTrials()
        self.output = FakeOutput(self)
        self.branches = FakeBranches()
        self.bookmarks = FakeBookmarks()
        self.images = ()
        self.moving = threading.Event()
        self.lines = [Line("", 10 * n, b"line %d" % n, 10 * n + 5) for n in range(1, 9)]
        """What the guest prints."""
        self._slow = slow
        self._interrupted = threading.Event()

    @property
    def probe(self) -> Self:
        return self

    @property
    def state(self) -> State:
        return self._states[self.position]

    @property
    def virtual_ns(self) -> int:
        return self.position * 40

    @property
    def pc(self) -> int:
        return self.cpu.read_register("pc")

    def _stop(self, why: Why, note: str = "", **what: object) -> Stop:
        return Stop(why, self.position, self.pc, note=note, **what)  # type: ignore[arg-type]

    def _at_end(self) -> Stop:
        return self._stop(Why.HISTORY_END, "The recording ends here: guest called exit(1).")

    def interrupt(self) -> None:
        self._interrupted.set()

    def _pause(self) -> bool:
        """True when interrupted."""
        self.moving.set()
        return self._interrupted.wait(0.001) if self._slow else self._interrupted.is_set()

    def seek(self, step: int) -> Stop:
        self.position = min(max(step, 0), self.end)
        return self._stop(Why.STEPS)

    @property
    def place(self) -> Place:
        return Place(0, self.position)

    def go_to(self, place: Place) -> Stop:
        return self.seek(place.step)

    def reset(self) -> Stop:
        return self.seek(0)

    def step_forward(self, count: int = 1) -> Stop:
        return self.run_forward(Stops(), self.position + count)

    def step_backward(self, count: int = 1) -> Stop:
        return self.run_backward(Stops(), self.position - count)

    def step_backward_within(self, code: range, stops: Stops) -> Stop:
        return self.run_backward(Stops((), stops.watchpoints), self.position - 1)

    def _breakpoint(self, stops: Stops) -> Breakpoint | None:
        for stop in stops.breakpoints:
            here = Here(self, stop, interrupted=self._interrupted.is_set)
            if stop.address == self.pc and (stop.condition is None or stop.condition.holds(here)):
                return stop
        return None

    def _watch(self, stops: Stops, step: int) -> dict[str, object] | None:
        state = self._states[step]
        if state.access is None:
            return None
        address, kind, value = state.access
        for stop in stops.watchpoints:
            if not (kind & stop.kind and address < stop.address + stop.length):
                continue
            if stop.address >= address + 4:
                continue
            if stop.changes_only and state.ram == self._states[min(step + 1, self.end)].ram:
                continue
            hit = WatchHit(step, self.pc, address, 4, kind, value)
            return {"watch": hit, "watchpoint": stop}
        return None

    def run_forward(self, stops: Stops, until: int | None = None, *, here: bool = False) -> Stop:
        self._interrupted.clear()
        if not here and self.position < self.end and (until is None or self.position < until):
            self.position += 1
        while True:
            if until is not None and self.position >= until:
                return self._stop(Why.STEPS)
            if found := self._breakpoint(stops):
                return self._stop(Why.BREAKPOINT, breakpoint=found)
            if self.position >= self.end:
                return self._at_end()
            if hit := self._watch(stops, self.position):
                return self._stop(Why.WATCHPOINT, **hit)
            if self._pause():
                return self._stop(Why.INTERRUPTED)
            self.position += 1

    def find_pc(self, address: int) -> Stop:
        return self.run_forward(Stops((Breakpoint(address),)), self.end)

    def run_backward(self, stops: Stops, until: int | None = None) -> Stop:
        self._interrupted.clear()
        while True:
            if until is not None and self.position <= until and self.position >= 0:
                return self._stop(Why.STEPS)
            if self.position == 0:
                return self._stop(Why.HISTORY_BEGIN)
            if self._pause():
                return self._stop(Why.INTERRUPTED)
            self.position -= 1
            if hit := self._watch(stops, self.position):
                return self._stop(Why.WATCHPOINT, **hit)
            if found := self._breakpoint(stops):
                return self._stop(Why.BREAKPOINT, breakpoint=found)

    def range_step(self, start: int, end: int, stops: Stops) -> Stop:
        stop = self.step_forward()
        while stop.why is Why.STEPS and start <= self.pc < end:
            if found := self._breakpoint(stops):
                return self._stop(Why.BREAKPOINT, breakpoint=found)
            stop = self.step_forward()
        return stop

    def read_memory(self, address: int, size: int) -> bytes:
        for start, data in ((0, _CODE), (RAM, self.state.ram + bytes(0xF0))):
            if start <= address < start + len(data):
                return data[address - start :][:size]
        raise TimelineError(f"Nothing is at {address:#x}.")

    read_physical = read_memory

    def views(self) -> list[View]:
        return [View("lamp", "a lamp that counts", lambda: f"step {self.position}\n")]

    def printed(self, text: str, count: int) -> list[Line]:
        """Slow: it takes until it is interrupted."""
        self._interrupted.clear()
        if self._slow:
            self.moving.set()
            self._interrupted.wait()
            raise TimelineError("The search for what was printed was interrupted.")
        with_text = [line for line in reversed(self.lines) if text.encode() in line.data]
        before = [line for line in with_text if line.begin < self.position]
        return (before or (with_text if text else []))[:count]

    def back_to_printed(self, text: str) -> Stop:
        lines = [line for line in self.printed(text, 10) if line.found < self.position]
        if not lines:
            return self._stop(Why.STEPS, f"'{text}' was not printed before {self.position}.")
        return self.seek(lines[0].found)

    def _writable(self) -> None:
        if not self.live or self.position != self.end:
            raise PastIsReadOnly("The past cannot be changed; go to the end of a live recording.")

    def write_memory(self, address: int, data: bytes) -> None:
        self._writable()
        self.written.append((address, data))

    def write_register(self, name: str, value: int) -> None:
        self._writable()
        self.written.append((name, value))

    def request(self, what: SystemRequest) -> None:
        self._writable()
        self.asked.append(what)

    def give_input(self, device: str, data: bytes) -> None:
        self._writable()
        self.written.append((device, data))

    def memory_map(self) -> list[tuple[str, int, int]]:
        return [("rom", 0, 0x1000), ("ram", RAM, 0x1000)]

    def span_at(self, address: int) -> Span:
        spans = [
            Span(0, 0x1000, Access.READ | Access.FETCH, "code"),
            Span(0x1000, RAM),
            Span(RAM, RAM + 0x1000, Access.READ | Access.WRITE, "data"),
            Span(RAM + 0x1000, 1 << 32),
            Span(1 << 32, 1 << 64),
        ]
        return next(span for span in spans if address < span.end)

    def mapped(self) -> Iterator[Span]:
        yield from (self.span_at(0), self.span_at(RAM))


__all__ = ["FakeTimeline", "Watchpoint"]
