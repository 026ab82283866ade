"""Many rounds of a loop at once: a value that goes through the same few places again and again.

Where a register was set, and where it was kept meanwhile, is asked for all rounds together; then
nothing has to be run for each of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import compress

from ttd.origin.bits import MEMORY
from ttd.origin.flow import FRAME, Flow, Made
from ttd.origin.operands import Operands
from ttd.origin.parts import Hop, Memory, Part, Register
from ttd.origin.rows import Kind
from ttd.origin.scene import Scene
from ttd.recording.events import Kind as EventKind
from ttd.search import Range, Row, What
from ttd.values import dataclass

_WINDOW = 1 << 24
"""Steps that are asked about at once."""
_IT = 0xBF


@dataclass(frozen=True, slots=True)
class Circle:
    """The places of one round: instructions by their addresses, and what each takes its value from:
    another register, or memory."""

    moves: dict[int, tuple[str, str]]
    loads: dict[int, tuple[str, Memory]]
    stores: dict[int, tuple[Memory, str]]

    @property
    def registers(self) -> set[str]:
        loaded = {name for name, _ in self.loads.values()}
        return loaded | {one for pair in self.moves.values() for one in pair}

    @property
    def slots(self) -> set[Memory]:
        return {slot for _, slot in self.loads.values()}


@dataclass(frozen=True, slots=True)
class Back:
    """Where a value was, so many rounds earlier."""

    part: Register
    step: int
    rounds: int


class Rounds:
    """Moves the machine."""

    def __init__(self, scene: Scene, flow: Flow, operands: Operands) -> None:
        self._scene = scene
        self._flow = flow
        self._operands = operands

    def back(self, part: Register, step: int, walked: Sequence[tuple[Part, Hop]]) -> Back | None:
        """From the value that a register has at `step`, where a round begins, as far as it goes
        round in the way in which it has; None: it cannot be said. `walked`: one round."""
        if self._scene.paged:
            return None  # what is at an address differs from one address space to the other
        circle = self._circle(part, walked)
        if circle is None or self._scene.events((EventKind.DEBUG_WRITE,), 0, step):
            return None
        counted = next(pc for hop in walked if (pc := hop[1].pc) is not None)
        here: str | Memory = part.name
        at, rounds = step, 0
        while at > self._scene.timeline.begin:
            window = self._window(circle, at)
            if window is None:
                break
            here, at, more = window.walk(here, at, counted)
            rounds += more
            if at > window.low:
                break
        if not rounds or isinstance(here, Memory):
            return None
        return Back(Register(here, part.low, part.size), at, rounds)

    # -- the round -------------------------------------------------------------------------

    def _circle(self, first: Register, walked: Sequence[tuple[Part, Hop]]) -> Circle | None:
        circle = Circle({}, {}, {})
        for part, hop in walked:
            if hop.pc is None or len(hop.sources) != 1 or hop.ends:
                return None
            ((source, _),) = hop.sources
            if not self._is_alike(part, first) or not self._is_alike(source, first):
                return None
            if not self._put(circle, part, hop, source):
                return None
        return circle if circle.registers and len(circle.slots) <= 8 else None

    @staticmethod
    def _is_alike(part: Part, first: Register) -> bool:
        if isinstance(part, Memory):
            return part.size == first.size
        return (part.low, part.size) == (first.low, first.size) and part.name not in FRAME

    def _put(self, circle: Circle, part: Part, hop: Hop, source: Part) -> bool:
        scene = self._scene
        scene.go(hop.step)
        found, pc = scene.instruction(), hop.pc
        if found is None or pc is None or found.leaves:
            return False
        if isinstance(part, Memory):
            slot = Memory(part.address, part.size)
            if not isinstance(source, Register):
                return False
            circle.stores[pc] = slot, source.name
            return True
        if hop.kind in (Kind.SAVED, Kind.LOAD):
            at, width = self._flow.source(part.name, Made(hop.step, pc, found))
            slot = Memory(at + part.low, part.size)
            if width != part.size or part.low:
                return False
            circle.loads[pc] = part.name, slot
            if hop.kind is Kind.SAVED:
                hit = scene.last_write(at, width)
                if hit is None or hit.by or (hit.address, hit.size) != (at, width):
                    return False
                circle.stores[hit.pc] = slot, part.name
            return True
        made = found.made.get(part.name)
        names = {*found.reads} if made is None else {name for name, _ in made}
        if not isinstance(source, Register) or names != {source.name} or MEMORY in names:
            return False
        circle.moves[pc] = part.name, source.name
        return True

    # -- all that has happened to its places ---------------------------------------------------

    def _window(self, circle: Circle, high: int) -> _Window | None:
        """The steps before `high`, as many as can be told of; None: it cannot be said."""
        low = max(self._scene.timeline.begin, high - _WINDOW)
        setters = self._flow.setters(circle.registers, low, high)
        if setters is None or any(self._in_it_block(pc) for pcs in setters.values() for pc in pcs):
            return None
        every = sorted({pc for pcs in setters.values() for pc in pcs})
        if not every:
            return None
        slots = [Range(one.address, one.address + one.size) for one in circle.slots]
        ran = self._scene.ran(every, slots, low, high)
        sets: dict[str, tuple[list[int], list[int]]] = {}
        for name, setting in setters.items():
            its = [pc in setting for pc in ran.pcs]
            sets[name] = list(compress(ran.steps, its)), list(compress(ran.pcs, its))
        return _Window(circle, ran.low, sets, ran.accesses)

    def _in_it_block(self, pc: int) -> bool:
        """It may be left out (DDI0403E A7.3.3)."""
        if self._scene.architecture != "arm":
            return False
        code = self._scene.bytes_at(pc - 16, 16)
        return any(code[n + 1] == _IT and code[n] & 0xF for n in range(0, len(code) - 1, 2))


class _Window:
    """Some steps, of which all is known that has happened to the places of a circle."""

    def __init__(
        self,
        circle: Circle,
        low: int,
        sets: dict[str, tuple[list[int], list[int]]],
        accesses: list[Row],
    ) -> None:
        """`sets`: of each register the steps in which it was set, ascending, and where."""
        self._circle = circle
        self.low = low
        self._sets = sets
        self._writes = {slot: list(_of(slot, accesses, What.WRITTEN)) for slot in circle.slots}
        self._reads = {
            slot: {row.step for row in _of(slot, accesses, What.READ)} for slot in circle.slots
        }

    def walk(self, here: str | Memory, at: int, counted: int) -> tuple[str | Memory, int, int]:
        """From what a register, or memory, has at a position: where that was, and how often it has
        been made by the instruction at `counted` since. At `low` it may go on."""
        rounds = 0
        while True:
            found = self._made(here, at)
            if found is None:
                return here, self.low, rounds
            step, pc, before = found
            if before is None:
                return here, step + 1, rounds
            rounds += pc == counted
            here, at = before, step

    def _made(self, here: str | Memory, at: int) -> tuple[int, int, str | Memory | None] | None:
        """The step that made it, the instruction, and what of; None: it is not of the circle, or
        all: it was before these steps."""
        if isinstance(here, Memory):
            return self._stored(here, at)
        steps, pcs = self._sets[here]
        index = bisect_left(steps, at) - 1
        if index < 0:
            return None
        step, pc = steps[index], pcs[index]
        move, load = self._circle.moves.get(pc), self._circle.loads.get(pc)
        if move is not None and move[0] == here:
            return step, pc, move[1]
        if load is not None and load[0] == here and step in self._reads[load[1]]:
            return step, pc, load[1]
        return step, pc, None

    def _stored(self, slot: Memory, at: int) -> tuple[int, int, str | None] | None:
        writes = self._writes[slot]
        index = bisect_left(writes, at, key=lambda row: row.step) - 1
        if index < 0:
            return None
        row = writes[index]
        store = self._circle.stores.get(row.pc or 0)
        whole = (row.address, row.size) == (slot.address, slot.size)
        known = not row.by and store is not None and store[0] == slot and whole
        return row.step, row.pc or 0, store[1] if known and store is not None else None


def _of(slot: Memory, rows: Sequence[Row], kind: What) -> Iterator[Row]:
    end = slot.address + slot.size
    for row in rows:
        if row.kind is kind and row.address < end and slot.address < row.address + row.size:
            yield row
