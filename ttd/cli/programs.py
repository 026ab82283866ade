"""The programs of a machine, for a debugger: their ELF files, and where their sources are."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ttd.elf import MAGIC
from ttd.images import Load

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

ORDER = ("image", "kernel", "load", "bios")
"""Which program is the one that is debugged, if there are several."""
_UNITS_MOST = 1000
"""Compilation units that are asked for their sources."""


def programs(loads: Sequence[Load], folder: Path) -> list[Path]:
    """The ELF files among `loads`, the program that is debugged first.

    A file that is still where the name says, and the same, is used there; the others are written
    into `folder`.
    """
    found = [load for load in loads if load.role in ORDER and load.image.data[:4] == MAGIC]
    found.sort(key=lambda load: ORDER.index(load.role))
    return [_file(load.image.path, load.image.data, folder, n) for n, load in enumerate(found)]


def _file(name: str, data: bytes, folder: Path, number: int) -> Path:
    with suppress(OSError, ValueError):
        there = Path(name)
        if there.stat().st_size == len(data) and there.read_bytes() == data:
            return there.resolve()
    # The name comes from a file, which may be a stranger's.
    plain = "".join(c if c.isalnum() or c in "._+-" else "_" for c in Path(name).name)
    path = folder / f"{number}" / (plain.lstrip(".")[-100:] or "program.elf")
    path.parent.mkdir()
    path.write_bytes(data)
    return path


def moved_sources(elf: Path, roots: Sequence[Path]) -> list[tuple[str, str]]:
    """Folders that the sources were compiled in and are not there: (old, new) for each.

    New is the folder of `roots` that has the same files below it; the most files win. What is not
    found anywhere is left out, and so is what a debugger finds by itself.
    """
    votes: dict[str, Counter[str]] = {}
    for source in _sources(elf):
        if not source.is_absolute() or Path(source).exists():
            continue
        for root in roots:
            old = _old_root(source, root)
            if old is not None:
                votes.setdefault(str(old), Counter())[str(root)] += 1
                break
    return [(old, count.most_common(1)[0][0]) for old, count in sorted(votes.items())]


def _old_root(source: PurePosixPath, root: Path) -> PurePosixPath | None:
    """What stands for `root` in the name of a source: the least that leaves a file there."""
    for parent in reversed(source.parents):
        if parent != PurePosixPath("/") and (root / source.relative_to(parent)).is_file():
            return parent
    return None


def _sources(elf: Path) -> Iterator[PurePosixPath]:
    """Names of the sources of a program; none if it does not say them, or is damaged."""
    from elftools.elf.elffile import ELFFile

    try:
        with elf.open("rb") as file:
            yield from _units(ELFFile(BytesIO(file.read())))
    except Exception:  # pyelftools raises whatever its parsing runs into
        return


def _units(elf: ELFFile) -> Iterator[PurePosixPath]:
    if not elf.has_dwarf_info():
        return
    for unit in islice(elf.get_dwarf_info().iter_CUs(), _UNITS_MOST):
        attributes = unit.get_top_DIE().attributes
        name, folder = (
            attributes[key].value.decode(errors="replace") if key in attributes else ""
            for key in ("DW_AT_name", "DW_AT_comp_dir")
        )
        yield PurePosixPath(folder) / name
