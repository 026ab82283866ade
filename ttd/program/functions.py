"""Functions, the blocks inside them, and the variables that are seen there (DWARF 5, chapter 3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ttd.program.debug import Debug
from ttd.program.entries import children, completed, full_name, said
from ttd.program.errors import readings
from ttd.program.types import VOID, Type

_SPACES = ("DW_TAG_namespace", "DW_TAG_structure_type", "DW_TAG_class_type")
_BLOCKS = ("DW_TAG_lexical_block", "DW_TAG_inlined_subroutine", "DW_TAG_try_block")
_VARIABLES = ("DW_TAG_variable", "DW_TAG_formal_parameter")
_DEEPEST = 200
"""Blocks inside of each other."""


class Variable:
    """A variable or a parameter, as an entry describes it."""

    def __init__(self, debug: Debug, die: Any) -> None:
        self.debug, self.die = debug, die

    @cached_property
    @readings
    def name(self) -> str:
        return full_name(self.die)

    @property
    def is_parameter(self) -> bool:
        return bool(self.die.tag == "DW_TAG_formal_parameter")

    @cached_property
    @readings
    def type(self) -> Type:
        for each in completed(self.die):
            if "DW_AT_type" in each.attributes:
                return self.debug.types.said_by(each)
        return VOID

    @property
    def is_declaration(self) -> bool:
        return "DW_AT_declaration" in self.die.attributes

    @property
    def is_somewhere(self) -> bool:
        """It is said where it is, or what it always is."""
        return "DW_AT_location" in self.die.attributes or "DW_AT_const_value" in self.die.attributes


class Block:
    """A part of a function with variables of its own; or the function, or one inlined into it."""

    def __init__(self, debug: Debug, die: Any) -> None:
        self.debug, self.die = debug, die

    @property
    def is_inlined(self) -> bool:
        """A function was inlined here."""
        return bool(self.die.tag == "DW_TAG_inlined_subroutine")

    @property
    def is_function(self) -> bool:
        return self.is_inlined or bool(self.die.tag == "DW_TAG_subprogram")

    @cached_property
    @readings
    def name(self) -> str:
        """Of the function."""
        return full_name(self.die)

    @cached_property
    @readings
    def ranges(self) -> list[tuple[int, int]]:
        return self.debug.ranges(self.die)

    def has(self, address: int) -> bool:
        return any(start <= address < end for start, end in self.ranges)

    @cached_property
    @readings
    def variables(self) -> tuple[Variable, ...]:
        """Those declared here, in the order of the source."""
        return tuple(
            Variable(self.debug, die) for die in children(self.die) if die.tag in _VARIABLES
        )

    @cached_property
    @readings
    def inner(self) -> tuple[Block, ...]:
        return tuple(Block(self.debug, die) for die in children(self.die) if die.tag in _BLOCKS)

    @readings
    def around(self, address: int) -> list[Block]:
        """This one, and the blocks in it in which an address is, from the outermost."""
        found = [self]
        while len(found) < _DEEPEST:
            inner = next((block for block in found[-1].inner if block.has(address)), None)
            if inner is None:
                break
            found.append(inner)
        return found


class Function(Block):
    """A function that has code of its own."""

    @cached_property
    @readings
    def start(self) -> int:
        """The address of its first instruction; without the bit that says it is Thumb code."""
        low = self.die.attributes.get("DW_AT_low_pc")
        entry = self.die.attributes.get("DW_AT_entry_pc")
        if entry is not None and entry.form == "DW_FORM_addr":
            return int(entry.value)
        return int(low.value) if low is not None else min(start for start, _ in self.ranges)

    @property
    def end(self) -> int:
        """Behind the stretch in which it begins."""
        return next((end for start, end in self.ranges if start <= self.start < end), self.start)

    @cached_property
    @readings
    def returns(self) -> Type:
        for each in completed(self.die):
            if "DW_AT_type" in each.attributes:
                return self.debug.types.said_by(each)
        return VOID

    @property
    def parameters(self) -> tuple[Variable, ...]:
        return tuple(each for each in self.variables if each.is_parameter)

    @property
    @readings
    def is_external(self) -> bool:
        return bool(said(self.die, "DW_AT_external"))


class UnitFunctions:
    """The functions of one unit."""

    def __init__(self, debug: Debug, unit: Any) -> None:
        self._debug = debug
        self.all = tuple(self._below(unit.get_top_DIE(), 0))
        spans = [
            (start, end, index)
            for index, function in enumerate(self.all)
            for start, end in function.ranges
        ]
        self._spans = sorted(spans)
        self._starts = [start for start, _, _ in self._spans]

    def _below(self, parent: Any, depth: int) -> Iterator[Function]:
        for die in children(parent):
            if die.tag == "DW_TAG_subprogram":
                function = Function(self._debug, die)
                if function.ranges:
                    yield function
            elif die.tag in _SPACES and die.has_children and depth < _DEEPEST:
                yield from self._below(die, depth + 1)

    def at(self, address: int) -> Function | None:
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._spans[index][1]:
            return None
        return self.all[self._spans[index][2]]
