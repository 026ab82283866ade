"""Bursts: the engine serves the port of a FIFO by itself, and nothing is lost or done twice."""

from __future__ import annotations

import random
import struct

import pytest
from unicorn import arm_const as arm

from ttd.cpu.models import CPUS
from ttd.engine import Engine

PORT, OTHER, END = 0x40000000, 0x40000100, 0x40000020
REGS = tuple(getattr(arm, f"UC_ARM_REG_R{n}") for n in range(8))
# ldm r4!,{r0-r3}; subs r4,#16; eor r7,r0; ror r7,r3; stm r5!,{r1,r2,r7}; subs r5,#12; ldr r0,[r6]
# str r7,[r6,#4]; add r7,r1; b
CODE = (0xCC0F, 0x3C10, 0x4047, 0x41DF, 0xC586, 0x3D0C, 0x6830, 0x6077, 0x187F, 0xE7F5)


class Fifos:
    """Numbers counted up to be read at one port, a list of what was written to another."""

    def __init__(self, most: int, dice: random.Random) -> None:
        self.engine = engine = Engine(CPUS["cortex-m3"].isa)
        self.count, self.most, self.dice = 0, most, dice
        self.written: list[int] = []
        self.seen: list[tuple[int, int, int]] = []
        """What the third device saw: step, count and number of words at each access."""
        self.asked = 0
        engine.map_ram(0, 0x1000)
        engine.map_mmio(PORT, 0x1000, self.read, self.write)
        engine.start()
        engine.write(0, struct.pack(f"<{len(CODE)}H", *CODE))
        engine.regs_write(
            (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC, *REGS),
            (1 << 24, 0, 0, 0, 0, 0, PORT, END, OTHER, 5),
        )

    def read(self, address: int, size: int) -> int:
        self.asked += 1
        if address >= OTHER:
            self.seen.append((self.engine.step, self.count, len(self.written)))
            return len(self.written)
        self.count += 1
        if self.most:
            ahead = range(self.count, self.count + self.dice.randint(0, self.most))
            words = struct.pack(f"<{len(ahead)}I", *ahead)
            self.engine.open_burst(PORT, END, words, self.was_read)
        if self.dice.random() < 0.1:
            self.engine.stop_after_access()
        return self.count - 1

    def was_read(self, words: bytes) -> None:
        assert words
        first, *_ = struct.unpack(f"<{len(words) // 4}I", words)
        assert first == self.count
        self.count += len(words) // 4

    def write(self, address: int, size: int, value: int) -> None:
        self.asked += 1
        if address >= OTHER:
            self.seen.append((self.engine.step, self.count, len(self.written)))
            return
        self.written.append(value)
        if self.most:
            count = self.dice.randint(0, self.most)
            self.engine.open_burst(END, OTHER, count, self.was_written)
        if self.dice.random() < 0.1:
            self.engine.stop_after_access()

    def was_written(self, words: bytes) -> None:
        self.written += struct.unpack(f"<{len(words) // 4}I", words)

    def run(self, steps: int, longest: int) -> object:
        end = self.engine.step + steps
        while self.engine.step < end:
            self.engine.run(min(end - self.engine.step, self.dice.randint(1, longest)))
        return self.count, self.written, self.seen, self.engine.regs_read(REGS)


@pytest.mark.parametrize("longest", [1, 7, 1000])
@pytest.mark.parametrize("most", [1, 5, 200])
def test_nothing_is_lost_or_done_twice(most: int, longest: int) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    plain = Fifos(0, random.Random(seed))
    expected = plain.run(5000, 5000)
    assert plain.count == 4 * 500
    found = Fifos(most, random.Random(seed + 1))
    assert found.run(5000, longest) == expected
    if longest > 1 and most > 1:
        assert found.asked < plain.asked


def test_an_error_while_words_are_taken_ends_the_run() -> None:
    fifos = Fifos(5, random.Random(1))

    def fail(words: bytes) -> None:
        raise RuntimeError("it is full")

    fifos.was_read = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="it is full"):
        fifos.run(1000, 1000)
