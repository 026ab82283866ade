"""UART and TWI of the nRF51, and the sensors on the micro:bit's bus."""

from __future__ import annotations

import pytest

from tests.unit.nrf51_doubles import INTENSET, MS, PPI, SHORTS, TIMER0, TWI, UART, US, Board

STARTRX, STOPRX, STARTTX, STOPTX = UART, UART + 4, UART + 8, UART + 0xC
RXDRDY, TXDRDY, ERROR, RXTO = UART + 0x108, UART + 0x11C, UART + 0x124, UART + 0x144
ERRORSRC, ENABLE, RXD, TXD, BAUDRATE = (UART + n for n in (0x480, 0x500, 0x518, 0x51C, 0x524))


@pytest.fixture
def board() -> Board:
    made = Board()
    made.write(ENABLE, 4)
    made.write(BAUDRATE, 0x01D7E000)  # 115200
    return made


def test_a_byte_leaves_and_says_so(board: Board) -> None:
    board.write(STARTTX)
    board.write(UART + INTENSET, 1 << 7)
    board.write(TXD, ord("x"))
    assert board.front.taken == b"x"
    assert (board.read(TXDRDY), board.irq(UART)) == (1, True)
    board.write(TXDRDY, 0)
    assert (board.read(TXDRDY), board.irq(UART)) == (0, False)


def test_nothing_leaves_unless_started_and_enabled(board: Board) -> None:
    board.write(TXD, ord("x"))
    board.write(STARTTX)
    board.write(STOPTX)
    board.write(TXD, ord("y"))
    board.write(STARTTX)
    board.write(ENABLE, 0)
    board.write(TXD, ord("z"))
    assert (board.front.taken, board.read(TXDRDY)) == (b"", 0)


def test_a_byte_that_is_refused_is_offered_again(board: Board) -> None:
    board.front.left = 0
    board.write(STARTTX)
    board.write(TXD, ord("x"))
    board.advance(3 * MS)
    assert (board.front.taken, board.read(TXDRDY)) == (b"", 0)
    board.front.left = 1
    board.advance(MS)
    assert (board.front.taken, board.read(TXDRDY)) == (b"x", 1)


def test_bytes_arrive_one_by_one(board: Board) -> None:
    assert board.front.can_receive() == 0
    board.write(STARTRX)
    board.write(UART + INTENSET, 1 << 2)
    assert board.front.can_receive() == 1
    board.front.receive(b"a")
    assert (board.read(RXDRDY), board.irq(UART)) == (1, True)
    assert board.front.can_receive() == 0, "the next one is still on the wire"
    board.advance(80 * US)
    assert board.front.can_receive() == 0
    board.advance(10 * US)
    board.front.receive(b"b")
    board.write(RXDRDY, 0)
    assert not board.irq(UART)
    assert board.read(RXD) == ord("a")
    assert (board.read(RXDRDY), board.irq(UART)) == (1, True), "b has moved into RXD"
    board.write(RXDRDY, 0)
    assert board.read(RXD) == ord("b")
    assert board.read(RXDRDY) == 0, "there is nothing more: no event without a byte"
    assert board.read(RXD) == ord("b")


def test_the_buffer_has_six_bytes(board: Board) -> None:
    board.write(STARTRX)
    for byte in b"abcdef":
        board.front.receive(bytes([byte]))
        board.advance(MS)
    assert board.front.can_receive() == 0
    assert board.read(ERROR) == 0
    board.front.receive(b"g")
    assert (board.read(ERROR), board.read(ERRORSRC)) == (1, 1)
    board.write(ERRORSRC, 1)
    assert board.read(ERRORSRC) == 0
    assert bytes(board.read(RXD) for _ in range(6)) == b"abcdef"


def test_a_stopped_receiver_says_so(board: Board) -> None:
    board.write(STARTRX)
    board.write(STOPRX)
    assert board.read(RXTO) == 1
    assert board.front.can_receive() == 0
    board.front.receive(b"a")
    assert board.read(RXDRDY) == 0


