"""In what two states of a machine differ, for the message of a test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from ttd.history.kept import Snapshot


def difference(one: Snapshot, other: Snapshot) -> str:
    """Each part that is not the same: pages by number, registers by index, the rest by its path."""
    found = [
        f"page {page}: {_bytes(one.table[page].data, other.table[page].data)}"
        for page in one.table.differing(other.table)
        if one.table[page].digest != other.table[page].digest
    ]
    found += [
        f"register {number}: {mine!r} and {theirs!r}"
        for number, (mine, theirs) in enumerate(zip_longest(one.registers, other.registers))
        if mine != theirs
    ]
    found += _parts("", one.state, other.state)
    return "; ".join(found) or "nothing that is seen here"


def _bytes(one: bytes, other: bytes) -> str:
    at = next((at for at in range(len(one)) if one[at : at + 1] != other[at : at + 1]), len(one))
    return f"at {at:#x} {one[at : at + 8].hex()} and {other[at : at + 8].hex()}"


def _parts(path: str, one: object, other: object) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            yield from _parts(f"{path}/{name}", one.get(name), other.get(name))
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"
