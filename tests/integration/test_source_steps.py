"""GDB's own commands over source lines and calls, which it makes of steps and breakpoints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.conftest import Record, Server
from tests.integration.gdb_mi import Gdb

Connect = Callable[..., Gdb]


def line_of(stop: dict[str, dict[str, str]]) -> int:
    return int(stop["frame"]["line"])


def text_at(record: Record, stop: dict[str, dict[str, str]]) -> str:
    return record("calls").source.read_text().splitlines()[line_of(stop) - 1].strip()


def at(connect: Connect, function: str, hits: int = 1) -> Gdb:
    gdb = connect("calls")
    gdb.say(f"break {function}")
    for _ in range(hits):
        gdb.go("continue")
    gdb.say("delete")
    return gdb


def test_next_and_reverse_next_over_calls(connect: Connect, record: Record) -> None:
    gdb = at(connect, "middle")
    gdb.go("next")
    assert "first = inner(value)" in gdb.say("frame")
    begin = gdb.pc
    seen = []
    for command in ("next", "next", "reverse-next", "reverse-next"):
        stop, _ = gdb.go(command)
        assert stop["frame"]["func"] == "middle"
        seen.append(text_at(record, stop))
    assert seen == [
        "uint32_t second = inner(first);",
        "return first ^ second;",
        "uint32_t second = inner(first);",
        "uint32_t first = inner(value);",
    ]
    assert gdb.value("value") == 5
    assert gdb.pc == begin


@pytest.mark.slow
def test_next_over_recursion(connect: Connect, record: Record) -> None:
    gdb = at(connect, "fib")
    assert gdb.value("n") == 12
    for expected in ("left = fib(n - 1)", "right = fib(n - 2)", "return left + right"):
        stop, _ = gdb.go("next")
        while expected not in text_at(record, stop):
            stop, _ = gdb.go("next")
        assert gdb.value("n") == 12
    assert gdb.value("left") == 89
    for expected in ("right = fib(n - 2)", "left = fib(n - 1)"):
        stop, _ = gdb.go("reverse-next")
        assert expected in text_at(record, stop)
        assert gdb.value("n") == 12


def test_step_into_and_back_out(connect: Connect, record: Record) -> None:
    gdb = at(connect, "middle")
    gdb.go("step")
    stop, _ = gdb.go("step")
    assert stop["frame"]["func"] == "inner"
    inside = gdb.step
    stop, _ = gdb.go("reverse-step")
    assert stop["frame"]["func"] == "middle"
    assert gdb.step < inside
    # Backwards into a call: at the last line of what was called.
    gdb.go("next")
    stop, _ = gdb.go("reverse-step")
    assert stop["frame"]["func"] == "inner"
    assert text_at(record, stop) in ("}", "return result + 1;")


def test_finish_both_ways(connect: Connect, record: Record) -> None:
    gdb = at(connect, "fib", hits=6)
    depth = gdb.say("backtrace").count("in fib") + 1
    assert depth == 6
    inside = gdb.step
    gdb.go("stepi 3")
    stop, _ = gdb.go("reverse-finish")
    # At the call, in the caller.
    assert stop["frame"]["func"] == "fib"
    assert gdb.say("backtrace").count("in fib") + 1 == depth
    assert "bl\t" in gdb.say("x/i $pc")
    assert gdb.step < inside
    gdb.go("stepi")
    n = gdb.value("n")
    stop, _ = gdb.go("finish")
    value = int(stop["return-value"])
    fibs = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]
    assert value == fibs[n]


@pytest.mark.slow
def test_until_ends_a_loop(connect: Connect, record: Record) -> None:
    gdb = at(connect, "loop")
    for _ in range(12):
        stop, _ = gdb.go("-exec-until")
        if "return hash" in text_at(record, stop):
            break
    assert "return hash" in text_at(record, stop)
    assert gdb.step > 5_000
    gdb.go("-exec-until report")
    assert "report" in gdb.say("frame")


def test_advance_and_up_to_a_line(connect: Connect) -> None:
    gdb = at(connect, "main")
    gdb.go("advance move")
    assert gdb.say("print dx").endswith("= 3\n")
    back = gdb.say("backtrace")
    assert "main" in back


def test_a_line_is_stepped_in_one_piece(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """`next` asks for ranges, not for each instruction."""
    calls = record("calls")
    server = serve("--trace-packets", "serve", "--port", "0", calls.path)
    gdb = attach(calls.elf, server.port)
    gdb.say("break loop")
    gdb.go("continue")
    begin = gdb.step
    before = server.packets(r"<- .*vCont;")
    for _ in range(20):
        gdb.go("next")
    steps = gdb.step - begin
    assert server.packets(r"<- .*vCont;r") >= 20
    assert 2 * (server.packets(r"<- .*vCont;") - before) < steps


@pytest.mark.slow
def test_back_over_an_interrupt(connect: Connect, record: Record) -> None:
    """`reverse-next` and `reverse-finish` in and around a handler."""
    gdb = connect("irqs")
    gdb.goto(100_000)
    gdb.say("break Timer0_Handler")
    gdb.go("continue")
    handler = gdb.step
    gdb.say("delete")
    gdb.go("next")
    gdb.go("next")
    stop, _ = gdb.go("reverse-next")
    assert stop["frame"]["func"] == "Timer0_Handler"
    gdb.go("reverse-finish")
    assert gdb.step <= handler
    assert gdb.step >= handler - 1
