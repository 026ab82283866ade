"""An instruction that makes several accesses: each is asked whether it is one to stop at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.raw_guests import CODE, halves, recorder, words
from ttd.conditions import Constant, When, address, all_of
from ttd.engine.types import Access
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.stops import Stop, Stops, Watchpoint, Why

DATA = CODE + 0x400
R, W = Access.READ, Access.WRITE

GUESTS = {
    # mov r0, #CODE; add r0, #0x400; r1 = 1, r2 = 2, r3 = 3; nop; stm r0, {r1-r3}; ldm r0, {r1-r3};
    # strd r1, r2, [r0]; ldrd r2, r3, [r0]; push {r1-r3}; bkpt
    "cortex-m3": halves(
        *(0xF04F, 0x5000, 0xF500, 0x6080, 0x2101, 0x2202, 0x2303, 0xBF00),
        *(0xE880, 0x000E, 0xE890, 0x000E, 0xE9C0, 0x1200, 0xE9D0, 0x2300, 0xBEAB),
    ),
    # mov x0, #CODE; add x0, x0, #0x400; mov w1, #1; mov w2, #2; stp w1, w2, [x0]; ldp w1, w2, [x0];
    # stp x1, x2, [x0, #16]; ldp x1, x2, [x0, #16]; brk
    "aarch64": words(
        *(0xD2A40000, 0x91100000, 0x52800021, 0x52800042, 0x29000801, 0x29400801),
        *(0xA9010801, 0xA9410801, 0xD4200000),
    ),
    # mov $DATA, %rdi; movdqu %xmm0, (%rdi); movdqu (%rdi), %xmm1; hlt
    "x86-64": bytes.fromhex("48c7c700040020f30f7f07f30f6f0ff4"),
    # lui s0, 0x20000; addi s0, s0, 0x400; li a1, 1; amoadd.w a2, a1, (s0); sd a1, 2(s0); ebreak
    "rv64": words(0x20000437, 0x40040413, 0x00100593, 0x00B4262F, 0x00B43123, 0x00100073),
}
CASES = [
    ("cortex-m3", 6, (W, 0), (W, 4)),
    ("cortex-m3", 6, (W, 0), (W, 8)),
    ("cortex-m3", 7, (R, 0), (R, 8)),
    ("cortex-m3", 8, (W, 0), (W, 4)),
    ("cortex-m3", 9, (R, 0), (R, 4)),
    ("aarch64", 4, (W, 0), (W, 4)),
    ("aarch64", 5, (R, 0), (R, 4)),
    ("aarch64", 6, (W, 16), (W, 24)),
    ("aarch64", 7, (R, 16), (R, 24)),
    ("x86-64", 1, (W, 0), (W, 8)),
    ("x86-64", 2, (R, 0), (R, 8)),
    ("rv64", 3, (R, 0), (W, 0)),
    ("rv64", 4, (W, 2), (W, 8)),
]
"""Processor, step, and two accesses of that step, in their order, by kind and place."""
NEVER, ALWAYS = When(Constant(0)), When(Constant(1))


@pytest.fixture(scope="module", params=sorted(GUESTS))
def guest(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("accesses") / "run.ttd"
    session = recorder(request.param, GUESTS[request.param], path)
    session.machine.run(12)
    session.leave("it has accessed")
    session.close()
    return request.param, path


def found(session: RecordedMachine, *watchpoints: Watchpoint) -> list[tuple[int, Watchpoint]]:
    """Where they stop, going forward; backwards it is the same."""
    timeline, stops = session.timeline, Stops(watchpoints=watchpoints)
    timeline.reset()
    forward, backward = list[Stop](), list[Stop]()
    while (stop := timeline.run_forward(stops)).why is Why.WATCHPOINT:
        forward.append(stop)
    timeline.seek(timeline.end)
    while (stop := timeline.run_backward(stops)).why is Why.WATCHPOINT:
        backward.insert(0, stop)
    assert [(s.step, s.watchpoint, s.watch) for s in forward] == [
        (s.step, s.watchpoint, s.watch) for s in backward
    ]
    return [(stop.step, stop.watchpoint) for stop in forward if stop.watchpoint is not None]


def test_each_is_asked(guest: tuple[str, Path]) -> None:
    cpu, path = guest
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    for step, *accesses in [case[1:] for case in CASES if case[0] == cpu]:
        places = [(DATA + at, 2, kind) for kind, at in accesses]
        for wanted in (0, 1):
            stops = [
                Watchpoint(*place, ALWAYS if number == wanted else NEVER)
                for number, place in enumerate(places)
            ]
            for order in (stops, stops[::-1]):
                assert (step, stops[wanted]) in found(session, *order), (step, accesses, wanted)
        assert found(session, *(Watchpoint(*place, NEVER) for place in places)) == []
    session.close()


def test_one_watchpoint_is_asked_of_each(guest: tuple[str, Path]) -> None:
    cpu, path = guest
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    for step, *accesses in [case[1:] for case in CASES if case[0] == cpu]:
        for kind, at in accesses:
            here = address <= DATA + at
            reaches = When(all_of(here, address + 8 > DATA + at))
            stop = Watchpoint(DATA, 32, kind, reaches)
            assert (step, stop) in found(session, stop), (step, kind, at)
    session.close()
