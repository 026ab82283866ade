"""Semihosting: every call, what comes from the host and what does not; no way out of the box."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from errno import EACCES, EBADF, EFAULT, EINVAL, EIO, ELOOP, EMFILE, ENOENT, ENOSYS
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.device_doubles import HandClock
from ttd.host.semihost_files import SemihostFiles
from ttd.semihosting.calls import Call
from ttd.semihosting.semihosting import Exit, Heap, Semihosting

RAM = 0x2000
TEXT, BUFFER, BLOCK = 0x100, 0x800, 0x40
FAILED = 0xFFFFFFFF


class HandMemory:
    """A little memory from address 0, and nothing behind it."""

    def __init__(self) -> None:
        self.data = bytearray(RAM)
        self.by = ""

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.data[address : address + size])

    def read_text(self, address: int, most: int) -> bytes | None:
        end = self.data.find(0, address, min(address + most, RAM))
        return None if end < 0 else bytes(self.data[address:end])

    def write(self, address: int, data: bytes) -> int:
        data = data[: max(0, RAM - address)]
        self.data[address : address + len(data)] = data
        return len(data)


class HandCpu:
    """The registers of a call."""

    def __init__(self, word_size: int) -> None:
        self.word_size = word_size
        self.arguments = (0, 0)
        self.result = 0

    def call_arguments(self) -> tuple[int, int]:
        return self.arguments

    def call_result(self, value: int) -> None:
        self.result = value


class HandConsole:
    """What was typed, and what was printed."""

    def __init__(self) -> None:
        self.typed = b""
        self.printed = b""
        self.broken = False

    def write_all(self, data: bytes) -> int:
        if self.broken:
            return -EIO
        self.printed += data
        return len(data)

    def read_all(self, count: int) -> bytes:
        if self.broken:
            raise OSError(EIO, "gone")
        data, self.typed = self.typed[:count], self.typed[count:]
        return data


class Log:
    """Records host calls; `playing` gives them back without making them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.playing: list[tuple[str, bytes]] | None = None

    def host_call(self, tag: str, call: Callable[[], bytes]) -> bytes:
        if self.playing is not None:
            recorded, result = self.playing.pop(0)
            assert recorded == tag
            return result
        self.calls.append((tag, call()))
        return self.calls[-1][1]


class Guest:
    """A program that makes semihosting calls."""

    def __init__(self, directory: Path | None = None, word_size: int = 4) -> None:
        self.word = "I" if word_size == 4 else "Q"
        self.memory = HandMemory()
        self.cpu = HandCpu(word_size)
        self.clock = HandClock()
        self.console = HandConsole()
        self.log = Log()
        self.files = SemihostFiles(directory)
        self.server = Semihosting(
            self.memory,
            self.cpu,
            self.clock,
            console=self.console,
            replay=self.log,
            host=self.files,
            heap=Heap(0x1000, 0x2000, 0x2000, 0x1000),
            command_line="prog a 'b c'",
        )

    def raw(self, number: int, parameter: int) -> Exit | None:
        self.cpu.arguments = (number, parameter)
        return self.server.call()

    def __call__(self, number: int, *words: int | str) -> int:
        """Call with a parameter block; a string is put into memory and passed as its address."""
        where, values = TEXT, []
        for word in words:
            if isinstance(word, str):
                data = word.encode() + b"\0"
                self.memory.write(where, data)
                values.append(where)
                where += len(data)
            else:
                values.append(word)
        self.memory.write(BLOCK, struct.pack(f"<{len(values)}{self.word}", *values))
        assert self.raw(number, BLOCK) is None
        return self.cpu.result

    def words(self, address: int, count: int) -> list[int]:
        return list(struct.unpack_from(f"<{count}{self.word}", self.memory.data, address))

    def errno(self) -> int:
        self.raw(Call.ERRNO, 0)
        return self.cpu.result

    def open(self, name: str, mode: int) -> int:
        return self(Call.OPEN, name, mode, len(name.encode()))

    def write(self, handle: int, data: bytes) -> int:
        self.memory.write(BUFFER, data)
        return self(Call.WRITE, handle, BUFFER, len(data))

    def read(self, handle: int, count: int) -> bytes:
        left = self(Call.READ, handle, BUFFER, count)
        return self.memory.read(BUFFER, count - left)

    def path(self, call: int, *names: str) -> int:
        words = [word for name in names for word in (name, len(name.encode()))]
        return self(call, *words)


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    (tmp_path / "box").mkdir()
    return Guest(tmp_path / "box")


