"""RIOT: threads have small numbers, and are in a table by them."""

from __future__ import annotations

from ttd.rtos import cortexm
from ttd.rtos.provider import MOST, Guest, Processor, Task
from ttd.rtos.values import Implausible, Value

_STATES = {
    0: "stopped",
    1: "zombie",
    2: "sleeping",
    3: "mutex blocked",
    4: "receive blocked",
    5: "send blocked",
    6: "reply blocked",
    7: "flag blocked any",
    8: "flag blocked all",
    9: "mbox blocked",
    10: "cond blocked",
    11: "running",
    12: "pending",
}
"""Of versions that define them by the preprocessor."""
_SLEEPING = "STATUS_SLEEPING"
_READY = 11
"""Values below it are of threads that wait for something, be it the active one: it is that while
there is no other to run."""
_PUSHED = 4 * 9
"""Bytes: r4 to r11 and EXC_RETURN."""
_FRAME = "context_switch_frame"
"""The structure that the port for RISC-V leaves on a stack; its members are named as registers."""


class Riot:
    """`provider.Provider` of RIOT."""

    name = "RIOT"
    needed: tuple[str, ...] = ("sched_threads", "sched_active_pid")
    useful: tuple[str, ...] = ("sched_num_threads",)

    def __init__(self, guest: Guest) -> None:
        """`LookupError` if what is wanted is not there, or not described."""
        self._guest = guest
        self._active = guest.variable("sched_active_pid")
        self._table = guest.variable("sched_threads")
        self._baseline = "basepri" not in guest.registers
        for name in ("sp", "status", "pid"):
            self._table.type.target.target.member(name)
        try:
            names = guest.debug.enumeration(_SLEEPING).names
        except LookupError:
            self._states = _STATES
        else:
            self._states = {
                value: name.removeprefix("STATUS_").replace("_", " ").lower()
                for value, name in names.items()
            }

    def running(self) -> int:
        pid = self._active.signed
        if not 0 < pid < self._table.type.count:
            raise Implausible("no thread runs")
        if self._guest.processor is Processor.CORTEX_M:
            cortexm.in_thread(self._guest.register)
        thread = self._table[pid].pointed
        if thread["pid"].signed != pid:
            raise Implausible("a thread has another number than its place")
        return thread.address

    def tasks(self) -> list[Task]:
        running = self.running()
        found = []
        for pid in range(1, min(self._table.type.count, MOST)):
            link = self._table[pid]
            if not link.number:
                continue
            thread = link.pointed
            if thread["pid"].signed != pid:
                raise Implausible("a thread has another number than its place")
            found.append(self._task(thread, thread.address == running))
        if "sched_num_threads" in self._guest.symbols:
            expected = self._guest.variable("sched_num_threads").number
            if len(found) != expected:
                raise Implausible(f"{len(found)} threads, and not {expected}")
        return found

    def _task(self, thread: Value, running: bool) -> Task:
        status = thread["status"].number
        if status >= _READY:
            state = "running" if running else "ready"
        elif status in self._states:
            state = self._states[status]
        else:
            raise Implausible(f"there is no status {status}")
        if "priority" in thread:
            state += f", priority {thread['priority'].number}"
        name = thread["name"].text if "name" in thread else ""
        return Task(thread.address, name, f"{state}, pid {thread['pid'].signed}")

    @staticmethod
    def _is_in_stack(thread: Value, address: int) -> bool:
        if "stack_start" not in thread or "stack_size" not in thread:
            return False
        start = thread["stack_start"].number
        return start < address < start + thread["stack_size"].number

    def registers(self, key: int) -> dict[str, int]:
        memory, thread = self._guest.memory, self._table[0].at(key)
        sp = thread["sp"].number
        if self._guest.processor is Processor.CORTEX_M:
            psp = self._guest.register("psp")
            if sp != psp - _PUSHED and self._is_in_stack(thread, psp):
                # Another thread is the active one already, but the switch has saved nothing yet.
                return cortexm.pushed_by_processor(memory, psp, extended=False)
            found = cortexm.pushed_by_switch(memory, sp)
            if self._baseline:
                # Its instructions push the low registers only: r8 to r11 have to go through them.
                moved = {f"r{n}": found[f"r{n ^ 12}"] for n in range(4, 12)}
                found |= moved
            return found
        frame = self._guest.debug.structure(_FRAME)
        found = {
            "fp" if name == "s0" else name: Value(memory, sp + each.offset, each.type).number
            for name, each in frame.members.items()
            if each.type.size == memory.word
        }
        memory.exactly(found["pc"], 2)
        return found | {"sp": sp + frame.size}
