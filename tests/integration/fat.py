"""A FAT16 image of a few kilobytes, made and read in a few lines."""

from __future__ import annotations

import struct

SECTOR = 512
FAT, FAT_SIZE, ROOT_ENTRIES, SECTORS = 1, 4, 16, 1024
ROOT = FAT + 2 * FAT_SIZE
DATA = ROOT + ROOT_ENTRIES * 32 // SECTOR


def make_image(hello: bytes) -> bytes:
    """An image with HELLO.TXT in cluster 2, and numbered sectors towards the end."""
    image = bytearray(b"".join(struct.pack("<I", n) * 128 for n in range(SECTORS)))
    boot = struct.pack(
        "<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"ttd", SECTOR, 1, FAT, 2, ROOT_ENTRIES, SECTORS,
        0xF8, FAT_SIZE, 32, 2, 0, 0,
    )  # fmt: skip
    image[: DATA * SECTOR] = bytes(DATA * SECTOR)
    image[: len(boot)] = boot
    for copy in range(2):
        at = (FAT + copy * FAT_SIZE) * SECTOR
        image[at : at + 6] = struct.pack("<HHH", 0xFFF8, 0xFFFF, 0xFFFF)
    at = ROOT * SECTOR
    image[at : at + 32] = struct.pack("<11sB14xHI", b"HELLO   TXT", 0x20, 2, len(hello))
    image[DATA * SECTOR : DATA * SECTOR + SECTOR] = hello.ljust(SECTOR, b"\0")
    return bytes(image)


def read_file(image: bytes, name: bytes) -> bytes:
    """A file of one cluster, by its 11 letters."""
    for at in range(ROOT * SECTOR, DATA * SECTOR, 32):
        if image[at : at + 11] == name:
            cluster, size = struct.unpack_from("<HI", image, at + 26)
            start = (DATA + cluster - 2) * SECTOR
            return image[start : start + size]
    raise KeyError(name)
