"""GDB 13 and 18 on recordings of every processor, with an ELF file and without.

One session makes all checks: breakpoints, watchpoints in both directions, both ends of history,
registers, memory, expressions, and what is refused, in the server's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Record, Server
from tests.integration.gdb18 import GDBS, gdb_program
from tests.integration.gdb_mi import MI, Gdb, history_ended
from tests.integration.processors import CASES, Served, served
from ttd.gdb import COMMANDS

__all__ = ["served"]

Open = Callable[[Path | None, int], Gdb]
ENDED = "The guest has ended here: a branch begins before its end."
NO_TRACE = "ttd has no tracepoints"


@pytest.fixture(params=GDBS)
def connected(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Connects a GDB to a port; each GDB that there is."""
    program = gdb_program(request.param)
    found: list[Gdb] = []

    def start(elf: Path | None, port: int) -> Gdb:
        gdb = Gdb(elf, program)
        found.append(gdb)
        gdb.say(f"target remote localhost:{port}")
        gdb.goto("start")
        return gdb

    yield start
    for gdb in found:
        gdb.close()


def mapped(gdb: Gdb) -> list[tuple[int, int, str]]:
    """`monitor info mem` as GEF reads it: start, end, and whether it can be read and written."""
    rows = []
    for line in gdb.say("monitor info mem").splitlines()[1:]:  # it shows the command, too
        addresses, size, rights = line.split()
        start, end = (int(part, 16) for part in addresses.split("-"))
        assert end - start == int(size, 16)
        rows.append((start, end, rights))
    return rows


def is_an_end(gdb: Gdb, command: str) -> bool:
    """The command says that it is; GDB does not step by lines where it knows no function."""
    result, before = gdb.mi(MI.get(command, command))
    if result["message"] == "error":
        return result["payload"]["msg"] == "Cannot find bounds of current function"
    stop, text = gdb.stopped()
    return history_ended(stop, before + text)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "with_elf"), CASES)
def test_a_session(connected: Open, served: Served, name: str, with_elf: bool) -> None:
    guest, port = served.get(name)
    gdb = connected(guest.elf if with_elf else None, port)
    assert gdb.step == 0

    gdb.say(f"break *{guest.stop}")
    for _ in range(2):
        stop, _ = gdb.go("continue")
        assert stop["reason"] == "breakpoint-hit" and gdb.pc == guest.stop
    later = gdb.step
    stop, _ = gdb.go("reverse-continue")
    assert stop["reason"] == "breakpoint-hit" and gdb.pc == guest.stop and gdb.step < later
    place = gdb.step

    assert f"{guest.stop:#x}" in gdb.say("info registers pc")
    assert len(gdb.registers()) > 15
    assert f"=> {guest.stop:#x}" in gdb.say("x/i $pc")
    number = gdb.value(f"*(int*){guest.watch}")
    assert f"{number & 0xFFFFFFFF:#010x}" in gdb.say(f"x/xw {guest.watch}")
    assert gdb.value("$pc + 4 * 2") == guest.stop + 8

    # What is changed makes another future.
    for command in ("set var $pc = 4", f"set var *(int*){guest.watch} = {number + 1}"):
        gdb.say(command)
        text = gdb.say("monitor when")
        assert f"Branch b1 begins at step {place}, as " in text, text
        gdb.goto(f"main:{place}")
        gdb.say("monitor discard b1")
    gdb.say(f"trace *{guest.stop}")
    assert NO_TRACE in gdb.say("tstart")
    gdb.say("delete 2")
    assert (gdb.step, gdb.pc) == (place, guest.stop)
    assert gdb.value(f"*(int*){guest.watch}") == number
    (found, *_) = [row for row in mapped(gdb) if row[0] <= guest.stop < row[1]]
    assert "r" in found[2]

    # A step forward, and back.
    for command, at in (("stepi", place + 1), ("reverse-stepi", place)):
        stop, _ = gdb.go(command)
        assert (stop.get("reason"), gdb.step) in (
            ("end-stepping-range", at),
            ("breakpoint-hit", at),
        )

    # The one that is deleted does not stop any more, nor the one whose condition never holds.
    gdb.say("delete 1")
    never = f"*(int*){guest.watch} == 0x12345678"
    gdb.say(f"break *{guest.stop} if {never}")
    gdb.goto("start")
    gdb.say(f"watch *(int*){guest.watch}")
    places, values = [], []
    for _ in range(3):
        stop, _ = gdb.go("continue")
        assert stop["reason"] == "watchpoint-trigger"
        places.append(gdb.step)
        values.append(gdb.value(f"*(int*){guest.watch}"))
        assert int(stop["value"]["new"]) == values[-1]
    assert f"{never} (target evals)" in gdb.say("info breakpoints")
    assert places == sorted(set(places)) and len(set(values)) == 3
    for number in (2, 1):
        stop, _ = gdb.go("reverse-continue")
        assert stop["reason"] == "watchpoint-trigger"
        assert gdb.value(f"*(int*){guest.watch}") == values[number - 1] == int(stop["value"]["new"])
        assert gdb.step == places[number] - 1
    gdb.say("delete")

    # The ends: nothing passes them, and every command says that it is one.
    stop, text = gdb.go("continue")
    assert history_ended(stop, text) and guest.end in text
    end = gdb.step
    for command in ("stepi", "-exec-next-instruction", "step", "next", "continue"):
        assert is_an_end(gdb, command), command
    assert gdb.when() == (end, end)
    assert history_ended(*gdb.go("reverse-continue"))
    for command in ("reverse-stepi", "reverse-step", "reverse-next", "reverse-continue"):
        assert is_an_end(gdb, command), command
    assert gdb.step == 0
    gdb.go("stepi")
    assert gdb.step == 1
    gdb.say("disconnect")


