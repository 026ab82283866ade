"""All images of a machine, asked for what an expression, an address or a name stands for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from ttd.cpu.base import Register
from ttd.elf import SHF_EXECINSTR, Elf, ElfError
from ttd.images import Image
from ttd.program.c_text import parse
from ttd.program.c_tree import Tree
from ttd.program.call_frames import CallFrames, Rules
from ttd.program.calling import Calling
from ttd.program.debug import Debug
from ttd.program.described import STRUCTURES
from ttd.program.entries import name as name_of
from ttd.program.errors import NotDescribed, ProgramError, reading, readings
from ttd.program.evaluate import Evaluator
from ttd.program.frames import Frame, Level, frames
from ttd.program.functions import Block, Function, UnitFunctions, Variable
from ttd.program.lines import Line, LineTable, SourceLine, is_file
from ttd.program.location import Location, Moment, Where
from ttd.program.registers import RegisterSet
from ttd.program.show import Shower
from ttd.program.types import Kind, Number, Type
from ttd.program.variables import locate
from ttd.symbols import Symbols
from ttd.text import shown

Devices = Callable[[str], Location | None]
"""A register of a device by its name, or a field of one; None if there is none."""
_NAMED_TYPES = ("DW_TAG_typedef", "DW_TAG_base_type")
_TAGS = {
    "struct": ("DW_TAG_structure_type", "DW_TAG_class_type"),
    "union": ("DW_TAG_union_type",),
    "enum": ("DW_TAG_enumeration_type",),
}
_SIZES = {"char": 1, "short": 2, "int": 4, "float": 4, "double": 8, "bool": 1, "_Bool": 1}


def _no_devices(words: str) -> Location | None:
    return None


class Program:
    """What is in the images of one machine. Nothing is read before it is asked for.

    Every question may raise a `ProgramError`, whose text is a sentence.
    """

    def __init__(
        self,
        images: Iterable[Image],
        architecture: str,
        registers: Sequence[Register],
        symbols: Symbols | None = None,
        devices: Devices = _no_devices,
    ) -> None:
        """`architecture`: as GDB calls it."""
        self._images = [image for image in images if image.elf is not None]
        self.registers = RegisterSet(architecture, registers)
        self.symbols = Symbols(self._images) if symbols is None else symbols
        self.devices = devices
        self._functions: dict[tuple[int, int], UnitFunctions] = {}
        self._lines: dict[tuple[int, int], LineTable] = {}
        self._shower = Shower(self.name_at, self.registers.word)

    @cached_property
    def files(self) -> tuple[Debug, ...]:
        """The debug information of those images that have some."""
        found = [Debug(image.data, image.path) for image in self._images]
        return tuple(debug for debug in found if debug.is_there)

    @cached_property
    def _frames(self) -> tuple[CallFrames, ...]:
        return tuple(CallFrames(Debug(image.data, image.path)) for image in self._images)

    # -- expressions ------------------------------------------------------------------------------

    @readings
    def locate(self, text: str, at: Moment | Level) -> Location:
        """What an expression of C stands for at a moment; in a frame, or a function inlined there,
        if `at` is one."""
        tree = self.tree(text)
        level = self._level(at)
        return Evaluator(_Names(self, level), level.frame, text).whole(tree)

    def tree(self, text: str) -> Tree:
        """An expression of C, taken apart; `ProgramError` if it is none."""
        return parse(text, self._is_type)

    def _level(self, at: Moment | Level) -> Level:
        if isinstance(at, Level):
            return at
        return (at if isinstance(at, Frame) else self.frame(at)).levels[0]

    @readings
    def show(self, location: Location, at: Moment, *, typed: bool = True) -> str:
        """The value there, by its type; `typed`: before a pointer is what it points to."""
        return self._shower.show(location, at, typed=typed)

    def value(self, text: str, at: Moment | Level) -> str:
        """`show` of what an expression stands for."""
        level = self._level(at)
        return self.show(self.locate(text, level), level.frame)

    def _is_type(self, word: str) -> bool:
        for debug in self.files:
            with reading(debug.path):
                if next(debug.named(word, _NAMED_TYPES), None) is not None:
                    # A variable of that name comes first.
                    return self.global_variable(word) is None
        return False

    @readings
    def type_of(self, words: tuple[str, ...]) -> Type:
        """A type by its words, without stars: `unsigned char`, `struct point`, `uint32_t`."""
        if words[0] in _TAGS:
            if len(words) < 2:
                raise ProgramError(f"Behind {words[0]} a name is wanted.")
            return self._described_type(words[1], _TAGS[words[0]], " ".join(words))
        if len(words) == 1 and words[0] not in (*_SIZES, "long", "unsigned", "signed", "void"):
            return self._described_type(words[0], _NAMED_TYPES + STRUCTURES, words[0])
        return _base_type(words, self.registers.word)

    def _described_type(self, word: str, tags: tuple[str, ...], shown_as: str) -> Type:
        for debug in self.files:
            with reading(debug.path):
                try:
                    return debug.type_named(word, tags)
                except LookupError:
                    continue
        raise NotDescribed(f"No program here has a type {shown_as}.")

    # -- variables --------------------------------------------------------------------------------

    @readings
    def global_variable(
        self, name: str, scope: str = "", near: int | None = None
    ) -> Variable | None:
        """A variable outside of all functions, or static in the function or file `scope`.

        `near`: of several of that name the one in the unit of that address counts.
        """
        found = list(self._globals(name, scope))
        if near is not None:
            unit = self.unit_at(near)
            if unit is not None:
                here = [v for v in found if (id(v.debug), v.die.cu.cu_offset) == unit_key(*unit)]
                found = here or found
        described = [v for v in found if v.is_somewhere]
        external = [v for v in described if "DW_AT_external" in v.die.attributes]
        return next(iter((described if near is not None else external) or described), None)

    def _globals(self, name: str, scope: str) -> Iterator[Variable]:
        for debug in self.files:
            with reading(debug.path):
                if scope:
                    function = self.function_named(scope)
                    for each in () if function is None else _all_variables(function):
                        if each.name == name:
                            yield each
                for die in debug.variables(name):
                    if not scope or is_file(name_of(die.cu.get_top_DIE()), scope):
                        yield Variable(debug, die)

    def is_signed(self, name: str) -> bool:
        """Whether a static variable is described, as a number with a sign."""
        try:
            found = self.global_variable(name, "", None)
            return found is not None and found.type.signed
        except (ProgramError, LookupError):
            return False

    @readings
    def enumerator(self, name: str) -> Location | None:
        """A constant of an enumeration."""
        for debug in self.files:
            with reading(debug.path):
                try:
                    kind = debug.enumeration(name)
                except LookupError:
                    continue
                value = next(v for v, each in kind.all_names if each == name)
                data = (value & ((1 << 8 * kind.size) - 1)).to_bytes(kind.size, "little")
                return Location(Where.VALUE, name, kind.size, kind, data=data)
        return None

    # -- functions --------------------------------------------------------------------------------

    def unit_at(self, address: int) -> tuple[Debug, Any] | None:
        for debug in self.files:
            unit = debug.unit_at(address)
            if unit is not None:
                return debug, unit
        return None

    def functions_of(self, debug: Debug, unit: Any) -> UnitFunctions:
        """The functions of a unit."""
        key = unit_key(debug, unit)
        found = self._functions.get(key)
        if found is None:
            with reading(debug.path):
                found = self._functions[key] = UnitFunctions(debug, unit)
        return found

    @readings
    def function_at(self, address: int) -> Function | None:
        """The described function that has the code there."""
        unit = self.unit_at(address)
        return None if unit is None else self.functions_of(*unit).at(address)

    @readings
    def function_named(self, name: str, scope: str = "") -> Function | None:
        """A described function by name; of several one that is not static, or the first.
        `scope`: the file it is in."""
        found: list[Function] = []
        for debug in self.files:
            with reading(debug.path):
                for unit in debug.units_with(name):
                    if scope and not is_file(name_of(unit.get_top_DIE()), scope):
                        continue
                    found += (f for f in self.functions_of(debug, unit).all if f.name == name)
        return next((f for f in found if f.is_external), found[0] if found else None)

    def all_functions(self) -> Iterator[Function]:
        """Those that have code of their own and are described."""
        for debug in self.files:
            for unit in debug.units:
                yield from self.functions_of(debug, unit).all

    @readings
    def entry(self, name: str) -> int:
        """The address of the first instruction of a function by name; of one that is not described
        as well."""
        scope, _, word = name.strip().strip("'").rpartition("::")
        function = self.function_named(word.strip("'"), scope.strip("'"))
        if function is not None:
            return function.start
        symbol = self.symbols.by_name.get(name)
        if symbol is None or not (symbol.function or self.is_code(symbol.address)):
            if any(True for debug in self.files for _ in debug.named(name, ("DW_TAG_subprogram",))):
                raise ProgramError(f"{shown(name)} is inlined: it has no code of its own.")
            raise ProgramError(f"No program here has a function {shown(name)}.")
        return symbol.address

    def name_at(self, address: int) -> str | None:
        """`main+4`, `table+4`: what has a name there."""
        if self.registers.family == "arm" and address & 1 and self.is_code(address):
            return self.symbols.name(address & ~1)
        found = self.symbols.name(address) if self.is_code(address) else None
        return found or self.symbols.variable(address)

    @cached_property
    def _code(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for image in self._images:
            try:
                sections = Elf(image.data).sections
            except ElfError:
                continue
            found += (
                (section.address, section.address + section.size)
                for section in sections
                if section.flags & SHF_EXECINSTR
            )
        return sorted(found)

    def is_code(self, address: int) -> bool:
        """Some image has instructions there."""
        index = bisect_right(self._code, (address, 1 << 64)) - 1
        return index >= 0 and self._code[index][0] <= address < self._code[index][1]

    @cached_property
    def calling(self) -> Calling:
        """How functions are called."""
        flags = Elf(self._images[0].data).flags if self._images else 0
        return Calling(self.registers, flags)

    # -- lines ------------------------------------------------------------------------------------

    def _table(self, debug: Debug, unit: Any) -> LineTable:
        key = unit_key(debug, unit)
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = LineTable(debug, unit)
        return found

    @readings
    def line_at(self, address: int) -> Line | None:
        """The line of the source of an instruction."""
        unit = self.unit_at(address)
        if unit is None:
            return None
        with reading(unit[0].path):
            return self._table(*unit).at(address)

    @readings
    def call_line(self, block: Block) -> SourceLine | None:
        """The line from which an inlined function was called."""
        attributes = block.die.attributes
        if "DW_AT_call_line" not in attributes or "DW_AT_call_file" not in attributes:
            return None
        with reading(block.debug.path):
            file = self._table(block.debug, block.die.cu).file(attributes["DW_AT_call_file"].value)
        return SourceLine(file, attributes["DW_AT_call_line"].value)

    @readings
    def lines(self, place: str) -> list[Line]:
        """Where the code of `main.c:12` begins, at every stretch of it."""
        file, _, word = place.rpartition(":")
        if not file or not word.isdecimal() or len(word) > 9:
            raise ProgramError(f"A line of a source is FILE:LINE, and not {shown(place)}.")
        found: list[Line] = []
        known = False
        for debug in self.files:
            with reading(debug.path):
                for unit in debug.units:
                    table = self._table(debug, unit)
                    known = known or any(is_file(each, file) for each in table.files)
                    found += table.starts(file, int(word))
        if not known:
            raise ProgramError(f"No program here has a source {shown(file)}.")
        if not found:
            raise ProgramError(f"No code comes from {shown(place)} or a later line.")
        line = min(each.number for each in found)
        return sorted((each for each in found if each.number == line), key=lambda each: each.start)

    def all_lines(self) -> Iterator[Line]:
        """Every stretch of code that is of a line."""
        for debug in self.files:
            with reading(debug.path):
                for unit in debug.units:
                    yield from self._table(debug, unit).all

    # -- frames -----------------------------------------------------------------------------------

    @readings
    def rules_at(self, address: int) -> Rules | None:
        """How a function returns, for an instruction of it."""
        for table in self._frames:
            rules = table.at(address)
            if rules is not None:
                return rules
        return None

    def frame(self, at: Moment) -> Frame:
        """That of the function that runs."""
        return Frame(self, at, at.register(self.registers.pc))

    def backtrace(self, at: Moment) -> Iterator[Frame]:
        """The function that runs, what called it, and so on."""
        return frames(self.frame(at))


class _Names:
    """What names stand for in a function."""

    def __init__(self, program: Program, level: Level) -> None:
        self._program, self._level, self._frame = program, level, level.frame
        self.word = program.registers.word

    def named(self, name: str, scope: str) -> Location:
        program = self._program
        if not scope:
            for variable in self._level.variables():
                if variable.name == name and not variable.is_declaration:
                    return self._frame.locate(variable, name)
        near = None if scope else self._frame.inside
        found = program.global_variable(name, scope, near)
        if found is not None:
            return locate(program.registers, self._frame, self._frame.inside, found, name)
        function = program.function_named(name, scope)
        if function is not None:
            kind = function.debug.types.of(function.die)
            return Location(Where.MEMORY, name, 1, kind, address=function.start)
        if not scope:
            return self._undescribed(name)
        raise ProgramError(f"{shown(scope)} has no variable {shown(name)}.")

    def _undescribed(self, name: str) -> Location:
        program = self._program
        constant = program.enumerator(name)
        if constant is not None:
            return constant
        symbol = program.symbols.by_name.get(name)
        if symbol is None:
            meant = f"; the register is ${name}" if program.registers.named(name) else ""
            raise ProgramError(f"There is no variable {shown(name)} here{meant}.")
        if symbol.function:
            kind = Number(Kind.FUNCTION, 1, "function")
            return Location(Where.MEMORY, name, 1, kind, address=symbol.address)
        return Location(Where.MEMORY, name, symbol.size or self.word, address=symbol.address)

    def register(self, name: str) -> Location:
        registers = self._program.registers
        known = registers.named(name)
        if known is None:
            raise ProgramError(f"The processor has no register {shown(name)}.")
        size = registers.size(known)
        if self._frame.is_kept(known):
            return Location(Where.REGISTER, name, size, register=known)
        data = self._frame.register(known).to_bytes(size, "little")
        return Location(Where.VALUE, name, size, data=data)

    def device(self, words: str) -> Location | None:
        return self._program.devices(words)

    def type(self, words: tuple[str, ...]) -> Type:
        return self._program.type_of(words)


def unit_key(debug: Debug, unit: Any) -> tuple[int, int]:
    """What tells the units of all files apart."""
    return id(debug), unit.cu_offset


def _all_variables(function: Function) -> Iterator[Variable]:
    blocks = [function]
    while blocks:
        block: Any = blocks.pop()
        yield from block.variables
        blocks += block.inner


def _base_type(words: tuple[str, ...], word: int) -> Type:
    """Of C's own words, in any order (C11 6.7.2)."""
    rest = sorted(each for each in words if each not in ("signed", "unsigned"))
    unsigned = "unsigned" in words
    if rest == ["void"]:
        return Number(Kind.VOID, 1, "void")
    if rest in (["bool"], ["_Bool"]):
        return Number(Kind.BOOL, 1, "_Bool")
    if rest in (["float"], ["double"]):
        return Number(Kind.FLOAT, _SIZES[rest[0]], rest[0])
    if rest == ["char"]:
        return _Char("unsigned char" if unsigned else "char", not unsigned)
    longs = rest.count("long")
    if "short" in rest:
        size, name = 2, "short"
    elif longs:
        size, name = (8, "long long") if longs > 1 else (word, "long")
    else:
        size, name = 4, "int"
    if [each for each in rest if each not in ("long", "short", "int")] or longs > 2:
        raise ProgramError(f"{' '.join(words)} is no type.")
    kind = Kind.UNSIGNED if unsigned else Kind.SIGNED
    return Number(kind, size, f"unsigned {name}" if unsigned else name)


class _Char(Number):
    def __init__(self, tag: str, signed: bool) -> None:
        super().__init__(Kind.CHAR, 1, tag)
        self._signed = signed

    @property
    def signed(self) -> bool:
        return self._signed
