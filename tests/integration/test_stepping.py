"""Single steps: each position is addressable, and looks the same whichever way it is reached."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.integration.conftest import Record
from tests.integration.gdb_mi import Gdb, history_ended

pytestmark = pytest.mark.slow

Connect = Callable[..., Gdb]


def walk(gdb: Gdb, places: int, seed: int) -> None:
    """To random places; there forward and back again, one step or a few."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    _, end = gdb.when()
    for _ in range(places):
        place = dice.randrange(1, end - 8)
        gdb.goto(place)
        seen = [gdb.registers()]
        count = dice.choice((1, 1, 1, 2, 5))
        for _ in range(count):
            gdb.go("stepi")
            seen.append(gdb.registers())
        for registers in reversed(seen[:-1]):
            gdb.go("reverse-stepi")
            assert gdb.registers() == registers, f"seed {seed}, step {place}"
        assert gdb.step == place


@pytest.mark.parametrize("name", ["irqs"])
def test_some_random_places(connect: Connect, name: str) -> None:
    walk(connect(name), 25, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["calls", "irqs", "echo", "faults", "mpu", "selfmod"])
def test_a_thousand_random_places(connect: Connect, name: str) -> None:
    walk(connect(name), 1000 if name == "irqs" else 100, seed=random.randrange(1 << 32))


def test_a_long_row_of_steps_back(connect: Connect) -> None:
    gdb = connect("irqs")
    gdb.goto(120_000)
    forward = []
    for _ in range(60):
        forward.append(gdb.registers())
        gdb.go("stepi")
    for registers in reversed(forward):
        gdb.go("reverse-stepi")
        assert gdb.registers() == registers
    assert gdb.step == 120_000
    # The same over many positions in one command, and from the far end.
    gdb.goto(120_300)
    gdb.go("reverse-stepi 300")
    assert (gdb.step, gdb.registers()) == (120_000, forward[0])
    gdb.goto("end")
    gdb.goto("120,000")
    assert gdb.registers() == forward[0]


@pytest.mark.parametrize(
    ("name", "handler"),
    [("irqs", "SysTick_Handler"), ("irqs", "SVC_Handler"), ("faults", "UsageFault_Handler")],
)
def test_exception_entry_is_a_step_of_its_own(
    connect: Connect, record: Record, name: str, handler: str
) -> None:
    gdb = connect(name)
    address = record(name).symbols[handler]
    gdb.say(f"break *{address}")
    gdb.go("continue")
    assert gdb.pc == address
    entered = gdb.registers()
    where = gdb.step
    frame = [gdb.value(f"((unsigned *) $sp)[{word}]") for word in range(8)]
    assert gdb.value("$lr") >= 0xFFFFFFF0
    if name == "faults":
        frame = [gdb.value(f"((unsigned *) $psp)[{word}]") for word in range(8)]
    gdb.go("reverse-stepi")
    # The interrupted place: where the entry has said in the frame that it was.
    assert gdb.step == where - 1
    assert gdb.value("$xpsr & 0x1ff") == frame[7] & 0x1FF
    at = dict(zip(("$r0", "$r1", "$r2", "$r3", "$r12", "$lr", "$pc"), frame, strict=False))
    assert {name: gdb.value(name) & 0xFFFFFFFF for name in at} == at
    gdb.go("stepi")
    assert gdb.registers() == entered
    assert gdb.pc == address


def test_it_blocks(connect: Connect, record: Record) -> None:
    """Each instruction of an IT block is a step, the skipped ones too."""
    gdb = connect("selfmod")
    address = record("selfmod").symbols["in_it"]
    gdb.say(f"break *{address}")
    gdb.go("continue")
    start = gdb.step
    seen = []
    for _ in range(16):
        seen.append((gdb.pc, gdb.registers()))
        gdb.go("stepi")
    # CMP, ITTEE and its four, ITT and its two, CMP, IT, MOV, IT, STR, MOV, BX.
    assert [pc - address for pc, _ in seen] == list(range(0, 32, 2))
    assert gdb.step == start + 16
    for pc, registers in reversed(seen):
        gdb.go("reverse-stepi")
        assert (gdb.pc, gdb.registers()) == (pc, registers)


def test_ends_of_history(connect: Connect) -> None:
    gdb = connect("calls")
    assert gdb.step == 0
    reset = gdb.registers()
    for command in ("reverse-stepi", "reverse-continue", "reverse-step", "reverse-next"):
        assert history_ended(*gdb.go(command))
        assert gdb.step == 0
    gdb.go("stepi")
    gdb.go("reverse-stepi")
    assert gdb.registers() == reset

    stop, text = gdb.go("continue")
    assert history_ended(stop, text)
    assert "the guest exited with code 0" in text
    end = gdb.step
    assert gdb.when() == (end, end)
    last = gdb.registers()
    for command in ("continue", "stepi", "step", "next"):
        assert history_ended(*gdb.go(command))
        assert gdb.step == end
    # From the end it goes back as from anywhere.
    gdb.go("reverse-stepi")
    assert gdb.step == end - 1
    gdb.go("stepi")
    assert gdb.registers() == last
    assert history_ended(*gdb.go("reverse-continue"))
    assert (gdb.step, gdb.registers()) == (0, reset)
