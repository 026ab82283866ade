"""Memory by addresses that GDB cannot ask for, and what is mapped."""

from __future__ import annotations

from ttd.debugger.session import Session
from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.monitor.commands import Command
from ttd.text import number

_MOST = 4096
_TOP = 1 << 64
"""Addresses are below this."""


class MemoryCommands:
    """`phys` and `info mem`."""

    def __init__(self, session: Session) -> None:
        self._timeline = session.timeline
        self.all = (
            Command("phys", self._phys, "ADDRESS [LENGTH]", "show memory by physical address"),
            Command("info mem", self._mapped, text="what is mapped, and how: u, r, w"),
        )

    def _phys(self, words: list[str]) -> str:
        try:
            address, size = (*(number(word) for word in words), 64)[:2]
        except ValueError:
            address, size = 0, 0
        if len(words) not in (1, 2) or not 0 < size <= _MOST:
            raise UserError(f"phys takes an address and maybe a length, up to {_MOST}.")
        size = min(size, _TOP - address)
        data = self._timeline.probe.read_physical(address, size)
        lines = [f"{address + at:#x}: {data[at : at + 16].hex(' ')}" for at in range(0, size, 16)]
        return "\n".join(lines[: -(-len(data) // 16)]) + "\n"

    def _mapped(self, words: list[str]) -> str:
        """As QEMU's monitor prints it for x86, which GEF reads: QEMU's manual, "info mem"."""
        rows: list[tuple[int, int, str]] = []
        rest = ""
        for span in self._timeline.probe.mapped():
            if not span.rights:
                rest = f"There may be more from {span.start:#x} on.\n"
                break
            shown = "".join(
                letter if there else "-"
                for letter, there in (
                    ("u", span.user),
                    ("r", span.rights & Access.READ),
                    ("w", span.rights & Access.WRITE),
                )
            )
            start = rows.pop()[0] if rows and rows[-1][1:] == (span.start, shown) else span.start
            rows.append((start, span.end, shown))
        lines = (f"{a:016x}-{b:016x} {b - a:016x} {shown}\n" for a, b, shown in rows)
        return "".join(lines) + rest or "Nothing is mapped.\n"
