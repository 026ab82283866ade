"""`import ttd`: recorded runs for programs."""

from __future__ import annotations

import doctest
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import ttd
from tests.integration.ethernet import arp, udp
from tests.integration.inside import FIRMWARE
from ttd.history import named_place

pytestmark = pytest.mark.slow
"""`make check` does without."""

CALLS = FIRMWARE / "calls" / "calls.elf"
BUTTONS = FIRMWARE / "microbit" / "microbit.elf"
EXPECTED = (FIRMWARE / "calls" / "expected.txt").read_text()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[ttd.Run]:
    path = tmp_path / "calls.ttd"
    made = ttd.record(board="mps2-an385", image=CALLS, semihosting=True, path=path)
    with made:
        yield made


def test_it_costs_nothing_until_it_is_used() -> None:
    code = (
        "import sys; before = set(sys.modules); import ttd\n"
        "print(sorted(n for n in set(sys.modules) - before if n.startswith('ttd')))\n"
        "ttd.Place; print('unicorn' in sys.modules, 'open' in dir(ttd))\n"
        "try: ttd.nothing\n"
        "except AttributeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "['ttd']"
    assert lines[2] == "module 'ttd' has no attribute 'nothing'"


def test_every_name_is_there() -> None:
    assert all(getattr(ttd, name) is not None for name in ttd.__all__)
    assert doctest.testmod(named_place).failed == 0


def test_places(run: ttd.Run) -> None:
    assert run.place == run.begin == ttd.Place("main", 0)
    assert run.goto("end") == run.end
    assert run.goto("50%").step == round(run.end.step / 2)
    middle = run.place
    assert run.goto(f"main:{middle.step + 7}") == run.step(0) > middle
    assert run.back(7) == middle <= run.end
    assert run.goto(str(middle)) == run.goto(middle) == run.goto(middle.step) == middle
    assert eval(repr(middle), {"Place": ttd.Place}) == middle
    assert run.step(-3) == run.goto(middle.step - 3)
    assert run.back(1 << 40) == run.begin and run.step(1 << 40) == run.end
    assert run.note == "the guest exited with code 0" == run.end_reason
    assert run.exit_code == 0 and run.board == "mps2-an385" and not run.live


def test_what_is_there(run: ttd.Run) -> None:
    run.goto("end")
    assert run.console.text == str(run.console) == EXPECTED and "DONE" in run.console
    assert [line.text for line in run.console.lines] == EXPECTED.splitlines()
    rare = run.symbols["rare"]
    assert run.memory["rare"] == b"3333" == run.memory[rare.address : rare.address + 4]
    assert run.memory.u32["rare"] == 0x33333333 == run.memory.u32[rare.address]
    assert run.memory.u8[rare.address] == run.memory[rare.address] == 0x33
    assert (
        run.memory.i32["corner"] == 13 and run.memory.i32[run.symbols["corner"].address + 4] == 16
    )
    assert run.symbols.at(rare.address + 1) == "rare+1"
    assert run.symbols.at(run.symbols["main"].address + 2) == "main+2"
    assert run.symbols.at(0xFFFFFFF0) is None and "main" in run.symbols and "x" not in run.symbols
    assert run.registers.pc == run.registers["pc"] and "r0" in run.registers
    assert dict(run.registers)["sp"] == run.registers.sp


def test_a_line_leads_to_its_place(run: ttd.Run) -> None:
    """At its place nothing of it is printed, one step on its first character is."""
    run.goto("end")
    line = next(line for line in run.console.lines if line.text.startswith("corner"))
    run.goto(line.place)
    before = EXPECTED[: EXPECTED.index("corner")]
    assert run.console.text == before
    run.step()
    assert run.console["uart0"].text == before + "c"
    assert run.console["uart1"].text == "" and run.console["uart1"].lines == []


def test_stops(run: ttd.Run) -> None:
    forward = list(run.stop_at(watch="rare", when="changed"))
    assert [(hit.old, hit.new) for hit in forward] == [
        (0, 0x11111111),
        (0x11111111, 0x22222222),
        (0x22222222, 0x33333333),
    ]
    assert run.place == forward[-1].place and run.memory.u32["rare"] == forward[-1].old
    run.step()
    assert run.memory.u32["rare"] == forward[-1].new
    assert list(reversed(run.stop_at(watch="rare", when="changed"))) == forward[::-1]
    run.goto("start")
    calls = list(run.stop_at("write_rare"))
    assert [hit.where for hit in calls] == ["write_rare"] * 3
    assert str(calls[0]) == f"{calls[0].place}  write_rare"
    assert run.stop_at("write_rare").next() is None and run.place == calls[-1].place
    assert run.stop_at("write_rare", hits=2).previous() == calls[0]
    counter = run.memory.u32["counter"]
    seen = run.stop_at(
        "inner", when=(ttd.reg("r0") > 3) & (ttd.u32["counter"] > counter + 2)
    ).next()
    assert seen is not None and run.memory.u32["counter"] > counter + 2 and run.registers.r0 > 3
    start = run.symbols["bytes"].address
    hit = run.stop_at(watch=slice(start, start + 2), access="rw").next()
    assert hit is not None and hit.address is not None and start <= hit.address < start + 2
    assert run.stop_at("main").next(until=run.place.step + 5) is None


def test_branches(run: ttd.Run) -> None:
    there = run.stop_at("write_rare", when="r0 == 0x33333333").next()
    assert there is not None
    with run.branch_off("another value", "other") as other:
        assert run.place == ttd.Place("other", there.place.step) and run.live
        run.registers.r0 = 0xDEADBEEF
        assert run.place.branch == "other", "at the end of what is recorded nothing branches off"
        run.go_on()
        assert run.note == "the guest exited with code 0"
        assert run.memory.u32["rare"] == 0xDEADBEEF
        assert run.console.text == EXPECTED
    assert run.place == there.place and str(other) == "other"
    run.goto("end")
    assert run.memory.u32["rare"] == 0x33333333
    assert run.branch("other").reason == "another value"
    assert run.memory.u32["rare"] == 0xDEADBEEF
    with pytest.raises(ttd.UserError, match="different branches"):
        assert run.place < there.place
    assert [branch.name for branch in run.branches] == ["main", "other"]


def test_a_write_in_the_past_begins_a_branch(run: ttd.Run) -> None:
    run.goto("30%")
    before, value = run.place, run.memory.u32["counter"]
    run.memory.u32["counter"] = value + 1
    assert run.place == ttd.Place("b1", before.step) and run.memory.u32["counter"] == value + 1
    assert [note[:28] for note in run.notes] == ["Branch b1 begins at step " + str(before.step)[:3]]
    run.memory["bytes"] = bytes(8)
    run.memory[run.symbols["half"].address] = 0x12
    assert run.place.branch == "b1" and run.memory["bytes"] == bytes(8)
    path = run.path
    run.go_on()
    run.close()
    with ttd.open(path, branch="b1") as again:
        assert again.goto(f"b1:{before.step + 1}").branch == "b1"
        assert again.branches[1].parent == "main" and again.branches[1].begin.step == before.step
        again.goto("main:0")
        again.discard("b1")
        assert len(again.branches) == 1


def test_temporary_branches_are_in_no_file(run: ttd.Run) -> None:
    path = run.path
    run.close()
    with ttd.open(path, temporary=True) as again:
        again.goto("30%")
        again.registers.r0 = 3
        assert again.place.branch == "b1"
    with ttd.open(path) as again:
        assert len(again.branches) == 1


def test_what_cannot_be_written_leaves_everything_alone(run: ttd.Run) -> None:
    here = run.goto("30%")
    for bad in (
        lambda: run.memory.write(0xFFFFFFF0, b"1"),
        lambda: run.registers.update(r0=1 << 32),
        lambda: run.memory.u8.__setitem__("counter", 256),
        lambda: run.memory.__setitem__("bytes", b"1"),
    ):
        with pytest.raises(ttd.UserError):
            bad()
        assert run.place == here and len(run.branches) == 1


def test_bookmarks(run: ttd.Run) -> None:
    marked = run.goto("70%")
    assert run.bookmark("crash", "look here") == marked
    run.goto("start")
    assert run.goto("crash") == marked == run.goto(run.bookmarks["crash"])


def test_events(run: ttd.Run) -> None:
    (end,) = run.events("end")
    assert "the guest exited with code 0" in end.text and end.place == run.end
    snapshots = list(run.events(["snapshot"]))
    assert snapshots and {event.kind for event in snapshots} == {"snapshot"}
    late = list(run.events("snapshot", first=1))
    assert late == [event for event in snapshots if event.step >= 1]
    assert next(run.events(last=0)).step == 0


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ("run.goto('x')", "goto takes N, P%, start, end, BRANCH:N or a bookmark, not 'x'"),
        ("run.goto(10**9)", "step 1000000000 is outside the history"),
        ("run.goto(-1)", "step -1 is outside the history"),
        ("run.goto('b7:3')", "b7"),
        ("run.registers.r99", "there is no register r99; there are r0 r1"),
        ("run.memory[0xfffffff0:0xfffffff4]", "there is nothing at 0xfffffff0"),
        ("run.memory[5:]", "memory[a:b] has both its ends"),
        ("run.memory['nothing']", "no program here has a symbol nothing"),
        ("run.stop_at()", "either a breakpoint or watch="),
        ("run.stop_at('main', hits=0)", "hits is 1 or more"),
        ("run.stop_at(watch='rare', access='x')", "access is 'w', 'r' or 'rw'"),
        ("run.stop_at('main', when='r0 >')", "it ends too early"),
        ("run.stop_at('main', when='bogus')", "there is no symbol and no register 'bogus'"),
        ("run.stop_at('main', when='old == 1').next()", "this is a breakpoint"),
        ("run.events('x')", "there are no events of kind x"),
        ("run.branch('x')", "x"),
        ("run.type('x')", "nothing can be typed in the past"),
        ("run.console['x']", "there is no device x that prints"),
        ("ttd.open('/nowhere.ttd')", "/nowhere.ttd: No such file or directory"),
        ("ttd.record(board='x', image='y')", "there is no board x; there are mps2-an385"),
        ("ttd.record(board='mps2-an385', image='y')", "y: No such file"),
        ("ttd.record(board='mps2-an385')", "IMAGE"),
        ("ttd.record(board='mps2-an385', image=CALLS, x=3)", "a machine has no x; it may have"),
        ("ttd.record(board='mps2-an385', image=CALLS, inputs={'x': ''})", "nobody can type at x"),
        ("ttd.record(board='mps2-an385', image=CALLS, inputs='x' * 70000)", "at most 65536"),
        ("ttd.record(board='mps2-an385', image=CALLS, path=run.path)", "calls.ttd"),
        ("ttd.record(board='mps2-an385', image=CALLS, memory='5Q')", "not '5Q'"),
        ("ttd.record(board='mps2-an385', image=CALLS, memory=1.5)", "cannot be told 1.5"),
        ("ttd.record(board='mps2-an385', image=CALLS, clock=0)", "1 to 1000000000 ns, not 0"),
        ("ttd.record(board='mps2-an385', image=CALLS, steps=-1)", "no -1 steps"),
        ("ttd.record(board='mps2-an385', image=CALLS, semihosting='/nowhere')", "is no folder"),
        ("ttd.record(board='mps2-an385', image=CALLS, devices=['x'])", "'x' is none of"),
        ("ttd.record(board='mps2-an385', image=CALLS, netdevs=['x'])", "'x' is none of dgram"),
        ("ttd.record(board='mps2-an385', image=CALLS, nic='netdev=a')", "there is no netdev a"),
        ("ttd.record(board='mps2-an385', image=CALLS, serials=['stdio'])", "this program's own"),
        ("ttd.record(board='mps2-an385', image=CALLS, serials=['null'] * 9)", "9 serials are"),
        ("ttd.record(board='mps2-an385', image=CALLS, serials={'x': 'null'})", "there is no x"),
        (
            "ttd.record(board='mps2-an385', image=CALLS, serials=['null'], inputs='x')",
            "nothing else is typed there",
        ),
        ("ttd.record(board='mps2-an385', image=CALLS, commit=True, embed=False)", "commit changes"),
        (
            "ttd.record(board='microbit', image=BUTTONS, inputs={'buttons': 'x'})",
            "keys are 'press KEY'",
        ),
        (
            "ttd.record(board='microbit', image=BUTTONS, inputs={'buttons': [('x', 'press a')]})",
            "say at which step",
        ),
    ],
)
def test_what_cannot_be(run: ttd.Run, ask: str, said: str) -> None:
    here = run.place
    with pytest.raises(ttd.UserError) as caught:
        eval(ask, {"run": run, "ttd": ttd, "CALLS": CALLS, "BUTTONS": BUTTONS})
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert run.place == here


