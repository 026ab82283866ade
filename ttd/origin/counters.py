"""Variables that one place in the program counts up: what they were before it did so first."""

from __future__ import annotations

from ttd.origin.flow import Flow
from ttd.origin.instructions import Instruction
from ttd.origin.parts import Hop, Memory
from ttd.origin.scene import Scene
from ttd.search import Question, Range, What, answer
from ttd.values import dataclass

_LONGEST = 8
"""Instructions from the load of a variable to the store of what is made of it."""
_MOST_ROWS = 2_000_000
"""Writes that are looked through."""
_TRIED = (0x1000, 0x7654320)
"""What registers may hold, to see whether two addresses are made alike."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Writes of a variable by one instruction alone, which makes them of what was there."""

    times: int
    before: int
    """The position behind the last write by another."""


class Counters:
    """Moves the machine."""

    def __init__(self, scene: Scene, flow: Flow) -> None:
        self._scene = scene
        self._flow = flow

    def of(self, part: Memory, hop: Hop) -> Counted | None:
        """Of the store that a hop tells of; None: it may store something else at times."""
        if hop.pc is None or not self._counts(part, hop.step, hop.pc):
            return None
        ranges = (Range(part.address, part.address + part.size),)
        begin, times = self._scene.timeline.begin, 0
        question = Question(What.WRITTEN, ranges, end=hop.step + 1, backward=True)
        before = begin
        for row in answer(self._scene.timeline, question):
            if row.pc != hop.pc or row.by or times == _MOST_ROWS:
                before = row.step + 1
                break
            times += 1
        where = part.address
        changed = self._scene.debug_write(where, part.size, before, hop.step)
        return None if changed is not None or times < 2 else Counted(times, before)

    def _counts(self, part: Memory, step: int, pc: int) -> bool:
        """The instruction stores what was loaded from there right before it, and computed with
        nothing from elsewhere; whenever it runs, that has run."""
        scene = self._scene
        scene.go(step)
        store = scene.instruction()
        if store is None or len(store.stores) != 1 or store.copies is not None:
            return False
        if not store.stores[0][2]:
            return store.operand and not store.reads and not store.system
        register, between = store.stores[0][2], list[Instruction]()
        for back in range(1, min(_LONGEST, step - scene.timeline.begin) + 1):
            scene.go(step - back)
            found, at = scene.instruction(), scene.pc
            if found is None or at + found.size + sum(one.size for one in between) != pc:
                return False
            if found.loads and register in found.loads:
                break
            if register in found.sets:
                if set(found.reads) - {register} or found.operand or found.system:
                    return False
            elif found.sets & set(store.bases) or found.text.startswith("it"):
                return False
            between.insert(0, found)
        else:
            return False
        if set(found.loads) & set(store.bases) or not _alike(found, register, store):
            return False
        loaded, stored = self._flow.times([at, pc], scene.timeline.begin, step + 1)
        return loaded == stored


def _alike(load: Instruction, register: str, store: Instruction) -> bool:
    """They access the same place, as long as no register changes."""
    if load.address is None or store.address is None or load.sets & set(load.bases):
        return False
    at, (offset, size, _) = load.loads[register], store.stores[0]
    width = load.width == size
    return width and all(
        load.address(lambda name, n=n: n + sum(map(ord, name))) + at  # type: ignore[misc]
        == store.address(lambda name, n=n: n + sum(map(ord, name))) + offset  # type: ignore[misc]
        for n in _TRIED
    )
