"""Pins, lights and buttons of the micro:bit."""

from __future__ import annotations

import pytest

from tests.unit.nrf51_doubles import GPIO, GPIOTE, INTENSET, MS, US, Board
from ttd.devices.microbit.leds import LedMatrix

OUT, OUTSET, OUTCLR, IN, DIR, DIRSET, DIRCLR = (GPIO + n for n in range(0x504, 0x520, 4))
A, B = 17, 26
KEY_A, KEY_B = 30, 48
ROWS, COLUMNS = 0x0000E000, 0x00001FF0


def cnf(pin: int) -> int:
    return GPIO + 0x700 + 4 * pin


@pytest.fixture
def board() -> Board:
    return Board()


def test_outputs(board: Board) -> None:
    board.write(OUT, 0x30)
    board.write(OUTSET, 0x40)
    board.write(OUTCLR, 0x10)
    assert board.read(OUT) == board.read(OUTSET) == 0x60
    board.write(DIRSET, 0x60)
    assert board.read(DIR) == 0x60
    assert (board.read(cnf(5)), board.read(cnf(4))) == (3, 2)
    assert board.read(IN) == 0, "input buffers are disconnected"
    board.write(cnf(5), 1)
    assert board.read(IN) == 0x20
    board.write(cnf(5), 0)
    assert board.read(DIR) == 0x40


def test_pulls(board: Board) -> None:
    board.write(cnf(2), 3 << 2)
    board.write(cnf(3), 1 << 2)
    assert board.read(IN) == 1 << 2


def test_buttons_pull_their_pins_down(board: Board) -> None:
    board.write(cnf(A), 0)
    board.write(cnf(B), 0)
    assert board.read(IN) == 1 << A | 1 << B
    board.keys.press(KEY_A, True)
    assert board.read(IN) == 1 << B
    board.keys.press(KEY_B, True)
    assert board.read(IN) == 0
    board.keys.press(KEY_A, False)
    assert board.read(IN) == 1 << A
    board.keys.press(KEY_A + 1, True)
    assert board.read(IN) == 1 << A
    board.reset()
    board.write(cnf(A), 0)
    assert board.read(IN) == 1 << A, "fingers stay where they are"


@pytest.mark.parametrize(("polarity", "events"), [(1, [0, 1]), (2, [1, 0]), (3, [1, 1])])
def test_edges_are_events(board: Board, polarity: int, events: list[int]) -> None:
    board.write(GPIOTE + 0x514, 1 | A << 8 | polarity << 16)
    board.write(GPIOTE + INTENSET, 2)
    found = []
    for down in (True, False):
        board.keys.press(KEY_A, down)
        found.append(board.read(GPIOTE + 0x104))
        assert board.irq(GPIOTE) == bool(found[-1])
        board.write(GPIOTE + 0x104, 0)
    assert found == events


def test_a_sensed_level_is_the_port_event(board: Board) -> None:
    board.write(cnf(B), 3 << 16)  # sense low
    board.keys.press(KEY_A, True)
    assert board.read(GPIOTE + 0x17C) == 0
    board.keys.press(KEY_B, True)
    assert board.read(GPIOTE + 0x17C) == 1


def test_tasks_drive_pins(board: Board) -> None:
    board.write(GPIOTE + 0x510, 3 | 7 << 8 | 1 << 16 | 0 << 20)  # low to high, low at first
    board.write(cnf(7), 0)
    assert board.read(IN) == 0
    board.write(GPIOTE)
    assert board.read(IN) == 1 << 7
    board.write(OUTCLR, 1 << 7)
    assert board.read(IN) == 1 << 7, "the pin is the channel's"
    board.write(GPIOTE + 0x510, 0)
    assert board.read(IN) == 0


# Lights --------------------------------------------------------------------------------------


def leds(board: Board) -> LedMatrix:
    found = board.devices["leds"]
    assert isinstance(found, LedMatrix)
    return found


def drive(board: Board, row: int, *columns: int) -> None:
    """One row of the wiring has current, these of its columns take it; counted from 1."""
    low = sum(1 << 3 + column for column in columns)
    board.write(OUT, 1 << 12 + row | COLUMNS & ~low)
    board.write(DIR, ROWS | COLUMNS)


def test_one_light(board: Board) -> None:
    drive(board, 1, 1)
    board.advance(MS)
    assert leds(board).show() == "9 . . . .\n" + ". . . . .\n" * 4


def test_rows_take_turns(board: Board) -> None:
    """The corners, at the brightness that rows have."""
    for _ in range(10):
        for row, columns in ((1, (1, 3)), (2, ()), (3, (3, 2))):
            drive(board, row, *columns)
            board.advance(2 * MS)
    assert leds(board).show() == "9 . . . 9\n" + ". . . . .\n" * 3 + "9 . . . 9\n"


def test_shorter_is_darker_and_the_eye_forgets(board: Board) -> None:
    for _ in range(10):
        drive(board, 1, 1)
        board.advance(400 * US)
        drive(board, 1)
        board.advance(5600 * US)
    assert leds(board).brightness()[0] == 2
    board.advance(20 * MS)
    assert not any(leds(board).brightness())


def test_pins_that_are_no_outputs_light_nothing(board: Board) -> None:
    drive(board, 1, 1)
    board.write(DIR, ROWS)
    board.advance(100 * MS)
    assert not any(leds(board).brightness())


def test_the_view_is_for_the_monitor(board: Board) -> None:
    drive(board, 2, 3)
    board.advance(MS)
    state = leds(board).save()
    (view,) = leds(board).views()
    assert view.name == "leds"
    assert view.show() == leds(board).show()
    assert leds(board).save() == state


def test_what_the_eye_has_forgotten_is_not_kept(board: Board) -> None:
    for number in range(1000):
        drive(board, 1, 1 + number % 9)
        board.advance(100 * US)
    assert len(leds(board).history) < 130
