"""How registers are found as they were in the caller (DWARF 5, 6.4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from ttd.program.debug import Debug
from ttd.program.errors import NotDescribed, reading


class Rule(NamedTuple):
    """How one register is found; `kind` as pyelftools names them: OFFSET, REGISTER, ..."""

    kind: str
    argument: Any


class Rules(NamedTuple):
    """What is known at one instruction."""

    cfa_register: int | None
    cfa_offset: int
    cfa_expression: Sequence[Any]
    """In place of register and offset, if it is not empty."""
    registers: dict[int, Rule]
    return_register: int
    """Where the address is found to which the function returns."""


class CallFrames:
    """The tables of one file; where one is, is looked for in the first of them that knows."""

    def __init__(self, debug: Debug) -> None:
        self._debug = debug

    @cached_property
    def _entries(self) -> list[tuple[int, int, Any]]:
        """Address, end and entry of each function, by address."""
        try:
            dwarf = self._debug.dwarf
        except NotDescribed:
            return []
        with reading(self._debug.path):
            found: dict[int, tuple[int, int, Any]] = {}
            for there, read in (
                (dwarf.has_CFI(), dwarf.CFI_entries),
                (dwarf.has_EH_CFI(), dwarf.EH_CFI_entries),
            ):
                for entry in read() if there else ():
                    # The others are what several functions have in common, and the end.
                    if getattr(entry, "cie", None) is not None:
                        start = entry["initial_location"]
                        end = start + entry["address_range"]
                        if end > start:
                            found.setdefault(start, (start, end, entry))
            return sorted(found.values(), key=lambda each: each[:2])

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _, _ in self._entries]

    def at(self, address: int) -> Rules | None:
        """Those of an instruction; None if nothing is known of its function."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._entries[index][1]:
            return None
        entry = self._entries[index][2]
        with reading(self._debug.path):
            rows = [row for row in entry.get_decoded().table if row["pc"] <= address]
            if not rows:
                return None
            row = rows[-1]
            rule = row["cfa"]
            expression = self._expression(entry, rule.expr) if rule.expr is not None else ()
            registers = {
                number: self._rule(entry, each)
                for number, each in row.items()
                if isinstance(number, int)
            }
            returns = entry.cie["return_address_register"]
            return Rules(rule.reg, rule.offset or 0, expression, registers, returns)

    def _rule(self, entry: Any, rule: Any) -> Rule:
        if "EXPRESSION" in rule.type:
            return Rule(rule.type, self._expression(entry, rule.arg))
        return Rule(rule.type, rule.arg)

    @staticmethod
    def _expression(entry: Any, code: Any) -> Sequence[Any]:
        from elftools.dwarf.dwarf_expr import DWARFExprParser  # noqa: PLC0415

        parsed: Sequence[Any] = DWARFExprParser(entry.structs).parse_expr(list(code))
        return parsed
