"""Which instruction set a register last."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ttd.engine.types import NEVER
from ttd.origin.instructions import Instruction, decode
from ttd.origin.scene import Mark, Scene

MOST_STEPS = 1_000_000_000
"""That are looked at, backwards from a value to the instruction that made it."""
_FIRST, _LONGEST = 256, 1 << 27
"""Steps that are looked at first, and at most at once; each time they are eight times as many."""
_NEAR = 1 << 15
"""Most that are looked at first because they were the last time."""
_ALONE = 64
"""Steps that are made one by one where code changes."""


class Ran(NamedTuple):
    """A step that may set a register: the instruction that ran, or an exception's entry."""

    step: int
    pc: int
    instruction: Instruction | None
    mark: Mark | None = None
    returns: bool = False
    """From an exception: what the instruction returns to has the register from the stack."""


class Executed:
    """Reads instructions that ran off traces of blocks; moves the machine."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._decoded: dict[tuple[int, bytes], Instruction | None] = {}
        self._wide = 16 if "86" in scene.architecture else 4
        self._usual: dict[str, int] = {}
        """How far back a register was set the last time that was asked."""

    def last(
        self,
        register: str,
        step: int,
        *,
        entries: bool = False,
        returns: bool = False,
        but: Collection[int] = (),
    ) -> Ran | None:
        """The last step before `step` in which the register may be set, by an instruction that is
        not at one of the addresses `but`; or an exception is entered, or returns.

        None: there is none, or none in `MOST_STEPS`. The machine is anywhere afterwards.
        """
        begin, high = self._scene.timeline.begin, step
        # In a loop it is about as far as the time before.
        size = max(_FIRST, min(self._usual.get(register, 0) * 5 // 4, _NEAR))
        while high > begin and step - high < MOST_STEPS:
            low, found = self._window(max(begin, high - size), high, register, returns, but)
            mark = self._scene.last_mark(high) if entries else None
            if mark is not None and mark.step >= max(low, found.step if found else 0):
                return Ran(mark.step, 0, None, mark)
            if found is not None and self._scene.marks(found.step, found.step + 1):
                high, size = found.step, _FIRST  # it was an entry, and no instruction
                continue
            if found is not None:
                self._usual[register] = step - found.step
                return found
            high, size = low, min(8 * size, _LONGEST)
        return None

    def setters(
        self, registers: Collection[str], low: int, high: int
    ) -> dict[str, set[int]] | None:
        """Addresses of the instructions that have set each register in these steps; None: code
        has changed meanwhile."""
        self._scene.go(low)
        raw, complete = self._scene.trace(high)
        if complete > low:
            return None
        found: dict[str, set[int]] = {name: set() for name in registers}
        for pc, physical, count in set(zip(*(raw[n::5] for n in range(1, 4)), strict=True)):
            for _, at, one in self._instructions(pc, physical, count):
                for name in one.sets & found.keys():
                    found[name].add(at)
        return found

    def times(self, pcs: Sequence[int], low: int, high: int) -> list[int]:
        """How often the instructions at some addresses have run in the steps from `low` to before
        `high`."""
        self._scene.go(low)
        raw, _ = self._scene.trace(high)
        found = [0] * len(pcs)
        for begin, physical, count, times in zip(*(raw[n::5] for n in range(1, 5)), strict=True):
            for number, pc in enumerate(pcs):
                if begin <= pc < begin + self._wide * count:
                    found[number] += times * self._contains(begin, physical, count, pc)
        return found

    def _contains(self, begin: int, physical: int, count: int, pc: int) -> bool:
        """So many instructions from `begin` on have the one at `pc`."""
        return any(at == pc for _, at, _ in self._instructions(begin, physical, count))

    def _window(
        self, low: int, high: int, register: str, returns: bool, but: Collection[int]
    ) -> tuple[int, Ran | None]:
        """From where on it was looked at, and what was found."""
        scene = self._scene
        scene.go(low)
        raw, complete = scene.trace(high)
        if complete == NEVER or complete >= high:
            low = max(low, high - _ALONE)
            return low, self._alone(low, high, register, returns, but)
        low = max(low, complete)
        found: Ran | None = None
        rows = zip(*(raw[n::5] for n in range(4)), strict=True)
        for begin, pc, physical, count in sorted(rows, reverse=True):
            if found is not None and begin + count <= found.step:
                continue
            if not count:
                if returns and begin >= low:
                    found = Ran(begin, 0, None, returns=True)
                continue
            setter = self._setter(pc, physical, count, register, but)
            if setter is not None and begin + setter[0] >= max(low, found.step if found else 0):
                found = Ran(begin + setter[0], setter[1], setter[2])
        return low, found

    def _setter(
        self, pc: int, physical: int, count: int, register: str, but: Collection[int]
    ) -> tuple[int, int, Instruction] | None:
        """Of so many instructions: number, address, and what it is, of the last that sets it."""
        found = None
        for n, at, one in self._instructions(pc, physical, count):
            if register in one.sets and at not in but:
                found = n, at, one
        return found

    def _instructions(
        self, pc: int, physical: int, count: int
    ) -> Iterator[tuple[int, int, Instruction]]:
        """So many: number, address, and what it is."""
        code = self._scene.timeline.machine.engine.read(physical, self._wide * min(count, 256))
        at = 0
        for n in range(count):
            one = self._decode(pc + at, code[at : at + self._wide])
            if one is None:
                break
            yield n, pc + at, one
            at += one.size

    def _alone(
        self, low: int, high: int, register: str, returns: bool, but: Collection[int]
    ) -> Ran | None:
        """The same of each step, with the code of that moment."""
        scene, found = self._scene, None
        marks = scene.marks(low, high)
        scene.go(low)
        exception = scene.timeline.cpu.exception_number()
        while scene.step < high:
            step, pc = scene.step, scene.pc
            code = scene.timeline.machine.read_memory(pc, self._wide)
            scene.one_step()
            before, exception = exception, scene.timeline.cpu.exception_number()
            if step in marks:
                continue
            one = self._decode(pc, code)
            if one is not None and one.leaves and before != exception:
                found = Ran(step, pc, one, returns=True) if returns else found
            elif one is not None and register in one.sets and pc not in but:
                found = Ran(step, pc, one)
        return found

    def _decode(self, pc: int, code: bytes) -> Instruction | None:
        key = pc, code
        if key not in self._decoded:
            self._decoded[key] = decode(self._scene.architecture, code, pc)
        return self._decoded[key]
