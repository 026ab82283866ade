"""Call frames: who called, and what registers and variables were there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any, Protocol

from ttd.program import exception_frame
from ttd.program.call_frames import Rules
from ttd.program.entries import children, full_name
from ttd.program.errors import OptimizedOut, ProgramError, readings
from ttd.program.functions import Block, Function, Variable
from ttd.program.lines import Line, SourceLine
from ttd.program.location import Location, Moment
from ttd.program.registers import RegisterSet
from ttd.program.stack_machine import Base, Kind, evaluate, value_of
from ttd.program.types import INTEGERS
from ttd.program.variables import expression_at, locate, parsed

MOST = 1000
"""Frames that are looked for: broken stacks may lead in circles."""
_OUTERMOST = "main"
"""What called it is the start-up code's matter, as in GDB."""
_CALLS = ("DW_TAG_call_site", "DW_TAG_GNU_call_site")
_PARAMETERS = ("DW_TAG_call_site_parameter", "DW_TAG_GNU_call_site_parameter")
_VALUES = ("DW_AT_call_value", "DW_AT_GNU_call_site_value")


class Program(Protocol):
    """What frames ask of the program."""

    registers: RegisterSet

    def function_at(self, address: int) -> Function | None: ...
    def name_at(self, address: int) -> str | None: ...
    def call_line(self, block: Block) -> SourceLine | None: ...
    def line_at(self, address: int) -> Line | None: ...
    def rules_at(self, address: int) -> Rules | None: ...
    def is_code(self, address: int) -> bool: ...


class Sort(Enum):
    """How a frame came to be."""

    CALL = "call"
    EXCEPTION = "exception"
    """What the processor pushed when an exception began; it is of no function."""


