"""Conditions of stops: trees made by operators and by text, and what they are worth."""

from __future__ import annotations

import doctest
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd import conditions
from ttd.conditions import (
    ConditionError,
    Expression,
    Hits,
    When,
    all_of,
    any_of,
    changed,
    evaluate,
    hits,
    i8,
    mentions,
    new,
    not_,
    old,
    reg,
    resolve,
    u32,
)
from ttd.debugger import condition_text
from ttd.debugger.condition_text import parse
from ttd.engine.types import Access
from ttd.rsp.coded import AgentCondition
from ttd.stops import Breakpoint, Stops, Watchpoint


class Double:
    """A machine, and a moment in it."""

    registers = {"r0": 5, "r1": 0xFFFFFFFF, "sp": 0x20001000}
    symbols = {"counter": (0x100, 4), "table": (0x104, 12), "label": (0x80, 0)}
    hits = 7

    def register(self, name: str) -> int:
        return self.registers[name]

    def memory(self, address: int, size: int) -> bytes:
        return bytes(range(256))[address - 0x100 :][:size] if address >= 0x100 else b""

    def watched(self, what: str) -> int:
        return {"old": 1, "new": 2, "address": 0x100}[what]


class Names:
    def register(self, name: str) -> str | None:
        return name if name in Double.registers else None

    def variable(self, name: str) -> tuple[int, int] | None:
        return Double.symbols.get(name)

    def is_signed(self, name: str) -> bool:
        return False


def worth(tree: str | Expression) -> int:
    tree = parse(tree) if isinstance(tree, str) else tree
    return evaluate(resolve(tree, Names()), Double())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("r0 > 3 and u32[counter] == 0x03020100", 1),
        ("counter == 0x03020100", 1),
        ("&counter", 0x100),
        ("u8[counter + 4]", 4),
        ("u16[table]", 0x0504),
        ("u8[counter + r0]", 5),
        ("i32(r1) == -1 && r1 == 4294967295", 1),
        ("i8(0x80)", -128),
        ("old == 1 and new == 2 and changed and address == &counter", 1),
        ("hits % 4 == 3", 1),
        ("not r0 == 5 or !0", 1),
        ("r0 & 4 == 4", 1),
        ("1 - 2 - 3", -4),
        ("2 + 3 * 4 << 1", 28),
        ("-(1 + 2) * ~0", 3),
        ("$sp / 0x1000", 0x20001),
        ("0 and u32[0]", 0),
        ("1 or u32[0]", 1),
    ],
)
def test_text(text: str, value: int) -> None:
    assert worth(text) == value
    assert worth(repr(parse(text))) == value


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ((reg("r0") > 3) & (u32["counter"] == 5), "(r0 > 3) & (u32[counter] == 5)"),
        (all_of(reg("r0") == 1, not_(any_of(hits > 2, changed))), None),
        (1 - reg("r0") - (2 - u32[0x100]), "1 - r0 - (2 - u32[256])"),
        (u32[reg("sp") + 4] << 2, "u32[sp + 4] << 2"),
        (i8(reg("r0") % 3 // 2) | ~reg("r1"), "i8(r0 % 3 / 2) | ~r1"),
        (-reg("r0") * 2 ^ 1, "-r0 * 2 ^ 1"),
        (old != new, "old != new"),
    ],
)
def test_operators_make_what_text_makes(tree: Expression, text: str | None) -> None:
    assert repr(tree) == (text or "r0 == 1 and not (hits > 2 or old != new)")
    assert repr(parse(repr(tree))) == repr(tree)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends too early"),
        ("r0 r1", "'r1' comes too early"),
        ("(r0", "a ')' is missing"),
        ("u32[r0", "a ']' is missing"),
        ("1 < r0 < 3", "compare twice"),
        ("(" * 60 + "1", "too many brackets"),
        ("-" * 60 + "1", "too many brackets"),
        ("r0 @ 3", "what is '@ 3'?"),
        ("r0 = 3", "what is '= 3'?"),
        ("3x", "what is '3x'?"),
        ("* 3", "'*' stands where a value is wanted"),
        ("&3", "'&' stands where a value is wanted"),
        ("1" * 3000, "at most 2000 characters"),
        ("nothing == 1", "there is no symbol and no register 'nothing'"),
        ("$counter == 1", "the processor has no register 'counter'"),
        ("&r7", "there is no symbol and no register 'r7'"),
        ("table == 1", "table has no size that can be compared (12 bytes)"),
        ("label == 1", "label has no size that can be compared (0 bytes)"),
        ("u32[0] == 1", "reads 0x0, where there is nothing"),
        ("u32[-4]", "reads -0x4, where there is nothing"),
        ("u32[counter + 253]", "reads 0x1fd"),
        ("r0 / (r0 - 5)", "divides by zero"),
        ("1 << 5000", "shifts by 5000 bits"),
        ("1 >> -1", "shifts by -1 bits"),
        ("*".join(["(1 << 64)"] * 65), "grows too large"),
    ],
)
def test_what_cannot_be(text: str, said: str) -> None:
    with pytest.raises(ConditionError) as caught:
        worth(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_condition_has_no_truth_outside_of_a_run() -> None:
    with pytest.raises(TypeError, match="combine conditions by"):
        assert reg("r0") > 3 and reg("r1") > 4
    with pytest.raises(ConditionError, match="nothing that a condition can compare"):
        assert repr(reg("r0") + 1.5)  # type: ignore[operator]


def test_what_is_mentioned() -> None:
    assert mentions(parse("r0 > 3 and not u32[hits] == i8(3)"), Hits)
    assert not mentions(parse("r0 > 3 and not u32[old] == i8(new)"), Hits)


@given(st.text(alphabet="r0u8[]()<>=!&|^~+-*/% $1xnotadohisewc", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except ConditionError:
        return
    assert repr(parse(repr(tree))) == repr(tree)


@pytest.mark.parametrize("module", [conditions, condition_text])
def test_examples(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_stops_are_values() -> None:
    """Compared with their conditions, and the same in another process."""
    coded = AgentCondition((b"\x22\x01\x27",), "little", ((0, "r0"),))
    stops = Stops(
        (Breakpoint(4, When(parse("r0 > 3"))), Breakpoint(8, coded)),
        (Watchpoint(0x100, 4, Access.WRITE, When(changed)),),
    )
    sent = ForkingPickler.loads(ForkingPickler.dumps(stops))
    assert sent == stops and hash(sent) == hash(stops)
    other = Breakpoint(4, When(parse("r0 > 4")))
    assert sent != replace(stops, breakpoints=(other, *stops.breakpoints[1:]))
