"""Debian's MicroPython on the micro:bit: typed at, replayed, gone through backwards.

TTD_SEED chooses other random positions.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from scripts.micropython import FIRMWARE, PACKAGE, PROMPT, SESSION
from tests.integration.conftest import Server, ttd
from tests.integration.gdb_mi import Gdb
from tests.integration.guests import Typist, install, qemu, record
from tests.integration.inside import playing_session
from ttd.recorded import RecordedMachine
from ttd.stops import Breakpoint, Stops, Why

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("TTD_SEED") or Random().randrange(1 << 32))
STORE_TO_TXD, TXD = 0x1D51C, 0x4000251C
"""Found in the firmware: the instruction that hands a character, in r1, to the UART."""
UART_EXCEPTION = 16 + 2
HEART = ". 9 . 9 .\n9 9 9 9 9\n9 9 9 9 9\n. 9 9 9 .\n. . 9 . .\n"
ANSWERS = (
    b">>> 1+1\r\n2\r\n>>> ",
    b"\r\n0\r\n1\r\n4\r\n>>> ",
    b">>> math.sqrt(2)\r\n1.41421\r\n",
    b"ZeroDivisionError: division by zero\r\n",
)


@dataclass(frozen=True)
class Typed:
    """A recorded session, and what was printed."""

    path: Path
    output: bytes


def say(typist: Typist, line: str, prompt: bytes = PROMPT) -> bytes:
    """Type a line; what is printed up to the prompt that is expected."""
    typist.type(line.encode() + b"\r")
    return typist.expect(prompt)


def have_session(typist: Typist) -> bytes:
    """Type the whole session; returns all that was printed."""
    typist.expect(PROMPT)
    for line, prompt in SESSION:
        say(typist, line, prompt)
    typist.interrupt()
    return bytes(typist.output)


@pytest.fixture(scope="module")
def firmware() -> Path:
    install([FIRMWARE], PACKAGE)
    return FIRMWARE


@pytest.fixture(scope="module")
def typed(firmware: Path, tmp_path_factory: pytest.TempPathFactory) -> Typed:
    path = tmp_path_factory.mktemp("micropython") / "run.ttd"
    return Typed(path, have_session(record("microbit", path, firmware)))


@pytest.fixture(scope="module")
def played(typed: Typed) -> RecordedMachine:
    print(f"seed {SEED}")
    return playing_session(typed.path)


@pytest.fixture
def gdb(typed: Typed, serve: Callable[..., Server], attach: Callable[..., Gdb]) -> Gdb:
    return attach(None, serve("serve", "--port", "0", typed.path).port)


def test_the_session_is_answered(typed: Typed) -> None:
    for answer in ANSWERS:
        assert answer in typed.output


def test_replay_is_the_same(typed: Typed) -> None:
    replayed = ttd("replay", "--echo", "--verify", typed.path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == typed.output


def test_console_is_that_of_qemu(typed: Typed, firmware: Path) -> None:
    other = qemu("qemu-system-arm", "-M", "microbit", "-device", f"loader,file={firmware}")
    assert have_session(other) == typed.output


def test_steps_backward_from_random_positions(played: RecordedMachine) -> None:
    """Each is compared with what a run forward has seen there: registers, memory, devices."""
    dice = Random(SEED)
    timeline = played.timeline
    places = sorted(dice.randrange(1, timeline.end) for _ in range(1000))
    truth = {}
    for place in places:
        timeline.seek(place - 1)
        truth[place] = played.snapshots.state_hash(played.snapshots.capture())
    dice.shuffle(places)
    for place in places:
        timeline.seek(place)
        stop = timeline.step_backward()
        assert stop.step == place - 1, f"seed {SEED}"
        found = played.snapshots.state_hash(played.snapshots.capture())
        assert found == truth[place], f"seed {SEED}, step {place}"


def test_reverse_stepi_in_gdb(gdb: Gdb) -> None:
    dice = Random(SEED)
    _, end = gdb.when()
    for _ in range(30):
        place = dice.randrange(1, end)
        gdb.goto(place - 1)
        before = gdb.registers()
        gdb.goto(place)
        gdb.go("reverse-stepi")
        assert gdb.step == place - 1, f"seed {SEED}"
        assert gdb.registers() == before, f"seed {SEED}, step {place}"


def test_reverse_continue_through_what_was_printed(played: RecordedMachine, typed: Typed) -> None:
    """The characters that the store to TXD has in r1 are the output, backwards."""
    timeline = played.timeline
    timeline.seek(timeline.end)
    printed = bytearray()
    stops = Stops((Breakpoint(STORE_TO_TXD),))
    while timeline.run_backward(stops).why is Why.BREAKPOINT:
        printed.append(timeline.cpu.read_register("r1"))
    printed.reverse()
    # The first NUL leaves when the UART is set up, by another instruction.
    assert bytes(printed) == typed.output.lstrip(b"\0")


def test_back_to_an_answer_and_to_who_wrote_it(gdb: Gdb) -> None:
    gdb.goto("end")
    assert "Going to step" in gdb.say("monitor back-to event char_read 5")
    gdb.go("stepi")
    gdb.say(f"break *{STORE_TO_TXD:#x} if $r1 == '2'")
    gdb.go("reverse-continue")
    assert gdb.pc == STORE_TO_TXD
    printed = gdb.step
    text = gdb.value("*(unsigned *)$sp")
    assert gdb.value(f"*(char *){text}") == ord("2")
    gdb.say("delete")
    gdb.say(f"watch *(char *){text}")
    gdb.go("reverse-continue")
    written = gdb.step
    assert written < printed
    assert gdb.value(f"*(char *){text}") != ord("2")
    gdb.say("delete")
    gdb.go("stepi")
    assert gdb.value(f"*(char *){text}") == ord("2")


def test_back_to_the_device_and_to_an_interrupt(gdb: Gdb) -> None:
    gdb.goto("end")
    gdb.say(f"awatch *(unsigned *){TXD}")
    gdb.go("reverse-continue")
    assert gdb.pc == STORE_TO_TXD
    assert gdb.value("$r1") == ord(" ")
    gdb.say("delete")
    handler = gdb.value(f"*(unsigned *){4 * UART_EXCEPTION}") & ~1
    gdb.say(f"break *{handler:#x}")
    gdb.go("reverse-continue")
    assert gdb.pc == handler
    assert gdb.value("$xpsr") & 0x1FF == UART_EXCEPTION
    gdb.say("delete")
    step = gdb.step
    assert "Going to step" in gdb.say("monitor back-to event char_read")
    gdb.go("stepi")
    assert gdb.step < step


def test_lights_come_and_go(gdb: Gdb) -> None:
    gdb.goto("end")
    assert gdb.say("monitor leds").endswith(HEART)
    gdb.goto("50%")
    dark = ". . . . .\n" * 5
    assert gdb.say("monitor leds").endswith(dark)
    assert "leds" in gdb.say("monitor help")
    gdb.goto("end")
    assert gdb.say("monitor leds").endswith(HEART)


def test_registers_of_an_armv6m_core(gdb: Gdb) -> None:
    names = gdb.say("info registers")
    assert "primask" in names and "control" in names
    assert "basepri" not in gdb.say("info all-registers")


def test_buttons(firmware: Path, tmp_path: Path) -> None:
    """Pressed while the guest looks; then both are up again."""
    path, run = tmp_path / "input", tmp_path / "run.ttd"
    typist = record("microbit", run, "--input", f"unix:{path}", firmware)
    typist.expect(PROMPT)
    say(typist, "from microbit import *")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        answers = peer.makefile("rb")

        def press(name: str, down: bool) -> None:
            key = {"down": down, "key": {"type": "qcode", "data": name}}
            line = {"events": [{"type": "key", "data": key}]}
            peer.sendall(json.dumps(line).encode() + b"\n")
            assert json.loads(answers.readline()) == {"return": {}}

        look = "button_a.is_pressed(), button_b.is_pressed()"
        for a, b in ((True, False), (True, True), (False, True), (False, False)):
            press("a", a)
            press("b", b)
            # The firmware looks at its buttons now and then.
            say(typist, "sleep(50)")
            say(typist, look)
    assert typist.interrupt() == 0
    found = re.findall(rb"\((True|False), (True|False)\)\r\n", bytes(typist.output))
    assert found == [
        (b"True", b"False"),
        (b"True", b"True"),
        (b"False", b"True"),
        (b"False", b"False"),
    ]
    replayed = ttd("replay", "--echo", "--verify", run)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == bytes(typist.output)


def test_devices_that_python_reaches(firmware: Path, tmp_path: Path) -> None:
    """Random numbers differ from run to run and come again in a replay; sensors answer."""
    numbers = []
    for attempt in range(2):
        run = tmp_path / f"{attempt}.ttd"
        typist = record("microbit", run, firmware)
        typist.expect(PROMPT)
        say(typist, "from microbit import *")
        say(typist, "import random, radio, os")
        say(typist, "temperature(), accelerometer.get_x(), pin0.read_analog()")
        say(typist, "pin1.write_digital(1); pin1.read_digital()")
        say(typist, "radio.on(); radio.send('hello'); radio.receive(); radio.off()")
        say(typist, "f = open('a.txt', 'w'); f.write('flash'); f.close()")
        say(typist, "open('a.txt').read(), os.listdir()")
        say(typist, "[random.randrange(1000000) for i in range(4)]")
        assert typist.interrupt() == 0
        output = bytes(typist.output)
        assert b"\r\n(21, 0, 0)\r\n" in output
        assert b"\r\n('flash', ['a.txt'])\r\n" in output
        assert b"Error" not in output
        numbers.append(output[-100:])
        replayed = ttd("replay", "--echo", "--verify", run)
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert replayed.stdout == output
    assert numbers[0] != numbers[1]


def test_flash_comes_back_with_the_past(firmware: Path, tmp_path: Path) -> None:
    run = tmp_path / "run.ttd"
    typist = record("microbit", run, firmware)
    typist.expect(PROMPT)
    say(typist, "f = open('a.txt', 'w'); f.write('written to flash'); f.close()")
    assert typist.interrupt() == 0
    played = playing_session(run)
    timeline = played.timeline

    def is_in_flash() -> bool:
        return b"written to flash" in timeline.probe.read_memory(0x30000, 0x10000)

    timeline.seek(timeline.end)
    assert is_in_flash()
    timeline.seek(timeline.end // 4)
    assert not is_in_flash()
    timeline.seek(timeline.end)
    assert is_in_flash()


def test_a_sleeping_guest_in_real_time(firmware: Path, tmp_path: Path) -> None:
    """With --realtime a guest that sleeps answers as soon as something is typed."""
    run = tmp_path / "run.ttd"
    typist = record("microbit", run, "--realtime", firmware)
    typist.expect(PROMPT)
    say(typist, "import microbit")
    say(typist, "microbit.sleep(10)")
    time.sleep(0.05)
    say(typist, "2 * 21")
    assert typist.interrupt() == 0
    assert bytes(typist.output).endswith(b"2 * 21\r\n42\r\n>>> ")
    replayed = ttd("replay", "--verify", run)
    assert replayed.returncode == 0, replayed.stderr.decode()