def test_a_recording_is_replaced_when_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    for replace in (False, True):
        with ttd.record(board="microbit", image=BUTTONS, path=path, steps=10, replace=replace):
            pass
    with pytest.raises(ttd.UserError, match="is there already; replace=True replaces it"):
        ttd.record(board="microbit", image=BUTTONS, path=path, steps=10)


def test_closed(run: ttd.Run) -> None:
    run.close()
    run.close()
    with pytest.raises(ttd.UserError, match="is closed"):
        run.goto(0)
    assert "closed" in repr(run)


def test_a_recording_without_a_name_is_gone() -> None:
    with ttd.record(board="mps2-an385", image=CALLS, semihosting=True) as made:
        path = Path(made.path)
        assert path.exists()
    assert not path.parent.exists()


LONG = FIRMWARE / "bench" / "bench-notimer.elf"
ECHO = FIRMWARE / "echo" / "echo.elf"


def test_typed_all_at_once() -> None:
    typed = (FIRMWARE / "echo" / "input.txt").read_text()
    with ttd.record(board="mps2-an385", image=ECHO, semihosting=True, inputs=typed) as made:
        assert made.exit_code == 0
        made.goto("end")
        assert "received" in made.console.text


def test_typed_when_it_is_asked_for() -> None:
    """Twice the same run, to the step."""
    script = [("quit ends\n", "one\n"), ("You typed: one\n", "two\n"), (200_000, "quit\n")]
    ends = []
    for _ in range(2):
        inputs = {"uart0": script}
        with ttd.record(board="mps2-an385", image=ECHO, semihosting=True, inputs=inputs) as made:
            ends.append((made.end, list(made.events("char_read"))))
            made.goto("end")
            assert "You typed: one\nYou typed: two\nYou typed: quit\nlines 00000003" in made.console
    assert ends[0] == ends[1]


