"""Disk images on this host."""

import os
import threading
from pathlib import Path

import pytest

from ttd.host.drive import RawImage


def sparse(path: Path, size: int, parts: dict[int, bytes]) -> Path:
    with open(path, "wb") as file:
        file.truncate(size)
        for offset, data in parts.items():
            file.seek(offset)
            file.write(data)
    return path


PARTS = {70_000: b"one", (1 << 20) - 3: b"across", (3 << 20) - 5: b"end.."}


def digest(path: Path) -> bytes:
    image = RawImage(str(path))
    try:
        return image.digest()
    finally:
        image.close()


def test_the_hash_is_of_the_contents_whether_or_not_there_are_holes(tmp_path: Path) -> None:
    holes = sparse(tmp_path / "holes", 3 << 20, PARTS)
    full = tmp_path / "full"
    full.write_bytes(holes.read_bytes())
    assert digest(holes) == digest(full)
    for offset in (0, 70_001, (3 << 20) - 1):
        changed = bytearray(full.read_bytes())
        changed[offset] ^= 1
        (tmp_path / "changed").write_bytes(changed)
        assert digest(tmp_path / "changed") != digest(full)
    assert digest(sparse(tmp_path / "longer", (3 << 20) + 512, PARTS)) != digest(full)
    moved = {offset + (1 << 16): data for offset, data in PARTS.items() if offset < 1 << 20}
    assert digest(sparse(tmp_path / "moved", 3 << 20, moved)) != digest(full)


def test_holes_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sparse(tmp_path / "large", 64 << 30, {5 << 30: b"x", (64 << 30) - 1: b"y"})
    if os.stat(path).st_blocks > 1000:
        pytest.skip("this file system has no holes")
    read: list[int] = []
    pread = os.pread

    def counting(fd: int, count: int, offset: int) -> bytes:
        read.append(offset)
        return pread(fd, count, offset)

    monkeypatch.setattr(os, "pread", counting)
    digest(path)
    assert len(read) < 10


def test_an_image_that_is_another_file_by_now_is_not_written(tmp_path: Path) -> None:
    path = sparse(tmp_path / "disk", 4096, {})
    image = RawImage(str(path))
    os.rename(sparse(tmp_path / "other", 4096, {}), path)
    with pytest.raises(OSError, match="another file"):
        image.write(0, b"x")
    image.close()
    assert path.read_bytes() == bytes(4096)


def test_a_read_that_never_ends_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "image"
    path.write_bytes(bytes(4096))
    begun, never = threading.Event(), threading.Event()

    def hang(self: RawImage, offset: int, count: int) -> bytes:
        begun.set()
        never.wait()
        return b""

    monkeypatch.setattr(RawImage, "read", hang)
    image, done = RawImage(str(path)), []
    for _ in range(20):
        image.submit([(0, 512)], lambda parts, errno: done.append(errno))
    assert begun.wait(30)
    image.close()
    assert done == []
    never.set()


def test_requests_are_done(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"a" * 512 + b"b" * 512)
    image, found, all_done = RawImage(str(path)), [], threading.Event()

    def done(parts: list[bytes], errno: int) -> None:
        found.append((parts, errno))
        if len(found) == 9:
            all_done.set()

    for _ in range(9):
        image.submit([(512, 512), (0, 4)], done)
    assert all_done.wait(30)
    assert found == [([b"b" * 512, b"aaaa"], 0)] * 9
    image.close()
    image.close()
