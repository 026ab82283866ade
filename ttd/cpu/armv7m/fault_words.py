"""What the fault status registers say, in words (DDI0403E B3.2.15 to B3.2.18)."""

from __future__ import annotations

from ttd.cpu.base import FaultLine

from . import scs
from .scs import SystemControlSpace

_CFSR = {
    scs.IACCVIOL: "IACCVIOL (an instruction from where none may be executed)",
    scs.DACCVIOL: "DACCVIOL (a data access that the MPU forbids)",
    scs.MUNSTKERR: "MUNSTKERR (unstacking: the MPU forbids it)",
    scs.MSTKERR: "MSTKERR (stacking: the MPU forbids it)",
    scs.IBUSERR: "IBUSERR (an instruction from where there is no memory)",
    scs.PRECISERR: "PRECISERR (a data access that nothing answers)",
    scs.UNSTKERR: "UNSTKERR (unstacking from where there is no memory)",
    scs.STKERR: "STKERR (stacking to where there is no memory)",
    scs.UNDEFINSTR: "UNDEFINSTR (an undefined instruction)",
    scs.INVSTATE: "INVSTATE (not in Thumb state)",
    scs.INVPC: "INVPC (an exception return that cannot be)",
    scs.NOCP: "NOCP (an instruction of a coprocessor or FPU that is not there)",
    scs.UNALIGNED: "UNALIGNED (an unaligned access)",
    scs.DIVBYZERO: "DIVBYZERO (a division by zero)",
}
_HFSR = {
    scs.VECTTBL: "VECTTBL (the vector table cannot be read)",
    scs.FORCED: "FORCED (a fault whose own handler could not be entered)",
    scs.DEBUGEVT: "DEBUGEVT (a breakpoint, or a semihosting call without --semihosting)",
}


def faults(status: SystemControlSpace, *, registers: bool) -> list[FaultLine]:
    """A line for each register that has something to say.

    Without `registers`, as in Armv6-M, only what has happened.
    """
    said = [text for bit, text in _CFSR.items() if status.cfsr & bit]
    if not registers:
        return [FaultLine(f"faults: {', '.join(said)}")] if said else []
    lines = []
    if status.cfsr:
        lines.append(f"CFSR {status.cfsr:#010x}: {', '.join(said)}")
    if status.hfsr:
        words = ", ".join(text for bit, text in _HFSR.items() if status.hfsr & bit)
        lines.append(f"HFSR {status.hfsr:#010x}: {words}")
    for valid, name, value in (
        (scs.MMARVALID, "MMFAR", status.mmfar),
        (scs.BFARVALID, "BFAR", status.bfar),
    ):
        if status.cfsr & valid:
            lines.append(f"{name} {value:#010x}: what was accessed")
    return [FaultLine(line) for line in lines]
