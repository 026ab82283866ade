"""The instructions of the x87 that compute sines, logarithms and their kin.

The engine stops at them, since it has no such functions (`x87.c` has all others). What they do with
special operands, the stack and the status word: "Intel 64 and IA-32 Architectures Software
Developer's Manual", volume 1, chapter 8; volume 2, "FSIN" and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

import gmpy2

from ttd.cpu.constants import x86_const as x86

from . import transcendental as functions
from .transcendental import Rounded

_IE, _DE, _ZE, _OE, _UE, _PE = (1 << n for n in range(6))
_ALL = 0x3F
_STACK_FAULT, _SUMMARY, _BUSY = 0x40, 0x80, 0x8000
_C1, _C2 = 0x200, 0x400
_OF_ANGLES = (0xF2, 0xFB, 0xFE, 0xFF)
_TOP = 0x3800
_FRACTION = (1 << 64) - 1
_INTEGER_BIT, _QUIET_BIT = 1 << 63, 1 << 62
_INFINITY = 0x7FFF << 64 | _INTEGER_BIT
_INDEFINITE = 0xFFFF << 64 | 3 << 62
_ONE = 0x3FFF << 64 | _INTEGER_BIT
_SIGN = 1 << 79


class _Kind(Enum):
    ZERO = auto()
    FINITE = auto()
    INFINITE = auto()
    NAN = auto()


class _Raised(Exception):
    """The instruction ends with this flag, and its masked response."""

    def __init__(self, flag: int, bits: int = _INDEFINITE) -> None:
        super().__init__()
        self.flag = flag
        self.bits = bits


class Registers(Protocol):
    """The part of the engine that is used here."""

    def reg_read(self, register: int) -> int: ...
    def reg_write(self, register: int, value: int) -> None: ...
    def wide_read(self, register: int) -> int: ...
    def wide_write(self, register: int, value: int) -> None: ...


def _exponent(bits: int) -> int:
    return bits >> 64 & 0x7FFF


def _unsupported(bits: int) -> bool:
    return _exponent(bits) != 0 and not bits & _INTEGER_BIT


def _kind(bits: int) -> _Kind:
    if _exponent(bits) == 0x7FFF:
        return _Kind.INFINITE if bits & _FRACTION == _INTEGER_BIT else _Kind.NAN
    return _Kind.FINITE if bits & _FRACTION else _Kind.ZERO


def _signed(bits: int, sign: int) -> int:
    return bits ^ sign & _SIGN


class Unit:
    """The state of the x87, for the time of one instruction."""

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self._control = registers.reg_read(x86.UC_X86_REG_FPCW)
        self._status = registers.reg_read(x86.UC_X86_REG_FPSW)
        self._tags = registers.reg_read(x86.UC_X86_REG_FPTAG)
        self._rounding = self._control >> 10 & 3
        self._flags = 0

    @property
    def faults(self) -> bool:
        """True if an exception that is not masked waits to be raised (#MF)."""
        return bool(self._status & _SUMMARY)

    # Registers ---------------------------------------------------------------------------------

    def _place(self, i: int) -> int:
        return (self._status >> 11) + i & 7

    def _empty(self, i: int) -> bool:
        return self._tags >> 2 * self._place(i) & 3 == 3

    def _read(self, i: int) -> int:
        return self._registers.wide_read(x86.UC_X86_REG_FP0 + self._place(i)) & (1 << 80) - 1

    def _write(self, i: int, bits: int) -> None:
        self._registers.wide_write(x86.UC_X86_REG_FP0 + self._place(i), bits)
        self._tags &= ~(3 << 2 * self._place(i))

    def _turn(self, by: int) -> None:
        self._status = self._status & ~_TOP | (self._place(by) << 11)

    def _pop(self) -> None:
        self._tags |= 3 << 2 * self._place(0)
        self._turn(1)

    def _push(self, bits: int) -> None:
        self._turn(-1)
        self._write(0, bits)

    # Running -----------------------------------------------------------------------------------

    def run(self, opcode: int) -> None:
        """Do D9 `opcode`."""
        self._status &= ~(_C1 | _C2 if opcode in _OF_ANGLES else _C1)
        match opcode:
            case 0xF0:
                self._replace(self._exp2)
            case 0xF1:
                self._combine(self._log2)
            case 0xF2:
                self._widen(gmpy2.tan)
            case 0xF3:
                self._combine(self._arctangent)
            case 0xF9:
                self._combine(self._log2_plus_1)
            case 0xFB:
                self._widen(gmpy2.sin, gmpy2.cos)
            case 0xFE:
                self._replace(self._angle(gmpy2.sin))
            case _:
                self._replace(self._angle(gmpy2.cos))
        self._status |= self._flags
        if self._status & _ALL & ~self._control:
            self._status |= _SUMMARY | _BUSY
        self._registers.reg_write(x86.UC_X86_REG_FPSW, self._status)
        self._registers.reg_write(x86.UC_X86_REG_FPTAG, self._tags)

    def _withheld(self) -> bool:
        return bool(self._flags & ~self._control & (_IE | _DE | _ZE))

    def _evaluate(self, compute: Callable[[], int]) -> int:
        """What is to be written, and the flags for it."""
        try:
            return compute()
        except _Raised as raised:
            self._flags = self._flags & ~_PE | raised.flag
            return raised.bits

    def _stack_fault(self, over: bool) -> None:
        self._status |= _STACK_FAULT | (_C1 if over else 0)
        self._flags |= _IE

    def _replace(self, compute: Callable[[int], int | None]) -> None:
        """ST(0) = f(ST(0)); None: the operand is out of range, and stays."""
        if self._empty(0):
            self._stack_fault(over=False)
            bits: int | None = _INDEFINITE
        else:
            bits = self._evaluate_or_stay(compute)
        if bits is not None and not self._withheld():
            self._write(0, bits)

    def _evaluate_or_stay(self, compute: Callable[[int], int | None]) -> int | None:
        try:
            return compute(self._read(0))
        except _Raised as raised:
            self._flags |= raised.flag
            return raised.bits

    def _combine(self, compute: Callable[[int, int], int]) -> None:
        """ST(1) = f(ST(1), ST(0)); pop."""
        if self._empty(0) or self._empty(1):
            self._stack_fault(over=False)
            bits = _INDEFINITE
        else:
            y, x = self._read(1), self._read(0)
            bits = self._evaluate(lambda: compute(y, x))
        if not self._withheld():
            self._write(1, bits)
            self._pop()

    def _widen(self, *what: Callable[..., functions.Real]) -> None:
        """ST(0) = f(ST(0)), and push a second result: FSINCOS, or FPTAN's 1."""
        results: list[int | None]
        if self._empty(0):
            self._stack_fault(over=False)
            results = [_INDEFINITE]
        elif not self._empty(7):
            self._stack_fault(over=True)
            results = [_INDEFINITE]
        else:
            results = [self._evaluate_or_stay(self._angle(function)) for function in what]
            if len(what) == 1 and results[0] is not None and _kind(results[0]) is not _Kind.NAN:
                results.append(_ONE)
        first, last = results[0], results[-1]
        if first is None or last is None or self._withheld():
            return
        self._write(0, first)
        self._push(last)

    # Operands and results ------------------------------------------------------------------------

    def _nan(self, *operands: int) -> int | None:
        """The NaN that comes of these operands, if one is a NaN or unsupported."""
        if any(map(_unsupported, operands)):
            raise _Raised(_IE)
        nans = [bits for bits in operands if _kind(bits) is _Kind.NAN]
        if not nans:
            return None
        signalling = [bits for bits in nans if not bits & _QUIET_BIT]
        if signalling:
            self._flags |= _IE
        if len(signalling) == 1 and len(nans) == 2:
            nans.remove(signalling[0])
        return max(nans, key=lambda bits: (bits & _FRACTION, -(bits >> 79))) | _QUIET_BIT

    def _note_denormal(self, bits: int) -> None:
        if not _exponent(bits) and bits & _FRACTION:
            self._flags |= _DE

    def _real(self, bits: int) -> functions.Real:
        self._note_denormal(bits)
        return functions.real(bits)

    def _rounded(self, result: Rounded) -> int:
        if result.inexact:
            self._flags |= _PE
            # Of two results the last one says it.
            self._status = self._status & ~_C1 | (_C1 if result.up else 0)
        if result.tiny and (result.inexact or not self._control & _UE):
            self._flags |= _UE
        if result.over:
            self._flags |= _OE | _PE
        return result.bits

    # The functions -------------------------------------------------------------------------------

    def _angle(self, function: Callable[..., functions.Real]) -> Callable[[int], int | None]:
        """FSIN, FCOS, FPTAN; None, and C2, from 2^63 on."""

        def compute(x: int) -> int | None:
            nan = self._nan(x)
            if nan is not None:
                return nan
            if _kind(x) is _Kind.INFINITE:
                raise _Raised(_IE)
            if _exponent(x) >= 16383 + 63:
                self._status |= _C2
                return None
            return self._rounded(functions.direct(function, self._rounding, self._real(x)))

        return compute

    def _exp2(self, x: int) -> int:
        nan = self._nan(x)
        if nan is not None:
            return nan
        if _kind(x) is _Kind.INFINITE:
            return _signed(_ONE, x) if x & _SIGN else x
        if _exponent(x) >= 16383 and x & ~_SIGN != _ONE:
            return x  # undefined
        return self._rounded(functions.exp2_minus_1(self._real(x), self._rounding))

    def _arctangent(self, y: int, x: int) -> int:
        nan = self._nan(y, x)
        if nan is not None:
            return nan
        operands = [
            gmpy2.inf(-1 if bits & _SIGN else 1)
            if _kind(bits) is _Kind.INFINITE
            else self._real(bits)
            for bits in (y, x)
        ]
        return self._rounded(functions.direct(gmpy2.atan2, self._rounding, *operands))

    def _log2(self, y: int, x: int) -> int:
        nan = self._nan(y, x)
        if nan is not None:
            return nan
        kinds = _kind(y), _kind(x)
        if kinds[1] is _Kind.ZERO:
            if kinds[0] is _Kind.ZERO:
                raise _Raised(_IE)
            infinite = _signed(_INFINITY | _SIGN, y)
            if kinds[0] is _Kind.INFINITE:
                return infinite
            raise _Raised(_ZE, infinite)
        if x & _SIGN:
            raise _Raised(_IE)
        return self._logarithm(y, x, above_one=x > _ONE, one=x == _ONE, of=functions.y_log2)

    def _log2_plus_1(self, y: int, x: int) -> int:
        nan = self._nan(y, x)
        if nan is not None:
            return nan
        if x & _SIGN and x & ~_SIGN >= _ONE:
            raise _Raised(_IE)  # undefined for numbers, and invalid for infinity
        zero = _kind(x) is _Kind.ZERO
        above = not x & _SIGN and not zero
        return self._logarithm(y, x, above_one=above, one=zero, of=functions.y_log2_plus_1)

    def _logarithm(
        self,
        y: int,
        x: int,
        *,
        above_one: bool,
        one: bool,
        of: Callable[[functions.Real, functions.Real, int], Rounded],
    ) -> int:
        """`above_one`, `one`: the number of which it is the logarithm."""
        if _kind(x) is _Kind.INFINITE:
            if _kind(y) is _Kind.ZERO:
                raise _Raised(_IE)
            self._note_denormal(y)
            return _signed(_INFINITY, y)
        if _kind(y) is _Kind.INFINITE:
            if one:
                raise _Raised(_IE)
            self._note_denormal(x)
            return y if above_one else _signed(y, _SIGN)
        if _kind(y) is _Kind.FINITE or not one:
            return self._rounded(of(self._real(y), self._real(x), self._rounding))
        return _signed(y & _SIGN, x)
