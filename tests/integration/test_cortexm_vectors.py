"""Vectors that lead nowhere: fetch faults or lockup as in hardware, and one state at every step."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.integration.cli_tools import Done, info, ttd, verify

pytestmark = pytest.mark.slow

CODE = bytes.fromhex(
    "002001dffce706480268130a1a43130a1a43d2b20349044808604a602020abbe28ed00e00000002026000200"
)
"""movs r0, #0; svc #1. HardFault's handler exits with the bits of CFSR, its four bytes or-ed."""
RESET, HARD = 0x30, 0x36
IACCVIOL, IBUSERR, INVSTATE = 1, 1, 2
LEADS_NOWHERE = (0xFFFFFFFF, 0xFFFFFFF9, 0xF0000001, 0xFFFFFFF8, 0x40000001, 0x60000001, 0)


def program(folder: Path, svc: int, hard_fault: int = HARD | 1) -> Path:
    vectors = [0x20001000, RESET | 1, 0, hard_fault, *[0] * 7, svc]
    path = folder / "program"
    path.write_bytes(struct.pack("<12I", *vectors) + CODE)
    return path


BOARDS = ["mps2-an385", "microbit"]


def record(board: str, path: Path, image: Path, *more: str) -> Done:
    return ttd("record", "--board", board, *more, "--force", "-o", path, f"{image}@0")


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("vector", LEADS_NOWHERE)
def test_a_vector_that_leads_nowhere_is_a_fault_of_its_first_instruction(
    tmp_path: Path, board: str, vector: int
) -> None:
    path = tmp_path / "run.ttd"
    done = record(board, path, program(tmp_path, vector), "--semihosting")
    status = 0 if board == "microbit" else INVSTATE if not vector else IACCVIOL
    assert done.code == status, done.err
    assert "the same" in verify(path)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("vector", LEADS_NOWHERE)
def test_hard_faults_vector_that_leads_nowhere_locks_up(
    tmp_path: Path, board: str, vector: int
) -> None:
    path = tmp_path / "run.ttd"
    image = program(tmp_path, vector, vector)
    done = record(board, path, image, "--semihosting")
    assert done.code == 1
    assert "locked up" in info(path)["end"]
    assert "the same" in verify(path)
    for end in range(info(path)["steps"]) if vector == 0xFFFFFFFF else ():
        done = record(board, path, image, "--steps", str(end))
        assert done.code == 0, done.err
        assert "the same" in verify(path)
