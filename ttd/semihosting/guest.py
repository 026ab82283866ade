"""What a call says in guest memory, and what it leaves there. Every length is bounded here."""

from __future__ import annotations

from errno import EFAULT, EINVAL

from ttd.semihosting.sides import Memory

MAX_STRING = 4096
MOST = 1 << 24
"""Bytes that one call moves at most."""


class CallError(Exception):
    """The call fails with this errno."""

    def __init__(self, errno: int) -> None:
        self.errno = errno


class Parameters:
    """Guest memory in words of the calling CPU; what is not there fails with EFAULT."""

    def __init__(self, memory: Memory, word: int) -> None:
        """`word`: 4 or 8 bytes."""
        self._memory = memory
        self._word = word

    def get(self, address: int, size: int) -> bytes:
        """At most `MOST` bytes: nobody makes room for what a guest says."""
        assert size <= MOST
        data = self._memory.read(address, size)
        if len(data) != size:
            raise CallError(EFAULT)
        return data

    def put(self, address: int, data: bytes) -> None:
        if self._memory.write(address, data) != len(data):
            raise CallError(EFAULT)

    def words(self, address: int, count: int) -> list[int]:
        data, word = self.get(address, self._word * count), self._word
        return [int.from_bytes(data[i : i + word], "little") for i in range(0, len(data), word)]

    def put_words(self, address: int, words: list[int]) -> None:
        """Of each the bits that a word has."""
        mask = (1 << 8 * self._word) - 1
        self.put(address, b"".join((w & mask).to_bytes(self._word, "little") for w in words))

    def string(self, address: int, length: int) -> str:
        """A name of this length."""
        if length > MAX_STRING:
            raise CallError(EINVAL)
        try:
            return self.get(address, length).decode()
        except UnicodeDecodeError:
            raise CallError(EINVAL) from None

    def text(self, address: int) -> bytes:
        """Up to a zero, which must come within `MOST` bytes."""
        text = self._memory.read_text(address, MOST)
        if text is None:
            raise CallError(EFAULT)
        return text