def test_console_output(guest: Guest) -> None:
    guest.memory.write(TEXT, b"hello, world\0")
    guest.raw(Call.WRITE0, TEXT)
    guest.raw(Call.WRITEC, TEXT)
    out = guest.open(":tt", 4)
    assert guest.write(out, b"and more than five") == 0
    assert guest.console.printed == b"hello, worldhand more than five"
    assert guest(Call.ISTTY, out) == 1
    assert guest(Call.FLEN, out) == 0
    guest.console.broken = True
    assert guest.write(out, b"lost") == 4
    assert guest.log.calls == [], "the console replays as a character device does"


def test_console_input(guest: Guest) -> None:
    guest.console.typed = b"line\nx"
    handle = guest.open(":tt", 0)
    assert guest.read(handle, 5) == b"line\n"
    guest.raw(Call.READC, 0)
    assert guest.cpu.result == ord("x")
    assert guest.read(handle, 5) == b""
    guest.raw(Call.READC, 0)
    assert guest.cpu.result == FAILED
    guest.console.broken = True
    assert guest(Call.READ, handle, BUFFER, 5) == FAILED
    assert guest.errno() == EIO


def test_a_file_is_written_read_renamed_and_removed(guest: Guest, tmp_path: Path) -> None:
    handle = guest.open("a.txt", 6)
    assert guest.write(handle, b"0123456789") == 0
    assert guest(Call.ISTTY, handle) == 0
    assert guest(Call.FLEN, handle) == 10
    assert guest(Call.SEEK, handle, 8) == 0
    assert guest.read(handle, 100) == b"89"
    assert guest(Call.CLOSE, handle) == 0
    assert guest(Call.CLOSE, handle) == FAILED and guest.errno() == EBADF
    assert (tmp_path / "box" / "a.txt").read_bytes() == b"0123456789"
    handle = guest.open("a.txt", 8)
    guest.write(handle, b"!")
    assert guest(Call.READ, handle, BUFFER, 1) == FAILED and guest.errno() == EBADF
    assert guest.path(Call.RENAME, "a.txt", "b.txt") == 0
    assert (tmp_path / "box" / "b.txt").read_bytes() == b"0123456789!"
    assert guest.path(Call.REMOVE, "b.txt") == 0
    assert guest.path(Call.REMOVE, "b.txt") == FAILED and guest.errno() == ENOENT
    assert list((tmp_path / "box").iterdir()) == []


def test_subdirectories_of_the_box_are_fine(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "box" / "sub").mkdir()
    assert guest.open("./sub//x", 4) == 1
    assert (tmp_path / "box" / "sub" / "x").exists()


@pytest.mark.parametrize(
    "name",
    ["../secret", "sub/../../secret", "/etc/passwd", "..", "", ".", "/", "link", "way/secret",
     "sub/link", "a\0b"],
)  # fmt: skip
def test_there_is_no_way_out_of_the_box(guest: Guest, tmp_path: Path, name: str) -> None:
    box = tmp_path / "box"
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (box / "sub").mkdir()
    (box / "link").symlink_to(secret)
    (box / "sub" / "link").symlink_to("../../secret")
    (box / "way").symlink_to(tmp_path)
    for mode in (0, 2, 4, 8):
        assert guest.open(name, mode) == FAILED
        assert guest.errno() in (EACCES, ELOOP, 20)
    (box / "mine").write_text("")
    if "link" not in name:  # a link itself may be removed and renamed: it is in the box
        assert guest.path(Call.REMOVE, name) == FAILED
        assert guest.path(Call.RENAME, "mine", name) == FAILED
        assert guest.path(Call.RENAME, name, "mine") == FAILED
    assert secret.read_text() == "secret"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box", "secret"]


def test_without_a_directory_there_is_only_the_console() -> None:
    guest = Guest()
    assert guest.open("a.txt", 4) == FAILED
    assert guest.errno() == EACCES
    assert guest.open(":tt", 4) == 1


def test_a_fifo_does_not_hang(guest: Guest, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "box" / "fifo")
    handle = guest.open("fifo", 0)
    assert guest.read(handle, 10) == b""


def test_features(guest: Guest) -> None:
    handle = guest.open(":semihosting-features", 0)
    assert guest(Call.FLEN, handle) == 5
    assert guest.read(handle, 4) == b"SHFB"
    assert guest.read(handle, 4) == b"\x03"
    assert guest(Call.SEEK, handle, 0) == 0
    assert guest.read(handle, 1) == b"S"
    assert guest.write(handle, b"x") == FAILED
    assert guest.open(":semihosting-features", 4) == FAILED


def test_time(guest: Guest) -> None:
    guest.clock.ns = 12_345_678_901
    guest.raw(Call.CLOCK, 0)
    assert guest.cpu.result == 1234
    assert guest.raw(Call.ELAPSED, BUFFER) is None
    assert guest.words(BUFFER, 2) == [12_345_678_901 & FAILED, 2]
    guest.raw(Call.TICKFREQ, 0)
    assert guest.cpu.result == 1_000_000_000
    assert guest.log.calls == []
    guest.raw(Call.TIME, 0)
    assert guest.cpu.result > 1_700_000_000
    assert [tag for tag, _ in guest.log.calls] == ["time"]


