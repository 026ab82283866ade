"""`ttd record` and what the other commands say of its recordings, as a user sees it."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.cli_tools import (
    BOARD,
    FIRMWARE,
    HANG,
    children_env,
    elf,
    exit_with,
    how_ended,
    info,
    raw,
    start,
    ttd,
    verify,
)

pytestmark = pytest.mark.slow

KEYS = {
    *("board", "steps", "instructions", "complete", "end"),
    *("snapshots", "events", "bytes", "virtual_ns"),
}


@pytest.fixture(scope="module")
def irqs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with interrupts and exceptions; it ends by semihosting."""
    path = tmp_path_factory.mktemp("irqs") / "irqs.ttd"
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("irqs"))
    assert done.code == 0, done.err
    assert how_ended(done.err, path) == "the guest exited with code 0"
    return path


def test_info(irqs: Path) -> None:
    facts = info(irqs)
    assert facts.keys() >= KEYS
    assert facts["board"] == "mps2-an385"
    assert facts["complete"] is True
    assert facts["end"] == "the guest exited with code 0"
    events = facts["events"]
    entries = events["interrupt"] + events["exception"]
    assert facts["steps"] == facts["instructions"] + entries
    assert events["snapshot"] == facts["snapshots"] >= 1
    assert facts["bytes"] == irqs.stat().st_size
    assert facts["virtual_ns"] >= 40 * facts["steps"]
    for_people = ttd("info", irqs).out.decode()
    assert f"{facts['steps']:,}" in for_people
    assert for_people.splitlines()[0].split() == ["board", "mps2-an385"]


