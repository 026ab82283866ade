"""The entries of debug information, one by one (DWARF 5, chapter 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MOST_ORIGINS = 16
"""Of a chain of entries of which each completes the one before."""
_ORIGINS = ("DW_AT_abstract_origin", "DW_AT_specification")


def children(parent: Any) -> Iterator[Any]:
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


def name(die: Any) -> str:
    """Its own name; "" if it has none."""
    attribute = die.attributes.get("DW_AT_name")
    return "" if attribute is None else attribute.value.decode(errors="replace")


def followed(die: Any, attribute: str = "DW_AT_type") -> Any:
    """The entry that an attribute refers to; a `LookupError` if there is no such attribute."""
    if attribute not in die.attributes:
        raise LookupError("void")
    return die.get_DIE_from_attribute(attribute)


def completed(die: Any) -> Iterator[Any]:
    """An entry, and those that say the rest of it: of a function that is inlined, or declared
    elsewhere (DWARF 5, 3.3.8.2 and 2.13.2)."""
    for _ in range(_MOST_ORIGINS):
        yield die
        origin = next((key for key in _ORIGINS if key in die.attributes), None)
        if origin is None:
            return
        die = die.get_DIE_from_attribute(origin)


def said(die: Any, attribute: str) -> Any:
    """The value of an attribute, of the entry or one that completes it; None if there is none."""
    for each in completed(die):
        if attribute in each.attributes:
            return each.attributes[attribute].value
    return None


def full_name(die: Any) -> str:
    """The name that it has, or the entry that completes it."""
    value = said(die, "DW_AT_name")
    return "" if value is None else value.decode(errors="replace")
