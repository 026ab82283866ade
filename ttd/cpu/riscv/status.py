"""mstatus and sstatus: where Unicorn has bits otherwise than the privileged architecture (sections
"Machine Status Registers" and "Supervisor Status Register")."""

from __future__ import annotations

from . import bits

_MOVED = 8
"""Unicorn has TW and TSR so much higher up."""
_PLAIN_S = bits.SIE | bits.SPIE | bits.SPP | bits.FS | bits.SUM | bits.MXR
_PLAIN_M = _PLAIN_S | bits.MIE | bits.MPIE | bits.MPP | bits.MPRV | bits.TVM
_LENGTHS_S = 2 << 32
_LENGTHS_M = _LENGTHS_S | 2 << 34
"""UXL, and SXL: 64 bits."""


def shown(raw: int, xlen: int, *, supervisor: bool = False) -> int:
    """mstatus (`supervisor`: sstatus) as the manual has it, from Unicorn's."""
    value = raw & (_PLAIN_S if supervisor else _PLAIN_M)
    if not supervisor:
        value |= raw >> _MOVED & (bits.TW | bits.TSR)
    if raw & bits.FS == bits.FS:
        value |= 1 << xlen - 1
    if xlen == 64:
        value |= _LENGTHS_S if supervisor else _LENGTHS_M
    return value


def stored(value: int, before: int, *, supervisor: bool = False) -> int:
    """What Unicorn has to have for that; `before`: what it has. MPP keeps a mode that exists."""
    if supervisor:
        return value & _PLAIN_S
    kept = before if value >> bits.MPP_SHIFT & 3 == 2 else value
    return value & _PLAIN_M & ~bits.MPP | kept & bits.MPP | (value & (bits.TW | bits.TSR)) << _MOVED
