"""Breakpoints and watchpoints, found in both directions at the same positions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.integration.conftest import Record, Server
from tests.integration.gdb_mi import Gdb, history_ended

Connect = Callable[..., Gdb]


def stops(gdb: Gdb, command: str, most: int = 1000) -> list[tuple[int, int]]:
    """(step, PC) at each stop, to the end of history in that direction."""
    found: list[tuple[int, int]] = []
    while len(found) < most:
        stop, text = gdb.go(command)
        if "reason" not in stop or stop["reason"] == "no-history":
            assert history_ended(stop, text), (stop, text)
            break
        found.append((gdb.step, gdb.pc))
    return found


def test_breakpoints(connect: Connect, record: Record) -> None:
    names = record("calls").symbols
    gdb = connect("calls")
    gdb.say(f"break *{names['write_rare']}")
    gdb.say(f"hbreak *{names['move']}")
    gdb.say(f"tbreak *{names['loop']}")
    forward = stops(gdb, "continue")
    assert [pc for _, pc in forward] == [
        names[name] for name in ("write_rare", "write_rare", "loop", "move", "move", "write_rare")
    ]
    backward = stops(gdb, "reverse-continue")
    temporary = forward.pop(2)
    assert backward == forward[::-1]
    gdb.say(f"tbreak *{names['loop']}")
    gdb.goto(forward[2][0])
    stop, _ = gdb.go("reverse-continue")
    assert stop["reason"] == "breakpoint-hit"
    assert (gdb.step, gdb.pc) == temporary


@pytest.mark.slow
def test_one_after_the_other_of_many(connect: Connect, record: Record) -> None:
    """A place that is often hit, from where it is hit: each time the latest before."""
    inner = record("calls").symbols["inner"]
    gdb = connect("calls")
    gdb.goto(5_000)
    gdb.say(f"break *{inner}")
    forward = stops(gdb, "continue", most=30)
    assert len(forward) == 30
    backward = stops(gdb, "reverse-continue", most=29)
    assert backward == forward[-2::-1]


def test_first_instruction_of_a_handler(connect: Connect, record: Record) -> None:
    names = record("irqs").symbols
    gdb = connect("irqs")
    for handler in ("SysTick_Handler", "Timer0_Handler", "IRQ20_Handler", "PendSV_Handler"):
        gdb.say(f"break *{names[handler]}")
    gdb.goto(150_000)
    forward = stops(gdb, "continue", most=8)
    assert {pc for _, pc in forward} <= set(names.values())
    for place in forward[-2::-1]:
        stop, _ = gdb.go("reverse-continue")
        assert stop["reason"] == "breakpoint-hit"
        assert (gdb.step, gdb.pc) == place
        # Exactly at the handler's beginning: the entry is done, nothing after it.
        assert gdb.value("$lr") & 0xFFFFFFFF in (0xFFFFFFF1, 0xFFFFFFF9, 0xFFFFFFFD)
        assert gdb.value("$xpsr & 0x1ff") >= 14


@pytest.mark.slow
@pytest.mark.parametrize("hit", [10_000, 19_999])
def test_conditions_are_evaluated_by_the_server(
    record: Record,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
    hit: int,
) -> None:
    calls = record("calls")
    server = serve("--trace-packets", "serve", "--port", "0", calls.path)
    gdb = attach(calls.elf, server.port)
    lines = calls.source.read_text().splitlines()
    line = 1 + next(at for at, text in enumerate(lines) if "hash ^= i" in text)
    gdb.say("break loop")
    gdb.go("continue")
    gdb.go("continue")
    assert gdb.value("rounds") == 20_000
    gdb.say("delete")
    gdb.say(f"break {line} if i == {hit}")
    before = server.packets(r"<- .*(vCont;|\$bc)")
    stop, _ = gdb.go("continue")
    assert (stop["reason"], gdb.value("i")) == ("breakpoint-hit", hit)
    place = gdb.step
    gdb.goto("end")
    stop, _ = gdb.go("reverse-continue")
    assert (stop["reason"], gdb.value("i"), gdb.step) == ("breakpoint-hit", hit, place)
    gdb.say("monitor when")
    # One to go forward, one for the jump, one to go back.
    assert server.packets(r"<- .*(vCont;|\$bc)") - before <= 4
    # With a condition that never holds, to the end of history.
    gdb.say("condition $bpnum i == 123456")
    assert history_ended(*gdb.go("reverse-continue"))
    assert gdb.step == 0
    assert history_ended(*gdb.go("continue"))


VALUES = [0, 0x11111111, 0x22222222, 0x33333333]


def test_watch_shows_old_and_new_values(connect: Connect, record: Record) -> None:
    """Forward GDB ends just after the write, backward just before it."""
    store = record("calls").symbols["write_rare"] + 2
    gdb = connect("calls")
    gdb.say("watch rare")
    places = []
    for old, new in pairwise(VALUES):
        stop, _ = gdb.go("continue")
        assert stop["reason"] == "watchpoint-trigger"
        assert stop["value"] == {"old": str(old), "new": str(new)}
        assert gdb.pc == store + 2
        places.append(gdb.step)
    assert history_ended(*gdb.go("continue"))
    for old, new in zip(VALUES[:0:-1], VALUES[-2::-1], strict=True):
        stop, _ = gdb.go("reverse-continue")
        assert stop["reason"] == "watchpoint-trigger"
        assert stop["value"] == {"old": str(old), "new": str(new)}
        assert gdb.pc == store
        assert gdb.step == places.pop() - 1
    assert history_ended(*gdb.go("reverse-continue"))


def watched(gdb: Gdb, expression: str, command: str) -> tuple[list[int], list[int]]:
    """Steps of the stops forward, and of those backward from the last of them."""
    gdb.goto(0)
    gdb.say(f"{command} {expression}")
    forward = [step for step, _ in stops(gdb, "continue", most=12)]
    gdb.go("stepi")
    backward = [step for step, _ in stops(gdb, "reverse-continue", most=12)]
    gdb.say("delete")
    return forward, backward


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "command"),
    [
        ("bytes[3]", "watch"),
        ("half", "watch"),
        ("rare", "watch"),
        ("corner", "watch"),
        ("corner.y", "rwatch"),
        ("*(char *) &corner", "rwatch"),
        ("corner.x", "awatch"),
        ("*(char (*)[64]) 0x20000404", "watch"),
        ("*(char (*)[64]) 0x20000404", "awatch"),
    ],
)
def test_watches_of_all_lengths_and_kinds(connect: Connect, expression: str, command: str) -> None:
    """The same accesses forward and backward; GDB stands after one, and before it."""
    forward, backward = watched(connect("calls"), expression, command)
    assert len(forward) >= 2
    assert [step + 1 for step in backward] == forward[::-1][-len(backward) :]
    assert len(backward) >= min(len(forward), 11)


@pytest.mark.slow
def test_several_watches_at_once(connect: Connect, record: Record) -> None:
    gdb = connect("calls")
    for what in ("rare", "corner.x", "corner.y"):
        gdb.say(f"watch {what}")
    gdb.say(f"break *{record('calls').symbols['move']}")
    forward = stops(gdb, "continue")
    gdb.say("delete")
    assert len(forward) == 3 + 2 + 2 + 2
    for what in ("rare", "corner.x", "corner.y"):
        gdb.say(f"watch {what}")
    gdb.say(f"break *{record('calls').symbols['move']}")
    at_break = record("calls").symbols["move"]
    backward = stops(gdb, "reverse-continue")
    assert backward[::-1] == [
        (step, pc) if pc == at_break else (step - 1, backward[::-1][i][1])
        for i, (step, pc) in enumerate(forward)
    ]


def test_local_variable_and_condition_on_a_watch(connect: Connect) -> None:
    gdb = connect("calls")
    gdb.say("watch counter if counter == 100")
    gdb.go("continue")
    assert gdb.value("counter") == 100
    place = gdb.step
    gdb.goto("end")
    gdb.say("delete")
    gdb.say("watch counter if counter == 99")  # backward: the value that the write replaces
    gdb.go("reverse-continue")
    assert gdb.value("counter") == 99
    assert gdb.step == place - 1


@pytest.mark.slow
def test_watch_on_a_device_register(connect: Connect) -> None:
    gdb = connect("irqs")
    gdb.say("watch *(unsigned *) 0xE000E014")  # SysTick's reload value
    stop, _ = gdb.go("continue")
    assert stop["value"] == {"old": "0", "new": "1499"}
    first = gdb.step
    stop, _ = gdb.go("continue")
    assert stop["value"] == {"old": "1499", "new": "699"}
    assert history_ended(*gdb.go("continue"))
    stop, _ = gdb.go("reverse-continue")
    assert stop["value"] == {"old": "699", "new": "1499"}
    stop, _ = gdb.go("reverse-continue")
    assert stop["value"] == {"old": "1499", "new": "0"}
    assert gdb.step == first - 1
    gdb.say("delete")
    gdb.say("awatch *(unsigned *) 0x4000400C")
    gdb.say("rwatch *(unsigned *) 0x40004004")  # UART 0: read before each character
    forward = stops(gdb, "continue", most=5)
    assert len(forward) == 5
    backward = stops(gdb, "reverse-continue", most=5)
    assert [step + 1 for step, _ in backward[:5]] == [step for step, _ in forward[::-1]]


def test_watch_steps_too(connect: Connect) -> None:
    """A watch also ends single steps and steps over lines and calls."""
    gdb = connect("calls")
    gdb.say("break write_rare")
    gdb.go("continue")
    gdb.say("delete")
    gdb.say("watch rare")
    stop, _ = gdb.go("next")
    assert stop["reason"] == "watchpoint-trigger"
    place = gdb.step
    gdb.go("stepi")
    gdb.go("reverse-stepi")
    stop, _ = gdb.go("reverse-stepi")
    assert stop["reason"] == "watchpoint-trigger"
    assert gdb.step == place - 1
