"""A fault: its instruction, the bad address, and where that came from."""

from __future__ import annotations

from ttd.engine.types import Access
from ttd.origin.flow import Flow
from ttd.origin.instructions import Instruction
from ttd.origin.scene import Scene

_ADVICE = "'monitor goto STEP' goes to where one of these is about to run."


def fault(scene: Scene, step: int, said: list[str]) -> None:
    """Explain what the instruction at the present position, which has not run, was about to do."""
    pc = scene.pc
    if not scene.timeline.machine.engine.accessible(pc & ~1, Access.FETCH):
        _jump(scene, step, said)
        return
    found = scene.instruction()
    said += ["The instruction:", scene.line(step, pc, _text(found))]
    if found is None:
        return
    flow = Flow(scene)
    registers = found.bases or ((found.divisor,) if found.divisor else ())
    address = flow.address(found)
    if address is not None:
        said.append(f"It accesses {scene.hex(address)}.")
    _follow(scene, flow, registers, step, said)


def stacking(scene: Scene, step: int, said: list[str]) -> None:
    """Explain an exception entry at the present position that could not write its frame."""
    said += ["What it interrupted:", scene.line(step, scene.pc, _text(scene.instruction()))]
    _follow(scene, Flow(scene), ("sp",), step, said)


def _text(found: Instruction | None) -> str:
    return "an instruction that there is not" if found is None else found.text


def _follow(
    scene: Scene, flow: Flow, registers: tuple[str, ...], step: int, said: list[str]
) -> None:
    before = len(said)
    for register in registers:
        scene.go(step)
        if register in ("pc", "zero"):
            continue
        said.append(f"{register} is {scene.hex(scene.value(register))}:")
        said.extend(flow.lines(register))
    if len(said) > before:
        said.append(_ADVICE)


def _jump(scene: Scene, step: int, said: list[str]) -> None:
    """PC is where no instruction can be: the step before has led there."""
    said.append(f"PC is {scene.hex(scene.pc)}, where nothing can be executed.")
    if step == scene.timeline.begin:
        return
    scene.go(step - 1)
    if step - 1 in scene.marks(step - 1, step):
        mark = scene.last_mark(step)
        assert mark is not None
        said.append(f"The vector of {scene.words.exception(mark.number)} says so.")
        return
    found = scene.instruction()
    if found is None:
        return
    said += ["It was jumped to by:", scene.line(step - 1, scene.pc, found.text)]
    flow = Flow(scene)
    if found.target:
        _follow(scene, flow, (found.target,), step - 1, said)
    elif "pc" in found.loads:
        said.extend(flow.loaded("pc", found))
        said.append(_ADVICE)
