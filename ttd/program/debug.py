"""The debug information of one ELF file, found by names and addresses.

Only what is asked for is read: the unit that has a name is found by the place of its letters, so
that a large program costs no more than its tables of strings take to be searched.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from typing import Any, NamedTuple

from ttd.program.described import STRUCTURES, TypeReader
from ttd.program.entries import children, full_name, name
from ttd.program.errors import NotDescribed, reading
from ttd.program.types import Type
from ttd.text import as_bytes

_MOST_LISTED = 1 << 20
"""Entries of a list of ranges."""


class Span(NamedTuple):
    """Addresses from `start` to before `end`, and the unit that describes them."""

    start: int
    end: int
    unit: int
    """Its offset in `.debug_info`."""


class Debug:
    """What it has not is a `LookupError`, from the questions about types."""

    def __init__(self, data: bytes, path: str = "the image") -> None:
        self._data = data
        self.path = path
        self.types = TypeReader()
        self._variables: dict[str, Type] = {}

    @cached_property
    def dwarf(self) -> Any:
        """The library's; `NotDescribed` if there is none."""
        # Slow to import, and rarely wanted.
        from elftools.elf.elffile import ELFFile  # noqa: PLC0415

        with reading(self.path):
            elf = ELFFile(BytesIO(self._data))
            if not elf.has_dwarf_info():
                raise NotDescribed(f"{self.path} has no debug information: build it with -g.")
            return elf.get_dwarf_info(relocate_dwarf_sections=False)

    @property
    def is_there(self) -> bool:
        """There are types and variables, and not just frames."""
        try:
            return bool(self.dwarf.has_debug_info)
        except NotDescribed:
            return False

    # -- by name ---------------------------------------------------------------------------------

    def variable(self, wanted: str) -> Type:
        """The type of a global or static variable."""
        if wanted not in self._variables:
            self._variables[wanted] = self._variable(wanted)
        return self._variables[wanted]

    def _variable(self, wanted: str) -> Type:
        for die in self.named(wanted, ("DW_TAG_variable",)):
            if "DW_AT_type" in die.attributes and (kind := self.types.said_by(die)).is_complete:
                return kind
        raise LookupError(f"{wanted} is not described")

    def structure(self, wanted: str) -> Type:
        """By its tag."""
        return self._complete(wanted, STRUCTURES, f"struct {wanted}")

    def type_named(self, wanted: str, tags: tuple[str, ...]) -> Type:
        """By its tag, or the name of a typedef or a base type."""
        return self._complete(wanted, tags, wanted)

    def _complete(self, wanted: str, tags: tuple[str, ...], shown: str) -> Type:
        for die in self.named(wanted, tags):
            if (kind := self.types.of(die)).is_complete:
                return kind
        raise LookupError(f"{shown} is not described")

    def enumeration(self, constant: str) -> Type:
        """The one with a constant of that name."""
        for die in self._in_units(constant):
            if die.tag == "DW_TAG_enumeration_type" and constant in map(name, children(die)):
                return self.types.of(die)
        raise LookupError(f"there is no enumeration with {constant}")

    def named(self, wanted: str, tags: tuple[str, ...]) -> Iterator[Any]:
        """The outermost entries of that name."""
        for die in self._in_units(wanted):
            if die.tag in tags and name(die) == wanted:
                yield die

    def variables(self, wanted: str) -> Iterator[Any]:
        """The outermost entries of variables of that name; of those that complete a declaration,
        too."""
        for die in self._in_units(wanted):
            if die.tag == "DW_TAG_variable" and full_name(die) == wanted:
                yield die

    def _in_units(self, wanted: str) -> Iterator[Any]:
        """The outermost entries of all units in which a name is said."""
        for unit in self.units_with(wanted):
            yield from children(unit.get_top_DIE())

    def units_with(self, wanted: str) -> Iterator[Any]:
        """The units that say a name."""
        return self._units_with(as_bytes(wanted) + b"\0")

    def _units_with(self, text: bytes) -> Iterator[Any]:
        """The units that say a text themselves, or refer to the table of strings where it is.

        Each once; after a place in one the search goes on behind that unit.
        """
        seen: set[int] = set()
        info = _contents(self.dwarf.debug_info_sec)
        for pattern in self._said_as(text):
            at = -1
            while (at := info.find(pattern, at + 1)) >= 0:
                unit = self.dwarf.get_CU_containing(at)
                if unit.cu_offset not in seen:
                    seen.add(unit.cu_offset)
                    yield unit
                at = max(at, unit.cu_offset + unit.size - 1)
        if _contents(self.dwarf.debug_str_offsets_sec):
            # Names by numbers, as LLVM writes them: nothing says where one is used.
            yield from (unit for unit in self.units if unit.cu_offset not in seen)

    def _said_as(self, text: bytes) -> Iterator[bytes]:
        yield text
        for section in (self.dwarf.debug_str_sec, self.dwarf.debug_line_str_sec):
            strings, at = _contents(section), -1
            while (at := strings.find(text, at + 1)) >= 0:
                yield at.to_bytes(4, "little")

    # -- by address ------------------------------------------------------------------------------

    @cached_property
    def units(self) -> list[Any]:
        """All units, in the order of the file."""
        with reading(self.path):
            return list(self.dwarf.iter_CUs())

    @cached_property
    def _spans(self) -> list[Span]:
        """What the units have code for, by address."""
        with reading(self.path):
            found: list[Span] = []
            table = self.dwarf.get_aranges()
            listed = set()
            for entry in table.entries if table is not None else ():
                listed.add(entry.info_offset)
                found.append(
                    Span(entry.begin_addr, entry.begin_addr + entry.length, entry.info_offset)
                )
            # Not every compiler writes that table, and the parts of a program may differ.
            for unit in self.units:
                if unit.cu_offset not in listed:
                    top = unit.get_top_DIE()
                    found += (Span(*each, unit.cu_offset) for each in self.ranges(top))
            # At 0 there is what the linker has thrown away, or a vector table: no function.
            return sorted(span for span in found if span.end > span.start)

    @cached_property
    def _starts(self) -> list[int]:
        return [span.start for span in self._spans]

    def unit_at(self, address: int) -> Any | None:
        """The unit that has the code there."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address >= self._spans[at].end:
            return None
        with reading(self.path):
            return self.dwarf.get_CU_at(self._spans[at].unit)

    def ranges(self, die: Any) -> list[tuple[int, int]]:
        """The addresses of a unit, a function or a block (DWARF 5, 2.17)."""
        attributes = die.attributes
        if "DW_AT_ranges" in attributes:
            return list(self._listed(die))
        low, high = attributes.get("DW_AT_low_pc"), attributes.get("DW_AT_high_pc")
        if low is None or high is None:
            return []
        start = int(low.value)
        end = int(high.value) + (0 if high.form == "DW_FORM_addr" else start)
        return [(start, end)] if end > start else []

    def _listed(self, die: Any) -> Iterator[tuple[int, int]]:
        lists = self.dwarf.range_lists()
        if lists is None:
            return
        entries = lists.get_range_list_at_offset(die.attributes["DW_AT_ranges"].value, cu=die.cu)
        base = base_of(die.cu)
        for entry in entries[:_MOST_LISTED]:
            if hasattr(entry, "base_address"):
                base = entry.base_address
                continue
            start, end = entry.begin_offset, entry.end_offset
            if not getattr(entry, "is_absolute", False):
                start, end = start + base, end + base
            if end > start:
                yield start, end


def base_of(unit: Any) -> int:
    """What addresses in the lists of a unit count from (DWARF 5, 2.17.3)."""
    low = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
    return 0 if low is None else int(low.value)


def _contents(section: Any) -> bytes:
    if section is None:
        return b""
    data: bytes = section.stream.getvalue()
    return data
