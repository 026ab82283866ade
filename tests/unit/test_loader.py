"""Firmware images: what is loaded where, how it starts, and that broken files say so."""

from __future__ import annotations

import struct
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intelhex import IntelHex

from tests.examples import examples
from ttd.boards import BOARDS
from ttd.boards.raw import raw_board
from ttd.images import MAX_BYTES, Image, ImageError, Load, Segment, parse_image
from ttd.loader import check_fits, load_image, start_without_vectors
from ttd.recording.blob import MAX_RAW

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
RDIMON = (FIRMWARE / "rdimon" / "rdimon.elf").read_bytes()
AN385 = BOARDS["mps2-an385"]


def small_elf(segments: list[tuple[int, int, bytes]], entry: int = 0x101) -> bytes:
    """An ELF of (virtual address, physical address, data) segments."""
    headers_end = 52 + 32 * len(segments)
    body, table = b"", b""
    for virtual, physical, data in segments:
        where = headers_end + len(body)
        table += struct.pack("<8I", 1, where, virtual, physical, len(data), len(data) + 16, 5, 4)
        body += data
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    header = struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, entry, 52, 0, 0x5000200, 52, 32, len(segments), 40, 0, 0
    )
    return ident + header + table + body


VECTORS = struct.pack("<II", 0x20001000, 0x101)
SMALL = small_elf([(0, 0, VECTORS + b"code"), (0x20000000, 0x200, b"data")])


def small_hex(start: int | None = None) -> bytes:
    image = IntelHex()
    image.puts(0, VECTORS)
    image.puts(0x20000000, b"data")
    if start is not None:
        image.start_addr = {"EIP": start}
    out = StringIO()
    image.write_hex_file(out)
    return out.getvalue().encode()


def test_elf_is_loaded_by_physical_address() -> None:
    image = parse_image("a.elf", SMALL)
    assert image.segments == (
        Segment(0, VECTORS + b"code", 12 + 16),
        Segment(0x200, b"data", 0x20000000 + 4 + 16),
    )
    assert (image.entry, image.elf) == (0x101, ("EM_ARM", 32))
    assert image.brings_vector_table(0)
    assert start_without_vectors(image, AN385) is None
    check_fits(image, AN385)


def test_newlib_program_starts_at_its_entry() -> None:
    image = parse_image("rdimon.elf", RDIMON)
    assert not image.brings_vector_table(0)
    check_fits(image, AN385)
    start = start_without_vectors(image, AN385)
    assert start is not None and image.entry is not None
    assert (start.pc, start.sp) == (image.entry | 1, 0x00400000)
    assert start.heap == 0x12378, "after .bss, as readelf -l has it"


def test_an_elf_header_loaded_to_address_zero_is_no_vector_table() -> None:
    image = parse_image("a.elf", small_elf([(0, 0, RDIMON[:0x9000])], entry=0x80B9))
    assert not image.brings_vector_table(0)
    assert start_without_vectors(image, AN385) is not None


def test_a_program_in_a_mirror_gets_the_stack_of_that_mirror() -> None:
    start = start_without_vectors(parse_image("a", b"code" * 9, 0x20408000), AN385)
    assert start is not None
    assert (start.pc, start.sp, start.heap) == (0x20408001, 0x20800000, 0x20408028)


def test_intel_hex() -> None:
    image = parse_image("a.hex", small_hex(start=0x101))
    assert image.segments == (
        Segment(0, VECTORS, 8),
        Segment(0x20000000, b"data", 0x20000004),
    )
    assert (image.entry, image.elf) == (0x101, None)


def test_no_vectors_and_no_start_is_an_error() -> None:
    image = parse_image("a.hex", small_hex())
    assert start_without_vectors(image, AN385) is None
    lonely = Image("b.hex", b"", None, image.segments[1:], None)
    with pytest.raises(ImageError, match="neither a vector table at 0x0 nor a start address"):
        start_without_vectors(lonely, AN385)


