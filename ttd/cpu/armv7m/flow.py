"""Exception entry, return and escalation (DDI0403E B1.5.4 to B1.5.15)."""

from __future__ import annotations

import struct
from typing import ClassVar

from unicorn import arm_const as arm

from ttd.devices.base import Stateful
from ttd.engine import EngineFault

from . import exceptions as exc
from . import scs
from .access import ArmCore
from .profile import Profile
from .scs import SystemControlSpace

IPSR = 0x1FF
T_BIT = 1 << 24
IT_BITS = 0x0600FC00
_FLAGS = 0xF8000000
_POPPED = _FLAGS | T_BIT | IT_BITS | IPSR
_FRAME_ALIGNED = 1 << 9
"""In a stacked xPSR: SP was moved down by 4 to align the frame."""

LOCKUP_ADDRESS = 0xFFFFFFFE
_FRAME = struct.Struct("<8I")
_FRAME_SIZE = 0x20
_RETURN = "exception return"
"""Who reads a frame again."""

_NPRIV, _SPSEL = 1, 2

_R0_3_12 = (
    arm.UC_ARM_REG_R0,
    arm.UC_ARM_REG_R1,
    arm.UC_ARM_REG_R2,
    arm.UC_ARM_REG_R3,
    arm.UC_ARM_REG_R12,
)
_LR, _PC, _XPSR = arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC, arm.UC_ARM_REG_XPSR
_SP, _CONTROL = arm.UC_ARM_REG_SP, arm.UC_ARM_REG_CONTROL
_MASKS = (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_BASEPRI)

_ENTRY_READ = (*_R0_3_12, _LR, _PC, _XPSR, _SP, _CONTROL)
_ENTRY_ON_MSP = (_SP, _XPSR, _LR, _PC)
# SPSEL can be written in privileged thread mode only: the first write ends nPRIV, the second
# selects MSP and brings nPRIV back.
_ENTRY_ON_PSP = (_SP, _CONTROL, _CONTROL, _XPSR, _LR, _PC)

_RETURN_READ = (_XPSR, _SP, arm.UC_ARM_REG_PSP, _CONTROL)
_RETURN_ON_MSP = (_SP, _XPSR, *_R0_3_12, _LR, _PC)
_RETURN_ON_PSP = (arm.UC_ARM_REG_PSP, _CONTROL, _XPSR, _CONTROL, *_R0_3_12, _LR, _PC)


