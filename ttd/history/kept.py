"""A machine at one position as data, and which of those stay in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict

from ttd.engine import Context
from ttd.history.pages import PageTable
from ttd.state import State


class Snapshot:
    """The machine at one position.

    `registers` is portable; `context`, if there is one, is exact to the last hidden bit of this
    process's engine and quicker. `interval` numbers the stored snapshot; None: in memory only.
    """

    __slots__ = ("context", "hash", "interval", "registers", "state", "step", "table")

    def __init__(
        self,
        step: int,
        table: PageTable,
        registers: list[int],
        state: State,
        context: Context | None = None,
        interval: int | None = None,
    ) -> None:
        self.step = step
        self.table = table
        self.registers = registers
        self.state = state
        self.context = context
        self.interval = interval
        self.hash = b""


class Kept:
    """Snapshots in memory, by step."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()
        """The one used last comes last."""
        self._steps: list[int] = []

    def __len__(self) -> int:
        return len(self._snapshots)

    def add(self, snapshot: Snapshot) -> None:
        """There is none at its step."""
        self._snapshots[snapshot.step] = snapshot
        insort(self._steps, snapshot.step)

    def use(self, step: int) -> Snapshot | None:
        """The one at exactly `step`, which is not the next to give way then."""
        found = self._snapshots.get(step)
        if found is not None:
            self._snapshots.move_to_end(step)
        return found

    def last_before(self, step: int) -> int | None:
        """The step of the latest at or before `step`."""
        at = bisect_right(self._steps, step)
        return self._steps[at - 1] if at else None

    def between(self, low: int, high: int) -> list[int]:
        """Steps with low <= step < high, ascending."""
        return self._steps[bisect_left(self._steps, low) : bisect_left(self._steps, high)]

    def forget(self, step: int) -> None:
        """Drop the one at `step`, if there is one."""
        if self._snapshots.pop(step, None) is not None:
            del self._steps[bisect_left(self._steps, step)]

    def forget_from(self, step: int, until: int | None = None) -> None:
        """Drop those at `step` and after it, before `until`."""
        begin = bisect_left(self._steps, step)
        end = None if until is None else bisect_left(self._steps, until)
        for late in self._steps[begin:end]:
            self.forget(late)

    def forget_oldest(self) -> None:
        """Drop the one that has not been used for longest."""
        self.forget(next(iter(self._snapshots)))
