"""`monitor why`: faults, the last writer of a bad pointer, and what raised an interrupt."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import FIRMWARE, Server, ttd
from tests.integration.gdb_mi import HANG, Gdb

pytestmark = pytest.mark.slow
"""`make check` does without."""

BOARDS = {"mps2": "mps2-an385", "microbit": "microbit", "virt": "virt", "virt32": "virt32"}
NAMES = [pytest.param(name, marks=() if name == "virt" else pytest.mark.slow) for name in BOARDS]
BAD = "0xdeadbee0"
STEP = re.compile(r"^ +(\d+)  (0x[0-9a-f]+) in (\w+)(?:\+\d+)?: (.*)$", re.MULTILINE)

Run = Callable[[str, bytes], Gdb]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bytes], Path]:
    """Recordings of the crash that a byte asks for, by board."""
    done: dict[tuple[str, bytes], Path] = {}

    def make(name: str, byte: bytes) -> Path:
        if (name, byte) not in done:
            path = tmp_path_factory.mktemp("crash") / f"{name}.ttd"
            semihosting = [] if "virt" in name else ["--semihosting"]
            elf = FIRMWARE / "crash" / f"crash-{name}.elf"
            options = ("record", "--board", BOARDS[name], *semihosting, "--steps", "200000")
            result = ttd(*options, "-o", path, elf, stdin=b"x" + byte)
            assert b"fault" in result.stderr or not result.returncode, result.stderr.decode()
            done[name, byte] = path
        return done[name, byte]

    return make


@pytest.fixture
def run(
    crashed: Callable[[str, bytes], Path],
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> Iterator[Run]:
    def start(name: str, byte: bytes) -> Gdb:
        elf = FIRMWARE / "crash" / f"crash-{name}.elf"
        return attach(elf, serve("serve", "--port", "0", crashed(name, byte)).port)

    return start


def _why(gdb: Gdb, words: str = "") -> str:
    command = f"monitor why{words}"
    return gdb.say(command).removeprefix(f"{command}\n")


def _functions(text: str) -> list[str]:
    return [function for _, _, function, _ in STEP.findall(text)]


@pytest.mark.parametrize("name", NAMES)
def test_the_last_writer_of_a_bad_pointer(run: Run, name: str) -> None:
    gdb = run(name, b"p")
    gdb.goto("end")
    end, before = gdb.step, gdb.registers()
    text = _why(gdb)
    assert (gdb.step, gdb.registers()) == (end, before)
    fault = "load access fault" if "virt" in name else "HardFault"
    assert text.startswith(f"This is the handler of {fault}, which was entered in step")
    assert re.search(rf"^\w+ is {BAD}:$", text, re.MULTILINE), text
    # The instruction, who loaded its register, who wrote that word, and where that came from.
    assert _functions(text)[:4] == ["sum", "sum", "link", "spoil"], text
    assert _functions(text)[4:] and set(_functions(text)[4:]) == {"run"}
    assert "That is a constant of the program." in text or "Nothing has written" in text
    # Each step can be gone to, and the instruction is about to run there.
    for step, address, _, _ in STEP.findall(text):
        gdb.goto(step)
        assert (gdb.step, gdb.pc) == (int(step), int(address, 16))


def test_status_registers(run: Run) -> None:
    gdb = run("mps2", b"p")
    gdb.goto("end")
    text = _why(gdb)
    assert "CFSR 0x00008200: PRECISERR" in text
    assert "BFAR 0xdeadbee4: what was accessed" in text
    assert re.search(r"in sum\+\d+: ldr r2, \[r3, #4\]\nIt accesses 0xdeadbee4\.\nr3 is", text), (
        text
    )
    gdb = run("virt", b"p")
    gdb.goto("end")
    text = _why(gdb)
    assert "mcause 0x5: load access fault" in text
    assert re.search(r"mepc 0x8\w+, in sum\+\d+\nmtval 0xdeadbee8\n", text), text


@pytest.mark.parametrize("name", NAMES)
def test_through_the_frame_of_an_interrupt(run: Run, name: str) -> None:
    """A register that an interrupt has saved and restored has its value from before that."""
    gdb = run(name, b"i")
    gdb.goto("end")
    text = _why(gdb)
    saved = ["late", "trap", "trap", "late", "link", "spoil"]
    if "virt" not in name:
        saved = ["late", "on_asked", "late", "link", "spoil"]
        assert re.search(r"was written by exception entry 38, which stacks r3$", text, re.M), text
    assert _functions(text)[: len(saved)] == saved, text


@pytest.mark.parametrize("name", NAMES)
def test_a_jump_to_nowhere(run: Run, name: str) -> None:
    gdb = run(name, b"j")
    gdb.goto("end")
    text = _why(gdb)
    assert "PC is 0xdeadbee0, where nothing can be executed.\nIt was jumped to by:\n" in text
    assert _functions(text)[:3] == ["run", "run", "spoil_hook"], text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mps2", "microbit"])
def test_lockup(run: Run, name: str) -> None:
    gdb = run(name, b"l")
    gdb.goto("end")
    text = _why(gdb)
    assert text.startswith(f"Step {gdb.step - 1} could not be done: the CPU locked up at 0x")
    assert "\nThat was in the handler of HardFault, which was entered in step" in text
    assert _functions(text).count("spoil") == 2


@pytest.mark.parametrize("name", NAMES)
def test_what_raised_an_interrupt(run: Run, name: str) -> None:
    gdb = run(name, b"p")
    timer = "clint" if "virt" in name else "timer0"
    for handler, pattern in (
        ("on_beat", rf"{timer} raised it by itself at step \d+, when its time had come.\n"),
        ("on_byte", r'^ +\d+  event \d+: char_read uart0 "x'),
    ):
        gdb.goto("start")
        gdb.say(f"tbreak {handler}")
        gdb.go("continue")
        here = gdb.step
        text = _why(gdb)
        assert re.search(pattern, text, re.MULTILINE), text
        assert text.startswith("This is the handler of ") and gdb.step == here
        assert set(_functions(text)) <= {"prepare", "on_beat", "on_byte", "next_beat"}, text


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupt_that_software_raised(run: Run, name: str) -> None:
    gdb = run(name, b"p")
    gdb.say("break trap" if "virt" in name else "break on_asked")
    for _ in range(4):
        gdb.go("continue")
        text = _why(gdb)
        if "for uart0" not in text and "UART" not in text and "uart0" not in text:
            break
    assert "It was raised by a write of the program's:\n" in text
    assert _functions(text) == ["run"], text


def test_a_timer_that_no_page_leads_to(
    tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """A device is where it is, whatever the page tables say of the program that was interrupted."""
    path, elf = tmp_path / "run.ttd", FIRMWARE / "rtos" / "rtos-rv64.elf"
    ttd("record", "--board", "virt", "--steps", "160000", "-o", path, elf)
    gdb = attach(elf, serve("serve", "--port", "0", path).port)
    gdb.goto("150000")
    gdb.say("tbreak set_alarm")
    gdb.go("continue")
    text = _why(gdb)
    assert "machine timer interrupt" in text
    written = r"Its registers were written last by:\n.* in set_alarm\+\d+: .* CLINT\.MTIMECMP = 0x"
    assert re.search(written, text), text


def test_elsewhere(run: Run) -> None:
    gdb = run("mps2", b"p")
    assert _why(gdb) == (
        "No handler of a fault or an interrupt runs at step 0, and there is no fault before it.\n"
    )
    gdb = run("virt", b"p")
    assert _why(gdb).startswith("No handler")
    assert "takes nothing" in _why(gdb, " now")


def test_in_a_trace_frame(
    crashed: Callable[[str, bytes], Path], serve: Callable[..., Server]
) -> None:
    """It explains what is looked at, and the target stays where it is."""
    port = serve("serve", "--port", "0", crashed("mps2", b"p")).port
    words = ["tfind pc on_beat", "monitor why", "tfind none", "monitor when"]
    commands = [f"target remote :{port}", *words]
    elf = FIRMWARE / "crash" / "crash-mps2.elf"
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", *(f"-ex={one}" for one in commands), elf],
        capture_output=True,
        check=True,
        timeout=HANG,
        text=True,
    )
    text = done.stdout + done.stderr
    assert "timer0 raised it by itself" in text
    assert "Step: 0 of" in text


@pytest.mark.slow
def test_all_faults(connect: Callable[[str], Gdb]) -> None:
    """Escalated or not; what could not be stacked; what a division has divided by."""
    gdb = connect("faults")
    events = gdb.say("monitor events --kind exception 1000")
    steps = [
        int(step) for step in re.findall(r"^ +(\d+)  exception [34567] ", events, re.MULTILINE)
    ]
    assert len(steps) > 50
    said = []
    for step in steps:
        gdb.goto(step + 1)
        said.append(_why(gdb))
        assert gdb.step == step + 1
        assert said[-1].startswith("This is the handler of "), said[-1]
    text = "\n".join(said)
    assert re.search(r"udiv r1, r1, r0\nr0 is 0x00000000:\n.*mov.w r0, #0", text), text
    assert "This is the handler of UsageFault, which was entered in step" in text


def test_of_a_live_machine(serve: Callable[..., Server], attach: Callable[..., Gdb]) -> None:
    """It goes on from where it was."""
    elf = FIRMWARE / "crash" / "crash-mps2.elf"
    gdb = attach(elf, serve("record", "--board", "mps2-an385", "--gdb", "0", elf).port)
    gdb.say("tbreak on_beat")
    gdb.go("continue")
    here = gdb.when()
    assert "timer0 raised it by itself" in _why(gdb)
    assert gdb.when() == here
    gdb.say("tbreak on_beat")
    gdb.go("continue")
    assert gdb.step > here[0]
    assert "in on_beat+" in _why(gdb)


def test_a_packet_that_came_in(
    tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """The log has the network's name, the interrupt the device's."""
    packet = bytes.fromhex(
        "52540012345602000000000108004500002000010000401162bc0a0002020a00020f"
        "0fa00007000c000071756974"
    )
    capture, path = tmp_path / "in.pcap", tmp_path / "net.ttd"
    capture.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        + struct.pack("<IIII", 0, 0, len(packet), len(packet))
        + packet
    )
    elf = FIRMWARE / "net-echo" / "net-echo.elf"
    netdev = ("--netdev", f"pcap,id=net0,file={capture},pace=fast")
    ttd("record", "--board", "mps2-an385", "--semihosting", "-o", path, *netdev, elf)
    gdb = attach(elf, serve("serve", "--port", "0", path).port)
    step = int(re.findall(r"(\d+)  interrupt 29", gdb.say("monitor events 1000"))[0])
    gdb.goto(step + 1)
    text = _why(gdb)
    assert "This is the handler of IRQ 13, ethernet," in text
    assert re.search(r"by what came in for ethernet:\n +\d+  event \d+: net net0, 46 bytes\n", text)
