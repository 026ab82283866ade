"""The x87's functions are the exact ones, rounded; compared with values of 2 000 bits."""

from __future__ import annotations

from operator import pos

import gmpy2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from ttd.cpu.x86 import transcendental as functions

FRACTIONS = st.integers(1 << 63, (1 << 64) - 1)
SIGNS = st.sampled_from((0, 0x8000))
MODES = st.integers(0, 3)
EXACT = gmpy2.context(precision=2_000)
QUICK = settings(max_examples=examples(60), deadline=None)


def numbers(low: int, high: int) -> st.SearchStrategy[int]:
    """Numbers of 80 bits with an exponent in [low, high]."""
    heads = st.integers(low + 16383, high + 16383)
    parts = st.tuples(SIGNS, heads, FRACTIONS)
    return parts.map(lambda part: (part[0] | part[1]) << 64 | part[2])


def check(result: functions.Rounded, exact: object, rounding: int) -> None:
    """`result` is the neighbour of `exact` that the mode of rounding asks for."""
    with EXACT:
        value = functions.real(result.bits)
        exponent = max(result.bits >> 64 & 0x7FFF, 1) - 16383
        unit = gmpy2.exp2(exponent - 63)
        error = gmpy2.mpfr(exact) - value
        assert result.inexact == (error != 0)
        assert not result.inexact or result.up == (abs(value) > abs(exact))  # type: ignore[arg-type]
        match rounding:
            case 0:
                assert abs(error) <= unit / 2
            case 1:
                assert 0 <= error < unit
            case 2:
                assert -unit < error <= 0
            case _:
                assert abs(error) < unit and abs(value) <= abs(exact)  # type: ignore[arg-type]


@QUICK
@given(x=numbers(-100, 62), rounding=MODES)
@pytest.mark.parametrize("function", [gmpy2.sin, gmpy2.cos, gmpy2.tan])
def test_angles(function: object, x: int, rounding: int) -> None:
    assert callable(function)
    with EXACT:
        exact = function(functions.real(x))
    check(functions.direct(function, rounding, functions.real(x)), exact, rounding)


@QUICK
@given(y=numbers(-200, 200), x=numbers(-200, 200), rounding=MODES)
def test_arctangent(y: int, x: int, rounding: int) -> None:
    with EXACT:
        exact = gmpy2.atan2(functions.real(y), functions.real(x))
    operands = functions.real(y), functions.real(x)
    check(functions.direct(gmpy2.atan2, rounding, *operands), exact, rounding)


@QUICK
@given(
    x=st.one_of(
        numbers(-100, -1), st.sampled_from((0x3FFF << 64 | 1 << 63, 0xBFFF << 64 | 1 << 63))
    ),
    rounding=MODES,
)
def test_powers(x: int, rounding: int) -> None:
    with EXACT:
        exact = gmpy2.exp2(functions.real(x)) - 1
    check(functions.exp2_minus_1(functions.real(x), rounding), exact, rounding)


@QUICK
@given(y=numbers(-200, 200), x=numbers(-200, 200), near=st.booleans(), rounding=MODES)
def test_logarithms(y: int, x: int, near: bool, rounding: int) -> None:
    x &= ~(1 << 79)
    if near:  # to 1, above or below, and 1 itself
        x = (
            0x3FFE << 64 | x & (1 << 64) - 1 | ((1 << 63) - 1) << 1
            if x & 1
            else 0x3FFF << 64 | 1 << 63 | x & 3
        )
    with EXACT:
        exact = functions.real(y) * gmpy2.log2(functions.real(x))
    check(functions.y_log2(functions.real(y), functions.real(x), rounding), exact, rounding)


@QUICK
@given(
    y=numbers(-200, 200),
    x=st.one_of(numbers(-100, -2), st.just(0x3FFF << 64 | 1 << 63)),
    rounding=MODES,
)
def test_logarithms_of_one_and_more(y: int, x: int, rounding: int) -> None:
    with EXACT:
        exact = functions.real(y) * gmpy2.log2(functions.real(x) + 1)
    result = functions.y_log2_plus_1(functions.real(y), functions.real(x), rounding)
    check(result, exact, rounding)


def test_what_is_below_all_normal_numbers_is_rounded_once() -> None:
    smallest = 1  # of 80 bits: 2^-16445
    for rounding, expected in enumerate((smallest, 0, smallest, 0)):
        result = functions.direct(gmpy2.sin, rounding, functions.real(smallest))
        assert (result.bits, result.inexact, result.tiny) == (expected, True, True)


@pytest.mark.slow
def test_what_is_beyond_all_numbers_is_said_in_every_mode() -> None:
    largest, infinity = 0x7FFE << 64 | (1 << 64) - 1, 0x7FFF << 64 | 1 << 63
    y = 0x7FFE << 64 | 1 << 63  # 2^16383
    for rounding, expected in enumerate((infinity, largest, infinity, largest)):
        result = functions.y_log2(functions.real(y), gmpy2.mpfr(16), rounding)
        assert (result.bits, result.inexact, result.over) == (expected, True, True)
        inside = functions.y_log2(functions.real(y), gmpy2.mpfr(2), rounding)
        assert (inside.bits, inside.inexact, inside.over) == (y, False, False)
    # Between the largest number and the first one that is not there: cut off, it is the largest.
    with gmpy2.context(precision=70):
        just_below = gmpy2.exp2(16384) * (1 - gmpy2.exp2(-66))
    for rounding, over in enumerate((True, False, True, False)):
        assert functions.direct(pos, rounding, just_below).over == over
