"""Types of variables, from the debug information of an ELF file (DWARF, versions 2 to 5).

Only what is asked for is read: the unit that has a variable is found by the place of its name, so
that a large program costs no more than its tables of strings take to be searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from typing import Any

_MOST_CANDIDATES = 256
"""Places at which the bytes of a name, or of a reference to it, are looked at."""
_MOST_LINKS = 32
"""Of a chain of typedefs and qualifiers; compilers make short ones."""
_STRUCTURES = ("DW_TAG_structure_type", "DW_TAG_union_type", "DW_TAG_class_type")
_LINKS = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_restrict_type")


class Type:
    """A type, without its typedefs and qualifiers. What it has not is a `LookupError`."""

    def __init__(self, die: Any) -> None:
        for _ in range(_MOST_LINKS):
            if die.tag not in _LINKS:
                break
            die = _followed(die)
        self._die = die

    @property
    def is_pointer(self) -> bool:
        return bool(self._die.tag == "DW_TAG_pointer_type")

    @property
    def is_complete(self) -> bool:
        """Not just declared, nor is what it points to or is an array of."""
        if self._die.tag in ("DW_TAG_pointer_type", "DW_TAG_array_type"):
            return "DW_AT_type" not in self._die.attributes or self.target.is_complete
        return "DW_AT_declaration" not in self._die.attributes

    @cached_property
    def size(self) -> int:
        """In bytes."""
        if self._die.tag == "DW_TAG_array_type":
            return self.count * self.target.size
        return self._number("DW_AT_byte_size")

    @cached_property
    def count(self) -> int:
        """Elements of an array; of one of arrays all of them."""
        ranges = [die for die in _children(self._die) if die.tag == "DW_TAG_subrange_type"]
        total = 1
        for die in ranges:
            if "DW_AT_count" in die.attributes:
                total *= int(die.attributes["DW_AT_count"].value)
            else:
                total *= int(die.attributes["DW_AT_upper_bound"].value) + 1
        return total

    @cached_property
    def target(self) -> Type:
        """What it points to, or is an array of."""
        return Type(_followed(self._die))

    @cached_property
    def _members(self) -> dict[str, tuple[int, Type]]:
        found: dict[str, tuple[int, Type]] = {}
        if self._die.tag in _STRUCTURES:
            for die in _children(self._die):
                if die.tag != "DW_TAG_member" or "DW_AT_type" not in die.attributes:
                    continue
                place = die.attributes.get("DW_AT_data_member_location")
                offset = 0 if place is None else place.value
                if not isinstance(offset, int):
                    # DW_OP_plus_uconst and a small number, of old compilers.
                    offset = offset[1] if len(offset) == 2 else 0
                name, kind = _name(die), Type(_followed(die))
                if name:
                    found[name] = offset, kind
                else:  # members of an anonymous one are members
                    inner = kind.members
                    found.update({key: (offset + at, sort) for key, (at, sort) in inner.items()})
        return found

    @property
    def members(self) -> dict[str, tuple[int, Type]]:
        """Offset in bytes and type of each."""
        return self._members

    def member(self, name: str) -> tuple[int, Type]:
        """Offset in bytes, and type."""
        return self._members[name]

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @cached_property
    def names(self) -> dict[int, str]:
        """Of an enumeration: the first name of each value."""
        found: dict[int, str] = {}
        for die in _children(self._die):
            if die.tag == "DW_TAG_enumerator":
                found.setdefault(int(die.attributes["DW_AT_const_value"].value), _name(die))
        return found

    def _number(self, attribute: str) -> int:
        return int(self._die.attributes[attribute].value)


class Debug:
    """The debug information of one ELF file. What it has not is a `LookupError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._variables: dict[str, Type] = {}

    @cached_property
    def _dwarf(self) -> Any:
        # Slow to import, and wanted only where there is such a system.
        from elftools.elf.elffile import ELFFile  # noqa: PLC0415

        elf = ELFFile(BytesIO(self._data))
        if not elf.has_dwarf_info():
            raise LookupError("there is no debug information")
        return elf.get_dwarf_info(relocate_dwarf_sections=False)

    def variable(self, name: str) -> Type:
        """The type of a global or static variable."""
        if name not in self._variables:
            self._variables[name] = self._variable(name)
        return self._variables[name]

    def _variable(self, name: str) -> Type:
        for die in self._named(name, ("DW_TAG_variable",)):
            if "DW_AT_type" in die.attributes and (kind := Type(_followed(die))).is_complete:
                return kind
        raise LookupError(f"{name} is not described")

    def structure(self, name: str) -> Type:
        """By its tag."""
        for die in self._named(name, _STRUCTURES):
            if (kind := Type(die)).is_complete:
                return kind
        raise LookupError(f"struct {name} is not described")

    def enumeration(self, constant: str) -> dict[int, str]:
        """Names by value, of the enumeration with a constant of that name."""
        for die in self._named(constant, ("DW_TAG_enumeration_type",), inner=True):
            return Type(die).names
        raise LookupError(f"there is no enumeration with {constant}")

    def _named(self, name: str, tags: tuple[str, ...], inner: bool = False) -> Iterator[Any]:
        """The outermost entries of that name, or those that have one of that name in them."""
        seen = set()
        for place in self._places(name.encode()):
            unit = self._dwarf.get_CU_containing(place)
            if unit.cu_offset in seen:
                continue
            seen.add(unit.cu_offset)
            for die in _children(unit.get_top_DIE()):
                if die.tag not in tags:
                    continue
                if name in (map(_name, _children(die)) if inner else (_name(die),)):
                    yield die

    def _places(self, name: bytes) -> Iterator[int]:
        """Offsets in `.debug_info` at which the name may be said."""
        info = _contents(self._dwarf.debug_info_sec)
        yield from _found(info, name + b"\0")
        strings = _contents(self._dwarf.debug_str_sec)
        for at in _found(strings, name + b"\0"):
            yield from _found(info, at.to_bytes(4, "little"))


def _children(parent: Any) -> Iterator[Any]:
    """The entries directly below one.

    Ever further into the file: by the library's own way a damaged file can lead in a circle.
    """
    from elftools.dwarf.die import DIE  # noqa: PLC0415

    unit = parent.cu
    at, end, depth = parent.offset + parent.size, unit.cu_offset + unit.size, 0
    while parent.has_children and at < end and depth >= 0:
        die = DIE(unit, parent.stream, at)
        at += die.size
        if die.is_null():
            depth -= 1
            continue
        if depth == 0:
            yield die
        if die.has_children:
            beyond = _sibling(die)
            if at < beyond < end:
                at = beyond
            else:
                depth += 1


def _sibling(die: Any) -> int:
    """Where the entry behind one and all below it is, if it says so; else 0."""
    attribute = die.attributes.get("DW_AT_sibling")
    if attribute is None or attribute.form == "DW_FORM_ref_addr":
        return 0
    return int(die.cu.cu_offset + attribute.value)


def _contents(section: Any) -> bytes:
    if section is None:
        return b""
    data: bytes = section.stream.getvalue()
    return data


def _found(data: bytes, part: bytes) -> Iterator[int]:
    at = -1
    for _ in range(_MOST_CANDIDATES):
        at = data.find(part, at + 1)
        if at < 0:
            return
        yield at


def _followed(die: Any) -> Any:
    if "DW_AT_type" not in die.attributes:
        raise LookupError("void")
    return die.get_DIE_from_attribute("DW_AT_type")


def _name(die: Any) -> str:
    attribute = die.attributes.get("DW_AT_name")
    return "" if attribute is None else attribute.value.decode(errors="replace")
