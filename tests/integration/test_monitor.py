"""`monitor` commands and trace frames; whatever they print can be given back to them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tests.integration.conftest import Record, Server
from tests.integration.gdb_mi import HANG, ROOT, Gdb

Connect = Callable[..., Gdb]


def test_when_and_all_ways_to_name_a_place(connect: Connect) -> None:
    gdb = connect("irqs")
    here, end = gdb.when()
    assert here == 0
    for name, place in (
        ("1000", 1000),
        ("+500", 1500),
        ("-100", 1400),
        ("2,000", 2000),
        ("0x800", 2048),
        ("50%", round(end / 2)),
        ("end", end),
        ("start", 0),
    ):
        gdb.goto(name)
        assert gdb.step == place
    for wrong in ("nowhere", str(end + 1), "-1", "101%", ""):
        text = gdb.say(f"monitor goto {wrong}")
        assert "Going" not in text
        assert gdb.step == 0
    gdb.goto(1234)
    assert re.search(r"^Step: 1234 of \d+ \(0\.44%\)$", gdb.say("monitor when"), re.MULTILINE)


def test_replay_break(connect: Connect) -> None:
    gdb = connect("irqs")
    gdb.say("monitor replay_break 5000")
    _, text = gdb.go("continue")
    assert (gdb.step, "Step: 5000 of" in text) == (5000, True)
    gdb.goto("end")
    gdb.go("reverse-continue")
    assert gdb.step == 5000
    gdb.say("monitor replay_delete_break")
    gdb.go("reverse-continue")
    assert gdb.step == 0


def test_a_jump_happens_with_the_next_resume(connect: Connect) -> None:
    """Until then GDB goes on showing the old place, and that is where the machine is."""
    gdb = connect("irqs")
    gdb.goto(100)
    before = gdb.registers()
    gdb.say("monitor goto 5000")
    assert (gdb.registers(), gdb.step) == (before, 100)
    assert "goes to step 5000 of" in gdb.say("monitor when")
    stop, text = gdb.go("stepi")
    assert "Step: 5000 of" in text
    assert gdb.step == 5000
    assert int(stop["frame"]["addr"], 16) == gdb.pc
    # Whatever resumes, once.
    gdb.say("monitor goto 6000")
    gdb.go("reverse-continue")
    assert gdb.step == 6000
    gdb.go("stepi")
    assert gdb.step == 6001


def test_what_is_printed_can_be_pasted_back(connect: Connect) -> None:
    gdb = connect("irqs")
    gdb.goto("33%")
    place = gdb.step
    printed = [
        gdb.say("monitor when"),
        gdb.say("monitor checkpoint"),
        gdb.say("monitor info checkpoints"),
        gdb.say("monitor info replay"),
        gdb.say("monitor halt"),
    ]
    for text in printed:
        found = re.search(r"[Ss]tep:? (\S+) of", text)
        assert found, text
        gdb.goto(0)
        gdb.goto(found[1])
        assert gdb.step == place
    listed = gdb.say("monitor events 5")
    steps = re.findall(r"^\W*([\d,]+)", listed.split("\n", 1)[1], re.MULTILINE)
    assert steps, listed
    for step in steps:
        gdb.goto(step)
        assert gdb.step == int(step.replace(",", ""))


@pytest.mark.slow
def test_checkpoints_outlive_a_client(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    calls = record("calls")
    server = serve("serve", "--port", "0", calls.path)
    gdb = attach(calls.elf, server.port)
    gdb.goto(100)
    assert "Checkpoint 1 at step 100 of" in gdb.say("monitor checkpoint")
    gdb.goto(200)
    assert "Checkpoint 2 at step 200 of" in gdb.say("monitor checkpoint")
    gdb.say("detach")
    second = attach(calls.elf, server.port)
    assert second.step == 200
    second.say("monitor restart 1")
    second.go("stepi")
    assert second.step == 100
    second.say("monitor delete checkpoint 1")
    listed = second.say("monitor info checkpoints")
    assert "step 200 of" in listed and "step 100 of" not in listed
    assert "Going" not in second.say("monitor restart 1")


def test_back_and_forward(connect: Connect, record: Record) -> None:
    gdb = connect("calls")
    gdb.say("break write_rare")
    gdb.go("continue")
    first = gdb.step
    gdb.go("continue")
    second = gdb.step
    for command, place in (("back", first), ("back", 0), ("forward", first), ("forward", second)):
        gdb.say(f"monitor {command}")
        gdb.go("stepi")
        assert gdb.step == place
    assert "no later position" in gdb.say("monitor forward")


def test_reset_halt(connect: Connect) -> None:
    gdb = connect("calls")
    gdb.goto(77)
    assert gdb.say("monitor halt").count("Step: 77 of") == 1
    gdb.say("monitor reset halt")
    gdb.go("stepi")
    assert gdb.step == 0


def test_help_names_every_command(connect: Connect) -> None:
    gdb = connect("calls")
    text = gdb.say("monitor help")
    for word in (
        *("when", "goto", "back", "forward", "checkpoint", "info checkpoints", "restart"),
        *("events", "info replay", "reset halt", "halt", "help", "irqs", "diff", "profile"),
    ):
        assert re.search(rf"^{word}\b", text, re.MULTILINE), word
    assert "monitor help" in gdb.say("monitor nonsense")


def test_questions(connect: Connect) -> None:
    gdb = connect("irqs")
    gdb.say("monitor goto 60000")
    gdb.go("stepi")
    text = gdb.say("monitor irqs SysTick")
    steps = [int(line.split()[0]) for line in text.splitlines() if "  SysTick: " in line]
    assert len(steps) == 20 and steps == sorted(steps) and steps[-1] < 60000
    last = gdb.say("monitor irqs SysTick --limit 1")
    assert str(steps[-1]) in last and str(steps[-2]) not in last
    assert "SysTick" in gdb.say(f"monitor irqs --from {steps[0]} --to +1 SysTick")
    assert "there is none" in gdb.say("monitor irqs --to 1")
    assert "pc: " in gdb.say("monitor diff -1")
    assert "irqs has no option '--nonsense'" in gdb.say("monitor irqs --nonsense")
    assert "--limit takes a number" in gdb.say("monitor irqs --limit x")
    assert "diff takes PLACE [PLACE]" in gdb.say("monitor diff")
    first, second, third = (
        int(re.findall(r"^ *(\d+)  .*: ticks ", gdb.say("monitor last ticks"), re.MULTILINE)[0])
        for _ in range(3)
    )
    assert 60000 > first > second > third
    assert str(second) in gdb.say(f"monitor last ticks --at {first}")
    assert "There is no variable" in gdb.say("monitor last nothing")
    assert str(first) in gdb.say("monitor writes ticks --limit 2")
    assert gdb.step == 60000


def test_trace_frames(record: Record, serve: Callable[..., Server]) -> None:
    """`tfind` looks elsewhere without going there."""
    # Not through MI: pygdbmi 0.11 does not understand `=traceframe-changed,end`.
    calls = record("calls")
    server = serve("serve", "--port", "0", calls.path)
    script = [
        f"target remote localhost:{server.port}",
        "break write_rare",
        "continue",
        "continue",
        'printf "at %u %x\\n", $pc, rare',
        "tfind 300000",
        'printf "frame %x\\n", rare',
        "backtrace",
        "set var rare = 5",
        "monitor last rare",
        "monitor last rare",
        "monitor calls write_rare",
        "monitor output",
        "monitor when",
        "tfind pc inner",
        "tfind 10",
        'printf "frame %x\\n", rare',
        "tfind none",
        "monitor last rare",
        'printf "at %u %x\\n", $pc, rare',
        "monitor when",
        "tfind 99999999",
        "reverse-stepi",
        'printf "again %u\\n", $pc',
    ]
    words = [word for line in script for word in ("-ex", line)]
    result = subprocess.run(
        ["gdb-multiarch", "-nx", "-q", "-batch", str(calls.elf), *words],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
        cwd=ROOT,
    )
    address = calls.symbols["write_rare"]
    home = f"at {address} 11111111\n"
    assert result.stdout.count(home) == 2, (result.stdout, result.stderr)
    assert "Found trace frame 300000" in result.stdout
    assert "frame 33333333\n" in result.stdout
    # Questions are asked at the step that is shown, and leave that alone.
    told = re.findall(r"rare \S+ -> \S+|value=\d+|  corner \w+", result.stderr + result.stdout)
    ones = 0x11111111
    assert told == [
        *(f"rare {n * ones} -> {(n + 1) * ones}" for n in (2, 1)),
        *(f"value={n * ones}" for n in (1, 2, 3)),
        "  corner 000032d8",
        f"rare 0 -> {ones}",
    ]
    assert "frame 0\n" in result.stdout
    assert "Cannot access memory" in result.stderr
    shown = re.findall(r"Step: (\d+) of", result.stderr)
    assert shown[0] == "300000"
    assert f"returns to {shown[1]}" in result.stderr
    assert re.search(r"again \d+", result.stdout)
