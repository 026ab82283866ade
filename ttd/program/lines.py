"""Which line of the source an instruction comes from (DWARF 5, 6.2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ttd.program.debug import Debug
from ttd.program.entries import name


class Line(NamedTuple):
    """A line, and the addresses that one row of the table says are of it."""

    file: str
    """As the compiler was given it."""
    number: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


class SourceLine(NamedTuple):
    """A line of a file."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


class _Row(NamedTuple):
    address: int
    file: int
    line: int
    is_stmt: bool
    ends: bool
    """Behind the last instruction of a sequence."""


class LineTable:
    """The lines of one unit."""

    def __init__(self, debug: Debug, unit: Any) -> None:
        self._program = debug.dwarf.line_program_for_CU(unit)
        self._unit = unit

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Of the numbers in the table."""
        if self._program is None:
            return ()
        header = self._program.header
        first = 0 if header["version"] >= 5 else 1
        folders = [_text(each) for each in header["include_directory"]]
        # Up to version 4 the folder 0 is the one of the compilation, which files leave out.
        if first:
            folders.insert(0, "")
        else:
            folders[:1] = [""]
        found = [] if first == 0 else [name(self._unit.get_top_DIE())]
        for entry in header["file_entry"]:
            folder = folders[entry.dir_index] if entry.dir_index < len(folders) else ""
            found.append(str(PurePosixPath(folder, _text(entry.name))))
        return tuple(found)

    @cached_property
    def rows(self) -> list[_Row]:
        """By address; of several at one the last counts."""
        if self._program is None:
            return []
        states = (entry.state for entry in self._program.get_entries())
        rows = [
            _Row(s.address, s.file, s.line, bool(s.is_stmt), s.end_sequence) for s in states if s
        ]
        # Where a sequence ends another one may begin.
        return sorted(rows, key=lambda row: (row.address, not row.ends))

    @cached_property
    def _addresses(self) -> list[int]:
        return [row.address for row in self.rows]

    def at(self, address: int) -> Line | None:
        index = bisect_right(self._addresses, address) - 1
        if index < 0 or self.rows[index].ends:
            return None
        end = self._end(index)
        # Of rows at one address one where a statement begins says more.
        while not self.rows[index].is_stmt and index > 0:
            before = self.rows[index - 1]
            if before.address != self.rows[index].address or before.ends or before.line == 0:
                break
            index -= 1
        if not self.rows[index].is_stmt:
            index = bisect_right(self._addresses, address) - 1
        row = self.rows[index]
        return self._line(row, end) if row.line else None

    def _end(self, index: int) -> int:
        """Where the next row with another address is."""
        after = bisect_right(self._addresses, self.rows[index].address)
        return self.rows[after].address if after < len(self.rows) else self.rows[index].address

    def _line(self, row: _Row, end: int) -> Line:
        return Line(self.file(row.file), row.line, row.address, end)

    def file(self, number: int) -> str:
        """By its number in the table."""
        return self.files[number] if 0 <= number < len(self.files) else "?"

    @property
    def all(self) -> Iterator[Line]:
        """Every stretch of code that is of a line."""
        for index, row in enumerate(self.rows):
            if row.line and not row.ends and self._counts(index):
                yield self._line(row, self._end(index))

    def starts(self, file: str, wanted: int) -> list[Line]:
        """Where the code of a line begins, once for each stretch of it; where a line has none, of
        the next one that has some. `file`: the end of its path."""
        numbers = {n for n, each in enumerate(self.files) if is_file(each, file)}
        rows = self.rows
        there = [
            index
            for index, row in enumerate(rows)
            if row.file in numbers and row.line >= wanted and not row.ends
        ]
        line = min((rows[index].line for index in there if rows[index].is_stmt), default=None)
        here = [index for index in there if rows[index].line == line]
        counting = [index for index in here if self._counts(index)] or here
        here = [index for index in counting if rows[index].is_stmt] or counting
        found: list[Line] = []
        before: int | None = None
        for index in here:
            one = before is not None and all(
                (row.file, row.line) == (rows[index].file, line) and not row.ends
                for row in rows[before:index]
            )
            if not one:
                found.append(self._line(rows[index], self._end(index)))
            before = index
        return found

    def _counts(self, index: int) -> bool:
        """Some code is of that row: the next one is at another address."""
        return self._end(index) > self.rows[index].address


def is_file(path: str, wanted: str) -> bool:
    """Whether `wanted` is the end of a path: `main.c`, `src/main.c`."""
    ending = PurePosixPath(wanted).parts
    return bool(ending) and PurePosixPath(path).parts[-len(ending) :] == ending


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