class Frame:
    """The machine as a function sees it that has not returned yet: registers as they were there.

    It is a `location.Moment`. A register of which nobody knows what it was is `OptimizedOut`.
    """

    def __init__(
        self,
        program: Program,
        moment: Moment,
        pc: int,
        *,
        sort: Sort = Sort.CALL,
        changed: Mapping[str, int | None] | None = None,
        returned_to: bool = False,
    ) -> None:
        """`changed`: registers that are otherwise than in `moment`; None: unknown. `returned_to`:
        `pc` is behind the call in it that has not returned."""
        self._program, self._moment = program, moment
        self.pc, self.sort = pc, sort
        self._changed = dict(changed or {})
        self.word = program.registers.word
        self._returned_to = returned_to

    @property
    def inside(self) -> int:
        """An address in the instruction that the frame is about: of the call, if it is one."""
        return self.pc - 1 if self._returned_to else self.pc

    # -- what it is -------------------------------------------------------------------------------

    @cached_property
    def function(self) -> Function | None:
        """None: there is no description of it."""
        return None if self.sort is Sort.EXCEPTION else self._program.function_at(self.inside)

    @cached_property
    @readings
    def blocks(self) -> list[Block]:
        """The function, and what is around the place in it, from the outermost."""
        return [] if self.function is None else self.function.around(self.inside)

    @cached_property
    def line(self) -> Line | None:
        return None if self.sort is Sort.EXCEPTION else self._program.line_at(self.inside)

    @cached_property
    @readings
    def levels(self) -> tuple[Level, ...]:
        """The functions that this is a frame of, from the innermost: those that are inlined into
        another one at this place come before it."""
        found: list[list[Block]] = [[]]
        for block in self.blocks:
            if block.is_inlined:
                found.append([])
            found[-1].append(block)
        inner = [None, *(blocks[0] for blocks in reversed(found[1:]))]
        return tuple(
            Level(self, blocks, called)
            for blocks, called in zip(reversed(found), inner, strict=True)
        )

    @property
    def name(self) -> str | None:
        """Of the function; of the innermost one that is inlined there."""
        return self.levels[0].name

    def call_line(self, block: Block) -> SourceLine | None:
        """The line that calls what is inlined."""
        return self._program.call_line(block)

    @property
    def symbol(self) -> str | None:
        """The name of the function as the table of symbols has it."""
        found = self._program.name_at(self.inside)
        return None if found is None else found.partition("+")[0]

    # -- as a moment ------------------------------------------------------------------------------

    def register(self, name: str) -> int:
        if name not in self._changed:
            return self._moment.register(name)
        value = self._changed[name]
        if value is None:
            raise OptimizedOut(f"Nobody has kept what {name} was there.")
        return value

    def is_kept(self, name: str) -> bool:
        """A register is in this frame what it is in the processor."""
        return name not in self._changed

    def memory(self, address: int, size: int) -> bytes:
        return self._moment.memory(address, size)

    def physical(self, address: int, size: int) -> bytes:
        return self._moment.physical(address, size)

    # -- as a context of expressions --------------------------------------------------------------

    def numbered(self, number: int) -> int:
        return self.register(self._program.registers.numbered(number))

    @cached_property
    def rules(self) -> Rules | None:
        return None if self.sort is Sort.EXCEPTION else self._program.rules_at(self.inside)

    def cfa(self) -> int:
        if self.known_cfa is None:
            raise ProgramError(f"Nothing says where the frame of the function at {self.pc:#x} is.")
        return self.known_cfa

    @cached_property
    @readings
    def known_cfa(self) -> int | None:
        """The canonical frame address: the stack pointer before the call; None if it is unknown."""
        rules = self.rules
        if rules is None:
            return None
        if rules.cfa_expression:
            return value_of(rules.cfa_expression, self)
        if rules.cfa_register is None:
            return None
        mask = (1 << 8 * self.word) - 1
        return self.numbered(rules.cfa_register) + rules.cfa_offset & mask

    def frame_base(self) -> int:
        function = self.function
        code = None if function is None else function.die.attributes.get("DW_AT_frame_base")
        if function is None or code is None:
            raise ProgramError("The function has no frame that the debug information describes.")
        ops = expression_at(function, code, self.inside)
        piece = evaluate(ops, self)[0]
        return self.numbered(piece.value) if piece.kind is Kind.REGISTER else piece.value

    def indexed(self, index: int) -> int:
        if self.function is None:
            raise ProgramError("Nobody knows of which unit that is.")
        cu = self.function.die.cu
        return int(cu.dwarfinfo.get_addr(cu, index))

    def base_type(self, offset: int) -> Base:
        if self.function is None:
            raise ProgramError("Nobody knows of which unit that is.")
        cu = self.function.die.cu
        kind = self.function.debug.types.of(cu.get_DIE_from_refaddr(cu.cu_offset + offset))
        if kind.kind not in INTEGERS:
            raise OptimizedOut(f"It is worked out in {kind}, which is not known here.")
        return Base(8 * kind.size, kind.signed)

    def entry_value(self, expression: Sequence[Any]) -> int:
        """From what the caller says of this call (DWARF 5, 3.4)."""
        if len(expression) == 1:
            for parameter in self._handed_over():
                place = parameter.attributes.get("DW_AT_location")
                if place is None:
                    continue
                if parsed(parameter, place.value)[0].op == expression[0].op:
                    return self._given(parameter)
        raise OptimizedOut("It has been optimized out.")

    def parameter(self, offset: int) -> int:
        """The same of a parameter that is not handed over any more, by its entry."""
        for given in self._handed_over():
            for key in ("DW_AT_call_parameter", "DW_AT_abstract_origin"):
                if key in given.attributes:
                    meant = given.get_DIE_from_attribute(key)
                    if meant.offset == meant.cu.cu_offset + offset:
                        return self._given(given)
        raise OptimizedOut("It has been optimized out.")

    def _handed_over(self) -> Iterator[Any]:
        """What the caller says of the arguments of this call."""
        caller, function = self.caller, self.function
        if caller is None or caller.function is None or function is None:
            return
        for site in _call_sites(caller.blocks[-1], caller.pc):
            if caller.calls(site, function):
                for die in children(site):
                    if die.tag in _PARAMETERS and any(key in die.attributes for key in _VALUES):
                        yield die

    def _given(self, parameter: Any) -> int:
        caller = self.caller
        assert caller is not None
        key = next(key for key in _VALUES if key in parameter.attributes)
        return value_of(parsed(parameter, parameter.attributes[key].value), caller)

    def calls(self, site: Any, function: Function) -> bool:
        """A place from which functions are called is known to call this one, and not one that has
        ended by going to it."""
        for key in ("DW_AT_call_origin", "DW_AT_abstract_origin"):
            if key in site.attributes:
                return full_name(site.get_DIE_from_attribute(key)) == function.name
        target = site.attributes.get("DW_AT_call_target")
        if target is None:
            return False
        thumb = 1 if self._program.registers.family == "arm" else 0
        return value_of(parsed(site, target.value), self) & ~thumb == function.start

    @readings
    def locate(self, variable: Variable, text: str) -> Location:
        """Where a variable is; `OptimizedOut` if it is nowhere."""
        return locate(self._program.registers, self, self.inside, variable, text)

    # -- the caller -------------------------------------------------------------------------------

    @cached_property
    @readings
    def caller(self) -> Frame | None:
        """The frame to which this one returns; None if it is the outermost, or nobody knows."""
        if self.sort is Sort.EXCEPTION:
            return self._interrupted()
        function = self.function
        if function is not None and function.name == _OUTERMOST:
            return None
        found = self._by_rules() if self.rules is not None else self._by_convention()
        if found is None or (found.pc, found.sp) == (self.pc, self.sp):
            return None
        if found.function is not None and found.function is function:
            # A function that has called itself has another frame; what is said of this one is not
            # so, as of those that are written in assembly.
            return None if found.known_cfa == self.known_cfa else found
        return found

    @property
    def sp(self) -> int:
        return self.register(self._program.registers.sp)

    def _by_rules(self) -> Frame | None:
        rules, registers = self.rules, self._program.registers
        cfa = self.known_cfa
        if rules is None or cfa is None:
            return None
        changed: dict[str, int | None] = {**self._changed, registers.sp: cfa}
        for number, rule in rules.registers.items():
            if number != rules.return_register:
                try:
                    name = registers.numbered(number)
                except ProgramError:
                    continue  # the processor has it not, or calls it otherwise
                changed[name] = self._restored(name, rule, cfa)
        link = rules.registers.get(rules.return_register)
        name = registers.numbered(rules.return_register)
        target = self.register(name) if link is None else self._restored(name, link, cfa)
        if link is not None and name != registers.pc:
            changed[name] = target
        return self._returning(target, changed)

    def _restored(self, name: str, rule: Any, cfa: int) -> int | None:
        match rule.kind:
            case "OFFSET":
                return self._load(cfa + rule.argument)
            case "EXPRESSION":
                return self._load(value_of(rule.argument, _WithCfa(self, cfa)))
            case "VAL_OFFSET":
                return cfa + int(rule.argument)
            case "VAL_EXPRESSION":
                return value_of(rule.argument, _WithCfa(self, cfa))
            case "REGISTER":
                return self.numbered(rule.argument)
            case "SAME_VALUE":
                return self.register(name)
        return None

    def _load(self, address: int) -> int | None:
        mask = (1 << 8 * self.word) - 1
        data = self.memory(address & mask, self.word)
        return int.from_bytes(data, "little") if len(data) == self.word else None

    def _by_convention(self) -> Frame | None:
        """Where no table says anything: a link register that no code has written since."""
        registers = self._program.registers
        link = {"arm": "lr", "riscv": "ra", "aarch64": "x30"}.get(registers.family)
        if self._returned_to:
            return None
        if link is None:
            # x86: the return address is on top of the stack until something is pushed.
            target = self._load(self.sp)
            changed = {**self._changed, registers.sp: self.sp + self.word}
        else:
            target, changed = self.register(link), dict(self._changed)
        return self._returning(target, changed)

    def _returning(self, target: int | None, changed: Mapping[str, int | None]) -> Frame | None:
        """The frame at an address to which this one returns."""
        registers = self._program.registers
        if not target:
            return None
        if registers.family == "arm":
            if exception_frame.is_exception_return(target):
                kept = {**changed, registers.pc: target}
                return Frame(self._program, self._moment, target, sort=Sort.EXCEPTION, changed=kept)
            target &= ~1
        if not self._program.is_code(target):
            return None
        kept = {**changed, registers.pc: target}
        return Frame(self._program, self._moment, target, changed=kept, returned_to=True)

    def _interrupted(self) -> Frame | None:
        found = exception_frame.pushed(self, self.pc)
        if found is None or not self._program.is_code(found["pc"]):
            return None
        changed = {**self._changed, **found}
        return Frame(self._program, self._moment, found["pc"], changed=changed)


