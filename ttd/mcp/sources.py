"""Lines of the sources that a program was built from, where these are still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ttd.errors import UserError

_MOST = 1 << 20
"""Bytes of a file that is taken for a source."""


class Sources:
    """Files below some folders. A program can name any file as its source: no others are read."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [Path(folder).resolve() for folder in folders]

    def around(self, file: str, number: int, count: int) -> Iterator[str]:
        """So many lines before line `number` of a source and behind it; `UserError` if there is no
        such file."""
        path = self._find(file)
        if path is None:
            there = ", ".join(map(str, self._folders))
            raise UserError(f"{file} is not below {there}: 'ttd mcp --source FOLDER' adds one")
        lines = path.read_text(errors="replace").splitlines()
        for n in range(max(1, number - count), min(len(lines), number + count) + 1):
            yield f"{'=>' if n == number else '  '} {n:>5}  {lines[n - 1]}".rstrip()

    def _find(self, file: str) -> Path | None:
        """By the longest part of its name that there is below a folder."""
        parts = [part for part in PurePosixPath(file).parts if part not in ("/", "..", ".")]
        for first in range(len(parts)):
            for folder in self._folders:
                path = (folder / PurePosixPath(*parts[first:])).resolve()
                inside = path.is_relative_to(folder) and path.is_file()
                if inside and path.stat().st_size <= _MOST:
                    return path
        return None
