"""`last`, `next`, `writes`, `reads`: who wrote or read something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ttd.conditions import new, old
from ttd.errors import UserError
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import rows
from ttd.questions.target import Target, target
from ttd.search import What
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Access(Row):
    """Something was written or read, or a register has changed."""

    kind: str
    """`written`, `read` or `register`."""
    name: str
    """Of what."""
    address: Hex | None
    """Of the access; None of a register."""
    size: int
    """In bytes."""
    old: Hex | None
    new: Hex | None
    """What was there before, and then; of a read both are what was read. What a device has held,
    and answered, is not known."""
    pc: Hex | None
    where: str
    """The instruction, as `function+offset`."""
    line: str
    """Of the source: `file.c:12`; empty where nobody knows."""
    before: str
    after: str
    """The values as people see them, by the type of what was asked about."""
    by: str
    """Who did it, if no instruction: the entry to an exception, a device."""

    @property
    def text(self) -> str:
        what = f"{self.name} {self.before} -> {self.after}"
        if self.kind == What.READ.value:
            what = f"{self.name} is read" if self.new is None else f"{self.name} is {self.after}"
        elif self.old is None:
            what = f"{self.name} = {self.after}"
        line = f" ({self.line.rpartition('/')[2]})" if self.line else ""
        return f"{self.where}{line}: {what}" + (f" by {self.by}" if self.by else "")


def last(past: Past, stretch: Stretch, text: str, *, changes: bool = False) -> list[Access]:
    """The last writes before the step where the question is asked, the latest first: one, unless
    another limit is said. Of a register: the last change."""
    before = replace(stretch, end=min(stretch.end, stretch.here), backward=True)
    return writes(past, replace(before, limit=stretch.limit or 1), text, changes=changes)


def following(past: Past, stretch: Stretch, text: str, *, changes: bool = False) -> list[Access]:
    """As `last`, of what comes after that step."""
    after = replace(stretch, begin=max(stretch.begin, stretch.here + 1), backward=False)
    return writes(past, replace(after, limit=stretch.limit or 1), text, changes=changes)


def writes(past: Past, stretch: Stretch, text: str, *, changes: bool = False) -> list[Access]:
    """All writes, in order. `changes`: only those of another value than what was there."""
    about = target(past, text, stretch.here)
    what = What.REGISTER if about.register else What.WRITTEN
    return list(_accesses(past, stretch, about, what, changes or bool(about.register)))


def reads(past: Past, stretch: Stretch, text: str) -> list[Access]:
    """All reads of memory, or of a device's register, in order."""
    about = target(past, text, stretch.here)
    if about.register:
        raise UserError("Reads of the processor's registers are not known: ask for memory.")
    return list(_accesses(past, stretch, about, What.READ, False))


def _accesses(
    past: Past, stretch: Stretch, about: Target, what: What, changes: bool
) -> Iterator[Access]:
    asked: dict[str, Any] = {"limit": stretch.limit}
    if about.register:
        asked |= {"name": about.register, "mask": about.mask}
    else:
        asked |= {"ranges": (about.range,), "physical": about.physical}
    if changes and not about.register:
        asked["condition"] = (old & about.mask) != (new & about.mask)
    for row in rows(past, stretch, what, **asked):
        was, now = about.value(row.old or 0), about.value(row.new or 0)
        device = not about.register and past.machine.bus.at(row.address) is not None
        whole = about.register or (row.address, row.size) == (about.address, about.size)
        old_value = None if device else Hex(was)
        new_value = None if device and row.kind is What.READ else Hex(now)
        # A part of it, or more than it, has no type of its own.
        part = about if whole else Target("", size=row.size)
        yield Access(
            past.place(row.step),
            row.kind.value,
            about.name if whole else past.data(row.address),
            None if about.register else Hex(row.address),
            row.size or about.size,
            old_value,
            new_value,
            None if row.pc is None else Hex(row.pc),
            "" if row.pc is None else past.code(row.pc),
            "" if row.pc is None else past.line(row.pc),
            part.told(past, old_value),
            part.told(past, new_value),
            past.maker(row.by, row.step, register=row.kind is What.REGISTER),
        )
