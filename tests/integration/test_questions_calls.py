"""`calls`: beside one step after the other, and what the firmware itself says of its arguments."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ROOT, elf, refused, ttd
from tests.integration.inside import playing_session
from ttd.questions.calls import Call, calls
from ttd.questions.past import Past

pytestmark = pytest.mark.slow
"""`make check` does without."""

STEPS = 25_000
CPUS = {"x86-64": "rax", "aarch64": "x0", "rv64": "a0", "rv32": "a0", "cortex-m3": "r0"}


@pytest.fixture(scope="module", params=CPUS)
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Past:
    path = tmp_path_factory.mktemp("calls") / "run.ttd"
    board = ("--board", "raw", "--cpu", request.param, "--ram", "0x100000:1M")
    image = FIRMWARE / f"types/types-{request.param}.elf"
    ttd("record", "-o", path, *board, "--load", image, "--steps", str(STEPS))
    made = Past(playing_session(path))
    request.addfinalizer(made.session.close)
    return made


def given(call: Call) -> dict[str, str]:
    return dict(call.arguments)


def test_entries_and_returns(past: Past) -> None:
    """All calls of a part of the run, from a walk over it."""
    names = ("main", "deeper", "mixed", "add", "subtract")
    entries = {past.program.entry(name): name for name in names}
    cpu, low, high = past.timeline.cpu, 0, 4000
    link = {"x86": ""}.get(cpu.gdb_architecture, cpu.link)
    walked: list[tuple[str, int, int | None]] = []
    open_: list[tuple[int, int, int]] = []
    past.go(low)
    for step in range(low, high):
        pc, sp = past.machine.engine.pc, cpu.read_register(cpu.stack)
        for index, address, stack in open_[::-1]:
            if (address, stack) == (pc, sp):
                walked[index] = (*walked[index][:2], step)
                open_.remove((index, address, stack))
                break
        if pc in entries:
            if link:
                address, stack = cpu.read_register(link) & ~1, sp
            else:
                address = int.from_bytes(past.timeline.probe.read_memory(sp, 8), "little")
                stack = sp + 8
            open_.append((len(walked), address, stack))
            walked.append((entries[pc], step, None))
        past.one_step()
    for name in names:
        found = calls(past, past.stretch(low, high), name)
        assert [call.place.step for call in found] == [s for n, s, _ in walked if n == name]
        for call, (_, _, returned) in zip(
            found, (each for each in walked if each[0] == name), strict=True
        ):
            if returned is not None:
                assert call.returned is not None and call.returned.step == returned
            else:
                assert call.returned is None or call.returned.step >= high
        backward = calls(past, past.stretch(low, high, backward=True, limit=3), name)
        assert backward == found[::-1][:3]


def test_arguments_and_results(past: Past) -> None:
    stretch = past.stretch()
    added = calls(past, stretch, "add")
    assert len(added) > 10
    for call in added[:-1]:
        assert int(call.result) == int(given(call)["a"]) + int(given(call)["b"])
        assert call.caller == "deeper" and call.line.startswith("tests/firmware/types/types.c:")
    for call in calls(past, stretch, "subtract")[:-1]:
        assert int(call.result) == int(given(call)["a"]) - int(given(call)["b"])
    mixed = calls(past, stretch, "types.c::mixed")
    assert len(mixed) > 3
    for call in mixed[:-1]:
        taken = given(call)
        fixed = {name: taken[name] for name in ("s", "last", "more", "real", "half", "where")}
        assert fixed == {
            "s": "-2", "last": "7", "more": "8", "real": "2.5", "half": "0.5",
            "where": "{x = 0, y = 0}",
        }  # fmt: skip
        letter = int(taken["c"].split()[0])
        first = re.search(r'"(.)', taken["word"])
        assert first is not None
        whole = letter - 2 + int(taken["wide"]) + ord(first[1]) + 15 + int(taken["most"]) + 14
        assert int(call.result) == whole


def test_depth(past: Past) -> None:
    """`deeper(n)` calls `deeper(n - 1)`."""
    found = calls(past, past.stretch(), "deeper")
    for before, after in pairwise(found):
        inner = int(given(before)["depth"]) - 1 == int(given(after)["depth"])
        if int(given(before)["depth"]) > 0:
            assert inner and after.depth == before.depth + 1
        else:
            assert after.depth == found[0].depth


def test_commands(tmp_path: Path) -> None:
    run = tmp_path / "run.ttd"
    image = ROOT / "examples/lost-event/lost-event.elf"
    ttd("record", "-o", run, "--board", "mps2-an385", "--semihosting", image)
    done = ttd("calls", run, "crc32", "--limit", "2", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert rows[0]["result"] == dict(rows[1]["arguments"])["crc"]
    done = ttd("ask", run, "calls", "panic")
    assert b'panic(what=0x380 "queue full"), from Sensor_Handler' in done.out
    assert b"in IRQ 8, timer0, depth 2, not returned" in done.out
    refused(ttd("calls", run, "nope"), "No program here has a function 'nope'.")


def test_tasks(tmp_path: Path) -> None:
    """In which task, or interrupt, a function ran."""
    run = tmp_path / "run.ttd"
    words = ("--board", "mps2-an385", "--steps", "200000", "--serial", "null")
    ttd("record", "-o", run, *words, elf("threads", "freertos"))
    past = Past(playing_session(run))
    assert {call.context for call in calls(past, past.stretch(), "work")} >= {"task busy"}
    for call in calls(past, past.stretch(limit=3), "SysTick_Handler"):
        assert (call.context, call.caller, call.returned is None) == ("SysTick", "", False)
    past.session.close()
