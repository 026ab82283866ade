"""What answers are made of."""

from __future__ import annotations

from ttd.history.named_place import Place
from ttd.values import dataclass


class Hex(int):
    """A number that people read in hexadecimal: an address, the contents of memory."""

    def __str__(self) -> str:
        return f"{int(self):#x}"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Row:
    """Something that happened in the step at `place`: to go there shows the machine just before."""

    place: Place

    @property
    def text(self) -> str:
        """What it was, in a line for people."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.place}  {self.text}"


@dataclass(frozen=True, slots=True)
class Sum:
    """A line of an answer that is about many places."""

    @property
    def text(self) -> str:
        """It, in a line for people."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text
