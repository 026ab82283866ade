"""Which instructions ran, from the present backwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ttd.engine.types import NEVER
from ttd.origin.instructions import Instruction, decode
from ttd.origin.scene import Mark, Scene

_FIRST, _LONGEST = 256, 1 << 20
"""Steps that are looked at first, and at most at once; each time they are eight times as many."""
_ALONE = 64
"""Steps that are made one by one where code changes."""


class Ran(NamedTuple):
    """A step: the instruction that ran, or the exception entry that it was."""

    step: int
    pc: int
    instruction: Instruction | None
    mark: Mark | None = None


class Executed:
    """Reads instructions that ran off traces of blocks; moves the machine."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._decoded: dict[tuple[int, bytes], Instruction | None] = {}
        self._wide = 16 if "86" in scene.architecture else 4

    def before(self, step: int, register: str, most: int) -> Iterator[Ran]:
        """Steps before `step` in which the register may be set, the latest first, and exceptions.

        At most `most` steps are looked at; the machine is anywhere after each.
        """
        begin, high, size = self._scene.timeline.begin, step, _FIRST
        while high > begin and step - high < most:
            low, found = self._window(max(begin, high - size), high, register)
            yield from found
            high, size = low, min(8 * size, _LONGEST)

    def _window(self, low: int, high: int, register: str) -> tuple[int, list[Ran]]:
        """From where on it was looked at, and what was found."""
        scene = self._scene
        scene.go(low)
        raw, complete = scene.trace(high)
        if complete == NEVER or complete >= high:
            low = max(low, high - _ALONE)
            return low, self._alone(low, high)
        low = max(low, complete)
        marks = scene.marks(low, high)
        steps, places = raw[0::3].tolist(), list(zip(raw[1::3], raw[2::3], strict=True))
        known: dict[tuple[int, int, int], list[tuple[int, int, Instruction]]] = {}
        found, end = list[Ran](), high
        for at in range(len(steps) - 1, -1, -1):
            begin = steps[at]
            if begin >= high:
                continue
            key = (*places[at], end - begin)
            setters = known.get(key)
            if setters is None:
                setters = known[key] = self._setters(*key, register)
            if setters:
                found += [
                    Ran(begin + n, pc, one)
                    for n, pc, one in setters
                    if begin + n >= low and begin + n not in marks
                ]
            end = begin
        found += [Ran(at, 0, None, mark) for at, mark in marks.items() if low <= at < high]
        found.sort(reverse=True)
        return low, found

    def _setters(
        self, pc: int, physical: int, count: int, register: str
    ) -> list[tuple[int, int, Instruction]]:
        """Of so many instructions: number, address, and what it is, of those that may set it."""
        size = self._wide * min(count, 256)
        code = self._scene.timeline.machine.engine.read(physical, size)
        found, at = list[tuple[int, int, Instruction]](), 0
        for n in range(count):
            one = self._decode(pc + at, code[at : at + self._wide])
            if one is None:
                break
            if register in one.sets or one.leaves:
                found.append((n, pc + at, one))
            at += one.size
        return found

    def _alone(self, low: int, high: int) -> list[Ran]:
        """The same of each step, with the code of that moment."""
        scene, found = self._scene, list[Ran]()
        marks = scene.marks(low, high)
        scene.go(low)
        while scene.step < high:
            step, pc = scene.step, scene.pc
            mark = marks.get(step)
            code = scene.timeline.machine.read_memory(pc, self._wide)
            found.append(Ran(step, pc, None if mark else self._decode(pc, code), mark))
            scene.one_step()
        return found[::-1]

    def _decode(self, pc: int, code: bytes) -> Instruction | None:
        key = pc, code
        if key not in self._decoded:
            self._decoded[key] = decode(self._scene.architecture, code, pc)
        return self._decoded[key]
