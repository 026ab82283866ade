"""Where a value came from, as rows: the value itself first, and below it what it is made of."""

from __future__ import annotations

from enum import Enum

from ttd.values import dataclass


class Kind(Enum):
    """How a value came to be where it is."""

    MOVE = "move"
    """From one register to another."""
    ARITHMETIC = "arithmetic"
    """Computed, of what is below it."""
    LOAD = "load"
    STORE = "store"
    SAVED = "saved"
    """A register was stored and loaded again: by a function, an interrupt, a switch of tasks."""
    PARTS = "parts"
    """Bytes that several have written."""
    INTERRUPT = "interrupt"
    """What the entry of an exception does, or the return from it."""
    DEVICE = "device"
    """Read from a register of a device."""
    DMA = "dma"
    """Written by no instruction: by a device, or an answer of the host's."""
    INPUT = "input"
    """It came from outside: an event of the log."""
    CONSTANT = "constant"
    """Of the program's code."""
    STACK = "stack"
    """An address on the stack."""
    IMAGE = "image"
    """As it was loaded."""
    FIRST = "first"
    """As it was at the start."""
    DEBUGGER = "debugger"
    """Written by a debugger."""
    AGAIN = "again"
    """The same as above, or the same so many times more."""
    UNKNOWN = "cannot follow"
    """It is followed no further; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One place on the way of a value."""

    step: int
    """It happened in this step of the present branch; or what is told of was so there."""
    depth: int
    """How far it is indented: more where a value is made of several."""
    of: int | None
    """The number of the row that it is a source of; None: it is the first."""
    kind: Kind
    text: str
    """For people, in one line."""
    value: int | None = None
    pc: int | None = None
    """Where the instruction is; None if none did it."""
    event: int | None = None
    """INPUT, DEBUGGER: the number in the log."""
    address: int | None = None
    """Where in memory the value was, if it was there; None: in a register."""
    size: int = 0
    """How many bytes of it are followed."""
