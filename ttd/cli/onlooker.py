"""Looks at a machine that records, and says when it gets nowhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from ttd.cli.ending import fault_lines, names_of
from ttd.cli.output import say

if TYPE_CHECKING:
    from ttd.machine import Machine

LIMITED_SECONDS = 2.0
"""How long a run with a limit waits for input for a guest that sleeps."""
QUIET_SECONDS = 5.0
"""How long nothing is said of a guest that sleeps for ever."""
LOOP_SECONDS = 3.0
"""How long nothing is said of a guest that does nothing but take exceptions."""
_CLOSE = 64
"""Steps after an exception, the handler's, in which the next one belongs to the same loop."""
_PLACES = 4
"""Most exceptions of one loop that differ."""
_LOOP = 16
"""Exceptions that are a loop."""
_LOOK_EVERY = 256


class Watch:
    """The onlooker (`runs.Onlooker`) of `ttd record`."""

    def __init__(self, machine: Machine, steps: int | None, hears: Callable[[], bool]) -> None:
        """`steps`: the limit. `hears`: whether input can still come."""
        self._machine = machine
        self._steps = steps
        self._hears = hears
        self.verdict: str | None = None
        """Why the run was ended from here, if it was."""
        self._still_at = -1
        self._since = 0.0
        self._told = False
        self._deaf = False
        """No more input can come."""
        self._loop = _Loop()

    # -- asleep, or reading --------------------------------------------------------------

    def asleep(self) -> None:
        seconds = self._stands_still()
        # The last input may still be on its way: at the next look it would have come.
        deaf, self._deaf = self._deaf, not self._hears()
        if self._steps is not None:
            if seconds >= LIMITED_SECONDS or deaf:
                self._end(f"the guest {self._sleeps} and nothing wakes it")
        elif seconds >= QUIET_SECONDS and not self._told and deaf:
            self._told = True
            say(
                f"the guest {self._sleeps} since step {self._still_at}, no timer is set, and no "
                "input can come any more; Ctrl-C ends the recording"
            )

    def reading(self) -> None:
        if self._stands_still() >= LIMITED_SECONDS and self._steps is not None:
            self._end("the guest reads and nothing is typed")

    def _stands_still(self) -> float:
        """For how many seconds the machine has been at this step."""
        step, now = self._machine.engine.step, time.monotonic()
        if step != self._still_at:
            self._still_at, self._since, self._told, self._deaf = step, now, False, False
        return now - self._since

    def _end(self, why: str) -> None:
        self.verdict = f"{why}, before the limit of {self._steps} steps"
        self._machine.interrupt()

    @property
    def _sleeps(self) -> str:
        return "is suspended" if self._machine.suspended else "sleeps"

    # -- nothing but exceptions ----------------------------------------------------------

    def entered(self, number: int, asynchronous: bool) -> None:
        loop, engine = self._loop, self._machine.engine
        if asynchronous:
            loop.disturbed = True
            return
        near = 1 if self._machine.cpu.is_call(number) else _CLOSE
        if not loop.goes_on(engine.step, (number, engine.pc), near):
            self._loop = loop = _Loop()
            loop.goes_on(engine.step, (number, engine.pc), near)
        if loop.count % _LOOK_EVERY == 0 and not loop.told and loop.seconds > LOOP_SECONDS:
            for line in self.loop_lines():
                say(line)
            loop.told = True

    def loop_lines(self) -> list[str]:
        """What is going on, if that is nothing but exceptions and has not been said."""
        loop, machine = self._loop, self._machine
        if loop.told or loop.count < _LOOP or machine.engine.step - loop.last > _CLOSE:
            return []
        symbols = names_of(machine)
        what = " and ".join(
            f"{machine.cpu.exception_name(number)} at {symbols.place(pc)}"
            for (number, pc), times in sorted(loop.places.items())
            if times > 1
        )
        first = f"nothing but exceptions since step {loop.begin}, {loop.count} of them: {what}"
        return [first, *fault_lines(machine.cpu, symbols)]


class _Loop:
    """Exceptions of which each one follows at once from the one before."""

    def __init__(self) -> None:
        self.begin = self.last = 0
        self.count = 0
        self.places: Counter[tuple[int, int]] = Counter()
        """Number and PC of those that differ, and how often they come."""
        self.disturbed = False
        """Interrupts have come in between."""
        self.told = False
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def goes_on(self, step: int, place: tuple[int, int], near: int) -> bool:
        """Whether an exception at `step` belongs to this; `near` steps after the last it may."""
        known = place in self.places
        if not self.count:
            self.begin = step
        elif (step - self.last > near and not (self.disturbed and known)) or (
            not known and len(self.places) >= _PLACES
        ):
            return False
        self.disturbed = False
        self.places[place] += 1
        self.last = step
        self.count += 1
        return True
