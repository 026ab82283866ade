"""Threads in GDB: the tasks of three systems, whose books the firmware keeps as they do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd
from tests.integration.conftest import Server
from tests.integration.gdb_mi import HANG, ROOT, Gdb

pytestmark = pytest.mark.slow
"""`make check` does without."""

HOME = FIRMWARE / "threads"
Attach = Callable[..., Gdb]
NESTED = ["third", "second", "first", "deep"]


@dataclass(frozen=True)
class System:
    """What a system says of the five tasks while `busy` runs."""

    name: str
    board: str
    current: str
    """Changes when another task is to run."""
    states: dict[str, str]


FREERTOS = {
    "deep": "blocked, priority 3",
    "sleeper": "blocked, priority 2",
    "sulky": "suspended, priority 2",
    "busy": "running, priority 1",
    "idle": "ready, priority 0",
}
ZEPHYR = {
    "deep": "pending, priority 1",
    "sleeper": "sleeping, priority 2",
    "sulky": "suspended, priority 2",
    "busy": "running, priority 3",
    "idle": "ready, priority 4",
}
RIOT = {
    "deep": "receive blocked, priority 12, pid 1",
    "sleeper": "mutex blocked, priority 13, pid 2",
    "sulky": "sleeping, priority 13, pid 3",
    "busy": "running, priority 14, pid 4",
    "idle": "ready, priority 15, pid 5",
}
SYSTEMS = [
    System(f"{name}{processor}", board, current, states)
    for name, current, states in (
        ("freertos", "pxCurrentTCB", FREERTOS),
        ("zephyr", "_kernel.cpus[0].current", ZEPHYR),
        ("riot", "sched_active_pid", RIOT),
    )
    for processor, board in (("", "mps2-an385"), ("-rv32", "virt32"), ("-rv64", "virt"))
]


@dataclass(frozen=True)
class Served:
    """A recording that is served."""

    system: System
    elf: Path
    port: int


FAST = ("freertos", "riot")
PARAMS = [
    pytest.param(each, id=each.name, marks=() if each.name in FAST else pytest.mark.slow)
    for each in SYSTEMS
]


@pytest.fixture(scope="module", params=PARAMS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    system: System = request.param
    folder, elf = tmp_path_factory.mktemp(system.name), HOME / f"{system.name}.elf"
    options = ("--semihosting",) if system.board == "mps2-an385" else ()
    done = ttd("record", "--board", system.board, *options, "-o", folder / "run.ttd", elf)
    assert done.code == 0, done.err
    assert done.out.replace(b"\r\n", b"\n") == (HOME / "expected.txt").read_bytes()
    server = Server("serve", "--port", "0", folder / "run.ttd")
    yield Served(system, elf, server.port)
    server.close()


@pytest.fixture
def gdb(served: Served, attach: Attach) -> Gdb:
    found = attach(served.elf, served.port)
    found.goto("start")
    return found


def tasks(gdb: Gdb) -> dict[str, str]:
    """What `info threads` says of each task, by name, without the step."""
    rows = re.findall(r'Thread \d+ "(\w+)" \((.*?)\) ', gdb.say("info threads"))
    return {name: re.sub(r", step .*", "", state) for name, state in rows}


def numbers(gdb: Gdb) -> dict[str, str]:
    """GDB's number of each task."""
    return {
        name: number
        for number, name in re.findall(r'(\d+) +Thread \d+ "(\w+)"', gdb.say("info threads"))
    }


def backtraces(gdb: Gdb) -> dict[str, str]:
    """Of each task, by name."""
    said = gdb.say("thread apply all bt")
    return dict(re.findall(r'"(\w+)" \([^\n]*:\n(#0.*?)\n(?:\n|$)', said, re.DOTALL))


def selected(gdb: Gdb) -> str:
    """The task whose registers are the processor's."""
    found = re.search(r'^\* +\d+ +Thread \d+ "(\w+)"', gdb.say("info threads"), re.MULTILINE)
    return "" if found is None else found[1]


def test_none_before_the_scheduler_starts(gdb: Gdb) -> None:
    assert "Thread 1 (step 0 of " in gdb.say("info threads")
    gdb.say("break make")
    gdb.go("continue")
    assert re.findall("Thread [0-9]+ ", gdb.say("info threads")) == ["Thread 1 "]
    gdb.say("delete")


def test_states_and_backtraces_forwards_and_backwards(served: Served, gdb: Gdb) -> None:
    gdb.say("break work")
    seen = []
    for _ in range(4):
        gdb.go("continue")
        assert tasks(gdb) == served.system.states
        assert selected(gdb) == "busy"
        frames = backtraces(gdb)["deep"]
        names = re.findall(r"^#\d+ +0x[0-9a-f]+ in (\w+) ", frames, re.MULTILINE)
        assert names[-len(NESTED) :] == NESTED, frames
        assert f"third (value=value@entry={(len(seen) + 3) * 2})" in frames
        seen.append(tasks(gdb))
    for before in seen[-2::-1]:
        gdb.go("reverse-continue")
        assert tasks(gdb) == before
    gdb.say("delete")


