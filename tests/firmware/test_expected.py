"""Every test program prints what it should, recorded and replayed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = ["calls", "irqs", "faults", "loops", "mpu", "selfmod", "tasks"]
KERNELS = ["freertos", "zephyr", "riot"]
"""All under the program in `threads`."""


def ttd(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ttd", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("name", [*PROGRAMS, *KERNELS])
def test_output(name: str, tmp_path: Path) -> None:
    recording, output = str(tmp_path / "run.ttd"), tmp_path / "uart.txt"
    elf = HERE / name / f"{name}.elf"
    if name in KERNELS:
        elf = HERE / "threads" / f"{name}.elf"
    recorded = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", recording),
        *("--serial", f"file:{output}", str(elf)),
    )
    assert recorded.returncode == 0, recorded.stderr.decode()
    expected = (elf.parent / "expected.txt").read_bytes()
    assert without_gaps(name, output.read_bytes()) == without_gaps(name, expected)

    replayed = ttd("replay", recording, "--echo", "--verify")
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout.replace(b"\r\n", b"\n") == output.read_bytes()


def without_gaps(name: str, output: bytes) -> list[bytes]:
    """The lines that a known gap of the CPU model (ttd/cpu/armv7m/__init__.py) does not change."""
    if name != "faults":
        return output.splitlines()
    gap = (b"unaligned LDM", b"unaligned LDRD", b"handled", b"DONE")
    return [line for line in output.splitlines() if not line.startswith(gap)]


def test_lockup_ends_the_recording(tmp_path: Path) -> None:
    recording, output = str(tmp_path / "run.ttd"), tmp_path / "uart.txt"
    ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", recording),
        *("--serial", f"file:{output}", str(HERE / "faults" / "lockup.elf")),
    )
    assert output.read_bytes() == (HERE / "faults" / "expected-lockup.txt").read_bytes()
    replayed = ttd("replay", recording, "--verify")
    assert replayed.returncode == 0, replayed.stderr.decode()


def test_typed_lines(tmp_path: Path) -> None:
    recording, elf = str(tmp_path / "run.ttd"), HERE / "echo" / "echo.elf"
    recorded = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", recording),
        *("--serial", "stdio", str(elf)),
        stdin=(HERE / "echo" / "input.txt").read_bytes(),
    )
    expected = (HERE / "echo" / "expected.txt").read_bytes()
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert recorded.stdout.replace(b"\r\n", b"\n") == expected
    replayed = ttd("replay", recording, "--echo", "--verify")
    assert replayed.stdout.replace(b"\r\n", b"\n") == expected
