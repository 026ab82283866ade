"""What a Cortex-M pushes when it takes an exception (DDI0403E B1.5.6 to B1.5.8)."""

from __future__ import annotations

from ttd.program.location import Moment

_EXC_RETURN = 0xFFFFFF00
"""Bits 31 to 8 of it are ones in every Cortex-M."""
_NONE = 0xFFFFFFFF
"""What lr is after a reset: no address, and no EXC_RETURN."""
_PROCESS_STACK, _BASIC = 1 << 2, 1 << 4
_ALIGNED = 1 << 9
_NAMES = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
_FLOATS = 18
"""Words above the basic frame: s0 to s15, FPSCR, and one that is reserved."""


def is_exception_return(value: int) -> bool:
    return value & _EXC_RETURN == _EXC_RETURN and value != _NONE


def pushed(handler: Moment, exc_return: int) -> dict[str, int] | None:
    """Registers as they were where an exception was taken, from the frame of its handler, with
    `sp` as the handler found it; None if no stack is there."""
    on_process = bool(exc_return & _PROCESS_STACK)
    sp = handler.register("psp") if on_process else handler.register("sp")
    data = handler.memory(sp, 4 * len(_NAMES))
    if len(data) < 4 * len(_NAMES):
        return None
    words = (int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4))
    found = dict(zip(_NAMES, words, strict=True))
    found["pc"] &= ~1
    extended = 0 if exc_return & _BASIC else 4 * _FLOATS
    aligned = 4 if found["xpsr"] & _ALIGNED else 0
    found["sp"] = sp + 4 * len(_NAMES) + extended + aligned
    if on_process:
        # Nested ones have pushed on the main stack; below this one is what it was before.
        found["psp"] = found["sp"]
    return found