def test_an_input_that_was_another() -> None:
    with ttd.record(board="mps2-an385", image=ECHO, semihosting=True, inputs="one\nquit\n") as made:
        first = next(made.events("char_read"))
        made.goto(first.step - 1)
        with made.branch_off("typed otherwise", edits=[f"{first.step} chars X"]):
            made.go_on()
            assert "You typed: Xne\nYou typed: quit\n" in made.console
        assert made.step().branch == "main"
        with pytest.raises(ttd.UserError, match="an input is edited from before it"):
            made.branch_off("too late", edits=[f"{first.step} drop"]).__enter__()
        with pytest.raises(ttd.UserError, match="no input came at step 3"):
            made.branch_off("nothing", edits=["3 drop"]).__enter__()
        assert len(made.branches) == 2


def test_a_guest_that_waits_for_ever_ends() -> None:
    with ttd.record(board="mps2-an385", image=ECHO, inputs="hello\n") as made:
        assert made.end_reason == "the guest sleeps and nothing wakes it"
        made.goto("end")
        with made.branch_off("typed on"):
            made.type("more\n")
            made.go_on()
            assert made.note == "the guest sleeps and nothing wakes it"
            assert made.console.text.endswith("You typed: hello\nYou typed: more\n")
            assert made.stop_at("main").next() is None


