"""What is wrong from outside: one clear sentence and a code, never a traceback or a hang."""

from __future__ import annotations

import os
import random
import shutil
import socket
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import (
    BOARD,
    FIRMWARE,
    change_config,
    change_events,
    change_meta,
    change_status,
    elf,
    refused,
    ttd,
)
from ttd.recording.events import Event, Kind

pytestmark = pytest.mark.slow


def changed_elf(offset: int, data: bytes) -> bytes:
    whole = bytearray(elf("calls").read_bytes())
    whole[offset : offset + len(data)] = data
    return bytes(whole)


def elsewhere() -> bytes:
    """A program that was linked for an address where the board has nothing."""
    table = struct.unpack_from("<I", elf("calls").read_bytes(), 28)[0]
    return changed_elf(table + 12, struct.pack("<I", 0x90000000))


FAR_HEX = b":0200000490006A\n:0400000001020304F2\n:00000001FF\n"
"""Four bytes for 0x90000000."""

IMAGES = {
    "empty": (b"", "is empty", "neither ELF nor Intel HEX"),
    "library": (b"!<arch>\nmain.o/", "library of object files"),
    "compressed": (b"\x1f\x8b\x08\0", "compressed (gzip)"),
    "shared object": (changed_elf(16, b"\x03\0"), "shared object", "ET_DYN"),
    "core dump": (changed_elf(16, b"\x04\0"), "core dump", "ET_CORE"),
    "far HEX": (FAR_HEX, "0x90000000", "no memory"),
    "text": (b"hello, world\n", "neither ELF nor Intel HEX", "fw@0x0"),
    "truncated ELF": (elf("calls").read_bytes()[:3000], "damaged or truncated"),
    "ELF magic only": (b"\x7fELF", "damaged or truncated"),
    "ELF with garbage": (changed_elf(16, b"\xff" * 36), "fw"),
    "other machine": (changed_elf(18, b"\x3e\0"), "x86-64, 32 bits", "needs Arm, 32 bits"),
    "big endian": (changed_elf(5, b"\x02"), "fw"),
    "object file": (changed_elf(16, b"\x01\0"), "ET_REL"),
    "linked elsewhere": (elsewhere(), "0x90000000", "another board"),
    "broken HEX": (b":10000000zz\n", "Intel HEX"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images(tmp_path: Path, name: str) -> None:
    data, *words = IMAGES[name]
    (tmp_path / "fw").write_bytes(data)
    path = tmp_path / "run.ttd"
    refused(ttd(*BOARD, "-o", path, "fw", cwd=tmp_path), *words)
    assert not path.exists()


@pytest.mark.parametrize("place", ["foo", "", "0x", "-4", "1_0", "0x8000k"])
def test_places_that_are_none(tmp_path: Path, place: str) -> None:
    (tmp_path / "m3.bin").write_bytes(bytes(64))
    for words in (
        (*BOARD, f"m3.bin@{place}"),
        ("record", "--board", "raw", "--cpu", "rv64", "--ram", "0:4K", "--load", f"m3.bin@{place}"),
    ):
        refused(ttd(*words, cwd=tmp_path), f"{place!r} is not an address", "m3.bin@0x8000")
    refused(ttd(*BOARD, "none.bin@foo", cwd=tmp_path), "none.bin@foo", "No such file")
    # A file may have such a name.
    (tmp_path / "odd@name").write_bytes(elf("calls").read_bytes())
    assert ttd(*BOARD, "--steps", "9", "odd@name", cwd=tmp_path).code == 0


def test_images_that_cannot_be_read(tmp_path: Path) -> None:
    refused(ttd(*BOARD, tmp_path / "missing.elf"), "missing.elf", "No such file")
    refused(ttd(*BOARD, tmp_path), "Is a directory")
    refused(ttd(*BOARD, f"{elf('calls')}@0xFFFFFFFF"), "no memory")
    refused(ttd(*BOARD, f"{elf('calls')}@0xFFFFFFFFFFFFFFFF"), "address space")
    refused(ttd(*BOARD, f"{elf('calls')}@0x90000000"), "no memory")


def test_a_wrong_image_does_not_replace_a_recording(tmp_path: Path) -> None:
    path, image = tmp_path / "run.ttd", tmp_path / "fw.elf"
    assert ttd(*BOARD, "--steps", "9", "-o", path, elf("calls")).code == 0
    before = path.read_bytes()
    image.write_bytes(elsewhere())
    for force in ((), ("--force",)):
        refused(ttd(*BOARD, *force, "-o", path, image))
    assert path.read_bytes() == before


def usage(done: object, *words: str) -> None:
    """The command line itself is wrong."""
    code, out, err = done.code, done.out, done.err  # type: ignore[attr-defined]
    assert (code, out) == (2, b"")
    assert err.startswith("Usage: ttd ")
    last = err.splitlines()[-1]
    assert last.startswith("Error: ")
    for word in words:
        assert word in last, err


def test_options() -> None:
    image = elf("calls")
    usage(ttd("record", "--board", "pdp11", image), "pdp11", "mps2-an385")
    usage(ttd("record", image), "--board")
    usage(ttd(*BOARD), "IMAGE")
    usage(ttd(*BOARD, *["--serial", "null"] * 6, image), "6 times --serial", "5 UARTs")
    usage(ttd(*BOARD, "--gdb", "http", image), "--gdb", "http")
    usage(ttd(*BOARD, "--clock", "0", image), "--clock")
    usage(ttd(*BOARD, "--clock", str(10**30), image), "--clock")
    usage(ttd(*BOARD, "--steps", "-1", image), "--steps")
    usage(ttd(*BOARD, "--steps", "many", image), "many")
    usage(ttd("play", "run.ttd"), "play")


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("carrier-pigeon", "carrier-pigeon"),
        ("file:", "file:"),
        ("file:/no/such/place", "No such file"),
        ("tcp:localhost", "port"),
        ("tcp:localhost:99999", "port"),
        ("tcp:127.0.0.1:1", "cannot be connected"),
        ("tcp:a..b:80", "cannot be connected"),
        ("", "not a serial backend"),
    ],
)
def test_serials(tmp_path: Path, spec: str, word: str) -> None:
    path = tmp_path / "run.ttd"
    refused(ttd(*BOARD, "--serial", spec, "-o", path, elf("calls")), word)
    assert not path.exists()