class Level:
    """A function as one sees it in a backtrace: one that has a frame, or is inlined into one."""

    def __init__(self, frame: Frame, blocks: Sequence[Block], called: Block | None) -> None:
        """`blocks`: the function and what is around the place in it; `called`: what is inlined
        there in its turn."""
        self.frame, self.blocks = frame, blocks
        self._called = called

    @property
    def name(self) -> str | None:
        """Of the function; None if nobody knows, or it is an exception's frame."""
        if self.frame.sort is Sort.EXCEPTION:
            return None
        return self.blocks[0].name if self.blocks else self.frame.symbol

    @property
    def is_inlined(self) -> bool:
        return bool(self.blocks) and self.blocks[0].is_inlined

    @property
    def line(self) -> SourceLine | None:
        """Where it is, or where it calls what is inlined."""
        if self._called is not None:
            return self.frame.call_line(self._called)
        found = self.frame.line
        return None if found is None else SourceLine(found.file, found.number)

    def variables(self) -> Iterator[Variable]:
        """Those that can be seen, the innermost first, then the function's own."""
        for block in reversed(self.blocks):
            yield from block.variables

    def locate(self, variable: Variable, text: str) -> Location:
        """Where a variable is; `OptimizedOut` if it is nowhere."""
        return self.frame.locate(variable, text)


