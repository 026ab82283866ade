"""A question about the past, and an answer: plain values, which can be sent to other processes.

A row is of a *step*: what it tells of happens between position `step` and the next one, so
`goto STEP` shows the machine just before.
"""

from __future__ import annotations

from enum import Enum

from ttd.conditions import Expression
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.values import dataclass


class QuestionError(UserError):
    """A question that says nothing; the text is one sentence for people."""


class What(Enum):
    """What is asked for. Rows have the same, but for ACCESSED: theirs are READ or WRITTEN."""

    EXECUTED = "executed"
    """Instructions in one of `ranges` that came up: that ran, or faulted."""
    READ = "read"
    WRITTEN = "written"
    ACCESSED = "accessed"
    """Accesses that overlap one of `ranges`: by instructions, exception entries, DMA, calls of the
    host, page walks."""
    REGISTER = "register"
    """Steps that change the register `name`."""
    ENTERED = "entered"
    """Entries to exceptions and interrupts: those in `numbers`, or all."""
    LEFT = "left"
    """Returns from exceptions."""
    HANDLERS = "handlers"
    """Entries and returns; rows are ENTERED and LEFT, and know where it goes on: `address`."""
    VALUES = "values"
    """Steps that change the value of `expression`."""
    FOUND = "found"
    """Writes by which memory comes to have the bytes `data` at a physical address."""


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses from `begin` to before `end`."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, where, and how much of it."""

    what: What
    ranges: tuple[Range, ...] = ()
    """EXECUTED, READ, WRITTEN, ACCESSED."""
    physical: bool = False
    """READ, WRITTEN, ACCESSED: `ranges` are physical addresses, and not those the guest uses."""
    changes: bool = False
    """WRITTEN, ACCESSED: of writes only those of another value than what was there."""
    name: str = ""
    """REGISTER: as the processor calls it."""
    mask: int = -1
    """REGISTER: the bits whose changes count."""
    numbers: tuple[int, ...] = ()
    """ENTERED."""
    data: bytes = b""
    """FOUND: 256 at most. `ranges` say where something may be written, `physical`."""
    expression: Expression | None = None
    """VALUES: with numbers in place of names (`conditions.resolve`)."""
    condition: Expression | None = None
    """What has to hold as well, with the machine at the row's step; `old` and `new` are the row's,
    `address` its address. Resolved, and without `hits`."""
    begin: int = 0
    """The first step whose rows count."""
    end: int | None = None
    """The step before which rows count; None: the end of the known history."""
    branch: int | None = None
    """None: the one on which the machine is."""
    backward: bool = False
    """The latest row first."""
    limit: int | None = None
    """As many rows at most."""

    def check(self) -> None:
        """`QuestionError` if it says nothing."""
        ranged = self.what in _RANGED
        if ranged != bool(self.ranges):
            raise QuestionError(f"{self.what.value}: {'no' if ranged else 'there are'} addresses")
        if any(r.begin < 0 or r.end <= r.begin for r in self.ranges):
            raise QuestionError("a range of addresses is empty")
        if (self.what is What.REGISTER) != bool(self.name):
            raise QuestionError("a register is named where one is asked for, and only there")
        if (self.what is What.FOUND) != bool(self.data):
            raise QuestionError("bytes are given where they are looked for, and only there")
        if (self.what is What.VALUES) != (self.expression is not None):
            raise QuestionError("an expression is given where values are asked for, and only there")
        if self.limit is not None and self.limit < 1:
            raise QuestionError(f"{self.limit} rows are none")


_RANGED = (What.EXECUTED, What.READ, What.WRITTEN, What.ACCESSED, What.FOUND)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that happened."""

    step: int
    kind: What
    pc: int | None = None
    """Of the instruction at `step`; None for what the log tells (ENTERED)."""
    address: int = 0
    """Of an access; EXECUTED: PC."""
    size: int = 0
    """Bytes of the access, 8 at most: a longer one is as many rows."""
    old: int | None = None
    """What was there before: of a read, what is read; of a register, the bits asked for."""
    new: int | None = None
    """What is there then. ENTERED: the exception's number. LEFT: 0 if no handler runs behind it,
    whatever was entered before; else None."""
    by: str = ""
    """Who made the access; empty: the instruction at `pc`."""

    def place(self, branch: int) -> Place:
        """Just before it."""
        return Place(branch, self.step)
