"""A machine that records under GDB: back into the past, and on past the end of history."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import FIRMWARE, TTD, Server, symbols, ttd
from tests.integration.gdb_mi import HANG, Gdb, history_ended

pytestmark = pytest.mark.slow

Serve = Callable[..., Server]
Attach = Callable[..., Gdb]


def elf(name: str) -> Path:
    return FIRMWARE / name / f"{name}.elf"


def live(serve: Serve, name: str, path: Path, *options: str | Path) -> Server:
    words = ("record", "--board", "mps2-an385", "--semihosting", "--gdb", "0", "-o", path)
    return serve(*words, *(options or ("--serial", "null")), elf(name))


def verified(path: Path) -> dict[str, object]:
    """The recording replays to the same; what `ttd info` says of it."""
    replayed = ttd("replay", "--verify", path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    facts: dict[str, object] = json.loads(ttd("info", "--json", path).stdout)
    assert facts["complete"], facts
    return facts


def test_to_the_end_and_back_and_on(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path, output = tmp_path / "run.ttd", tmp_path / "uart.txt"
    server = live(serve, "calls", path, "--serial", f"file:{output}")
    gdb = attach(elf("calls"), server.port)
    assert gdb.when() == (0, 0)
    assert gdb.pc == symbols(elf("calls"))["Reset_Handler"]
    gdb.say("break write_rare")
    places = []
    for _ in range(2):
        stop, _ = gdb.go("continue")
        assert stop["reason"] == "breakpoint-hit"
        step, end = gdb.when()
        assert step == end
        places.append((step, gdb.registers()))
    assert "Recording live" in gdb.say("monitor info replay")
    # Into the past, and forward again as often as wanted: within history, then beyond it.
    for _ in range(3):
        gdb.go("reverse-continue")
        assert (gdb.step, gdb.registers()) == places[0]
        assert history_ended(*gdb.go("reverse-continue"))
        assert gdb.step == 0
        for place in places:
            gdb.go("continue")
            assert (gdb.step, gdb.registers()) == place
        gdb.go("stepi 5")
        gdb.go("reverse-stepi 5")
        assert (gdb.step, gdb.registers()) == places[1]
        gdb.go("stepi 5")
        here, end = gdb.when()
        assert here == end
        gdb.goto(places[1][0])
    stop, _ = gdb.go("continue")
    assert stop["reason"] == "breakpoint-hit"
    assert gdb.value("rare") == 0x22222222
    stop, text = gdb.go("continue")
    assert "the guest exited with code 0" in text
    end = gdb.step
    assert output.read_bytes() == (FIRMWARE / "calls" / "expected.txt").read_bytes()
    gdb.go("reverse-continue")
    assert gdb.value("rare") == 0x22222222
    assert history_ended(*gdb.go("reverse-continue")) is False
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    facts = verified(path)
    assert facts["steps"] == end
    assert facts["end"] == "the guest exited with code 0"


@pytest.mark.slow
def test_stdio_and_a_temporary_recording(attach: Attach, tmp_path: Path) -> None:
    command = f"{TTD[0]} -c '{TTD[2]}' record --board mps2-an385 --semihosting --gdb stdio"
    gdb = attach(elf("calls"), f"| {command} {elf('calls')}")
    assert gdb.when() == (0, 0)
    gdb.say("break move")
    gdb.go("continue")
    gdb.go("reverse-stepi")
    gdb.go("continue")
    gdb.say("detach")
    path = tmp_path / "run.ttd"
    gdb.say(f"target remote | {command} -o {path} --serial null {elf('calls')}")
    gdb.go("continue")
    place = gdb.step
    gdb.go("stepi 10")
    gdb.goto(50)
    gdb.say("kill")
    facts = verified(path)
    assert facts["steps"] == place + 10


@pytest.mark.slow
@pytest.mark.parametrize("goodbye", ["detach", "kill", "vanish"])
def test_every_end_leaves_a_finished_recording(
    serve: Serve, attach: Attach, tmp_path: Path, goodbye: str
) -> None:
    path = tmp_path / "run.ttd"
    server = live(serve, "irqs", path)
    gdb = attach(elf("irqs"), server.port)
    gdb.say("break SysTick_Handler")
    gdb.go("continue")
    end = gdb.step
    gdb.go("reverse-stepi")  # what counts is the end of history, not the present
    if goodbye == "vanish":
        gdb.vanish()
    else:
        gdb.say(goodbye)
    if server.process.poll() is None:
        server.process.send_signal(2)
    assert server.wait() == 0, server.lines
    assert verified(path)["steps"] == end


@pytest.mark.slow
def test_reconnect_while_live(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    server = live(serve, "calls", path)
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    gdb.go("continue")
    here = gdb.when()
    gdb.vanish()
    second = attach(elf("calls"), server.port)
    assert second.when() == here
    second.say("break loop")
    second.go("continue")
    assert second.step > here[0]
    server.process.send_signal(2)
    server.wait()
    verified(path)


@pytest.mark.slow
def test_writes_at_the_live_end(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    """They take effect, are events, and the recording replays with them."""
    path, output = tmp_path / "run.ttd", tmp_path / "uart.txt"
    server = live(serve, "calls", path, "--serial", f"file:{output}")
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    gdb.go("continue")
    gdb.say("set var $r0 = 0x1234")
    gdb.say("set var counter = 1000")
    gdb.say("set var *(char (*)[4]) &bytes = {1, 2, 3, 4}")
    written = gdb.step
    assert (gdb.value("$r0"), gdb.value("counter"), gdb.value("bytes[2]")) == (0x1234, 1000, 3)
    gdb.go("stepi 2")
    assert gdb.value("rare") == 0x1234
    gdb.say("delete")
    # Back before the write, where its past is, and forward over it.
    gdb.go("reverse-stepi 10")
    assert (gdb.value("counter"), gdb.value("rare")) == (0, 0)
    # There another future begins.
    gdb.say("set var counter = 5")
    _, text = gdb.go("stepi")
    assert "Branch b1 begins at step" in text and gdb.value("counter") == 5
    gdb.goto(f"main:{written}")
    assert gdb.value("counter") == 1000
    gdb.go("stepi 2")
    assert (gdb.value("rare"), gdb.value("counter")) == (0x1234, 1000)
    gdb.go("continue")
    counter = int(re.search(r"counter (\w+)", output.read_text())[1], 16)  # type: ignore[index]
    normal = re.search(r"counter (\w+)", (FIRMWARE / "calls" / "expected.txt").read_text())
    assert normal is not None
    assert counter == int(normal[1], 16) + 1000
    gdb.say("kill")
    server.process.send_signal(2)
    server.wait()
    verified(path)
    events = ttd("events", path, "--kind", "debug_write").stdout.decode().splitlines()
    assert len(events) == 3
    assert all(int(line.split()[0].replace(",", "")) == written for line in events)


class Terminal:
    """The other side of `--serial tcp:`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(HANG)
        self._peer: socket.socket | None = None
        self.shown = b""

    @property
    def option(self) -> str:
        return f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def peer(self) -> socket.socket:
        if self._peer is None:
            self._peer = self._listener.accept()[0]
            self._peer.settimeout(HANG)
        return self._peer

    def type(self, text: str) -> None:
        self.peer.sendall(text.encode())

    def expect(self, text: str) -> None:
        while text.encode() not in self.shown:
            data = self.peer.recv(4096)
            assert data, self.shown
            self.shown += data

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._listener.close()


