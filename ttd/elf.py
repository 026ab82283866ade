"""ELF files: headers, segments, sections, symbols and notes (System V ABI, chapters 4 and 5).

What each command needs of a program, without a library that reads DWARF as well and takes longer to
import than a small program to run. Whatever a damaged file runs into is an `ElfError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import NamedTuple

MAGIC = b"\x7fELF"
PT_LOAD, PT_NOTE = 1, 4
SHT_PROGBITS, SHT_SYMTAB, SHT_NOTE, SHT_NOBITS = 1, 2, 7, 8
SHF_ALLOC, SHF_EXECINSTR = 2, 4
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
STB_LOCAL = 0
EM_ARM = 40
_MACHINES = {3: "EM_386", 40: "EM_ARM", 62: "EM_X86_64", 183: "EM_AARCH64", 243: "EM_RISCV"}
"""What boards are for, and a host's own programs."""

_BIG = 2
"""ELFDATA2MSB."""
_EXTENDED = 0xFFFF
"""PN_XNUM, SHN_XINDEX: the number did not fit, and is in section 0."""
_MOST_HEADERS = 1 << 16


class ElfError(ValueError):
    """The file is damaged, or ends too early."""


class ElfSegment(NamedTuple):
    """A program header."""

    type: int
    offset: int
    virtual: int
    physical: int
    file_size: int
    memory_size: int


class Section(NamedTuple):
    """A section header, with the section's name."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    """Of a symbol table: the section with its names."""


class Symbol(NamedTuple):
    """A symbol of a table."""

    name: str
    value: int
    size: int
    type: int
    bind: int


class Elf:
    """An ELF file of either size and byte order, by its contents."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC or len(data) < 16 or data[4] not in (1, 2) or data[5] not in (1, 2):
            raise ElfError("it does not begin as an ELF file")
        self.data = data
        self.bits = 32 * data[4]
        self.little = data[5] != _BIG
        self._order = "<" if self.little else ">"
        word = "I" if self.bits == 32 else "Q"
        (
            self.type,
            self.machine,
            _,
            self.entry,
            self._segments_at,
            self._sections_at,
            self.flags,
            _,
            self._segment_size,
            self._segment_count,
            self._section_size,
            self._section_count,
            self._names_index,
        ) = self._unpack(f"HHI{word}{word}{word}IHHHHHH", 16)

    @property
    def machine_name(self) -> str:
        """Such as `EM_ARM`; its number where nobody knows it."""
        if self.machine in _MACHINES:
            return _MACHINES[self.machine]
        # For a sentence that refuses the file.
        from elftools.elf.enums import ENUM_E_MACHINE  # noqa: PLC0415

        names = (name for name, number in ENUM_E_MACHINE.items() if number == self.machine)
        return next(names, str(self.machine))

    @cached_property
    def segments(self) -> list[ElfSegment]:
        """The program headers."""
        count = self._segment_count
        if count == _EXTENDED:
            count = self._header_of_section(0)[7]
        if count > _MOST_HEADERS:
            raise ElfError("it has too many segments")
        wide = self.bits == 64
        found = []
        for index in range(count):
            at = self._segments_at + index * self._segment_size
            if wide:
                kind, _, offset, virtual, physical, file, memory = self._unpack("IIQQQQQ", at)
            else:
                kind, offset, virtual, physical, file, memory = self._unpack("IIIIII", at)
            found.append(ElfSegment(kind, offset, virtual, physical, file, memory))
        return found

    @cached_property
    def sections(self) -> list[Section]:
        """The section headers, in their order."""
        if not self._sections_at:
            return []
        count = self._section_count or self._header_of_section(0)[5]
        if count > _MOST_HEADERS:
            raise ElfError("it has too many sections")
        headers = [self._header_of_section(index) for index in range(count)]
        names = self._names_index
        if names == _EXTENDED and headers:
            names = headers[0][6]
        offset, size = headers[names][4:6] if names < count else (0, 0)
        strings = self.data[offset : offset + size]
        return [Section(_string(strings, header[0]), *header[1:7]) for header in headers]

    @property
    def headers_end(self) -> int:
        """Where in the file its headers end, and what is in memory begins."""
        try:
            found = [s.offset for s in self.sections if s.size and s.flags & SHF_ALLOC]
        except ElfError:
            found = []
        return min(found, default=self._segments_at + self._segment_count * self._segment_size)

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((section for section in self.sections if section.name == name), None)

    def contents(self, section: Section) -> bytes:
        """What the file has of a section."""
        if section.type == SHT_NOBITS:
            return b""
        return self.data[section.offset : section.offset + section.size]

    def symbols(self, most: int | None = None) -> Iterator[Symbol]:
        """Those of `.symtab`; none if there are more than `most`."""
        table = self.section(".symtab")
        if table is None or table.type != SHT_SYMTAB or table.link >= len(self.sections):
            return
        strings = self.contents(self.sections[table.link])
        row = struct.Struct(self._order + ("IIIBBH" if self.bits == 32 else "IBBHQQ"))
        data = self.contents(table)
        count = len(data) // row.size
        if most is not None and count > most:
            return
        for fields in row.iter_unpack(data[: count * row.size]):
            if self.bits == 32:
                name, value, size, info, _, _ = fields
            else:
                name, info, _, _, value, size = fields
            yield Symbol(_string(strings, name), value, size, info & 15, info >> 4)

    def notes(self, most: int) -> Iterator[tuple[bytes, int, bytes]]:
        """Name, type and contents of notes, of up to `most` in each of `most` places."""
        places = [
            (segment.offset, segment.file_size)
            for segment in islice(self.segments, most)
            if segment.type == PT_NOTE
        ]
        places += [
            (section.offset, section.size)
            for section in islice(self.sections, most)
            if section.type == SHT_NOTE
        ]
        for at, size in places:
            yield from islice(self._notes(at, at + size), most)

    def _notes(self, at: int, end: int) -> Iterator[tuple[bytes, int, bytes]]:
        while at + 12 <= end:
            name_size, size, kind = self._unpack("III", at)
            name = self.data[at + 12 : at + 12 + name_size].rstrip(b"\0")
            at += 12 + -(-name_size // 4) * 4
            yield name, kind, self.data[at : at + size]
            at += -(-size // 4) * 4

    def _header_of_section(self, index: int) -> tuple[int, ...]:
        """sh_name, type, flags, address, offset, size, link, info."""
        form = "IIIIIIII" if self.bits == 32 else "IIQQQQII"
        return self._unpack(form, self._sections_at + index * self._section_size)

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._order + form, self.data, at)
        except (struct.error, OverflowError) as error:
            raise ElfError("it ends too early") from error


def _string(table: bytes, at: int) -> str:
    """What stands in a string table, up to a zero."""
    end = table.find(b"\0", at)
    return table[at : end if end >= 0 else len(table)].decode(errors="replace")
