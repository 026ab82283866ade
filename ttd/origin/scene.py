"""A machine that is asked about its past: being at a step, and what is known of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgpack

from ttd.boards.base import MappedDevice
from ttd.cpu.base import FaultLine
from ttd.engine.types import HIT
from ttd.errors import UserError
from ttd.origin.instructions import Instruction, decode
from ttd.recording.events import MARKS, Event, Kind, to_small
from ttd.recording.log import EventLog
from ttd.register_names import RegisterNames
from ttd.replay.words import EventWords
from ttd.search import Interrupted as SearchInterrupted
from ttd.search import Question, Range, Row, What, answer
from ttd.search.scan import accesses_of, wanted
from ttd.stops import Stop, Why
from ttd.symbols import Symbols
from ttd.timeline import Timeline
from ttd.values import dataclass

_MOST_RAN = 1 << 20
"""Instructions of `Scene.ran`."""
_MOST_ACCESSES = 200_000
"""Of `Scene.ran`."""


class CannotFollow(UserError):
    """What is asked cannot be found out; the text is a sentence."""


class Interrupted(CannotFollow):
    """Somebody wanted the search to end."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An exception that was taken: its step is the entry."""

    step: int
    kind: Kind
    number: int


@dataclass(frozen=True, slots=True)
class Write:
    """What has been written last; of a long access the last 8 bytes of it that count."""

    step: int
    pc: int
    address: int
    """By what the guest used where it was asked."""
    size: int
    value: int
    by: str
    """Who did it; empty: the instruction at `pc`."""
    shift: int
    """`address` is so far from the physical one."""


class Happened(NamedTuple):
    """What `Scene.ran` has met, ascending by steps."""

    low: int
    """The step from which on it is all."""
    steps: list[int]
    """In which the instructions have run."""
    pcs: list[int]
    """Where each was."""
    accesses: list[Row]


