"""What the register blocks of a board have in common: 32-bit words, output lines, ID registers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ttd.devices.base import Line
from ttd.devices.declared import Declared
from ttd.state import State

WORD = 0xFFFFFFFF


class RegisterBlock(Declared):
    """A device whose window is 32-bit registers.

    A narrower read returns the addressed bytes of its register. A narrower write puts zeros
    beside the bytes it brings: the APB of the CMSDK has no byte strobes, so nothing is merged.

    Subclasses implement `peek_word` without side effects; one whose reads have some overrides
    `read_word` as well.
    """

    def peek_word(self, offset: int) -> int:
        """Return the register at word-aligned `offset`, changing nothing."""
        raise NotImplementedError

    def read_word(self, offset: int) -> int:
        """Return the register at word-aligned `offset`; side effects as in hardware."""
        return self.peek_word(offset)

    def write_word(self, offset: int, value: int) -> None:
        """Write the register at word-aligned `offset`."""
        raise NotImplementedError

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        """Every output line with the level that follows from the state."""
        return ()

    def drive(self) -> None:
        """Bring the output lines to the levels that follow from the state."""
        self.drive_lines()
        for line, level in self.outputs():
            line.set(level)

    def read(self, offset: int, size: int) -> int:
        if self.registers is not None:
            value = self.registers.read(offset, size)
            if value is not None:
                return value
        if size == 4 and not offset & 3:
            return self.read_word(offset)
        return bytes_of(self.read_word(offset & ~3), offset, size)

    def peek(self, offset: int, size: int) -> int:
        if self.registers is not None:
            value = self.registers.read(offset, size, look=True)
            if value is not None:
                return value
        return bytes_of(self.peek_word(offset & ~3), offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        if self.registers is None or not self.registers.write(offset, size, value):
            self.write_word(offset & ~3, (value << 8 * (offset & 3)) & WORD)

    def load(self, state: State) -> None:
        super().load(state)
        # As of the declared ones.
        for line, level in self.outputs():
            line.level = level


def bytes_of(word: int, offset: int, size: int) -> int:
    """Those of a register that a read of `size` bytes at `offset` gets."""
    return (word >> 8 * (offset & 3)) & ((1 << 8 * size) - 1)


class _WiredInput(Line):
    """One input of a wired OR; the sink hears when the OR of the whole group changes."""

    __slots__ = ("_group",)

    def __init__(self, group: list[_WiredInput], sink: Callable[[bool], None]) -> None:
        super().__init__(sink)
        self._group = group

    def set(self, level: bool) -> None:
        before = any(line.level for line in self._group)
        self.level = level
        after = any(line.level for line in self._group)
        if after != before and self._sink is not None:
            self._sink(after)


def wired_or(count: int, sink: Callable[[bool], None]) -> tuple[Line, ...]:
    """Return `count` lines whose OR drives `sink`.

    The OR has no state of its own: it follows from the levels of the inputs, so there is
    nothing beside the devices to save and restore.
    """
    group: list[_WiredInput] = []
    group.extend(_WiredInput(group, sink) for _ in range(count))
    return tuple(group)


ID_OFFSETS = range(0xFD0, 0x1000, 4)
"""Where `cmsdk_id` has something."""


def cmsdk_id(part: int, offset: int) -> int:
    """Return the ID register (PID4-7, PID0-3, CID0-3) at `offset` of CMSDK part `part`.

    DDI0479 gives the same block for each APB component (e.g. UART: section 4.3.2): only PID0,
    the low byte of the part number, differs. Zero where there is no ID register.
    """
    registers = (0x04, 0, 0, 0, part, 0xB8, 0x1B, 0x00, 0x0D, 0xF0, 0x05, 0xB1)
    return registers[(offset - 0xFD0) // 4] if 0xFD0 <= offset <= 0xFFC else 0
