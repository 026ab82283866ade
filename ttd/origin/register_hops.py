"""One hop backwards from a register: what set it, and what that was made of."""

from __future__ import annotations

from collections.abc import Collection

from ttd.origin.ends import Ends
from ttd.origin.flow import Flow, Made
from ttd.origin.instructions import Instruction
from ttd.origin.memory_hops import MemoryHops
from ttd.origin.operands import Operands
from ttd.origin.parts import Hop, Memory, Register
from ttd.origin.rows import Kind
from ttd.origin.scene import Mark, Scene

_STACKS = ("msp", "psp")
_COUNTERS = ("pc", "rip")
_MOVES = ("mov", "movs", "mov.w", "movs.w", "mv", "c.mv", "uxtb", "uxth", "uxtb.w", "uxth.w")
"""Whose result has, byte for byte, what its only source has there."""
_KEPT = frozenset(
    (
        *(f"r{n}" for n in range(4, 16)),
        *(f"s{n}" for n in range(1, 12)),
        *(f"x{n}" for n in range(19, 31)),
        *("fp", "ra", "lr", "sp", "rbx", "rbp", "rsp"),
    )
)
"""Registers that functions have to keep (AAPCS32 and AAPCS64 6.1.1; RISC-V's ABI 1.1; the System V
ABI, 3.2.1)."""
_FRAMES = ("r7", "fp", "x29", "rbp")
"""Registers that are where a function's frame is."""


