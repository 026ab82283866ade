"""One hop backwards: from a value to what it was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ttd.origin.counters import Counted, Counters
from ttd.origin.ends import Ends
from ttd.origin.flow import Flow
from ttd.origin.memory_hops import MemoryHops
from ttd.origin.operands import NOTHING, Operands
from ttd.origin.parts import Hop, Memory, Part, Register
from ttd.origin.register_hops import RegisterHops
from ttd.origin.rounds import Rounds
from ttd.origin.rows import Kind
from ttd.origin.scene import Scene


class Hops:
    """Moves the machine. What it says is of the present branch."""

    def __init__(self, scene: Scene) -> None:
        flow, ends = Flow(scene), Ends(scene)
        self._scene = scene
        self._flow = flow
        self._counters = Counters(scene, flow)
        self._operands = Operands(scene, flow)
        self._memory = MemoryHops(scene, flow, ends, self._operands)
        self._registers = RegisterHops(scene, flow, ends, self._operands, self._memory)
        self.rounds = Rounds(scene, flow, self._operands)
        self.whole = self._operands.whole
        self.asked = self._memory.asked

    def times(self, hop: Hop, low: int, high: int) -> int:
        """How often its instruction has run in these steps."""
        assert hop.pc is not None
        return self._flow.times([hop.pc], low, high)[0]

    def counted(self, part: Part, hop: Hop) -> Counted | None:
        """If a store does nothing but to change what it stores to, time and again."""
        if hop.kind is not Kind.STORE or not isinstance(part, Memory):
            return None
        return self._counters.of(part, hop)

    def addressed(self, hop: Hop) -> Iterator[Register]:
        """The registers that the address of a load or a store was made of, at its step; none of
        the stack pointer."""
        if hop.pc is None or hop.kind not in (Kind.LOAD, Kind.STORE, Kind.DEVICE):
            return
        self._scene.go(hop.step)
        found = self._scene.instruction()
        for name in found.bases if found is not None else ():
            if name not in NOTHING and name != self._operands.stack:
                yield self._operands.whole(name)

    def of(self, part: Part, step: int, but: Collection[int] = ()) -> Hop:
        """What made the value that a part has at `step`. Of a register, instructions at the
        addresses `but` are passed over. `CannotFollow` if it cannot be found out."""
        if isinstance(part, Memory):
            return self._memory.of(part, step)
        return self._registers.of(part, step, but)
