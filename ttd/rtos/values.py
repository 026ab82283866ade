"""Variables of the guest, read through a description of their types."""

from __future__ import annotations

from collections.abc import Callable

from ttd.errors import UserError
from ttd.program.types import Type
from ttd.text import printable
from ttd.values import dataclass

_MOST_TEXT = 64
"""Characters of a name."""


class Implausible(Exception):
    """Memory does not hold at this moment what the system keeps there."""


class Memory:
    """The guest's, as its CPU addresses it; little endian, as every board here."""

    def __init__(self, read: Callable[[int, int], bytes], word: int) -> None:
        """`read`: as `ProbeApi.read_memory`; `word`: bytes of a pointer."""
        self._read = read
        self.word = word

    def exactly(self, address: int, size: int) -> bytes:
        """All of them; `Implausible` if they are not there."""
        data = self.some(address, size)
        if len(data) != size:
            raise Implausible(f"no memory at {address:#x}")
        return data

    def some(self, address: int, size: int) -> bytes:
        """The same, fewer where the memory ends."""
        try:
            return self._read(address, size)
        except UserError as error:
            raise Implausible(str(error)) from error

    def words(self, address: int, count: int) -> list[int]:
        """Words of the size of a pointer, from an address that is a multiple of it."""
        if address % self.word:
            raise Implausible(f"{address:#x} is not aligned")
        data = self.exactly(address, self.word * count)
        return [
            int.from_bytes(data[at : at + self.word], "little")
            for at in range(0, len(data), self.word)
        ]


@dataclass(frozen=True, slots=True)
class Value:
    """What is at an address, of some type. What a type has not is a `LookupError`."""

    memory: Memory
    address: int
    type: Type

    def __getitem__(self, name: str | int) -> Value:
        """A member of a structure, or an element of an array."""
        if isinstance(name, int):
            element = self.type.target
            return Value(self.memory, self.address + name * element.size, element)
        member = self.type.member(name)
        return Value(self.memory, self.address + member.offset, member.type)

    def first(self, *names: str) -> Value:
        """The first of these members that the structure has: they were renamed some time."""
        return self[next((name for name in names if name in self.type), names[-1])]

    def __contains__(self, name: str) -> bool:
        return name in self.type

    @property
    def number(self) -> int:
        """An integer without a sign, or a pointer."""
        return int.from_bytes(self._scalar(), "little")

    @property
    def signed(self) -> int:
        """An integer with one."""
        return int.from_bytes(self._scalar(), "little", signed=True)

    def _scalar(self) -> bytes:
        if self.type.size > 8:
            raise LookupError("that is not a number")
        return self.memory.exactly(self.address, self.type.size)

    @property
    def pointed(self) -> Value:
        """What a pointer points to; `Implausible` if it is null."""
        return self.at(self.number)

    def at(self, address: int) -> Value:
        """What a pointer of this type with that value points to."""
        if address == 0 or address % min(self.memory.word, 4):
            raise Implausible(f"{address:#x} points to nothing")
        return Value(self.memory, address, self.type.target)

    @property
    def text(self) -> str:
        """An array of characters, or those that a pointer points to, up to a zero."""
        if self.type.is_pointer:
            start = self.number
            if start == 0:
                return ""
            data = self.memory.some(start, _MOST_TEXT)
        else:
            data = self.memory.exactly(self.address, min(self.type.size, _MOST_TEXT))
        return printable(data.partition(b"\0")[0].decode(errors="replace"))