@pytest.mark.slow
def test_a_breakpoint_at_the_end(
    connected: Open, record: Record, shared_ports: Callable[[str], int]
) -> None:
    """GDB that hears of the end of history in a step over a breakpoint would never go on."""
    calls = record("calls")
    gdb = connected(calls.elf, shared_ports("calls"))
    gdb.goto("end")
    end, pc = gdb.step, gdb.pc
    gdb.goto(end - 1000)
    gdb.say(f"break *{pc}")
    stop, text = gdb.go("continue")
    assert history_ended(stop, text) and gdb.step == end
    for command in ("continue", "continue", "stepi", "step", "next"):
        stop, text = gdb.go(command)
        assert "the guest exited with code 0\n\nProgram stopped.\n" in text.replace("\r", "")
        assert (gdb.step, gdb.pc) == (end, pc)
    gdb.go("reverse-stepi")
    assert gdb.step == end - 1
    gdb.go("continue")
    gdb.say("delete")
    assert history_ended(*gdb.go("continue"))
    gdb.goto(end - 1)
    assert gdb.step == end - 1


@pytest.mark.slow
def test_source_lines(
    connected: Open, record: Record, serve: Callable[..., Server], request: pytest.FixtureRequest
) -> None:
    """Frames, variables, steps over lines and into and out of functions, both ways; bare words."""
    calls = record("calls")
    server = serve("--trace-packets", "serve", "--port", "0", calls.path)
    gdb = connected(calls.elf, server.port)
    names = calls.symbols
    gdb.say("break inner if value == 6")
    gdb.go("continue")
    assert [gdb.value(text) for text in ("value", "value * 2", "$pc")] == [6, 12, names["inner"]]
    frames = gdb.say("backtrace")
    assert re.findall(r"^#\d .*?(\w+) \(", frames, re.MULTILINE) == [
        "inner",
        "middle",
        "outer",
        "main",
    ]
    start = gdb.step
    gdb.say("delete")
    stop, _ = gdb.go("finish")
    assert (stop["reason"], stop["frame"]["func"]) == ("function-finished", "middle")
    for command, func in (
        *(("next", "middle"), ("step", "inner"), ("reverse-step", "middle")),
        *(("reverse-next", "middle"), ("reverse-finish", "outer")),
    ):
        stop, _ = gdb.go(command)
        assert stop["frame"]["func"] == func, command
    assert gdb.step < start
    # Bare words: no records of the interpreter's in them, and front ends follow.
    gdb.say(f"source {COMMANDS}")
    assert f"\nStep: {gdb.step} of " in gdb.say("when")
    for command, place in (("goto 27000", 27000), ("checkpoint", 27000), ("goto end", 308164)):
        if command == "checkpoint":
            assert f"\nCheckpoint 1 at step {place} of " in gdb.say(command)
            continue
        stop, text = gdb.go(command)
        assert gdb.step == place and f"Step: {place} of " in text
        assert int(stop["frame"]["addr"], 16) == gdb.pc
    for command, place in (("restart 1", 27000), ("back", 308164), ("forward", 27000)):
        gdb.go(command)
        assert gdb.step == place
    assert "goto takes +N" in gdb.say("goto nowhere")
    # Memory comes in binary, and errors as they are, where GDB knows how.
    new = "18" in request.node.name
    assert bool(server.packets(r"<- .*\$x[0-9a-f]+,")) == new
    gdb.go("goto end")
    assert (f"'{ENDED}'" in gdb.say("set var $sp = 4")) == new
    gdb.go("back")
