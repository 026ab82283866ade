"""Looks at a machine that records, and says when it gets nowhere."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ttd.cli.ending import fault_lines
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
"""Steps after an exception in which the machine is still in that loop."""
_LOOP = 16
"""Exceptions that are a loop."""
_NUMBERS = 64
"""Numbers that calls have."""


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
        self._loop_begin = -1
        """Where the loop of exceptions began that was going on at the last look."""
        self._loop_since = 0.0
        self._loop_told = False
        calls = filter(machine.cpu.is_call, range(_NUMBERS))
        machine.engine.exceptions.watch(calls)

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

    def ran(self) -> None:
        loop = self._machine.engine.exceptions
        if loop.count < _LOOP:
            return
        now = time.monotonic()
        if loop.begin != self._loop_begin:
            self._loop_begin, self._loop_since, self._loop_told = loop.begin, now, False
        if not self._loop_told and now - self._loop_since > LOOP_SECONDS:
            for line in self.loop_lines():
                say(line)
            self._loop_told = True

    def loop_lines(self) -> list[str]:
        """What is going on, if that is nothing but exceptions and has not been said."""
        from ttd.debugger.names import names_of

        machine = self._machine
        loop = machine.engine.exceptions
        told = self._loop_told and loop.begin == self._loop_begin
        if told or loop.count < _LOOP or machine.engine.step - loop.last > _CLOSE:
            return []
        symbols = names_of(machine)
        what = " and ".join(
            f"{machine.cpu.exception_name(number)} at {symbols.place(pc)}"
            for (number, pc), times in sorted(loop.places().items())
            if times > 1
        )
        first = f"nothing but exceptions since step {loop.begin}, {loop.count} of them: {what}"
        return [first, *fault_lines(machine.cpu, symbols)]
