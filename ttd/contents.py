"""What a machine has beside RAM that is too large to be written into every snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

PAGE = 4096
"""Bytes that are remembered and stored together."""
_ZEROS = bytes(PAGE)


class Contents:
    """Pages of something large outside RAM; those that nobody has put there yet are holes.

    The known pages are part of the machine's state, kept by snapshots as those of RAM are: what
    they are like without is for the owner to say.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.pages = -(-size // PAGE)
        self._known: dict[int, bytes] = {}
        self._changed: set[int] = set()
        self.changes = 0
        """Counts them."""

    def missing(self, numbers: Sequence[int]) -> list[int]:
        """Those of the pages that are holes."""
        return [number for number in numbers if number not in self._known]

    def put(self, pages: Iterable[tuple[int, bytes]]) -> None:
        """Fill holes; known pages stay as they are."""
        known, changed = self._known, self._changed
        for number, data in pages:
            if number not in known:
                known[number] = data if len(data) == PAGE else data.ljust(PAGE, b"\0")
                changed.add(number)
                self.changes += 1

    def page(self, number: int) -> bytes | None:
        """What a known page holds; None for a hole."""
        return self._known.get(number)

    def replace(self, number: int, data: bytes) -> None:
        """Change a whole page, known or not."""
        self._known[number] = data
        self._changed.add(number)
        self.changes += 1

    def forget(self, number: int) -> None:
        """Make a page a hole again."""
        if self._known.pop(number, None) is not None:
            self._changed.add(number)
            self.changes += 1

    def read(self, offset: int, count: int) -> bytes:
        """What known pages hold; holes read as zeros."""
        first, start = divmod(offset, PAGE)
        known = self._known
        pages = range(first, -(-(offset + count) // PAGE))
        return b"".join([known.get(number, _ZEROS) for number in pages])[start : start + count]

    def write(self, offset: int, data: bytes) -> None:
        """Change the contents; of a page that is changed in part the rest must be known."""
        at = 0
        while at < len(data):
            number, start = divmod(offset + at, PAGE)
            part = data[at : at + PAGE - start]
            old = self._known.get(number, _ZEROS)
            self._known[number] = old[:start] + part + old[start + len(part) :]
            self._changed.add(number)
            self.changes += 1
            at += len(part)

    def contents(self) -> list[tuple[int, bytes]]:
        """All known pages."""
        return sorted(self._known.items())

    @property
    def changed(self) -> Set[int]:
        """Numbers of the pages that have changed since `take_changed` was called last."""
        return self._changed

    def take_changed(self) -> list[tuple[int, bytes]]:
        """The pages that have changed since this was called last; b"" for a hole."""
        changed = [(number, self._known.get(number, b"")) for number in sorted(self._changed)]
        self._changed.clear()
        return changed

    def restore(self, number: int, data: bytes) -> None:
        """Give a page the contents that `take_changed` said; it has not changed since then."""
        self._changed.discard(number)
        if data:
            self._known[number] = data
        else:
            self._known.pop(number, None)
