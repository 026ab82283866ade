"""Rows as bytes, for those who send or keep many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack

from ttd.search.question import Row, What

_KINDS = tuple(What)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_WIDE = 1
"""The extension that a number of more than 64 bits is."""


def pack(rows: Sequence[Row]) -> bytes:
    """In order."""
    found: bytes = msgpack.packb(
        [
            (
                row.step,
                _NUMBERS[row.kind],
                _number(row.pc),
                row.address,
                row.size,
                _number(row.old),
                _number(row.new),
                row.by,
            )
            for row in rows
        ]
    )
    return found


def unpack(data: bytes) -> list[Row]:
    """What `pack` was given; `ValueError` if this is something else."""
    try:
        listed = msgpack.unpackb(data, ext_hook=_wide, strict_map_key=True)
        return [
            Row(step, _KINDS[kind], pc, address, size, old, new, by)
            for step, kind, pc, address, size, old, new, by in listed
        ]
    except (TypeError, LookupError, msgpack.UnpackException, ValueError) as error:
        raise ValueError("these are no rows") from error


def _number(value: int | None) -> Any:
    """As msgpack can have it."""
    if value is None or -(1 << 63) <= value < 1 << 64:
        return value
    length = value.bit_length() // 8 + 1
    return msgpack.ExtType(_WIDE, value.to_bytes(length, "little", signed=True))


def _wide(code: int, data: bytes) -> int:
    if code != _WIDE:
        raise ValueError("an unknown extension")
    return int.from_bytes(data, "little", signed=True)
