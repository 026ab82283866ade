"""Where a run has been, and going back along that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from ttd.debugger.session import Session
from ttd.history import place as history
from ttd.history.named_place import Place


class Trail(Sequence[Place]):
    """The places to which jumps and runs have led, in their order, and where the first of them
    began: single steps leave none. It can be walked back, and forward again."""

    def __init__(
        self,
        session: Session,
        told: Callable[[history.Place], Place],
        walk: Callable[[int], Place],
    ) -> None:
        """`told`: a place as programs know it; `walk`: goes to the one of an index."""
        self._session = session
        self._told = told
        self._walk = walk

    def back(self) -> Place:
        """Go to the place before this one; after single steps to where they began. `UserError` if
        there is none."""
        self._session.follow()
        return self._walk(self._session.marks.trail.back(self._session.place))

    def forward(self) -> Place:
        """Go to where `back` was called. `UserError` if nobody has gone back."""
        self._session.follow()
        return self._walk(self._session.marks.trail.forward())

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Place: ...
    @overload
    def __getitem__(self, index: slice) -> list[Place]: ...
    def __getitem__(self, index: int | slice) -> Place | list[Place]:
        if isinstance(index, slice):
            return [self._told(place) for place in self._places[index]]
        return self._told(self._places[index])

    def __repr__(self) -> str:
        return f"<trail of {', '.join(str(place) for place in self)}>"

    @property
    def _places(self) -> list[history.Place]:
        self._session.follow()
        return self._session.marks.trail.places
