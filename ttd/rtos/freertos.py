"""FreeRTOS: tasks are in lists of `tasks.c`, one a state, and of ready tasks one a priority."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.rtos import cortexm
from ttd.rtos.provider import MOST, Guest, Processor, Task
from ttd.rtos.values import Implausible, Value

_LISTS = {
    "xDelayedTaskList1": "blocked",
    "xDelayedTaskList2": "blocked",
    "xSuspendedTaskList": "suspended",
    "xTasksWaitingTermination": "deleted",
}
_WAITING_NOTIFICATION = 1

_RISCV = (
    *("pc", "ra", "t0", "t1", "t2", "fp", "s1", *(f"a{n}" for n in range(8))),
    *(*(f"s{n}" for n in range(2, 12)), *(f"t{n}" for n in range(3, 7))),
)
"""What the port for RISC-V saves, from the top of the stack on. Then there is the nesting of
critical sections, which older ones have not, and mstatus."""
_MPP = 0x1800


class FreeRtos:
    """`provider.Provider` of FreeRTOS."""

    name = "FreeRTOS"
    needed: tuple[str, ...] = (
        "pxReadyTasksLists",
        "xSchedulerRunning",
        "xDelayedTaskList1",
        "xDelayedTaskList2",
    )
    useful: tuple[str, ...] = (
        *("pxCurrentTCB", "pxCurrentTCBs"),  # the second: one per core
        *("uxCurrentNumberOfTasks", "xSuspendedTaskList", "xTasksWaitingTermination"),
    )

    def __init__(self, guest: Guest) -> None:
        """`LookupError` if what is wanted is not there, or not described."""
        self._guest = guest
        if "pxCurrentTCB" in guest.symbols:
            self._current = guest.variable("pxCurrentTCB")
        else:
            self._current = guest.variable("pxCurrentTCBs")[0]
        self._ready = guest.variable("pxReadyTasksLists")
        self._lists = [
            (guest.variable(name), state) for name, state in _LISTS.items() if name in guest.symbols
        ]
        self._flag = guest.variable("xSchedulerRunning")
        for name in ("pxTopOfStack", "pcTaskName", "xStateListItem", "xEventListItem"):
            self._current.type.target.member(name)

    def running(self) -> int:
        if self._flag.number != 1:
            raise Implausible("the scheduler does not run")
        if self._guest.processor is Processor.CORTEX_M:
            cortexm.in_thread(self._guest.register)
        return self._current.pointed.address

    def tasks(self) -> list[Task]:
        running = self.running()
        found = {running: "running"}
        for index in range(self._ready.type.count):
            for tcb in self._in(self._ready[index]):
                found.setdefault(tcb.address, "ready")
        for which, state in self._lists:
            for tcb in self._in(which):
                blocked = state == "suspended" and self._waits(tcb)
                found.setdefault(tcb.address, "blocked" if blocked else state)
        if "uxCurrentNumberOfTasks" in self._guest.symbols:
            expected = self._guest.variable("uxCurrentNumberOfTasks").number
            if len(found) != expected:
                raise Implausible(f"{len(found)} tasks, and not {expected}")
        return [self._task(key, state) for key, state in found.items()]

    def _task(self, key: int, state: str) -> Task:
        tcb = self._current.at(key)
        if "uxPriority" in tcb:
            state += f", priority {tcb['uxPriority'].number}"
        return Task(key, tcb["pcTaskName"].text, state)

    def _waits(self, tcb: Value) -> bool:
        """A task that waits without an end is in the list of suspended ones, too."""
        if tcb["xEventListItem"].first("pvContainer", "pxContainer").number:
            return True
        if "ucNotifyState" not in tcb:
            return False
        states = tcb["ucNotifyState"]
        raw = states.memory.exactly(states.address, min(states.type.size, MOST))
        return _WAITING_NOTIFICATION in raw

    def _in(self, which: Value) -> Iterator[Value]:
        """The tasks in a list, by the links in both directions."""
        count = which["uxNumberOfItems"].number
        if count > MOST:
            raise Implausible("a list is too long")
        end = which["xListEnd"]
        before, link = end.address, end["pxNext"]
        for _ in range(count):
            if link.number == end.address:
                raise Implausible("a list is too short")
            item = link.pointed
            container = item.first("pvContainer", "pxContainer").number
            if item["pxPrevious"].number != before or container != which.address:
                raise Implausible("a list is broken")
            yield self._current.at(item["pvOwner"].number)
            before, link = item.address, item["pxNext"]
        if link.number != end.address:
            raise Implausible("a list is too long")

    def registers(self, key: int) -> dict[str, int]:
        memory, sp = self._guest.memory, self._current.at(key)["pxTopOfStack"].number
        if self._guest.processor is Processor.CORTEX_M:
            return cortexm.pushed_by_switch(memory, sp)
        words = memory.words(sp, len(_RISCV) + 2)
        found = dict(zip(_RISCV, words, strict=False))
        for extra in (2, 1):
            mstatus = words[len(_RISCV) + extra - 1]
            if mstatus & _MPP:
                memory.exactly(found["pc"], 2)
                top = sp + memory.word * (len(_RISCV) + extra)
                return found | {"sp": top, "mstatus": mstatus}
        raise Implausible(f"no registers of a task at {sp:#x}")
