"""What the `virt` board starts with and where it lies, as QEMU 7.2 places it.

Everything that is loaded is in the recording, the device tree and the ROM included, so that a
replay does not depend on any of this.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

from ttd.boards.base import Board, BootFiles
from ttd.boards.virt import layout
from ttd.boards.virt.layout import MIB
from ttd.boards.virt.tree import Chosen, build_tree
from ttd.cpu.models import CPUS
from ttd.elf import MAGIC
from ttd.errors import UserError
from ttd.images import Image, Load, check_apart, parse_image

TREE_ROOM = 1 * MIB
"""What QEMU keeps free for the tree; it is smaller."""
TREE_ALIGN = 2 * MIB
TREE_LIMIT = 3072 * MIB
"""Above this address 32-bit software would not reach the tree."""
KERNEL_ALIGN = {64: 2 * MIB, 32: 4 * MIB}
"""A kernel lies at the next such border after the firmware (one superpage)."""
INITRD_DISTANCE = 128 * MIB
"""From the beginning of the kernel; half of the memory if that is less."""
LARGEST_TREE = TREE_ROOM // 2


def boot(board: Board, files: BootFiles) -> list[Load]:
    """Place the files, and add the device tree and the reset ROM."""
    bits = CPUS[board.cpu].elf[1]
    found, next_address = _programs(board, files)
    ram = next(region for region in board.regions if region.base == layout.RAM_BASE)
    seed = _seed(found)
    chosen = Chosen(files.append, seed=seed)
    if files.initrd is not None:
        start = next_address + min(ram.size // 2, INITRD_DISTANCE)
        initrd = parse_image(*files.initrd, start)
        found.append(Load("initrd", initrd))
        chosen = Chosen(files.append, (start, initrd.end), seed)
    tree = build_tree(bits, ram.size, chosen)
    if len(tree) > LARGEST_TREE:
        raise UserError("the kernel's command line is too long for a device tree")
    tree_at = (min(ram.end, TREE_LIMIT) - TREE_ROOM) // TREE_ALIGN * TREE_ALIGN
    rom = reset_rom(bits, layout.RAM_BASE, tree_at, next_address)
    found.append(Load("device-tree", parse_image("virt.dtb", tree, tree_at)))
    found.append(Load("rom", parse_image("virt-reset.bin", rom, layout.ROM_BASE)))
    check_apart(found)
    return found


def _seed(loads: list[Load]) -> bytes:
    """32 bytes that differ from guest to guest and not from run to run."""
    return blake2b(b"".join(load.image.data for load in loads), digest_size=32).digest()


def _programs(board: Board, files: BootFiles) -> tuple[list[Load], int]:
    """Firmware and kernel, and the address that the firmware is told to go on at."""
    bits = CPUS[board.cpu].elf[1]
    if files.image is not None:
        image = files.image
        return [Load("image", image)], image.segments[0].address
    found, free = [], layout.RAM_BASE
    if files.bios is not None:
        bios = _image(board, files.bios, layout.RAM_BASE)
        found.append(Load("bios", bios))
        free = bios.end
    if files.kernel is None:
        return found, 0
    align = KERNEL_ALIGN[bits]
    kernel = _image(board, files.kernel, -(-free // align) * align)
    # Not the entry of an ELF: firmware goes on at the beginning, as if the kernel were raw.
    return [*found, Load("kernel", kernel)], kernel.segments[0].address


def _image(board: Board, file: tuple[str, bytes], address: int) -> Image:
    """An ELF goes where it says, anything else to `address`."""
    path, data = file
    image = parse_image(path, data, None if data.startswith(MAGIC) else address)
    return board.without_headers(image)


# -- the ROM ------------------------------------------------------------------------------

ZERO, T0, A0, A1, A2 = 0, 5, 10, 11, 12
"""Registers by their ABI names."""
CSR_MHARTID = 0xF14
INFO_MAGIC, INFO_VERSION, NEXT_IS_S_MODE = 0x4942534F, 2, 1
"""OpenSBI, `struct fw_dynamic_info`: "OSBI"."""


def _i_type(opcode: int, funct3: int, rd: int, rs1: int, immediate: int) -> int:
    """The I format (The RISC-V Instruction Set Manual, volume I, "Base Instruction Formats")."""
    return immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def reset_rom(bits: int, start: int, tree: int, next_address: int) -> bytes:
    """Code and data at the reset address, and what firmware is told (`fw_dynamic_info`).

    It jumps to `start` with the hart in a0, the device tree in a1 and the information in a2.
    """
    word = {32: "<I", 64: "<Q"}[bits]
    load = {32: 2, 64: 3}[bits]  # LW, LD
    code_size = 6 * 4
    start_at, tree_at, info_at = code_size, code_size + 8, code_size + 16
    code = [
        T0 << 7 | 0x17,  # auipc t0, 0: where this instruction is
        _i_type(0x13, 0, A2, T0, info_at),  # addi a2, t0, info
        _i_type(0x73, 2, A0, ZERO, CSR_MHARTID),  # csrr a0, mhartid
        _i_type(0x03, load, A1, T0, tree_at),
        _i_type(0x03, load, T0, T0, start_at),
        _i_type(0x67, 0, ZERO, T0, 0),  # jr t0
    ]
    info = (INFO_MAGIC, INFO_VERSION, next_address, NEXT_IS_S_MODE, 0, 0)
    return (
        struct.pack("<6I", *code)
        + struct.pack("<QQ", start, tree)
        + b"".join(struct.pack(word, value) for value in info)
    )
