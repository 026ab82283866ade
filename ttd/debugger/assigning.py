"""Something that is to be changed, as people say it: `$r0=1`, `todo=EVENTS | TICK`, `p->next=0`."""

from __future__ import annotations

import re

from ttd.errors import UserError
from ttd.program.errors import ProgramError
from ttd.questions.past import Past
from ttd.questions.target import Target, target
from ttd.text import shown
from ttd.values import dataclass

_PART = re.compile(r"(?P<of>[A-Za-z_.][\w.$]*):(?P<size>[1248])")
_SIZES = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What something is going to be."""

    about: Target
    value: int

    def make(self, past: Past) -> None:
        """With the machine where it was understood."""
        about, probe = self.about, past.timeline.probe
        old = (
            past.timeline.cpu.read_register(about.register) if about.register else self._there(past)
        )
        whole = self.value if about.mask < 0 else old & ~about.mask | self._placed()
        whole &= (1 << 8 * about.size) - 1
        if about.register:
            probe.write_register(about.register, whole)
        else:
            probe.write_memory(about.address, whole.to_bytes(about.size, "little"))

    def _there(self, past: Past) -> int:
        data = past.timeline.probe.read_memory(self.about.address, self.about.size)
        return int.from_bytes(data, "little")

    def _placed(self) -> int:
        """The value, in the bits that are meant."""
        mask = self.about.mask
        return self.value << (mask & -mask).bit_length() - 1 & mask


def assignment(past: Past, what: str, value: str) -> Assignment:
    """`what` is a variable, an expression that is written somewhere, a `$register`,
    `0xADDRESS:SIZE` or `variable:SIZE`; `value` an expression of C, with names of enumerations.
    Both mean what they do where the machine is; a `UserError` if they mean nothing.
    """
    here = past.timeline.position
    part = _PART.fullmatch(what)
    about = target(past, what if part is None else part["of"], here)
    if part is not None and not about.register:
        about = Target(what, address=about.address, size=int(part["size"]), physical=about.physical)
    if about.physical:
        raise UserError(f"{what} is of a device, which is not changed from outside.")
    if not about.register and about.size not in _SIZES:
        raise UserError(f"{what} has {about.size} bytes: say which, as in {what}:4.")
    return Assignment(about, _number(past, value))


def _number(past: Past, text: str) -> int:
    """Of an expression."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return past.program.locate(f"({text}) + 0", past.moment).number(past.moment)
    except ProgramError as error:
        raise UserError(f"{shown(text)} is no number: {error}") from None
