"""One hop backwards from memory: who wrote it, and what that was made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ttd.origin.bits import MEMORY
from ttd.origin.ends import Ends
from ttd.origin.flow import Flow
from ttd.origin.instructions import Instruction
from ttd.origin.operands import NOTHING, Operands
from ttd.origin.parts import End, Hop, Memory, Part, Register
from ttd.origin.rows import Kind
from ttd.origin.scene import Scene, Write

_ENTRY = "exception entry"
_PAGE = 1 << 12


class MemoryHops:
    """Moves the machine."""

    def __init__(self, scene: Scene, flow: Flow, ends: Ends, operands: Operands) -> None:
        self._scene = scene
        self._flow = flow
        self._ends = ends
        self._operands = operands
        self._known: dict[tuple[Memory, int], Hop] = {}

    def asked(self, part: Memory, step: int) -> Hop:
        """As `of`; of a device's register, what was written there last."""
        self._scene.go(step)
        if self._scene.unit_at(part.address) is not None:
            hit = self._scene.last_write(part.address, part.size)
            if hit is not None and not hit.by:
                return self._stored(Memory(hit.address, hit.size), hit)
        return self.of(part, step)

    def of(self, part: Memory, step: int) -> Hop:
        """What made the value that is there at `step`. `CannotFollow`."""
        found = self._known.get((part, step))
        if found is None:
            found = self._known[part, step] = self._of(part, step)
        return found

    def _of(self, part: Memory, step: int) -> Hop:
        scene = self._scene
        scene.go(step)
        unit = scene.unit_at(part.address)
        if unit is not None:
            end, text = self._ends.register(
                unit.device, scene.physical(part.address), 0, part.size, step
            )
            return Hop(step, Kind.DEVICE, text, ends=(end,))
        if scene.paged and part.address % _PAGE + part.size > _PAGE:
            return self._two_pages(part, step)
        physical = scene.physical(part.address)
        hit = scene.last_write(part.address, part.size)
        since = 0 if hit is None else hit.step + 1
        changed = scene.debug_write(physical, part.size, since, step)
        if changed is not None:
            return self._ends.debugger(*changed)
        if hit is None:
            return self._unwritten(part, step)
        low = max(part.address, hit.address)
        high = min(part.address + part.size, hit.address + hit.size)
        if low > part.address or high < part.address + part.size:
            return self._several(part, low, high, step)
        if not hit.by:
            return self._stored(part, hit)
        if hit.by.startswith(_ENTRY):
            return self._stacked(part, hit)
        return self._ends.written(hit, part.address, part.size)

    def _two_pages(self, part: Memory, step: int) -> Hop:
        size = _PAGE - part.address % _PAGE
        pieces = Memory(part.address, size), Memory(part.address + size, part.size - size)
        text = f"{part.size} bytes at {self._place(part.address)}, in two pages"
        return Hop(step, Kind.PARTS, text, sources=tuple((one, step) for one in pieces))

    def _unwritten(self, part: Memory, step: int) -> Hop:
        """The images that have it may end in the middle."""
        physical = self._scene.physical(part.address)
        pieces = list(self._ends.pieces(physical, part.size))
        if len(pieces) == 1:
            return self._ends.image(part, physical)
        text = f"{part.size} bytes at {self._place(part.address)}, of several"
        sources = tuple((Memory(part.address + at, size), step) for at, size in pieces)
        return Hop(step, Kind.PARTS, text, sources=sources)

    def _several(self, part: Memory, low: int, high: int, step: int) -> Hop:
        """Bytes from `low` to before `high` have been written last; the others?"""
        pieces = [Memory(low, high - low)]
        end = part.address + part.size
        left = [one for one in ((part.address, low), (high, end)) if one[0] < one[1]]
        while left:
            begin, end = left.pop()
            self._scene.go(step)
            hit = self._scene.last_write(begin, end - begin)
            low, high = begin, end
            if hit is not None:
                low, high = max(begin, hit.address), min(end, hit.address + hit.size)
            pieces.append(Memory(low, high - low))
            left += [one for one in ((begin, low), (high, end)) if one[0] < one[1]]
        pieces.sort(key=lambda one: one.address)
        text = f"{part.size} bytes at {self._place(part.address)}, of several writes"
        return Hop(step, Kind.PARTS, text, sources=tuple((one, step) for one in pieces))

    def _stored(self, part: Memory, hit: Write) -> Hop:
        """By the instruction of the step, before which the machine is then."""
        scene = self._scene
        scene.go(hit.step)
        found = scene.instruction()
        start = None if found is None else self._flow.address(found)
        # What it calls the place may be another address than where it was asked about.
        begin = 0 if start is None else scene.physical(start) + hit.shift
        value = hit.value >> 8 * (part.address - hit.address) & ((1 << 8 * part.size) - 1)
        if found is None or start is None:
            end = End(Kind.UNKNOWN, "What this instruction stores is not known.")
            text = f"{'?' if found is None else found.text} to {self._place(part.address)}"
            return Hop(hit.step, Kind.STORE, text, value, hit.pc, ends=(end,))
        told = f"{found.text}  {self._place(part.address)} = {value:#x}"
        if found.copies is not None:
            at = found.copies(scene.value) + part.address - begin
            sources: tuple[tuple[Part, int], ...] = ((Memory(at, part.size), hit.step),)
            return Hop(hit.step, Kind.STORE, told, value, hit.pc, sources)
        pieces = list(_pieces(found, begin, part))
        if len(pieces) > 1:
            sources = tuple((one, hit.step) for one in pieces if isinstance(one, Register))
            return Hop(hit.step, Kind.STORE, told, value, hit.pc, sources)
        register = pieces[0] if pieces else None
        if register is None:
            sources, ends = self._operands.of(
                found, hit.step, Register(MEMORY, part.address - begin, part.size)
            )
            if found.system:
                ends += (self._ends.system(found.system, hit.step),)
            if not sources and not ends:
                return self._constant(hit, told, value)
            return Hop(hit.step, Kind.STORE, told, value, hit.pc, sources, ends)
        if register.name in NOTHING:
            return self._constant(hit, told, value)
        if register.name == self._operands.stack:
            stack = End(Kind.STACK, "the stack pointer")
            return Hop(hit.step, Kind.STORE, told, value, hit.pc, ends=(stack,))
        return Hop(hit.step, Kind.STORE, told, value, hit.pc, ((register, hit.step),))

    def _constant(self, hit: Write, told: str, value: int) -> Hop:
        text = f"{told}, a constant of the program"
        return Hop(hit.step, Kind.CONSTANT, text, value, hit.pc)

    def _stacked(self, part: Memory, hit: Write) -> Hop:
        """What an exception's entry has put on the stack; the machine is behind it."""
        scene = self._scene
        scene.go(hit.step + 1)
        register = self._flow.stacked(part.address)
        text = f"{self._place(part.address)} was written by {hit.by}"
        if register is None:
            end = End(Kind.UNKNOWN, "It is followed no further.")
            return Hop(hit.step, Kind.INTERRUPT, text, ends=(end,))
        if register == "pc":
            return Hop(hit.step, Kind.INTERRUPT, f"{text}, which stacks {register}")
        source = Register(register, part.address % self._operands.word, part.size)
        text = f"{text}, which stacks {register}"
        return Hop(hit.step, Kind.INTERRUPT, text, sources=((source, hit.step),))

    def _place(self, address: int) -> str:
        return self._scene.data(address)


def _pieces(found: Instruction, start: int, part: Memory) -> Iterator[Register | None]:
    """Which bytes of which registers an instruction stores there; None: it computes them."""
    sole = found.stores[0] if len(found.stores) == 1 else None

    def at(address: int) -> tuple[str, int] | None:
        for offset, size, name in found.stores:
            low = address - start - offset
            if name and (0 <= low < size):
                return name, low
        if sole and sole[2]:  # again and again, by a prefix
            return sole[2], (address - start - sole[0]) % sole[1]
        return None

    places = [at(part.address + n) for n in range(part.size)]
    for name, group in groupby(places, key=lambda one: "" if one is None else one[0]):
        lows = [one[1] for one in group if one is not None]
        yield Register(name, lows[0], len(lows)) if name else None
