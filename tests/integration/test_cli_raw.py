"""The raw board: any image, on memory and a processor of the user's choice."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.integration.cli_tools import Done, elf, info, ttd, verify
from tests.integration.cli_tools import raw as thumb_image
from ttd.images import parse_image

RAW = ("record", "--board", "raw", "--cpu", "cortex-m3")
RAM = ("--ram", "0:4M", "--ram", "0x20000000:4M")
UART = ("--uart", "cmsdk@0x40004000,irq=0")


def blob(tmp_path: Path, name: str) -> Path:
    """The firmware as bytes from address 0 on."""
    image = parse_image(name, elf(name).read_bytes())
    data = bytearray(max(segment.end for segment in image.segments if segment.address < 1 << 20))
    for segment in image.segments:
        data[segment.address : segment.end] = segment.data
    path = tmp_path / f"{name}.bin"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", ["elf", "blob", "pc and sp", "positional"])
def test_a_firmware_runs_as_on_its_board(tmp_path: Path, form: str) -> None:
    path, image = tmp_path / "run.ttd", elf("calls")
    raw = blob(tmp_path, "calls")
    board = tmp_path / "board.ttd"
    expected = ttd("record", "--board", "mps2-an385", "--semihosting", "-o", board, image)
    reset = parse_image("calls", image.read_bytes()).entry
    words = {
        "elf": ("--load", image),
        "blob": ("--load", f"{raw}@0"),
        "pc and sp": ("--load", f"{raw}@0", "--pc", f"{reset:#x}", "--sp", "0x20400000"),
        "positional": (image,),
    }[form]
    done = ttd(*RAW, *RAM, *UART, "--semihosting", "-o", path, *words)
    assert (done.code, done.out) == (expected.code, expected.out)
    assert done.out.endswith(b"\n")
    assert "the same" in verify(path)
    assert (info(path)["board"], info(path)["cpu"]) == ("raw", "cortex-m3")


def test_an_image_that_is_all_code_starts_at_its_first_byte(tmp_path: Path) -> None:
    # mov r0, #42; bkpt 0xab would need an exit call: it loops instead.
    path, code = tmp_path / "run.ttd", tmp_path / "code"
    code.write_bytes(bytes.fromhex("2a20fee7"))
    done = ttd(*RAW, "--ram", "0x1000:4K", "--load", f"{code}@0x1400", "--steps", "9", "-o", path)
    assert done.code == 0, done.err
    assert info(path)["steps"] == 9
    assert "the same" in verify(path)


def test_several_files(tmp_path: Path) -> None:
    """A loop here and its data there, from two files with one name."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    code, data = tmp_path / "a" / "part", tmp_path / "b" / "part"
    thumb_image(code, [0x4801, 0x6801, 0xE7FE, 0xBF00, 0x0000, 0x2000])
    data.write_bytes(b"data")
    path = tmp_path / "run.ttd"
    words = ("--load", f"{code}@0", "--load", f"{data}@0x20000000", "--steps", "99")
    assert ttd(*RAW, *RAM, *words, "-o", path).code == 0
    for file in (code, data):
        file.unlink()
    assert "the same" in verify(path)
    assert info(path)["loads"] == ["load@0x0 part", "load@0x20000000 part#2"]


WORDS = {
    # lui a5, 0x10000; then li a3, C; sb a3, 0(a5) each; j .
    "rv64": [0x100007B7, *(0x06800693, 0x00D78023, 0x06900693, 0x00D78023, 0x0000006F)],
    # movz x1, 0x1000, lsl 16; then mov w0, C; strb w0, [x1] each; str x1, [sp, -8]!; b .
    "aarch64": [
        0xD2A20001,
        *(0x52800D00, 0x39000020, 0x52800D20, 0x39000020),
        0xF81F8FE1,
        0x14000000,
    ],
}
CODE = {
    "rv64": struct.pack("<6I", *WORDS["rv64"]),
    "rv32": struct.pack("<6I", *WORDS["rv64"]),
    "aarch64": struct.pack("<7I", *WORDS["aarch64"]),
    # mov edi, 0x10000000; mov byte [rdi], C each; push rdi; jmp .
    "x86-64": bytes.fromhex("bf00000010 c60768 c60769 57 ebfe"),
}


