"""The functions that have not returned yet, at the present place of a run."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.program.errors import ProgramError
from ttd.program.frames import Level, Sort
from ttd.program.program import Program
from ttd.questions.past import Past
from ttd.questions.traps import backtrace
from ttd.values import dataclass

_LONGEST = 200
"""Characters of a value."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A function that was called and has not returned, or is inlined into one."""

    number: int
    """0: the one that runs."""
    pc: int
    """The instruction that comes next in it."""
    function: str
    """Empty: nobody knows, or it is what the processor pushed for an exception."""
    line: str
    """`file.c:12`, as the compiler was given it; empty: nobody knows."""
    variables: tuple[tuple[str, str], ...] = ()
    """Parameters, and local variables, with their values, as C shows them."""
    exception: bool = False
    """What the processor pushed when an exception began."""

    def __str__(self) -> str:
        if self.exception:
            return f"#{self.number}  <exception>"
        name = self.function or f"{self.pc:#x}"
        return f"#{self.number}  {name}" + (f" at {self.line}" if self.line else "")


def frames(past: Past) -> Iterator[Frame]:
    """Where the machine is, from the innermost one."""
    number, program = 0, past.program
    for frame in backtrace(past):
        for level in frame.levels:
            yield Frame(
                number,
                frame.pc,
                level.name or "",
                str(level.line or ""),
                tuple(_variables(program, level)),
                frame.sort is Sort.EXCEPTION,
            )
            number += 1


def _variables(program: Program, level: Level) -> Iterator[tuple[str, str]]:
    seen = set[str]()
    for variable in level.variables():
        if variable.name in seen:
            continue  # hidden by one of an inner block
        seen.add(variable.name)
        try:
            value = program.show(level.locate(variable, variable.name), level.frame)
        except ProgramError:
            value = "<optimized out>"
        yield variable.name, value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
