"""Where the registers of a task are on a Cortex-M that does not run it.

The processor pushes r0 to r3, r12, lr, pc and xPSR on the stack of the task (DDI0403E B1.5.6),
and, if the task has used the FPU, s0 to s15 and FPSCR above them: bit 4 of EXC_RETURN is 0 then.
Below that the switch pushes what is left, in one of three ways that systems have: r4 to r11; r4 to
r11 and EXC_RETURN; PSPLIM, EXC_RETURN and r4 to r11 (Armv8-M). s16 to s31 are next to the
processor's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ttd.rtos.values import Implausible, Memory

_BASIC, _EXTENDED = 8, 26
"""Words that the processor pushes."""
_CALLEE_FLOATS = 16
"""Words: s16 to s31."""
_SAVED = tuple(f"r{n}" for n in range(4, 12))
_T, _ALIGNED, _EXCEPTION = 1 << 24, 1 << 9, 0x1FF
_SPSEL = 2
_EXC_RETURN = 0xFFFFFF80
"""Bits 31 to 7 of it are ones in every Armv7-M and Armv8-M."""


def in_thread(register: Callable[[str], int]) -> None:
    """`Implausible` while the processor runs what no task is: on MSP, but in no exception."""
    if not register("xpsr") & _EXCEPTION and not register("control") & _SPSEL:
        raise Implausible("no task runs")


def pushed_by_processor(memory: Memory, sp: int, extended: bool) -> dict[str, int]:
    """The registers in a frame of the processor's at `sp`, and `sp` as it was before."""
    words = memory.words(sp, _BASIC)
    names = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
    found = dict(zip(names, words, strict=True))
    xpsr = found["xpsr"]
    if not xpsr & _T or xpsr & _EXCEPTION:
        raise Implausible(f"no frame of a task at {sp:#x}")
    found["pc"] &= ~1
    memory.exactly(found["pc"], 2)
    top = sp + 4 * (_EXTENDED if extended else _BASIC) + (4 if xpsr & _ALIGNED else 0)
    # Who is switched masks nothing: the exception that does it would not have come.
    masks = dict.fromkeys(("primask", "basepri", "faultmask"), 0)
    return found | masks | {"sp": top, "psp": top, "control": _SPSEL}


def pushed_by_switch(memory: Memory, sp: int) -> dict[str, int]:
    """All registers, where a switch has pushed those that the processor does not."""
    for at, saved, extended in _layouts(memory, sp):
        try:
            found = pushed_by_processor(memory, at, extended)
        except Implausible:
            continue
        return found | dict(zip(_SAVED, saved, strict=True))
    raise Implausible(f"no registers of a task at {sp:#x}")


def uses_fpu(exc_return: int) -> bool:
    """B1.5.8, "Exception return behavior"."""
    return not exc_return & 1 << 4


def _layouts(memory: Memory, sp: int) -> Iterator[tuple[int, list[int], bool]]:
    """Where the processor's frame begins, r4 to r11, and whether it has that of an FPU."""
    words = memory.words(sp, 10)
    if words[8] & _EXC_RETURN == _EXC_RETURN:
        extended = uses_fpu(words[8])
        yield sp + 4 * (9 + (_CALLEE_FLOATS if extended else 0)), words[:8], extended
    yield sp + 4 * 8, words[:8], False
    if words[1] & _EXC_RETURN == _EXC_RETURN:
        extended = uses_fpu(words[1])
        yield sp + 4 * (10 + (_CALLEE_FLOATS if extended else 0)), words[2:], extended
