"""Sines, logarithms and their kin of numbers of 80 bits, rounded correctly on every computer.

Processors differ in the last bit of these, and reduce large angles by a pi of 66 bits or so. Here
the result is the exact one, rounded; volume 1, section 8.3.10 of the "Intel 64 and IA-32
Architectures Software Developer's Manual" asks for less than one unit in the last place. MPFR
computes in integers.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import pos
from typing import Any, NamedTuple

import gmpy2

Real = Any
"""A number of MPFR's."""

_BITS = 64
_LOW, _HIGH = -16382, 16383
"""Exponents of normal numbers."""
_MODES = (gmpy2.RoundToNearest, gmpy2.RoundDown, gmpy2.RoundUp, gmpy2.RoundToZero)
"""By the rounding control."""
_TARGETS = tuple(
    gmpy2.context(
        precision=_BITS,
        round=mode,
        # MPFR's significands begin behind the point.
        emin=_LOW - _BITS + 2,
        emax=_HIGH + 1,
        subnormalize=True,
    )
    for mode in _MODES
)
_MARGIN = 8
"""Bits, at most, of which the last operations of an approximation are wrong."""


class Rounded(NamedTuple):
    """A result: 80 bits, and how it came to be what it is."""

    bits: int
    inexact: bool
    up: bool
    """It is larger than the exact one, its sign aside."""
    tiny: bool
    """It is below all normal numbers."""
    over: bool
    """The exact one is beyond all numbers."""


def real(bits: int) -> Real:
    """The finite number that these 80 bits are."""
    fraction, head = bits & (1 << 64) - 1, bits >> 64
    exponent = max(head & 0x7FFF, 1) - 16383 - 63
    with gmpy2.context(precision=_BITS):
        value = gmpy2.mpfr(fraction)
        scaled = gmpy2.mul_2exp(value, exponent) if exponent >= 0 else _halved(value, -exponent)
        return -scaled if head >> 15 else scaled


def _halved(value: Real, times: int) -> Real:
    return gmpy2.div_2exp(value, times)


def _encode(value: Real, over: bool) -> Rounded:
    """What a target context has computed."""
    negative = gmpy2.is_signed(value)
    sign = int(negative) << 79
    if gmpy2.is_infinite(value):
        return Rounded(sign | 0x7FFF << 64 | 1 << 63, value.rc != 0, True, False, over)
    inexact, up = value.rc != 0, (value.rc < 0) if negative else (value.rc > 0)
    if gmpy2.is_zero(value):
        return Rounded(sign, inexact, up, inexact, over)
    fraction, exponent = value.as_mantissa_exp()
    fraction = abs(int(fraction))
    shift = _BITS - fraction.bit_length()
    fraction <<= shift
    top = int(exponent) - shift + 63
    if top < _LOW:
        return Rounded(sign | fraction >> (_LOW - top), inexact, up, True, over)
    return Rounded(sign | (top + 16383) << 64 | fraction, inexact, up, False, over)


def direct(function: Callable[..., Real], rounding: int, *operands: Real) -> Rounded:
    """A function that MPFR itself rounds correctly."""
    with _TARGETS[rounding] as target:
        target.clear_flags()
        value = function(*operands)
        return _encode(value, target.overflow)


def _approximated(compute: Callable[[], Real], rounding: int) -> Rounded:
    """Of more and more bits, until it is certain which way an inexact result is to be rounded."""
    precision = 2 * _BITS
    while True:
        with gmpy2.context(precision=precision):
            value = compute()
            slack = abs(value) * gmpy2.exp2(_MARGIN - precision)
            below, above = value - slack, value + slack
        with _TARGETS[rounding]:
            low, high = +below, +above
        if low == high and low.rc == high.rc != 0:
            return direct(pos, rounding, value)
        precision *= 2


def _exactly(compute: Callable[[], Real], rounding: int) -> Rounded:
    """A result that has at most 128 bits."""
    with gmpy2.context(precision=2 * _BITS):
        value = compute()
    return direct(pos, rounding, value)


def exp2_minus_1(x: Real, rounding: int) -> Rounded:
    """2^x - 1, for a finite x of -1 to 1."""
    if gmpy2.is_zero(x) or abs(x) == 1:
        return _exactly(lambda: x if gmpy2.is_zero(x) else gmpy2.exp2(x) - 1, rounding)
    return _approximated(lambda: gmpy2.expm1(x * gmpy2.const_log2()), rounding)


def _power_of_two(x: Real) -> int | None:
    """n, if x is 2^n."""
    fraction, exponent = map(int, x.as_mantissa_exp())
    top = fraction.bit_length() - 1
    return exponent + top if fraction == 1 << top else None


def y_log2(y: Real, x: Real, rounding: int) -> Rounded:
    """y * log2 x, for a finite y and an x above 0."""
    n = _power_of_two(x)
    if n is not None or gmpy2.is_zero(y):
        return _exactly(lambda: y * (gmpy2.log2(x) if n is None else n), rounding)
    return _approximated(lambda: y * gmpy2.log2(x), rounding)


def y_log2_plus_1(y: Real, x: Real, rounding: int) -> Rounded:
    """y * log2 (x + 1), for a finite y and an x above -1."""
    n = None
    if abs(x) > 2**-70:
        with gmpy2.context(precision=3 * _BITS):
            n = _power_of_two(x + 1)
    if n is not None or gmpy2.is_zero(y) or gmpy2.is_zero(x):
        return _exactly(lambda: y * (x if n is None else n), rounding)
    return _approximated(lambda: y * (gmpy2.log1p(x) / gmpy2.const_log2()), rounding)
