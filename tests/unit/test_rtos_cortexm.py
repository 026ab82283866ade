"""Frames of Cortex-M tasks, with and without those of an FPU, as ports of systems leave them."""

from __future__ import annotations

import pytest

from ttd.rtos import cortexm
from ttd.rtos.values import Implausible, Memory

STACK, CODE = 0x20000000, 0x100
PC, T = CODE | 0x20, 1 << 24
SAVED = [0x400 + n for n in range(4, 12)]
FRAME = [0, 1, 2, 3, 12, 0x14, PC, T]
"""r0 to r3, r12, lr, pc, xPSR."""
FLOATS = [0x3F800000 + n for n in range(18)]
"""s0 to s15, FPSCR and a word that is not used."""
CALLEE_FLOATS = [0x40000000 + n for n in range(16)]
PLAIN, WITH_FPU = 0xFFFFFFFD, 0xFFFFFFED
V8_PLAIN, V8_FPU = 0xFFFFFFBC, 0xFFFFFFAC


def memory(words: list[int]) -> Memory:
    data = b"".join(word.to_bytes(4, "little") for word in words)

    def read(address: int, size: int) -> bytes:
        if STACK <= address < STACK + len(data):
            return data[address - STACK :][:size]
        return bytes(size) if CODE <= address < CODE + 0x100 else b""

    return Memory(read, 4)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([*SAVED, *FRAME], id="r4-r11"),
        pytest.param([*SAVED, PLAIN, *FRAME], id="EXC_RETURN"),
        pytest.param([*SAVED, WITH_FPU, *CALLEE_FLOATS, *FRAME, *FLOATS], id="FPU"),
        pytest.param([STACK, V8_PLAIN, *SAVED, *FRAME], id="v8-M"),
        pytest.param([STACK, V8_FPU, *SAVED, *CALLEE_FLOATS, *FRAME, *FLOATS], id="v8-M, FPU"),
    ],
)
@pytest.mark.parametrize("padded", [False, True])
def test_ways_to_save(words: list[int], padded: bool) -> None:
    """DDI0403E B1.5.7: bit 9 of the stacked xPSR is a word that aligned the stack."""
    words = [word | 1 << 9 if padded and word == T else word for word in words]
    found = cortexm.pushed_by_switch(memory([*words, *[0] * 4]), STACK)
    assert [found[f"r{n}"] for n in range(4, 12)] == SAVED
    assert [found[name] for name in ("r0", "r1", "r2", "r3", "r12", "lr", "pc")] == FRAME[:-1]
    assert found["sp"] == found["psp"] == STACK + 4 * (len(words) + padded)


def test_a_register_that_looks_like_exc_return() -> None:
    """r0 is -3: what follows is no frame when it is taken for EXC_RETURN."""
    frame = [PLAIN, *FRAME[1:]]
    found = cortexm.pushed_by_switch(memory([*SAVED, *frame, *[0] * 4]), STACK)
    assert found["r0"] == PLAIN and found["pc"] == PC


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="nothing"),
        pytest.param([*SAVED, *FRAME[:-1], 0], id="not Thumb"),
        pytest.param([*SAVED, *FRAME[:-1], T | 3], id="in an exception"),
        pytest.param([*SAVED, *FRAME[:6], 0xF0000000, T], id="pc at nothing"),
        pytest.param(SAVED[:4], id="cut"),
    ],
)
def test_no_frame(words: list[int]) -> None:
    with pytest.raises(Implausible):
        cortexm.pushed_by_switch(memory(words), STACK)
    with pytest.raises(Implausible):
        cortexm.pushed_by_switch(memory([*SAVED, *FRAME]), STACK + 2)
