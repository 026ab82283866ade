"""Names of addresses, from the symbol tables of ELF files."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

from ttd.elf import (
    EM_ARM,
    SHF_EXECINSTR,
    STB_LOCAL,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    Elf,
    ElfError,
    Symbol,
)
from ttd.images import Image

_FAR = 1 << 16
"""Bytes after a symbol without a size that may still belong to it."""
_NESTED = 8
"""Symbols before an address that are looked at: one may lie inside of another."""
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class Named(NamedTuple):
    """Something that has a name: a function, a variable, or a label, whose size nobody knows (0).

    The address of a Thumb function is that of its first instruction.
    """

    name: str
    address: int
    size: int
    function: bool


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
    def by_name(self) -> dict[str, Named]:
        """All, variables too. Of several with one name a global one counts, or the first."""
        found: dict[str, Named] = {}
        local: dict[str, Named] = {}
        for image in self._images:
            with suppress(ElfError):
                elf = Elf(image.data)
                for symbol in elf.symbols():
                    if not _is_name(symbol.name) or not _is_anywhere(symbol):
                        continue
                    named = Named(
                        symbol.name, _start(elf, symbol), symbol.size, symbol.type == STT_FUNC
                    )
                    kept = local if symbol.bind == STB_LOCAL else found
                    kept.setdefault(symbol.name, named)
        return local | found

    @cached_property
    def _variables(self) -> list[Named]:
        """Those that have a size, by address."""
        named = self.by_name.values()
        return sorted((n for n in named if n.size and not n.function), key=lambda n: n.address)

    def variable(self, address: int) -> str | None:
        """`table+4`: the name of what is not code; None if nothing is known of that address."""
        named = self.variable_at(address)
        if named is None:
            return None
        offset = address - named.address
        return f"{named.name}+{offset}" if offset else named.name

    def variable_at(self, address: int) -> Named | None:
        """What is not code, has a size, and has this address in it."""
        index = bisect_right(self._variables, address, key=lambda named: named.address)
        for named in reversed(self._variables[max(0, index - _NESTED) : index]):
            if address - named.address < named.size:
                return named
        return None

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
            start = _start(elf, symbol)
            if not any(low <= start < high for low, high in code):
                continue
            rank = (function, symbol.bind != STB_LOCAL)
            if start not in ranks or rank > ranks[start]:
                ranks[start] = rank
                found[start] = symbol.size, symbol.name
    except ElfError:
        return


def _start(elf: Elf, symbol: Symbol) -> int:
    """Where it is: the last bit of a function's address says that it is Thumb code."""
    thumb = elf.machine == EM_ARM and symbol.type == STT_FUNC
    return symbol.value & ~1 if thumb else symbol.value


def _is_anywhere(symbol: Symbol) -> bool:
    """What is only referred to has neither address nor size."""
    known = symbol.type in (STT_FUNC, STT_OBJECT, STT_NOTYPE)
    return known and (symbol.value != 0 or symbol.size != 0)


def _is_name(text: str) -> bool:
    """Not a mapping symbol such as `$t`, and not a local label of a compiler's."""
    return bool(text) and not text.startswith(("$", ".L"))
