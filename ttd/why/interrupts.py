"""An interrupt: its line, what raised it, and which logged input that came from."""

from __future__ import annotations

from collections.abc import Callable

from ttd.origin.flow import Flow
from ttd.origin.scene import Mark, Scene
from ttd.recording.events import Event, Kind
from ttd.why.sources import Source, source_of

_INPUTS = (
    Kind.CHAR_READ,
    Kind.CHAR_READ_ALL,
    Kind.NET,
    Kind.BLOCK,
    Kind.INPUT,
    Kind.INPUT_SYNC,
)
_SHOWN = 4
"""Inputs of one step that are shown."""
_EARLIER = 16
"""Times that an interrupt was taken before, in which its line may have stayed high."""


def interrupt(scene: Scene, mark: Mark, said: list[str]) -> None:
    """Explain why an interrupt was taken."""
    scene.go(mark.step)
    source = source_of(scene.timeline.machine, scene.lines, mark.number)
    if source is None:
        said.append("What raises the interrupts of this processor is not known here.")
        return
    if source.name:
        said.append(f"It is {source.name}.")
    step, low = None, mark.step
    for earlier in range(_EARLIER + 1):
        # Its line may have been high for longer than since it was taken last.
        before = scene.last_mark(low, mark.number) if earlier < _EARLIER else None
        low = scene.timeline.begin if before is None else before.step + 1
        step = _rise(scene, source.raised, low, mark.step)
        if step is not None or before is None:
            break
    if step is None:
        said.append(f"It has been waiting since step {low}, where history begins.")
        return
    _cause(scene, step, source, said)


def _rise(scene: Scene, holds: Callable[[], bool], low: int, high: int) -> int | None:
    """The step before the latest position in (low, high] from which on `holds`, up to `high`.

    None if it holds at `low`. One that came and went in between may be taken for it.
    """
    distance, known = 1, high
    while True:
        at = max(low, high - distance)
        scene.go(at)
        if not holds():
            break
        if at == low:
            return None
        known, distance = at, 4 * distance
    while known - at > 1:
        middle = (at + known) // 2
        scene.go(middle)
        if holds():
            known = middle
        else:
            at = middle
    return at


def _cause(scene: Scene, step: int, source: Source, said: list[str]) -> None:
    """What happened in `step`, or at the position after it, that has raised the interrupt."""
    inputs = scene.last_event(_INPUTS, step + 1, source.device)
    scene.go(step)
    store = None if scene.marks(step, step + 1) else _store(scene)
    # What came in during a sleep is of the step that ends it.
    if inputs is not None and inputs[1].step >= (step + 1 if store else step):
        said.append(f"It was raised at step {step + 1} by what came in for {source.device}:")
        at = inputs[1].step
        found = [
            row for row in scene.events(_INPUTS, at, at) if scene.of_device(row[1], source.device)
        ]
        said.extend(_told(scene, *row) for row in found[:_SHOWN])
        if len(found) > _SHOWN:
            said.append(f"{'...':>14}  and {len(found) - _SHOWN} more")
        return
    if store is not None and store[1] in (source.device, *source.controllers):
        said += ["It was raised by a write of the program's:", store[0]]
    elif source.device:
        said.append(
            f"{source.device} raised it by itself at step {step + 1}, when its time had come."
        )
        scene.go(step + 1)
        said.extend(_programmed(scene, source))
    else:
        said.append(f"It was raised in step {step}:")
        said.append(scene.line(step, scene.pc, store[0] if store else _text(scene)))
    if inputs is not None:
        said += [f"The last that had come in for {source.device}:", _told(scene, *inputs)]


def _told(scene: Scene, number: int, event: Event) -> str:
    return f"{event.step:>14}  event {number}: {scene.words.text(event)}"


def _text(scene: Scene) -> str:
    found = scene.instruction()
    return "?" if found is None else found.text


def _store(scene: Scene) -> tuple[str, str] | None:
    """The instruction at PC, if it writes to a device: in words, and which device that is."""
    found = scene.instruction()
    if found is None or not found.stores:
        return None
    address = Flow(scene).address(found)
    assert address is not None
    unit = scene.timeline.machine.bus.at(address)
    if unit is None:
        return None
    where = scene.register_name(address)
    text = f"{found.text:<24} {found.stores[0][2]} = {scene.hex(scene.value(found.stores[0][2]))}"
    return scene.line(scene.step, scene.pc, f"{text} to {where}"), unit.device.name


def _programmed(scene: Scene, source: Source) -> list[str]:
    """Who wrote the device's registers last."""
    if source.window is None:
        return []
    hit = scene.last_physical_write(*source.window)
    if hit is None:
        return []
    where = scene.register_name(hit.address)
    scene.go(hit.step)
    text = f"{_text(scene):<24} {where} = {scene.hex(hit.value)}"
    return ["Its registers were written last by:", scene.line(hit.step, hit.pc, text)]
