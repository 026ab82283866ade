"""What is where in the addresses that a debugger uses: memory, devices, and nothing.

Where software maps memory, that is what its page tables say.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ttd.cpu.base import Leaf, address_bits
from ttd.engine.types import Access
from ttd.machine import Machine
from ttd.values import dataclass

TOP = 1 << 64
MOST_JOINED = 4096
"""Entries of page tables, in each direction, that are looked at for one answer."""
MOST_LISTED = 1 << 18
"""Entries of page tables that are looked at to list all that they map: tables that point to
themselves have more than anybody can wait for."""
_ALL = Access.READ | Access.WRITE | Access.FETCH


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses [start, end) of one kind.

    `rights`: an `Access` mask, 0 where nothing is. `user`: page tables open it to unprivileged
    software.
    """

    start: int
    end: int
    rights: int = 0
    name: str = ""
    """That of the memory or the device."""
    user: bool = False

    @property
    def kind(self) -> tuple[int, str, bool]:
        """What neighbours that are one have in common."""
        return self.rights, self.name, self.user


class AddressSpace:
    """The addresses of one machine, as they are mapped at its present position."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._top = 1 << address_bits(machine.cpu.registers)
        self._physical = _physical(machine, self._top)
        self._starts = [span.start for span in self._physical]

    def at(self, address: int) -> Span:
        """The whole of what is, or is not, at an address below 2^64.

        It may be a part where page tables change often: the next one is then of the same kind.
        """
        tables = self._machine.cpu.page_tables()
        if tables is None:
            return self._physical_at(address)
        span = self._mapped(tables.leaf, address)
        return self._joined(tables.leaf, span)

    def mapped(self) -> Iterator[Span]:
        """All that can be accessed, in order, without names.

        That is what page tables map, whatever is behind it; where there are none, what there is.
        Ends with a `Span` without rights where entries are left that nobody has looked at.
        """
        tables = self._machine.cpu.page_tables()
        entries: Iterable[Span | Leaf] = self._physical
        if tables is not None:
            entries = self._entries(tables.leaf)
        for looked, entry in enumerate(entries):
            if looked == MOST_LISTED:
                yield Span(entry.start, self._top)
                return
            if entry.rights:
                yield Span(entry.start, entry.end, entry.rights, user=entry.user)

    def _entries(self, leaf: Callable[[int], Leaf]) -> Iterator[Leaf]:
        at = 0
        while at < self._top:
            entry = leaf(at)
            yield entry
            at = entry.end

    def _joined(self, leaf: Callable[[int], Leaf], span: Span) -> Span:
        # Above what the core can address there is nothing either, but not of the same kind.
        edges = (0, self._top, TOP)
        start, end, kind = span.start, span.end, span.kind
        for _ in range(MOST_JOINED):
            if start in edges or (before := self._mapped(leaf, start - 1)).kind != kind:
                break
            start = before.start
        for _ in range(MOST_JOINED):
            if end in edges or (after := self._mapped(leaf, end)).kind != kind:
                break
            end = after.end
        return replace(span, start=start, end=end)

    def _mapped(self, leaf: Callable[[int], Leaf], address: int) -> Span:
        """The part of an entry of the page tables that has one thing behind it."""
        if address >= self._top:
            return Span(self._top, TOP)
        entry = leaf(address)
        if not entry.rights:
            return Span(entry.start, entry.end)
        offset = entry.start - entry.target
        behind = self._physical_at(address - offset)
        return Span(
            max(entry.start, behind.start + offset),
            min(entry.end, behind.end + offset),
            entry.rights & behind.rights,
            behind.name,
            entry.user and behind.rights != 0,
        )

    def _physical_at(self, address: int) -> Span:
        return self._physical[bisect_right(self._starts, address) - 1]


def _physical(machine: Machine, top: int) -> list[Span]:
    """All physical addresses, in order and without gaps."""
    board = machine.board
    found = [
        Span(
            base,
            base + region.size,
            _ALL if region.writable else Access.READ | Access.FETCH,
            region.name,
        )
        for region in board.regions
        for base in (region.base, *region.mirrors)
    ]
    found += [
        Span(unit.base, unit.base + unit.size, Access.READ | Access.WRITE, unit.device.name)
        for unit in machine.bus.mapped
        if unit.size
    ]
    found += [
        Span(band.alias, band.alias + band.alias_size, Access.READ | Access.WRITE, "bit-band")
        for band in board.bit_bands
    ]
    spans: list[Span] = []
    at = 0
    for span in (*sorted(found, key=lambda span: span.start), Span(top, TOP)):
        if at < span.start:
            spans.append(Span(at, span.start))
        if span.start < span.end:
            spans.append(span)
        at = span.end
    return spans
