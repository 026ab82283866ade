"""Firmware images: ELF, Intel HEX and raw binaries, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from io import StringIO
from itertools import pairwise
from typing import Self

from ttd.elf import MAGIC, PT_LOAD, Elf, ElfError
from ttd.errors import UserError
from ttd.values import dataclass

VECTOR_TABLE_MIN = 8
"""Initial stack pointer and reset vector: without these there is no vector table."""
ADDRESS_SPACE = 1 << 64
_KNOWN = {
    b"!<arch>\n": "a library of object files",
    b"SQLite format 3\0": "a database, perhaps a recording (for `ttd serve`)",
    b"\x1f\x8b": "compressed (gzip)",
    b"\xfd7zXZ\0": "compressed (xz)",
    b"PK\3\4": "an archive (zip)",
    b"UF2\n": "a UF2 file",
    b"S0": "Motorola S-records",
    b"MZ": "a program for Windows or UEFI",
}
"""How files begin that are sometimes taken for images."""
MAX_BYTES = 64 << 20
"""What a recording keeps of one file at most."""


class ImageError(UserError):
    """The image cannot be used; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes and the physical address they are loaded to.

    `run_end` is where the segment ends once the program runs: at its virtual address, with the
    zeroed memory (.bss) that follows the bytes of the file.
    """

    address: int
    data: bytes
    run_end: int
    headers: int = 0
    """So many of the first bytes are headers of the file, and the space behind them."""

    @property
    def end(self) -> int:
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Image:
    """What is loaded into memory before the machine starts.

    `entry` is the start address that the file names, if any. `data` is the file as it is, so
    that a recording can hold it and parse it again; `address` where a raw binary goes. `elf`:
    machine and bits of an ELF file, `zeros`: the memory it wants to find cleared (start, end),
    by the addresses it is loaded to, and `bss`: the same where the program has it when it runs.
    """

    path: str
    data: bytes
    address: int | None
    segments: tuple[Segment, ...]
    entry: int | None
    elf: tuple[str, int] | None = None
    zeros: tuple[tuple[int, int], ...] = ()
    bss: tuple[tuple[int, int], ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return sha256(self.data).hexdigest()

    @property
    def end(self) -> int:
        """Where the memory that the image takes ends."""
        ends = [segment.end for segment in self.segments] + [end for _, end in self.zeros]
        return max(ends)

    def brings_vector_table(self, address: int) -> bool:
        """Tell whether the image puts a vector table at `address`.

        A linker may let the first segment of a program begin with the ELF header itself, some
        pages below the code; when that lands on `address` it is no vector table.
        """
        for segment in self.segments:
            offset = address - segment.address
            if offset >= 0 and address + VECTOR_TABLE_MIN <= segment.end:
                return not segment.data.startswith(MAGIC, offset)
        return False


def parse_image(path: str, data: bytes, address: int | None = None) -> Image:
    """Take an image apart; `path` is used in messages only. A raw binary has an `address`."""
    if len(data) > MAX_BYTES:
        raise ImageError(f"{path} is larger than 64 MiB, the most that a recording keeps.")
    if address is None and data.startswith(MAGIC):
        return _parse_elf(path, data)
    entry: int | None
    if address is not None:
        if address + len(data) > ADDRESS_SPACE:
            raise ImageError(f"{path} at {address:#x} does not end inside the address space.")
        segments, entry = [Segment(address, data, address + len(data))], address
    elif data.lstrip().startswith(b":"):
        segments, entry = _parse_hex(path, data)
    elif not data:
        raise ImageError(f"{path} is empty, and so neither ELF nor Intel HEX.")
    else:
        for magic, what in _KNOWN.items():
            if data.startswith(magic):
                raise ImageError(f"{path} is {what}, and not ELF or Intel HEX.")
        raise ImageError(
            f"{path} is neither ELF nor Intel HEX; for a raw binary say where it goes, "
            f"as in {path}@0x0."
        )
    return Image(path, data, address, _sorted(path, segments), entry)


def _sorted(path: str, segments: list[Segment]) -> tuple[Segment, ...]:
    found = sorted((s for s in segments if s.data), key=lambda segment: segment.address)
    if not found:
        raise ImageError(f"{path} holds nothing to load.")
    return tuple(found)


def _parse_elf(path: str, data: bytes) -> Image:
    try:
        elf = Elf(data)
        found = list(_elf_segments(elf, data))
    except ElfError as error:
        raise _broken_elf(path) from error
    if not elf.little:
        raise ImageError(f"{path} is big endian; every board here is little endian.")
    if elf.type != _LINKED:
        kind, what = _NOT_LINKED.get(elf.type, (str(elf.type), "another kind of ELF file"))
        raise ImageError(
            f"{path} is {what} ({kind}); only a linked program with fixed addresses can be run."
        )
    segments = _sorted(path, [segment for segment, _ in found])
    cleared = [(segment, end) for segment, end in found if end > segment.end]
    zeros = tuple((segment.end, end) for segment, end in cleared)
    bss = tuple((s.run_end - (end - s.end), s.run_end) for s, end in cleared)
    machine = (elf.machine_name, elf.bits)
    return Image(path, data, None, segments, elf.entry, machine, zeros, bss)


_LINKED = 2
"""ET_EXEC."""
_NOT_LINKED = {
    1: ("ET_REL", "an object file"),
    3: ("ET_DYN", "a shared object or position-independent program"),
    4: ("ET_CORE", "a core dump"),
}


def _elf_segments(elf: Elf, data: bytes) -> Iterator[tuple[Segment, int]]:
    """Each segment, and where the memory it takes ends."""
    total = 0
    for segment in elf.segments:
        if segment.type != PT_LOAD:
            continue
        offset, size, address = segment.offset, segment.file_size, segment.physical
        headers = 0 if offset else min(size, elf.headers_end)
        total += size
        end = address + max(size, segment.memory_size)
        run_end = segment.virtual + max(size, segment.memory_size)
        if offset + size > len(data) or max(end, run_end) > ADDRESS_SPACE or total > MAX_BYTES:
            raise ElfError("a segment goes beyond the file, or the address space")
        yield Segment(address, data[offset : offset + size], run_end, headers), end


def _broken_elf(path: str) -> ImageError:
    return ImageError(f"{path} is a damaged or truncated ELF file.")


def _parse_hex(path: str, data: bytes) -> tuple[list[Segment], int | None]:
    # Slow to import, and rarely wanted.
    from intelhex import IntelHex  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        parsed = IntelHex()
        parsed.loadhex(StringIO(data.decode("ascii")))
        segments = [
            Segment(start, bytes(parsed.tobinarray(start=start, end=end - 1)), end)
            for start, end in parsed.segments()
        ]
        start = parsed.start_addr or {}
        entry = start.get("EIP")
    except Exception as error:  # intelhex lets the errors of its parsing through
        raise ImageError(f"{path} is not a complete Intel HEX file: {error}.") from error
    return segments, entry


ROLES = ("image", "kernel", "bios", "initrd", "load", "device-tree", "rom")


@dataclass(frozen=True, slots=True)
class Load:
    """An image, and what it is to the machine: one of `ROLES`."""

    role: str
    image: Image

    def to_text(self, name: str) -> str:
        """As the recording keeps it; its data are there by `name`."""
        at = "" if self.image.address is None else f"@{self.image.address:#x}"
        return f"{self.role}{at} {name}"

    @classmethod
    def from_text(cls, text: str, files: Mapping[str, bytes]) -> Self:
        """Inverse of `to_text`, for text from a file; `files`: the data by name."""
        match = _LOAD.fullmatch(text)
        if match is None or match[1] not in ROLES or match[3] not in files:
            raise ImageError(f"the recording has something to load that it cannot name: {text!r}.")
        address = None if match[2] is None else int(match[2], 16)
        return cls(match[1], parse_image(match[3], files[match[3]], address))


def check_apart(loads: Sequence[Load]) -> None:
    """Raise unless no two images go to the same memory."""
    parts = [(s.address, s.end, load.image) for load in loads for s in load.image.segments]
    parts.sort(key=lambda part: part[:2])
    for (start, end, image), (address, _, other) in pairwise(parts):
        if end > address and image is not other:
            raise ImageError(
                f"{image.path} has {start:#x} to {end:#x} for itself, but {other.path} goes to "
                f"{address:#x}."
            )


_LOAD = re.compile(r"(?s)([a-z-]+)(?:@0x([0-9a-f]{1,16}))? (.+)")
