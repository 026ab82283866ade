"""Names of addresses, from the symbol tables of ELF files."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from io import BytesIO

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ttd.images import ELF_MAGIC, Image

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
    assert image.data.startswith(ELF_MAGIC)
    try:
        elf = ELFFile(BytesIO(image.data))
        table = elf.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            return
        thumb = elf["e_machine"] == "EM_ARM"
        code = [
            (section["sh_addr"], section["sh_addr"] + section["sh_size"])
            for section in elf.iter_sections()
            if section["sh_flags"] & _EXECUTABLE
        ]
        ranks: dict[int, tuple[bool, bool]] = {}
        for symbol in table.iter_symbols():
            kind, value = symbol["st_info"]["type"], symbol["st_value"]
            if kind not in ("STT_FUNC", "STT_NOTYPE") or not _is_name(symbol.name):
                continue
            start = value & ~1 if thumb and kind == "STT_FUNC" else value
            if not any(low <= start < high for low, high in code):
                continue
            rank = (kind == "STT_FUNC", symbol["st_info"]["bind"] != "STB_LOCAL")
            if start not in ranks or rank > ranks[start]:
                ranks[start] = rank
                found[start] = symbol["st_size"], symbol.name
    except Exception:  # pyelftools raises whatever its parsing runs into
        return


_EXECUTABLE = 4
"""SHF_EXECINSTR (System V ABI, "Section Header")."""


def _is_name(text: str) -> bool:
    """Not a mapping symbol such as `$t`, and not a local label of a compiler's."""
    return bool(text) and not text.startswith(("$", ".L"))
