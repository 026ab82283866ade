"""In which interrupt, or which task of a real-time operating system, the machine is."""

from __future__ import annotations

from functools import cached_property

from ttd.questions.past import Past
from ttd.rtos.find import find
from ttd.rtos.provider import Provider
from ttd.rtos.values import Implausible


class Tasks:
    """Asked of a machine at its present place."""

    def __init__(self, past: Past) -> None:
        self._past = past

    @cached_property
    def provider(self) -> Provider | None:
        timeline = self._past.timeline
        return find(timeline.probe.images, timeline.cpu, timeline.probe.read_memory)

    def present(self) -> str:
        """`IRQ 8, timer0`, `task idle`; empty: neither."""
        number = self._past.timeline.cpu.exception_number()
        if number:
            return self._past.words.exception(number) or f"exception {number}"
        task = self.task()
        return f"task {task}" if task else ""

    def task(self) -> str:
        """The name of the task that runs, or was interrupted; empty: there is none."""
        provider = self.provider
        if provider is None:
            return ""
        try:
            key = provider.running()
            task = next((task for task in provider.tasks() if task.key == key), None)
        except (Implausible, LookupError):
            return ""
        return "" if task is None else task.name or f"{key:#x}"
