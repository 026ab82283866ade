"""ELF files as `ttd.elf` reads them, beside pyelftools."""

from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from hypothesis import given
from hypothesis import strategies as st

from ttd.elf import Elf, ElfError, Symbol

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
FILES = ("calls/calls.elf", "bench-sv39/bench-sv39.elf")
TYPES = {"STT_NOTYPE": 0, "STT_OBJECT": 1, "STT_FUNC": 2, "STT_SECTION": 3, "STT_FILE": 4}
BINDS = {"STB_LOCAL": 0, "STB_GLOBAL": 1, "STB_WEAK": 2}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_linker(name: str) -> None:
    data = (FIRMWARE / name).read_bytes()
    mine, theirs = Elf(data), ELFFile(BytesIO(data))
    assert (mine.bits, mine.little) == (theirs.elfclass, theirs.little_endian)
    assert (mine.machine_name, mine.entry) == (theirs["e_machine"], theirs["e_entry"])
    assert mine.flags == theirs["e_flags"]
    assert [tuple(segment)[1:] for segment in mine.segments] == [
        tuple(s[key] for key in ("p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz"))
        for s in theirs.iter_segments()
    ]
    assert [(s.name, s.flags, s.address, s.offset, s.size) for s in mine.sections] == [
        (s.name, s["sh_flags"], s["sh_addr"], s["sh_offset"], s["sh_size"])
        for s in theirs.iter_sections()
    ]
    table = theirs.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    # pyelftools gives the symbols of sections the names of these.
    assert [s for s in mine.symbols() if s.type != TYPES["STT_SECTION"]] == [
        Symbol(s.name, s["st_value"], s["st_size"], TYPES[kind], BINDS[s["st_info"]["bind"]])
        for s in table.iter_symbols()
        if (kind := s["st_info"]["type"]) != "STT_SECTION"
    ]


def test_a_name_of_a_machine_that_no_board_has() -> None:
    data = bytearray((FIRMWARE / FILES[0]).read_bytes())
    data[18:20] = (94).to_bytes(2, "little")
    assert Elf(bytes(data)).machine_name == "EM_XTENSA"
    data[18:20] = (0xFEED).to_bytes(2, "little")
    assert Elf(bytes(data)).machine_name == str(0xFEED)


@given(st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=6), st.data())
def test_a_damaged_file_is_one_kind_of_error(
    changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    whole = bytearray((FIRMWARE / FILES[0]).read_bytes())
    for at, byte in changes:
        whole[at] = byte
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    for ask in (
        lambda elf: elf.segments,
        lambda elf: elf.sections,
        lambda elf: list(elf.symbols()),
        lambda elf: list(elf.notes(10)),
        lambda elf: elf.machine_name,
    ):
        try:
            ask(Elf(cut))
        except ElfError as error:
            assert str(error).startswith("it ")
