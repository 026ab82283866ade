"""Zephyr: threads are linked (CONFIG_THREAD_MONITOR), and have what a switch saves in them."""

from __future__ import annotations

from ttd.rtos import cortexm
from ttd.rtos.provider import MOST, Guest, Processor, Task
from ttd.rtos.values import Implausible, Value

_DUMMY, _PENDING, _DEAD, _SUSPENDED = 1 << 0, 1 << 1, 1 << 3, 1 << 4
_NOT_STARTED = 1 << 2
"""Or, from 4.0 on, asleep."""
_KNOWN = 0xFF
_SAVED = tuple(f"r{n}" for n in range(4, 12))
_RISCV = ("sp", "ra", *(f"s{n}" for n in range(12)))


class Zephyr:
    """`provider.Provider` of Zephyr."""

    name = "Zephyr"
    needed: tuple[str, ...] = ("_kernel",)
    useful: tuple[str, ...] = ()

    def __init__(self, guest: Guest) -> None:
        """`LookupError` if what is wanted is not there, or not described."""
        self._guest = guest
        kernel = guest.variable("_kernel")
        self._current = kernel["cpus"][0]["current"] if "cpus" in kernel else kernel["current"]
        self._first = kernel["threads"]
        thread = self._first.type.target
        for name in ("base", "callee_saved", "next_thread"):
            thread.member(name)

    def running(self) -> int:
        if self._guest.processor is Processor.CORTEX_M:
            cortexm.in_thread(self._guest.register)
        return self._current.pointed.address

    def tasks(self) -> list[Task]:
        running = self.running()
        found: dict[int, Task] = {}
        link = self._first
        while link.number:
            thread = link.pointed
            if thread.address in found or len(found) == MOST:
                raise Implausible("the list of threads has no end")
            found[thread.address] = self._task(thread, thread.address == running)
            link = thread["next_thread"]
        if running not in found:
            # Before the first switch it is a dummy.
            raise Implausible("the thread that runs is not in the list")
        return list(found.values())

    def _task(self, thread: Value, running: bool) -> Task:
        base = thread["base"]
        bits = base["thread_state"].number
        if running:
            state = "running"
        elif bits & ~_KNOWN or bits & _DUMMY:
            raise Implausible(f"a thread has the state {bits:#x}")
        elif bits & _DEAD:
            state = "dead"
        elif bits & _SUSPENDED:  # until 3.7 what sleeps is also that
            state = "sleeping" if self._sleeps(base) else "suspended"
        elif bits & _PENDING:
            state = "pending"
        elif bits & _NOT_STARTED:
            state = "sleeping" if self._sleeps(base) else "not started"
        else:
            state = "sleeping" if self._sleeps(base) else "ready"
        if "prio" in base:
            state += f", priority {base['prio'].signed}"
        name = thread["name"].text if "name" in thread else ""
        return Task(thread.address, name, state)

    @staticmethod
    def _sleeps(base: Value) -> bool:
        """Its timeout is in the list of all."""
        if "timeout" not in base or "node" not in base["timeout"]:
            return False
        return base["timeout"]["node"]["next"].number != 0

    def registers(self, key: int) -> dict[str, int]:
        memory, thread = self._guest.memory, self._first.at(key)
        saved = thread["callee_saved"]
        if self._guest.processor is Processor.CORTEX_M:
            extended = "arch" in thread and _used_fpu(thread["arch"])
            frame = cortexm.pushed_by_processor(memory, saved["psp"].number, extended)
            return frame | {name: saved[f"v{n}"].number for n, name in enumerate(_SAVED, start=1)}
        found = {
            "fp" if name == "s0" else name: saved[name].number for name in _RISCV if name in saved
        }
        # It returns from the switch, whatever called it.
        found["pc"] = found["ra"]
        memory.exactly(found["pc"], 2)
        return found


def _used_fpu(arch: Value) -> bool:
    """The low byte of its EXC_RETURN is kept where there is an FPU."""
    return "mode_exc_return" in arch and cortexm.uses_fpu(arch["mode_exc_return"].number)
