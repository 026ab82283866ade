"""TIMER, RTC, WDT and the clocks of the nRF51."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.nrf51_doubles import (
    INTENSET,
    MS,
    POWER,
    RTC0,
    SHORTS,
    TIMER0,
    TIMER1,
    US,
    WDT,
    Board,
)

START, STOP, COUNT, CLEAR, CAPTURE = 0x000, 0x004, 0x008, 0x00C, 0x040
COMPARE, CC = 0x140, 0x540
MODE, BITMODE, PRESCALER = 0x504, 0x508, 0x510
SECOND = 1_000_000_000


@pytest.fixture
def board() -> Board:
    return Board()


def start(board: Board, timer: int = TIMER0, prescaler: int = 4, bitmode: int = 3) -> None:
    board.write(timer + PRESCALER, prescaler)
    board.write(timer + BITMODE, bitmode)
    board.write(timer + START)


def capture(board: Board, timer: int = TIMER0, n: int = 3) -> int:
    board.write(timer + CAPTURE + 4 * n)
    return board.read(timer + CC + 4 * n)


@pytest.mark.parametrize(("prescaler", "ticks"), [(0, 16000), (4, 1000), (9, 31)])
def test_a_timer_counts(board: Board, prescaler: int, ticks: int) -> None:
    start(board, prescaler=prescaler)
    board.advance(MS)
    assert capture(board) == ticks
    board.write(TIMER0 + STOP)
    board.advance(MS)
    assert capture(board) == ticks
    board.write(TIMER0 + CLEAR)
    assert capture(board) == 0


@pytest.mark.parametrize(
    ("timer", "bitmode", "bits"),
    [(TIMER0, 0, 16), (TIMER0, 1, 8), (TIMER0, 2, 24), (TIMER1, 3, 16)],
)
def test_a_timer_wraps(board: Board, timer: int, bitmode: int, bits: int) -> None:
    start(board, timer, bitmode=bitmode)
    board.advance(((1 << bits) + 5) * US)
    assert capture(board, timer) == 5


def test_compare_is_an_interrupt_at_its_time(board: Board) -> None:
    board.write(TIMER0 + CC, 100)
    board.write(TIMER0 + INTENSET, 1 << 16)
    start(board)
    board.advance(100 * US - 1)
    assert (board.read(TIMER0 + COMPARE), board.irq(TIMER0)) == (0, False)
    board.advance(1)
    assert (board.read(TIMER0 + COMPARE), board.irq(TIMER0)) == (1, True)
    board.write(TIMER0 + COMPARE, 0)
    assert not board.irq(TIMER0)


@pytest.mark.parametrize(("bitmode", "bits"), [(0, 16), (1, 8), (2, 24)])
def test_of_compare_as_many_bits_count_as_the_counter_has(
    board: Board, bitmode: int, bits: int
) -> None:
    """Software that goes on adding to what it has captured comes to values above."""
    start(board, bitmode=bitmode)
    board.write(TIMER0 + CC, (1 << bits) + 20)
    board.write(TIMER0 + INTENSET, 1 << 16)
    for when in (20, 1 << bits):
        board.advance(when * US - 1)
        assert not board.irq(TIMER0)
        board.advance(1)
        assert board.irq(TIMER0)
        board.write(TIMER0 + COMPARE, 0)


def test_shortcuts_clear_and_stop(board: Board) -> None:
    board.write(TIMER0 + CC, 100)
    board.write(TIMER0 + CC + 4, 30)
    board.write(TIMER0 + SHORTS, 1 << 0)
    start(board)
    for round_ in range(3):
        board.advance(100 * US)
        assert board.read(TIMER0 + COMPARE) == 1, round_
        board.write(TIMER0 + COMPARE, 0)
    board.write(TIMER0 + SHORTS, 1 << 9)
    board.advance(MS)
    assert capture(board) == 30


def test_matches_that_nobody_would_notice_cost_nothing(board: Board) -> None:
    board.write(TIMER0 + CC, 1)
    start(board)
    board.advance(MS)
    timer = board.devices["timer0"]
    marks = [board.read(TIMER0 + COMPARE + 4 * n) for n in range(4)]
    assert marks == [1, 0, 0, 0]
    board.advance(2**32 * US)
    assert timer.deadline() is None, "all four events are set"
    board.write(TIMER0 + COMPARE, 0)
    assert timer.deadline() is not None


def test_a_match_in_the_past_is_none(board: Board) -> None:
    start(board)
    board.advance(50 * US)
    board.write(TIMER0 + CC, 40)
    board.advance(MS)
    assert board.read(TIMER0 + COMPARE) == 0
    board.advance(2**32 * US)
    assert board.read(TIMER0 + COMPARE) == 1


def test_counter_mode(board: Board) -> None:
    board.write(TIMER0 + MODE, 1)
    board.write(TIMER0 + CC, 2)
    start(board)
    board.advance(MS)
    assert capture(board) == 0
    board.write(TIMER0 + COUNT)
    assert board.read(TIMER0 + COMPARE) == 0
    board.write(TIMER0 + COUNT)
    assert (capture(board), board.read(TIMER0 + COMPARE)) == (2, 1)


@given(st.lists(st.integers(1, 3000), max_size=8))
def test_it_does_not_matter_who_looks_when(looks: list[int]) -> None:
    results = []
    for watched in (False, True):
        board = Board()
        board.write(TIMER0 + CC, 77)
        board.write(TIMER0 + SHORTS, 1)
        start(board, prescaler=1)
        for ns in looks:
            board.advance(ns)
            if watched:
                board.devices["timer0"].expire()
                board.devices["timer0"].peek(CC, 4)
        results.append((capture(board), board.read(TIMER0 + COMPARE)))
    assert results[0] == results[1]


# RTC -----------------------------------------------------------------------------------------

COUNTER, RTC_PRESCALER, EVTENSET, TRIGOVRFLW = 0x504, 0x508, 0x344, 0x00C
TICK, OVRFLW = 0x100, 0x104


def test_the_rtc_counts_and_clears(board: Board) -> None:
    board.write(RTC0 + RTC_PRESCALER, 31)
    board.write(RTC0 + START)
    board.advance(SECOND)
    assert board.read(RTC0 + COUNTER) == 1024
    board.write(RTC0 + RTC_PRESCALER, 0)
    assert board.read(RTC0 + RTC_PRESCALER) == 31, "locked while it runs"
    board.write(RTC0 + 8)
    assert board.read(RTC0 + COUNTER) == 0


def test_rtc_events_have_to_be_enabled(board: Board) -> None:
    board.write(RTC0 + CC, 10)
    board.write(RTC0 + START)
    board.advance(SECOND)
    assert board.read(RTC0 + COMPARE) == board.read(RTC0 + TICK) == 0
    assert board.devices["rtc0"].deadline() is None
    board.write(RTC0 + 8)
    board.write(RTC0 + EVTENSET, 1 << 16)
    board.advance(MS)
    assert (board.read(RTC0 + COMPARE), board.irq(RTC0)) == (1, False)
    board.write(RTC0 + INTENSET, 1 << 16)
    assert board.irq(RTC0)


def test_rtc_tick_and_overflow(board: Board) -> None:
    board.write(RTC0 + INTENSET, 3)
    board.write(RTC0 + START)
    ticks = 0
    for _ in range(40):
        board.advance(SECOND // 32768 + 1)
        ticks += board.read(RTC0 + TICK)
        board.write(RTC0 + TICK, 0)
    assert ticks == 40
    board.write(RTC0 + TRIGOVRFLW)
    board.advance(15 * SECOND // 32768)
    assert board.read(RTC0 + OVRFLW) == 0
    board.advance(2 * SECOND // 32768)
    assert board.read(RTC0 + OVRFLW) == 1
    assert board.read(RTC0 + COUNTER) < 2


def test_the_rtc_goes_on_by_its_clock(board: Board) -> None:
    board.write(RTC0 + START)
    board.advance(1234 * US)
    now, value = board.clock.ns, board.read(RTC0 + COUNTER)
    for ns in (1, 30_000, 31_000, 999_999_937):
        board.clock.ns = now + ns
        ticks = (now + ns) * 32768 // SECOND - now * 32768 // SECOND
        assert board.read(RTC0 + COUNTER) == value + ticks


@pytest.mark.parametrize("timer", [TIMER0, RTC0])
def test_a_new_prescaler_goes_on_from_what_the_counter_holds(board: Board, timer: int) -> None:
    """An anchor is a tick of the old length."""
    at, shown = (PRESCALER, capture) if timer == TIMER0 else (RTC_PRESCALER, rtc_counter)
    board.write(timer + at, 9)
    board.write(timer + START)
    board.advance(SECOND // 7)
    board.write(timer + STOP)
    value = shown(board)
    assert value
    board.write(timer + at, 1)
    board.write(timer + START)
    assert shown(board) == value


def rtc_counter(board: Board) -> int:
    return board.read(RTC0 + COUNTER)


# WDT -----------------------------------------------------------------------------------------

RUNSTATUS, REQSTATUS, CRV, RREN, RR, RELOAD = 0x400, 0x404, 0x504, 0x508, 0x600, 0x6E524635


def test_the_watchdog_bites(board: Board) -> None:
    board.reset()
    assert board.read(POWER + 0x400) == 1 << 2  # RESETREAS: this reset is one of software
    board.write(POWER + 0x400, 0xFFFFFFFF)
    board.write(WDT + CRV, 32767)
    board.write(WDT + INTENSET, 1)
    board.write(WDT)
    assert board.read(WDT + RUNSTATUS) == 1
    board.write(WDT + CRV, 5)
    assert board.read(WDT + CRV) == 32767, "locked while it runs"
    board.advance(SECOND - 1)
    assert not board.irq(WDT)
    board.advance(1)
    assert board.irq(WDT)
    assert board.resets == []
    board.advance(100 * US)
    assert board.resets == [SECOND + 2 * SECOND // 32768]
    board.reset()
    assert board.read(POWER + 0x400) == 1 << 1


def test_the_watchdog_is_fed_by_all_requests(board: Board) -> None:
    board.write(WDT + CRV, 32767)
    board.write(WDT + RREN, 3)
    board.write(WDT)
    board.advance(900 * MS)
    board.write(WDT + RR, RELOAD)
    board.write(WDT + RR + 4, 1)
    assert board.read(WDT + REQSTATUS) == 2
    board.write(WDT + RR + 4, RELOAD)
    assert board.read(WDT + REQSTATUS) == 3
    board.advance(900 * MS)
    assert board.resets == []
    board.write(WDT + RR, RELOAD)
    board.advance(200 * MS)
    assert len(board.resets) == 1


# CLOCK ---------------------------------------------------------------------------------------


def test_clocks_start_after_a_while(board: Board) -> None:
    board.write(POWER + INTENSET, 3)
    board.write(POWER + 0x518, 1)  # LFCLKSRC: crystal
    assert (board.read(POWER + 0x40C), board.read(POWER + 0x418)) == (1 << 16, 0)
    board.write(POWER + 0x000)
    board.write(POWER + 0x008)
    assert (board.read(POWER + 0x100), board.read(POWER + 0x104), board.irq(POWER)) == (0, 0, False)
    board.advance(MS)
    assert (board.read(POWER + 0x100), board.read(POWER + 0x104), board.irq(POWER)) == (1, 1, True)
    assert board.read(POWER + 0x40C) == board.read(POWER + 0x418) == 1 << 16 | 1
    board.write(POWER + 0x004)
    assert board.read(POWER + 0x40C) == 1 << 16


def test_gpregret_outlives_a_reset(board: Board) -> None:
    board.write(POWER + 0x51C, 0x1B1)
    board.reset()
    assert board.read(POWER + 0x51C) == 0xB1
