"""CFI flash: found, programmed and erased as drivers do it."""

from __future__ import annotations

import struct

import msgpack

from tests.unit.device_doubles import HandClock
from ttd.devices.cfi_flash import (
    BUFFERED,
    CFI_QUERY,
    CLEAR_STATUS,
    CONFIRM,
    DEVICE,
    ERASE,
    LOCK,
    LOCK_SETUP,
    MANUFACTURER,
    PROGRAM,
    READ_ARRAY,
    READ_ID,
    READ_STATUS,
    SECTOR,
    SR_READY,
    SR_SEQUENCE,
    CfiFlash,
)

CAPACITY = 32 << 20


def flash(image: bytes = b"") -> CfiFlash:
    return CfiFlash("flash", HandClock(), CAPACITY, image)


def both(code: int) -> int:
    """For both chips."""
    return code << 16 | code


def command(device: CfiFlash, *codes: int, at: int = 0) -> None:
    for code in codes:
        device.write(at, 4, both(code))


def status(device: CfiFlash) -> int:
    """SR of the chips, which are to agree."""
    command(device, READ_STATUS)
    word = device.read(0, 4)
    assert word == both(word & 0xFFFF)
    return word & 0xFFFF


def test_it_is_found() -> None:
    device = flash()
    assert device.read(0x40, 4) == 0xFFFFFFFF
    command(device, CFI_QUERY, at=0x55 * 4)
    query = [device.read(4 * n, 4) for n in range(0x40)]
    assert all(word == both(word & 0xFF) for word in query)
    table = bytes(word & 0xFF for word in query)
    assert table[:0x10] == bytes(0x10)
    assert struct.unpack_from("<3sHHHH", table, 0x10) == (b"QRY", 1, 0x31, 0, 0)
    assert table[0x31:0x36] == b"PRI10"
    assert 2 * (1 << table[0x27]) == CAPACITY, "two chips"
    blocks, size = struct.unpack_from("<HH", table, 0x2D)
    assert ((blocks + 1) * 2 * size * 256, 2 * size * 256) == (CAPACITY, SECTOR)
    assert (device.read(0x40, 1), device.read(0x41, 1), device.read(0x42, 2)) == (0x51, 0, 0x51)
    command(device, READ_ID)
    assert [device.read(at, 4) for at in (0, 4, 8, SECTOR, SECTOR + 4)] == [
        *(both(MANUFACTURER), both(DEVICE), 0),
        *(both(MANUFACTURER), both(DEVICE)),
    ]
    command(device, READ_ARRAY)
    assert device.read(0, 4) == 0xFFFFFFFF


def test_programming_clears_bits_and_erasing_sets_them() -> None:
    device = flash()
    at = 3 * SECTOR + 0x124
    device.write(at, 4, both(PROGRAM))
    device.write(at, 4, 0x12345678)
    assert device.read(at, 4) == both(SR_READY), "status until it is told otherwise"
    command(device, PROGRAM, at=at + 4)
    device.write(at + 4, 2, 0xABCD)
    command(device, PROGRAM, at=at)
    device.write(at, 4, 0xFF00FF00)
    command(device, READ_ARRAY)
    assert (device.read(at, 4), device.read(at + 4, 4)) == (0x12005600, 0xFFFFABCD)
    assert [device.read(at + n, 1) for n in range(4)] == [0x00, 0x56, 0x00, 0x12]
    assert len(device.array.contents()) == 1
    command(device, ERASE, CONFIRM, at=2 * SECTOR)
    command(device, READ_ARRAY)
    assert device.read(at, 4) == 0x12005600, "another block"
    command(device, ERASE, CONFIRM, at=3 * SECTOR)
    command(device, READ_ARRAY)
    assert device.read(at, 4) == 0xFFFFFFFF
    assert device.array.contents() == []


def test_an_image_can_be_changed() -> None:
    image = bytes(range(256)) * 64
    device = flash(image)
    assert device.read(0x3FFC, 4) == 0xFFFEFDFC and device.read(0x4000, 4) == 0xFFFFFFFF
    command(device, PROGRAM, at=0x1010)
    device.write(0x1010, 4, 0)
    command(device, ERASE, CONFIRM, at=SECTOR)
    command(device, READ_ARRAY)
    assert (device.read(0x1010, 4), device.read(0x1014, 4)) == (0, 0x17161514)
    command(device, ERASE, CONFIRM)
    command(device, READ_ARRAY)
    assert device.read(0x3FFC, 4) == 0xFFFFFFFF
    state = msgpack.packb(device.save())
    assert len(state) < 200, "what is stored is kept in pages"
    other = flash(image)
    other.load(msgpack.unpackb(state))
    for number, data in device.array.take_changed():
        other.array.restore(number, data)
    assert other.read(0x10, 4) == 0xFFFFFFFF


def test_buffered_writes() -> None:
    device = flash()
    at = 5 * SECTOR + 0x2000
    command(device, BUFFERED, at=at)
    assert device.read(at, 4) == both(SR_READY)
    device.write(at, 4, both(15))
    for n in range(16):
        device.write(at + 4 * n, 4, n)
    device.write(at, 4, both(CONFIRM))
    assert status(device) == SR_READY
    command(device, READ_ARRAY)
    assert [device.read(at + 4 * n, 4) for n in range(17)] == [*range(16), 0xFFFFFFFF]
    command(device, BUFFERED, at=at)
    device.write(at, 4, both(0))
    device.write(at + SECTOR, 4, 0)
    device.write(at, 4, both(CONFIRM))
    assert status(device) == SR_READY | SR_SEQUENCE, "one block at a time"
    command(device, CLEAR_STATUS)
    assert status(device) == SR_READY
    command(device, READ_ARRAY)
    assert device.read(at + SECTOR, 4) == 0xFFFFFFFF


def test_what_does_not_continue_a_command() -> None:
    device = flash()
    command(device, PROGRAM)
    device.write(0, 4, 0x55)
    command(device, ERASE, 0x42)
    assert status(device) == SR_READY | SR_SEQUENCE
    command(device, CLEAR_STATUS)
    assert device.read(0, 4) == 0x55
    command(device, ERASE, READ_ARRAY)
    assert device.read(0, 4) == 0x55
    assert status(device) == SR_READY
    command(device, 0xF0)
    assert device.read(0, 4) == 0x55


def test_locking_has_no_effect() -> None:
    device = flash()
    command(device, LOCK_SETUP, LOCK)
    assert status(device) == SR_READY
    command(device, READ_ID)
    assert device.read(8, 4) == 0
    command(device, LOCK_SETUP, CONFIRM)
    command(device, PROGRAM)
    device.write(0, 4, 0)
    device.reset()
    assert device.read(0, 4) == 0, "contents outlive a reset"