def test_command_line_and_heap(guest: Guest) -> None:
    assert guest(Call.GET_CMDLINE, BUFFER, 80) == 0
    assert guest.words(BLOCK, 2) == [BUFFER, 12]
    assert guest.memory.read(BUFFER, 13) == b"prog a 'b c'\0"
    assert guest(Call.GET_CMDLINE, BUFFER, 12) == FAILED
    assert guest(Call.HEAPINFO, BUFFER) == 0
    assert guest.words(BUFFER, 4) == [0x1000, 0x2000, 0x2000, 0x1000]


@pytest.mark.parametrize(
    "call, words, code",
    [
        (Call.EXIT, [], 0),
        (Call.EXIT_EXTENDED, [0x20026, 3], 3),
        (Call.EXIT_EXTENDED, [0x20026, FAILED], FAILED),
        (Call.EXIT_EXTENDED, [0x20023, 3], 1),
    ],
)
def test_exit(guest: Guest, call: int, words: list[int], code: int) -> None:
    guest.memory.write(BLOCK, struct.pack(f"<{len(words)}I", *words))
    assert guest.raw(call, BLOCK if words else 0x20026) == Exit(code)


def test_exit_for_another_reason_is_a_failure(guest: Guest) -> None:
    assert guest.raw(Call.EXIT, 0x20023) == Exit(1)


def test_the_words_of_a_64_bit_core(tmp_path: Path) -> None:
    """Fields of eight bytes; results with all their bits; SYS_EXIT with a block, as in AArch64."""
    guest = Guest(tmp_path, word_size=8)
    handle = guest.open("a.txt", 6)
    assert guest.write(handle, b"0123456789") == 0
    assert guest(Call.SEEK, handle, 4) == 0
    assert guest.read(handle, 3) == b"456"
    assert guest(Call.CLOSE, 99) == (1 << 64) - 1
    assert guest(Call.ISERROR, 1 << 63) == 1
    assert guest(Call.ISERROR, 0x80000000) == 0
    assert guest(Call.HEAPINFO, BUFFER) == 0
    assert guest.words(BUFFER, 4) == [0x1000, 0x2000, 0x2000, 0x1000]
    assert guest(Call.GET_CMDLINE, BUFFER, 100) == 0
    assert guest.words(BLOCK, 2) == [BUFFER, 12]
    guest.clock.ns = 12_345_678_901
    assert guest.raw(Call.ELAPSED, BUFFER) is None
    assert guest.words(BUFFER, 1) == [12_345_678_901]
    guest.memory.write(BLOCK, struct.pack("<2Q", 0x20026, 3))
    assert guest.raw(Call.EXIT, BLOCK) == Exit(3)


def test_iserror_and_tmpnam_and_system(guest: Guest) -> None:
    assert guest(Call.ISERROR, 5) == 0
    assert guest(Call.ISERROR, FAILED) != 0
    assert guest(Call.TMPNAM, BUFFER, 7, 20) == 0
    assert guest.memory.read(BUFFER, 12) == b"ttd-tmp-007\0"
    assert guest(Call.TMPNAM, BUFFER, 7, 11) == FAILED
    assert guest.path(Call.SYSTEM, "reboot") == FAILED
    assert guest.errno() == ENOSYS


def test_bad_pointers_and_arguments_fail_cleanly(guest: Guest) -> None:
    guest.raw(Call.OPEN, RAM - 4)
    assert guest.errno() == EFAULT
    assert guest(Call.OPEN, RAM, 0, 4) == FAILED and guest.errno() == EFAULT
    assert guest(Call.OPEN, "x", 12, 1) == FAILED and guest.errno() == EINVAL
    assert guest(Call.OPEN, "x", 0, FAILED) == FAILED and guest.errno() == EINVAL
    guest.memory.write(BUFFER, b"\xff\xfe")
    assert guest(Call.OPEN, BUFFER, 0, 2) == FAILED and guest.errno() == EINVAL
    out = guest.open(":tt", 4)
    assert guest(Call.WRITE, out, 0, FAILED) == FAILED and guest.errno() == EFAULT
    guest.memory.write(RAM - 2, b"ab")
    guest.raw(Call.WRITE0, RAM - 2)
    assert guest.errno() == EFAULT
    assert guest(0x99, 0) == FAILED and guest.errno() == ENOSYS


