"""What an ELF file says of where it comes from: its GNU build-id, its commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from itertools import islice

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, Section, SymbolTableSection
from elftools.elf.segments import NoteSegment

from ttd.images import ELF_MAGIC

_NOTE_TYPE = 3
"""NT_GNU_BUILD_ID."""
_IN_MEMORY = 2
"""SHF_ALLOC (System V ABI, "Section Header")."""
_MOST_SYMBOLS = 50_000
_MOST_PARTS = 1000
"""Sections, segments or notes that are looked at: the file may be a stranger's."""
_LONGEST = 200
"""Characters of what is taken for a version."""
_COMMIT = re.compile(
    r"(?!.*(?:date|time|branch|url)).*(?:(?<!di)git|commit).*", re.IGNORECASE | re.DOTALL
)
"""Names of symbols and sections that commonly hold one."""
_HASH = re.compile(r"(?<![0-9a-z])g?[0-9a-f]{7,40}(?![0-9a-z])")
_SPOKEN = re.compile(
    rb"git[ _-]?(?:commit|hash|sha1?|rev(?:ision)?)?\s?[:=]\s?"
    rb"([0-9a-f]{7,40}(?:[-+]dirty)?)(?![0-9a-z])",
    re.IGNORECASE,
)
"""Text such as `git:0123abc`, wherever it is."""


def build_id(data: bytes) -> str | None:
    """The GNU build-id of an ELF file in hexadecimal digits; None if it has none."""
    elf = _elf(data)
    if elf is None:
        return None
    with suppress(Exception):  # pyelftools raises whatever its parsing runs into
        parts: list[NoteSegment | NoteSection] = []
        parts += [
            part
            for part in islice(elf.iter_segments(), _MOST_PARTS)
            if isinstance(part, NoteSegment)
        ]
        parts += [part for part in _sections(elf) if isinstance(part, NoteSection)]
        for part in parts:
            for note in islice(part.iter_notes(), _MOST_PARTS):
                if note["n_name"] == "GNU" and note["n_type"] in ("NT_GNU_BUILD_ID", _NOTE_TYPE):
                    return bytes(note["n_descdata"]).hex()
    return None


def commit(data: bytes) -> str | None:
    """What git calls the state of the sources that an ELF file was made of; None if it does not
    say so: in a symbol or a section that is named for it, or in a text such as `git:0123abc`."""
    elf = _elf(data)
    if elf is None:
        return None
    with suppress(Exception):
        for text in (*_in_sections(elf, data), *_in_symbols(elf, data)):
            if text is not None and _HASH.search(text):
                return text
    found = _SPOKEN.search(data)
    return None if found is None else found[1].decode()


def _elf(data: bytes) -> ELFFile | None:
    if not data.startswith(ELF_MAGIC):
        return None
    with suppress(Exception):
        return ELFFile(BytesIO(data))
    return None


def _sections(elf: ELFFile) -> Iterator[Section]:
    return islice(elf.iter_sections(), _MOST_PARTS)


def _in_sections(elf: ELFFile, data: bytes) -> list[str | None]:
    return [
        _text(data[section["sh_offset"] :][: min(section["sh_size"], _LONGEST)])
        for section in _sections(elf)
        if section["sh_type"] == "SHT_PROGBITS" and _COMMIT.fullmatch(section.name)
    ]


def _in_symbols(elf: ELFFile, data: bytes) -> list[str | None]:
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection) or table.num_symbols() > _MOST_SYMBOLS:
        return []
    sections = [s for s in _sections(elf) if s["sh_flags"] & _IN_MEMORY]

    def at(address: int, size: int) -> bytes:
        """What the file has there; shorter where a section ends."""
        for section in sections:
            offset = address - section["sh_addr"]
            if 0 <= offset < section["sh_size"] and section["sh_type"] != "SHT_NOBITS":
                return data[section["sh_offset"] + offset :][
                    : min(size, section["sh_size"] - offset)
                ]
        return b""

    found = []
    for symbol in table.iter_symbols():
        if symbol["st_info"]["type"] == "STT_OBJECT" and _COMMIT.fullmatch(symbol.name):
            size = symbol["st_size"]
            value = at(symbol["st_value"], min(size, _LONGEST) or _LONGEST)
            text = _text(value)
            if size == elf.elfclass // 8 and (text is None or not _HASH.search(text)):
                pointer = int.from_bytes(value, "little" if elf.little_endian else "big")
                text = _text(at(pointer, _LONGEST))
            found.append(text)
    return found


def _text(data: bytes) -> str | None:
    """A text that ends with a zero, or with the data."""
    try:
        text = data[:_LONGEST].partition(b"\0")[0].decode().strip()
    except UnicodeDecodeError:
        return None
    return text if text and text.isprintable() else None
