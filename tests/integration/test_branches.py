"""Other futures, through the real GDB: begun by a write, left and come back to, and on disk."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.cli_tools import elf, info, refused, ttd
from tests.integration.conftest import Record, Recorded, Server, symbols
from tests.integration.gdb_mi import Gdb
from tests.integration.processors import Served, served
from tests.integration.walks import GUESTS, recorder
from ttd.history.place import Place
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.stops import Stops

pytestmark = pytest.mark.slow
"""`make check` does without."""

__all__ = ["served"]

Attach = Callable[..., Gdb]
IN_CALL = "This is in a function that was called: all that it does is gone when it returns."
CALLS = {
    "cortex-m3": ("fib", "fib(7) + fib(6)", "21"),
    "aarch64": ("phase", "((int (*)(int)) phase)(2)", "2"),
    "x86-64": ("phase", "((int (*)(int)) phase)(2)", ""),
    "virt": ("tick", "now() > 0", "1"),
    "virt32": ("tick", "now() > 0", "1"),
}
"""Where, what is called, and what comes of it."""


def verified(path: Path) -> list[str]:
    """Every future of a recording replays; their names."""
    names = [branch["name"] for branch in info(path)["branches"]]
    for name in names:
        done = ttd("replay", path, "--verify", "--branch", name)
        assert done.code == 0, done.err
    return names


class Session:
    """A server over a copy of a recording, and a GDB."""

    def __init__(self, recorded: Recorded, path: Path, attach: Attach, *words: str) -> None:
        self.path = path
        self._attach = attach
        self._elf = recorded.elf
        if not path.exists():
            shutil.copyfile(recorded.path, path)
        self.server = Server("serve", "--port", "0", *words, path)
        self.gdb = attach(recorded.elf, self.server.port)

    def symbol(self, name: str) -> int:
        """The address of a function."""
        return symbols(self._elf)[name]

    def end(self) -> list[str]:
        """End the server; all that it leaves is verified."""
        self.gdb.close()
        self.server.process.terminate()
        assert self.server.wait() == 0
        assert not Path(f"{self.path}-wal").exists()
        return verified(self.path)


Open = Callable[..., Session]


@pytest.fixture
def calls(record: Record, tmp_path: Path, attach: Attach) -> Iterator[Open]:
    """Opens a copy of the recording of `calls`; again, what has become of it."""
    made: list[Session] = []

    def start(*words: str) -> Session:
        made.append(Session(record("calls"), tmp_path / "run.ttd", attach, *words))
        return made[-1]

    yield start
    for session in made:
        session.server.close()


def tree(gdb: Gdb) -> list[str]:
    """`monitor branches`, line by line, without the reasons."""
    lines = gdb.say("monitor branches").splitlines()[1:]
    return [line.partition(":")[0] for line in lines]


def run_on(gdb: Gdb, count: int) -> str:
    """So many steps, in one packet."""
    said = gdb.say(f"monitor replay_break +{count}")
    _, text = gdb.go("continue")
    gdb.say("monitor replay_delete_break")
    return said + text


def test_both_futures_stay(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.say("break write_rare")
    for _ in range(2):
        gdb.go("continue")
    gdb.say("set var $r0 = 0x55")
    gdb.say("delete")
    _, text = gdb.go("stepi 2")
    said = "Branch b1 begins at step 5440, as r0 was set to 0x55; what was to come stays on main.\n"
    assert said in text and gdb.value("rare") == 0x55
    run_on(gdb, 1000)
    later = gdb.registers()
    assert tree(gdb) == ["  main  steps 0 to 308164", "*   b1  steps 5440 to 6442, goes on"]
    # In the old future it is what it was; back on the branch, too.
    gdb.goto("main:6442")
    assert gdb.value("rare") == 0x22222222
    gdb.say("break write_rare")
    gdb.go("continue")
    assert gdb.when() == (27198, 308164)
    gdb.goto("b1:6442")
    assert gdb.registers() == later and gdb.value("rare") == 0x55
    gdb.go("reverse-stepi")
    gdb.go("stepi")
    assert gdb.registers() == later
    # The one that goes on does so, to an end of its own.
    gdb.say("delete")
    _, text = gdb.go("continue")
    assert "the guest exited with code 0" in text
    end = gdb.step
    assert session.end() == ["main", "b1"]
    made = info(session.path)["branches"][1]
    assert (made["from"], made["fork"], made["steps"]) == ("main", 5440, end)
    # Another server knows both, and a finished branch can be looked at, and left, too.
    session = calls()
    session.gdb.goto("b1:6442")
    assert session.gdb.registers() == later
    session.gdb.say("set var rare = 1")
    session.gdb.go("stepi")
    assert tree(session.gdb)[1:] == [
        f"    b1  steps 5440 to {end}",
        "*     b2  steps 6442 to 6443, goes on",
    ]
    assert session.end() == ["main", "b1", "b2"]


def test_a_branch_of_a_branch_names_and_discard(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    for step in (1000, 1200, 1100):
        gdb.goto(step)
        gdb.say(f"set var rare = {step}")
        run_on(gdb, 300)
    assert tree(gdb) == [
        "  main  steps 0 to 308164",
        "    b1  steps 1000 to 1300, goes on",
        "      b2  steps 1200 to 1500, goes on",
        "*     b3  steps 1100 to 1400, goes on",
    ]
    for name, step, value in (("b2", 1500, 1200), ("b1", 1250, 1000), ("main", 1400, 0x11111111)):
        gdb.goto(f"{name}:{step}")
        assert gdb.value("rare") == value
    for command, answer in {
        "branch rename b2 two words": "branch rename takes",
        "branch rename b2 b3": "there is a branch b3 already",
        "branch rename b2 7": "'7' is no name for a branch",
        "branch rename nobody me": "has no branch nobody, only main, b1, b2, b3",
        "discard nobody": "has no branch nobody",
        "discard b1": "other branches come from b1",
        "discard main": "main is where all branches come from, and stays.",
        "goto nobody:5": "has no branch nobody",
        "goto b2:1501": "step 1501 is outside the history, which has steps 0 to 1500",
        "goto b2:x": "goto takes +N, -N, N, P%, start, end, BRANCH:N or a bookmark, not 'b2:x'",
        "branch": "branch takes a name",
        "branch rename b2 second": "b2 is called second now.",
    }.items():
        assert answer in gdb.say(f"monitor {command}")
    gdb.goto("second:1500")
    assert "The machine is on second" in gdb.say("monitor discard second")
    gdb.say("monitor branch b1")
    gdb.go("stepi")
    assert gdb.step == 1300 and gdb.value("rare") == 1000
    assert "second is gone." in gdb.say("monitor discard second")
    assert "b3 is gone." in gdb.say("monitor discard b3")
    assert "b1 is called only now." in gdb.say("monitor branch rename only")
    # Places on those that are gone are gone with them.
    while "no earlier position" not in (text := gdb.say("monitor back")):
        assert "Going to step" in text
        gdb.go("stepi")
    assert session.end() == ["main", "only"]


def test_a_branch_by_hand_without_a_change_is_the_same(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.goto(27000)
    gdb.say("monitor branch again")
    run_on(gdb, 5000)
    registers = gdb.registers()
    gdb.goto("main:32000")
    assert gdb.registers() == registers
    gdb.goto("again:32000")
    _, text = gdb.go("continue")
    assert "the guest exited with code 0" in text and gdb.step == 308164
    assert session.end() == ["main", "again"]
    ends = [ttd("replay", session.path, "--echo", "--branch", n).out for n in ("main", "again")]
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    "name",
    [name if name == "cortex-m3" else pytest.param(name, marks=pytest.mark.slow) for name in CALLS],
)
def test_a_call_leaves_nothing(served: Served, attach: Attach, name: str) -> None:
    guest, port = served.get(name)
    where, expression, result = CALLS[name]
    before = guest.path.read_bytes()
    gdb = attach(guest.elf, port)
    gdb.goto("start")
    gdb.say(f"break {where}")
    gdb.go("continue")
    gdb.say("delete")
    gdb.go("stepi 3")
    there = gdb.when(), gdb.registers()
    assert re.search(rf"\$1 = {result}", text := gdb.say(f"print {expression}")), text
    assert (gdb.when(), gdb.registers()) == there
    assert len(tree(gdb)) == 1
    run_on(gdb, 100)
    gdb.goto("end")
    assert guest.path.read_bytes() == before


def test_a_call_that_stops(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    before = session.path.read_bytes()
    gdb.goto(27000)
    there = gdb.when(), gdb.registers()
    # Inside of one, and out again.
    gdb.say("break inner")
    assert IN_CALL in (text := gdb.say("print middle(3)")), text
    assert gdb.value("value") == 3 and len(tree(gdb)) == 2
    gdb.go("stepi 3")
    gdb.say("delete")
    gdb.go("reverse-stepi")
    gdb.go("finish")
    gdb.go("finish")
    assert (gdb.when(), gdb.registers()) == there and len(tree(gdb)) == 1
    # Left by a movement elsewhere, it stays.
    gdb.say("break inner")
    gdb.say("print middle(3)")
    gdb.say("delete")
    gdb.goto("main:27000")
    assert (gdb.step, gdb.registers()) == (27000, there[1])
    assert session.path.read_bytes() != before and len(tree(gdb)) == 2
    reason = f"the function at {session.symbol('middle'):#x} was called"
    assert reason in gdb.say("monitor branches")
    # There it was to return to, and GDB asks whether it does.
    gdb.goto("start")
    assert gdb.step == 0
    gdb.go("stepi")
    assert "$" in gdb.say("print middle(3)") and gdb.step == 1
    gdb.say("monitor discard b1")
    # At the end of a session it is gone.
    gdb.say("break inner")
    gdb.say("print middle(3)")
    assert session.end() == ["main"]


def test_what_was_written_before_a_call_stays(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.goto(27000)
    gdb.say("set var rare = 3")
    gdb.say("set var $r7 = 0x77")
    before = gdb.registers()
    # It goes in with the call, and does not come out of it.
    assert "$1 = 8" in gdb.say("print fib(rare + 3)")
    assert "$2 = 10" in gdb.say("print inner(rare = 3)")
    assert gdb.registers() == before and gdb.value("counter") == gdb.value("counter")
    text = gdb.say("monitor when")
    assert "Branch b1 begins at step 27000, as 4 bytes at " in text and "b1:27000" in text
    assert (gdb.value("rare"), gdb.value("$r7")) == (3, 0x77)
    # At the end of a branch that is recorded a call leaves nothing either.
    gdb.go("stepi 10")
    before, counter = gdb.registers(), gdb.value("counter")
    assert "$" in gdb.say("print inner(1)")
    assert (gdb.registers(), gdb.value("counter"), len(tree(gdb))) == (before, counter, 2)
    gdb.go("stepi 10")
    assert session.end() == ["main", "b1"]
    rows = ttd("events", session.path, "--branch", "b1", "--kind", "debug_write").out
    assert len(rows.splitlines()) == 2


def test_a_function_that_is_left_is_no_call(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.say("break inner")
    gdb.go("continue")
    here = gdb.step
    gdb.say("return 7")
    _, text = gdb.go("finish")
    assert IN_CALL not in text and f"Branch b1 begins at step {here}" in text
    assert tree(gdb)[1].startswith("*   b1")
    assert session.end() == ["main", "b1"]


@pytest.mark.slow
def test_run_comes_after_what_was_written(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.goto(27000)
    gdb.say("set var rare = 3")
    gdb.say("kill")
    gdb.say(f"target extended-remote localhost:{session.server.port}")
    gdb.go("-exec-run")
    gdb.say("monitor when")
    assert tree(gdb)[1].startswith("*   b1  steps 27000 to ")
    assert session.end() == ["main", "b1"]


@pytest.mark.slow
def test_calls_that_are_kept(calls: Open) -> None:
    session = calls("--keep-calls")
    gdb = session.gdb
    gdb.goto(27000)
    counter = gdb.value("counter")
    assert "$" in gdb.say("print inner(1)")
    assert gdb.value("counter") == counter + 1
    assert "the function at 0x" in gdb.say("monitor branches")
    gdb.go("stepi 10")
    assert session.end() == ["main", "b1"]


def test_a_write_that_changes_nothing(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    before = session.path.read_bytes()
    gdb.goto(27000)
    for change in ("rare = rare", "$r3 = $r3", "*(char *) 0x100 = *(char *) 0x100"):
        gdb.say(f"set var {change}")
    gdb.go("stepi")
    assert gdb.when() == (27001, 308164)
    # There and back again, too.
    gdb.say("set var rare = 9")
    gdb.say("set var $r3 = $r3 + 1")
    gdb.say("set var $r3 = $r3 - 1")
    gdb.say("set var rare = 0x22222222")
    gdb.go("stepi")
    assert gdb.when() == (27002, 308164) and "Cannot access" in gdb.say(
        "set var *(int *) 0x50000000 = 1"
    )
    gdb.go("stepi")
    assert gdb.when() == (27003, 308164)
    assert session.end() == ["main"]
    assert session.path.read_bytes() == before


def test_requests_are_for_a_machine_that_records(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.goto(500)
    for request in ("system_reset", "system_suspend", "quit"):
        assert "This is the past: 'monitor branch NAME' begins" in gdb.say(f"monitor {request}")
    gdb.say("monitor branch reset")
    assert "The machine is reset" in gdb.say("monitor system_reset")
    gdb.go("stepi")
    assert "Reset_Handler" in gdb.say("info symbol $pc")
    assert session.end() == ["main", "reset"]


def test_a_file_that_cannot_be_written(record: Record, attach: Attach, tmp_path: Path) -> None:
    calls, folder = record("calls"), tmp_path / "disc"
    folder.mkdir()
    shutil.copyfile(calls.path, folder / "run.ttd")
    # Root can write whatever is not on a disk that nobody writes to.
    disc = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    if subprocess.run(["unshare", "-m", "sh", "-c", disc], check=False).returncode:
        pytest.skip("needs a mount of its own")
    serving = f"exec {sys.executable} -m ttd serve --stdio {folder}/run.ttd"
    gdb = attach(calls.elf, f"| unshare -m sh -c '{disc} && {serving}'")
    gdb.goto(1000)
    gdb.say("set var rare = 5")
    text = run_on(gdb, 100)
    kept = f"on main. It is kept in memory only: {folder}/run.ttd cannot be written.\n"
    assert kept in text
    here = gdb.registers()
    gdb.goto("main:1100")
    gdb.goto("b1:1100")
    assert gdb.registers() == here and gdb.value("rare") == 5
    gdb.close()
    assert verified(folder / "run.ttd") == ["main"]


@pytest.mark.slow
@pytest.mark.parametrize("why", ["temporary", "recorded"])
def test_branches_in_no_file(calls: Open, why: str) -> None:
    first = calls(*(["--temporary"] if why == "temporary" else []))
    sessions = [first]
    if why == "recorded":
        first.gdb.goto(100)
        first.gdb.say("set var rare = 1")
        first.gdb.go("stepi")
        sessions.append(calls())
        done = ttd("branch", first.path, "--at", "50", "--set", "$r0=3")
        refused(done, "is being recorded by another ttd: -o FILE puts the branch into a copy")
    gdb = sessions[-1].gdb
    gdb.goto("main:1000" if why == "recorded" else 1000)
    gdb.say("set var rare = 5")
    text = run_on(gdb, 100)
    assert " begins at step 1000, as 4 bytes at " in text
    assert ("It is kept in memory only: " in text) == (why != "temporary")
    here = gdb.registers()
    gdb.goto("main:1100")
    assert gdb.value("rare") == 0x11111111
    gdb.goto(re.findall(r"Branch (\w+) begins", text)[0] + ":1100")
    assert gdb.registers() == here and gdb.value("rare") == 5
    for session in sessions[::-1]:
        session.gdb.close()
        session.server.process.terminate()
        assert session.server.wait() == 0
    assert verified(first.path) == (["main", "b1"] if why == "recorded" else ["main"])


@pytest.mark.slow
def test_a_server_that_is_killed(calls: Open) -> None:
    session = calls()
    gdb = session.gdb
    gdb.goto(1000)
    gdb.say("set var rare = 5")
    run_on(gdb, 2000)
    gdb.goto("main:500")
    gdb.say("set var rare = 6")
    run_on(gdb, 3000)
    rare = gdb.value("rare")
    gdb.goto("b1:3000")
    gdb.go("stepi 10")
    gdb.say("monitor when")
    session.server.process.send_signal(signal.SIGKILL)
    session.server.wait()
    assert verified(session.path) == ["main", "b1", "b2"]
    steps = [branch["steps"] for branch in info(session.path)["branches"]]
    assert steps[::2] == [308164, 3500] and steps[1] >= 3000
    session = calls()
    session.gdb.goto("b2:3500")
    assert session.gdb.value("rare") == rare
    # What was cut off takes branches.
    session.gdb.goto("b1:2500")
    session.gdb.say("set var rare = 7")
    session.gdb.go("stepi")
    assert session.end() == ["main", "b1", "b2", "b3"]


def test_a_guest_that_waits_on_a_branch(
    record: Record, attach: Attach, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Nobody types there: its runs end, and `monitor input` types."""
    session = Session(record("echo"), tmp_path / "run.ttd", attach)
    request.addfinalizer(session.server.close)
    gdb = session.gdb
    rows = ttd("events", session.path, "--kind", "char_read").out.decode().splitlines()
    last = int(rows[-1].split()[0])
    gdb.say(f"monitor edit {last} drop")
    gdb.go("stepi")
    for command in ("continue", "next", "continue"):
        _, text = gdb.go(command)
        assert "The guest waits for input that nobody gives; 'monitor input" in text
    there = gdb.step
    for words, answer in {
        "uart9 x": "there is no character device uart9, only uart0, uart1,",
        r"uart0 \q": r"'\q' is no escape",
        "uart0": "input takes a device and a text",
        r"uart0 \n": "uart0 gets '\\n' with the next command that resumes.",
    }.items():
        assert answer in (text := gdb.say(f"monitor input {words}")), text
    _, text = gdb.go("continue")
    assert "the guest exited with code 0" in text
    gdb.goto(there - 100)
    assert "This is the past: 'monitor branch NAME'" in gdb.say("monitor input uart0 x")
    assert session.end() == ["main", "b1"]
    rows = ttd("events", session.path, "--kind", "char_read", "--branch", "b1").out.decode()
    assert int(rows.splitlines()[-1].split()[0]) == there