def test_more_is_typed_than_waits_for_the_guest() -> None:
    """Nobody waits for room that only the guest can make, which does not run meanwhile."""
    inputs = [(0, "x" * (1 << 16)), (100, "")]
    with ttd.record(board="mps2-an385", image=CALLS, steps=2000, inputs=inputs) as made:
        made.goto(1000)
        with made.branch_off("typed on"):
            for _ in range(2):
                made.type("y" * (1 << 15))
            with pytest.raises(ttd.UserError, match="has not taken what was given to uart0"):
                made.type("y")


def test_a_machine_of_numbers_and_paths() -> None:
    blob = FIRMWARE / "blob" / "blob-rv64.elf"
    words = {
        "cpu": "rv64",
        "ram": "0x100000:1M",
        "load": blob,
        "sp": 0x1FFFF0,
        "priority_bits": None,
    }
    with ttd.record(board="raw", steps=100, **words) as made:
        assert made.registers.sp == 0x1FFFF0
    with ttd.record(board="microbit", image=BUTTONS, memory=32 << 10, steps=100) as made:
        assert made.memory.read(0x20007FFC, 4) == bytes(4)


def test_a_recording_that_is_interrupted_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "long.ttd"
    timer = threading.Timer(0.7, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ttd.record(board="mps2-an385", image=LONG, semihosting=True, path=path)
    timer.join()
    with ttd.open(path) as made:
        assert made.end.step > 0 and made.end_reason == "it was interrupted"


def test_steps_and_seed() -> None:
    for seed in (1, 1):
        with ttd.record(board="mps2-an385", image=CALLS, steps=1000, seed=seed) as made:
            assert made.end.step == 1000 and "limit" in made.end_reason


def test_ctrl_c(run: ttd.Run) -> None:
    """What is under way ends, and the machine goes on being used."""
    endless = run.stop_at("inner", when="0")
    run.goto("end")

    def press() -> None:
        time.sleep(0.3)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        while True:
            assert endless.previous() is None
    thread.join()
    assert run.place == run.end
    assert run.goto("50%").step == round(run.end.step / 2)


def test_semihosting_reads_what_is_typed() -> None:
    reads = FIRMWARE / "reads" / "reads.elf"
    inputs = {"semihosting": "abc\nhello\n"}
    with ttd.record(board="mps2-an385", image=reads, semihosting=True, inputs=inputs) as made:
        made.goto("end")
        assert "abc\nhello\n" in made.console
        assert made.console["uart0"].text != made.console["semihosting"].text


def test_a_console_that_was_added() -> None:
    image = FIRMWARE / "virtio-console" / "virtio-console.elf"
    with ttd.record(
        board="mps2-an385",
        image=image,
        semihosting=True,
        devices=["virtio-console"],
        inputs={"console0": "hello\nquit\n"},
    ) as made:
        made.goto("end")
        assert made.exit_code == 0 and "HELLO" in made.console["console0"]


def test_a_network(tmp_path: Path) -> None:
    capture = tmp_path / "in.pcap"
    frames = [arp(), udp(b"hello"), udp(b"quit")]
    packets = b"".join(struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames)
    capture.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + packets)
    with ttd.record(
        board="mps2-an385",
        image=FIRMWARE / "net-echo" / "net-echo.elf",
        semihosting=True,
        netdevs=[f"pcap,id=net0,file={capture},pace=fast"],
        nic="netdev=net0",
    ) as made:
        assert made.exit_code == 0 and len(list(made.events("net"))) == 3
        made.goto("end")
        assert "received 00000003" in made.console and "answered 00000002" in made.console


