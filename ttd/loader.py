"""How images get into a board's memory, and where the board starts them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ttd.boards.base import Board
from ttd.built_for import check_machine
from ttd.cpu.models import CPUS
from ttd.images import MAX_BYTES, Image, ImageError, Load, parse_image
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Start:
    """How a board starts an image that brings no vector table.

    `pc` has bit 0 set for Thumb. `sp` is the end of the memory that the image lies in, and the
    heap may use what is between `heap` and there.
    """

    pc: int
    sp: int
    heap: int = 0


def load_image(spec: str) -> Image:
    """Load the image that the user names: `FILE` (ELF, Intel HEX) or `FILE@ADDRESS` (raw)."""
    raw = re.fullmatch(r"(?s)(.+)@(0[xX][0-9a-fA-F]+|[0-9]+)", spec)
    if raw is not None:
        address = int(raw[2], 0 if raw[2][:2].lower() == "0x" else 10)
        return parse_image(raw[1], read_file(raw[1]), address)
    path, at, place = spec.rpartition("@")
    if at and not os.path.exists(spec) and os.path.exists(path):
        raise ImageError(
            f"{place!r} is not an address: where {path} goes is a number, as in {path}@0x8000."
        )
    return parse_image(spec, read_file(spec))


def read_file(path: str) -> bytes:
    """The contents of a file that is to be loaded; of one that is too large its beginning."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise ImageError(f"{path!r} is not a file name.") from None


def check_fits(image: Image, board: Board) -> None:
    """Raise unless the image is for processors like the board's and goes into its memory."""
    model = CPUS[board.cpu]
    check_machine(image, board)
    parts = [("", segment.address, segment.end) for segment in image.segments]
    # A Cortex-M runs a program where it is linked; elsewhere there may be page tables in between.
    cleared = image.bss if model.vectors else image.zeros
    parts += [("of zeros ", start, end) for start, end in cleared]
    for what, start, end in parts:
        if not board.has_memory(start, end):
            raise ImageError(
                f"{image.path} has {end - start} bytes {what}for {start:#010x}, where "
                f"{board.name} has no memory for them: was it linked for another board?"
            )


def start_of(loads: Sequence[Load], board: Board) -> Start | None:
    """Return where to start; None: as the core does by itself after a reset."""
    if board.start is not None:
        pc, sp = board.start
        return Start(pc, sp)
    if not CPUS[board.cpu].vectors:
        return None
    # With several images the one with the vector table starts, else the first one that can.
    failure = None
    starts: list[Start | None] = []
    for load in loads:
        try:
            starts.append(start_without_vectors(load.image, board))
        except ImageError as error:
            failure = failure or error
    if not starts and failure is not None:
        raise failure
    return None if None in starts or not starts else starts[0]


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
