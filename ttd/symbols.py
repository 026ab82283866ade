"""Names of addresses, from the symbol tables of ELF files."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property

from ttd.elf import (
    EM_ARM,
    SHF_EXECINSTR,
    STB_LOCAL,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    Elf,
    ElfError,
)
from ttd.errors import UserError
from ttd.images import Image
from ttd.text import printable

_FAR = 1 << 16
"""Bytes after a symbol without a size that may still belong to it."""
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class Symbols:
    """Functions and labels of the images of a machine, by the addresses they run at."""

    def __init__(self, images: Iterable[Image]) -> None:
        """The files are read when the first name is wanted: some have very many."""
        self._images = [image for image in images if image.elf is not None]

    @cached_property
    def _symbols(self) -> dict[int, tuple[int, str]]:
        """Size and name by address."""
        found: dict[int, tuple[int, str]] = {}
        for image in self._images:
            _collect(found, image)
        return found

    @cached_property
    def _starts(self) -> list[int]:
        return sorted(self._symbols)

    def name(self, address: int) -> str | None:
        """`function+4`; None if nothing is known of that address."""
        index = bisect_right(self._starts, address)
        if index == 0:
            return None
        start = self._starts[index - 1]
        size, name = self._symbols[start]
        offset = address - start
        if offset >= (size or _FAR):
            return None
        return f"{name}+{offset}" if offset else name

    def place(self, address: int, digits: int = 1) -> str:
        """The address, in so many hexadecimal digits at least, and its name if it has one."""
        name = self.name(address)
        return f"{address:#0{digits + 2}x}" + (f" in {name}" if name else "")

    def explained(self, sentence: str) -> str:
        """A sentence with the name of the last address in it added."""
        addresses = _ADDRESS.findall(sentence)
        name = self.name(int(addresses[-1], 16)) if addresses else None
        return f"{sentence}, in {name}" if name else sentence


def _collect(found: dict[int, tuple[int, str]], image: Image) -> None:
    """The symbols of an ELF file; the better one of several at an address."""
    try:
        elf = Elf(image.data)
        thumb = elf.machine == EM_ARM
        code = [
            (section.address, section.address + section.size)
            for section in elf.sections
            if section.flags & SHF_EXECINSTR
        ]
        ranks: dict[int, tuple[bool, bool]] = {}
        for symbol in elf.symbols():
            if symbol.type not in (STT_FUNC, STT_NOTYPE) or not _is_name(symbol.name):
                continue
            function = symbol.type == STT_FUNC
            start = symbol.value & ~1 if thumb and function else symbol.value
            if not any(low <= start < high for low, high in code):
                continue
            rank = (function, symbol.bind != STB_LOCAL)
            if start not in ranks or rank > ranks[start]:
                ranks[start] = rank
                found[start] = symbol.size, symbol.name
    except ElfError:
        return


def find_object(images: Iterable[Image], name: str) -> tuple[int, int]:
    """Address and size of the variable, or whatever else has this name; `UserError` if nothing
    has."""
    for image in images:
        if image.elf is None:
            continue
        with suppress(ElfError):
            for symbol in Elf(image.data).symbols():
                if symbol.name == name and symbol.type in (STT_OBJECT, STT_NOTYPE):
                    return symbol.value, symbol.size
    raise UserError(f"no program here has a variable {printable(name)}")


def _is_name(text: str) -> bool:
    """Not a mapping symbol such as `$t`, and not a local label of a compiler's."""
    return bool(text) and not text.startswith(("$", ".L"))