class Endless(HandMemory):
    """Memory without an end and without a zero, as page tables can show it."""

    moved = 0

    def read(self, address: int, size: int) -> bytes:
        assert size <= 1 << 24
        if address < RAM:
            return super().read(address, size)
        self.moved += size
        return b"x" * size

    def read_text(self, address: int, most: int) -> bytes | None:
        assert most <= 1 << 24
        return None

    def write(self, address: int, data: bytes) -> int:
        if address < RAM:
            return super().write(address, data)
        self.moved += len(data)
        return len(data)


@pytest.mark.parametrize("word_size", [4, 8])
def test_what_a_guest_says_is_bounded(tmp_path: Path, word_size: int) -> None:
    """Lengths and places of any size; what cannot be is an error, the rest is done in part."""
    guest = Guest(tmp_path, word_size)
    memory = guest.memory = Endless()
    guest.server = Semihosting(
        memory, guest.cpu, guest.clock, console=guest.console, replay=guest.log, host=guest.files,
        heap=Heap(1 << 64, 1 << 32, (1 << 64) - 1, 0), command_line="prog",
    )  # fmt: skip
    most = (1 << 8 * word_size) - 1
    file = guest.open("f", 6)
    assert guest(Call.SEEK, file, most) == (0 if word_size == 4 else most)
    assert guest(Call.SEEK, file, 0) == 0
    huge = most - RAM
    left = guest(Call.WRITE, file, RAM, huge)
    assert huge - left == memory.moved == 1 << 24
    assert guest(Call.SEEK, file, 0) == 0
    left = guest(Call.READ, file, RAM, huge)
    assert huge - left == 1 << 24 == memory.moved - (1 << 24)
    console = guest.open(":tt", 4)
    assert huge - guest(Call.WRITE, console, RAM, huge) == 1 << 24
    guest.raw(Call.WRITE0, RAM)
    assert guest.errno() == EFAULT
    assert guest(Call.OPEN, RAM, 0, most) == most and guest.errno() == EINVAL
    assert guest(Call.HEAPINFO, BUFFER) == 0
    guest.memory.data[BLOCK : BLOCK + 2 * word_size] = struct.pack(f"<2{guest.word}", 0x20026, most)
    assert guest.raw(Call.EXIT_EXTENDED, BLOCK) == Exit(0xFFFFFFFF)


def test_handles_run_out(guest: Guest) -> None:
    assert [guest.open(":tt", 0) for _ in range(255)] == list(range(1, 256))
    assert guest.open(":tt", 0) == FAILED
    assert guest.errno() == EMFILE
    guest(Call.CLOSE, 17)
    assert guest.open(":tt", 0) == 17, "the lowest free number, the same in every replay"


def program(guest: Guest) -> list[object]:
    """A run of calls, and all that the guest sees of them."""
    handle = guest.open("data", 6)
    return [
        handle,
        guest.write(handle, b"some bytes"),
        guest(Call.SEEK, handle, 2),
        guest.read(handle, 50),
        guest(Call.FLEN, handle),
        guest.open("../up", 0),
        guest.errno(),
        guest(Call.CLOSE, handle),
        guest.path(Call.RENAME, "data", "other"),
        guest(Call.TIME),
        bytes(guest.memory.data),
        guest.server.save(),
    ]


def test_play_gives_the_same_answers_without_touching_the_host(
    guest: Guest, tmp_path: Path
) -> None:
    recorded = program(guest)
    (tmp_path / "other").mkdir()
    replayed = Guest(tmp_path / "other")
    replayed.log.playing = list(guest.log.calls)
    assert program(replayed) == recorded
    assert replayed.log.playing == []
    assert list((tmp_path / "other").iterdir()) == []


def test_going_back_and_forward_again_keeps_the_files(guest: Guest) -> None:
    handle = guest.open("data", 6)
    start = guest.server.save()
    after_open = len(guest.log.calls)
    guest.write(handle, b"first ")
    guest.server.load(start)
    guest.log.playing = guest.log.calls[after_open:]
    guest.write(handle, b"first ")
    guest.log.playing = None
    guest.write(handle, b"second")
    guest(Call.SEEK, handle, 0)
    assert guest.read(handle, 50) == b"first second"


@settings(max_examples=examples(60), deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.integers(0, 0x32), st.lists(st.integers(0, 12) | st.just(BUFFER), max_size=4)),
        max_size=12,
    )
)
def test_state_is_data_and_no_call_raises(calls: list[tuple[int, list[int]]]) -> None:
    guest = Guest()
    guest.open(":semihosting-features", 0)
    guest.open(":tt", 4)
    for number, words in calls:
        guest.memory.write(BLOCK, struct.pack(f"<{len(words)}I", *words))
        guest.raw(number, BLOCK)
    state = msgpack.packb(guest.server.save())
    other = Guest()
    other.server.load(msgpack.unpackb(state))
    assert msgpack.packb(other.server.save()) == state
    assert other.open(":tt", 0) == guest.open(":tt", 0)
