"""`reverse-step` and `reverse-next` with ttd's commands in GDB: they end where GDB's own end, which
go one instruction after the other, however long that takes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

import pytest

from tests.integration.cli_tools import FIRMWARE
from tests.integration.conftest import Record, Server
from tests.integration.gdb18 import GDBS, gdb_program
from tests.integration.gdb_mi import Gdb
from ttd.gdb import COMMANDS

pytestmark = pytest.mark.slow
"""`make check` does without."""

Start = Callable[..., tuple[Gdb, Server]]
LONG_CALL = "work if scale == 20000"
SHORT = 14_000
"""Steps from the beginning in which GDB's own way does not take long."""
SOURCE = (FIRMWARE / "loops/loops.c").read_text().splitlines()


@pytest.fixture(params=GDBS)
def start(request: pytest.FixtureRequest, record: Record) -> Iterator[Start]:
    """A GDB with ttd's commands on a recording of `loops`, and its server."""
    opened: list[Gdb | Server] = []

    def make() -> tuple[Gdb, Server]:
        program, loops = gdb_program(request.param), record("loops")
        server = Server("--trace-packets", "serve", "--port", "0", loops.path)
        opened.append(server)
        gdb = Gdb(loops.elf, program)
        opened.append(gdb)
        gdb.say(f"source {COMMANDS}")
        gdb.say(f"target remote localhost:{server.port}")
        return gdb, server

    yield make
    for one in reversed(opened):
        one.close()


def line_at(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE, 1) if text in line)


def at(gdb: Gdb, step: int) -> None:
    """Go there; GDB compares a watched value with the last one that it has seen."""
    gdb.goto(step)
    gdb.say("disable")
    gdb.say("enable")


def behind(gdb: Gdb, first: str, text: str) -> int:
    """Go to where `break first` stops, and on to a line; the step of the first."""
    gdb.say(f"break {first}")
    gdb.go("continue")
    step = gdb.step
    gdb.say("delete")
    gdb.say(f"tbreak loops.c:{line_at(text)}")
    gdb.go("continue")
    return step


def compare(gdb: Gdb, step: int, plain: str, told: str) -> None:
    """From a place: GDB's own way by its machine interface, which runs no hooks of commands; and
    by the command."""
    at(gdb, step)
    own, _ = gdb.go(plain)
    expected = gdb.step, own.get("reason"), own["frame"]["func"], own["frame"].get("line")
    at(gdb, step)
    mine, _ = gdb.go(told)
    assert gdb.step == expected[0], f"{told} from {step}"
    assert (mine["frame"]["func"], mine["frame"].get("line")) == expected[2:]
    assert mine.get("reason") == expected[1], f"{told} from {step}"


def test_as_gdb_does_it(start: Start) -> None:
    gdb, _ = start()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(8):
        for plain, told in (("reverse-step", "rs"), ("reverse-next", "rn")):
            compare(gdb, dice.randrange(50, SHORT), plain, told)


@pytest.mark.parametrize("stop", ["break loops.c:{loop}", "watch ticks", "rwatch sink"])
def test_with_stops(start: Start, stop: str) -> None:
    """A breakpoint on the line that is stepped over, or something accessed on the way."""
    gdb, _ = start()
    loop = line_at("for (uint32_t i = 0")
    said = gdb.say(stop.format(loop=loop))
    assert "point" in said, said
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(8):
        for plain, told in (("reverse-step", "rs"), ("reverse-next", "rn")):
            compare(gdb, dice.randrange(50, SHORT), plain, told)


def test_a_long_line_is_one_search(start: Start) -> None:
    """1 000 000 steps, with 200 interrupts among them."""
    gdb, server = start()
    call = behind(gdb, LONG_CALL, "sum ^= rounds")
    begin, before = gdb.step, server.packets(r"<- .*\$bs#")
    assert begin - call > 900_000
    stop, _ = gdb.go("rs")
    assert call < gdb.step < call + 30
    assert int(stop["frame"]["line"]) == line_at("for (uint32_t i = 0")
    assert server.packets(r"<- .*\$bs#") - before < 10_000
    # It is over with the command.
    inside = begin - 1000
    gdb.goto(inside)
    gdb.go("reverse-stepi")
    assert gdb.step == inside - 1
    gdb.go("rs")
    assert gdb.step < call + 30


def test_over_a_long_call(start: Start) -> None:
    gdb, _ = start()
    call = behind(gdb, LONG_CALL, "uint32_t b = deep")
    assert gdb.step - call > 900_000
    stop, _ = gdb.go("rn")
    assert int(stop["frame"]["line"]) == line_at("uint32_t a = spin")
    assert gdb.step - call < 20


def test_in_recursion(start: Start) -> None:
    """`reverse-next` stays in this very frame; `reverse-finish` ends where that was called."""
    gdb, _ = start()
    gdb.say(f"tbreak loops.c:{line_at('return below + depth')} if depth == 5")
    gdb.go("continue")
    later = gdb.step
    for _ in range(2):
        stop, _ = gdb.go("rn")
        assert (stop["frame"]["func"], gdb.value("depth")) == ("deep", 5)
    gdb.goto(later)
    gdb.say("tbreak deep if depth == 4")
    gdb.go("reverse-continue")
    gdb.go("reverse-finish")
    assert gdb.value("depth") == 5
    assert len(re.findall(r"\bdeep \(", gdb.say("backtrace"))) == 4
    assert re.search(r"\bbl\b", gdb.say("x/i $pc"))


def test_out_of_a_call_at_the_end_of_another(start: Start) -> None:
    """`last_call` jumps to `spin`, which returns to `work`: that is where it was called."""
    gdb, _ = start()
    entry = behind(gdb, "last_call", "sum ^= rounds")
    jumped = gdb.step
    gdb.go("reverse-finish")
    assert entry <= gdb.step < jumped
    assert re.search(r"\bb(\.[nw])?\b", gdb.say("x/i $pc")), gdb.say("x/i $pc")


def test_from_within_an_interrupt(start: Start) -> None:
    gdb, _ = start()
    gdb.say("break SysTick_Handler")
    gdb.go("continue")
    gdb.say("delete")
    entry = gdb.step
    for step in (entry + 1, entry + 4, entry + 20):
        compare(gdb, step, "reverse-next", "rn")
        compare(gdb, step, "reverse-step", "rs")
    gdb.goto(entry + 3)
    gdb.go("reverse-finish")
    assert gdb.step == entry - 1, "before the entry, which is a step"
