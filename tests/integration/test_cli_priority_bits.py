"""How many bits of priority a Cortex-M3 has is part of what a recording is of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli_tools import info, ttd, verify

PROGRAM = bytes.fromhex(
    "00040020090000000448ff21016002680349044808604a602020abbe00e400e00000002026000200"
)
"""Vectors; r2 = 0xFF as the priority of interrupt 0 reads back; exit by SYS_EXIT_EXTENDED(r2)."""
BOARDS = {
    "mps2-an385": ("--board", "mps2-an385", "{program}@0"),
    "raw": (*("--board", "raw", "--cpu", "cortex-m3", "--ram", "0:4K", "--ram", "0x20000000:4K"),
            "--load", "{program}@0"),
}  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(PROGRAM)
    return path


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("bits", "value"), [(None, 0xFF), (3, 0xE0), (4, 0xF0), (8, 0xFF)])
def test_bits_that_read_back(
    tmp_path: Path, program: Path, board: str, bits: int | None, value: int
) -> None:
    path = tmp_path / "run.ttd"
    words = [word.format(program=program) for word in BOARDS[board]]
    more = () if bits is None else ("--priority-bits", str(bits))
    done = ttd("record", "--semihosting", "-o", path, *more, *words)
    assert done.code == value, done.err
    assert "the same" in verify(path)
    if bits is not None or board != "raw":
        assert info(path)["priority_bits"] == (bits or 8)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("mps2-an385", "--priority-bits", "2"), "a cortex-m3 has 3 to 8 bits of priority, not 2"),
        (("mps2-an385", "--priority-bits", "9"), "a cortex-m3 has 3 to 8 bits of priority, not 9"),
        (("mps2-an385", "--priority-bits", "x"), "'x' is not a valid integer"),
        (("microbit", "--priority-bits", "2"), "a cortex-m0 leaves no choice of priority bits"),
        (("virt", "--priority-bits", "8"), "a rv64 leaves no choice of priority bits"),
        (("raw", "--cpu", "cortex-m0", "--ram", "0:4K", "--priority-bits", "3"),
         "a cortex-m0 leaves no choice of priority bits"),
        (("raw", "--cpu", "cortex-m3", "--ram", "0:4K", "--priority-bits", "0"),
         "a cortex-m3 has 3 to 8 bits of priority, not 0"),
    ],
)  # fmt: skip
def test_bits_that_no_such_core_has(
    tmp_path: Path, program: Path, words: tuple[str, ...], why: str
) -> None:
    done = ttd("record", "-o", tmp_path / "run.ttd", f"{program}@0", "--board", *words)
    assert done.code == 2
    assert why in done.err
    assert not (tmp_path / "run.ttd").exists()
