"""The `virt` board: its device tree and what it loads where, against QEMU's machine."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from tests.integration.guests import install
from ttd.boards import make_board
from ttd.boards.base import Board, BootFiles
from ttd.boards.numbers import BoardOptionError
from ttd.boards.virt.boot import boot
from ttd.boards.virt.tree import Chosen, build_tree
from ttd.errors import UserError
from ttd.images import Load, parse_image

MIB = 1 << 20
CPU = {64: "sifive-u54", 32: "sifive-u34"}
NAME = {64: "virt", 32: "virt32"}
RANDOM = "rng-seed"
"""Two recordings of one guest begin the same."""

needs_qemu = pytest.mark.slow
"""Such tests install it."""


@pytest.fixture(autouse=True)
def tools(request: pytest.FixtureRequest) -> None:
    """QEMU and the device tree compiler, for the tests that compare with them."""
    if request.node.get_closest_marker("slow"):
        have = [Path("/usr/bin/qemu-system-riscv64"), Path("/usr/bin/dtc")]
        install(have, "qemu-system-misc", "device-tree-compiler")


def board(bits: int, memory: int = 128 * MIB) -> Board:
    return make_board(NAME[bits], {"memory": memory})


# -- the device tree ----------------------------------------------------------------------


def source(tree: Path) -> list[str]:
    """The tree as text, sorted, without what is random."""
    done = subprocess.run(
        ["dtc", "-q", "-s", "-I", "dtb", "-O", "dts", tree], capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    return [line for line in lines if line and not line.strip().startswith(RANDOM)]


def qemu(bits: int, folder: Path, memory: int, *words: str) -> list[str]:
    path = folder / "qemu.dtb"
    subprocess.run(
        [f"qemu-system-riscv{bits}", "-M", f"virt,dumpdtb={path}", "-cpu", CPU[bits],
         "-m", f"{memory // MIB}M", *words],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return source(path)


@needs_qemu
@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("memory", [32 * MIB, 2048 * MIB])
def test_the_tree_is_that_of_qemu(tmp_path: Path, bits: int, memory: int) -> None:
    (tmp_path / "ours.dtb").write_bytes(build_tree(bits, memory, Chosen()))
    ours = source(tmp_path / "ours.dtb")
    assert ours == qemu(bits, tmp_path, memory, "-bios", "none")
    assert any("virtio_mmio@10008000" in line for line in ours)


@needs_qemu
def test_what_the_kernel_is_told_is_that_of_qemu(tmp_path: Path) -> None:
    kernel, initrd = tmp_path / "kernel", tmp_path / "initrd"
    kernel.write_bytes(bytes(3 * MIB))
    initrd.write_bytes(b"initrd" * 999)
    text = 'console=ttyS0 say="hello"'
    files = BootFiles(
        kernel=("kernel", kernel.read_bytes()),
        initrd=("initrd", initrd.read_bytes()),
        append=text,
    )
    loads = {load.role: load.image for load in boot(board(64), files)}
    (tmp_path / "ours.dtb").write_bytes(loads["device-tree"].data)
    words = ("-bios", "none", "-kernel", str(kernel), "-initrd", str(initrd), "-append", text)
    assert source(tmp_path / "ours.dtb") == qemu(64, tmp_path, 128 * MIB, *words)


# -- what is loaded where -----------------------------------------------------------------


def places(loads: list[Load]) -> dict[str, int]:
    return {load.role: load.image.segments[0].address for load in loads}


def qemu_places(bits: int, memory: int, *words: str) -> tuple[list[int], list[int]]:
    """Where QEMU loads its files, and the words of its reset ROM."""
    done = subprocess.run(
        [f"qemu-system-riscv{bits}", "-M", "virt", "-cpu", CPU[bits], "-m", f"{memory // MIB}M",
         "-display", "none", "-serial", "null", "-monitor", "stdio", "-S", *words],
        input=b"info roms\nxp /22xw 0x1000\nquit\n", capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    text = done.stdout.decode()
    roms = [int(found, 16) for found in re.findall(r"^addr=([0-9a-f]+)", text, re.M)]
    words_ = re.findall(r"^0{8,}10[0-9a-f]{2}:((?: 0x[0-9a-f]{8})+)", text, re.M)
    return roms, [int(word, 16) for line in words_ for word in line.split()]


@needs_qemu
@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("memory", [64 * MIB, 256 * MIB, 2048 * MIB])
@pytest.mark.parametrize("given", ["kernel", "bios", "bios kernel", "bios kernel initrd"])
def test_everything_lies_where_qemu_puts_it(
    tmp_path: Path, bits: int, memory: int, given: str
) -> None:
    contents = {"bios": 3 * MIB - 4, "kernel": 2 * MIB + 5, "initrd": 4321}
    files, words = {}, []
    for role in given.split():
        (tmp_path / role).write_bytes(b"\1" * contents[role])
        files[role] = (role, b"\1" * contents[role])
        words += [f"-{role}", str(tmp_path / role)]
    if "bios" not in given:
        words += ["-bios", "none"]
    loads = boot(board(bits, memory), BootFiles(**files))
    roms, rom = qemu_places(bits, memory, *words)
    # The ROM is in two parts there.
    ours = sorted([load.image.segments[0].address for load in loads] + [0x1028])
    assert ours == sorted(roms)
    data = next(load.image.data for load in loads if load.role == "rom")
    assert list(struct.unpack(f"<{len(data) // 4}I", data)) == rom[: len(data) // 4]


def elf64(address: int, entry: int, data: bytes) -> bytes:
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    size = len(data)
    return (
        ident + header + struct.pack("<IIQQQQQQ", 1, 5, 120, address, address, size, size, 8) + data
    )


def test_firmware_goes_on_at_the_beginning_of_an_elf_kernel() -> None:
    kernel = elf64(0x8040_0000, 0x8040_0100, bytes(999))
    loads = boot(board(64), BootFiles(bios=("b", b"firmware"), kernel=("k", kernel)))
    assert places(loads)["kernel"] == 0x8040_0000
    rom = next(load.image.data for load in loads if load.role == "rom")
    assert struct.unpack_from("<6Q", rom, 40) == (0x4942534F, 2, 0x8040_0000, 1, 0, 0)


def test_files_that_lie_on_each_other_are_refused() -> None:
    image = parse_image("image", bytes(MIB), 0x80000000 + 126 * MIB)
    with pytest.raises(UserError, match=r"virt.dtb .*image"):
        boot(board(64), BootFiles(image=image))
    with pytest.raises(UserError, match=r"bios .*kernel"):
        kernel = elf64(0x8000_1000, 0x8000_1000, bytes(999))
        boot(board(64), BootFiles(bios=("bios", bytes(MIB)), kernel=("kernel", kernel)))
    with pytest.raises(UserError, match="too long"):
        boot(board(64), BootFiles(image=image, append="x" * 2 * MIB))


@pytest.mark.parametrize("memory", [0, 1, MIB, 3 * MIB, 8192 * MIB])
def test_memory_that_cannot_be(memory: int) -> None:
    with pytest.raises(BoardOptionError, match="multiple of 2M up to"):
        board(64, memory)


def test_32_bits_address_less() -> None:
    assert board(64, 4096 * MIB).regions[-1].size == 4096 * MIB
    assert board(32, 2048 * MIB).regions[-1].end == 1 << 32
    with pytest.raises(BoardOptionError, match="2048M"):
        board(32, 4096 * MIB)
