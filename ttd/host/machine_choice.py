"""Which machine the command line asks for: a board, its memory, and what is loaded into it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ttd.boards import BOARDS, PRIORITY_BITS, RAW, make_board
from ttd.boards.base import Board, BootFiles
from ttd.boards.numbers import BoardOptionError, parse_size
from ttd.boards.virt.layout import RAM_BASE
from ttd.built_for import check_built_for
from ttd.cpu.models import CPUS
from ttd.elf import MAGIC
from ttd.images import Image, Load, parse_image
from ttd.loader import load_image, read_file
from ttd.values import dataclass

OPENSBI = (
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
    "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
)
"""Where Debian's packages opensbi and qemu-system-data have what `--bios default` is: there is
none of 32 bits."""


@dataclass(frozen=True, slots=True)
class MachineChoice:
    """The words of the command line."""

    board: str
    image: str | None = None
    memory: str | None = None
    kernel: str | None = None
    bios: str | None = None
    initrd: str | None = None
    append: str | None = None
    cpu: str | None = None
    ram: Sequence[str] = ()
    load: Sequence[str] = ()
    pc: str | None = None
    sp: str | None = None
    uart: Sequence[str] = ()
    priority_bits: int | None = None
    say: Callable[[str], None] = lambda text: None
    """Told what the user should know."""

    def make(self) -> tuple[Board, list[Load]]:
        """The board and all that is loaded; a `UserError` says what cannot be."""
        if self.board == RAW:
            return self._make_raw()
        self._refuse(RAW, "cpu", "load", "pc", "sp", "uart")
        memory = self._memory()
        board = make_board(self.board, {"memory": memory, PRIORITY_BITS: self.priority_bits})
        if board.boot is None:
            wrong = ("kernel", "bios", "initrd", "append")
            if any(getattr(self, name) is not None for name in wrong):
                with_boot = [name for name, known in BOARDS.items() if known.boot is not None]
                self._refuse(", ".join(with_boot), *wrong)
            if self.image is None:
                raise BoardOptionError("Missing argument 'IMAGE'.")
            return board, [Load("image", self._image(self.image, board))]
        return board, board.boot(board, self._boot_files(board))

    def _memory(self) -> int | None:
        """Bytes of memory of a board that has a name; None: as many as it has."""
        if not self.ram:
            return None if self.memory is None else parse_size(self.memory, "--memory")
        if len(self.ram) > 1 or self.memory is not None:
            raise BoardOptionError(f"the memory of {self.board} is said once, by --ram or --memory")
        if ":" in self.ram[0]:
            raise BoardOptionError(f"--ram ADDRESS:SIZE is for {RAW}: {self.board} takes a size")
        return parse_size(self.ram[0], "--ram")

    def _make_raw(self) -> tuple[Board, list[Load]]:
        from ttd.boards import raw  # noqa: PLC0415 -- other boards do not need it

        self._refuse("boards with a boot loader", "kernel", "bios", "initrd", "append", "memory")
        words = [] if self.cpu is None else [f"cpu={self.cpu}"]
        words += [f"ram={text}" for text in self.ram]
        words += [f"uart={text}" for text in self.uart]
        if self.priority_bits is not None:
            words.append(f"{PRIORITY_BITS}={self.priority_bits}")
        board = raw.raw_board(words)
        loads = [] if self.image is None else [Load("image", self._image(self.image, board))]
        loads += [Load("load", self._image(text, board)) for text in self.load]
        if not loads:
            raise BoardOptionError("a raw board needs something to load (--load FILE@ADDRESS)")
        words += raw.start_words(board, loads, self.pc, self.sp)
        return raw.raw_board(words), loads

    def _image(self, spec: str, board: Board) -> Image:
        """An image that the processor of the board can run."""
        image = self._placed(load_image(spec), board)
        if doubt := check_built_for(image, board):
            self.say(doubt)
        if board.boot is not None and image.elf is not None and image.entry != RAM_BASE:
            self.say(
                f"{image.path} says that it begins at {image.entry:#x}, but {board.name} begins at "
                f"{RAM_BASE:#x}"
            )
        return image

    def _placed(self, image: Image, board: Board) -> Image:
        """As the board takes it, with a word about what it leaves out."""
        placed = board.without_headers(image)
        for before, after in zip(image.segments, placed.segments, strict=False):
            if left := after.address - before.address:
                self.say(
                    f"{image.path} begins with its own headers, {left} bytes for "
                    f"{before.address:#x}, where {board.name} has no memory: they are left out"
                )
        return placed

    def _program(self, path: str | None, board: Board) -> tuple[str, bytes] | None:
        """A file that is run; as `_image` if it is ELF."""
        file = _file(path)
        if file is not None and file[1].startswith(MAGIC):
            check_built_for(self._placed(parse_image(*file), board), board)
        return file

    def _boot_files(self, board: Board) -> BootFiles:
        if self.image is not None:
            for name in ("kernel", "bios", "initrd"):
                if getattr(self, name) not in (None, "none"):
                    raise BoardOptionError(
                        f"IMAGE is all that is started: it does not go with --{name}"
                    )
            return BootFiles(self._image(self.image, board), append=self.append or "")
        if self.kernel is None and self.bios in (None, "none"):
            raise BoardOptionError("there is nothing to run: give IMAGE, --kernel or --bios")
        if self.initrd is not None and self.kernel is None:
            raise BoardOptionError("--initrd goes with --kernel")
        return BootFiles(
            kernel=self._program(self.kernel, board),
            bios=self._bios(board),
            initrd=_file(self.initrd),
            append=self.append or "",
        )

    def _bios(self, board: Board) -> tuple[str, bytes] | None:
        if self.bios == "none":
            return None
        if self.bios not in (None, "default"):
            return self._program(self.bios, board)
        if CPUS[BOARDS[self.board].cpu].elf[1] != 64:
            raise BoardOptionError(
                f"there is a default firmware for 64 bits only: for {self.board} "
                "say --bios FILE or --bios none"
            )
        for path in OPENSBI:
            if os.path.exists(path):
                return _file(path)
        raise BoardOptionError(
            f"there is no OpenSBI at {OPENSBI[0]}: install it (Debian's package opensbi), "
            "or say --bios FILE or --bios none"
        )

    def _refuse(self, whose: str, *names: str) -> None:
        """Options that are for other boards."""
        for name in names:
            if getattr(self, name):
                option = f"--{name}"
                raise BoardOptionError(f"{option} is for {whose}, not for {self.board}")


def _file(path: str | None) -> tuple[str, bytes] | None:
    return None if path is None else (path, read_file(path))
