"""FIFOs in a guest's directory: nobody waits for the other end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from errno import EAGAIN, ENXIO
from pathlib import Path

import pytest

from ttd.host.semihost_files import SemihostFiles

READ, WRITE, APPEND = 0, 4, 8
"""Modes of SYS_OPEN."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[SemihostFiles]:
    os.mkfifo(tmp_path / "fifo")
    made = SemihostFiles(tmp_path)
    yield made
    made.close_all()


@pytest.mark.parametrize("mode", [WRITE, APPEND])
def test_nobody_reads(files: SemihostFiles, tmp_path: Path, mode: int) -> None:
    with pytest.raises(OSError) as error:
        files.open(1, "fifo", mode)
    assert error.value.errno == ENXIO
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    files.open(1, "fifo", mode)
    taken = files.write(1, bytes(1 << 20))
    assert 0 < taken < 1 << 20, "a part"
    with pytest.raises(OSError) as error:
        files.write(1, b"x")
    assert error.value.errno == EAGAIN
    os.read(reader, 1 << 16)
    assert files.write(1, b"x") == 1
    os.close(reader)


def test_nobody_writes(files: SemihostFiles, tmp_path: Path) -> None:
    files.open(1, "fifo", READ)
    assert files.read(1, 10) == b""
    writer = os.open(tmp_path / "fifo", os.O_WRONLY)
    with pytest.raises(OSError) as error:
        files.read(1, 10)
    assert error.value.errno == EAGAIN
    os.write(writer, b"abc")
    assert files.read(1, 10) == b"abc"
    os.close(writer)
