"""Values as people read them: by their types, in the way of GDB."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ttd.program.errors import ProgramError
from ttd.program.evaluate import real
from ttd.program.location import Location, Moment, Where
from ttd.program.types import Kind, Type

_MOST_ELEMENTS = 200
"""Of an array, or characters of a text."""
_REPEATED = 10
"""More equal elements in a row are counted."""
_DEEPEST = 20
_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\033"}
_MOST_BYTES = 1 << 20


class Shower:
    """Shows what is at places; knows the names of addresses."""

    def __init__(self, name: Callable[[int], str | None], word: int) -> None:
        """`name`: `function+4` of an address, or of a variable; `word`: bytes of an address."""
        self._name, self._word = name, word

    def show(self, location: Location, at: Moment, *, typed: bool = True) -> str:
        """The value there, `typed`: of a pointer with its type; `ProgramError` if it cannot be
        read."""
        kind = location.type
        if kind is None:
            return self._untyped(location, location.read(at))
        if kind.kind is Kind.FUNCTION:
            return f"{{{kind}}} {self._address(location.address)}"
        if kind.kind is Kind.VOID:
            return "void"
        if location.size > _MOST_BYTES:
            raise ProgramError(f"{location.text} has {location.size} bytes: say which of them.")
        if location.bits is not None:
            return self._integer(kind, location.number(at))
        data = location.read(at)
        shown = self._value(kind, data, at, 0)
        if typed and kind.kind is Kind.POINTER and not _is_text(kind):
            return f"({kind}) {shown}"
        return shown

    def _untyped(self, location: Location, data: bytes) -> str:
        if location.bits is not None:
            low, width = location.bits
            return f"{int.from_bytes(data, 'little') >> low & ((1 << width) - 1):#x}"
        if location.where is Where.REGISTER:
            value = int.from_bytes(data, "little")
            name = self._name(value) if len(data) == self._word else None
            return f"{value:#x}" + (f" <{name}>" if name else "")
        if len(data) in (1, 2, 4, 8):
            return f"{int.from_bytes(data, 'little'):#x}"
        return data.hex(" ")

    def _address(self, address: int) -> str:
        name = self._name(address)
        return f"{address:#x}" + (f" <{name}>" if name else "")

    def _value(self, kind: Type, data: bytes, at: Moment, depth: int) -> str:
        match kind.kind:
            case Kind.STRUCT | Kind.UNION:
                if depth >= _DEEPEST:
                    return "{...}"
                return self._members(kind, data, at, depth)
            case Kind.ARRAY:
                if depth >= _DEEPEST:
                    return "{...}"
                return self._elements(kind, data, at, depth)
            case Kind.POINTER:
                return self._pointer(kind, int.from_bytes(data, "little"), at)
            case Kind.FLOAT:
                return _real(data)
            case Kind.SIGNED | Kind.UNSIGNED | Kind.CHAR | Kind.BOOL | Kind.ENUM:
                value = int.from_bytes(data, "little", signed=kind.signed)
                return self._integer(kind, value)
        return "0x" + data[::-1].hex()

    @staticmethod
    def _integer(kind: Type, value: int) -> str:
        match kind.kind:
            case Kind.BOOL:
                return {0: "false", 1: "true"}.get(value, str(value))
            case Kind.ENUM:
                return _enumerator(kind, value)
            case Kind.CHAR:
                return f"{value} '{_letter(value & 0xFF, quote=39)}'"
        return str(value)

    def _members(self, kind: Type, data: bytes, at: Moment, depth: int) -> str:
        shown = []
        for part in kind.parts:
            if part.bits is not None:
                low, width = part.bits
                size = (low + width + 7) // 8
                raw = int.from_bytes(data[part.offset : part.offset + size], "little") >> low
                raw &= (1 << width) - 1
                if part.type.signed and width and raw >> (width - 1):
                    raw -= 1 << width
                value = self._integer(part.type, raw)
            else:
                size = part.type.size
                piece = data[part.offset : part.offset + size]
                value = self._value(part.type, piece, at, depth + 1)
            shown.append(f"{part.name} = {value}" if part.name else value)
        return f"{{{', '.join(shown)}}}"

    def _elements(self, kind: Type, data: bytes, at: Moment, depth: int) -> str:
        target = kind.target
        if target.kind is Kind.CHAR:
            return text(data)
        size = target.size
        if size == 0:
            return "{}"
        pieces = [data[n : n + size] for n in range(0, len(data), size)]
        shown: list[str] = []
        index = counted = 0
        while index < len(pieces):
            if counted >= _MOST_ELEMENTS:
                return f"{{{', '.join(shown)}...}}"
            same = index + 1
            while same < len(pieces) and pieces[same] == pieces[index]:
                same += 1
            value = self._value(target, pieces[index], at, depth + 1)
            if same - index > _REPEATED:
                shown.append(f"{value} <repeats {same - index} times>")
                index, counted = same, counted + _REPEATED
            else:
                shown.append(value)
                index, counted = index + 1, counted + 1
        return f"{{{', '.join(shown)}}}"

    def _pointer(self, kind: Type, value: int, at: Moment) -> str:
        shown = self._address(value)
        if not _is_text(kind) or not value:
            return shown
        data = at.memory(value, _MOST_ELEMENTS)
        end = data.find(b"\0")
        if end < 0 and len(data) < _MOST_ELEMENTS:
            return shown
        return f"{shown} {text(data[:end], ends=True) if end >= 0 else text(data) + '...'}"


def _is_text(kind: Type) -> bool:
    return kind.kind is Kind.POINTER and kind.target.kind is Kind.CHAR


def _enumerator(kind: Type, value: int) -> str:
    names = kind.names
    if value in names:
        return names[value]
    # Bits by name, if no two of them share one.
    flags = {bit: name for bit, name in names.items() if bit}
    seen = 0
    for bit in flags:
        if bit < 0 or seen & bit or not _is_row(bit):
            return str(value)
        seen |= bit
    if not flags or value == 0:
        return str(value)
    found = [name for bit, name in flags.items() if value & bit == bit]
    rest = value
    for bit in flags:
        if value & bit == bit:
            rest &= ~bit
    if rest:
        found.append(f"unknown: {rest:#x}")
    return f"({' | '.join(found)})"


def _is_row(bits: int) -> bool:
    """All of its ones are beside each other."""
    low = bits & -bits
    return bits // low & (bits // low + 1) == 0


def _real(data: bytes) -> str:
    value = real(data)
    if math.isnan(value):
        bits, mantissa = int.from_bytes(data, "little"), 23 if len(data) == 4 else 52
        sign = "-" if bits >> (8 * len(data) - 1) else ""
        return f"{sign}nan({bits & ((1 << mantissa) - 1):#x})"
    return f"{value:.{9 if len(data) == 4 else 17}g}"


def text(data: bytes, *, ends: bool = False) -> str:
    """Characters in quotes; one zero at the end goes without saying, unless `ends`: it is gone."""
    if not ends and data and data[-1] == 0 and len(data) <= _MOST_ELEMENTS:
        data = data[:-1]
    parts = list(_parts(data[:_MOST_ELEMENTS]))
    more = "..." if len(data) > _MOST_ELEMENTS else ""
    return (", ".join(parts) or '""') + more


def _parts(data: bytes) -> Iterator[str]:
    """Stretches in quotes, and what is repeated."""
    plain, at = "", 0
    while at < len(data):
        same = at + 1
        while same < len(data) and data[same] == data[at]:
            same += 1
        if same - at > _REPEATED:
            if plain:
                yield f'"{plain}"'
                plain = ""
            yield f"'{_letter(data[at], quote=34)}' <repeats {same - at} times>"
            at = same
            continue
        plain += _letter(data[at], quote=34)
        at += 1
    if plain:
        yield f'"{plain}"'


def _letter(code: int, *, quote: int) -> str:
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code in (quote, 92):
        return "\\" + chr(code)
    # Three octal digits always: a digit behind them is a character of its own.
    return chr(code) if 32 <= code < 127 else f"\\{code:03o}"