def test_a_host_side_of_a_serial_line(tmp_path: Path) -> None:
    path = tmp_path / "uart.txt"
    chardev = f"file:{path}"
    for serials in ([chardev], {"uart0": chardev}):
        path.unlink(missing_ok=True)
        with ttd.record(board="mps2-an385", image=ECHO, serials=serials) as made:
            assert made.end_reason == "the guest sleeps and nothing wakes it"
            assert path.read_text().startswith("echo: type lines")


def test_who_waits_for_a_connection_waits_for_so_long() -> None:
    serials = ["tcp:127.0.0.1:0,server,nowait"]
    began = time.monotonic()
    with ttd.record(board="mps2-an385", image=ECHO, serials=serials, wait=0.5) as made:
        assert time.monotonic() - began >= 0.5
        assert made.end_reason == "the guest sleeps and nothing wakes it"
        assert any("127.0.0.1" in note for note in made.notes)


def test_keys_and_buttons() -> None:
    down = '{"type": "key", "data": {"down": true, "key": {"type": "qcode", "data": "b"}}}'
    keys = [(5000, "press a"), (20_000, "release a"), (30_000, down)]
    with ttd.record(board="microbit", image=BUTTONS, steps=40_000, inputs={"buttons": keys}) as run:
        values = [hit.new for hit in run.stop_at(watch="pressed", when="changed")]
        assert values == [1 << 17, 0, 1 << 26]
        released = next(e.step for e in run.events("input") if "released" in e.text)
        run.goto(released - 1)
        with run.branch_off("it stays down", edits=[f"{released} drop"]):
            run.go_on(9000)
            assert run.memory.u32["pressed"] == 1 << 17
        with run.branch_off("B is pressed"):
            with pytest.raises(ttd.UserError, match="takes 'press KEY' and 'release KEY'"):
                run.type("b", "buttons")
            run.type("press b", "buttons")
            run.go_on(1000)
            assert run.memory.u32["pressed"] == 1 << 26, "and A is released, as it was"