def test_events(irqs: Path) -> None:
    rows = [json.loads(line) for line in ttd("events", irqs, "--json").out.splitlines()]
    assert len(rows) == sum(info(irqs)["events"].values())
    assert [row["number"] for row in rows] == list(range(len(rows)))
    steps = [row["step"] for row in rows]
    assert steps == sorted(steps)
    low, high = steps[len(steps) // 4], steps[len(steps) // 2]
    chosen = ("--kind", "interrupt", "--from", str(low), "--to", str(high))
    some = [json.loads(line) for line in ttd("events", irqs, "--json", *chosen).out.splitlines()]
    assert some == [r for r in rows if r["kind"] == "interrupt" and low <= r["step"] <= high]
    assert some
    plain = ttd("events", irqs, *chosen).out.decode().splitlines()
    assert [int(line.split()[0]) for line in plain] == [row["step"] for row in some]
    wrong = ttd("events", irqs, "--kind", "nothing")
    assert wrong.code == 2 and "interrupt" in wrong.err
    assert ttd("events", irqs, "--from", str(10**30)).out == b""


def test_replay(irqs: Path) -> None:
    assert "the same" in verify(irqs)
    echoed = ttd("replay", irqs, "--echo")
    expected = (FIRMWARE / "irqs" / "expected.txt").read_bytes()
    assert echoed.out.replace(b"\r\n", b"\n") == expected


def test_readers_that_hang_up(irqs: Path) -> None:
    """`| head -1`, at once and in the middle."""
    for command in (["events", irqs, "--json"], ["replay", irqs, "--echo"], ["info", irqs]):
        process = start(*command, stderr=subprocess.PIPE)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        process.stderr.close()
        assert process.wait(HANG) in (0, 1), said
        assert "Traceback" not in said and "Exception" not in said


def test_without_standard_files(tmp_path: Path) -> None:
    """A recording must not be opened in place of a closed standard output, and be written to."""
    path = tmp_path / "run.ttd"

    def close_all() -> None:
        for number in range(3):
            os.close(number)

    words = [*BOARD, "--semihosting", "-o", path, elf("calls")]
    assert start(*words, preexec_fn=close_all, stdin=None, stdout=None).wait(HANG) == 0
    assert info(path)["complete"]
    verify(path)


def test_boards_and_help() -> None:
    assert ttd("boards").out.decode().startswith("mps2-an385 ")
    assert re.fullmatch(rb"ttd, version \d.*\n", ttd("--version").out)
    listed = ttd("--help").out.decode()
    for command in ("record", "replay", "serve", "info", "events", "boards"):
        assert re.search(rf"^  {command} +[A-Z].*\.$", listed, re.MULTILINE), "a whole sentence"
        own = ttd(command, "--help").out.decode()
        assert own.startswith(f"Usage: ttd {command} ")
        assert max(map(len, own.splitlines())) <= 80


# --- how recordings end


def test_limit_of_steps(tmp_path: Path) -> None:
    for limit in (0, 1, 100_001):
        path = tmp_path / f"run-{limit}.ttd"
        assert ttd(*BOARD, "--steps", str(limit), "-o", path, elf("irqs")).code == 0
        facts = info(path)
        assert (facts["steps"], facts["complete"]) == (limit, True)
        assert str(limit) in facts["end"]
        verify(path)


@pytest.mark.parametrize(("status", "code"), [(3, 3), (255, 255), (256, 1), (300, 44)])
def test_exit_code(tmp_path: Path, status: int, code: int) -> None:
    path = tmp_path / "run.ttd"
    image = exit_with(tmp_path / "fw.bin", status)
    assert ttd(*BOARD, "--semihosting", "-o", path, image).code == code
    assert info(path)["end"] == f"the guest exited with code {status}"
    verify(path)


def test_lockup(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("faults", "lockup"))
    assert done.code == 1
    facts = info(path)
    assert facts["complete"] and "locked up at 0x" in facts["end"]
    # The lockup is a step in which nothing retires, after one entry of a fault.
    assert facts["steps"] == facts["instructions"] + facts["events"]["exception"] + 1
    verify(path)


def test_lockup_before_the_first_instruction(tmp_path: Path) -> None:
    image, path = tmp_path / "fw.bin", tmp_path / "run.ttd"
    image.write_bytes(bytes(64))
    assert ttd(*BOARD, "-o", path, f"{image}@0").code == 1
    facts = info(path)
    assert (facts["complete"], facts["instructions"]) == (True, 0)
    assert "locked up" in facts["end"]
    verify(path)


def test_resets_of_the_guest(tmp_path: Path) -> None:
    """SYSRESETREQ starts the guest again, as often as it wants."""
    # ldr r0, [pc, #60]; ldr r1, [pc, #64]; str r1, [r0]; b .
    image = raw(tmp_path / "fw.bin", [0x480F, 0x4910, 0x6001, 0xE7FE], [0xE000ED0C, 0x05FA0004])
    path = tmp_path / "run.ttd"
    assert ttd(*BOARD, "--steps", "3000", "-o", path, image).code == 0
    assert info(path)["events"]["reset"] >= 500
    verify(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("program", ["busy", "asleep"])
def test_signals_end_a_recording(tmp_path: Path, number: signal.Signals, program: str) -> None:
    path = tmp_path / "run.ttd"
    image = elf("bench", "bench-systick") if program == "busy" else elf("echo")
    # Whoever runs the tests may ignore SIGHUP, as nohup does; ttd would, too.
    hear = lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)  # noqa: E731
    process = start(*BOARD, "-o", path, image, stderr=subprocess.PIPE, preexec_fn=hear)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    _, said = process.communicate(timeout=HANG)
    assert (process.returncode, how_ended(said.decode(), path)) == (0, "it was interrupted")
    facts = info(path)
    assert facts["complete"] and facts["end"] == "it was interrupted"
    assert os.listdir(tmp_path) == ["run.ttd"], "one file"
    verify(path)


def test_many_signals(tmp_path: Path) -> None:
    """An impatient user does not spoil the end."""
    path = tmp_path / "run.ttd"
    process = start(*BOARD, "-o", path, elf("bench", "bench-systick"))
    assert process.stdout is not None
    process.stdout.readline()
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.stdout.close()
    # One that comes when everything is closed may still be the end of the process.
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert info(path)["complete"]


@pytest.mark.parametrize("before", [False, True])
def test_one_recorder_at_a_time(tmp_path: Path, before: bool) -> None:
    """Of several that begin at once, one records; the others say why they do not."""
    path = tmp_path / "run.ttd"
    if before:
        assert ttd(*BOARD, "--steps", "1000", "-o", path, elf("calls")).code == 0
    force = ("--force",) if before else ()
    words = (*BOARD, *force, "-o", path, elf("echo"))
    racers = [start(*words, stderr=subprocess.PIPE) for _ in range(3)]
    said = []
    while len(racers) > 1:
        ended = [racer for racer in racers if racer.poll() is not None]
        racers = [racer for racer in racers if racer not in ended]
        said += [(racer.returncode, racer.communicate()[1].decode()) for racer in ended]
        time.sleep(0.02)
    assert racers[0].stdout is not None
    assert racers[0].stdout.readline() == b"echo: type lines, quit ends\n"
    late = ttd(*words)
    said.append((late.code, late.err))
    assert said == [(2, f"ttd: {path} is being recorded by another ttd\n")] * 3
    racers[0].send_signal(signal.SIGINT)
    assert how_ended(racers[0].communicate(timeout=HANG)[1].decode(), path) == "it was interrupted"
    assert info(path)["complete"]
    verify(path)
    assert os.listdir(tmp_path) == ["run.ttd"]
    again = ttd(*BOARD, "--steps", "1000", "-o", path, "--force", elf("calls"))
    assert again.code == 0, "it is free again"


# --- options


def test_clock(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = elf("bench", "bench-systick")
    assert ttd(*BOARD, "--clock", "1000", "--steps", "200000", "-o", path, image).code == 0
    facts = info(path)
    assert facts["virtual_ns"] == 200_000_000
    # A tick each millisecond of virtual time, but for the time until the timer is started.
    assert 150 < facts["events"]["interrupt"] <= 200
    verify(path)


def test_name_of_the_recording(tmp_path: Path) -> None:
    assert ttd(*BOARD, "--semihosting", elf("calls"), cwd=tmp_path).code == 0
    assert sorted(os.listdir(tmp_path)) == ["calls.ttd", "latest.ttd"]


def test_odd_names(tmp_path: Path) -> None:
    image = tmp_path / os.fsdecode(b"f\xff w?#%.elf")
    shutil.copy(elf("calls"), image)
    done = ttd(*BOARD, "--semihosting", image, cwd=tmp_path)
    assert done.code == 0, done.err
    path = image.with_suffix(".ttd")
    verify(path)
    assert ttd("info", path).code == 0
    assert ttd(*BOARD, "--steps", "5", "-o", ":memory:", elf("calls"), cwd=tmp_path).code == 0
    assert info(tmp_path / ":memory:")["steps"] == 5


def test_newlib_program(tmp_path: Path) -> None:
    """Arguments, console, files, exit code; and a replay that has no directory."""
    folder, path = tmp_path / "files", tmp_path / "run.ttd"
    folder.mkdir()
    done = ttd(*BOARD, f"--semihosting={folder}", "-o", path, elf("rdimon"), cwd=tmp_path)
    assert done.code == 3, done.err
    assert b"argv[0] = rdimon.elf\n" in done.out
    assert b"read back 16 bytes: kept on the host\n" in done.out
    assert (folder / "note.txt").read_text() == "kept on the host"
    assert sorted(os.listdir(tmp_path)) == ["files", "latest.ttd", "run.ttd"]
    shutil.rmtree(folder)
    again = ttd("replay", path, "--echo", "--verify", cwd=tmp_path)
    assert (again.code, again.out) == (0, done.out)
    there = sorted(os.listdir(tmp_path))
    assert there == ["latest.ttd", "run.ttd"], "a replay does not touch the host"


def test_newlib_program_without_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("rdimon"), cwd=tmp_path)
    assert done.code == 4
    assert b"no file\n" in done.out
    assert sorted(os.listdir(tmp_path)) == ["latest.ttd", "run.ttd"]
    verify(path)


def test_files_stay_inside_the_directory(tmp_path: Path) -> None:
    """A symbolic link that the guest finds in its directory does not lead out of it."""
    folder, outside = tmp_path / "files", tmp_path / "outside.txt"
    folder.mkdir()
    outside.write_text("untouched")
    (folder / "note.txt").symlink_to(outside)
    done = ttd(*BOARD, f"--semihosting={folder}", "-o", tmp_path / "run.ttd", elf("rdimon"))
    assert done.code == 4
    assert outside.read_text() == "untouched"


# --- serial lines

# ldr r0, [pc, #60]; movs r1, #1; str r1, [r0, #8]; movs r2, #letter; str r2, [r0]; b .
_LETTER = [0x480F, 0x2101, 0x6081, 0, 0x6002, 0xE7FE]
_UARTS = [0x40004000, 0x40005000, 0x40006000, 0x40007000, 0x40009000]


def letters(path: Path) -> str:
    """A firmware that writes A to UART 0, B to UART 1 and so on, and then idles."""
    code: list[int] = []
    for number in range(5):
        # The literals are at 0x80; PC reads as the address of the instruction plus 4.
        here = 0x40 + 2 * len(code)
        distance = 0x80 + 4 * number - ((here + 4) & ~3)
        code += [0x4800 | distance // 4, 0x2101, 0x6081, 0x2200 | ord("A") + number, 0x6002]
    return raw(path, [*code, 0xE7FE], _UARTS)


def test_serials_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = letters(tmp_path / "fw.bin")
    listener = socket.create_server(("127.0.0.1", 0))
    files = [tmp_path / "one.txt", tmp_path / "four.txt"]
    specs = ["null", f"file:{files[0]}", f"tcp:127.0.0.1:{listener.getsockname()[1]}", "stdio"]
    specs.append(f"file:{files[1]}")
    serials = [word for spec in specs for word in ("--serial", spec)]
    done = ttd(*BOARD, *serials, "--steps", "1000", "-o", path, image)
    assert done.code == 0, done.err
    with listener, listener.accept()[0] as peer:
        assert (files[0].read_bytes(), peer.recv(9)) == (b"B", b"C")
        assert (done.out, files[1].read_bytes()) == (b"D", b"E")
    verify(path)
    assert ttd("replay", path, "--echo").out == b"A", "the echo is of the first UART"


def test_first_uart_is_stdio(tmp_path: Path) -> None:
    image = letters(tmp_path / "fw.bin")
    assert ttd(*BOARD, "--steps", "1000", "-o", tmp_path / "run.ttd", image).out == b"A"


@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_typing_from_elsewhere(tmp_path: Path, kind: str) -> None:
    """A terminal of one's own, a connection that comes in: typed input is recorded."""
    path = tmp_path / "run.ttd"
    spec = "pty" if kind == "pty" else "tcp:127.0.0.1:0,server"
    process = start(
        *(*BOARD, "--semihosting", "--serial", spec, "-o", path, elf("echo")),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    if kind == "pty":
        found = re.search(r"/dev/\S+", said)
        assert found is not None, said
        fd = os.open(found[0], os.O_RDWR | os.O_NOCTTY)
    else:
        found = re.search(r"127\.0\.0\.1 port (\d+)", said)
        assert found is not None, said
        fd = socket.create_connection(("127.0.0.1", int(found[1]))).detach()
    os.write(fd, b"hello\rquit\r" if kind == "pty" else b"hello\nquit\n")
    output = b""
    while b"DONE" not in output and select.select([fd], [], [], HANG)[0]:
        output += os.read(fd, 4096)
        if not output:
            break
    assert b"You typed: hello" in output
    assert process.wait(HANG) == 0
    process.communicate()
    os.close(fd)
    assert info(path)["events"]["char_read"] >= 11
    verify(path)


def test_typed_input_is_replayed_elsewhere(tmp_path: Path) -> None:
    """The same output and the same state in another process, in another place."""
    path = tmp_path / "run.ttd"
    typed = (FIRMWARE / "echo" / "input.txt").read_bytes()
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("echo"), stdin=typed)
    assert done.code == 0, done.err
    other = tmp_path / "other place"
    other.mkdir()
    shutil.move(path, other / "copy")
    again = ttd(
        *("replay", "copy", "--echo", "--verify"),
        cwd=other,
        env=children_env(PYTHONHASHSEED="1", LANG="C", TZ="Asia/Tokyo"),
    )
    assert (again.code, again.out) == (0, done.out)