def test_branches_of_a_machine_that_records(
    attach: Attach, serve: Callable[..., Server], tmp_path: Path
) -> None:
    path = tmp_path / "live.ttd"
    words = ("--board", "mps2-an385", "--semihosting", "--gdb", "0", "--serial", "null")
    server = serve("record", *words, "-o", path, elf("calls"))
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    for _ in range(3):
        gdb.go("continue")
    end, registers = gdb.step, gdb.registers()
    # A call at the end of the recording.
    counter = gdb.value("counter")
    assert "$" in gdb.say("print inner(1)")
    assert (gdb.step, gdb.registers(), gdb.value("counter")) == (end, registers, counter)
    gdb.goto(1000)
    gdb.say("set var *(int *) 0x20003000 = 5")
    gdb.say("delete")
    run_on(gdb, 50000)
    assert (gdb.when(), gdb.value("*(int *) 0x20003000")) == ((51000, 51000), 5)
    branch = gdb.registers()
    # On with the other one, from where it was.
    gdb.goto(f"main:{end}")
    assert (gdb.when(), gdb.registers()) == ((end, end), registers)
    run_on(gdb, 1000)
    gdb.say("set var rare = 6")
    run_on(gdb, 1000)
    assert (gdb.when(), gdb.value("rare")) == ((end + 2000, end + 2000), 6)
    main = gdb.registers()
    gdb.goto("b1:51000")
    assert gdb.registers() == branch
    run_on(gdb, 1000)
    gdb.goto(f"main:{end + 2000}")
    assert gdb.registers() == main
    assert tree(gdb) == [
        f"* main  steps 0 to {end + 2000}, goes on",
        "    b1  steps 1000 to 52000, goes on",
    ]
    _, text = gdb.go("continue")
    assert "the guest exited with code 0" in text
    gdb.say("disconnect")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0
    assert verified(path) == ["main", "b1"]