class _WithCfa:
    """The context of a rule: the canonical frame address is on the stack first."""

    def __init__(self, frame: Frame, cfa: int) -> None:
        self._frame, self._cfa = frame, cfa
        self.word = frame.word

    def numbered(self, number: int) -> int:
        return self._frame.numbered(number)

    def memory(self, address: int, size: int) -> bytes:
        return self._frame.memory(address, size)

    def frame_base(self) -> int:
        return self._frame.frame_base()

    def cfa(self) -> int:
        return self._cfa

    def entry_value(self, expression: Sequence[Any]) -> int:
        return self._frame.entry_value(expression)

    def parameter(self, offset: int) -> int:
        return self._frame.parameter(offset)

    def indexed(self, index: int) -> int:
        return self._frame.indexed(index)

    def base_type(self, offset: int) -> Base:
        return self._frame.base_type(offset)


def frames(innermost: Frame) -> Iterator[Frame]:
    """A frame, what called it, and so on; as many as there are, but no more than `MOST`."""
    frame: Frame | None = innermost
    for _ in range(MOST):
        if frame is None:
            return
        yield frame
        frame = frame.caller


def _call_sites(block: Block, returns_to: int) -> Iterator[Any]:
    for die in children(block.die):
        if die.tag in _CALLS:
            place = die.attributes.get("DW_AT_call_return_pc") or die.attributes.get("DW_AT_low_pc")
            if place is not None and int(place.value) == returns_to:
                yield die
