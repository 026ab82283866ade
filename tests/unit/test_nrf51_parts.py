"""RNG, TEMP, ADC, NVMC, FICR, RADIO and PPI of the nRF51."""

from __future__ import annotations

import pytest

from tests.unit.nrf51_doubles import (
    ADC,
    FICR,
    GPIO,
    GPIOTE,
    INTENCLR,
    INTENSET,
    MS,
    NVMC,
    PPI,
    RADIO,
    RNG,
    SHORTS,
    TEMP,
    TIMER0,
    TIMER1,
    US,
    Board,
)
from ttd.boards.microbit import UICR
from ttd.devices.base import BusError
from ttd.devices.nrf51.nvmc import Nvmc


@pytest.fixture
def board() -> Board:
    return Board()


def test_interrupts_are_enabled_one_by_one(board: Board) -> None:
    board.write(TEMP)
    board.advance(MS)
    assert (board.read(TEMP + 0x100), board.irq(TEMP)) == (1, False)
    board.write(TEMP + INTENSET, 0xFFFFFFFF)
    assert (board.read(TEMP + 0x300), board.irq(TEMP)) == (1, True)
    board.write(TEMP + INTENCLR, 1)
    assert (board.read(TEMP + INTENSET), board.irq(TEMP)) == (0, False)


# RNG -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("corrected", "us"), [(0, 167), (1, 677)])
def test_a_random_byte_takes_its_time(board: Board, corrected: int, us: int) -> None:
    board.write(RNG + 0x504, corrected)
    board.write(RNG)
    board.advance(us * US - 1)
    assert board.read(RNG + 0x100) == 0
    board.advance(1)
    assert (board.read(RNG + 0x100), board.read(RNG + 0x508), board.read(RNG + 0x508)) == (1, 1, 1)
    board.write(RNG + 0x100, 0)
    board.advance(us * US)
    assert (board.read(RNG + 0x100), board.read(RNG + 0x508)) == (1, 2)


def test_an_unread_generator_fetches_nothing(board: Board) -> None:
    board.write(RNG)
    board.advance(1000 * MS)
    assert board.devices["rng"].deadline() is None
    assert next(board.random) == 1
    assert board.devices["rng"].peek(0x508, 4) == 0
    assert board.read(RNG + 0x508) == 2


def test_the_generator_stops(board: Board) -> None:
    board.write(RNG + SHORTS, 1)
    board.write(RNG)
    board.advance(MS)
    board.write(RNG + 0x100, 0)
    board.advance(MS)
    assert board.read(RNG + 0x100) == 0
    board.write(RNG)
    board.write(RNG + 4)
    board.advance(MS)
    assert board.read(RNG + 0x100) == 0


# TEMP, ADC, FICR -----------------------------------------------------------------------------


def test_temperature(board: Board) -> None:
    board.write(TEMP)
    board.advance(35 * US)
    assert board.read(TEMP + 0x100) == 0
    board.advance(US)
    assert (board.read(TEMP + 0x100), board.read(TEMP + 0x508)) == (1, 84)


@pytest.mark.parametrize(
    ("config", "result"),
    [
        (2 | 2 << 2 | 1 << 16, 0),  # a pin, 10 bits
        (2 | 6 << 2, 852),  # supply / 3 of the band gap's 1.2 V
        (0 | 6 << 2, 212),  # the same in 8 bits
        (2 | 5 << 2, 1023),  # supply * 2/3: too high
        (2 | 6 << 2 | 2 << 5, 682),  # supply / 3 of supply / 2
    ],
)
def test_conversion(board: Board, config: int, result: int) -> None:
    board.write(ADC)
    assert board.read(ADC + 0x400) == 0, "not enabled"
    board.write(ADC + 0x500, 1)
    board.write(ADC + 0x504, config)
    board.write(ADC)
    assert (board.read(ADC + 0x400), board.read(ADC + 0x100)) == (1, 0)
    board.advance(68 * US)
    assert (board.read(ADC + 0x400), board.read(ADC + 0x100)) == (0, 1)
    assert board.read(ADC + 0x508) == result


def test_the_factory_says_how_large_the_chip_is(board: Board) -> None:
    assert (board.read(FICR + 0x10), board.read(FICR + 0x14)) == (1024, 256)
    board.write(FICR + 0x10, 0)
    assert board.read(FICR + 0x10) == 1024
    assert board.read(FICR + 0xF0) == 0xFFFFFFFF


# NVMC ----------------------------------------------------------------------------------------


def nvmc(board: Board) -> Nvmc:
    found = board.devices["nvmc"]
    assert isinstance(found, Nvmc)
    return found


def test_flash_is_written_while_enabled_and_only_loses_bits(board: Board) -> None:
    with pytest.raises(BusError):
        nvmc(board).program(0x1000, 4, 0)
    board.write(NVMC + 0x504, 1)
    nvmc(board).program(0x1000, 4, 0xFFFF00F0)
    nvmc(board).program(0x1000, 4, 0x00FF0FFF)
    assert board.memory.read(0x1000, 4) == (0x00FF00F0).to_bytes(4, "little")
    for address, size in ((0x1000, 2), (0x1002, 4), (0x1001, 1)):
        with pytest.raises(BusError):
            nvmc(board).program(address, size, 0)
    board.write(NVMC + 0x504, 2)
    with pytest.raises(BusError):
        nvmc(board).program(0x1000, 4, 0)
    assert board.read(NVMC + 0x400) == 1