@pytest.mark.slow
def test_a_branch_goes_on_without_the_one_whose_input_comes_again(
    record: Record, tmp_path: Path
) -> None:
    path = tmp_path / "run.ttd"
    shutil.copyfile(record("echo").path, path)
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    timeline = session.timeline
    end = timeline.end
    for begin in (1000, 4000, 3000):
        timeline.seek(begin)
        timeline.branch_off("")
        timeline.step_forward(1500 if begin == 3000 else end)
    branches = session.branches
    # The third leaves the first, before the second does, whose input it gets.
    assert [b.fork.parent for b in branches.all if b.fork is not None] == [0, 1, 1]
    branches.discard(2)
    stop = timeline.step_forward(end)
    assert (stop.note, stop.step) == ("the guest exited with code 0", end)
    session.leave("")
    session.close()
    assert verified(path) == ["main", "b1", "b3"]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_killed_at_any_moment(record: Record, tmp_path: Path, number: int) -> None:
    path, seed = tmp_path / "run.ttd", random.randrange(1 << 32)
    print(f"seed {seed}")
    shutil.copyfile(record("calls").path, path)
    command = [sys.executable, "-m", "tests.integration.branch_player", str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as player:
        assert player.stdout is not None and player.stdout.readline() == b"it plays\n"
        time.sleep(random.Random(seed).uniform(0.1, 2))
        player.kill()
    assert verified(path)


def test_what_is_typed_during_a_call_is_not_lost(tmp_path: Path) -> None:
    """It waits until the call is gone, as if nobody had called."""
    guest = next(guest for guest in GUESTS if guest.name == "echo")
    path = tmp_path / "run.ttd"
    session, line = recorder(guest, path)
    timeline = session.timeline
    timeline.step_forward(100)
    for number in range(2):
        name = timeline.cpu.registers[4].name
        timeline.probe.write_register(name, 1000 + number)
        line.type(b"ab" if number == 0 else b"c\n")
        timeline.step_forward(40)
        assert timeline.place.branch != 0 and timeline.trials.present is not None
        timeline.trials.drop()
        assert timeline.place == Place(0, 100 + number)
        timeline.step_forward(1)
    line.type(b"quit\n")
    assert timeline.run_forward(Stops()).note == "the guest exited with code 0"
    session.leave("")
    session.close()
    rows = ttd("events", path, "--kind", "char_read", "--json").out.splitlines()
    assert "".join(json.loads(row)["data"] for row in rows).replace("\\n", "\n") == "abc\nquit\n"
    assert verified(path) == ["main"]
