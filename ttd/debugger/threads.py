"""The threads that a debugger is told of: tasks of the guest's operating system, or one thread.

Read only when somebody asks, and kept while the machine stays where it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from ttd.history.place import Place
from ttd.rtos.values import Implausible
from ttd.timeline_api import TimelineApi
from ttd.values import dataclass

if TYPE_CHECKING:
    from ttd.rtos.provider import Provider

log = logging.getLogger("ttd.debugger")

THREAD = 1
"""The number of the one thread that there is while no task runs."""

_SHARED = ("msp", "zero", "gp", "tp")
"""Registers that are the same for all tasks."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as a debugger sees it."""

    number: int
    name: str = ""
    state: str = ""


class Threads:
    """The threads of a timeline, for one session.

    A task's number is the same for all of the session, also when it has gone in between; but for
    `swap`.
    """

    def __init__(self, timeline: TimelineApi) -> None:
        self.told: int | None = None
        """The thread that ran when a debugger was told of one last."""
        self._timeline = timeline
        self._numbers: dict[int, int] = {}
        """By what the provider calls them."""
        self._keys: dict[int, int] = {}
        self._at: Place | None = None
        self._running: int | None = None
        self._all: dict[int, Thread] | None = None
        self._registers: dict[int, dict[str, int]] = {}

    @cached_property
    def _named(self) -> set[str]:
        return {register.name for register in self._timeline.cpu.registers}

    @cached_property
    def _provider(self) -> Provider | None:
        # When somebody asks: no session has to wait for it to begin.
        from ttd.rtos.find import find  # noqa: PLC0415

        timeline = self._timeline
        return find(timeline.probe.images, timeline.cpu, timeline.probe.read_memory)

    def written(self) -> None:
        """Something was written: what was read may be otherwise now. Who runs stays who it was: it
        is the thread that the debugger looks at."""
        self._at, self._all, self._registers = self._timeline.place, None, {}

    def stay(self, number: int) -> None:
        """As long as the machine stays here, this is the thread that runs, whatever the kernel's
        books say."""
        self._look()
        self._running = number

    def swap(self, number: int) -> None:
        """Let the thread that runs have this number, and the one that had it the other's."""
        running = self.running
        if running == THREAD or number not in self._keys:
            self.stay(number)
            return
        mine, other = self._keys[running], self._keys[number]
        self._keys |= {number: mine, running: other}
        self._numbers |= {mine: number, other: running}
        self._running, self._all, self._registers = number, None, {}

    def tell(self) -> int:
        """The thread that runs, which is `told` by that."""
        self.told = self.running
        return self.told

    def keep(self) -> None:
        """Where no debugger is told which thread runs, it is the one that it knows."""
        if self.told is not None:
            self.swap(self.told)

    @property
    def running(self) -> int:
        """The number of the thread whose registers are the machine's."""
        self._look()
        if self._running is None:
            key = self._ask(lambda provider: provider.running())
            self._running = THREAD if key is None else self._number(key)
        return self._running

    def all(self) -> dict[int, Thread]:
        """All threads by number, the running one among them."""
        running = self.running
        if self._all is None:
            self._all = {running: Thread(running)}
            tasks = None if running == THREAD else self._ask(lambda provider: provider.tasks())
            found = {
                number: Thread(number, task.name, task.state)
                for task in tasks or []
                for number in (self._number(task.key),)
            }
            if running in found:
                self._all = found
        return self._all

    def registers(self, number: int) -> dict[str, int] | None:
        """Those of a thread as far as they are known; None: the machine's. `LookupError`: there is
        no such thread."""
        if number == self.running:
            return None
        if number not in self.all():
            raise LookupError(f"there is no thread {number}")
        if number not in self._registers:
            key = self._keys[number]
            found = self._ask(lambda provider: provider.registers(key))
            if found:
                cpu = self._timeline.cpu
                shared = [name for name in _SHARED if name in self._named]
                found |= {name: cpu.read_register(name) for name in shared if name not in found}
            self._registers[number] = found or {}
        return self._registers[number]

    def _look(self) -> None:
        """Forget what was read elsewhere."""
        place = self._timeline.place
        if place != self._at:
            self._at, self._running, self._all, self._registers = place, None, None, {}

    def _number(self, key: int) -> int:
        if key not in self._numbers:
            number = THREAD + 1 + len(self._numbers)
            self._numbers[key], self._keys[number] = number, key
        return self._numbers[key]

    def _ask(self, question: Callable[[Provider], _T]) -> _T | None:
        if self._provider is None:
            return None
        try:
            return question(self._provider)
        except Implausible as error:
            log.debug("tasks: %s", error)
        except Exception as error:  # a strange file's description of itself
            log.info("tasks: %r", error)
        return None