@pytest.mark.parametrize("words", [{}, {"embed": False}, {"commit": True}])
def test_a_disk(tmp_path: Path, words: dict[str, bool]) -> None:
    """Of which a branch reads more than the recording has."""
    image, path = tmp_path / "disk.img", tmp_path / "disk.ttd"
    image.write_bytes(struct.pack("<II", 8, 64).ljust(1 << 17, b"x"))
    drives = [f"file={image},id=d0"]
    with ttd.record(
        board="mps2-an385",
        image=FIRMWARE / "disk-reads" / "disk-reads.elf",
        semihosting=True,
        devices=["virtio-blk,drive=d0"],
        drives=drives,
        path=path,
        **words,
    ) as made:
        assert made.exit_code == 0 and image.stat().st_size == 1 << 17
        read = next(e.step for e in made.events("block")) + 5
    if not words.get("embed", True):
        with pytest.raises(ttd.UserError, match="give the image with --drive"):
            ttd.open(path)
    for given in ([], drives) if words.get("embed", True) else (drives,):
        with ttd.open(path, drives=given, temporary=True) as run:
            run.goto(read)
            assert run.notes == []
            # How many sectors there are to be read: twice as many.
            run.memory.u32[run.symbols["buffer"].address + 4] = 128
            run.go_on()
            said = [note for note in run.notes if "does not have" in note]
            assert len(said) == (0 if given else 1), said
            assert run.exit_code is None and ("0x8000 of d0" in said[0] if said else True)
            run.goto("end")
            assert ("sectors 00000080" in run.console) == bool(given)


@pytest.mark.parametrize(
    ("image", "machine"),
    [
        ("rtos/rtos-rv64.elf", {"board": "virt"}),
        ("rtos/rtos-rv32.elf", {"board": "virt32"}),
        ("microbit/microbit.elf", {"board": "microbit"}),
        ("blob/blob-x86-64.elf", {"board": "raw", "cpu": "x86-64", "ram": ["0x100000:1M"]}),
        ("blob/blob-aarch64.elf", {"board": "raw", "cpu": "aarch64", "ram": ["0x100000:1M"]}),
    ],
)
def test_every_processor(image: str, machine: dict[str, Any]) -> None:
    """Names of registers, symbols, and hits that are the same both ways."""
    with ttd.record(image=FIRMWARE / image, semihosting=True, steps=20_000, **machine) as made:
        middle = made.goto("50%")
        name = made.symbols.at(made.registers.pc)
        assert name is not None
        here = made.symbols[name.split("+")[0]].address
        assert here <= made.registers.pc
        stack = made.registers.sp
        for found in (
            made.stop_at(made.registers.pc, when=f"sp == {stack} and pc == $pc"),
            made.stop_at(watch=slice(stack - 64, stack + 64), access="rw", when="address > 0"),
        ):
            made.goto(middle)
            hits = list(islice(found, 4))
            if len(hits) > 1:
                assert list(reversed(hits[:-1])) == [found.previous() for _ in hits[1:]]
        made.goto(middle)
        made.registers.sp = stack - 64
        assert made.place == ttd.Place("b1", middle.step) and made.registers["sp"] == stack - 64
        assert made.registers.pc == made.registers["pc"]
        assert made.step().step == middle.step + 1


def test_places_are_compared_with_places() -> None:
    with pytest.raises(ttd.UserError, match="main:3 is compared with a place, not with 4"):
        assert ttd.Place("main", 3) < 4  # type: ignore[operator]


def test_places_of_questions_are_on_the_present_branch(run: ttd.Run) -> None:
    """A step of another branch is not taken for one of this."""
    run.goto(100_000)
    with run.branch_off("for its places", "other"):
        run.registers["r0"] = 1
        there = run.go_on(1000)
        assert all(row.place.branch == "other" for row in run.ask.writes("rare", end=there))
    for ask in (
        lambda: run.ask.last("rare", at=there),
        lambda: run.ask.executed("main", begin=there),
        lambda: list(run.events(last=there)),
        lambda: run.stop_at("main").previous(until=there),
    ):
        with pytest.raises(ttd.UserError, match="is on another branch, other: go there first"):
            ask()