def test_ports_in_use(tmp_path: Path, run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(ttd("serve", run, "--port", port), port, "in use")
        serial = ("--serial", f"tcp:127.0.0.1:{port},server")
        refused(ttd(*BOARD, *serial, "-o", tmp_path / "run.ttd", elf("calls")), port, "in use")
        done = ttd(*BOARD, "--gdb", port, "-o", tmp_path / "run.ttd", elf("calls"))
        refused(done, port, "in use")
    refused(ttd("serve", run, "--port", "0", "--host", "203.0.113.1"), "203.0.113.1")
    refused(ttd("serve", run, "--host", "a..b"), "a..b")


def test_outputs(tmp_path: Path) -> None:
    image = elf("calls")
    refused(ttd(*BOARD, "-o", tmp_path / "no" / "run.ttd", image), "no/run.ttd")
    refused(ttd(*BOARD, "-o", tmp_path, image), "not a file")
    refused(ttd(*BOARD, "-o", "/dev/null", image), "/dev/null")
    refused(ttd(*BOARD, "-o", "", image, cwd=tmp_path))
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    refused(ttd(*BOARD, "-o", precious, image), "not a ttd recording", "not overwritten")
    assert precious.read_text() == "years of work"
    folder = f"--semihosting={tmp_path}/none"
    refused(ttd(*BOARD, folder, "-o", tmp_path / "run.ttd", image), "none", "No such file")
    refused(ttd(*BOARD, "--force", "-o", precious, image), "not a ttd recording", "not overwritten")
    assert precious.read_text() == "years of work"
    assert os.listdir(tmp_path) == ["thesis.txt"]


# --- recordings


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Typed input, interrupts, an exit: made once, copied by `run`."""
    path = tmp_path_factory.mktemp("recorded") / "run.ttd"
    typed = (FIRMWARE / "echo" / "input.txt").read_bytes()
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("echo"), stdin=typed)
    assert done.code == 0, done.err
    return path


@pytest.fixture
def run(recorded: Path, tmp_path: Path) -> Path:
    """A recording of one's own."""
    folder = tmp_path / "run"
    folder.mkdir()
    return Path(shutil.copy(recorded, folder / "run.ttd"))


READERS: tuple[tuple[str, ...], ...] = (("replay",), ("info",), ("events",), ("serve", "--stdio"))


def test_what_is_not_a_recording(tmp_path: Path) -> None:
    text, empty, other = tmp_path / "a.txt", tmp_path / "empty", tmp_path / "other.db"
    text.write_text("x" * 5000)
    empty.touch()
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (x)")
    db.close()
    for number, path in enumerate((text, empty, other, elf("calls"))):
        refused(ttd(*READERS[number], path), str(path), "not a ttd recording")
    refused(ttd("info", tmp_path / "missing.ttd"), "missing.ttd", "No such file")
    refused(ttd("replay", tmp_path), "Is a directory")


def test_other_versions(run: Path) -> None:
    db = sqlite3.connect(run)
    db.execute("PRAGMA user_version = 99")
    db.close()
    for command in READERS:
        refused(ttd(*command, run), "version 99")


def test_truncated(run: Path) -> None:
    whole = run.read_bytes()
    for size in (50, 200, 4096, len(whole) // 2, len(whole) - 1):
        run.write_bytes(whole[:size])
        refused(ttd("replay", run), str(run))


@pytest.mark.parametrize("table", ["snapshots", "pages"])
def test_verify_misses_what_is_gone(run: Path, table: str) -> None:
    """What a plain replay has no use for is wanted by whoever goes back."""
    db = sqlite3.connect(run)
    db.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    db.commit()
    db.close()
    refused(ttd("replay", run, "--verify"), "damaged")


def flips(run: Path, count: int) -> None:
    """Bytes turned over at random: a sentence, or (where nothing lies) no effect at all."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    whole = run.read_bytes()
    for _ in range(count):
        broken = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3, 30))):
            broken[rng.randrange(len(broken))] ^= rng.randrange(1, 256)
        run.write_bytes(broken)
        command = rng.choice((("replay", "--verify"), ("info",), ("events",)))
        done = ttd(*command, run)
        assert done.code in (0, 2), done.err
        if done.code == 2:
            assert done.err.count("\n") == 1, done.err


def test_flipped_bytes(run: Path) -> None:
    flips(run, 12)


@pytest.mark.slow
def test_many_flipped_bytes(run: Path) -> None:
    flips(run, 400)


FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "board": (lambda run: change_config(run, board="pdp11"), "pdp11"),
    "processor": (lambda run: change_config(run, cpu_model="z80"), "z80"),
    "clock": (lambda run: change_config(run, clock_ns=41), "clock"),
    "no clock": (lambda run: change_config(run, clock_ns=0), "clock"),
    "image hash": (lambda run: change_config(run, images={"echo.elf": bytes(16)}), "image"),
    "no image": (lambda run: change_config(run, images={}), "image"),
    "configuration": (lambda run: change_meta(run, "about", lambda about: {}), "machine"),
    "length": (lambda run: change_status(run, lambda s: {**s, "steps": -1}), "how far"),
    "devices": (lambda run: change_meta(run, "devices", lambda names: ["uart9"]), "uart9"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged(run: Path, name: str) -> None:
    """Whoever wrote this knew how to make checksums."""
    forge, word = FORGERIES[name]
    forge(run)
    refused(ttd("replay", run), word)


def first(events: list[Event], kind: Kind) -> int:
    return next(number for number, event in enumerate(events) if event.kind is kind)


def other_input(events: list[Event]) -> list[Event]:
    at = first(events, Kind.CHAR_READ)
    events[at] = events[at]._replace(payload=events[at].payload[:1] + b"J")
    return events


def other_interrupt(events: list[Event]) -> list[Event]:
    at = first(events, Kind.INTERRUPT)
    events[at] = events[at]._replace(payload=b"\x1e")
    return events


def later_interrupt(events: list[Event]) -> list[Event]:
    at = first(events, Kind.INTERRUPT)
    events[at] = events[at]._replace(step=events[at].step + 1)
    return events


def no_interrupt(events: list[Event]) -> list[Event]:
    del events[first(events, Kind.INTERRUPT)]
    return events


def one_more(events: list[Event]) -> list[Event]:
    at = first(events, Kind.INTERRUPT)
    return [*events[:at], Event(events[at - 1].step, Kind.EXCEPTION, b"\x0b"), *events[at:]]


def other_snapshot(events: list[Event]) -> list[Event]:
    at = first(events, Kind.SNAPSHOT)
    events[at] = events[at]._replace(payload=bytes(16))
    return events


@pytest.mark.parametrize(
    "change",
    [other_input, other_interrupt, later_interrupt, no_interrupt, one_more, other_snapshot],
)
def test_diverged(run: Path, change: Callable[[list[Event]], list[Event]]) -> None:
    """The machine does something else than the log says."""
    change_events(run, change)
    done = ttd("replay", run)
    refused(done, "diverged at step ", ": expected ", ", found ", code=3)
    step = int(done.err.split("diverged at step ")[1].split(":")[0])
    assert step >= 0


def test_a_terminal_for_gdb_and_a_uart(tmp_path: Path) -> None:
    words = (*BOARD, "--gdb", "stdio", "--serial", "stdio", "-o", tmp_path / "run.ttd")
    usage(ttd(*words, elf("calls")), "--gdb stdio", "--serial")
    words = (*BOARD, "--gdb", "stdio", "--device", "virtio-console,chardev=stdio")
    usage(ttd(*words, elf("calls")), "--gdb stdio", "chardev")


@pytest.mark.parametrize("bios", [(), ("--bios", "default")])
def test_no_default_firmware_of_32_bits(tmp_path: Path, bios: tuple[str, ...]) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"\x6f\0\0\0")
    words = ("record", "--board", "virt32", *bios, "--kernel", kernel, "--steps", "9")
    usage(ttd(*words, "-o", tmp_path / "run.ttd"), "64 bits only", "virt32", "--bios FILE")