def test_going_elsewhere_from_a_breakpoint(gdb: Gdb) -> None:
    """GDB takes that for a step over the breakpoint, of which it accepts no other thread's end."""
    gdb.say("break third")
    gdb.go("continue")
    inside = gdb.step
    assert selected(gdb) == "deep"
    gdb.say("break work")
    gdb.go("continue")
    there = gdb.step
    for place, task in ((inside, "deep"), (there, "busy"), (0, ""), (there, "busy")):
        gdb.goto(place)
        assert selected(gdb) == task
        assert set(tasks(gdb)) == ({"deep", "sleeper", "sulky", "busy", "idle"} if task else set())
        assert "SIG" not in gdb.say("thread apply all bt")
    gdb.say("delete")


def test_trace_frames(served: Served, gdb: Gdb) -> None:
    """At another step other tasks are in other states; GDB's thread is the one that runs there."""
    gdb.say("break third")
    gdb.go("continue")
    inside = gdb.step
    gdb.say("delete")
    gdb.say("disconnect")
    frames = (inside, 100, inside)
    commands = [
        f"target remote localhost:{served.port}",
        "break work",
        "continue",
        "info threads",
        *(word for frame in frames for word in (f"tfind {frame}", "info threads", "bt 1")),
        "tfind none",
        "info threads",
    ]
    done = subprocess.run(  # pygdbmi does not understand `=traceframe-changed,end`
        ["gdb-multiarch", "-nx", "-batch", *(f"-ex={word}" for word in commands), served.elf],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
        cwd=ROOT,
    )
    rows = re.findall(r"^\* +\d+ +Thread (\d+) (?:\"(\w+)\" )?\(", done.stdout, re.MULTILINE)
    assert [name for _, name in rows] == ["busy", "deep", "", "deep", "busy"], done
    assert len({number for number, _ in rows}) == 1
    assert "terminated" not in done.stderr


def test_registers_of_a_task_are_read_only(gdb: Gdb) -> None:
    gdb.say("break work")
    gdb.go("continue")
    gdb.say("delete")
    deep = numbers(gdb)["deep"]
    gdb.say(f"thread {deep}")
    where = gdb.value("$sp")
    assert "task that does not run" in gdb.say("set var $sp = $sp + 4")
    assert gdb.value("$sp") == where
    gdb.say("frame function third")
    assert gdb.value("value") == 6


def test_steps_across_a_switch(served: Served, gdb: Gdb) -> None:
    """One instruction at a time, over watchpoints and without, into what another task does."""
    gdb.say("break work")
    gdb.go("continue")
    gdb.say("delete")
    gdb.say(f"watch {served.system.current}")
    places = []
    for _ in range(3):
        gdb.go("continue")
        places.append(gdb.step)
    for place in places[::-1]:
        gdb.go("reverse-continue")
        assert gdb.step == place - 1
    gdb.say("delete")
    gdb.goto(places[0] - 3)
    for command, sign in (("stepi", 1), ("reverse-stepi", -1)):
        for _ in range(6):
            before = gdb.step
            _, text = gdb.go(command)
            assert gdb.step == before + sign
            assert "SIG" not in text, text
            assert gdb.say("info threads").count("\n* ") == 1


def test_next_over_a_wait_stays_in_the_task(gdb: Gdb) -> None:
    gdb.say("break sleeper")
    gdb.go("continue")
    gdb.say("delete")
    for command in ("next", "next", "next"):
        gdb.go(command)
        assert selected(gdb) == "sleeper"
        assert "sleeper ()" in gdb.say("frame")
    for command in ("reverse-next", "reverse-next"):
        gdb.go(command)
        assert selected(gdb) == "sleeper"


def test_in_a_branch_and_with_garbage(served: Served, gdb: Gdb) -> None:
    """What is written is seen, and books that make no sense leave one thread."""
    gdb.say("break work")
    gdb.go("continue")
    gdb.say("delete")
    place = gdb.step
    sp = gdb.value("$sp")
    for variable in ("blocks", "stacks"):
        gdb.say(f"set var $at = (char *)&{variable}")
        gdb.say(f"set var $end = $at + sizeof {variable}")
        gdb.say("set var $n = 0")
        gdb.say(
            "while $at + $n < $end\nset var *(int *)($at + $n) = $n * 7919\nset $n = $n + 4\nend"
        )
        assert "Thread" in gdb.say("info threads")
        assert "#0" in gdb.say("thread apply all bt 3")
        assert gdb.value("$sp") == sp
    gdb.goto(f"main:{place}")
    assert tasks(gdb) == served.system.states
