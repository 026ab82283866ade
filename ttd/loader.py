"""Firmware images: ELF, Intel HEX and raw binaries, and where a board starts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO, StringIO

from elftools.elf.elffile import ELFFile

from ttd.boards.base import Board
from ttd.errors import UserError

ELF_MAGIC = b"\x7fELF"
VECTOR_TABLE_MIN = 8
"""Initial stack pointer and reset vector: without these there is no vector table."""
MAX_BYTES = 1 << 28
"""More than any board's memory; a file that claims more is broken, or means harm."""


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

    @property
    def end(self) -> int:
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Image:
    """What is loaded into memory before the machine starts.

    `entry` is the start address that the file names, if any. `data` is the file as it is, so
    that a recording can hold it and parse it again; `address` where a raw binary goes.
    """

    path: str
    data: bytes
    address: int | None
    segments: tuple[Segment, ...]
    entry: int | None

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return sha256(self.data).hexdigest()

    @property
    def is_elf(self) -> bool:
        return self.address is None and self.data.startswith(ELF_MAGIC)

    def brings_vector_table(self, address: int) -> bool:
        """Tell whether the image puts a vector table at `address`.

        A linker may let the first segment of a program begin with the ELF header itself, some
        pages below the code; when that lands on `address` it is no vector table.
        """
        for segment in self.segments:
            offset = address - segment.address
            if offset >= 0 and address + VECTOR_TABLE_MIN <= segment.end:
                return not segment.data.startswith(ELF_MAGIC, offset)
        return False


@dataclass(frozen=True, slots=True)
class Start:
    """How a board starts an image that brings no vector table.

    `pc` has bit 0 set for Thumb. `sp` is the end of the memory that the image lies in, and the
    heap may use what is between `heap` and there.
    """

    pc: int
    sp: int
    heap: int


def load_image(spec: str) -> Image:
    """Load the image that the user names: `FILE` (ELF, Intel HEX) or `FILE@ADDRESS` (raw)."""
    raw = re.fullmatch(r"(?s)(.+)@(0[xX][0-9a-fA-F]+|[0-9]+)", spec)
    path, address = (raw[1], int(raw[2], 0 if raw[2][:2].lower() == "0x" else 10)) if raw else (
        spec, None)  # fmt: skip
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise ImageError(f"{path!r} is not a file name.") from None
    return parse_image(path, data, address)


def parse_image(path: str, data: bytes, address: int | None = None) -> Image:
    """Take an image apart; `path` is used in messages only. A raw binary has an `address`."""
    if len(data) > MAX_BYTES:
        raise ImageError(f"{path} is larger than any board's memory.")
    entry: int | None
    if address is not None:
        if address + len(data) > 1 << 32:
            raise ImageError(f"{path} at {address:#x} does not end below 4 GB.")
        segments, entry = [Segment(address, data, address + len(data))], address
    elif data.startswith(ELF_MAGIC):
        segments, entry = _parse_elf(path, data)
    elif data.lstrip().startswith(b":"):
        segments, entry = _parse_hex(path, data)
    else:
        raise ImageError(
            f"{path} is neither ELF nor Intel HEX; for a raw binary say where it goes, "
            f"as in {path}@0x0."
        )
    segments = sorted((s for s in segments if s.data), key=lambda segment: segment.address)
    if not segments:
        raise ImageError(f"{path} holds nothing to load.")
    return Image(path, data, address, tuple(segments), entry)


def check_fits(image: Image, board: Board) -> None:
    """Raise unless all of the image goes into memory of the board."""
    for segment in image.segments:
        region = board.region_at(segment.address)
        last = board.region_at(segment.end - 1)
        if region is None or last is not region or len(segment.data) > region.size:
            raise ImageError(
                f"{image.path} has {len(segment.data)} bytes for {segment.address:#010x}, where "
                f"{board.name} has no memory for them: was it linked for another board?"
            )


def start_without_vectors(image: Image, board: Board) -> Start | None:
    """Return where to start an image that brings no vector table; None if it brings one.

    Such programs (newlib's `--specs=rdimon.specs` links them for 0x8000) expect a debugger to
    set PC and SP. The stack goes to the end of the memory the program lies in: newlib's heap
    grows from the program's end until it meets SP, so both must be in the same memory.
    """
    if image.brings_vector_table(board.reset_address):
        return None
    if image.entry is None:
        raise ImageError(
            f"{image.path} has neither a vector table at {board.reset_address:#x} "
            "nor a start address."
        )
    region = board.region_at(image.entry)
    if region is None:
        raise ImageError(
            f"{image.path} starts at {image.entry:#x}, where {board.name} has no memory."
        )
    base = next(
        base for base in (region.base, *region.mirrors) if base <= image.entry < base + region.size
    )
    end = base + region.size
    top = max((s.run_end for s in image.segments if base <= s.run_end <= end), default=base)
    return Start(pc=image.entry | 1, sp=end, heap=-(-top // 8) * 8)


def _parse_elf(path: str, data: bytes) -> tuple[list[Segment], int]:
    try:
        elf = ELFFile(BytesIO(data))
        header = elf.header
        machine, kind, entry = header["e_machine"], header["e_type"], int(header["e_entry"])
        bits, little = elf.elfclass, elf.little_endian
    except Exception as error:  # pyelftools raises whatever its parsing runs into
        raise _broken_elf(path) from error
    if (machine, bits, little) != ("EM_ARM", 32, True):
        order = "little" if little else "big"
        raise ImageError(
            f"{path} is for {machine}, {bits} bits, {order} endian; "
            "this board needs EM_ARM, 32 bits, little endian."
        )
    if kind != "ET_EXEC":
        raise ImageError(f"{path} is an ELF of type {kind}; only a linked program can be run.")
    try:
        segments = list(_elf_segments(elf, data))
    except Exception as error:
        raise _broken_elf(path) from error
    return segments, entry


def _elf_segments(elf: ELFFile, data: bytes) -> Iterator[Segment]:
    total = 0
    for index in range(elf.num_segments()):
        header = elf.get_segment(index).header
        if header["p_type"] != "PT_LOAD":
            continue
        offset, size, address = header["p_offset"], header["p_filesz"], header["p_paddr"]
        total += size
        if offset + size > len(data) or address + size > 1 << 32 or total > MAX_BYTES:
            raise ValueError("a segment goes beyond the file, or the address space")
        yield Segment(address, data[offset : offset + size], header["p_vaddr"] + header["p_memsz"])


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
