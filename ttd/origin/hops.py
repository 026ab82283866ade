"""One hop backwards: from a value to what it was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

from ttd.origin.bits import MEMORY
from ttd.origin.counters import Counted, Counters
from ttd.origin.ends import Ends
from ttd.origin.flow import Flow, Made
from ttd.origin.instructions import Instruction
from ttd.origin.parts import End, Hop, Memory, Part, Register
from ttd.origin.rows import Kind
from ttd.origin.scene import Mark, Scene, Write

_FLAGS = ("cpsr", "xpsr", "eflags")
_COUNTERS = ("pc", "rip")
_NOTHING = ("pc", "rip", "zero", "xzr", "wzr", "")
"""What has a value of its own wherever it is read."""
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
_ENTRY = "exception entry"
_PAGE = 1 << 12
_WIDEST = 8
"""Bytes of a row of which the value is told."""


class Hops:
    """Moves the machine. What it says is of the present branch."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._flow = Flow(scene)
        self._ends = Ends(scene)
        self._counters = Counters(scene, self._flow)
        cpu = scene.timeline.cpu
        self._stack = cpu.stack
        self._sizes = {one.name: max(1, one.bits // 8) for one in cpu.registers}
        self._word = cpu.word_size

    def whole(self, name: str) -> Register:
        return Register(name, 0, self._sizes.get(name, self._word))

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
            if name not in _NOTHING and name != self._stack:
                yield self.whole(name)

    def of(self, part: Part, step: int, but: Collection[int] = ()) -> Hop:
        """What made the value that a part has at `step`. Of a register, instructions at the
        addresses `but` are passed over. `CannotFollow` if it cannot be found out."""
        if isinstance(part, Memory):
            return self._memory(part, step)
        return self._register(part, step, but)

    # -- registers -------------------------------------------------------------------------

    def _register(self, part: Register, step: int, but: Collection[int]) -> Hop:
        scene = self._scene
        if part.name in _COUNTERS:
            return self._counter(part, step)
        made = self._flow.made(part.name, step, but)
        changed = scene.debug_write(part.name, 0, 0 if made is None else made.step + 1, step)
        if changed is not None:
            return self._ends.debugger(*changed)
        if made is None and part.name in self._flow.own:
            scene.go(step)
            text = (
                f"{part.name} = {self._of_register(part):#x}, which the processor changes by itself"
            )
            return Hop(step, Kind.UNKNOWN, f"{text}: it is followed no further.")
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
        scene.go(made.step + 1)
        value = self._of_register(part) if part.name in self._sizes else None
        told = found.text if value is None else f"{found.text}  {_named(part)} = {value:#x}"
        scene.go(made.step)
        if made.loads(part.name):
            return self._load(part, made, told, value)
        if found.system:
            end = self._ends.system(found.system, made.step)
            return Hop(made.step, Kind.ARITHMETIC, told, value, made.pc, ends=(end,))
        return self._computed(part, made.step, made.pc, found, told, value)

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
        value, exception = self._of_register(part), scene.timeline.cpu.exception_number()
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
            source = self.whole(found.target)
            return Hop(last, Kind.MOVE, told, value, pc, ((source, last),))
        goes_on = found is not None and value == pc + found.size
        why = "the instruction behind it" if goes_on else "where it leads"
        return Hop(last, Kind.CONSTANT, f"{told}, {why}", value, pc)

    def _entered(self, part: Register, mark: Mark) -> Hop:
        name = self._scene.words.exception(mark.number) or mark.number
        return Hop(mark.step, Kind.INTERRUPT, f"{part.name} was set by the entry of {name}")

    def _of_register(self, part: Register) -> int:
        value = self._scene.value(part.name)
        return value >> 8 * part.low & ((1 << 8 * part.size) - 1)

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
        text = f"{told} from {self._place(at)}"
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

    def _saved(
        self, part: Register, source: Memory, made: Made, text: str, value: int | None
    ) -> Hop | None:
        """The same register, if it was stored there only to be loaded now: all of it, by who keeps
        registers on a stack, or those that a function has to keep, as switches of tasks do."""
        if self._scene.symbols.variable(source.address) or not self._is_whole(part.name, made):
            return None
        stored = self._memory(source, made.step)
        if stored.ends or len(stored.sources) != 1 or stored.sources[0][0] != part:
            return None
        scene = self._scene
        if stored.pc is not None and part.name not in _KEPT and not made.returns:
            scene.go(stored.step)
            by = scene.instruction()
            if by is None or not {self._stack, *_FRAMES} & {*by.bases}:
                return None
        by_whom = "an exception's entry" if stored.pc is None else scene.code(stored.pc)
        text = f"{text}, where {by_whom} has saved it in step {stored.step}"
        return Hop(made.step, Kind.SAVED, text, value, made.pc, stored.sources)

    def _is_whole(self, name: str, made: Made) -> bool:
        """All of the register is loaded, and with nothing above it."""
        if made.returns or made.instruction is None:
            return True
        return made.instruction.width >= min(self._word, self._sizes.get(name, self._word))

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
        sources, ends = self._operands(found, step, part)
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

    def _operands(
        self, found: Instruction, step: int, into: Register
    ) -> tuple[tuple[tuple[Part, int], ...], tuple[End, ...]]:
        """What some bytes of a result, in a register or in `MEMORY`, are made of; the register that
        they go into comes last."""
        name = into.name
        parts = self._parts(found, into)
        ends = list[End]()
        if name != self._stack and any(one.name == self._stack for one in parts):
            parts = [one for one in parts if one.name != self._stack]
            at = self._scene.hex(self._scene.value(self._stack))
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
            names = [one for one in dict.fromkeys(reads) if one not in _NOTHING]
            values = [one for one in names if one not in _FLAGS]
            parts = [self.whole(one) for one in values or names]
            return parts + ([Register(MEMORY, 0, found.width)] if found.operand else [])
        mask = ((1 << 8 * into.size) - 1) << 8 * into.low
        wanted: dict[str, int] = {}
        for one, needs in made:
            size = found.width if one == MEMORY else self.whole(one).size
            bits = needs(mask, self._scene.value) & ((1 << 8 * size) - 1)
            if bits and one not in _NOTHING[:-1]:
                wanted[one] = wanted.get(one, 0) | bits
        return [part for one, bits in wanted.items() for part in _covering(one, bits)]

    # -- memory ----------------------------------------------------------------------------

    def asked(self, part: Memory, step: int) -> Hop:
        """As `of`; of a device's register, what was written there last."""
        self._scene.go(step)
        if self._scene.unit_at(part.address) is not None:
            hit = self._scene.last_write(part.address, part.size)
            if hit is not None and not hit.by:
                return self._stored(Memory(hit.address, hit.size), hit)
        return self._memory(part, step)

    def _memory(self, part: Memory, step: int) -> Hop:
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
            sources, ends = self._operands(
                found, hit.step, Register(MEMORY, part.address - begin, part.size)
            )
            if found.system:
                ends += (self._ends.system(found.system, hit.step),)
            if not sources and not ends:
                return self._constant(hit, told, value)
            return Hop(hit.step, Kind.STORE, told, value, hit.pc, sources, ends)
        if register.name in _NOTHING:
            return self._constant(hit, told, value)
        if register.name == self._stack:
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
        if register in ("pc", "xpsr"):
            return Hop(hit.step, Kind.INTERRUPT, f"{text}, which stacks {register}")
        source = Register(register, part.address % self._word, part.size)
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


def _named(part: Register) -> str:
    return part.name if part.low == 0 else f"{part.name} from byte {part.low} on"
