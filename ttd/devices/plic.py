"""Platform-Level Interrupt Controller: "RISC-V Platform-Level Interrupt Controller Specification".

The memory map is that of the chapter "Memory Map": priorities at 0, pending bits at 0x1000, enable
bits at 0x2000 + 0x80 per context, threshold and claim/complete at 0x200000 + 0x1000 per context.

The gateways are those of level-triggered sources (chapter "Interrupt Gateways"): a line that is
high makes its source pending, once; from its claim to its completion nothing more is forwarded, and
a line that is still high then makes it pending again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.registers import WORD, RegisterBlock

PRIORITY, PENDING, ENABLE, CONTEXT = 0x0, 0x1000, 0x2000, 0x200000
ENABLE_STRIDE, CONTEXT_STRIDE = 0x80, 0x1000
THRESHOLD, CLAIM = 0, 4
"""In a context's page."""
PRIORITIES = 7
"""Priorities are 1 to 7, 0 for never; a register has 3 bits."""


class Plic(RegisterBlock):
    """Interrupts by number to one line per context.

    There are `sources` - 1 of them: 0 is no interrupt.
    """

    STATE = ("priority", "level", "pending", "serving", "enabled", "threshold")
    size = 0x600000

    def __init__(self, name: str, clock: Clock, sources: int, contexts: Sequence[Line]) -> None:
        """`contexts`: the external interrupt inputs of the cores, by context number."""
        super().__init__(name, clock)
        self.sources = sources
        self.contexts = tuple(contexts)
        self._words = -(-sources // 32)
        self.reset()

    def reset(self) -> None:
        self.priority = [0] * self.sources
        # Bits by source, in words as the guest sees them.
        self.level = [0] * self._words
        self.pending = [0] * self._words
        self.serving = [0] * self._words
        """Claimed and not yet completed: the gateway is closed."""
        self.enabled = [[0] * self._words for _ in self.contexts]
        self.threshold = [0] * len(self.contexts)
        self.drive()

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        for context, line in enumerate(self.contexts):
            yield line, self._best(context) != 0

    def set_line(self, number: int, level: bool) -> None:
        """The level of a source's line has changed."""
        if not 0 < number < self.sources:
            return
        word, bit = number // 32, 1 << number % 32
        if not level:
            self.level[word] &= ~bit
            return
        self.level[word] |= bit
        if not self.serving[word] & bit:
            self.pending[word] |= bit
            self.drive()

    def _best(self, context: int) -> int:
        """The source that `context` would get if it claimed now; 0 for none."""
        best, limit = 0, self.threshold[context]
        for word, enabled in enumerate(self.enabled[context]):
            ready = self.pending[word] & ~self.serving[word] & enabled
            while ready:
                source = word * 32 + (ready & -ready).bit_length() - 1
                ready &= ready - 1
                # Of equal priorities the lowest number comes first.
                if self.priority[source] > limit:
                    best, limit = source, self.priority[source]
        return best

    def _claim(self, context: int) -> int:
        source = self._best(context)
        if source:
            self.pending[source // 32] &= ~(1 << source % 32)
            self.serving[source // 32] |= 1 << source % 32
            self.drive()
        return source

    def _complete(self, context: int, source: int) -> None:
        word, bit = source // 32, 1 << source % 32
        # Ignored unless the source is enabled for this context.
        if source < self.sources and self.enabled[context][word] & bit:
            self.pending[word] |= self.level[word] & self.serving[word] & bit
            self.serving[word] &= ~bit
            self.drive()

    def _place(self, offset: int) -> tuple[int, int] | None:
        """Context and offset within its page; None if `offset` is not in one."""
        context, register = divmod(offset - CONTEXT, CONTEXT_STRIDE)
        return (context, register) if 0 <= context < len(self.contexts) else None

    def _enable_word(self, offset: int) -> tuple[list[int], int] | None:
        """The enable bits and the word of them at `offset`."""
        context, register = divmod(offset - ENABLE, ENABLE_STRIDE)
        if 0 <= context < len(self.contexts) and register // 4 < self._words:
            return self.enabled[context], register // 4
        return None

    def read_word(self, offset: int) -> int:
        place = self._place(offset)
        if place is not None and place[1] == CLAIM:
            return self._claim(place[0])
        return self.peek_word(offset)

    def peek_word(self, offset: int) -> int:
        if offset < PRIORITY + 4 * self.sources:
            return self.priority[offset // 4]
        if PENDING <= offset < PENDING + 4 * self._words:
            return self.pending[(offset - PENDING) // 4]
        enable = self._enable_word(offset)
        if enable is not None:
            return enable[0][enable[1]]
        place = self._place(offset)
        if place is None:
            return 0
        context, register = place
        if register == CLAIM:
            return self._best(context)
        return self.threshold[context] if register == THRESHOLD else 0

    def steady(self, offset: int) -> Steady | None:
        place = self._place(offset)
        return Steady() if place is None or place[1] != CLAIM else None

    def write_word(self, offset: int, value: int) -> None:
        enable, place = self._enable_word(offset), self._place(offset)
        if PRIORITY < offset < PRIORITY + 4 * self.sources:
            self.priority[offset // 4] = value & PRIORITIES
        elif enable is not None:
            bits, word = enable
            bits[word] = value & self._existing(word)
        elif place is not None and place[1] == THRESHOLD:
            self.threshold[place[0]] = value & PRIORITIES
        elif place is not None and place[1] == CLAIM:
            self._complete(place[0], value)
        self.drive()

    def _existing(self, word: int) -> int:
        """Which bits of a word of bits by source are sources."""
        count = min(32, self.sources - 32 * word)
        return (1 << count) - 1 & (WORD & ~1 if word == 0 else WORD)
