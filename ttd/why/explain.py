"""What `monitor why` says."""

from __future__ import annotations

from ttd.origin.scene import CannotFollow, Mark, Scene
from ttd.recording.events import Kind, to_small
from ttd.replay.terms import Cause
from ttd.why.faults import fault, stacking
from ttd.why.interrupts import interrupt

_STATUS = 0x1888
"""mstatus: MIE, MPIE, MPP."""


class Explainer:
    """Explains the present position of a timeline, and leaves the machine there."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def why(self) -> str:
        """Some lines for people."""
        lines: list[str] = []
        with self._scene.timeline.staying():
            try:
                self._explain(lines)
            except CannotFollow as error:
                lines.append(str(error))
        return "".join(f"{line}\n" for line in lines)

    def _explain(self, said: list[str]) -> None:
        scene = self._scene
        here = scene.step
        ends = scene.events((Kind.SHUTDOWN,), here, here)
        if any(to_small(event.payload) == Cause.GUEST_PANIC for _, event in ends):
            ended = scene.timeline.machine.ended
            reason = "the CPU cannot go on" if ended is None else ended.reason
            said.append(f"Step {here - 1} could not be done: {reason}.")
            scene.go(here - 1)
            fault(scene, here - 1, said)
            before = scene.last_mark(here - 1)
            if before is not None:
                said += ["", self._entry(before, "That was in the handler of")]
                self._explain_mark(before, said)
            return
        mark = self._handled(here)
        if mark is None:
            said.append(self._nowhere(here))
            return
        scene.go(here)
        runs = scene.timeline.cpu.exception_number()
        if scene.architecture == "arm" and runs != mark.number:
            # DDI0403E B1.5.11, "derived exceptions".
            said.append(
                f"This is the handler of {scene.words.exception(runs)}, which took the place of"
                f" {scene.words.exception(mark.number)} in step {mark.step}: that could not be"
                " entered."
            )
            self._say_status(mark, said)
            scene.go(mark.step)
            stacking(scene, mark.step, said)
            return
        said.append(self._entry(mark, "This is the handler of"))
        self._explain_mark(mark, said)

    def _explain_mark(self, mark: Mark, said: list[str]) -> None:
        scene = self._scene
        if mark.kind is Kind.INTERRUPT:
            interrupt(scene, mark, said)
            return
        scene.go(mark.step)
        if scene.timeline.cpu.is_call(mark.number):
            # SVC is a step before that of its exception, ECALL is not.
            step = mark.step - (scene.architecture == "arm")
            scene.go(step)
            found = scene.instruction()
            text = "?" if found is None else found.text
            said += ["The program asked for it:", scene.line(step, scene.pc, text)]
            return
        self._say_status(mark, said)
        scene.go(mark.step)
        fault(scene, mark.step, said)

    def _say_status(self, mark: Mark, said: list[str]) -> None:
        scene = self._scene
        scene.go(mark.step + 1)
        for text, code in scene.faults():
            name = None if code is None else scene.symbols.name(code)
            said.append(f"{text}, in {name}" if name else text)

    def _entry(self, mark: Mark, what: str) -> str:
        name = self._scene.words.exception(mark.number) or f"exception {mark.number}"
        return f"{what} {name}, which was entered in step {mark.step}."

    def _handled(self, here: int) -> Mark | None:
        """The exception whose handler runs, as far as that can be known."""
        scene = self._scene
        cpu = scene.timeline.cpu
        if scene.architecture == "arm":
            number = cpu.exception_number()
            if not number:
                return None
            # What was entered may be another exception than the one that was to be.
            last = scene.last_mark(here)
            if last is not None and last.number != number:
                scene.go(last.step + 1)
                if cpu.exception_number() == number:
                    return last
            return scene.last_mark(here, number)
        mark = scene.last_mark(here)
        if mark is None or not scene.architecture.startswith("riscv"):
            return mark
        # A return from it gives mstatus other bits (MIE, MPIE, MPP), or leaves its mode.
        now = self._mode()
        scene.go(mark.step + 1)
        return mark if self._mode() == now else None

    def _mode(self) -> tuple[int, int]:
        value = self._scene.value
        return value("priv"), value("mstatus") & _STATUS

    def _nowhere(self, here: int) -> str:
        scene = self._scene
        step = here
        while (last := scene.last_mark(step, kinds=(Kind.EXCEPTION,))) is not None:
            if not scene.timeline.cpu.is_call(last.number):
                name = scene.words.exception(last.number)
                return (
                    f"No handler of a fault or an interrupt runs at step {here}. The last fault"
                    f" before it is {name} in step {last.step}: 'monitor goto {last.step + 1}',"
                    " and ask there."
                )
            step = last.step
        return (
            f"No handler of a fault or an interrupt runs at step {here}, and there is no fault"
            " before it."
        )
