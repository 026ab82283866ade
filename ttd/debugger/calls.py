"""What a debugger's writes are meant for: to stay, or to call a function.

GDB calls a function of the guest by writing its arguments, where it returns to and PC, and lets the
machine run to a breakpoint where it returns to; then it puts all registers back. GDB manual,
"Calling Program Functions". No packet says so. Here such a call is known by its writes, and when
the registers are what they were it has never been.
"""

from __future__ import annotations

from collections.abc import Callable

from ttd.cpu.base import address_bits
from ttd.errors import UserError
from ttd.history.trials import Trial
from ttd.stops import Stops
from ttd.timeline_api import TimelineApi


class Calls:
    """Settles what a timeline has on trial."""

    def __init__(
        self, timeline: TimelineApi, stops: Callable[[], Stops], *, kept: bool = False
    ) -> None:
        """`stops`: what the debugger has set. `kept`: calls are meant to stay."""
        self._timeline = timeline
        self._stops = stops
        self._kept = kept
        self._called: Trial | None = None
        """In which a function is called."""
        self._home = 0
        """Where it returns to."""
        self._left: list[int] = []
        """Where functions were to return to that have not."""
        self._given_up: Trial | None = None
        registers = timeline.cpu.registers
        self._names = tuple(register.name for register in registers)
        # Others may be counters, which cannot be put back.
        self._general = [at for at, r in enumerate(registers) if r.group == "general"]

    def settle(self) -> None:
        """Before a movement, or before something is said of what there is: what has been written
        since the last one is a change, unless everything is as it was, or a function is called."""
        timeline, trial = self._timeline, self._timeline.trials.present
        if trial is None or trial is self._called:
            return
        home = self._returns_to(trial)
        if home is None:
            if timeline.trials.tries_nothing():
                timeline.trials.drop()
            else:
                timeline.trials.keep()
            return
        pc = next(r.name for r in timeline.cpu.registers if r.type == "code_ptr")
        reason = f"the function at {timeline.cpu.read_register(pc):#x} was called"
        if not self._kept:
            self._called, self._home = trial, home
            self._left.append(home)
            timeline.branches.explain(reason)
        elif timeline.trials.tries_nothing():
            timeline.trials.drop()
        else:
            timeline.trials.keep(reason)

    @property
    def _calling(self) -> bool:
        """What is on trial is a call."""
        trial = self._timeline.trials.present
        return trial is not None and trial is self._called

    @property
    def _has_begun(self) -> bool:
        """The program is in a call, and not before that on its branch."""
        trial = self._timeline.trials.present
        return trial is not None and self._calling and self._timeline.position > trial.origin.step

    def is_inside(self, pc: int) -> bool:
        """The program stands in a function that was called."""
        return self._has_begun and pc != self._home

    def is_left(self, pc: int) -> bool:
        """The program stands where a function was to return to which has not, and does not now."""
        return pc in self._left and not self._has_begun

    @property
    def awaited(self) -> bool:
        """A function was called, and nobody has given up waiting until it returns."""
        return self._calling and self._called is not self._given_up

    def give_up(self) -> None:
        """The function that was called may take as long as it likes."""
        self._given_up = self._called

    def put_back(self) -> None:
        """A register has been written: if they are all what they were, the call has never been."""
        timeline, trial = self._timeline, self._timeline.trials.present
        if trial is None or not self._calling:
            return
        now = self._of_calls(timeline.cpu.read_registers(self._names))
        # The debugger's user may have written something before: that stays.
        written = enumerate(trial.registers[:-1])
        before = [number for number, then in written if self._of_calls(then) == now]
        if before:
            self._called = None
            self._left.remove(self._home)
            timeline.trials.drop(self._meant(trial, before[-1]))

    def _of_calls(self, registers: list[int]) -> list[int]:
        return [registers[at] for at in self._general]

    def _meant(self, trial: Trial, count: int) -> int:
        """How many of so many writes are no arguments, which lie on the stack."""
        stack = self._names.index(self._timeline.cpu.stack)
        low, high = trial.registers[-1][stack], trial.registers[count][stack]
        while count:
            where = trial.writes[count - 1].where
            if not isinstance(where, int) or not low <= where < high:
                break
            count -= 1
        return count

    def leave(self) -> None:
        """The debugger is gone: of a call that has not returned nothing stays."""
        if self._called is not None and self._calling:
            writes = self._called.writes
            first = next(at for at, write in enumerate(writes) if isinstance(write.where, str))
            self._timeline.trials.drop(self._meant(self._called, first))
        self.settle()

    def _returns_to(self, trial: Trial) -> int | None:
        """Where the function returns to into which the program was sent: there is a breakpoint.
        None: it was sent into none."""
        cpu = self._timeline.cpu
        written = self._names.index(cpu.link or cpu.stack)
        if all(then[written] == trial.registers[0][written] for then in trial.registers):
            return None
        stack = self._names.index(cpu.stack)
        if trial.registers[-1][stack] > trial.registers[0][stack]:
            return None  # a frame was left: that is GDB's `return`
        if cpu.link:
            home = cpu.read_register(cpu.link) & ~1
        else:
            size = address_bits(cpu.registers) // 8
            try:
                on_top = self._timeline.probe.read_memory(cpu.read_register(cpu.stack), size)
            except UserError:
                return None
            # Of processors that have no register for it, which all begin with the low byte.
            home = int.from_bytes(on_top, "little")
        return home if any(stop.address == home for stop in self._stops().breakpoints) else None
