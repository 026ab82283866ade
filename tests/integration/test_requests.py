"""Reset, suspension and shutdown, asked for by the debugger while a machine records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.integration.conftest import Record, Server, symbols, ttd
from tests.integration.gdb_mi import Gdb
from tests.integration.test_live import elf, live, verified

Serve = Callable[..., Server]
Attach = Callable[..., Gdb]
COMMANDS = ("system_reset", "system_suspend", "system_wakeup", "quit")


def monitor(gdb: Gdb, command: str) -> str:
    """What is printed for a monitor command."""
    return gdb.say(f"monitor {command}").removeprefix(f"monitor {command}\n")


def logged(path: Path, kind: str) -> list[int]:
    """The steps of the events of a kind."""
    lines = ttd("events", path, "--kind", kind).stdout.decode().splitlines()
    return [int(line.split()[0].replace(",", "")) for line in lines]


def test_reset_by_the_debugger(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    server = live(serve, "calls", path)
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    gdb.go("continue")
    here = gdb.step
    assert "with the next command that resumes" in monitor(gdb, "system_reset")
    assert gdb.step == here
    gdb.say("delete")
    gdb.go("stepi")
    assert gdb.step == here + 1
    start = symbols(elf("calls"))["Reset_Handler"]
    assert start < gdb.pc <= start + 4
    seen = gdb.registers()
    # Before the reset, and over it again.
    gdb.go("reverse-stepi 2")
    assert gdb.step == here - 1
    assert abs(gdb.pc - start) > 4
    gdb.go("stepi 2")
    assert (gdb.step, gdb.registers()) == (here + 1, seen)
    gdb.go("continue")
    gdb.say("kill")
    server.process.send_signal(2)
    server.wait()
    assert verified(path)["end"] == "the guest exited with code 0"
    assert logged(path, "reset") == [here]


def test_suspension_and_shutdown_by_the_debugger(
    serve: Serve, attach: Attach, tmp_path: Path
) -> None:
    path = tmp_path / "run.ttd"
    server = live(serve, "calls", path)
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    gdb.go("continue")
    here = gdb.step
    assert monitor(gdb, "system_wakeup") == "The machine is not suspended.\n"
    monitor(gdb, "system_suspend")
    for command in ("stepi", "continue"):
        gdb.start(command)
        gdb.interrupt()
        _, text = gdb.stopped()
        assert "The machine is suspended, until 'monitor system_wakeup'." in text
        assert gdb.step == here
    # The past can be visited, and is no way around the suspension.
    gdb.go("reverse-stepi 5")
    gdb.go("stepi 5")
    assert gdb.step == here
    gdb.start("stepi")
    gdb.interrupt()
    gdb.stopped()
    assert gdb.step == here
    assert "goes on" in monitor(gdb, "system_wakeup")
    gdb.go("reverse-stepi 5")
    gdb.say("delete")
    gdb.go("stepi 6")
    assert gdb.step == here + 1
    monitor(gdb, "quit")
    _, text = gdb.go("continue")
    assert "the recording was ended from outside" in text
    for command in COMMANDS:
        refused = monitor(gdb, command)
        assert refused == "A finished recording cannot be changed.\n"
    gdb.go("reverse-stepi")
    for command in COMMANDS:
        assert monitor(gdb, command).count("\n") == 1
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    facts = verified(path)
    assert (facts["steps"], facts["end"]) == (here + 1, "the recording was ended from outside")
    assert logged(path, "suspend") == [here]
    assert logged(path, "shutdown") == [here + 1]


def test_requests_in_the_past_are_refused(
    serve: Serve, attach: Attach, tmp_path: Path, record: Record
) -> None:
    path = tmp_path / "run.ttd"
    gdb = attach(elf("calls"), live(serve, "calls", path).port)
    gdb.go("stepi 20")
    gdb.go("reverse-stepi")
    for command in COMMANDS:
        refused = monitor(gdb, command)
        assert refused == (
            "The past cannot be changed: go to the end of the recording"
            " (monitor goto end, then stepi) and ask there.\n"
        )
    finished = attach(elf("calls"), serve("serve", "--port", "0", record("calls").path).port)
    for place in ("start", "end"):
        finished.goto(place)
        for command in COMMANDS:
            refused = monitor(finished, command)
            assert refused == "A finished recording cannot be changed.\n"
