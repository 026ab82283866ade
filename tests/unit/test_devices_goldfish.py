"""Goldfish RTC: nanoseconds of the host's clock in two words, which the guest may poll."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.unit.device_doubles import HandClock, Trace
from ttd.devices.base import Line
from ttd.devices.goldfish_rtc import (
    ALARM_HIGH,
    ALARM_LOW,
    IRQ_ENABLED,
    TIME_HIGH,
    TIME_LOW,
    GoldfishRtc,
)
from ttd.devices.held_clock import HOLD_NS
from ttd.engine import Engine
from ttd.host.clocks import HostClocks
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine, RecordOptions


class Host(HostClocks):
    """A clock whose high word changes now and then: it goes on when it is asked."""

    def __init__(self, now: int = 0xFFFF_F000, pace: int = 0x4000_0000) -> None:
        super().__init__()
        self.now, self.pace = now, pace
        self.asked = 0

    def host_ns(self) -> int:
        self.asked += 1
        self.now += self.pace
        return self.now


def time_of(rtc: GoldfishRtc) -> int:
    low = rtc.read(TIME_LOW, 4)
    return rtc.read(TIME_HIGH, 4) << 32 | low


def test_an_answer_holds_for_a_moment_of_virtual_time() -> None:
    clock, host = HandClock(), Host()
    rtc = GoldfishRtc("rtc", clock, host.host_ns, Trace(clock).line("irq"))
    first = time_of(rtc)
    assert first == host.now
    clock.ns = HOLD_NS - 1
    assert (time_of(rtc), host.asked) == (first, 1)
    for offset in (TIME_LOW, TIME_HIGH):
        steady = rtc.steady(offset)
        assert steady is not None
        assert (steady.slope, steady.until_ns) == (0, HOLD_NS)
    clock.ns = HOLD_NS
    assert rtc.read(TIME_HIGH, 4) == first >> 32, "the word of the time that was taken"
    assert (time_of(rtc), host.asked) == (first + host.pace, 2)
    rtc.write(ALARM_HIGH, 4, host.now + 5 >> 32)
    rtc.write(ALARM_LOW, 4, host.now + 5 & 0xFFFF_FFFF)
    assert host.asked == 2
    rtc.expire()
    assert (time_of(rtc), host.asked) == (first + 2 * host.pace, 3), "the alarm's time has come"


def test_words_of_another_time_are_not_steady() -> None:
    clock, host = HandClock(), Host()
    rtc = GoldfishRtc("rtc", clock, host.host_ns, Trace(clock).line("irq"))
    taken = time_of(rtc)
    rtc.write(TIME_HIGH, 4, 7)
    assert rtc.read(TIME_HIGH, 4) == taken >> 32
    assert rtc.steady(TIME_HIGH) is None, "a read of TIME_LOW changes it"
    assert time_of(rtc) == 7 << 32 | taken & 0xFFFF_FFFF
    assert rtc.steady(TIME_HIGH) is not None


def program() -> bytes:
    """Reads both words again and again, each alone and both at once, and now and then writes one.

    lui t0, 0x101
    loop: lw t1, 4(t0); lw t2, 0(t0); lw t3, 4(t0); ld t4, 0(t0), each folded into a0
    (slli a1, a0, 1; xor a0, a1, value); addi s0, s0, 1; andi t6, s0, 0x7ff; bnez t6, loop
    sw s0, 4(t0); j loop
    """

    def load(funct3: int, rd: int, offset: int) -> list[int]:
        return [
            offset << 20 | 5 << 15 | funct3 << 12 | rd << 7 | 0x03,
            1 << 20 | 10 << 15 | 1 << 12 | 11 << 7 | 0x13,
            rd << 20 | 11 << 15 | 4 << 12 | 10 << 7 | 0x33,
        ]

    loop = [
        *load(2, 6, 4),
        *load(2, 7, 0),
        *load(2, 28, 4),
        *load(3, 29, 0),
        1 << 20 | 8 << 15 | 8 << 7 | 0x13,
        0x7FF << 20 | 8 << 15 | 7 << 12 | 31 << 7 | 0x13,
    ]
    back = [_branch(-4 * len(loop)), 8 << 20 | 5 << 15 | 2 << 12 | 4 << 7 | 0x23]
    words = [0x101 << 12 | 5 << 7 | 0x37, *loop, *back]
    words.append(_jump(-4 * (len(loop) + len(back))))
    return struct.pack(f"<{len(words)}I", *words)


def _branch(offset: int) -> int:
    """bnez t6"""
    at = offset & 0x1FFF
    high = (at >> 12 & 1) << 31 | (at >> 5 & 0x3F) << 25
    return high | 31 << 15 | 1 << 12 | (at >> 1 & 0xF) << 8 | (at >> 11 & 1) << 7 | 0x63


def _jump(offset: int) -> int:
    at = offset & 0x1F_FFFF
    high = (at >> 20 & 1) << 31 | (at >> 1 & 0x3FF) << 21 | (at >> 11 & 1) << 20
    return high | (at >> 12 & 0xFF) << 12 | 0x6F


def run(path: Path, cuts: random.Random | None) -> tuple[list[int], int]:
    """Registers at the end, and how often the host was asked."""
    board, loads = MachineChoice("virt", f"{path}@0x80000000").make()
    host, steps = Host(), 120_000
    options = RecordOptions(board, loads, board.ns_per_step)
    session = RecordedMachine.record(
        options, None, {}, SemihostFiles(None), bytes, HostSides(time=host)
    )
    machine = session.machine
    while machine.engine.step < steps:
        size = steps if cuts is None else cuts.randint(1, 300)
        machine.run(min(steps, machine.engine.step + size))
    registers = [machine.cpu.read_register(n) for n in ("fp", "a0", "t1", "t2", "t3", "t4")]
    session.close()
    return registers, host.asked


def test_what_the_engine_answers_is_what_the_device_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "poll.bin"
    path.write_bytes(program())
    seed = random.randrange(1 << 32)
    print("seed", seed)
    kept: list[int] = []
    original = Engine.keep_reading
    monkeypatch.setattr(Engine, "keep_reading", lambda *a: (kept.append(1), original(*a))[1])
    at_once = run(path, None)
    assert len(kept) > 10
    assert at_once[1] > 4
    assert run(path, random.Random(seed)) == at_once
    monkeypatch.setattr(Engine, "keep_reading", lambda *a: None)
    assert run(path, None) == at_once


@pytest.mark.parametrize("enabled", [False, True])
def test_an_alarm_wakes_a_suspended_machine_if_its_interrupt_is_enabled(enabled: bool) -> None:
    clock = HandClock()
    rtc = GoldfishRtc("rtc", clock, lambda: 1_000, Line())
    rtc.write(IRQ_ENABLED, 4, enabled)
    rtc.write(ALARM_HIGH, 4, 0)
    rtc.write(ALARM_LOW, 4, 5_000)
    assert not rtc.wakes
    timer = rtc.host_timer()
    assert timer is not None and timer.ns == 5_000
    rtc.expire()
    assert (rtc.wakes, rtc.line.level) == (enabled, enabled)
