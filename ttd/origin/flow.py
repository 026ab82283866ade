"""Where a value came from: backwards from a register to what loaded it, to who wrote that word."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from ttd.origin.executed import MOST_STEPS, Executed, Ran
from ttd.origin.instructions import Instruction
from ttd.origin.riscv_csr import OWN, TRAPS
from ttd.origin.scene import CannotFollow, Mark, Scene
from ttd.origin.thumb_bits import FLAGS
from ttd.recording.events import Kind
from ttd.values import dataclass

MOST_HOPS = 24
"""Instructions from one register to another, or to memory."""
MOST_SAVED = 1000
"""Times in a row that a register has been saved and restored."""
_MOST_SKIPPED = 1000
"""Times in a row that an IT block leaves out what would set a register."""
_CONSTANT = "That is a constant of the program."
FRAME = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
"""What an exception entry of the M profile stacks (DDI0403E B1.5.6)."""
_FOLLOWED = {
    "arm": r"r\d+|sp|lr|pc|xpsr|primask|basepri",
    "aarch64": r"[xv]\d+|sp|pc|cpsr|(tpidr|vbar|ttbr|mair|tcr|sctlr|cpacr).*",
    "i386:x86-64": r"r[a-ds][xip]|r[bs]p|r\d+|rip|eflags|xmm\d+",
}
"""Registers that are followed."""
_EXC_RETURN, _PROCESS_STACK = 0xFFFFFF00, 4


@dataclass(frozen=True, slots=True)
class Made:
    """The step that gave a register its value; `mark`: it is an exception entry."""

    step: int
    pc: int
    instruction: Instruction | None
    mark: Mark | None = None
    returns: bool = False
    """It is an exception return, which loads registers from the stack."""

    def loads(self, register: str) -> bool:
        """From memory."""
        if self.returns:
            return register in FRAME
        return self.instruction is not None and register in self.instruction.loads

    def by_exception(self, register: str) -> bool:
        """The entry of an exception has set it, or the return from one, to no value from memory."""
        return self.mark is not None or (self.returns and register not in FRAME)


class Flow:
    """Goes from the present value of a register backwards; each line says one step of that."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._arm = scene.architecture == "arm"
        self._entered: Collection[str] = ()
        """Registers that the entry of an exception sets."""
        if self._arm:
            self._entered = ("lr", "sp")
        elif scene.architecture.startswith("riscv"):
            self._entered = TRAPS
        self._executed = Executed(scene)
        self._mask = (1 << 8 * scene.timeline.cpu.word_size) - 1

    def has_history(self, register: str) -> bool:
        """Only what instructions and exceptions are known to do to it changes it."""
        architecture = self._scene.architecture
        if architecture.startswith("riscv"):
            return register not in OWN
        return re.fullmatch(_FOLLOWED[architecture], register) is not None

    def address(self, instruction: Instruction) -> int | None:
        """What the instruction at PC accesses."""
        if instruction.address is None:
            return None
        return instruction.address(self._scene.value) & self._mask

    def lines(self, register: str) -> Iterator[str]:
        """Where the value that `register` has at the present position came from."""
        return self._chain(register, None)

    def loaded(self, register: str, instruction: Instruction) -> Iterator[str]:
        """Where the value came from that the instruction at PC is about to load."""
        made = Made(self._scene.step, self._scene.pc, instruction)
        return islice(self._chain(register, made), 1, None)

    def _chain(self, register: str, made: Made | None) -> Iterator[str]:
        hops, saved = 0, 0
        while hops < MOST_HOPS and saved < MOST_SAVED:
            made = made or self.made(register, self._scene.step)
            if made is None or made.by_exception(register):
                yield from _more(saved)
                yield self._unmade(register, made)
                return
            lines, following = self._hop(register, made)
            if following == register and made.loads(register):
                # A register that is saved and restored, maybe very often, by a switch of tasks.
                if not saved:
                    yield from lines
                saved, made = saved + 1, None
                continue
            yield from _more(saved)
            yield from lines
            if following is None:
                return
            hops, saved, register, made = hops + 1, 0, following, None
        yield from _more(saved)
        yield "It is followed no further."

    def _unmade(self, register: str, made: Made | None) -> str:
        scene = self._scene
        if made is not None and made.mark is None:
            return scene.line(made.step, made.pc, f"{register} was set by the exception's return")
        if made is None or made.mark is None:
            return f"Nothing has set {register} since step {scene.timeline.begin}."
        name = scene.words.exception(made.mark.number)
        return f"{made.step:>14}  {register} was set by the entry of {name}"

    def _hop(self, register: str, made: Made) -> tuple[list[str], str | None]:
        """What made the value, and the register that has it before that, where the machine is
        then; None if it is followed no further."""
        scene, found = self._scene, made.instruction
        assert found is not None
        scene.go(made.step + 1)
        text = f"{found.text:<24} {register} = {scene.hex(scene.value(register))}"
        scene.go(made.step)
        if not made.loads(register):
            following, why = self._operand(found)
            return [scene.line(made.step, made.pc, text), *([why] if why else [])], following
        at, size = self.source(register, made)
        load = scene.line(made.step, made.pc, f"{text} from {scene.hex(at)}")
        store, following = self._written(at, size)
        if following == "zero":
            return [load, store, _CONSTANT], None
        return [load, store], None if following == "pc" else following

    def _operand(self, found: Instruction) -> tuple[str | None, str]:
        """The register that the result of the instruction at PC is made of, or why none is."""
        scene = self._scene
        sources = [one for one in found.reads if one != "pc"]
        if found.operand or found.system:
            return None, "That is computed from more than registers; it is followed no further."
        if len(sources) == 1 and sources[0] != "sp":
            return sources[0], ""
        if not sources:
            return None, _CONSTANT
        values = " and ".join(f"{one} = {scene.hex(scene.value(one))}" for one in sources)
        return None, f"That is computed from {values}; it is followed no further."

    def source(self, register: str, made: Made) -> tuple[int, int]:
        """Address and size of what the instruction at PC loads the register from."""
        assert made.instruction is not None
        if not made.returns:
            address = self.address(made.instruction)
            assert address is not None
            return (address + made.instruction.loads[register]) & self._mask, (
                made.instruction.width
            )
        scene = self._scene
        came = scene.value(made.instruction.target) if made.instruction.target else None
        if came is None:
            address = self.address(made.instruction) or 0
            at = address + made.instruction.loads["pc"]
            came = int.from_bytes(scene.timeline.probe.read_memory(at, 4), "little")
        # What the return itself pops from the main stack is not of the frame.
        popped = 4 * len(made.instruction.loads)
        frame = scene.value("psp") if came & _PROCESS_STACK else scene.value("msp") + popped
        return (frame + 4 * FRAME.index(register)) & self._mask, 4

    def _written(self, address: int, size: int) -> tuple[str, str | None]:
        """Who wrote there last, and which register went there; be where it has that value."""
        scene = self._scene
        load = scene.step
        hit = scene.last_write(address, size)
        where = scene.hex(address)
        changed = scene.events((Kind.DEBUG_WRITE,), 0 if hit is None else hit.step + 1, load)
        for number, event in reversed(changed):
            text = scene.words.text(event)
            if text.startswith(f"{Kind.DEBUG_WRITE.name.lower()} memory {address:#x},"):
                return f"{event.step:>14}  a debugger wrote it (event {number})", None
        if hit is None:
            return f"Nothing has written {where}: it has what was there at the start.", None
        at = hit.step
        if hit.by:
            scene.go(at + 1)
            register = self.stacked(address) if hit.by.startswith("exception entry") else None
            what = f", which stacks {register}" if register else ""
            scene.go(at)
            return f"{at:>14}  {where} was written by {hit.by}{what}", register
        scene.go(at)
        found = scene.instruction()
        text = "?" if found is None else found.text
        register = None
        start = None if found is None else self.address(found)
        if found is not None and start is not None:
            register = found.stored_at(address, scene.physical(start) + hit.shift) or None
        value = "" if register is None else f"{register} = {scene.hex(scene.value(register))}"
        return scene.line(at, hit.pc, f"{text:<24} {value} to {where}"), register

    def stacked(self, address: int) -> str | None:
        """The register that the exception entry before the present position has left there."""
        scene = self._scene
        frame = scene.value("psp" if scene.value("lr") & _PROCESS_STACK else "msp")
        index = (address - frame) // 4
        return FRAME[index] if 0 <= index < len(FRAME) else None

    # -- the instruction that made the value of a register -----------------------------------

    def made(self, register: str, step: int, but: Collection[int] = ()) -> Made | None:
        """What gave the register the value that it has at `step`; None: nothing has. Instructions
        at the addresses `but` are passed over."""
        scene, high, pc = self._scene, step, 0
        for _ in range(_MOST_SKIPPED):
            ran = self._executed.last(
                register,
                high,
                entries=register in self._entered,
                returns=self._arm and (register in FRAME or register == "sp"),
                but=but,
            )
            if ran is None:
                break
            if ran.mark is not None and not self._is_set(register, ran.mark):
                high = ran.step
                continue
            if ran.mark is not None:
                return Made(ran.step, ran.pc, None, ran.mark)
            if ran.returns:
                scene.go(ran.step)
                return Made(ran.step, scene.pc, scene.instruction(), returns=True)
            if not self._skipped(register, ran):
                return Made(ran.step, ran.pc, ran.instruction)
            high, pc = ran.step, ran.pc
        else:
            raise CannotFollow(
                f"The instruction at {scene.place(pc)} has been left out, by its IT block,"
                f" {_MOST_SKIPPED} times before step {step}: {register} is followed no further."
            )
        if step - scene.timeline.begin > MOST_STEPS:
            raise CannotFollow(
                f"{register} has been as it is for more than {MOST_STEPS} steps before step"
                f" {step}; it is followed no further."
            )
        return None

    def _is_set(self, register: str, mark: Mark) -> bool:
        """By the entry of an exception, in the mode in which it was taken."""
        if self._arm:
            return True
        self._scene.go(mark.step + 1)
        return "us-m"[self._scene.value("priv")] in TRAPS[register]

    def setters(
        self, registers: Collection[str], low: int, high: int
    ) -> dict[str, set[int]] | None:
        """The addresses of all instructions that have set each of these registers in the steps from
        `low` to before `high`; None: that is not known, as code has changed."""
        return self._executed.setters(registers, low, high)

    def times(self, pcs: Sequence[int], low: int, high: int) -> list[int]:
        """How often instructions have run in the steps from `low` to before `high`."""
        return self._executed.times(pcs, low, high)

    def _skipped(self, register: str, ran: Ran) -> bool:
        """An IT block leaves out what is at this step (DDI0403E A7.3.3), or its flags: there 16-bit
        instructions set none but to compare (A4.3.2)."""
        if not self._arm:
            return False
        self._scene.go(ran.step)
        status = self._scene.value("xpsr")
        state = status >> 25 & 3 | (status >> 10 & 0x3F) << 2
        if not state & 0xF:
            return False
        found = ran.instruction
        if register == FLAGS and found is not None and found.size == 2 and len(found.sets) > 1:
            return True
        n, z, c, v = (status >> at & 1 for at in (31, 30, 29, 28))
        holds = (z, c, n, v, c & ~z, n == v, n == v and not z, True)[state >> 5]
        return bool(holds) == bool(state >> 4 & 1) and state >> 5 != 7


def _more(saved: int) -> Iterator[str]:
    """Only the latest of several times in a row is shown."""
    if saved > 1:
        times = "once" if saved == 2 else f"{saved - 1} times"
        yield f"{'...':>14}  saved and restored {times} more before that"
