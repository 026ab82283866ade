"""Addresses and sizes as users write them."""

from __future__ import annotations

import re

from ttd.errors import UserError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_NUMBER = "0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}"
_SIZE = re.compile(rf"({_NUMBER})([KkMmGg]?)(?:i?[Bb])?")


class BoardOptionError(UserError):
    """A board cannot be made as it was asked for; one sentence."""


def parse_address(text: str, what: str) -> int:
    """A number below 2**64, decimal or 0x...; `what` names it in the error."""
    if not re.fullmatch(_NUMBER, text) or (number := _number(text)) >= 1 << 64:
        raise BoardOptionError(f"{what} is an address such as 0x20000000, not {text!r}")
    return number


def parse_size(text: str, what: str) -> int:
    """Bytes, with K, M or G for powers of 1024; `what` names it in the error."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise BoardOptionError(f"{what} is a size such as 64K or 0x10000, not {text!r}")
    return _number(match[1]) * _UNITS[match[2].upper()]


def _number(text: str) -> int:
    return int(text, 16) if text[:2].lower() == "0x" else int(text)