@pytest.mark.parametrize(
    ("register", "value", "left"),
    [
        (0x508, 0x1000, [0x0FFC, 0x1400, UICR.base]),
        (0x510, 0x1234, [0x0FFC, 0x1400, UICR.base]),
        (0x508, 0x40000, [0x0FFC, 0x1000, 0x1400, UICR.base]),
        (0x514, 1, [0x0FFC, 0x1000, 0x1400]),
        (0x50C, 1, []),
    ],
)
def test_erasing(board: Board, register: int, value: int, left: list[int]) -> None:
    places = [0x0FFC, 0x1000, 0x1400, UICR.base]
    for address in places:
        board.memory.write(address, bytes(4))
    board.write(NVMC + register, value)
    assert all(board.memory.read(address, 4) == bytes(4) for address in places), "not enabled"
    board.write(NVMC + 0x504, 2)
    board.write(NVMC + register, value)
    assert [address for address in places if board.memory.read(address, 4) == bytes(4)] == left


# RADIO ---------------------------------------------------------------------------------------

TXEN, RXEN, START, DISABLE = RADIO, RADIO + 4, RADIO + 8, RADIO + 0x10
READY, ADDRESS, END, DISABLED = RADIO + 0x100, RADIO + 0x104, RADIO + 0x10C, RADIO + 0x110
STATE = RADIO + 0x550


def test_a_packet_is_sent_by_shortcuts(board: Board) -> None:
    board.write(RADIO + SHORTS, 3)  # READY_START, END_DISABLE
    board.write(RADIO + 0x518, 32)
    board.write(TXEN)
    assert board.read(STATE) == 9
    board.advance(140 * US)
    assert (board.read(READY), board.read(STATE)) == (1, 11)
    board.advance(48 * US)
    assert (board.read(ADDRESS), board.read(END)) == (1, 0)
    board.advance(MS)
    assert (board.read(END), board.read(DISABLED), board.read(STATE)) == (1, 1, 0)


def test_nothing_is_ever_received(board: Board) -> None:
    board.write(RXEN)
    board.advance(MS)
    board.write(START)
    board.advance(1000 * MS)
    assert (board.read(STATE), board.read(END)) == (3, 0)
    board.write(DISABLE)
    assert board.read(STATE) == 4
    board.advance(MS)
    assert (board.read(DISABLED), board.read(STATE)) == (1, 0)


def test_power_off_forgets(board: Board) -> None:
    board.write(RADIO + 0x518, 32)
    board.write(RXEN)
    board.write(RADIO + 0xFFC, 0)
    assert (board.read(STATE), board.read(RADIO + 0x518), board.read(RADIO + 0xFFC)) == (0, 0, 0)


# PPI -----------------------------------------------------------------------------------------


def connect(board: Board, channel: int, event: int, task: int) -> None:
    board.write(PPI + 0x510 + 8 * channel, event)
    board.write(PPI + 0x514 + 8 * channel, task)
    board.write(PPI + 0x504, 1 << channel)


def toggling(board: Board, pin: int) -> None:
    """Channel 0 of GPIOTE toggles a pin, low at first."""
    board.write(GPIOTE + 0x510, 3 | pin << 8 | 3 << 16)
    board.write(GPIO + 0x700 + 4 * pin, 0)  # its input connected


def test_a_timer_toggles_a_pin_without_software(board: Board) -> None:
    toggling(board, 5)
    connect(board, 3, TIMER0 + 0x140, GPIOTE)
    board.write(TIMER0 + 0x540, 100)
    board.write(TIMER0 + SHORTS, 1)
    board.write(TIMER0 + 0x508, 3)
    board.write(TIMER0)
    levels = []
    for _ in range(4):
        board.advance(100 * US)
        levels.append(board.read(GPIO + 0x510) >> 5 & 1)
    assert levels == [1, 0, 1, 0]
    board.write(PPI + 0x508, 1 << 3)
    board.advance(100 * US)
    assert board.read(GPIO + 0x510) >> 5 & 1 == 0


def test_who_listens_is_known_after_loading(board: Board) -> None:
    """Timers are loaded before the PPI, which knows what is connected to them."""
    connect(board, 0, TIMER0 + 0x140, TIMER1 + 0x44)
    board.write(TIMER0 + 0x540, 10)
    for timer in (TIMER0, TIMER1):
        board.write(timer)
    other = Board()
    for name, device in board.devices.items():
        other.devices[name].load(device.save())
    other.agenda.changed()
    for one in (board, other):
        one.advance(11 * US)
        assert one.read(TIMER1 + 0x544) == 10


def test_groups(board: Board) -> None:
    connect(board, 0, TEMP + 0x100, RNG)
    board.write(PPI + 0x800, 0x5)
    board.write(PPI + 4)
    assert board.read(PPI + 0x500) == 0
    board.write(PPI + 0)
    assert board.read(PPI + 0x500) == 5


def test_a_fixed_channel(board: Board) -> None:
    board.write(PPI + 0x504, 1 << 20)
    board.write(TIMER0 + 0x540, 10)
    board.write(TIMER0)
    board.advance(11 * US)
    assert board.read(STATE) == 9, "TXEN"


def test_a_chain_that_leads_back_to_itself_ends(board: Board) -> None:
    toggling(board, 5)
    board.write(GPIOTE + 0x514, 1 | 5 << 8 | 3 << 16)  # channel 1: an event at each edge
    connect(board, 0, GPIOTE + 0x104, GPIOTE)
    board.write(GPIOTE)
    assert board.read(GPIOTE + 0x104) == 1