def test_a_timer_counts_the_bytes_that_come(board: Board) -> None:
    """By the PPI, which hears of each; the other registers are as without it."""
    board.write(TIMER0 + 0x504, 1)
    board.write(TIMER0, 1)
    board.write(PPI + 0x510, RXDRDY)
    board.write(PPI + 0x514, TIMER0 + 0x8)
    board.write(PPI + 0x504, 1)
    board.write(STARTRX)
    for byte in b"abc":
        board.front.receive(bytes([byte]))
        board.advance(MS)

    def counted() -> int:
        board.write(TIMER0 + 0x40)
        return board.read(TIMER0 + 0x540)

    assert counted() == 1, "the first has moved into RXD"
    for taken, byte in enumerate(b"abc", 1):
        board.write(RXDRDY, 0)
        assert board.read(RXD) == byte
        assert (counted(), board.read(RXDRDY)) == (min(3, 1 + taken), int(byte != ord("c")))


def test_a_debugger_takes_nothing_out(board: Board) -> None:
    board.write(STARTRX)
    board.front.receive(b"a")
    uart = board.devices["uart0"]
    assert uart.peek(0x518, 4) == uart.peek(0x518, 4) == ord("a")
    assert board.read(RXD) == ord("a")


# TWI -----------------------------------------------------------------------------------------

STOPPED, RXDREADY, TXDSENT, TWI_ERROR = TWI + 0x104, TWI + 0x108, TWI + 0x11C, TWI + 0x124
TWI_ERRORSRC, TWI_ENABLE, TWI_RXD, TWI_TXD = TWI + 0x4C4, TWI + 0x500, TWI + 0x518, TWI + 0x51C
ADDRESS, TWI_STARTRX, TWI_STARTTX, STOP, RESUME = (TWI + n for n in (0x588, 0, 8, 0x14, 0x20))
BB_SUSPEND, BB_STOP = 1, 2


def send(board: Board, *data: int) -> None:
    board.write(TWI_STARTTX)
    for byte in data:
        board.write(TWI_TXD, byte)
        assert board.read(TXDSENT) == 1
        board.write(TXDSENT, 0)


def fetch(board: Board, count: int) -> list[int]:
    """As drivers do: suspended at each byte boundary, the last byte followed by a stop."""
    board.write(TWI + SHORTS, BB_SUSPEND)
    board.write(TWI_STARTRX)
    found = []
    for number in range(count):
        if number == count - 1:
            board.write(TWI + SHORTS, BB_STOP)
        board.write(RESUME)
        assert board.read(RXDREADY) == 1
        board.write(RXDREADY, 0)
        found.append(board.read(TWI_RXD))
    assert board.read(STOPPED) == 1
    return found


@pytest.mark.parametrize(("address", "register", "identity"), [(0x1D, 0x0D, 0x5A), (0x0E, 7, 0xC4)])
def test_sensors_say_who_they_are(address: int, register: int, identity: int) -> None:
    board = Board()
    board.write(TWI_ENABLE, 5)
    board.write(ADDRESS, address)
    send(board, register)
    assert fetch(board, 1) == [identity]


def test_the_accelerometer_lies_flat_and_keeps_its_settings() -> None:
    board = Board()
    board.write(TWI_ENABLE, 5)
    board.write(ADDRESS, 0x1D)
    send(board, 0x01)
    assert fetch(board, 6) == [0, 0, 0, 0, 0x40, 0]
    send(board, 0x2A, 0x31, 0x02)
    board.write(STOP)
    send(board, 0x2A)
    assert fetch(board, 2) == [0x31, 0x02]


def test_nobody_at_an_address() -> None:
    board = Board()
    board.write(TWI_ENABLE, 5)
    board.write(TWI + INTENSET, 1 << 9)
    board.write(ADDRESS, 0x33)
    board.write(TWI_STARTTX)
    assert (board.read(TWI_ERROR), board.read(TWI_ERRORSRC), board.irq(TWI)) == (1, 2, True)
    board.write(TWI_TXD, 1)
    assert board.read(TXDSENT) == 0


def test_bytes_wait_until_they_are_read() -> None:
    board = Board()
    board.write(TWI_ENABLE, 5)
    board.write(ADDRESS, 0x1D)
    send(board, 0x04)
    board.write(TWI_STARTRX)
    assert [board.read(TWI_RXD) for _ in range(3)] == [0, 0x40, 0]