class RegisterHops:
    """Moves the machine."""

    def __init__(
        self, scene: Scene, flow: Flow, ends: Ends, operands: Operands, memory: MemoryHops
    ) -> None:
        self._scene = scene
        self._flow = flow
        self._ends = ends
        self._operands = operands
        self._memory = memory

    def of(self, part: Register, step: int, but: Collection[int]) -> Hop:
        """What made the value that is there at `step`; instructions at the addresses `but` are
        passed over. `CannotFollow`."""
        scene = self._scene
        if part.name in _COUNTERS:
            return self._counter(part, step)
        if part.name == "zero":
            return Hop(step, Kind.CONSTANT, "zero is 0", 0)
        if not self._flow.has_history(part.name):
            return self._own(part, step)
        made = self._flow.made(part.name, step, but)
        changed = scene.debug_write(part.name, 0, 0 if made is None else made.step + 1, step)
        if changed is not None:
            return self._ends.debugger(*changed)
        if made is None:
            begin = scene.timeline.begin
            return Hop(begin, Kind.FIRST, f"Nothing has set {part.name} since step {begin}.")
        if made.mark is not None:
            return self._entered(part, made.mark)
        if made.by_exception(part.name):
            text = f"{part.name} was set by the return from an exception"
            return Hop(made.step, Kind.INTERRUPT, text, None, made.pc)
        found = made.instruction
        assert found is not None
        scene.go(made.step)
        loaded = self._loaded(part, made)
        if loaded is None:
            scene.one_step()
        value = self._operands.value(part) if loaded is None else loaded
        told = found.text if value is None else f"{found.text}  {_named(part)} = {value:#x}"
        scene.go(made.step)
        if made.loads(part.name):
            return self._load(part, made, told, value)
        if found.system:
            end = self._ends.system(found.system, made.step)
            return Hop(made.step, Kind.ARITHMETIC, told, value, made.pc, ends=(end,))
        return self._computed(part, made.step, made.pc, found, told, value)

    def _own(self, part: Register, step: int) -> Hop:
        """Of a register that the processor changes."""
        scene, stack = self._scene, self._operands.stack
        scene.go(step)
        value = self._operands.value(part) or 0
        if part.name in _STACKS and value == scene.value(stack):
            text = f"{part.name} = {value:#x} is what {stack} has"
            sources = ((Register(stack, part.low, part.size), step),)
            return Hop(step, Kind.MOVE, text, value, sources=sources)
        text = f"{part.name} = {value:#x}, which the processor changes by itself"
        return Hop(step, Kind.UNKNOWN, f"{text}: it is followed no further.", value)

    def _counter(self, part: Register, step: int) -> Hop:
        """Why the program is where it is."""
        scene, last = self._scene, step - 1
        begin = scene.timeline.begin
        if step <= begin:
            return Hop(begin, Kind.FIRST, f"{part.name} is where the program begins.")
        mark = scene.marks(last, step).get(last)
        if mark is not None:
            return self._entered(part, mark)
        scene.go(step)
        value, exception = self._operands.value(part), scene.timeline.cpu.exception_number()
        scene.go(last)
        found, pc = scene.instruction(), scene.pc
        returns = (
            bool(found and found.leaves) and scene.timeline.cpu.exception_number() != exception
        )
        told = f"{'?' if found is None else found.text}  {_named(part)} = {value:#x}"
        made = Made(last, pc, found, returns=returns)
        if found is not None and made.loads(part.name):
            return self._load(part, made, told, value)
        if found is not None and found.target:
            source = self._operands.whole(found.target)
            return Hop(last, Kind.MOVE, told, value, pc, ((source, last),))
        goes_on = found is not None and value == pc + found.size
        why = "the instruction behind it" if goes_on else "where it leads"
        return Hop(last, Kind.CONSTANT, f"{told}, {why}", value, pc)

    def _entered(self, part: Register, mark: Mark) -> Hop:
        name = self._scene.words.exception(mark.number) or mark.number
        return Hop(mark.step, Kind.INTERRUPT, f"{part.name} was set by the entry of {name}")

    def _load(self, part: Register, made: Made, told: str, value: int | None) -> Hop:
        scene, found = self._scene, made.instruction
        assert found is not None
        at, width = self._flow.source(part.name, made)
        if part.low < width:
            source = Memory(at + part.low, min(part.size, width - part.low))
        elif found.signed:
            source = Memory(at + width - 1, 1)
        else:
            return Hop(made.step, Kind.CONSTANT, f"{told}, above what is loaded", value, made.pc)
        text = f"{told} from {scene.data(at)}"
        unit = scene.unit_at(at)
        if unit is not None:
            end, name = self._ends.register(
                unit.device, scene.physical(at), part.low, source.size, made.step
            )
            text = f"{told} from {name}"
            return Hop(made.step, Kind.DEVICE, text, value, made.pc, ends=(end,))
        sources = ((source, made.step),)
        saved = self._saved(part, source, made, text, value)
        kind = Kind.INTERRUPT if made.returns else Kind.LOAD
        return saved or Hop(made.step, kind, text, value, made.pc, sources)

    def _loaded(self, part: Register, made: Made) -> int | None:
        """What comes from memory as it is, and all of it; the machine is before the step."""
        if not made.loads(part.name):
            return None
        at, width = self._flow.source(part.name, made)
        if part.low + part.size > width or self._scene.unit_at(at) is not None:
            return None
        data = self._scene.bytes_at(self._scene.physical(at + part.low), part.size)
        return int.from_bytes(data, "little") if len(data) == part.size else None

    def _saved(
        self, part: Register, source: Memory, made: Made, text: str, value: int | None
    ) -> Hop | None:
        """The same register, if it was stored there only to be loaded now: all of it, by who keeps
        registers on a stack, or those that a function has to keep, as switches of tasks do."""
        if self._scene.symbols.variable(source.address) or not self._is_whole(part.name, made):
            return None
        stored = self._memory.of(source, made.step)
        if stored.ends or len(stored.sources) != 1 or stored.sources[0][0] != part:
            return None
        scene = self._scene
        if stored.pc is not None and part.name not in _KEPT and not made.returns:
            scene.go(stored.step)
            by = scene.instruction()
            if by is None or not {self._operands.stack, *_FRAMES} & {*by.bases}:
                return None
        by_whom = "an exception's entry" if stored.pc is None else scene.code(stored.pc)
        text = f"{text}, where {by_whom} has saved it in step {stored.step}"
        return Hop(made.step, Kind.SAVED, text, value, made.pc, stored.sources)

    def _is_whole(self, name: str, made: Made) -> bool:
        """All of the register is loaded, and with nothing above it."""
        if made.returns or made.instruction is None:
            return True
        return made.instruction.width >= min(self._operands.word, self._operands.whole(name).size)

    def _computed(
        self,
        part: Register,
        step: int,
        pc: int,
        found: Instruction,
        told: str,
        value: int | None,
    ) -> Hop:
        """The result of the instruction, before which the machine is."""
        sources, ends = self._operands.of(found, step, part)
        kind = Kind.ARITHMETIC
        name = found.text.partition(" ")[0]
        if len(sources) == 1 and not ends and name in _MOVES:
            ((source, _),) = sources
            if isinstance(source, Register) and (source.low, source.size) == (part.low, part.size):
                kind = Kind.MOVE
        if not sources and not ends:
            calls = part.name in ("lr", "ra", "x30")
            what = "the address to return to" if calls else "a constant of the program"
            return Hop(step, Kind.CONSTANT, f"{told}, {what}", value, pc)
        return Hop(step, kind, told, value, pc, sources, ends)


def _named(part: Register) -> str:
    return part.name if part.low == 0 else f"{part.name} from byte {part.low} on"
