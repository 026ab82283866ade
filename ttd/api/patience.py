"""Ends of what would take for ever, where nobody is who could end it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ttd.debugger.interrupts import Interrupts
from ttd.machine import Machine

ASLEEP = "the guest sleeps and nothing wakes it"
READING = "the guest reads and nothing is typed"


class Patience:
    """The onlooker (`runs.Onlooker`) of a machine that gets nothing more than it is given."""

    def __init__(
        self,
        machine: Machine,
        interrupts: Interrupts,
        more: Callable[[], bool] = lambda: False,
        hears: Callable[[], bool] = lambda: False,
        seconds: float = 0.0,
    ) -> None:
        """`interrupts`: of what moves the machine. `more`: gives the guest something, if there is
        something. `hears`: something can come from elsewhere, for which it waits so many
        seconds."""
        self._machine = machine
        self._interrupts = interrupts
        self._more = more
        self._hears = hears
        self._seconds = seconds
        self._still_at = -1
        self._since = 0.0
        self.verdict = ""
        """Why the machine was interrupted, if it was from here."""

    def asleep(self) -> None:
        self._look(ASLEEP)

    def reading(self) -> None:
        self._look(READING)

    def ran(self) -> None:
        """It gets somewhere."""

    def take_verdict(self) -> str:
        """The verdict, which is gone by that: nothing more is to end for it."""
        verdict, self.verdict = self.verdict, ""
        if verdict:
            self._interrupts.answered()
        return verdict

    def _look(self, verdict: str) -> None:
        # What has come last may still be on its way: at the next look it would have entered.
        step, now = self._machine.engine.step, time.monotonic()
        before, self._still_at = self._still_at, step
        if before != step:
            self._since = now
        elif not self._more() and not (self._hears() and now - self._since < self._seconds):
            self.verdict = verdict
            self._interrupts.seen()
            self._machine.interrupt()


@contextmanager
def ctrl_c(interrupts: Interrupts, machine: Machine) -> Iterator[None]:
    """Ctrl-C interrupts what moves the machine, and not this thread; `KeyboardInterrupt` comes when
    that has ended."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    askers: list[threading.Thread] = []

    def pressed(number: int, frame: object) -> None:
        interrupts.seen()
        # On a thread of its own: this one may hold the lock that is wanted for it.
        askers.append(threading.Thread(target=interrupts.deliver))
        askers[-1].start()

    signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for asker in askers:
            asker.join()
        if askers:
            interrupts.answered()
            machine.interruption.answer()
            raise KeyboardInterrupt
