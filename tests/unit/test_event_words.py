"""Events in words, whatever their payloads are made of."""

import struct
from errno import EAGAIN, EIO, ENOENT

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.boards import BOARDS
from ttd.boards.extras import Extra, exception_words
from ttd.keys import KEYS
from ttd.recording.events import Event, Kind, number, small
from ttd.recording.varint import put_varint
from ttd.replay.terms import Cause, Checkpoint
from ttd.replay.words import EventWords

WORDS = EventWords(("uart0", "disk0", "keyboard0", "net0"), exception_words(BOARDS["virt"], ()))


def varints(*values: int) -> bytes:
    out = bytearray()
    for value in values:
        put_varint(out, value)
    return bytes(out)


def key(kind: int, code: int, value: int) -> bytes:
    return b"\2" + struct.pack("<HHi", kind, code, value)


PAGE = varints(4096) + bytes(4096)


@pytest.mark.parametrize(
    ("kind", "payload", "text"),
    [
        (Kind.CHAR_READ, b"\0h", 'char_read uart0 "h"'),
        (Kind.CHAR_READ, b"\0\xc3\xa4\x1b[0m\r\n", r'char_read uart0 "ä\x1b[0m\r\n"'),
        (Kind.CHAR_READ, b"\0\xff", r'char_read uart0 "\xff"'),
        (Kind.CHAR_READ, b"\x09h", 'char_read 9 "h"'),
        (Kind.CHAR_READ_ALL, b"\0line", 'char_read_all uart0 "line"'),
        (Kind.CHAR_READ_ALL_ERROR, b"\0" + small(EIO), "char_read_all_error uart0, input/output"),
        (Kind.CHAR_WRITE, b"\0" + number(7) + number(3), "char_write uart0, only 3 bytes taken"),
        (Kind.CHAR_WRITE, b"\0" + number(7) + number(-EAGAIN), "char_write uart0, resource temp"),
        (Kind.INTERRUPT, small(64 + 7), "interrupt 71 (machine timer interrupt)"),
        (Kind.EXCEPTION, small(2), "exception 2 (illegal instruction)"),
        (Kind.SHUTDOWN, small(Cause.GUEST_PANIC), "shutdown by a guest that cannot go on"),
        (Kind.RESET, small(Cause.GUEST), "reset by the guest"),
        (Kind.SUSPEND, small(Cause.DEBUGGER), "suspend by the debugger"),
        (Kind.CHECKPOINT, small(Checkpoint.CLOCK_WARP_ACCOUNT), "checkpoint clock_warp_account"),
        (Kind.WARP, number(-5), "warp to -5 ns of idle time"),
        (Kind.CLOCK_HOST, number(10**18), "clock_host 1000000000000000000"),
        (Kind.HOST_CALL, b"\4open" + bytes(4), "host_call SYS_OPEN"),
        (Kind.HOST_CALL, b"\4open" + small(ENOENT) + bytes(3), "host_call SYS_OPEN: no such file"),
        (Kind.HOST_CALL, b"\4read" + bytes(4) + b"hi\n", r'host_call SYS_READ "hi\n"'),
        (Kind.HOST_CALL, b"\4flen" + bytes(4) + b"\x10" + bytes(7), "host_call SYS_FLEN = 16"),
        (Kind.BLOCK, b"\1" + varints(3, EIO), "block disk0, request 3: input/output error"),
        (Kind.BLOCK, b"\1" + varints(3, 0), "block disk0, request 3 done, with nothing to be"),
        (
            Kind.BLOCK,
            b"\1" + varints(300, 0, 2) + PAGE + varints(3) + PAGE + varints(9, 0),
            "block disk0, request 300: sectors 16 to 31, sectors 72 to 79 read from the image",
        ),
        (Kind.INPUT, key(1, KEYS["ret"], 1), "input keyboard0 ret pressed"),
        (Kind.INPUT, key(1, KEYS["sysrq"], 0), "input keyboard0 sysrq released"),
        (Kind.INPUT, key(1, 0x110, 1), "input keyboard0 button left pressed"),
        (Kind.INPUT, key(2, 8, -1), "input keyboard0 wheel-down"),
        (Kind.INPUT, key(2, 0, -4), "input keyboard0 x by -4"),
        (Kind.INPUT, key(3, 1, 400), "input keyboard0 y at 400"),
        (Kind.INPUT, key(1, 999, 1), "input keyboard0 key 999 pressed"),
        (Kind.INPUT_SYNC, b"\2", "input_sync keyboard0"),
        (Kind.NET, b"\3\0abc", "net net0, 3 bytes"),
        (Kind.NET_TX, b"\3\1\2\3\4" + varints(300), "net_tx net0, 300 bytes with CRC 04030201"),
        (Kind.RANDOM, b"abc", "random 3 bytes"),
        (
            Kind.DEBUG_WRITE,
            msgpack.packb(["memory", 0x20000000, b"\1\2"]),
            "debug_write memory 0x20000000, 2 bytes: 01 02",
        ),
        (
            Kind.DEBUG_WRITE,
            msgpack.packb(["register", "pc", 0x100]),
            "debug_write register pc = 0x100",
        ),
        (Kind.END, b"it was interrupted", "end (it was interrupted)"),
        (Kind.LOOK, b"", "look"),
        (Kind.SNAPSHOT, bytes(32), "snapshot"),
        (Kind.SHUTDOWN, small(99), "shutdown (1 bytes that say nothing)"),
        (Kind.CHAR_READ, b"", "char_read (0 bytes that say nothing)"),
    ],
)
def test_what_events_say(kind: Kind, payload: bytes, text: str) -> None:
    assert WORDS.text(Event(7, kind, payload)).startswith(text)
    assert WORDS.describe(Event(7, kind, payload)).endswith(" at step 7")


def test_exceptions_of_a_machine_with_lines_have_the_name_of_what_is_there() -> None:
    extras = [Extra("virtio-rng", "rng0", {}), Extra("pl031", "clock0", {"clock": "vm"})]
    name = exception_words(BOARDS["mps2-an385"], extras)
    assert [name(n) for n in (3, 15, 16, 37, 40, 41, 39, 200)] == [
        "HardFault",
        "SysTick",
        "IRQ 0, uart0 rx",
        "IRQ 21, uart4 tx",
        "IRQ 24, rng0",
        "IRQ 25",
        "IRQ 23, clock0",
        "IRQ 184",
    ]
    assert exception_words(BOARDS["microbit"], ())(16 + 11) == "IRQ 11, rtc0"
    assert exception_words(BOARDS["virt"], extras)(64 + 11) == "machine external interrupt"


@given(st.sampled_from(Kind), st.binary(max_size=40))
def test_every_payload_gives_one_printable_line(kind: Kind, payload: bytes) -> None:
    event = Event(7, kind, payload)
    assert WORDS.text(event).isprintable()
    told = WORDS.tell(event)
    assert f"{told.device}{told.name}{told.data}".isprintable()
