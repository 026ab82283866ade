"""What an instruction does, as `monitor why` reads it; and that an interruption ends it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ttd.cli.questions import questions
from ttd.host.semihost_files import SemihostFiles
from ttd.origin.instructions import decode
from ttd.recorded import RecordedMachine

FAULTS = Path(__file__).resolve().parents[1] / "firmware" / "faults" / "lockup.elf"


@pytest.mark.parametrize(
    ("architecture", "code", "sets", "bases", "loads", "stores"),
    [
        ("arm", "5868", {"r0"}, ("r3",), {"r0": 0}, ()),  # ldr r0, [r3, #4]
        ("arm", "d9f80000", {"r0"}, ("r9",), {"r0": 0}, ()),  # ldr.w r0, [r9]
        ("arm", "f8e80012", {"r1", "r2", "r8"}, ("r8",), {"r1": 0, "r2": 4}, ()),  # ldrd
        ("arm", "10b5", {"sp"}, ("sp",), {}, ((0, 4, "r4"), (4, 4, "lr"))),  # push {r4, lr}
        ("arm", "10bd", {"sp", "r4", "pc"}, ("sp",), {"r4": 0, "pc": 4}, ()),  # pop {r4, pc}
        ("arm", "40e80012", {"r2"}, ("r0",), {}, ((0, 4, "r1"),)),  # strex r2, r1, [r0]
        ("arm", "0b46", {"r3"}, (), {}, ()),  # mov r3, r1
        ("riscv:rv64", "03b50500", {"a0"}, ("a1",), {"a0": 0}, ()),  # ld a0, 0(a1)
        ("riscv:rv64", "a2e8", set(), ("sp",), {}, ((0, 8, "fp"),)),  # c.sdsp s0, 80(sp)
        ("riscv:rv32", "0845", {"a0"}, ("a0",), {"a0": 0}, ()),  # c.lw a0, 8(a0)
        ("riscv:rv64", "af25b500", {"a1"}, ("a0",), {"a1": 0}, ((0, 4, ""),)),  # amoadd.w
        ("riscv:rv64", "2a95", {"a0"}, (), {}, ()),  # c.add a0, a0
        ("riscv:rv64", "6300b500", set(), (), {}, ()),  # beq a0, a1, .
    ],
)
def test_decoded(
    architecture: str,
    code: str,
    sets: set[str],
    bases: tuple[str, ...],
    loads: dict[str, int],
    stores: tuple[tuple[int, int, str], ...],
) -> None:
    found = decode(architecture, bytes.fromhex(code), 0x1000)
    assert found is not None
    assert found.sets == sets, found
    assert (found.bases, found.loads, found.stores) == (bases, loads, stores)


@pytest.mark.parametrize("architecture", ["arm", "riscv:rv32", "riscv:rv64", "aarch64"])
def test_anything_decodes_or_does_not(architecture: str) -> None:
    """No encoding is answered with a traceback."""
    for first in range(0, 1 << 16, 7):
        code = first.to_bytes(2, "little") + b"\x00\x28"
        found = decode(architecture, code, 0x1000)
        if found is not None and found.address is not None:
            assert isinstance(found.address(lambda name: 16), int)


def test_an_interruption_ends_it(tmp_path: Path) -> None:
    path = str(tmp_path / "run.ttd")
    words = ("record", "--board", "mps2-an385", "--semihosting", "-o", path, str(FAULTS))
    subprocess.run([sys.executable, "-m", "ttd", *words], check=False, capture_output=True)
    session = RecordedMachine.open(path, SemihostFiles(None))
    timeline = session.timeline
    timeline.seek(timeline.end)
    why = {question.name: question for question in questions(session)}["why"]
    said = why.answer([])
    assert "locked up" in said
    timeline.interrupt()
    assert "The search was interrupted.\n" in why.answer([])
    assert timeline.position == timeline.end
    assert why.answer([]) == said


@pytest.mark.parametrize(
    ("cpu", "code", "said"),
    [("x86-64", "0f0b", "ud2"), ("aarch64", "010040f900000000", "ldr x1, [x0]")],
)
def test_other_processors(tmp_path: Path, cpu: str, code: str, said: str) -> None:
    """A fault is the end of the recording; the instruction is shown."""
    program, path = tmp_path / "program.bin", str(tmp_path / "run.ttd")
    program.write_bytes(bytes.fromhex(code))
    words = ("record", "--board", "raw", "--cpu", cpu, "--ram", "0x100000:1M", "-o", path)
    load = ("--load", f"{program}@0x100000")
    command = [sys.executable, "-m", "ttd", *words, *load]
    subprocess.run(command, check=False, capture_output=True)
    session = RecordedMachine.open(path, SemihostFiles(None))
    session.timeline.seek(session.timeline.end)
    text = {question.name: question for question in questions(session)}["why"].answer([])
    assert text.startswith("Step 0 could not be done: ")
    assert f"0x00100000: {said}\n" in text


@pytest.mark.parametrize(
    ("cpu", "code"),
    [
        # A bad pointer to memory, from there to a register, and an access by it.
        ("x86-64", "ba00001100 b9e0beadde 48890a 31c9 488b0a 488b01"),
        ("aarch64", "2202a0d2 a1d5bbd2 410000f9 e1031faa 410040f9 230040f9"),
    ],
)
def test_a_bad_pointer_on_other_processors(tmp_path: Path, cpu: str, code: str) -> None:
    program, path = tmp_path / "program.bin", str(tmp_path / "run.ttd")
    program.write_bytes(bytes.fromhex(code))
    words = ("record", "--board", "raw", "--cpu", cpu, "--ram", "0x100000:2M", "-o", path)
    load = ("--load", f"{program}@0x100000")
    command = [sys.executable, "-m", "ttd", *words, *load]
    subprocess.run(command, check=False, capture_output=True)
    session = RecordedMachine.open(path, SemihostFiles(None))
    session.timeline.seek(session.timeline.end)
    text = {question.name: question for question in questions(session)}["why"].answer([])
    steps = [line.split()[0] for line in text.splitlines() if line[:14].strip().isdigit()]
    assert steps == ["5", "4", "2", "1"], text
    assert "\nThat is a constant of the program.\n" in text
