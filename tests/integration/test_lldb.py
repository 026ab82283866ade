"""LLDB 22 and 23 on recordings of every processor, with an ELF file and without.

One session makes all checks: breakpoints, watchpoints in both directions, both ends of history,
registers, memory, expressions.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import processors
from tests.integration.cli_tools import children_env, raw, ttd
from tests.integration.conftest import Record, Server
from tests.integration.lldb_client import Said, batch, lldb
from tests.integration.processors import CASES, Served, served

__all__ = ["lldb", "served"]

END = "history boundary: end of the recording, "
BEGIN = "history boundary: beginning of the recording"


Serve = Callable[..., Server]


WHEN = "process plugin packet monitor when"
BACK, FORWARD = "process continue -R", "process continue -F"


def step(said: Said) -> int:
    """What `monitor when` says."""
    return int(said.text.partition("Step: ")[2].split()[0])


def word(said: Said) -> str:
    """The one word that `memory read` shows."""
    return said.text.split(":")[1].split()[0]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "with_elf"), CASES)
def test_a_session(lldb: str, served: Served, tmp_path: Path, name: str, with_elf: bool) -> None:
    guest, port = served.get(name)
    assert guest.elf is None or guest.elf.exists()
    read = f"memory read -f x -s 4 -c 1 {guest.watch:#x}"
    watched = [read, WHEN]
    ends = ["step", "next", "stepi", "nexti", "process continue", "finish"]
    ends.append(f"thread until -a {guest.stop}")
    answers = iter(
        batch(
            lldb,
            tmp_path,
            port,
            [
                "settings set target.disassembly-features +c",
                "target list",
                f"breakpoint set -a {guest.stop:#x}",
                *("process continue", "expression -- (unsigned long long)$pc", "register read pc"),
                *(f"disassemble -s {guest.stop:#x} -c 1", f"memory region {guest.stop:#x}"),
                *("bt", "register write pc 0", f"memory write -s 4 {guest.watch:#x} 1"),
                *(WHEN, "process plugin packet monitor branch main", "process continue"),
                *("process plugin packet monitor discard b1", "process continue"),
                "breakpoint delete 1",
                *("process plugin packet monitor goto start", "process continue"),
                f"watchpoint set expression -w write -s 4 -- {guest.watch:#x}",
                *("process continue", *watched, "process continue", *watched),
                *("process continue", *watched, BACK, *watched, BACK, *watched),
                *("process continue", "watchpoint delete 1", FORWARD),
                *(*ends, BACK, "process continue", WHEN, "stepi", WHEN, "step", "next"),
                *(FORWARD, "memory region --all", "process detach"),
            ],
            guest.elf if with_elf else None,
        )
    )
    next(answers)
    listed = next(answers).text
    assert guest.triple in listed or (with_elf and guest.triple.partition("-")[0] in listed)
    assert int(next(answers).text.rpartition("address = ")[2], 16) == guest.stop
    stop = next(answers)
    assert (stop.reason, stop.pc) == ("breakpoint 1.1", guest.stop)
    assert next(answers).text.split("=")[1].split()[0] == str(guest.stop)
    assert int(next(answers).text.split("=")[1].split()[0], 16) == guest.stop
    assert guest.code in next(answers).text
    assert guest.region in next(answers).text
    assert "frame #0" in next(answers).text
    for command in ("register", "memory"):
        assert "error" not in (said := next(answers)).text and said.command.startswith(command)
    assert "Branch b1 begins at step " in next(answers).text
    next(answers)
    assert next(answers).reason.startswith("step ")
    assert "b1 is gone." in next(answers).text
    stop = next(answers)
    assert (stop.reason, stop.pc) == ("breakpoint 1.1", guest.stop)
    assert "1 breakpoints deleted" in next(answers).text
    next(answers)
    assert next(answers).reason.startswith("step 0 of ")
    assert "Watchpoint created" in next(answers).text
    # The breakpoint that is deleted does not stop any more: forward, just behind the stores;
    places, values = [], []
    for _ in range(3):
        assert next(answers).reason == "watchpoint 1"
        values.append(word(next(answers)))
        places.append(step(next(answers)))
    assert places == sorted(set(places)) and len(set(values)) == 3
    # backward, just before them.
    for number in (2, 1):
        assert next(answers).reason == "watchpoint 1"
        assert word(next(answers)) == values[number - 1]
        assert step(next(answers)) == places[number] - 1
    # It keeps its direction.
    assert next(answers).reason == "watchpoint 1"
    next(answers)
    end = f"{END}{guest.end}"
    assert next(answers).reason.startswith(end)
    for command in ends:
        said = next(answers)
        assert said.command == command
        # Without a caller, or lines, some cannot be.
        refused = command.startswith(("finish", "thread until")) and "error: " in said.text
        assert refused or said.reason.startswith(end), str(said)
    assert next(answers).reason == BEGIN
    assert next(answers).reason == BEGIN
    assert step(next(answers)) == 0
    assert "step" in next(answers).reason
    assert step(next(answers)) == 1
    for _ in ("step", "next"):
        assert "step" in next(answers).reason
    assert next(answers).reason.startswith(end)
    assert "0xffffffffffffffff) ---" in next(answers).text
    assert "detached" in next(answers).text
    assert next(answers, None) is None


def test_source_lines(lldb: str, record: Record, tmp_path: Path, serve: Serve) -> None:
    """Frames, variables, steps over lines and into and out of functions."""
    calls = record("calls")
    port = serve("serve", "--port", "0", calls.path).port
    said = batch(
        lldb,
        tmp_path,
        port,
        [
            *("breakpoint set -n move", "process continue", "bt", "frame variable"),
            *("expression p->x + dx", "expression counter", "breakpoint disable 1"),
            *("next", "finish", "step", "thread until -f 1 87", "breakpoint enable 1"),
            *("process continue -R", "frame variable dx", "process continue -R"),
            *("frame variable dx", "process plugin packet monitor goto +0", FORWARD, "finish"),
            *("process continue", "breakpoint delete 1"),
            *("disassemble -n inner -c 1", "process continue", "step", "finish", "memory region 0"),
        ],
        calls.elf,
    )
    answers = iter(said)

    def upon(command: str) -> Said:
        found = next(answers)
        assert found.command == command
        return found

    assert "at calls.c:72" in upon("breakpoint set -n move").text
    assert upon("process continue").reason == "breakpoint 1.1"
    frames = upon("bt").text
    assert [name in frames for name in ("move", "main", "Reset_Handler")] == [True] * 3
    assert "(int) dx = 3\n(int) dy = -4" in upon("frame variable").text
    assert "(int) $0 = 3" in upon("expression p->x + dx").text
    assert "(volatile uint32_t) $1 = 52" in upon("expression counter").text
    upon("breakpoint disable 1")
    assert "calls.c:73" in upon("next").text
    assert "main at calls.c:86" in upon("finish").text
    assert "move(p=" in upon("step").text
    assert "main at calls.c:87" in upon("thread until -f 1 87").text
    upon("breakpoint enable 1")
    for dx in (10, 3):
        assert upon("process continue -R").reason == "breakpoint 1.1"
        assert upon("frame variable dx").text == f"(int) dx = {dx}\n"
    # How to turn round without moving: from here on it steps forward.
    upon("process plugin packet monitor goto +0")
    stop = upon(FORWARD)
    assert stop.reason.startswith("step ") and "move(p=" in stop.text
    assert "main at calls.c:86" in upon("finish").text
    assert upon("process continue").reason == "breakpoint 1.1"
    upon("breakpoint delete 1")
    assert "add.w" in upon("disassemble -n inner -c 1").text
    for command in ("process continue", "step", "finish"):
        assert upon(command).reason == f"{END}the guest exited with code 0"
    assert "rwx ssram1" in upon("memory region 0").text


@pytest.mark.slow
def test_a_machine_that_records(lldb: str, record: Record, tmp_path: Path, serve: Serve) -> None:
    """What LLDB changes is part of the recording, in the past of a branch."""
    calls, path = record("calls"), tmp_path / "live.ttd"
    options = ("--board", "mps2-an385", "--semihosting", "--gdb", "0", "--serial", "null")
    server = serve("record", *options, "-o", path, calls.elf)
    changed = f"memory write -s 4 {calls.symbols['counter']:#x} 1"
    said = batch(
        lldb,
        tmp_path,
        server.port,
        [
            *("breakpoint set -n move", "process continue", "expression counter = 7"),
            *("register write r1 100", "next", "frame variable dx", BACK, "expression counter"),
            *(changed, FORWARD, "expression -- counter", FORWARD, "step", "process detach"),
        ],
        calls.elf,
    )
    found = {one.command: one for one in said}
    assert "= 7" in found["expression counter = 7"].text
    assert found["frame variable dx"].text == "(int) dx = 100\n"
    assert found[BACK].reason == "breakpoint 1.1"
    assert "= 7" in found["expression counter"].text
    assert "Branch b1 begins at step" in "".join(one.text for one in said)
    assert "= 1" in found["expression -- counter"].text
    assert found["step"].reason == f"{END}the guest exited with code 0"
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0
    for branch in ("main", "b1"):
        assert ttd("replay", path, "--verify", "--branch", branch).code == 0


def test_all_instructions_are_disassembled(lldb: str, tmp_path: Path) -> None:
    """LLDB's triples leave some out, of which `ttd lldb` tells it."""
    # mrs r0, primask; udiv r0, r1, r2; b .
    image = raw(tmp_path / "code.bin", [0xF3EF, 0x8010, 0xFBB1, 0xF0F2, 0xE7FE])
    board = ("--board", "raw", "--cpu", "cortex-m3", "--ram", "0:4K", "--ram", "0x20000000:4K")
    path = processors.record(tmp_path, *board, "--load", image, "--steps", "2")
    words = ("--no-lldbinit", "-b", "-o", "disassemble -s 0x40 -c 3")
    done = ttd("lldb", "--debugger", lldb, path, "--", *words, cwd=tmp_path, env=children_env())
    assert done.code == 0, done.err
    shown = done.out.decode().rpartition("disassemble")[2]
    for text in ("mrs    r0, primask", "udiv   r0, r1, r2", "b      0x48"):
        assert text in shown, shown
