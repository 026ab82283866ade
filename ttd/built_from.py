"""What an ELF file says of where it comes from: its GNU build-id, its commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from ttd.elf import MAGIC, SHF_ALLOC, SHT_NOBITS, SHT_PROGBITS, STT_OBJECT, Elf, ElfError, Section

_NOTE_TYPE = 3
"""NT_GNU_BUILD_ID."""
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
    with suppress(ElfError):
        for name, kind, contents in elf.notes(_MOST_PARTS):
            if name == b"GNU" and kind == _NOTE_TYPE:
                return contents.hex()
    return None


def commit(data: bytes) -> str | None:
    """What git calls the state of the sources that an ELF file was made of; None if it does not
    say so: in a symbol or a section that is named for it, or in a text such as `git:0123abc`."""
    elf = _elf(data)
    if elf is None:
        return None
    with suppress(ElfError):
        for text in (*_in_sections(elf, data), *_in_symbols(elf, data)):
            if text is not None and _HASH.search(text):
                return text
    found = _SPOKEN.search(data)
    return None if found is None else found[1].decode()


def _elf(data: bytes) -> Elf | None:
    if not data.startswith(MAGIC):
        return None
    with suppress(ElfError):
        return Elf(data)
    return None


def _sections(elf: Elf) -> Iterator[Section]:
    return islice(elf.sections, _MOST_PARTS)


def _in_sections(elf: Elf, data: bytes) -> list[str | None]:
    return [
        _text(data[section.offset :][: min(section.size, _LONGEST)])
        for section in _sections(elf)
        if section.type == SHT_PROGBITS and _COMMIT.fullmatch(section.name)
    ]


def _in_symbols(elf: Elf, data: bytes) -> list[str | None]:
    sections = [s for s in _sections(elf) if s.flags & SHF_ALLOC]

    def at(address: int, size: int) -> bytes:
        """What the file has there; shorter where a section ends."""
        for section in sections:
            offset = address - section.address
            if 0 <= offset < section.size and section.type != SHT_NOBITS:
                return data[section.offset + offset :][: min(size, section.size - offset)]
        return b""

    found = []
    for symbol in elf.symbols(_MOST_SYMBOLS):
        if symbol.type == STT_OBJECT and _COMMIT.fullmatch(symbol.name):
            size = symbol.size
            value = at(symbol.value, min(size, _LONGEST) or _LONGEST)
            text = _text(value)
            if size == elf.bits // 8 and (text is None or not _HASH.search(text)):
                pointer = int.from_bytes(value, "little" if elf.little else "big")
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