class Scene:
    """Moves its timeline; who asks goes back (`Timeline.staying`)."""

    def __init__(
        self,
        timeline: Timeline,
        log: Callable[[], EventLog],
        words: EventWords,
        symbols: Symbols,
        lines: Mapping[int, str],
        registers: RegisterNames,
        sides: Mapping[str, set[str]],
    ) -> None:
        """`lines`: who is at the inputs of the core, or of its interrupt controller. `sides`: what
        the log calls the host side of a device, by device, if that is not its name."""
        self.timeline = timeline
        self.words = words
        self.symbols = symbols
        self.lines = lines
        self._registers = registers
        self._sides = sides
        self._log = log

    # -- being somewhere -------------------------------------------------------------------

    @property
    def step(self) -> int:
        return self.timeline.position

    @property
    def architecture(self) -> str:
        return self.timeline.cpu.gdb_architecture

    @property
    def pc(self) -> int:
        return self.timeline.machine.engine.pc

    def value(self, register: str) -> int:
        return self.timeline.cpu.read_register(register)

    def go(self, step: int) -> None:
        self._check(self.timeline.seek(step))

    def one_step(self) -> None:
        self._check(self.timeline.step_forward())

    def trace(self, until: int) -> tuple[memoryview, int]:
        """Run to `until`; what `Engine.traced` says of that."""
        self._check(self.timeline.trace(until))
        return self.timeline.machine.engine.traced()

    def ran(
        self, addresses: Sequence[int], ranges: Sequence[Range], low: int, high: int
    ) -> Happened:
        """When instructions at some addresses have run, and what has been accessed of some memory,
        in the steps from `low` to before `high`, in one run of them; so many instructions that rows
        of a question take too long. No memory that page tables move."""
        self.go(low)
        engine = self.timeline.machine.engine
        code = Question(What.EXECUTED, tuple(Range(one, one + 1) for one in addresses))
        data = Question(What.ACCESSED, tuple(ranges))
        with engine.collecting(wanted((code, data)), _MOST_RAN):
            self._check(self.timeline.step_forward(high - low))
        noted = engine.collected()
        low = max(low, noted.complete_from)
        accesses = list(accesses_of(noted, _MOST_ACCESSES))
        if len(accesses) == _MOST_ACCESSES:
            low = max(low, accesses[0].step + 1)
        raw, width = memoryview(noted.executed).cast("Q"), HIT.size // 8
        begin = width * bisect_left(raw[::width], low)
        steps, pcs = raw[begin::width].tolist(), raw[begin + 1 :: width].tolist()
        return Happened(low, steps, pcs, [row for row in accesses if row.step >= low])

    def last_write(self, address: int, size: int) -> Write | None:
        """The last write before the present to what is there now, at which the machine stays; None
        if there is none."""
        physical = self.physical(address)
        return self.last_physical_write(physical, size, address - physical)

    def last_physical_write(self, physical: int, size: int, shift: int = 0) -> Write | None:
        """The same of a physical address, as a device has. `shift`: of the address that is told."""
        question = Question(
            What.WRITTEN,
            (Range(physical, physical + size),),
            physical=self.paged,
            end=self.step,
            backward=True,
            limit=1,
        )
        try:
            found = next(answer(self.timeline, question), None)
        except SearchInterrupted:
            raise Interrupted("The search was interrupted.") from None
        if found is None:
            return None
        at, pc, value = found.address + shift, found.pc or 0, found.new or 0
        return Write(found.step, pc, at, found.size, value, found.by, shift)

    @cached_property
    def paged(self) -> bool:
        """Addresses that the guest uses may lead elsewhere, now or earlier."""
        cpu = self.timeline.cpu
        tables = [one.name for one in cpu.registers if one.name == "satp"]
        return cpu.page_tables() is not None or any(cpu.read_register(one) for one in tables)

    def physical(self, address: int) -> int:
        """Where an address leads that the guest uses now. `CannotFollow` if nowhere."""
        if not self.paged:
            return address
        found = self.timeline.cpu.translate(address)
        if found is None:
            raise CannotFollow(
                f"{address:#x} leads nowhere, by the page tables of step {self.step}."
            )
        return found

    def unit_at(self, address: int) -> MappedDevice | None:
        """The device that answers where the guest uses that address; None: it is memory."""
        return self.timeline.machine.bus.at(self.physical(address))

    @staticmethod
    def _check(stop: Stop) -> None:
        if stop.why is Why.INTERRUPTED:
            raise Interrupted("The search was interrupted.")
        if stop.why is Why.DIVERGED:
            raise CannotFollow(stop.note)

    def instruction(self) -> Instruction | None:
        """The one at PC; None if there is none, or none that is known."""
        pc = self.pc
        code = self.timeline.machine.read_memory(pc, 16 if "86" in self.architecture else 4)
        return decode(self.architecture, code, pc)

    def faults(self) -> list[FaultLine]:
        return self.timeline.cpu.faults()

    # -- the log ---------------------------------------------------------------------------

    def last_mark(
        self, step: int, number: int | None = None, kinds: Collection[Kind] = MARKS
    ) -> Mark | None:
        """The last exception before `step`; of this number, if one is given."""
        log = self._log()
        sequence = log.first_at(step)
        while (found := log.last_of(kinds, sequence)) is not None:
            sequence, event = found
            mark = Mark(event.step, event.kind, to_small(event.payload))
            if number is None or mark.number == number:
                return mark
        return None

    def marks(self, low: int, high: int) -> dict[int, Mark]:
        """Those of steps from `low` to before `high`."""
        return {
            event.step: Mark(event.step, event.kind, to_small(event.payload))
            for _, event in self._log().select(MARKS, low, high - 1)
        }

    def events(self, kinds: Collection[Kind], low: int, high: int) -> list[tuple[int, Event]]:
        """With their numbers, of steps from `low` to `high`."""
        return list(self._log().select(kinds, low, high))

    def of_device(self, event: Event, device: str) -> bool:
        """It came from the host side of this device."""
        name = self.words.tell(event).device
        return name == device or name in self._sides.get(device, ())

    def last_event(
        self, kinds: Collection[Kind], step: int, device: str
    ) -> tuple[int, Event] | None:
        """The last one of a device at or before `step`, with its number."""
        log = self._log()
        sequence = log.first_at(step + 1)
        while (found := log.last_of(kinds, sequence)) is not None:
            sequence, event = found
            if self.of_device(event, device):
                return found
        return None

    def latest(self, kinds: Collection[Kind], step: int, most: int) -> Iterator[tuple[int, Event]]:
        """The last so many at or before `step`, with their numbers, the latest first."""
        log = self._log()
        sequence = log.first_at(step + 1)
        for _ in range(most):
            found = log.last_of(kinds, sequence)
            if found is None:
                return
            yield found
            sequence = found[0]

    def debug_write(
        self, where: int | str, size: int, low: int, high: int
    ) -> tuple[int, Event] | None:
        """The last change that a debugger has made to a register, or to memory, with its number,
        at steps from `low` to `high`."""
        for number, event in reversed(self.events((Kind.DEBUG_WRITE,), low, high)):
            _, place, value = msgpack.unpackb(event.payload)
            over = (
                isinstance(place, int)
                and isinstance(where, int)
                and place < where + size
                and where < place + len(value)
            )
            if place == where or over:
                return number, event
        return None

    def bytes_at(self, address: int, size: int) -> bytes:
        """What is at a physical address now; nothing is changed by the look."""
        return self.timeline.machine.bus.peek(address, size)

    # -- words -----------------------------------------------------------------------------

    @staticmethod
    def hex(value: int) -> str:
        return f"{value:#010x}"

    def place(self, address: int) -> str:
        """An address, and its symbol if it has one."""
        return self.symbols.place(address, 8)

    def line(self, step: int, pc: int, text: str) -> str:
        """An instruction that ran in `step`."""
        return f"{step:>14}  {self.place(pc)}: {text}"

    def code(self, address: int) -> str:
        """The function of an instruction, and how far it is in there."""
        return self.symbols.name(address) or f"{address:#x}"

    def data(self, address: int) -> str:
        """An address in memory: its variable, if it has one."""
        name = self.symbols.variable(address) or self._registers.at(address)
        return f"{name} ({self.hex(address)})" if name else self.hex(address)

    def register_name(self, address: int) -> str:
        """What is at an address, in a device."""
        return self._registers.at(address) or self.hex(address)