@pytest.mark.parametrize(
    ("cpu", "uart"), [*((cpu, "ns16550") for cpu in CODE), ("aarch64", "pl011")]
)
def test_every_architecture(tmp_path: Path, cpu: str, uart: str) -> None:
    """It prints two letters, pushes on its stack where there is one, and loops."""
    path, code = tmp_path / "run.ttd", tmp_path / "code.bin"
    code.write_bytes(CODE[cpu])
    done = ttd(
        *("record", "--board", "raw", "--cpu", cpu, "--ram", "0x40000000:64K"),
        *("--uart", f"{uart}@0x10000000", "--load", f"{code}@0x40001000", "--steps", "99"),
        *("-o", path),
    )
    assert (done.code, done.out) == (0, b"hi"), done.err
    assert info(path)["steps"] == 99
    assert "the same" in verify(path)


def sentence(done: Done, *words: str) -> None:
    """Refused, and the last line says why."""
    assert (done.code, done.out) == (2, b"")
    last = done.err.splitlines()[-1]
    for word in words:
        assert word in last, done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--ram", "0:64K", "--ram", "0x8000:64K"), ("0x8000", "overlap")),
        (("--ram", "0:64K", "--uart", "cmsdk@0x8000"), ("UART at 0x8000", "overlap")),
        (("--ram", "0:100"), ("whole pages",)),
        (("--ram", "0:0"), ("whole pages",)),
        (("--ram", "0x200:64K"), ("whole pages",)),
        (("--ram", "0xFFFF0000:1M"), ("cannot address",)),
        (("--ram", "0:64K", "--ram", "0x20000000:8G"), ("4G",)),
        (("--ram", "0:64K", "--ram", "0xE0000000:64K"), ("overlap",)),
        (("--ram", "64K"), ("ADDRESS:SIZE", "64K")),
        (("--ram", "x:64K"), ("address", "'x'")),
        (("--ram", "0:64X"), ("size", "64X")),
        ((), ("--ram",)),
        (("--ram", "0:64K", "--uart", "modem@0x40000000"), ("no UART 'modem'", "cmsdk")),
        (("--ram", "0:64K", "--uart", "cmsdk"), ("TYPE@ADDRESS",)),
        (("--ram", "0:64K", "--uart", "cmsdk@0x40000000,irq=240"), ("0 to 239",)),
        (("--ram", "0:64K", "--pc", "0x90000000"), ("0x90000000", "no memory")),
        (("--ram", "0:64K", "--pc", "main"), ("--pc", "'main'")),
        (("--ram", "0:1K"), ("no memory for them",)),
        (("--ram", "0:64K", "--memory", "1M"), ("--memory",)),
        (("--ram", "0:64K", "--kernel", "x"), ("--kernel",)),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, words: tuple[str, ...], says: tuple[str, ...]) -> None:
    path = tmp_path / "run.ttd"
    sentence(ttd(*RAW, *words, "-o", path, "--load", f"{blob(tmp_path, 'calls')}@0"), *says)
    assert not path.exists()


def test_what_is_missing_or_for_others(tmp_path: Path) -> None:
    image, rest = elf("calls"), ("--ram", "0:4M", "-o", tmp_path / "run.ttd")
    sentence(ttd("record", "--board", "raw", *rest, "--load", image), "--cpu", "cortex-m3")
    sentence(ttd("record", "--board", "raw", "--cpu", "z80", *rest, "--load", image), "z80")
    sentence(ttd(*RAW, *rest), "--load")
    sentence(ttd(*RAW, *rest, "--load", f"{tmp_path / 'none'}@0"), "No such file")
    sentence(ttd("record", "--board", "mps2-an385", "--cpu", "cortex-m3", image), "--cpu", "raw")
    sentence(ttd("record", "--board", "mps2-an385", "-m", "1M", image), "memory", "one size")
    sentence(ttd("record", "--board", "mps2-an385", "--bios", "none", image), "--bios")


@pytest.mark.parametrize(
    ("cpu", "start", "multiple"), [("rv64", 0x40001001, 2), ("rv32", 0x1, 2), ("aarch64", 0x2, 4)]
)
def test_a_start_between_instructions(tmp_path: Path, cpu: str, start: int, multiple: int) -> None:
    path, code = tmp_path / "run.ttd", tmp_path / "code.bin"
    code.write_bytes(CODE[cpu])
    done = ttd(
        *("record", "--board", "raw", "--cpu", cpu, "--ram", f"{start & ~0xFFF:#x}:64K"),
        *("--load", f"{code}@{start & ~0xFFF:#x}", "--pc", f"{start:#x}", "--steps", "9"),
        *("-o", path),
    )
    assert done.code == 2
    assert f"at multiples of {multiple}" in done.err
    assert not path.exists()
