"""Backtraces through traps of RISC-V, beside a walk that knows which have been taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import ttd
from tests.integration.cli_tools import elf
from tests.integration.cli_tools import ttd as command
from tests.integration.inside import playing_session
from ttd.questions.calls import calls
from ttd.questions.past import Past
from ttd.questions.traps import Trap, open_traps

pytestmark = pytest.mark.slow
RETURNS = {bytes.fromhex("73002030"), bytes.fromhex("73002010")}
"""MRET, SRET."""
MOST = 130_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("traps") / "run.ttd"
    image = elf("rtos", "rtos-rv64")
    command("record", "-o", made, "--board", "virt", image, "--steps", str(MOST))
    return made


@pytest.fixture(scope="module")
def past(path: Path) -> Iterator[Past]:
    made = Past(playing_session(path))
    yield made
    made.session.close()


def test_open_traps(past: Past) -> None:
    inside, wanted = list[int](), dict[int, tuple[int, ...]]()
    past.go(0)
    probe, taken = past.timeline.probe, past.entered(past.stretch())
    while (step := past.timeline.position) < past.timeline.end:
        wanted[step] = tuple(reversed(inside))
        if step in taken:
            inside.append(step)
        elif probe.read_memory(past.machine.engine.pc, 4) in RETURNS and inside:
            inside.pop()
        past.one_step()
        # No handler runs in user mode; some are left by going on with another task.
        if past.timeline.cpu.read_register("priv") == 0:
            inside.clear()
    assert max(map(len, wanted.values())) >= 2
    found = open_traps(past, wanted)
    assert {step: tuple(t.step for t in traps) for step, traps in found.items()} == wanted
    assert all(isinstance(trap, Trap) for traps in found.values() for trap in traps)


def test_user_mode_is_in_no_trap(tmp_path: Path) -> None:
    """Not where the task before has been left inside a handler, either."""
    path = tmp_path / "run.ttd"
    image = elf("rtos", "rtos-rv64")
    command(
        "record",
        "-o",
        path,
        "--board",
        "virt",
        image,
        stdin=(image.parent / "input.txt").read_bytes(),
    )
    session = playing_session(path)
    found = calls(Past(session), Past(session).stretch(), "fold")
    assert len(found) > 1000
    assert not {call.context for call in found if "fault" in call.context}
    session.close()


def test_backtraces_go_on_where_it_was_interrupted(path: Path, past: Past) -> None:
    steps = sorted(past.entered(past.stretch()))[-40:]
    with ttd.open(path) as run:
        for step in steps:
            run.goto(step)
            before = [(frame.pc, frame.function) for frame in run.backtrace]
            run.step(2)
            frames = run.backtrace
            at = next(n for n, frame in enumerate(frames) if frame.exception)
            assert [(frame.pc, frame.function) for frame in frames[at + 1 :]] == before


def test_what_runs_in_a_trap_says_so(past: Past) -> None:
    found = calls(past, past.stretch(), "m_trap")
    assert found and all(call.context for call in found), {call.context for call in found}
    for call in calls(past, past.stretch(), "page_fault"):
        assert call.context.endswith("page fault") and call.caller == "s_trap", call
