"""Which processors an image was built for, as its ELF attributes tell."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ttd.boards import BOARDS
from ttd.built_for import check_built_for
from ttd.elf_attributes import riscv_extensions
from ttd.host.machine_choice import MachineChoice
from ttd.images import ImageError, parse_image

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
M3, M0, RV64, RV32 = (BOARDS[name] for name in ("mps2-an385", "microbit", "virt", "virt32"))
NAME, ARCH, PROFILE, ARM, THUMB, FP, VFP_ARGS = 5, 6, 7, 8, 9, 10, 28
"""Tags of the Arm ABI's build attributes."""
EM_ARM, EM_RISCV = 40, 243


def attributed(machine: int, bits: int, name: str, kind: int, vendor: str, content: bytes) -> bytes:
    """An ELF file with a vector table and one section of build attributes."""
    part = b"\x01" + struct.pack("<I", 5 + len(content)) + content
    body = vendor.encode() + b"\0" + part
    section = b"A" + struct.pack("<I", 4 + len(body)) + body
    names = b"\0" + name.encode() + b"\0.shstrtab\0"
    data = struct.pack("<II", 0x20001000, 0x101)
    address = "I" if bits == 32 else "Q"
    head, ph, sh = (52, 32, 40) if bits == 32 else (64, 56, 64)
    at = head + ph
    if bits == 32:
        program = struct.pack("<8I", 1, at, 0, 0, len(data), len(data), 5, 4)
    else:
        program = struct.pack("<IIQQQQQQ", 1, 5, at, 0, 0, len(data), len(data), 4)
    after = at + len(data)
    table = after + len(section) + len(names)

    def entry(title: int, of: int, offset: int, size: int) -> bytes:
        words = (title, of, 0, 0, offset, size, 0, 0, 1, 0)
        return struct.pack(f"<II4{address}II2{address}", *words)

    sections = entry(0, 0, 0, 0) + entry(1, kind, after, len(section))
    sections += entry(2 + len(name), 3, after + len(section), len(names))
    ident = b"\x7fELF" + bytes([1 if bits == 32 else 2, 1, 1]) + bytes(9)
    header = struct.pack(
        f"<HHI3{address}I6H", 2, machine, 1, 0x101, head, table, 0, head, ph, 1, sh, 3, 2
    )
    return ident + header + program + data + section + names + sections


def arm(**tags: int | str) -> bytes:
    content = b""
    for tag, value in tags.items():
        content += bytes([globals()[tag]])
        content += value.encode() + b"\0" if isinstance(value, str) else bytes([value])
    return attributed(EM_ARM, 32, ".ARM.attributes", 0x70000003, "aeabi", content)


def riscv(arch: str, bits: int = 64) -> bytes:
    content = b"\x05" + arch.encode() + b"\0"
    return attributed(EM_RISCV, bits, ".riscv.attributes", 0x70000003, "riscv", content)


M, A, R = map(ord, "MAR")


@pytest.mark.parametrize(
    ("data", "m3", "m0"),
    [
        (arm(NAME="7-M", ARCH=10, PROFILE=M, THUMB=2), "", "Armv7-M"),
        (arm(NAME="6S-M", ARCH=12, PROFILE=M, THUMB=1), "", ""),
        (arm(NAME="6-M", ARCH=11, PROFILE=M, THUMB=1), "", ""),
        (arm(ARCH=13, PROFILE=M, THUMB=2, FP=6, VFP_ARGS=1), "floating-point", "floating-point"),
        (arm(ARCH=13, PROFILE=M, THUMB=2, FP=6), "floating-point", "floating-point"),
        (arm(NAME="8-M.MAIN", ARCH=17, PROFILE=M, THUMB=3), "Armv8-M.mainline", "Armv8-M.mainline"),
        (arm(NAME="8-M.BASE", ARCH=16, PROFILE=M, THUMB=3), "Armv8-M.baseline", "Armv8-M.baseline"),
        (arm(ARCH=21, PROFILE=M, THUMB=3), "Armv8.1-M.mainline", "which is Armv6-M"),
        (arm(NAME="7-A", ARCH=10, PROFILE=A, ARM=1, THUMB=2), "Armv7-A", "application processors"),
        (arm(ARCH=10, PROFILE=A, ARM=1, THUMB=2, FP=3, VFP_ARGS=1), "Armv7-A", "Armv7-A"),
        (arm(NAME="7-R", ARCH=10, PROFILE=R, ARM=1, THUMB=2), "Armv7-R", "real-time"),
        (arm(NAME="5TEJ", ARCH=5, ARM=1, THUMB=1), "Armv5TEJ", "Thumb only"),
        (arm(ARM=1), "Thumb only", "Thumb only"),
        # Assembled without a word about the processor.
        (arm(ARCH=8, THUMB=2), "", ""),
        (arm(ARCH=2, THUMB=1), "", ""),
        (arm(), "", ""),
        (arm(ARCH=99, PROFILE=M), "which is Armv7-M", "which is Armv6-M"),
    ],
)
def test_arm(data: bytes, m3: str, m0: str) -> None:
    image = parse_image("fw.elf", data)
    for board, words in ((M3, m3), (M0, m0)):
        if words:
            with pytest.raises(ImageError, match=words) as caught:
                check_built_for(image, board)
            assert board.cpu in str(caught.value) and "fw.elf" in str(caught.value)
        else:
            assert check_built_for(image, board) == ""


