"""What the result of an instruction is made of."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.origin.bits import MEMORY
from ttd.origin.flow import Flow
from ttd.origin.instructions import Instruction
from ttd.origin.parts import End, Memory, Part, Register
from ttd.origin.rows import Kind
from ttd.origin.scene import Scene

NOTHING = ("pc", "rip", "zero", "xzr", "wzr", "")
"""What has a value of its own wherever it is read."""
_FLAGS = ("cpsr", "xpsr", "eflags")


class Operands:
    """Registers by their sizes, and those of the instruction before which the machine is."""

    def __init__(self, scene: Scene, flow: Flow) -> None:
        self._scene = scene
        self._flow = flow
        cpu = scene.timeline.cpu
        self.stack = cpu.stack
        """The stack pointer's name."""
        self.word: int = cpu.word_size
        """In bytes."""
        self._sizes = {one.name: max(1, one.bits // 8) for one in cpu.registers}

    def whole(self, name: str) -> Register:
        return Register(name, 0, self._sizes.get(name, self.word))

    def value(self, part: Register) -> int | None:
        """What is there now; None of a register that cannot be read."""
        if part.name not in self._sizes:
            return None
        return self._scene.value(part.name) >> 8 * part.low & ((1 << 8 * part.size) - 1)

    def of(
        self, found: Instruction, step: int, into: Register
    ) -> tuple[tuple[tuple[Part, int], ...], tuple[End, ...]]:
        """What some bytes of a result, in a register or in `MEMORY`, are made of; the register that
        they go into comes last."""
        name = into.name
        parts = self._parts(found, into)
        ends = list[End]()
        if name != self.stack and any(one.name == self.stack for one in parts):
            parts = [one for one in parts if one.name != self.stack]
            at = self._scene.hex(self._scene.value(self.stack))
            ends.append(End(Kind.STACK, f"the stack pointer, {at}"))
        sources: list[tuple[Part, int]] = []
        for one in sorted(parts, key=lambda one: (one.name == name, one.name != MEMORY)):
            if one.name != MEMORY:
                sources.append((one, step))
                continue
            address = self._flow.address(found)
            assert address is not None
            sources.insert(0, (Memory(address + one.low, one.size), step))
        return tuple(sources), tuple(ends)

    def _parts(self, found: Instruction, into: Register) -> list[Register]:
        """Which bytes of which registers, and of `MEMORY`, are in them."""
        name = into.name
        made = found.made.get(name)
        if made is None:
            reads = list(found.reads)
            if name in found.bases and name not in reads and not found.loads.get(name):
                reads = [name]  # a base that goes on
            names = [one for one in dict.fromkeys(reads) if one not in NOTHING]
            values = [one for one in names if one not in _FLAGS]
            parts = [self.whole(one) for one in values or names]
            return parts + ([Register(MEMORY, 0, found.width)] if found.operand else [])
        mask = ((1 << 8 * into.size) - 1) << 8 * into.low
        wanted: dict[str, int] = {}
        for one, needs in made:
            size = found.width if one == MEMORY else self.whole(one).size
            bits = needs(mask, self._scene.value) & ((1 << 8 * size) - 1)
            if bits and one not in NOTHING[:-1]:
                wanted[one] = wanted.get(one, 0) | bits
        return [part for one, bits in wanted.items() for part in _covering(one, bits)]


def _covering(name: str, bits: int) -> Iterator[Register]:
    """The bytes that have some of the bits, one part for those side by side."""
    at = 0
    while bits >> 8 * at:
        if bits >> 8 * at & 0xFF:
            size = 1
            while bits >> 8 * (at + size) & 0xFF:
                size += 1
            yield Register(name, at, size)
            at += size
        else:
            at += 1