class ExceptionFlow(Stateful):
    """Takes exceptions and returns from them.

    A return always unstacks, an entry always stacks. Where hardware tail-chains (B1.5.12), the
    frame is popped and pushed again with the same contents; this differs from the hardware in
    nothing that the architecture defines, and the position between return and entry is an
    ordinary one. Late arrival (B1.5.11) needs nothing: the most urgent exception is chosen when
    the entry happens.
    """

    STATE: ClassVar[tuple[str, ...]] = ("synchronous", "chain", "lockup", "event")

    def __init__(
        self, engine: ArmCore, control_space: SystemControlSpace, profile: Profile
    ) -> None:
        self._popped = _POPPED if profile.mainline else _POPPED & ~IT_BITS
        self._engine = engine
        self._scs = control_space
        self._table = control_space.table
        self.reset()

    def reset(self) -> None:
        self.synchronous = False
        """What is pending was caused by the instruction at or before PC: it cannot wait."""
        self.chain: int | None = None
        """A return failed: the next entry stacks nothing and gets this in LR."""
        self.lockup = False
        self.event = False
        """The event register of WFE (B1.5.18)."""

    # Priorities and faults -------------------------------------------------------------------

    def execution_priority(self, *, ignore_primask: bool = False) -> int:
        """B1.5.4."""
        primask, faultmask, basepri = self._engine.regs_read(_MASKS)
        return self._table.execution_priority(
            0 if ignore_primask else primask & 1, faultmask & 1, basepri
        )

    def raise_synchronous(self, number: int, status: int = 0) -> None:
        """Make an exception of the present instruction pending; `status`: CFSR bits.

        What cannot be taken escalates to HardFault; what happens in a HardFault or NMI handler,
        or under FAULTMASK, locks the core up (B1.5.14, B1.5.15).
        """
        self._scs.cfsr |= status
        priority = self.execution_priority()
        if self._table.can_preempt(number, priority):
            self._table.pend(1 << number)
            self.synchronous = True
        else:
            self.raise_hard_fault(scs.FORCED)

    def raise_hard_fault(self, status: int) -> None:
        """`status`: HFSR bits."""
        if self.execution_priority() <= -1:
            self.lockup = True
            return
        self._scs.hfsr |= status
        self._table.pend(1 << exc.HARD_FAULT)
        self.synchronous = True

    def _derived(self, number: int, status: int) -> None:
        """A fault of an entry under way (B1.5.13); at priority -1 it is only recorded."""
        self._scs.cfsr |= status
        priority = self.execution_priority()
        if self._table.can_preempt(number, priority):
            self._table.pend(1 << number)
        elif priority > -1:
            self._scs.hfsr |= scs.FORCED
            self._table.pend(1 << exc.HARD_FAULT)

    # Entry -----------------------------------------------------------------------------------

    def enter(self, number: int) -> None:
        """B1.5.6 PushStack() and ExceptionTaken()."""
        engine, by = self._engine, f"exception entry {number}"
        *frame, sp, control = engine.regs_read(_ENTRY_READ)
        xpsr = frame[7]
        on_psp = False
        if self.chain is not None:
            link, self.chain = self.chain, None
        else:
            thread = not xpsr & IPSR
            on_psp = thread and bool(control & _SPSEL)
            link = 0xFFFFFFFD if on_psp else 0xFFFFFFF9 if thread else 0xFFFFFFF1
            align = sp & 4 if self._scs.ccr & scs.STKALIGN else 0
            sp = (sp - _FRAME_SIZE - align) & 0xFFFFFFFF
            if align:
                frame[7] = xpsr | _FRAME_ALIGNED
            try:
                engine.vwrite(sp, _FRAME.pack(*frame), by, not thread or not control & _NPRIV)
            except EngineFault as fault:
                if fault.denied:
                    self._derived(exc.MEM_MANAGE, scs.MSTKERR)
                else:
                    self._derived(exc.BUS_FAULT, scs.STKERR)
                number = self._table.top
        self.synchronous = False
        number, vector = self._vector(number)
        new_xpsr = xpsr & _FLAGS | (T_BIT if vector & 1 else 0) | number
        if on_psp:
            values = (sp, 0, control & _NPRIV, new_xpsr, link, vector & ~1)
            engine.regs_write(_ENTRY_ON_PSP, values)
        else:
            engine.regs_write(_ENTRY_ON_MSP, (sp, new_xpsr, link, vector & ~1))
        engine.clear_exclusive()
        self._table.activate(number)
        self.event = True

    def _vector(self, number: int) -> tuple[int, int]:
        """The exception that is really taken, and its vector.

        Vectors are read by the default memory map, whatever the MPU says (B3.5.1). One that
        cannot be read is a HardFault; HardFault's or NMI's own locks the core up (B1.5.15).
        """
        try:
            raw = self._engine.load(self._scs.vtor + 4 * number, 4, f"exception entry {number}")
        except EngineFault:
            return self._no_vector(number)
        return number, int.from_bytes(raw, "little")

    def _no_vector(self, number: int) -> tuple[int, int]:
        if number > exc.HARD_FAULT:
            self._scs.hfsr |= scs.VECTTBL
            self._table.pend(1 << exc.HARD_FAULT)
            return self._vector(self._table.top)
        self.lockup = True
        return number, LOCKUP_ADDRESS | 1

    # Return ----------------------------------------------------------------------------------

    def leave(self, exc_return: int) -> bool:
        """B1.5.8 ExceptionReturn(); True if the core goes to sleep (SLEEPONEXIT)."""
        engine, table, ccr = self._engine, self._table, self._scs.ccr
        xpsr, msp, psp, control = engine.regs_read(_RETURN_READ)
        number = xpsr & IPSR
        nested = table.active & ~(1 << number)
        kind = exc_return & 0xF
        valid = (
            table.active >> number & 1
            and exc_return >> 4 == 0xFFFFFFF
            and (kind == 0x1 or (kind in (0x9, 0xD) and (not nested or ccr & scs.NONBASETHRDENA)))
        )
        table.deactivate(number)
        if number != exc.NMI:
            engine.reg_write(arm.UC_ARM_REG_FAULTMASK, 0)
        if not valid:
            self._fail(exc_return, exc.USAGE_FAULT, scs.INVPC)
            return False

        to_thread, on_psp = kind != 0x1, kind == 0xD
        sp = psp if on_psp else msp
        try:
            raw = engine.vread(sp, _FRAME_SIZE, _RETURN, not to_thread or not control & _NPRIV)
        except EngineFault as fault:
            if fault.denied:
                self._fail(exc_return, exc.MEM_MANAGE, scs.MUNSTKERR)
            else:
                self._fail(exc_return, exc.BUS_FAULT, scs.UNSTKERR)
            return False
        r0, r1, r2, r3, r12, lr, pc, psr = _FRAME.unpack(raw)
        if bool(psr & IPSR) == to_thread:
            self._fail(exc_return, exc.USAGE_FAULT, scs.INVPC)
            return False

        sp = (sp + _FRAME_SIZE) & 0xFFFFFFFF
        if psr & _FRAME_ALIGNED and ccr & scs.STKALIGN:
            sp |= 4
        psr &= self._popped
        general = (r0, r1, r2, r3, r12, lr, pc & ~1)
        if on_psp:
            npriv = control & _NPRIV
            engine.regs_write(_RETURN_ON_PSP, (sp, 0, psr, _SPSEL | npriv, *general))
        else:
            engine.regs_write(_RETURN_ON_MSP, (sp, psr, *general))
        engine.clear_exclusive()
        self.event = True
        return to_thread and not table.active and bool(self._scs.scr & scs.SLEEPONEXIT)

    def _fail(self, exc_return: int, number: int, status: int) -> None:
        """The handler is over but its frame stays: the fault is taken on top of it."""
        self.chain = 0xF0000000 | exc_return & 0x0FFFFFFF
        self.raise_synchronous(number, status)
