"""Types as debug information describes them (DWARF 5, chapter 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ttd.program.entries import children, followed, name
from ttd.program.types import VOID, Kind, Member, Type

_MOST_LINKS = 32
"""Of a chain of typedefs and qualifiers; compilers make short ones."""
_QUALIFIERS = {
    "DW_TAG_const_type": "const",
    "DW_TAG_volatile_type": "volatile",
    "DW_TAG_restrict_type": "restrict",
    "DW_TAG_atomic_type": "_Atomic",
}
_KINDS = {
    "DW_TAG_pointer_type": Kind.POINTER,
    "DW_TAG_reference_type": Kind.POINTER,
    "DW_TAG_rvalue_reference_type": Kind.POINTER,
    "DW_TAG_structure_type": Kind.STRUCT,
    "DW_TAG_class_type": Kind.STRUCT,
    "DW_TAG_union_type": Kind.UNION,
    "DW_TAG_array_type": Kind.ARRAY,
    "DW_TAG_enumeration_type": Kind.ENUM,
    "DW_TAG_subroutine_type": Kind.FUNCTION,
    "DW_TAG_subprogram": Kind.FUNCTION,
}
_TAGS = {Kind.STRUCT: "struct", Kind.UNION: "union", Kind.ENUM: "enum"}
_ENCODINGS = {
    2: Kind.BOOL,
    4: Kind.FLOAT,
    5: Kind.SIGNED,
    6: Kind.CHAR,
    7: Kind.UNSIGNED,
    8: Kind.CHAR,
    16: Kind.CHAR,
}
"""DW_ATE_boolean, _float, _signed, _signed_char, _unsigned, _unsigned_char, _UTF (7.8)."""
_SIGNED = (5, 6)
STRUCTURES = ("DW_TAG_structure_type", "DW_TAG_union_type", "DW_TAG_class_type")


class TypeReader:
    """The types of one file; each is read once."""

    def __init__(self) -> None:
        self._known: dict[int, Type] = {}

    def of(self, die: Any) -> Type:
        """The type that an entry is."""
        known = self._known.get(die.offset)
        if known is None:
            known = self._known[die.offset] = self._read(die)
        return known

    def said_by(self, die: Any) -> Type:
        """The type of what an entry describes; void if it says none."""
        return self.of(followed(die)) if "DW_AT_type" in die.attributes else VOID

    def _read(self, die: Any) -> Type:
        qualifiers: list[str] = []
        alias = ""
        for _ in range(_MOST_LINKS):
            if die.tag == "DW_TAG_typedef":
                alias = alias or name(die)
            elif die.tag in _QUALIFIERS:
                if not alias:
                    qualifiers.append(_QUALIFIERS[die.tag])
            else:
                break
            if "DW_AT_type" not in die.attributes:
                return _Void(alias, qualifiers)
            die = followed(die)
        return Described(self, die, alias, qualifiers)


def _ordered(qualifiers: list[str]) -> tuple[str, ...]:
    """However they are nested: as people write them."""
    return tuple(word for word in _QUALIFIERS.values() if word in qualifiers)


class _Void(Type):
    kind, tag = Kind.VOID, "void"

    def __init__(self, alias: str, qualifiers: list[str]) -> None:
        self.alias, self.qualifiers = alias, _ordered(qualifiers)

    @property
    def size(self) -> int:
        return 1


class Described(Type):
    """A type that an entry describes."""

    def __init__(self, reader: TypeReader, die: Any, alias: str, qualifiers: list[str]) -> None:
        self._reader, self._die = reader, die
        self.alias, self.qualifiers = alias, _ordered(qualifiers)
        self._encoding = self._number("DW_AT_encoding", 0)
        kind = _KINDS.get(die.tag, Kind.OTHER)
        if die.tag == "DW_TAG_base_type":
            kind = _ENCODINGS.get(self._encoding, Kind.OTHER)
            if kind is Kind.CHAR and self._number("DW_AT_byte_size", 1) != 1:
                kind = Kind.SIGNED if self._encoding in _SIGNED else Kind.UNSIGNED
        self.kind = kind
        own = name(die)
        self.tag = f"{_TAGS[kind]} {own or '{...}'}" if kind in _TAGS else own

    def _number(self, attribute: str, default: int) -> int:
        found = self._die.attributes.get(attribute)
        return default if found is None else int(found.value)

    @cached_property
    def size(self) -> int:
        if "DW_AT_byte_size" in self._die.attributes:
            return self._number("DW_AT_byte_size", 0)
        if self.kind is Kind.ARRAY:
            return (self.length or 0) * self.target.size
        if self.kind is Kind.POINTER:
            return int(self._die.cu["address_size"])
        if self.kind is Kind.FUNCTION:
            return 1
        raise LookupError(f"{self} is declared only")

    @cached_property
    def target(self) -> Type:
        if self.kind is Kind.ARRAY and len(self._lengths) > 1:
            return _Rows(self, self._lengths[1:])
        return self._element

    @cached_property
    def _element(self) -> Type:
        return self._reader.said_by(self._die)

    @property
    def length(self) -> int | None:
        if self.kind is not Kind.ARRAY:
            raise LookupError(f"{self} is no array")
        return self._lengths[0]

    @cached_property
    def _lengths(self) -> tuple[int | None, ...]:
        """Of an array, from the outermost dimension."""
        ranges = (die for die in children(self._die) if die.tag == "DW_TAG_subrange_type")
        return tuple(map(_elements, ranges)) or (None,)

    @property
    def rows_of(self) -> Type:
        """What an array of arrays has in the innermost."""
        return self._element

    @cached_property
    def parts(self) -> tuple[Member, ...]:
        return tuple(self._parts()) if self.kind in (Kind.STRUCT, Kind.UNION) else ()

    def _parts(self) -> Iterator[Member]:
        for die in children(self._die):
            if die.tag != "DW_TAG_member" or "DW_AT_type" not in die.attributes:
                continue
            place = die.attributes.get("DW_AT_data_member_location")
            offset = 0 if place is None else place.value
            if not isinstance(offset, int):
                # DW_OP_plus_uconst and a small number, of old compilers.
                offset = offset[1] if len(offset) == 2 else 0
            kind = self._reader.said_by(die)
            width = die.attributes.get("DW_AT_bit_size")
            if width is None:
                yield Member(name(die), offset, kind)
                continue
            bit = self._lowest_bit(die, kind, int(width.value))
            at, low = offset + bit // 8, bit % 8
            yield Member(name(die), at, kind, (low, int(width.value)))

    @staticmethod
    def _lowest_bit(die: Any, kind: Type, width: int) -> int:
        """From the member's offset; of a little-endian machine."""
        if "DW_AT_data_bit_offset" in die.attributes:
            return int(die.attributes["DW_AT_data_bit_offset"].value)
        found = die.attributes.get("DW_AT_bit_offset")
        if found is None:
            return 0
        # DWARF 3: from the highest bit of a unit of storage.
        unit = die.attributes.get("DW_AT_byte_size")
        storage = kind.size if unit is None else int(unit.value)
        return 8 * storage - int(found.value) - width

    @cached_property
    def names(self) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for value, word in self.all_names:
            found.setdefault(value, word)
        return found

    @cached_property
    def all_names(self) -> tuple[tuple[int, str], ...]:
        return tuple(
            (int(die.attributes["DW_AT_const_value"].value), name(die))
            for die in children(self._die)
            if die.tag == "DW_TAG_enumerator"
        )

    @cached_property
    def parameters(self) -> tuple[Type, ...] | None:
        taken = [die for die in children(self._die) if die.tag == "DW_TAG_formal_parameter"]
        if not taken and "DW_AT_prototyped" not in self._die.attributes:
            return None
        return tuple(map(self._reader.said_by, taken))

    @cached_property
    def signed(self) -> bool:
        if self.kind is Kind.ENUM:
            return any(value < 0 for value in self.names)
        return self._encoding in _SIGNED

    @cached_property
    def is_complete(self) -> bool:
        if self.kind in (Kind.POINTER, Kind.ARRAY):
            return "DW_AT_type" not in self._die.attributes or self.target.is_complete
        return "DW_AT_declaration" not in self._die.attributes


class _Rows(Type):
    """An array inside of one."""

    kind = Kind.ARRAY

    def __init__(self, whole: Described, lengths: tuple[int | None, ...]) -> None:
        self._whole, self._lengths = whole, lengths

    @property
    def size(self) -> int:
        return (self.length or 0) * self.target.size

    @property
    def length(self) -> int | None:
        return self._lengths[0]

    @property
    def target(self) -> Type:
        if len(self._lengths) > 1:
            return _Rows(self._whole, self._lengths[1:])
        return self._whole.rows_of


def _elements(die: Any) -> int | None:
    """Of one dimension; None if it is not said, or only the running program knows."""
    for attribute, more in (("DW_AT_count", 0), ("DW_AT_upper_bound", 1)):
        found = die.attributes.get(attribute)
        if found is not None:
            return found.value + more if isinstance(found.value, int) else None
    return None