def test_raw_binary_with_an_address(tmp_path: Path) -> None:
    path = tmp_path / "code@home.bin"
    path.write_bytes(VECTORS)
    for text in ("0x20000000", "536870912"):
        image = load_image(f"{path}@{text}")
        assert image.segments == (Segment(0x20000000, VECTORS, 0x20000008),)
    assert load_image(f"{path}@0").brings_vector_table(0)
    with pytest.raises(ImageError, match=r"neither ELF nor Intel HEX.*code@home\.bin@0x0"):
        load_image(str(path))


def test_the_hash_is_that_of_the_file() -> None:
    assert parse_image("a.bin", b"abc", 0).sha256.startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize(
    "data, words",
    [
        (SMALL[:4] + b"\x02" + SMALL[5:], "damaged|64 bits"),
        (SMALL[:5] + b"\x02" + SMALL[6:], "damaged|big endian"),
        (SMALL[:18] + b"\x3e\x00" + SMALL[20:], "x86-64.*needs Arm, 32 bits"),
        (SMALL[:16] + b"\x01\x00" + SMALL[18:], "ET_REL.*linked program"),
        (SMALL[:-3], "truncated"),
        (SMALL[:40], "truncated"),
        (small_elf([]), "nothing to load"),
        (b":00000001FF\n", "nothing to load"),
        (b":10000000FF\n", "not a complete Intel HEX"),
        (b"", "neither ELF nor Intel HEX"),
    ],
)
def test_unusable_images_say_why(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        check_fits(parse_image("a.elf", data), AN385)


def test_files_that_are_not_there_say_so(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        load_image(str(tmp_path / "none.elf"))
    with pytest.raises(ImageError, match="Is a directory"):
        load_image(str(tmp_path))
    with pytest.raises(ImageError, match="not a file name"):
        load_image("a\0b")


@pytest.mark.parametrize("address", [0x3FFFFE, 0x7FFFFE, 0x40000000, 0xFFFFFFF0])
def test_images_for_other_boards_do_not_fit(address: int) -> None:
    image = parse_image("a", bytes(16), address)
    if address == 0x3FFFFE:
        check_fits(image, AN385)
    else:
        with pytest.raises(ImageError, match="another board"):
            check_fits(image, AN385)


def test_a_file_that_no_recording_could_hold() -> None:
    assert MAX_BYTES == MAX_RAW
    parse_image("a", bytes(MAX_BYTES), 0)
    with pytest.raises(ImageError, match="a is larger than 64 MiB"):
        parse_image("a", bytes(MAX_BYTES + 1), 0)


def test_raw_binary_beyond_the_address_space() -> None:
    with pytest.raises(ImageError, match="address space"):
        parse_image("a", bytes(17), (1 << 64) - 16)


def test_a_load_is_kept_as_text_and_data() -> None:
    for load in (
        Load("bios", parse_image("fw.bin", b"abc", 0x8000_0000_1000)),
        Load("image", parse_image("two words", SMALL)),
    ):
        name = load.image.path
        assert Load.from_text(load.to_text(name), {name: load.image.data}) == load


@pytest.mark.parametrize("text", ["", "bios", "thing a", "bios@12 a", "bios@0x1 b", "bios@0x a"])
def test_garbled_loads_say_so(text: str) -> None:
    with pytest.raises(ImageError, match="cannot name"):
        Load.from_text(text, {"a": b"abc"})


def test_memory_that_an_elf_wants_cleared() -> None:
    image = parse_image("a.elf", SMALL)
    assert image.zeros == ((0xC, 0x1C), (0x204, 0x214))
    assert image.bss == ((0xC, 0x1C), (0x20000004, 0x20000014))


def with_zeros(virtual: int, physical: int, zeros: int, data: bytes = b"", bits: int = 32) -> bytes:
    """An ELF of two segments: vectors at 0, and one that ends in so many bytes of zeros."""
    segments = [(0, 0, VECTORS, 8), (virtual, physical, data, len(data) + zeros)]
    size, entry = (64, 56) if bits == 64 else (52, 32)
    body, table = b"", b""
    for at, load, part, memory in segments:
        where = size + entry * len(segments) + len(body)
        if bits == 64:
            table += struct.pack("<2I6Q", 1, 5, where, at, load, len(part), memory, 4)
        else:
            table += struct.pack("<8I", 1, where, at, load, len(part), memory, 5, 4)
        body += part
    machine = 243 if bits == 64 else 40
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    addresses = struct.pack("<3Q" if bits == 64 else "<3I", 0x101, size, 0)
    rest = struct.pack("<I6H", 0, size, entry, len(segments), 64, 0, 0)
    return ident + struct.pack("<HHI", 2, machine, 1) + addresses + rest + table + body


@pytest.mark.parametrize(
    ("board", "virtual", "physical", "zeros"),
    [
        ("mps2-an385", 0x20000000, 0x20000000, 0x80_0000),
        ("mps2-an385", 0x20000000, 0x100, 0x80_0000),
        ("mps2-an385", 0x20000000, 0x20000000, 0x40_0001),
        ("mps2-an385", 0x21000000, 0x21000000, 0x100_0001),
        ("mps2-an385", 0x30000000, 0x100, 16),
        ("mps2-an385", 0xFFFFFFF0, 0x100, 0x100),
        ("microbit", 0x20000000, 0x20000000, 0x4001),
        ("microbit", 0x20000000, 0x100, 0x4001),
    ],
)
@pytest.mark.parametrize("data", [b"", b"data"])
def test_zeros_that_do_not_fit_are_refused(
    board: str, virtual: int, physical: int, zeros: int, data: bytes
) -> None:
    fits = parse_image("a.elf", with_zeros(0x20000000, physical, 0x1000, data))
    check_fits(fits, BOARDS[board])
    with pytest.raises(ImageError, match=rf"a.elf has {zeros} bytes of zeros .* no memory"):
        check_fits(parse_image("a.elf", with_zeros(virtual, physical, zeros, data)), BOARDS[board])


def test_zeros_that_do_not_fit_are_refused_where_programs_have_page_tables() -> None:
    board = BOARDS["virt"]
    ram, size = 0x80000000, 128 << 20
    for physical, zeros, fit in (
        (ram, size, True),
        (ram, size + 1, False),
        (1 << 40, 1, False),
        ((1 << 64) - 16, 16, False),
    ):
        raw = with_zeros(0xFFFFFFC000000000, physical, zeros, bits=64)
        image = replace(parse_image("k.elf", raw), segments=())
        if fit:
            check_fits(image, board)
        else:
            with pytest.raises(ImageError, match="of zeros"):
                check_fits(image, board)


def test_memory_may_be_in_several_parts() -> None:
    board = raw_board(["cpu=cortex-m3", "ram=0x20000000:64K", "ram=0x20010000:64K", "ram=0:64K"])
    check_fits(parse_image("a.elf", with_zeros(0x20000000, 0x20000000, 0x20000)), board)
    with pytest.raises(ImageError, match="of zeros"):
        check_fits(parse_image("a.elf", with_zeros(0x20000000, 0x20000000, 0x20001)), board)


BASES = {"elf": SMALL, "rdimon": RDIMON[:0x2000], "hex": small_hex(start=1)}


@pytest.mark.parametrize("kind", BASES)
@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_garbled_images_load_or_raise_image_error(kind: str, data: st.DataObject) -> None:
    garbled = bytearray(BASES[kind])
    spot = st.integers(0, min(len(garbled), 300) - 1)
    for where, value in data.draw(st.lists(st.tuples(spot, st.integers(0, 255)), max_size=6)):
        garbled[where] = value
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(garbled))))
    try:
        image = parse_image("garbled", bytes(garbled[:cut]))
        check_fits(image, AN385)
        start_without_vectors(image, AN385)
    except ImageError as error:
        assert "\n" not in str(error)
