"""Agent expressions against Python's own arithmetic, and broken bytecode."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.rsp.agent import AgentError, evaluate

U64 = st.integers(0, (1 << 64) - 1)
MASK = (1 << 64) - 1


class World:
    byte_order: Literal["little", "big"] = "little"

    def register(self, regnum: int) -> int:
        return [11, 22, 33][regnum]

    def memory(self, address: int, size: int) -> bytes:
        if address != 0x20000000:
            raise LookupError("nothing there")
        return bytes(range(0x80, 0x80 + size))

    def interrupted(self) -> bool:
        return False


def const(value: int) -> bytes:
    return b"\x25" + value.to_bytes(8, "big")


def run(code: bytes) -> int:
    return evaluate(code, World())


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (0x02, lambda a, b: a + b),
        (0x03, lambda a, b: a - b),
        (0x04, lambda a, b: a * b),
        (0x06, lambda a, b: a // b),
        (0x08, lambda a, b: a % b),
        (0x0F, lambda a, b: a & b),
        (0x10, lambda a, b: a | b),
        (0x11, lambda a, b: a ^ b),
        (0x13, lambda a, b: a == b),
        (0x14, lambda a, b: signed(a) < signed(b)),
        (0x15, lambda a, b: a < b),
    ],
)
@given(U64, U64)
def test_binary(op: int, expected, a: int, b: int) -> None:  # type: ignore[no-untyped-def]
    if b == 0 and op in (0x06, 0x08):
        return
    assert run(const(a) + const(b) + bytes((op, 0x27))) == int(expected(a, b)) & MASK


@pytest.mark.parametrize(
    ("a", "b", "quotient", "rest"), [(-7, 2, -3, -1), (7, -2, -3, 1), (-7, -2, 3, -1)]
)
def test_signed_division_truncates(a: int, b: int, quotient: int, rest: int) -> None:
    operands = const(a & MASK) + const(b & MASK)
    assert run(operands + b"\x05\x27") == quotient & MASK
    assert run(operands + b"\x07\x27") == rest & MASK


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("22 05 27", 5),
        ("23 0102 27", 0x102),
        ("24 01020304 27", 0x1020304),
        ("26 0001 27", 22),
        ("24 20000000 17 27", 0x80),
        ("24 20000000 18 27", 0x8180),
        ("24 20000000 19 27", 0x83828180),
        ("24 20000000 1a 27", 0x8786858483828180),
        ("22 ff 16 08 27", MASK),
        ("22 7f 16 08 27", 0x7F),
        ("25 ffffffffffffffff 2a 08 27", 0xFF),
        ("22 00 0e 27", 1),
        ("22 05 0e 27", 0),
        ("22 00 12 27", MASK),
        ("22 01 22 03 09 27", 8),
        ("22 80 16 08 22 01 0a 27", MASK - 63),
        ("22 80 22 01 0b 27", 0x40),
        ("22 05 28 02 27", 10),
        ("22 05 22 06 29 27", 5),
        ("22 05 22 03 2b 03 27", MASK - 1),
        ("22 01 22 02 22 03 32 02 27", 1),
        ("22 01 22 02 22 03 33 27", 2),
        # if 1 goto 8; const8 9; end; 8: const8 7; end
        ("22 01 20 0008 22 09 27 22 07 27", 7),
        ("21 0005 22 09 22 07 27", 7),
    ],
)
def test_instructions(code: str, value: int) -> None:
    assert run(bytes.fromhex(code)) == value


@pytest.mark.parametrize(
    "code",
    [
        "",
        "27",
        "22",
        "02",
        "22 01",
        "22 01 22 00 05 27",
        "26 0009 27",
        "22 00 17 27",
        "01",
        "ff",
        "21 0000",
        "22 01 21 0000",
        "21 0fff",
    ],
)
def test_broken(code: str) -> None:
    with pytest.raises(AgentError):
        run(bytes.fromhex(code))


@given(st.binary(max_size=40))
def test_nothing_else_is_raised(code: bytes) -> None:
    try:
        assert 0 <= run(code) <= MASK
    except AgentError:
        return