@contextmanager
def terminal() -> Iterator[Terminal]:
    line = Terminal()
    try:
        yield line
    finally:
        line.close()


def test_typing_while_live(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    with terminal() as line:
        server = live(serve, "echo", path, "--serial", line.option)
        gdb = attach(elf("echo"), server.port)
        gdb.say("break reply")
        gdb.start("continue")
        line.expect("quit ends")
        line.type("hello\n")
        stop, _ = gdb.stopped()
        assert stop["reason"] == "breakpoint-hit"
        assert '"hello"' in gdb.say("print line")
        first, seen = gdb.step, gdb.registers()

        # Back before the input, forward again: the same input, from the log.
        gdb.go("reverse-continue")
        assert gdb.step == 0
        assert gdb.value("received") == 0
        gdb.go("continue")
        assert (gdb.step, gdb.registers()) == (first, seen)
        gdb.say("watch received")
        gdb.go("reverse-continue")
        assert gdb.value("received") == 5
        gdb.say("delete")
        gdb.goto("end")
        assert gdb.registers() == seen

        # On with more; what was in the past is not printed again.
        gdb.say("break reply")
        gdb.start("continue")
        line.expect("hello")
        line.type("again\n")
        gdb.stopped()
        assert '"again"' in gdb.say("print line")
        gdb.goto(first)
        line.type("typed in the past\n")  # kept until the machine records again
        assert '"hello"' in gdb.say("print line")
        gdb.go("continue")
        assert '"again"' in gdb.say("print line")
        gdb.go("continue")
        assert '"typed in the past"' in gdb.say("print line")
        gdb.say("delete")

        # A machine that waits for input can be stopped.
        gdb.start("continue")
        line.expect("past")
        gdb.interrupt()
        gdb.stopped()
        gdb.go("reverse-stepi")
        gdb.start("continue")
        line.type("quit\n")
        stop, text = gdb.stopped()
        assert "the guest exited with code 0" in text
        line.expect("DONE")
        assert line.shown.count(b"You typed: hello") == 1
        gdb.say("detach")
        server.process.send_signal(2)
        assert server.wait() == 0
    verified(path)
    replayed = ttd("replay", "--echo", path)
    assert replayed.stdout.replace(b"\r\n", b"\n") == line.shown.replace(b"\r\n", b"\n")


@pytest.mark.slow
def test_panic_gives_its_exit_code(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    with terminal() as line:
        server = live(serve, "echo", path, "--serial", line.option)
        gdb = attach(elf("echo"), server.port)
        gdb.start("continue")
        line.type("panic\n")
        _, text = gdb.stopped()
        assert "the guest exited with code 3" in text
        gdb.go("reverse-stepi")
        gdb.say("kill")
        server.process.send_signal(2)
        server.wait()
    assert verified(path)["exit_code"] == 3