def test_a_cortex_m4_without_fpu_is_doubtful() -> None:
    """Most of such a program runs on a Cortex-M3, all of it only by luck."""
    image = parse_image("fw.elf", arm(NAME="7E-M", ARCH=13, PROFILE=M, THUMB=2))
    assert "DSP instructions" in check_built_for(image, M3)
    with pytest.raises(ImageError, match="Armv7E-M"):
        check_built_for(image, M0)


@pytest.mark.parametrize(
    ("arch", "missing"),
    [
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zifencei2p0_zmmul1p0", ""),
        ("rv64imac", ""),
        ("rv64i2p0_m2p0_a2p0_c2p0_zicsr", ""),
        ("rv64i2p1_m2p0_v1p0_zve32f1p0_zvl128b1p0", "V"),
        ("rv64imafdcv", "V"),
        ("rv64gcv_zba", "V"),
        ("rv64i2p1_m2p0_zba1p0", "zba"),
        ("rv64i2p1_zfh1p0", "zfh"),
        ("rv64i2p1_c2p0_xtheadba1p0", "xtheadba"),
        ("rv64i2p1_zicond1p0", "zicond"),
        ("something else", ""),
        ("", ""),
    ],
)
def test_riscv(arch: str, missing: str) -> None:
    for board, bits in ((RV64, 64), (RV32, 32)):
        image = parse_image("fw.elf", riscv(arch.replace("64", str(bits), 1), bits))
        if missing:
            with pytest.raises(ImageError, match=f"extension {missing},.*rv{bits}gc"):
                check_built_for(image, board)
        else:
            assert check_built_for(image, board) == ""


def test_names_of_extensions() -> None:
    assert riscv_extensions(riscv("rv32i2p1_m2p0_zvl128b1p0_zve32x")) == [
        *("i", "m", "zvl128b", "zve32x")
    ]


def test_another_machine_comes_first() -> None:
    with pytest.raises(ImageError, match=r"is for Arm, 32 bits; virt needs RISC-V, 64 bits\."):
        check_built_for(parse_image("fw.elf", arm(ARCH=13, PROFILE=M, FP=6)), RV64)
    with pytest.raises(ImageError, match="is for RISC-V, 64 bits; virt32 needs RISC-V, 32 bits"):
        check_built_for(parse_image("fw.elf", riscv("rv64gcv")), RV32)


def test_broken_attributes_say_nothing() -> None:
    whole = arm(NAME="7-A", ARCH=10, PROFILE=A, ARM=1)
    at = whole.index(b"aeabi")
    for change in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        broken = parse_image("fw.elf", whole[: at - 4] + change + whole[at:])
        check_built_for(broken, M3)


def test_a_start_elsewhere_is_said(tmp_path: Path) -> None:
    """A linker may put the ELF header where the board begins."""
    path = tmp_path / "fw.elf"
    said: list[str] = []
    path.write_bytes(riscv("rv64gc"))
    MachineChoice("virt", str(path), say=said.append).make()
    assert said == [f"{path} says that it begins at 0x101, but virt begins at 0x80000000"]
    said.clear()
    MachineChoice("virt", str(FIRMWARE / "rtos" / "rtos-rv64.elf"), say=said.append).make()
    assert said == []


def test_nothing_is_said_of_a_program_that_is_refused() -> None:
    """One sentence: where it begins is no matter on another processor."""
    said: list[str] = []
    for board in ("virt", "virt32"):
        with pytest.raises(ImageError, match="is for Arm, 32 bits"):
            MachineChoice(board, str(FIRMWARE / "calls" / "calls.elf"), say=said.append).make()
    assert said == []


def test_our_own_firmware_is_built_for_its_boards() -> None:
    for name, board in (
        ("calls/calls", M3),
        ("microbit/microbit", M0),
        ("rtos/rtos-rv64", RV64),
        ("rtos/rtos-rv32", RV32),
    ):
        path = FIRMWARE / f"{name}.elf"
        assert check_built_for(parse_image(str(path), path.read_bytes()), board) == ""
